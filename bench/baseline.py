#!/usr/bin/env python3
"""The same work done by a good script, to compare with: Python, libyaml's CSafeLoader and Jinja2.

It reads a repository, checks what rendering relies on, renders every artifact that metalwright
renders for the generated fleets (pxelinux, GRUB and iPXE menus and machines, netplan,
cluster-config, dnsmasq), compares each with the tree, and writes what differs by rename.

  bench/baseline.py plan   ROOT      ROOT as bench/generate.py makes it; writes nothing
  bench/baseline.py apply  ROOT
  bench/baseline.py render ROOT      in memory; for the time of rendering alone

Written for speed where Python offers it: one compiled template a format, addresses as integers and
a bisection over the networks, files read only where sizes agree. It does less than metalwright:
no field-level differences, no origins, no record of what it did.
"""

import argparse
import json
import os
import socket
import struct
import time
from bisect import bisect_right
from pathlib import Path

import jinja2
import yaml

import baseline_templates as templates

LOADER = yaml.CSafeLoader


def address(text):
    return struct.unpack("!I", socket.inet_aton(text))[0]


def mac_of(text):
    digits = text.replace(":", "").replace("-", "").replace(".", "").lower()
    if len(digits) != 12:
        raise ValueError(f"{text!r} is not a MAC address")
    return ":".join((digits[0:2], digits[2:4], digits[4:6], digits[6:8], digits[8:10],
                     digits[10:12]))


def read_yaml(path):
    with open(path, "rb") as file:
        return yaml.load(file, LOADER)


class Repository:
    """The typed content of a repository: dictionaries with what the templates need filled in."""

    def __init__(self, folder):
        folder = Path(folder)
        self.networks = self._networks(read_yaml(folder / "networks.yaml")["networks"])
        self.served = [n for n in self.networks if n["dhcp"].get("server") == "dnsmasq"]
        self.bases = [network["base"] for network in self.networks]
        self.profiles = {}
        for path in sorted(folder.glob("profiles/*.yaml")):
            self.profiles[path.stem] = self._profile(path.stem, read_yaml(path))
        self.servers = {}
        for path in [folder / "inventory.yaml", *sorted(folder.glob("inventory/*.yaml"))]:
            for name, server in (read_yaml(path)["servers"] or {}).items():
                if name in self.servers:
                    raise ValueError(f"{path}: {name} is defined twice")
                server["file"] = path.relative_to(folder).as_posix()
                self.servers[name] = server
        self.clusters = [read_yaml(path) for path in sorted(folder.glob("clusters/*.yaml"))]
        self.member = {}
        for cluster in self.clusters:
            self._cluster(cluster)
        self.macs, self.hostnames, self.addresses = {}, {}, {}
        for name in sorted(self.servers):
            self._server(name, self.servers[name])

    @staticmethod
    def _networks(entries):
        networks = []
        for name, network in entries.items():
            base, _, length = network["prefix"].partition("/")
            length = int(length)
            dhcp = network.get("dhcp", {})
            network |= {"name": name, "base": address(base), "network": base, "length": length,
                        "last": address(base) + (1 << (32 - length)) - 1, "dhcp": dhcp,
                        "netmask": socket.inet_ntoa(struct.pack("!I", -1 << (32 - length)
                                                                & 0xffffffff))}
            if "lease" in dhcp:  # the generator writes hours
                network["lease"] = int(dhcp["lease"].rstrip("h")) * 3600
            if "range" in dhcp:
                network["range"] = dhcp["range"].split("-")
            networks.append(network)
        return sorted(networks, key=lambda network: network["base"])

    @staticmethod
    def _profile(name, profile):
        initrd = profile["initrd"]
        initrds = initrd if isinstance(initrd, list) else [initrd]
        place = lambda asset: f"assets/{name}/" + asset["path"].rpartition("/")[2]
        paths = [place(image) for image in initrds]
        profile |= {"name": name, "title": profile.get("title", name),
                    "kernel": place(profile["kernel"]), "initrds": paths,
                    "initrd_arguments": "".join(" initrd=" + path.rpartition("/")[2]
                                                for path in paths),
                    "params": profile.get("params", [])}
        return profile

    def _cluster(self, cluster):
        nodes = cluster["nodes"]
        peers = cluster["bootstrap"]["initialPeers"]
        if not any(node["role"] == "control-plane" for node in nodes.values()):
            raise ValueError(f"{cluster['name']} has no control plane")
        for peer in peers:
            if peer not in nodes:
                raise ValueError(f"{cluster['name']}: no node {peer}")
        for name, node in nodes.items():
            self.member[node.get("server", name)] = (cluster, name, node)

    def _once(self, seen, value, name):
        if seen.setdefault(value, name) != name:
            raise ValueError(f"{value} of {name} is also that of {seen[value]}")

    def network_of(self, number):
        index = bisect_right(self.bases, number) - 1
        if index >= 0 and number <= self.networks[index]["last"]:
            return self.networks[index]
        return None

    def _server(self, name, server):
        primary = None
        for nic, interface in server["interfaces"].items():
            interface["name"] = nic
            interface["mac"] = mac_of(interface["mac"])
            self._once(self.macs, interface["mac"], name)
            if interface["role"] == "primary":
                primary = interface
            elif "ipv4" in interface:
                number = address(interface["ipv4"].partition("/")[0])
                self._once(self.addresses, number, name)
                interface["network"] = self.network_of(number)
        ipv4, _, length = server["ipv4"].partition("/")
        number = address(ipv4)
        network = self.network_of(number)
        self._once(self.addresses, number, name)
        self._once(self.hostnames, server["hostname"], name)
        member = self.member.get(name)
        profile = server.get("profile") or (member and member[0].get("profile"))
        mac = primary["mac"]
        vlans = server.get("network", {}).get("vlans")
        server |= {"name": name, "primary": primary, "mac": mac, "dashes": mac.replace(":", "-"),
                   "ipv4": ipv4, "network": network, "length": length or network["length"],
                   "vlans": vlans, "bare_ipv6": server.get("ipv6", "").partition("/")[0],
                   "profile": self.profiles[profile] if profile else None, "member": member,
                   "short": server["hostname"].partition(".")[0]}


