#!/usr/bin/env python3
"""Captures real DHCP: dnsmasq answers udhcpc, dhclient and dhcrelay in network namespaces, tcpdump
listens. Run as root; writes the .pcap files beside this script, which the tests read. Wants the
packages dnsmasq-base, busybox-static, isc-dhcp-client, isc-dhcp-relay and tcpdump."""

import contextlib
import pathlib
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
HPE, DELL, STRANGER = "3c:a8:2a:00:00:01", "d0:94:66:00:00:02", "52:54:00:00:00:03"


def run(*command, check=True):
    return subprocess.run(command, check=check, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode


class Lab:
    """A server and a client on one cable; with a relay between them where asked for."""

    def __init__(self, name, stack, relay=False):
        self.stack, self.server, self.client = stack, f"mwd-{name}-s", f"mwd-{name}-c"
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for space in (self.server, self.client):
            self.space(space)
        self.cable(self.server, "srv0", self.client, "cli0")
        self.near, self.far = "srv0", "cli0"
        self.listen_at = "srv0"
        if relay:
            self.add_relay(name)
        else:
            self.inside(self.server, "ip", "address", "add", "192.0.2.1/24", "dev", self.near)

    def space(self, name):
        run("ip", "netns", "delete", name, check=False)
        run("ip", "netns", "add", name)
        self.stack.callback(run, "ip", "netns", "delete", name, check=False)
        self.inside(name, "ip", "link", "set", "lo", "up")

    def inside(self, space, *command, check=True):
        return run("ip", "netns", "exec", space, *command, check=check)

    def cable(self, one, near, other, far):
        run("ip", "link", "add", near, "netns", one, "type", "veth", "peer", "name", far, "netns", other)
        self.inside(one, "ip", "link", "set", near, "up")
        self.inside(other, "ip", "link", "set", far, "up")
        for space, interface in ((one, near), (other, far)):  # as frames look on a wire
            self.inside(space, "ethtool", "-K", interface, "tx", "off", check=False)

    def add_relay(self, name):
        """The client's cable ends at a relay, which reaches the server over another network."""
        relay = f"mwd-{name}-r"
        self.space(relay)
        self.inside(self.server, "ip", "link", "set", "srv0", "netns", relay)
        self.inside(relay, "ip", "link", "set", "srv0", "up")
        self.inside(relay, "ip", "address", "add", "192.0.2.1/24", "dev", "srv0")
        self.cable(self.server, "srv1", relay, "rel1")
        self.inside(self.server, "ip", "address", "add", "198.51.100.1/24", "dev", "srv1")
        self.inside(relay, "ip", "address", "add", "198.51.100.2/24", "dev", "rel1")
        self.inside(self.server, "ip", "route", "add", "192.0.2.0/24", "via", "198.51.100.2")
        self.inside(relay, "sysctl", "-w", "net.ipv4.ip_forward=1")
        self.start(relay, "dhcrelay", "-4", "-d", "-a", "-i", "srv0", "-i", "rel1", "198.51.100.1")
        self.near = self.listen_at = "srv1"

    def start(self, space, *command):
        process = subprocess.Popen(["ip", "netns", "exec", space, *command],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def stop():
            process.terminate()
            process.wait()
        self.stack.callback(stop)
        return process

    def serve(self, *options):
        self.start(self.server, "dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file=/dev/null",
                   f"--dhcp-leasefile={self.folder}/leases", "--dhcp-authoritative", "--no-ping",
                   "--dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0,1h", "--user=root", *options)
        time.sleep(1)

    @contextlib.contextmanager
    def capture(self, file):
        tcpdump = subprocess.Popen(["ip", "netns", "exec", self.server, "tcpdump", "-i", self.listen_at,
                                    "-U", "-s", "0", "-w", str(file), "udp"],
                                   stderr=subprocess.PIPE)
        tcpdump.stderr.readline()  # it listens
        time.sleep(0.5)
        yield
        time.sleep(1)
        tcpdump.terminate()
        tcpdump.wait()

    def mac(self, mac):
        self.inside(self.client, "ip", "link", "set", self.far, "down")
        self.inside(self.client, "ip", "link", "set", self.far, "address", mac)
        self.inside(self.client, "ip", "link", "set", self.far, "up")

    def udhcpc(self, mac, name, *options):
        self.mac(mac)
        self.inside(self.client, "busybox", "udhcpc", "-i", self.far, "-f", "-q", "-n", "-t", "5", "-T", "1",
                    "-s", "/bin/true", "-x", f"hostname:{name}", *options)

    def dhclient(self, mac, name):
        self.mac(mac)
        config = self.folder / "dhclient.conf"
        config.write_text(f'send host-name "{name}";\n')
        # The addresses stay unset: only the messages are wanted.
        subprocess.run(
            ["timeout", "6", "ip", "netns", "exec", self.client, "dhclient", "-4", "-1", "-d", "-cf",
             str(config), "-sf", "/bin/true", "-lf", str(self.folder / "client-leases"), "-pf",
             str(self.folder / "dhclient.pid"), self.far],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def plain(stack):
    lab = Lab("p", stack)
    lab.serve(f"--dhcp-host={DELL},192.0.2.42,idrac-7")
    with lab.capture(HERE / "plain.pcap"):
        lab.udhcpc(HPE, "ilo-1")
        lab.dhclient(DELL, "idrac-2")
        lab.udhcpc(STRANGER, "laptop")
        lab.udhcpc(HPE, "ilo-1")  # again: a renewal from its old address


def relayed(stack):
    lab = Lab("r", stack, relay=True)
    lab.serve()
    with lab.capture(HERE / "relayed.pcap"):
        lab.udhcpc(HPE, "ilo-1")


def overloaded(stack):
    """More options than fit: dnsmasq goes on in the fields `file` and `sname`."""
    lab = Lab("o", stack)
    lab.serve(*(f"--dhcp-option-force={code}," + "x" * 55 for code in range(224, 231)))
    with lab.capture(HERE / "overloaded.pcap"):
        lab.udhcpc(HPE, "ilo-1")


def main():
    for make in (plain, relayed, overloaded):
        with contextlib.ExitStack() as stack:
            make(stack)


main()
