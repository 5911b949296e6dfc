#!/usr/bin/env python3
"""Machines boot: firmware, dnsmasq, boot loader, kernel, and an init that reports what it got.

    boot_test.py NAME    one boot of the list at the end; without a name, all of them in turn

Each starts QEMU on the link that dnsmasq serves, and passes when the guest's report has the command
line that the repository says for that machine; or, for a machine without a profile and one that the
repository does not know, when the boot sector or loader on its local disk runs.
"""

import queue
import shlex
import shutil
import subprocess
import sys

import fleet
import guest
import lab
import plain_rom
import service

PROFILE = {
    "type": "custom",
    "kernel": "guest/vmlinuz",
    "initrd": ["guest/initrd.img"],
    "params": ["console=ttyS0", "quiet", "panic=-1", f"report={lab.SERVER}:{service.PORT}",
               "host=${hostname}", "card=${mac}", "address=${ip}"],
}
# What orion must be given, as words: loaders put the quotes where they like.
COMMAND_LINE = ["console=ttyS0", "quiet", "panic=-1", f"report={lab.SERVER}:{service.PORT}",
                "host=orion.example.net", "card=52:54:00:09:00:0b", "address=10.9.0.11",
                "own=of orion"]

ORION = fleet.mac_of(11)
STRANGER = "52:54:00:09:00:ee"

OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"


def bios(_folder):
    """SeaBIOS, which boots the network through the card's ROM: QEMU's is iPXE."""
    return ["-machine", "pc,graphics=off"], ""


def uefi(folder, without=("IPv6PXE",)):
    """OVMF with its own PXE and HTTP boot: the card's ROM (iPXE) is left out."""
    variables = folder / "variables.fd"
    shutil.copy(OVMF_VARIABLES, variables)
    options = ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}",
               "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
               "-device", "virtio-rng-pci"]
    for protocol in without:
        options += ["-fw_cfg", f"name=opt/org.tianocore/{protocol}Support,string=n"]
    return options, ",romfile="


def uefi_ipv6(folder):
    """The same, but its PXE knows IPv6 alone."""
    return uefi(folder, without=("IPv4PXE",))


def uefi_http(folder):
    """The same with HTTP boot alone."""
    return uefi(folder, without=("IPv4PXE", "IPv6PXE"))


def make_fleet(folder, loader, profile="guest", service_url="", dns=True, dhcp="dnsmasq"):
    """Two servers of which one boots: `orion`, number 11."""
    own = {"name": "orion", "boot": {"params": ['own="of orion"']}}
    if profile:
        own["profile"] = profile
    site = fleet.Fleet(folder, fleet.server(11, **own) | fleet.server(12), service_url=service_url,
                       profiles={"guest": PROFILE})
    site.networks["lab"]["dhcp"] |= {"server": dhcp, "loader": loader}
    if not dns:
        del site.networks["lab"]["dns"]
    (site.assets / "guest").mkdir()
    for file in (guest.KERNEL, guest.INITRD):
        shutil.copy(file, site.assets / "guest")
    site.apply()
    return site


def start(site, firmware, *options, mac=ORION, link=None):
    """Boots a machine and returns QEMU's exit code and the reports."""
    machine, card = firmware(site.folder)
    command = guest.machine(mac, link or guest.tap(0), *machine, *options, card=card,
                            log=site.folder / "console.log")
    with site.dnsmasq(), service.running(site.tree, site.folder / "http.log") as reports:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        (site.folder / "qemu.log").write_text(done.stderr)
        received = []
        while True:
            try:
                received.append(reports.get_nowait())
            except queue.Empty:
                return done.returncode, received


def boots(site, firmware, link=None):
    """Passes when orion reports its own command line, once."""
    code, reports = start(site, firmware, link=link)
    assert code == 0, f"QEMU ended with {code}, reports: {reports}"
    (report,) = reports
    assert (report.mac, report.address) == (ORION, "10.9.0.11"), report
    words = shlex.split(report.command_line)
    at = words.index(COMMAND_LINE[0]) if COMMAND_LINE[0] in words else 0
    # Loaders add words of their own before and behind: names of files, the card they used.
    others = words[:at] + words[at + len(COMMAND_LINE) :]
    assert words[at : at + len(COMMAND_LINE)] == COMMAND_LINE, report
    added = ("BOOT_IMAGE=", "initrd=", "BOOTIF=01-52-54-00-09-00-0b", "vmlinuz")
    assert all(word.startswith(added) for word in others), report


