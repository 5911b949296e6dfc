"""Checks the published JSON Schemas with python3-jsonschema: they are schemas, they take what the
loader takes, and they refuse what an editor should underline. Exits 77 where a module is missing."""
import json
import pathlib
import sys

try:
    import jsonschema
    import yaml
except ImportError:
    sys.exit(77)

root = pathlib.Path(sys.argv[1])
schemas = {}
for path in sorted((root / "schemas/json").glob("*.json")):
    schemas[path.stem] = json.loads(path.read_text())
    jsonschema.Draft7Validator.check_schema(schemas[path.stem])

failures = []


def problems(name, text):
    return list(jsonschema.Draft7Validator(schemas[name]).iter_errors(yaml.safe_load(text)))


def takes(name, text):
    for error in problems(name, text):
        failures.append(f"{name} refuses {text!r}: {error.message}")


def refuses(name, text):
    if not problems(name, text):
        failures.append(f"{name} takes {text!r}")


kinds = {"inventory.yaml": "inventory", "networks.yaml": "networks"}
files = 0
for path in sorted((root / "examples").rglob("*.yaml")):
    kind = kinds.get(path.name) or {"clusters": "cluster", "profiles": "profile",
                                    "inventory": "inventory"}.get(path.parent.name)
    if kind:
        files += 1
        takes(kind, path.read_text())
if files < 4:
    failures.append(f"only {files} example files were found")

takes("inventory", """
servers:
  orion:
    hostname: orion.example.net
    ipv4: 192.168.1.141
    ipv6: 2602:F674:0001::1/64
    serial: 12345
    x-note: [anything, {at: all}]
    interfaces:
      eth0: {mac: "D0:94:66:24:96:7E", role: primary, ipv6: 2602:F674:1000::141/64}
      eth1: {mac: 525400000001}
      eth2: {mac: 5254.0000.0001, mtu: 9000}
      eth3: {mac: 5254-0000-0002}
    services: [kubernetes_worker]
    boot: {firmware: uefi, params: [quiet]}
    network:
      wifi: {wlan0: {ssid: lab, password: {secret: wifi}}}
  vega:
moved: [{from: sirius, to: vega}]
x-own: 1
""")
refuses("inventory", "servers: {a: {ipv4: 10.0.0}}")
refuses("inventory", "servers: {a: {hostnam: a}}")
refuses("inventory", "servers: {a: {interfaces: {eth0: {mac: nonsense}}}}")
refuses("inventory", "servers: {a: {network: {vlans: {v: {id: 4095, link: eth0}}}}}")
refuses("inventory", "servers: {a: {network: {wifi: {wlan0: {ssid: x, password: plain}}}}}")
refuses("inventory", "servers: {'a b': {}}")
refuses("inventory", "moved: [{from: a}]")
refuses("networks", "networks: {lab: {gateway: 10.0.0.1}}")
takes("profile", "{type: ubuntu, kernel: a/vmlinuz, initrd: [a/1, {path: a/2}], default: true}")
refuses("profile", "{type: windows, kernel: a}")
refuses("profile", "{type: ubuntu, kernel: {path: a, sha256: 12}}")
refuses("cluster", "{name: lab}")
takes("host-config", """
source: {git: /srv/git/fleet.git, branch: main, poll: 30s, verify: none}
state: sqlite:/var/lib/metalwright/state.db
policy: {max-deletes: {count: 10, percent: 5}, windows: []}
targets:
  - {name: tftp, type: files, root: /var/lib/tftpboot, render: [pxelinux, grub, ipxe]}
  - {name: dhcp, type: dnsmasq, config: /etc/dnsmasq.d/m.conf, hosts: /etc/m/hosts, reload: systemd:dnsmasq}
  - {name: netbox, type: netbox, url: https://netbox.example.net, token: {secret: netbox-token}}
service: {listen: ["[::]:8000"], url: http://192.0.2.1:8000}
""")
refuses("host-config", "source: {git: /srv/x, poll: 30}")

print("\n".join(failures))
sys.exit(1 if failures else 0)