class Renderer:
    def __init__(self, repository, root):
        self.repository = repository
        self.root = str(root)
        environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True,
                                         keep_trailing_newline=True, autoescape=False)
        self.templates = {name: environment.from_string(text)
                          for name, text in templates.TEMPLATES.items()}

    @staticmethod
    def arguments(server):
        """The kernel's command line as a list, with what is known of the machine filled in."""
        params = list(server["profile"]["params"])
        boot = server.get("boot") or {}
        params += boot.get("params", [])
        if "console" in boot:
            params.append("console=" + boot["console"])
        return [param.replace("${hostname}", server["hostname"]).replace("${mac}", server["mac"])
                .replace("${ip}", server["ipv4"]) if "$" in param else param for param in params]

    def site(self):
        """Menus and the main configuration."""
        repository, render = self.repository, self.templates
        profiles = repository.profiles.values()
        first = next((p["name"] for p in profiles if p.get("default")), "local")
        for name, path, word, quote in (("pxelinux_menu", "pxelinux.cfg/default", "", ""),
                                        ("grub_menu", "efi64/grub.cfg", "$net_default_mac", "'"),
                                        ("ipxe_menu", "ipxe/menu.ipxe", "${netX/mac}", "")):
            entries = [(p, " ".join(quote + param.replace("${mac}", word) + quote
                                    for param in p["params"])) for p in profiles]
            yield f"tftp/{path}", render[name].render(entries=entries, first=first), 0o644
        yield "dnsmasq/metalwright.conf", render["dnsmasq"].render(
            root=self.root, networks_served=repository.served), 0o644

    def render(self):
        """Yields (path, text, mode)."""
        repository, render = self.repository, self.templates
        yield from self.site()
        hosts = {network["name"]: [] for network in repository.served}
        pxelinux, grub, ipxe = render["pxelinux"], render["grub"], render["ipxe"]
        netplan, host = render["netplan"], render["host"]
        for name in sorted(repository.servers):
            server = repository.servers[name]
            scope = {"server": server, "profile": server["profile"]}
            if server["profile"]:
                arguments = self.arguments(server)
                scope["arguments"] = " ".join(arguments)
                scope["quoted"] = "'" + "' '".join(arguments) + "'"
            dashes = server["dashes"]
            yield f"tftp/pxelinux.cfg/01-{dashes}", pxelinux.render(scope), 0o644
            yield f"tftp/efi64/grub.cfg-01-{dashes}", grub.render(scope), 0o644
            yield f"tftp/ipxe/{dashes}.ipxe", ipxe.render(scope), 0o644
            yield f"nodes/{name}/etc/netplan/99-metalwright.yaml", netplan.render(scope), 0o600
            if server["member"]:
                yield f"nodes/{name}/cluster-config.json", self.cluster_config(server), 0o644
            for interface in server["interfaces"].values():
                network = server["network"] if interface["role"] == "primary" \
                    else interface.get("network")
                if network and network["name"] in hosts:
                    hosts[network["name"]].append(
                        (interface["mac"], host.render(
                            server=server, interface=interface, network=network)))
        for network, lines in hosts.items():
            text = templates.HOSTS_HEADER + "".join(line for _, line in sorted(lines))
            yield f"dnsmasq/hosts/{network}.hosts", text, 0o644

    def cluster_config(self, server):
        cluster, name, node = server["member"]
        peers = cluster["bootstrap"]["initialPeers"]
        shared = cluster.get("shared")
        if shared is None:
            nodes = [(key, value, json.dumps(value["services"]))
                     for key, value in sorted(cluster["nodes"].items())]
            shared = cluster["shared"] = self.templates["cluster_shared"].render(
                cluster=cluster, peers=json.dumps(peers), nodes=nodes)
        return self.templates["cluster_config"].render(
            cluster=cluster, node_id=name, node=node, services=json.dumps(node["services"]),
            bootstrap="true" if name in peers else "false", shared=shared)


