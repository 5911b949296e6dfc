"""A repository, the host that serves it, and the dnsmasq that answers for it: what the tests boot.

The files that dnsmasq and the machines read are what `metalwright apply` writes; nothing here knows
their form.
"""

import contextlib
import copy
import json
import os
import pathlib

import lab

PROGRAM = os.environ.get(
    "METALWRIGHT", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "metalwright"))
LEASE_SECONDS = 12 * 3600

NETWORKS = {
    "lab": {
        "prefix": "10.9.0.0/24",
        "gateway": lab.SERVER,
        "dns": [lab.SERVER],
        "domain": "example.net",
        "boot-server": lab.SERVER,
        "dhcp": {"server": "dnsmasq", "range": "10.9.0.100-10.9.0.199", "lease": "12h"},
        "ipv6": {"prefix": "2001:db8:9::/64", "ra": "stateful", "range": "::1000-::1fff"},
    }
}


def mac_of(number):
    return f"52:54:00:09:00:{number:02x}"


def server(number, name=None, **more):
    """A server `10.9.0.<number>` with one card, by its name."""
    name = name or f"node{number}"
    entry = {
        "hostname": f"{name}.example.net",
        "ipv4": f"10.9.0.{number}",
        "ipv6": f"2001:db8:9::{number:x}/64",
        "interfaces": {"eth0": {"mac": mac_of(number).upper(), "role": "primary"}},
    }
    return {name: entry | more}


class Fleet:
    """A repository of `servers`, `networks` and `profiles`, each by name, and where it is served.
    More arguments are keys of the dnsmasq target."""

    def __init__(self, folder, servers, networks=None, profiles=None, service_url="", **dnsmasq):
        self.folder = folder
        self.repository = folder / "repository"
        self.tree = folder / "tree"
        self.assets = folder / "assets"
        self.log = folder / "dnsmasq.log"
        self.servers = servers
        self.networks = copy.deepcopy(NETWORKS) if networks is None else networks
        self.profiles = profiles or {}
        for made in (self.repository, self.tree, self.assets, folder / "hosts", folder / "secrets"):
            made.mkdir()
        self.target = {
            "name": "dhcp",
            "type": "dnsmasq",
            "config": str(folder / "dnsmasq.conf"),
            "hosts": str(folder / "hosts"),
            "interfaces": ["br0"],
            "pid-file": str(folder / "dnsmasq.pid"),
            "lease-file": str(folder / "leases"),
            "log-file": str(self.log),
            "run-as": "root",
        } | {key.replace("_", "-"): value for key, value in dnsmasq.items()}
        self.host = {
            "source": {"git": str(self.repository), "branch": "main"},
            "state": f"sqlite:{folder}/state.db",
            "secrets": str(folder / "secrets"),
            "assets": str(self.assets),
            "policy": {"max-deletes": {"count": 100, "percent": 100}},
            "targets": [
                {"name": "tree", "type": "files", "root": str(self.tree),
                 "render": ["pxelinux", "grub", "ipxe"]},
                self.target,
            ],
        }
        if service_url:
            self.host["service"] = {"listen": ["[::]:8000"], "url": service_url}
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments):
        lab.run("git", "-C", self.repository, "-c", "user.name=test",
                "-c", "user.email=test@example.net", *arguments)

    def commit(self):
        """Writes the repository and commits it. JSON is YAML, and needs no library."""
        files = {"inventory.yaml": {"servers": self.servers}}
        if self.networks:
            files["networks.yaml"] = {"networks": self.networks}
        for name, profile in self.profiles.items():
            files[f"profiles/{name}.yaml"] = profile
        for name, content in files.items():
            path = self.repository / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content, indent=1))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change the fleet")

    def apply(self):
        """Commits the fleet and makes everything that is served as it says."""
        self.commit()
        (self.folder / "metalwright.yaml").write_text(json.dumps(self.host, indent=1))
        self.metalwright("apply", "--yes")

    def metalwright(self, *arguments):
        """Runs a command of the program on this host's configuration; returns what it prints."""
        return lab.run(PROGRAM, "-c", self.folder / "metalwright.yaml", *arguments)

    @contextlib.contextmanager
    def dnsmasq(self):
        """The real server on the link, ready when the block begins."""
        command = ["dnsmasq", "--keep-in-foreground", "--log-dhcp",
                   f"--conf-file={self.target['config']}"]
        earlier = len(self.log.read_text()) if self.log.exists() else 0
        with lab.program(*command, log=self.folder / "dnsmasq-start.log") as process:

            def ready():
                if process.poll() is not None:
                    raise AssertionError(f"dnsmasq ended with {process.returncode}")
                return self.log.exists() and "started, version" in self.log.read_text()[earlier:]

            lab.wait_for(ready, 60, "dnsmasq has started")
            yield process
            assert process.poll() is None, f"dnsmasq ended with {process.returncode}"
