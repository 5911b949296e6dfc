"""The machine that the boot tests start: a Debian kernel with a tiny init that reports over HTTP.

The kernel comes from Debian's archive (apt checks its signature), kept in the folder `.cache/guest`
of the repository; it is unpacked and never installed. Run as a program, this file fills that
folder: the tests themselves need no network.
"""

import gzip
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import lab

CACHE = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "guest"
KERNEL = CACHE / "vmlinuz"
INITRD = CACHE / "initrd.img"
ACCELERATOR = CACHE / "accelerator"
# In the order in which they are loaded. The smallest kernel has its network card as modules.
MODULES = ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
           "failover", "net_failover", "virtio_net"]

INIT = """#!/bin/busybox sh
# Gets an address as any system would, tells the server named by `report=` what it was booted with.
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
echo "guest: $(cat /proc/cmdline)"
for module in {modules}; do insmod /modules/$module.ko; done
card=
while [ -z "$card" ]; do card=$(ls /sys/class/net | grep -v '^lo$' | head -n 1); done
ip link set $card up
udhcpc -i $card -q -n -t 60 -T 1 -s /bin/configure
{{ cat /sys/class/net/$card/address; cat /run/address; cat /proc/cmdline; }} >/run/report
# Not wget: as a static program it crashes in the resolver.
report=$(tr ' ' '\\n' </proc/cmdline | sed -n 's/^report=//p')
{{ printf 'POST /report HTTP/1.0\\r\\nContent-Length: %s\\r\\n\\r\\n' $(wc -c </run/report)
  cat /run/report
}} | nc -w 60 ${{report%:*}} ${{report#*:}}
poweroff -f
"""

CONFIGURE = """#!/bin/busybox sh
[ "$1" = bound ] || exit 0
ip address add $ip/$mask dev $interface
echo $ip >/run/address
"""


def cpio(entries):
    """An initramfs (cpio, "newc") of (path, mode, bytes); a folder has no bytes."""
    archive = b""
    for number, (path, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        name = path.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
        header = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        archive += header + b"\0" * (-len(header) % 4) + content + b"\0" * (-len(content) % 4)
    return archive


def initramfs(modules, busybox):
    """The guest's root file system, gzip'ed."""
    folder, program = 0o040755, 0o100755
    entries = [(name, folder, b"") for name in ("bin", "dev", "modules", "proc", "run", "sys")]
    entries += [("bin/busybox", program, busybox), ("bin/configure", program, CONFIGURE.encode()),
                ("init", program, INIT.format(modules=" ".join(MODULES)).encode())]
    entries += [(f"modules/{name}.ko", 0o100644, content) for name, content in modules.items()]
    return gzip.compress(cpio(entries), 6, mtime=0)


def fetch_kernel(folder):
    """Puts the kernel and its modules into `folder`, from a Debian package."""
    lines = lab.run("apt-cache", "depends", "--important", "linux-image-cloud-amd64").splitlines()
    package = next(iter(re.findall(r"Depends: (linux-image-\S+)", "\n".join(lines))), None)
    if not package:
        lab.skip("apt knows no package linux-image-cloud-amd64: apt-get update")
    try:
        lab.run("apt-get", "download", "-q", package, cwd=folder, timeout=300)
    except AssertionError as problem:
        lab.skip(f"the guest's kernel cannot be downloaded: {problem}")
    (deb,) = folder.glob("*.deb")
    lab.run("dpkg-deb", "--extract", deb, folder)
    return folder


def prepare():
    """Fills the cache where it is not filled."""
    if not KERNEL.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            os.chmod(scratch, 0o755)
            folder = fetch_kernel(pathlib.Path(scratch))
            for name in MODULES:
                (module,) = folder.glob(f"lib/modules/*/kernel/**/{name}.ko")
                shutil.copy(module, CACHE / module.name)
            (kernel,) = folder.glob("boot/vmlinuz-*")
            os.replace(kernel, KERNEL)  # last: it says that the rest is there
    modules = {name: (CACHE / f"{name}.ko").read_bytes() for name in MODULES}
    new = INITRD.with_suffix(".new")
    new.write_bytes(initramfs(modules, pathlib.Path(shutil.which("busybox")).read_bytes()))
    os.replace(new, INITRD)


# Writes 16 to the exit port at 0xf4 and halts: QEMU ends with the code 33 (16 * 2 + 1).
BOOT_SECTOR = bytes.fromhex("baf400 b010 ee f4")
BOOT_SECTOR += bytes(510 - len(BOOT_SECTOR)) + b"\x55\xaa"
EXIT_PORT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
REACHED_THE_DISK = 33


def probe_accelerator():
    """`kvm` where it runs a guest, and quickly; else `tcg`. (Nested, it may be there and hang.)"""
    with tempfile.NamedTemporaryFile() as disk:
        disk.write(BOOT_SECTOR)
        disk.flush()
        try:
            probe = subprocess.run(
                ["qemu-system-x86_64", "-accel", "kvm", "-display", "none", "-nodefaults",
                 "-m", "16", *EXIT_PORT, "-drive", f"file={disk.name},format=raw,snapshot=on"],
                capture_output=True, timeout=2)
        except subprocess.TimeoutExpired:
            return "tcg"
    return "kvm" if probe.returncode == REACHED_THE_DISK else "tcg"


def tap(number):
    """QEMU's network backend `link`, as its options: a port of the served link."""
    return f"tap,id=link,ifname={lab.tap(number)},script=no,downscript=no"


def machine(mac, link, *options, card="", log):
    """The command that starts a guest with one network card. It ends by itself: the guest powers
    off, and `timeout` stops it where it does not."""
    return ["timeout", "--kill-after=5", "600", "qemu-system-x86_64",
            "-accel", ACCELERATOR.read_text() if ACCELERATOR.exists() else probe_accelerator(),
            "-display", "none", "-nodefaults", "-no-reboot", "-m", "384", "-serial", f"file:{log}",
            "-netdev", link, *EXIT_PORT, *options,
            "-device", f"virtio-net-pci,netdev=link,mac={mac},bootindex=1{card}"]


if __name__ == "__main__":
    lab.need("apt-get", "busybox", "qemu-system-x86_64")
    prepare()
    ACCELERATOR.write_text(probe_accelerator())
    print(f"{KERNEL}\n{INITRD}\naccelerator: {ACCELERATOR.read_text()}")
