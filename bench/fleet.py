"""The content of a fleet to measure with: servers, networks, clusters, profiles and their assets, as
YAML in the shape that a seed chooses. `generate.py` makes the repository of it."""

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path

SITES = "ams fra lhr cdg mad waw arn osl hel dub zrh vie prg bud mxp lis".split()
HARDWARE = {
    "Dell": ("PowerEdge", ["R650", "R740", "R7525"], ["d09466", "b07b25"], "idrac", "eno1"),
    "HPE": ("ProLiant DL", ["360 Gen10", "380 Gen11"], ["3ca82a", "5cba2c"], "ilo", "eno5"),
    "Supermicro": ("SYS-", ["1029U-TR4T", "620P-TRT"], ["ac1f6b", "3cecef"], "ipmi", "enp65s0f0"),
}
ROLES = ["compute", "compute", "compute", "storage", "gpu", "edge"]
SERVICES = ["kubernetes_worker", "ceph_osd", "node_exporter", "chainfire", "flaredb", "slurmd"]
RACK_UNITS = 38


def ip(number):
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@dataclass
class Shape:
    """What a seed decides for a whole fleet."""

    names: str  # site-rack-unit, role-number or words
    indent: int
    split: bool  # inventory/<site>.yaml instead of one inventory.yaml
    flow_percent: int  # servers in one line
    comment_percent: int
    macs: list
    prefix_lengths: list
    ipv6_percent: int
    bmc_dhcp_percent: int
    own_profile_percent: int
    vlan_percent: int

    @staticmethod
    def of(rng):
        return Shape(
            names=rng.choice(["place", "role", "words"]),
            indent=rng.choice([2, 2, 4]),
            split=rng.random() < 0.3,
            flow_percent=rng.choice([15, 30, 60]),
            comment_percent=rng.choice([0, 5, 20]),
            macs=rng.choice([["colon"], ["colon", "upper"],
                             ["colon", "upper", "dash", "cisco", "bare"]]),
            prefix_lengths=rng.choice([[22], [21, 22, 23], [23, 24]]),
            ipv6_percent=rng.choice([20, 50, 80]),
            bmc_dhcp_percent=rng.choice([0, 20]),
            own_profile_percent=rng.choice([30, 60]),
            vlan_percent=rng.choice([0, 3]),
        )


@dataclass
class Network:
    name: str
    base: int
    length: int
    vlan: int
    bmc: bool
    dhcp: str
    gateway_last: bool
    ipv6: int = 0  # number of its /64; 0: none
    used: int = 0

    @property
    def size(self):
        return 1 << (32 - self.length)

    @property
    def capacity(self):  # the top eighth is the DHCP range, the first sixteen are kept free
        return self.size - self.size // 8 - 16 - 2

    def take(self):
        self.used += 1
        return self.base + 15 + self.used


@dataclass
class Server:
    name: str
    hostname: str
    site: str
    rack: str
    position: int
    role: str
    vendor: str
    model: str
    serial: str
    network: Network
    address: int
    mac: int
    mac_spelling: str
    nic: str
    bmc_nic: str
    bmc_address: int
    bmc_mac: int
    services: list
    style: int  # 0: one line of flow; 1: block with flow interfaces; 2: block throughout
    profile: str = ""
    ipv6: str = ""
    mtu: int = 0
    console: str = ""
    params: list = field(default_factory=list)
    labels: dict = field(default_factory=dict)
    vlan: int = 0
    vlan_address: int = 0
    tenant: str = ""
    comment: str = ""
    quoted: bool = False
    with_length: bool = False


def spell_mac(number, spelling):
    digits = f"{number:012x}"
    if spelling == "cisco":
        return ".".join(digits[i:i + 4] for i in (0, 4, 8))
    if spelling == "bare":
        return f'"{digits}"'
    if spelling == "dash":
        return "-".join(digits[i:i + 2] for i in range(0, 12, 2)).upper()
    text = ":".join(digits[i:i + 2] for i in range(0, 12, 2))
    return f'"{text.upper() if spelling == "upper" else text}"'


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return str(value)


def block(value, indent, step):
    pad = " " * indent
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines.append(f"{pad}{key}:")
            lines += block(item, indent + step, step)
        elif isinstance(item, list) and item:
            lines.append(f"{pad}{key}:")
            lines += [f"{pad}{' ' * step}- {flow(v)}" for v in item]
        else:
            lines.append(f"{pad}{key}: {item}")
    return lines


