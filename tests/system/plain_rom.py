"""A card whose ROM does not say that it is iPXE, like the ROMs of most machines that were sold.

QEMU's only network ROM is iPXE. A relay between the guest and the link takes what tells so out of
its DHCP messages until it fetches its first file; the iPXE that it then loads is left alone.
"""

import array
import contextlib
import fcntl
import select
import socket
import struct
import threading

import lab

SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
USER_CLASS, IPXE_OPTIONS = 77, 175
QEMU_PORT, RELAY_PORT = 7001, 7002


def checksums_in_software(link):
    """Frames on virtual links carry unfinished checksums, which a guest would refuse."""
    value = array.array("B", struct.pack("II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", link.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, request)


def without_ipxe(frame):
    """A DHCP frame with the options that tell iPXE renamed to ones that nobody reads."""
    frame = bytearray(frame)
    udp = 14 + (frame[14] & 15) * 4
    at = udp + 8 + 240
    while at < len(frame) and frame[at] != 255:
        if frame[at] == 0:
            at += 1
            continue
        if frame[at] in (USER_CLASS, IPXE_OPTIONS):
            frame[at] = 224 + frame[at] % 8  # RFC 3942: for private use
        at += 2 + frame[at + 1]
    frame[udp + 6 : udp + 8] = b"\0\0"  # no checksum
    return bytes(frame)


def udp_port(frame):
    """The destination port of a UDP frame (IPv4), else 0."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return 0
    udp = 14 + (frame[14] & 15) * 4
    return struct.unpack("!H", frame[udp + 2 : udp + 4])[0]


def relay(link, guest, stop):
    hiding = True
    while not stop.is_set():
        for ready in select.select([link, guest], [], [], 0.2)[0]:
            frame = ready.recv(65536)
            if ready is link:
                guest.sendto(frame, ("127.0.0.1", QEMU_PORT))
                continue
            port = udp_port(frame)
            hiding = hiding and port != 69
            link.send(without_ipxe(frame) if hiding and port == 67 else frame)


@contextlib.contextmanager
def card():
    """QEMU's network backend `link`, as its options, while the block runs."""
    lab.run("ip", "link", "add", "rom", "type", "veth", "peer", "name", "rom-port")
    lab.run("ip", "link", "set", "rom-port", "master", "br0", "up")
    lab.run("ip", "link", "set", "rom", "up")
    checksums_in_software("br0")
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    link.bind(("rom", 0))
    guest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    guest.bind(("127.0.0.1", RELAY_PORT))
    stop = threading.Event()
    thread = threading.Thread(target=relay, args=(link, guest, stop), daemon=True)
    thread.start()
    try:
        yield ("dgram,id=link,"
               f"local.type=inet,local.host=127.0.0.1,local.port={QEMU_PORT},"
               f"remote.type=inet,remote.host=127.0.0.1,remote.port={RELAY_PORT}")
    finally:
        stop.set()
        thread.join(5)