def pxelinux(folder):
    boots(make_fleet(folder, "pxelinux"), bios)


def ipxe_rom(folder):
    boots(make_fleet(folder, "ipxe"), bios)


def ipxe_on_a_plain_rom(folder):
    """The ROM loads undionly.kpxe, which is iPXE and must not be given itself again."""
    with plain_rom.card() as link:
        boots(make_fleet(folder, "ipxe", service_url=service.URL), bios, link)
    assert (folder / "dnsmasq.log").read_text().count("tree/undionly.kpxe to ") == 1


def ipxe_beside_another_dhcp_server(folder):
    """proxy-DHCP: the address is from the other server, which knows nothing of booting."""
    lab.address("10.9.0.2/24")
    other = ["ip", "netns", "exec", "client", "dnsmasq", "--keep-in-foreground", "--port=0",
             "--conf-file=/dev/null", "--interface=eth0", "--user=root", "--pid-file",
             "--dhcp-range=10.9.0.0,static,255.255.255.0",
             f"--dhcp-host={ORION},10.9.0.11", f"--dhcp-leasefile={folder}/other-leases"]
    with lab.program(*other, log=folder / "other.log"):
        boots(make_fleet(folder, "ipxe", dhcp="proxy"), bios)


def ipxe_uefi_http(folder):
    boots(make_fleet(folder, "ipxe", service_url=service.URL), uefi)


def grub_tftp(folder):
    boots(make_fleet(folder, "grub"), uefi)


def grub_tftp_over_ipv6(folder):
    """The IPv6 address of the boot server is known from its entry in the inventory."""
    site = make_fleet(folder, "grub")
    site.servers |= fleet.server(1, name="boot")
    site.networks["lab"] |= {"boot-server": "boot", "gateway": "10.9.0.2"}
    site.apply()
    boots(site, uefi_ipv6)
    assert "tree/assets/guest/vmlinuz to 2001:db8:9::" in (folder / "dnsmasq.log").read_text()


def grub_http(folder):
    """Everything over HTTP, the loader too."""
    boots(make_fleet(folder, "grub", service_url=service.URL, dns=False), uefi_http)
    assert "/boot/assets/guest/vmlinuz" in (folder / "http.log").read_text()


def grub_http_with_dns(folder):
    """The firmware names the DNS server to GRUB, which then finds no card and asks DHCP itself."""
    boots(make_fleet(folder, "grub", service_url=service.URL), uefi_http)


def disk(folder):
    """A disk whose boot sector ends QEMU with a code of its own."""
    image = folder / "disk.img"
    image.write_bytes(guest.BOOT_SECTOR + bytes(1 << 20))
    return ["-drive", f"file={image},format=raw,if=none,id=disk",
            "-device", "virtio-blk-pci,drive=disk,bootindex=2"]


def reaches_the_disk(site, firmware, options, mac=ORION):
    code, reports = start(site, firmware, *options, mac=mac)
    assert (code, reports) == (guest.REACHED_THE_DISK, []), f"{code}, {reports}"


def pxelinux_local_disk(folder):
    reaches_the_disk(make_fleet(folder, "pxelinux", profile=None), bios, disk(folder))


def ipxe_local_disk(folder):
    reaches_the_disk(make_fleet(folder, "ipxe", profile=None), bios, disk(folder))


def uefi_disk(folder):
    """A disk with an EFI partition; its loader is a GRUB whose whole configuration ends QEMU."""
    loader = folder / "esp" / "EFI" / "BOOT" / "BOOTX64.EFI"
    loader.parent.mkdir(parents=True)
    script = folder / "exit.cfg"
    script.write_text("outb 0xf4 0x10\n")
    lab.run("grub-mkimage", "-O", "x86_64-efi", "-p", "/", "-c", script, "-o", loader, "iorw")
    return ["-drive", f"file=fat:rw:{folder}/esp,format=raw,if=none,id=disk",
            "-device", "virtio-blk-pci,drive=disk,bootindex=2"]