def same(path, content):
    try:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size != len(content):
                return False
            return file.read() == content
    except FileNotFoundError:
        return False


def write(path, content, mode):
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".{name}.tmp")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb",
              buffering=0) as file:
        file.write(content)
    os.rename(temporary, path)


def list_files(folder):
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                found += list_files(entry.path)
            else:
                found.append(entry.path)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("mode", choices=["plan", "apply", "render"])
    parser.add_argument("root")
    parser.add_argument("--out", help="compare with and write to this tree instead of ROOT")
    arguments = parser.parse_args()
    root = os.path.realpath(arguments.root)
    out = arguments.out or root

    begin = time.perf_counter()
    repository = Repository(os.path.join(root, "fleet"))
    loaded = time.perf_counter()
    renderer = Renderer(repository, root)
    compiled = time.perf_counter()
    cpu = time.process_time()
    artifacts = [(path, text.encode(), mode) for path, text, mode in renderer.render()]
    rendered = time.perf_counter()
    print(f"load {loaded - begin:.6f}\nrender {rendered - compiled:.6f}")
    print(f"render_cpu {time.process_time() - cpu:.6f}")
    print(f"artifacts {len(artifacts)}\nbytes {sum(len(a[1]) for a in artifacts)}")
    if arguments.mode == "render":
        return

    differing = [artifact for artifact in artifacts
                 if not same(os.path.join(out, artifact[0]), artifact[1])]
    wanted = {os.path.join(out, artifact[0]) for artifact in artifacts}
    foreign = [path for tree in ("tftp", "nodes") if os.path.isdir(os.path.join(out, tree))
               for path in list_files(os.path.join(out, tree)) if path not in wanted]
    compared = time.perf_counter()
    print(f"compare {compared - rendered:.6f}\ndiffering {len(differing)}\nforeign {len(foreign)}")
    if arguments.mode == "apply" and differing:
        for path, content, mode in differing:
            write(os.path.join(out, path), content, mode)
        os.sync()
        print(f"write {time.perf_counter() - compared:.6f}")


if __name__ == "__main__":
    main()
