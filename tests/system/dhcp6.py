"""A DHCPv6 client and a listener for router advertisements (RFC 8415, 5970, 4861, 8106)."""

import dataclasses
import secrets
import select
import socket
import struct
import time

import dhcp4
import lab

SOLICIT, ADVERTISE, REQUEST, REPLY, INFORMATION_REQUEST = 1, 2, 3, 7, 11
CLIENT_ID, SERVER_ID, IA_NA, IA_ADDRESS, REQUESTED, STATUS = 1, 2, 3, 5, 6, 13
USER_CLASS, VENDOR_CLASS, DNS, BOOT_FILE_URL, CLIENT_ARCH = 15, 16, 23, 59, 61
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134


def client_mac(mac):
    """Gives the client's card this MAC; the link-local address follows."""
    lab.run("ip", "-n", "client", "link", "set", "eth0", "down")
    lab.run("ip", "-n", "client", "link", "set", "eth0", "address", mac)
    lab.run("ip", "netns", "exec", "client", "sh", "-c",
            "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad;"
            "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra")
    lab.run("ip", "-n", "client", "link", "set", "eth0", "up")
    lab.wait_for(lambda: "fe80:" in lab.run("ip", "-n", "client", "-6", "address", "show", "dev",
                                            "eth0", "scope", "link", "-tentative"),
                 60, "the client has a link-local address")


@dataclasses.dataclass
class Reply:
    kind: int
    options: dict

    @property
    def addresses(self):
        """The leased addresses."""
        found = []
        for ia in self.options.get(IA_NA, []):
            for address in parse_options(ia[12:]).get(IA_ADDRESS, []):
                found.append(socket.inet_ntop(socket.AF_INET6, address[:16]))
        return found

    @property
    def boot_file(self):
        return self.options.get(BOOT_FILE_URL, [b""])[0].decode()

    @property
    def dns(self):
        value = self.options.get(DNS, [b""])[0]
        return [socket.inet_ntop(socket.AF_INET6, value[i : i + 16])
                for i in range(0, len(value), 16)]


def parse_options(data):
    """Code -> list of values."""
    options = {}
    while len(data) >= 4:
        code, length = struct.unpack("!2H", data[:4])
        options.setdefault(code, []).append(data[4 : 4 + length])
        data = data[4 + length :]
    return options


def option(code, value):
    return struct.pack("!2H", code, len(value)) + value


def firmware(arch, name="PXEClient"):
    """The options by which UEFI says what it is."""
    vendor = f"{name}:Arch:{arch:05}:UNDI:003000".encode()
    return {
        CLIENT_ARCH: struct.pack("!H", arch),
        VENDOR_CLASS: struct.pack("!IH", 343, len(vendor)) + vendor,
    }


class Client:
    """The machine with the MAC that the client's card has now."""

    def __init__(self, mac):
        client_mac(mac)
        self.mac = mac
        self.link = lab.client_socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        self.link.bind(("::", 546))
        self.identity = struct.pack("!2H", 3, 1) + dhcp4.mac_bytes(mac)  # DUID-LL
        self.card = int(lab.run("ip", "netns", "exec", "client", "cat",
                                "/sys/class/net/eth0/ifindex"))

    def close(self):
        self.link.close()

    def ask(self, kind, options, seconds=60.0):
        """The first reply; None where there is none in time."""
        number = secrets.token_bytes(3)
        packet = bytes([kind]) + number + option(CLIENT_ID, self.identity)
        packet += option(8, b"\0\0")  # elapsed time
        packet += option(REQUESTED, struct.pack("!3H", DNS, BOOT_FILE_URL, 24))
        packet += b"".join(option(code, value) for code, value in options.items())
        deadline = time.monotonic() + seconds
        next_send = 0.0
        while (now := time.monotonic()) < deadline:
            if now >= next_send:
                self.link.sendto(packet, ("ff02::1:2", 547, 0, self.card))
                next_send = now + 1.0
            if select.select([self.link], [], [], min(next_send, deadline) - now)[0]:
                reply = self.link.recv(4096)
                if reply[1:4] == number:
                    return Reply(reply[0], parse_options(reply[4:]))
        return None

    def lease(self, options=None):
        """The reply that leases an address; None where nobody offers one."""
        options = options or {}
        ia = {IA_NA: struct.pack("!3I", 1, 0, 0)}
        offer = self.ask(SOLICIT, ia | options)
        if offer is None or not offer.addresses:
            return None
        accept = {SERVER_ID: offer.options[SERVER_ID][0], IA_NA: offer.options[IA_NA][0]}
        return self.ask(REQUEST, accept | options)


@dataclasses.dataclass
class RouterAdvertisement:
    managed: bool
    other: bool
    lifetime: int
    prefixes: dict  # prefix -> autonomous
    dns: list


def router_advertisement(seconds=60.0):
    """What the router answers to a solicitation; None where there is none."""
    link = lab.client_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    card = int(lab.run("ip", "netns", "exec", "client", "cat", "/sys/class/net/eth0/ifindex"))
    deadline = time.monotonic() + seconds
    next_send = 0.0
    while (now := time.monotonic()) < deadline:
        if now >= next_send:
            link.sendto(struct.pack("!BBHI", ROUTER_SOLICITATION, 0, 0, 0), ("ff02::2", 0, 0, card))
            next_send = now + 2.0
        if select.select([link], [], [], min(next_send, deadline) - now)[0]:
            packet = link.recv(4096)
            if packet[0] == ROUTER_ADVERTISEMENT:
                return parse_advertisement(packet)
    return None


def parse_advertisement(packet):
    flags, lifetime = packet[5], struct.unpack("!H", packet[6:8])[0]
    prefixes, dns = {}, []
    at = 16
    while at + 8 <= len(packet) and packet[at + 1]:
        code, length = packet[at], packet[at + 1] * 8
        value = packet[at : at + length]
        if code == 3:
            prefix = socket.inet_ntop(socket.AF_INET6, value[16:32])
            prefixes[f"{prefix}/{value[2]}"] = bool(value[3] & 0x40)
        elif code == 25:
            dns += [socket.inet_ntop(socket.AF_INET6, value[i : i + 16])
                    for i in range(8, length, 16)]
        at += length
    return RouterAdvertisement(bool(flags & 0x80), bool(flags & 0x40), lifetime, prefixes, dns)
