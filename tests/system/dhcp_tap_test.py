#!/usr/bin/env python3
"""A real dnsmasq gives addresses to real clients; the tap and dnsmasq's hook see it, and the servers
in NetBox are discovered."""

import atexit
import glob
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys

import lab

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from netbox_people import Netbox  # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = os.environ["METALWRIGHT"]
HOOKS = HERE.parent.parent / "deploy/hooks"
CAPTURES = HERE.parent / "reconciler/lifecycle/captures"
HPE, DELL = "3c:a8:2a:00:00:01", "d0:94:66:00:00:02"


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.netbox = Netbox(None, "4.6.8", "--field-choices", "discovered,ready")
        atexit.register(self.netbox.stop)
        (folder / "token").mkdir()
        (folder / "token/netbox").write_text("0123456789abcdef0123456789abcdef01234567")
        self.config = folder / "metalwright.yaml"
        self.config.write_text(
            f"source: {{git: {folder}/none.git}}\nstate: sqlite:{folder}/state/state.db\n"
            f"secrets: {folder}/token\nlifecycle: {{coalesce: 1s}}\n"
            f"targets: [{{name: nb, type: netbox, url: '{self.netbox.url}', token: {{secret: netbox}}}}]\n")

    def dnsmasq(self, *options):
        return lab.program("dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file=/dev/null",
                           "--interface=br0", "--dhcp-authoritative", "--no-ping", "--user=root",
                           f"--dhcp-leasefile={self.folder}/leases", "--log-facility=-", "--log-dhcp",
                           "--dhcp-range=10.9.0.100,10.9.0.150,255.255.255.0,1h", *options,
                           log=self.folder / "dnsmasq.log")

    def tap(self, *arguments):
        return lab.program(PROGRAM, "-c", self.config, "dhcp-tap", *arguments, log=self.log())

    def hook(self, name):
        """A DHCP server's hook for this site's program."""
        wrapper, hook = self.folder / "program", self.folder / "hook"
        wrapper.write_text(f'#!/bin/sh\nexec {PROGRAM} -c {self.config} "$@"\n')
        hook.write_text(f'#!/bin/sh\nMETALWRIGHT={wrapper} exec {HOOKS / name} "$@"\n')
        for script in (wrapper, hook):
            script.chmod(0o755)
        return hook

    def discovered(self, name, source):
        self.state_of(name, "discovered")
        lab.wait_for(lambda: len(self.netbox.journal(name)) == 2, 30, "it is journaled")
        assert source in self.netbox.journal(name)[0], self.netbox.journal(name)

    def log(self):
        return self.folder / "tap.log"

    def listens(self):
        lab.wait_for(lambda: self.log().exists() and "listening on" in self.log().read_text(), 30,
                     "the tap listens")

    def state_of(self, name, state):
        lab.wait_for(lambda: self.netbox.status(name) == state, 60, f"{name} is {state}")


def client(mac, name="ilo-1"):
    """One real client, from discover to acknowledgement."""
    lab.run("ip", "-n", "client", "link", "set", "eth0", "down")
    lab.run("ip", "-n", "client", "link", "set", "eth0", "address", mac)
    lab.run("ip", "-n", "client", "link", "set", "eth0", "up")
    lab.run("ip", "netns", "exec", "client", "busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "20",
            "-T", "1", "-s", "/bin/true", "-x", f"hostname:{name}")


def status_of(process):
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def leases_discover_servers_and_rights_are_given_up(folder):
    site = Site(folder)
    site.netbox.server("orion", HPE)
    site.netbox.server("rigel", DELL, interface="iDRAC")
    with site.dnsmasq(), site.tap("br0") as tap:
        site.listens()
        status = status_of(tap)
        assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split(), status
        assert set(status["CapEff"]) == set(status["CapPrm"]) == {"0"}, status
        assert status["NoNewPrivs"] == "1", status
        client(HPE)
        client(DELL)
        client("52:54:00:00:00:03")
        site.state_of("orion", "discovered")
        site.state_of("rigel", "discovered")
        lab.wait_for(lambda: len(site.netbox.journal("rigel")) == 2, 30, "both are journaled")
        tap.send_signal(signal.SIGTERM)
        assert tap.wait(30) == 0, site.log().read_text()
    bound = set(site.netbox.addresses())
    assert len(bound) == 2 and all(each.startswith("10.9.0.1") for each in bound), bound
    assert "1 of no controller" in site.log().read_text(), site.log().read_text()