def grub_local_disk(folder):
    reaches_the_disk(make_fleet(folder, "grub", profile=None), uefi, uefi_disk(folder))


# A machine that nobody has described sees a menu, which nobody answers here.


def pxelinux_stranger(folder):
    reaches_the_disk(make_fleet(folder, "pxelinux"), bios, disk(folder), STRANGER)


def ipxe_stranger(folder):
    reaches_the_disk(make_fleet(folder, "ipxe"), bios, disk(folder), STRANGER)


def grub_stranger(folder):
    reaches_the_disk(make_fleet(folder, "grub"), uefi, uefi_disk(folder), STRANGER)


def ipxe_stranger_with_a_default_profile(folder):
    site = make_fleet(folder, "ipxe")
    site.profiles["inspect"] = PROFILE | {"default": True, "params": [*PROFILE["params"][:4],
                                                                      "inspect=${mac}"]}
    site.apply()
    code, reports = start(site, bios, mac=STRANGER)
    assert code == 0, f"QEMU ended with {code}, reports: {reports}"
    (report,) = reports
    assert report.mac == STRANGER, report
    assert f"inspect={STRANGER}" in report.command_line.split(), report


# The program's own service; the guests' reports go to another port then.


REPORTS = service.PORT + 1


def through_the_service(folder, firmware, options, **profile):
    """Boots orion twice by what `metalwright serve` says; returns QEMU's codes and the reports."""
    site = make_fleet(folder, "ipxe", service_url=service.URL)
    params = [param.replace(f"report={lab.SERVER}:{service.PORT}", f"report={lab.SERVER}:{REPORTS}")
              for param in PROFILE["params"]]
    site.profiles["guest"] = PROFILE | {"params": params} | profile
    site.apply()
    log = folder / "serve.log"
    serve = [fleet.PROGRAM, "-c", folder / "metalwright.yaml", "serve"]
    results = []
    with lab.program(*serve, log=log), site.dnsmasq():
        lab.wait_for(lambda: "serving revision" in log.read_text(), 60, "the service serves")
        with service.running(site.tree, folder / "reports.log", REPORTS) as reports:
            for _ in range(2):
                machine, card = firmware(folder)
                command = guest.machine(ORION, guest.tap(len(results)), *machine, *options, card=card,
                                        log=folder / "console.log")
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                      check=False)
                received = []
                while not reports.empty():
                    received.append(reports.get_nowait())
                results.append((done.returncode, [report.mac for report in received]))
    return results


def served_ipxe(folder):
    """Without an install, a machine boots its profile each time."""
    results = through_the_service(folder, bios, [])
    assert results == [(0, [ORION])] * 2, results


def served_install(folder):
    """An install is handed out once; from then on the machine boots its disk."""
    results = through_the_service(folder, bios, disk(folder), install=True)
    assert results == [(0, [ORION]), (guest.REACHED_THE_DISK, [])], results


def served_uefi(folder):
    results = through_the_service(folder, uefi, [])
    assert results == [(0, [ORION])] * 2, results


TESTS = [served_ipxe, served_install, served_uefi, pxelinux, ipxe_rom, ipxe_on_a_plain_rom, ipxe_beside_another_dhcp_server, ipxe_uefi_http,
         grub_tftp, grub_tftp_over_ipv6, grub_http, grub_http_with_dns,
         pxelinux_local_disk, ipxe_local_disk, grub_local_disk,
         pxelinux_stranger, ipxe_stranger, grub_stranger, ipxe_stranger_with_a_default_profile]

if __name__ == "__main__":
    lab.need("dnsmasq", "qemu-system-x86_64", "grub-mkimage")
    if not guest.KERNEL.exists():
        lab.skip(f"no guest: {guest.KERNEL} is missing; tests/system/guest.py fetches it")
    lab.enter()
    names = sys.argv[1:]
    lab.run_tests([test for test in TESTS if not names or test.__name__ in names])