class Flow(dict):
    """A mapping that block style writes in one line."""


class Fleet:
    """The generated content. `servers` may be edited; `write_inventory` then writes the files."""

    DOMAIN = "fleet.example.net"

    def __init__(self, count, seed=1):
        self.rng = random.Random(f"{seed}")
        self.shape = Shape.of(self.rng)
        self.networks, self.bmc_networks, self.servers, self.clusters = [], [], [], []
        self._next_base = {False: 10 << 24, True: (10 << 24) + (128 << 16)}
        for index in range(count):
            self.servers.append(self._server(index))
        self._make_clusters()

    def _network(self, bmc):
        networks = self.bmc_networks if bmc else self.networks
        if networks and networks[-1].used < networks[-1].capacity:
            return networks[-1]
        rng, shape = self.rng, self.shape
        length = rng.choice(shape.prefix_lengths)
        size = 1 << (32 - length)
        base = (self._next_base[bmc] + size - 1) // size * size
        self._next_base[bmc] = base + size
        number = len(networks) + 1
        served = not bmc or rng.randrange(100) < shape.bmc_dhcp_percent
        networks.append(Network(
            name=f"{'bmc' if bmc else 'nodes'}-{number:03d}", base=base, length=length,
            vlan=(2000 if bmc else 100) + number % 1900, bmc=bmc,
            dhcp="dnsmasq" if served else "external", gateway_last=rng.random() < 0.3,
            ipv6=number if not bmc and rng.randrange(100) < 60 else 0))
        return networks[-1]

    def _server(self, index):
        rng, shape = self.rng, self.shape
        rack_number = index // RACK_UNITS
        site = SITES[rack_number // 24 % len(SITES)]
        room = rack_number // (24 * len(SITES))
        rack = f"{site.upper()}{room}-R{rack_number % 24 + 1:02d}"
        unit = index % RACK_UNITS + 1
        role = rng.choice(ROLES)
        if shape.names == "place":
            name = f"{site}{room}-r{rack_number % 24 + 1:02d}-u{unit:02d}"
        elif shape.names == "role":
            name = f"{role}_{index:06d}" if index % 7 == 0 else f"{role}-{index:06d}"
        else:
            name = "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(3))
            name = f"{name}{index:x}-{site}"
        vendor = rng.choice(list(HARDWARE))
        family, models, ouis, bmc_nic, nic = HARDWARE[vendor]
        network, bmc_network = self._network(False), self._network(True)
        address = network.take()
        server = Server(
            name=name, hostname=f"{name.replace('_', '-')}.{site}.{self.DOMAIN}", site=site,
            rack=rack, position=unit, role=role, vendor=vendor, model=family + rng.choice(models),
            serial=f"{rng.choice('CGHJX')}{index:07X}"[:10], network=network, address=address,
            mac=int(rng.choice(ouis) + f"{index * 2 + 1:06x}", 16),
            mac_spelling=rng.choice(shape.macs), nic=nic, bmc_nic=bmc_nic,
            bmc_address=bmc_network.take(), bmc_mac=int(ouis[0] + f"{index * 2 + 2:06x}", 16),
            services=sorted(rng.sample(SERVICES, rng.randrange(4))),
            style=0 if rng.randrange(100) < shape.flow_percent else rng.choice([1, 1, 2]))
        if network.ipv6 and rng.randrange(100) < shape.ipv6_percent:
            server.ipv6 = f"2001:db8:{network.ipv6:x}::{address - network.base:x}/64"
        if rng.randrange(100) < shape.own_profile_percent:
            server.profile = rng.choice(["ubuntu", "ubuntu", "nixos", "talos-worker"])
        server.mtu = rng.choice([0, 0, 0, 9000, 1500])
        if rng.random() < 0.3:
            server.console = rng.choice(["ttyS0,115200", "ttyS1,115200n8"])
            server.params = rng.choice([[], ["mitigations=off"], ["hugepages=64", "iommu=pt"]])
        if rng.random() < 0.4:
            server.labels = {"gen": f"g{rng.randrange(4)}", "owner": rng.choice(["hpc", "web"])}
        if rng.randrange(100) < shape.vlan_percent:
            server.vlan = 3000 + index % 90
            server.vlan_address = (172 << 24) + (16 << 16) + 1 + index
        if rng.random() < 0.1:
            server.tenant = rng.choice(["research", "platform"])
        if rng.randrange(100) < shape.comment_percent:
            server.comment = f"# {rack}, delivered with order {rng.randrange(10**6):06d}"
        server.quoted = rng.random() < 0.3
        server.with_length = rng.random() < 0.2
        return server

    def _make_clusters(self):
        rng = self.rng
        left = list(self.servers)
        while left:
            size = min(len(left), rng.randrange(7, 14))
            members, left = left[:size], left[size:]
            self.clusters.append({
                "name": f"k8s-{len(self.clusters):05d}", "members": members,
                "control": 3 if size >= 5 else 1, "asn": 64512 + len(self.clusters) % 1000,
                "bgp": rng.random() < 0.5, "prismnet": rng.random() < 0.3,
                "profile": rng.choice(["talos-worker", "ubuntu", ""]),
                "flow": rng.random() < 0.5, "alias": rng.random() < 0.2})

    # Writing

    def fields(self, s):
        quote = (lambda text: f'"{text}"') if s.quoted else str
        out = {"hostname": quote(s.hostname)}
        out["ipv4"] = ip(s.address) + (f"/{s.network.length}" if s.with_length else "")
        if s.ipv6:
            out["ipv6"] = f'"{s.ipv6}"'
        out |= {"serial": quote(s.serial), "manufacturer": s.vendor, "model": quote(s.model),
                "site": s.site, "rack": s.rack, "position": s.position, "role": s.role}
        if s.tenant:
            out["tenant"] = s.tenant
        if s.profile:
            out["profile"] = s.profile
        if s.labels:
            out["labels"] = Flow(s.labels)
        if s.console or s.params:
            boot = Flow({"console": f'"{s.console}"'} if s.console else {})
            if s.params:
                boot["params"] = [f'"{param}"' for param in s.params]
            out["boot"] = boot
        primary = {"mac": spell_mac(s.mac, s.mac_spelling), "role": "primary"}
        if s.mtu:
            primary["mtu"] = s.mtu
        bmc = {"mac": spell_mac(s.bmc_mac, s.mac_spelling), "role": "bmc",
               "ipv4": ip(s.bmc_address)}
        kind = dict if s.style == 2 else Flow
        out["interfaces"] = {s.nic: kind(primary), s.bmc_nic: kind(bmc)}
        if s.vlan:
            vlan = Flow({"id": s.vlan, "link": s.nic, "addresses": [f"{ip(s.vlan_address)}/12"]})
            out["network"] = {"vlans": {f"vlan{s.vlan}": vlan}}
        if s.services:
            out["services"] = flow(s.services)
        return out

    def server_text(self, s):
        step = self.shape.indent
        pad = " " * step
        fields = self.fields(s)
        if s.style == 0:
            lines = [f"{pad}{s.name}: {flow(fields)}"]
        else:
            plain = {k: self._plain(v) for k, v in fields.items()}
            lines = [f"{pad}{s.name}:"] + block(plain, 2 * step, step)
        if s.comment:
            lines.insert(0, pad + s.comment)
        return "\n".join(lines) + "\n"

    def _plain(self, value):
        if isinstance(value, Flow):
            return flow(value)
        if isinstance(value, dict):
            return {k: self._plain(v) for k, v in value.items()}
        return value

    def inventory_files(self):
        """Path -> text."""
        if not self.shape.split:
            return {"inventory.yaml": "servers:\n" + "".join(map(self.server_text, self.servers))}
        files = {"inventory.yaml": "# One file a site under inventory/.\nservers: {}\n"}
        for s in self.servers:
            path = f"inventory/{s.site}.yaml"
            files[path] = files.get(path, "servers:\n") + self.server_text(s)
        return files

    def networks_text(self):
        lines = ["networks:"]
        for n in self.networks + self.bmc_networks:
            top = n.base + n.size
            gateway = ip(top - 2 if n.gateway_last else n.base + 1)
            last = top - (3 if n.gateway_last else 2)
            dhcp = {"server": n.dhcp}
            if n.dhcp == "dnsmasq":
                dhcp |= {"range": f"{ip(top - n.size // 8)}-{ip(last)}", "lease": "12h"}
            lines += [f"  {n.name}:", f"    prefix: {ip(n.base)}/{n.length}",
                      f"    gateway: {gateway}", f"    vlan: {n.vlan}"]
            if not n.bmc:
                lines += [f"    dns: [{gateway}, 10.255.255.53]", f"    domain: {self.DOMAIN}",
                          "    boot-server: 10.255.255.10"]
            lines.append(f"    dhcp: {flow(dhcp)}")
            if n.ipv6:
                lines.append(f'    ipv6: {{prefix: "2001:db8:{n.ipv6:x}::/64", ra: stateful, '
                             'range: "::10:1000-::10:1fff"}')
        return "\n".join(lines) + "\n"

    def cluster_text(self, number, c):
        nodes = {}
        for i, s in enumerate(c["members"]):
            node = {"role": "control-plane" if i < c["control"] else "worker",
                    "ip": ip(s.address), "services": s.services or ["node_exporter"]}
            name = s.name
            if c["alias"]:
                name, node["server"] = f"node{i:02d}", s.name
            nodes[name] = node
        first = list(nodes)[:min(c["control"], len(nodes))]
        out = [f"name: {c['name']}", "nodes:"]
        for name, node in nodes.items():
            if c["flow"]:
                out.append(f"  {name}: {flow(node)}")
            else:
                out += [f"  {name}:"] + block(node, 4, 2)
        out.append(f"bootstrap: {{initialPeers: {flow(first)}}}")
        out.append(f"bgp: {{asn: {c['asn']}}}")
        if c["bgp"] or c["prismnet"]:
            out.append("network:")
        if c["bgp"]:
            vip = (10 << 24) + (192 << 16) + number
            out.append(f"  fiberlbBgp: {{enable: true, vips: [{ip(vip)}]}}")
        if c["prismnet"]:
            out.append("  prismnetIntegration: {enable: true}")
        if c["profile"]:
            out.append(f"profile: {c['profile']}")
        return "\n".join(out) + "\n"

    PROFILES = {
        "ubuntu": ("ubuntu", "ubuntu/24.04", ["vmlinuz"], ["initrd"],
                   ["ip=dhcp", "autoinstall", "hostname=${hostname}"]),
        "nixos": ("nixos", "nixos/24.11", ["bzImage"], ["initrd"],
                  ["init=/nix/store/boot/init", "boot.shell_on_fail"]),
        "talos-cp": ("talos-controlplane", "talos/1.7", ["vmlinuz"], ["initramfs.xz"],
                     ["talos.platform=metal", "talos.hostname=${hostname}"]),
        "talos-worker": ("talos-worker", "talos/1.7", ["vmlinuz"], ["initramfs.xz"],
                         ["talos.platform=metal", "talos.hostname=${hostname}"]),
        "rescue": ("rescue", "rescue", ["vmlinuz"], ["initrd.gz", "tools.cpio"],
                   ["rescue", "bootif=${mac}"]),
    }

    def write_assets(self, folder):
        digests = {}
        for _, place, kernels, initrds, _ in self.PROFILES.values():
            for name in kernels + initrds:
                path = Path(folder, place, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                content = random.Random(f"{place}/{name}").randbytes(64 << 10)
                path.write_bytes(content)
                digests[f"{place}/{name}"] = hashlib.sha256(content).hexdigest()
        return digests

    def profile_text(self, name, digests):
        kind, place, kernels, initrds, params = self.PROFILES[name]

        def asset(file):
            return flow({"path": f"{place}/{file}", "sha256": digests[f"{place}/{file}"]})

        lines = [f"type: {kind}", f"kernel: {asset(kernels[0])}"]
        if len(initrds) == 1:
            lines.append(f"initrd: {asset(initrds[0])}")
        else:
            lines += ["initrd:"] + [f"  - {asset(file)}" for file in initrds]
        lines += ["params:"] + [f'  - "{param}"' for param in params]
        if name == "rescue":
            lines.append("default: true")
        return "\n".join(lines) + "\n"

    def write_inventory(self, repository):
        """Writes what differs of the inventory; returns the number of files written."""
        written = 0
        for name, text in self.inventory_files().items():
            path = Path(repository, name)
            if not path.exists() or path.read_text() != text:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
                written += 1
        return written

    def write_repository(self, repository, digests):
        for folder in ("clusters", "profiles"):
            Path(repository, folder).mkdir(parents=True, exist_ok=True)
        self.write_inventory(repository)
        Path(repository, "networks.yaml").write_text(self.networks_text())
        for number, cluster in enumerate(self.clusters):
            path = Path(repository, "clusters", f"{cluster['name']}.yaml")
            path.write_text(self.cluster_text(number, cluster))
        for name in self.PROFILES:
            Path(repository, "profiles", f"{name}.yaml").write_text(
                self.profile_text(name, digests))