def leases_wait_while_netbox_is_away(folder):
    site = Site(folder)
    site.netbox.server("orion", HPE)
    site.netbox.control("POST", "faults", [{"fault": "500", "after": 1, "times": 100000}])
    with site.dnsmasq(), site.tap("br0"):
        site.listens()
        client(HPE)
        lab.wait_for(lambda: "events wait" in site.log().read_text(), 60, "the tap says that it waits")
        site.netbox.control("DELETE", "faults")
        site.state_of("orion", "discovered")


def tagged(frame, *tags):
    return frame[:12] + b"".join(struct.pack("!HH", *tag) for tag in tags) + frame[12:]


def acknowledgement():
    """The first one of a capture of real programs."""
    data, at = (CAPTURES / "plain.pcap").read_bytes(), 24
    while True:
        size = struct.unpack("<I", data[at + 8 : at + 12])[0]
        frame, at = data[at + 16 : at + 16 + size], at + 16 + size
        if frame[42] == 2 and frame[282 : 285] == b"\x35\x01\x05":
            return frame


def frames_with_tags_are_seen_on_a_live_link(folder):
    site = Site(folder)
    site.netbox.server("orion", HPE)
    with site.tap("cable"):
        site.listens()
        wire = lab.client_socket(socket.AF_PACKET, socket.SOCK_RAW)
        wire.bind(("eth0", 0))
        for number, tags in enumerate(((), ((0x8100, 42),), ((0x88A8, 100), (0x8100, 42)))):
            frame = bytearray(acknowledgement())
            frame[61] = 10 + number  # yiaddr's last octet
            wire.send(tagged(bytes(frame), *tags))
            lab.wait_for(lambda n=number: f"192.0.2.{10 + n}/24" in site.netbox.addresses(), 60,
                         f"the lease with {number} tags")
        wire.close()


def dnsmasqs_hook_does_the_same(folder):
    site = Site(folder)
    site.netbox.server("orion", HPE)
    hook = site.hook("dnsmasq-dhcp-script")
    with site.dnsmasq(f"--dhcp-script={hook}", "--script-on-renewal"):
        client(HPE)
        site.discovered("orion", "seen by dnsmasq")


def keas_hook_does_the_same(folder):
    libraries = glob.glob("/usr/lib/*/kea/hooks/libdhcp_run_script.so")
    if not libraries:
        print("SKIP: no Kea here: apt install kea-dhcp4-server", flush=True)
        return
    site = Site(folder)
    site.netbox.server("orion", HPE)
    (folder / "kea.json").write_text(json.dumps({"Dhcp4": {
        "interfaces-config": {"interfaces": ["br0"]}, "lease-database": {"type": "memfile", "persist": False},
        "subnet4": [{"subnet": "10.9.0.0/24", "pools": [{"pool": "10.9.0.100 - 10.9.0.150"}]}],
        "hooks-libraries": [{"library": libraries[0], "parameters": {
            "name": str(site.hook("kea-run-script")), "sync": False}}]}}))
    os.environ["KEA_PIDFILE_DIR"] = os.environ["KEA_LOCKFILE_DIR"] = str(folder)
    with lab.program("kea-dhcp4", "-c", folder / "kea.json", log=folder / "kea.log"):
        lab.wait_for(lambda: "DHCP4_STARTED" in (folder / "kea.log").read_text(), 30, "Kea serves")
        client(HPE)
        site.discovered("orion", "seen by kea")


def what_cannot_be_listened_on_is_said(folder):
    site = Site(folder)
    for arguments, said in ((["nowhere0"], "there is no such interface"), ([], "name an interface"),
                            (["br0", "--user", "nobody-at-all"], "there is no user")):
        done = subprocess.run([PROGRAM, "-c", site.config, "dhcp-tap", *arguments], text=True,
                              capture_output=True, timeout=60, check=False)
        assert done.returncode != 0 and said in done.stderr, done


lab.enter()
lab.need("dnsmasq", "busybox", "ip")
lab.run_tests([leases_discover_servers_and_rights_are_given_up, leases_wait_while_netbox_is_away,
               frames_with_tags_are_seen_on_a_live_link, dnsmasqs_hook_does_the_same, keas_hook_does_the_same,
               what_cannot_be_listened_on_is_said])
