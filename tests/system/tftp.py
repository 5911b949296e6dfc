"""A TFTP client (RFC 1350, 2347, 2348, 2349), as boot firmware is one."""

import socket
import struct

import lab

READ, DATA, ACK, ERROR, OPTION_ACK = 1, 3, 4, 5, 6


class Refused(Exception):
    """The server's error message."""


def read(path, server=lab.SERVER, port=69, block=1428):
    """The bytes of a file. The client side needs an address (`lab.address`)."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    link = lab.client_socket(family, socket.SOCK_DGRAM)
    link.settimeout(60)
    request = struct.pack("!H", READ)
    for word in (path, "octet", "blksize", str(block), "tsize", "0"):
        request += word.encode() + b"\0"
    link.sendto(request, (server, port))
    content, expected, size = b"", 1, None
    while True:
        packet, sender = link.recvfrom(65536)
        kind, number = struct.unpack("!2H", packet[:4])
        if kind == ERROR:
            raise Refused(packet[4:].rstrip(b"\0").decode())
        if kind == OPTION_ACK:
            words = packet[2:].split(b"\0")
            options = dict(zip(words[::2], words[1::2]))
            block, size = int(options.get(b"blksize", 512)), int(options[b"tsize"])
            link.sendto(struct.pack("!2H", ACK, 0), sender)
            continue
        if kind != DATA or number != expected & 0xFFFF:
            continue
        content += packet[4:]
        link.sendto(struct.pack("!2H", ACK, number), sender)
        expected += 1
        if len(packet) - 4 < block:
            assert size in (None, len(content)), f"tsize said {size}, got {len(content)} bytes"
            return content
