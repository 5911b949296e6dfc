"""A DHCPv4 client that can pretend to be any machine and firmware (RFC 2131, 2132, 4578)."""

import dataclasses
import secrets
import select
import socket
import struct
import time

import lab

DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
# IANA "Processor Architecture Types": what firmware sends as option 93.
BIOS, UEFI32, UEFI64, UEFI64_EBC, ARM64, UEFI64_HTTP, ARM64_HTTP = 0, 6, 7, 9, 11, 16, 19

ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
COOKIE = b"\x63\x82\x53\x63"


@dataclasses.dataclass
class Reply:
    """What the server said. Text fields are empty where it said nothing."""

    address: str = ""  # yiaddr
    next_server: str = ""  # siaddr
    boot_file: str = ""  # option 67, else the header's field
    options: dict = dataclasses.field(default_factory=dict)

    @property
    def kind(self):
        return self.options[53][0]

    def addresses(self, option):
        value = self.options.get(option, b"")
        return [socket.inet_ntoa(value[i : i + 4]) for i in range(0, len(value), 4)]

    def text(self, option):
        return self.options.get(option, b"").rstrip(b"\0").decode()

    def seconds(self, option):
        return int.from_bytes(self.options[option], "big")


def firmware(arch, http=False):
    """The options by which a machine's firmware says what it is."""
    name = "HTTPClient" if http else "PXEClient"
    return {
        60: f"{name}:Arch:{arch:05}:UNDI:003000".encode(),
        93: struct.pack("!H", arch),
        94: b"\1\3\0",
        97: b"\0" + bytes(16),
    }


def ipxe(arch):
    """The same for iPXE, which keeps the firmware's architecture and adds its own options."""
    return firmware(arch) | {77: b"iPXE", 175: b"\xb1\x05\x01\x1a\xf4\x10\x00\xff"}


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def message(kind, mac, transaction, options):
    """A DHCP message in UDP in IP in an Ethernet frame, from a machine without an address."""
    body = struct.pack("!4BIHH", 1, 1, 6, 0, transaction, 0, 0) + bytes(16)
    body += mac_bytes(mac) + bytes(10) + bytes(64) + bytes(128) + COOKIE
    wanted = bytes([1, 3, 6, 12, 15, 26, 28, 43, 51, 54, 60, 66, 67, 97, 175])
    for code, value in ({53: bytes([kind]), 55: wanted, 57: b"\x05\xc0"} | options).items():
        body += bytes([code, len(value)]) + value
    body += b"\xff"
    udp = struct.pack("!4H", 68, 67, 8 + len(body), 0) + body
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                         bytes(4), b"\xff" * 4)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return b"\xff" * 6 + mac_bytes(mac) + struct.pack("!H", ETH_P_IP) + header + udp


def parse(body):
    """A Reply from the bytes of a DHCP message."""
    reply = Reply(address=socket.inet_ntoa(body[16:20]), next_server=socket.inet_ntoa(body[20:24]))
    at = 240
    while at < len(body) and body[at] != 255:
        if body[at] == 0:
            at += 1
            continue
        code, length = body[at], body[at + 1]
        reply.options[code] = reply.options.get(code, b"") + body[at + 2 : at + 2 + length]
        at += 2 + length
    reply.boot_file = reply.text(67) or body[108:236].split(b"\0")[0].decode()
    return reply


def replies_in(frame, transaction):
    """The Reply in a frame, or None where it is something else."""
    if len(frame) < 42 or struct.unpack("!H", frame[12:14])[0] != ETH_P_IP or frame[23] != 17:
        return None
    udp = 14 + (frame[14] & 15) * 4
    if frame[udp : udp + 4] != struct.pack("!2H", 67, 68):
        return None
    body = frame[udp + 8 :]
    return parse(body) if body[4:8] == struct.pack("!I", transaction) else None


class Client:
    """Machines at the far end of the cable."""

    def __init__(self):
        self.link = lab.client_socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.link.bind(("eth0", 0))

    def ask(self, kind, mac, options, seconds=60.0, again=2.0):
        """The first reply; None where there is none in time. Repeats itself, as clients do."""
        transaction = secrets.randbits(32)
        deadline = time.monotonic() + seconds
        next_send = 0.0
        while (now := time.monotonic()) < deadline:
            if now >= next_send:
                self.link.send(message(kind, mac, transaction, options))
                next_send = now + again
            if select.select([self.link], [], [], min(next_send, deadline) - now)[0]:
                reply = replies_in(self.link.recv(4096), transaction)
                if reply:
                    return reply
        return None

    def discover(self, mac, options=None, **waiting):
        return self.ask(DISCOVER, mac, options or {}, **waiting)

    def silence(self, mac, options=None, seconds=1.5):
        """True where nobody answers. dnsmasq answers a known machine in milliseconds."""
        return self.discover(mac, options, seconds=seconds, again=0.5) is None

    def lease(self, mac, options=None):
        """The acknowledgement of an offer; None where there is no offer or it is refused."""
        options = options or {}
        offer = self.discover(mac, options)
        if offer is None:
            return None
        accept = {50: socket.inet_aton(offer.address), 54: offer.options[54]}
        reply = self.ask(REQUEST, mac, options | accept)
        return reply if reply and reply.kind == ACK else None


def boot_server(mac, address, offer, options, seconds=60):
    """What a PXE boot server answers on port 4011 to a client that has an address already; it takes
    the first entry of the offer's menu, if there is one (PXE 2.1, section 3.2)."""
    link = lab.client_socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind((address, 68))
    link.settimeout(seconds)
    menu = suboptions(offer.options.get(43, b"")).get(9)
    choice = {43: b"\x47\x04" + menu[:2] + b"\0\0" + b"\xff"} if menu else {}
    body = bytearray(message(REQUEST, mac, secrets.randbits(32), options | choice)[42:])
    body[12:16] = socket.inet_aton(address)
    link.sendto(body, (lab.SERVER, 4011))
    return parse(link.recv(4096))


def suboptions(value):
    """Code -> value, of an option that encapsulates others."""
    found, at = {}, 0
    while at + 1 < len(value) and value[at] != 255:
        found[value[at]] = value[at + 2 : at + 2 + value[at + 1]]
        at += 2 + value[at + 1]
    return found
