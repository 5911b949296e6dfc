#!/usr/bin/env python3
"""A real dnsmasq, configured by metalwright, answers machines of every kind on a real link."""

import socket

import dhcp4
import dhcp6
import fleet
import lab
import tftp

HTTP = f"http://{lab.SERVER}:8000"
KNOWN = fleet.mac_of(11)
STRANGER = "52:54:00:09:00:ee"
# What a loader reads on the known machine, by a part of the loader's name.
OWN_FILES = {
    "grub": "efi64/grub.cfg-01-52-54-00-09-00-0b",
    "pxelinux": "pxelinux.cfg/01-52-54-00-09-00-0b",
    "": "ipxe/52-54-00-09-00-0b.ipxe",
}


def orion(folder, **options):
    """A fleet of one known server."""
    return fleet.Fleet(folder, fleet.server(11, name="orion"), **options)


def a_known_machine_gets_its_address_and_the_networks_options(folder):
    site = orion(folder)
    site.apply()
    with site.dnsmasq():
        lease = dhcp4.Client().lease(KNOWN)
        assert lease.address == "10.9.0.11", lease
        assert lease.text(12) == "orion", lease
        assert lease.text(15) == "example.net", lease
        assert lease.addresses(1) == ["255.255.255.0"], lease
        assert lease.addresses(3) == [lab.SERVER], lease
        assert lease.addresses(6) == [lab.SERVER], lease
        assert lease.seconds(51) == fleet.LEASE_SECONDS, lease


def a_stranger_gets_an_address_of_the_range(folder):
    site = orion(folder)
    site.apply()
    with site.dnsmasq():
        lease = dhcp4.Client().lease(STRANGER)
        number = int(lease.address.removeprefix("10.9.0."))
        assert 100 <= number <= 199, lease


def a_real_client_configures_itself(folder):
    """busybox's udhcpc, which is what the guests of the boot tests use too."""
    lab.need("busybox")
    dhcp6.client_mac(KNOWN)
    site = orion(folder)
    site.apply()
    script = folder / "configured"
    script.write_text(f'#!/bin/sh\n[ "$1" = bound ] && env >{folder}/lease\nexit 0\n')
    script.chmod(0o755)
    with site.dnsmasq():
        lab.run("ip", "netns", "exec", "client",
                "busybox", "udhcpc", "-i", "eth0", "-q", "-n", "-f", "-s", script)
    lease = dict(line.split("=", 1) for line in (folder / "lease").read_text().splitlines())
    assert (lease["ip"], lease["subnet"]) == ("10.9.0.11", "255.255.255.0"), lease
    assert (lease["router"], lease["hostname"]) == (lab.SERVER, "orion"), lease


def each_firmware_is_told_its_boot_loader(folder):
    site = orion(folder)
    site.apply()
    expected = [
        ("BIOS", dhcp4.firmware(dhcp4.BIOS), "undionly.kpxe"),
        ("x86 UEFI", dhcp4.firmware(dhcp4.UEFI32), ""),
        ("x64 UEFI", dhcp4.firmware(dhcp4.UEFI64), "ipxe.efi"),
        ("x64 UEFI that says EBC", dhcp4.firmware(dhcp4.UEFI64_EBC), "ipxe.efi"),
        ("x64 UEFI over HTTP, without an HTTP server", dhcp4.firmware(dhcp4.UEFI64_HTTP, True), ""),
        ("iPXE on BIOS", dhcp4.ipxe(dhcp4.BIOS), "ipxe/menu.ipxe"),
        ("iPXE on x64 UEFI", dhcp4.ipxe(dhcp4.UEFI64), "ipxe/menu.ipxe"),
        ("an operating system", {}, ""),
    ]
    with site.dnsmasq():
        client = dhcp4.Client()
        for mac in (KNOWN, STRANGER):
            for what, options, boot_file in expected:
                offer = client.discover(mac, options)
                assert offer.boot_file == boot_file, f"{what}: {offer}"
                if boot_file:
                    assert offer.next_server == lab.SERVER, f"{what}: {offer}"


def with_a_service_url_the_rest_is_fetched_over_http(folder):
    site = orion(folder, service_url=HTTP)
    site.apply()
    with site.dnsmasq():
        client = dhcp4.Client()
        offer = client.discover(KNOWN, dhcp4.ipxe(dhcp4.BIOS))
        assert offer.boot_file.startswith(f"{HTTP}/boot/menu.ipxe"), offer
        offer = client.discover(KNOWN, dhcp4.firmware(dhcp4.UEFI64_HTTP, http=True))
        assert offer.boot_file == f"{HTTP}/boot/ipxe.efi", offer
        assert offer.text(60) == "HTTPClient", offer
        offer = client.discover(KNOWN, dhcp4.firmware(dhcp4.BIOS))
        assert offer.boot_file == "undionly.kpxe", offer


def boot_sim_tells_what_dnsmasq_answers(folder):
    kinds = {
        "bios": dhcp4.firmware(dhcp4.BIOS),
        "uefi32": dhcp4.firmware(dhcp4.UEFI32),
        "uefi": dhcp4.firmware(dhcp4.UEFI64),
        "arm64": dhcp4.firmware(dhcp4.ARM64),
        "uefi-http": dhcp4.firmware(dhcp4.UEFI64_HTTP, http=True),
        "arm64-http": dhcp4.firmware(dhcp4.ARM64_HTTP, http=True),
        "ipxe": dhcp4.ipxe(dhcp4.BIOS),
        "ipxe-uefi": dhcp4.ipxe(dhcp4.UEFI64),
        "ipxe-other": dhcp4.ipxe(dhcp4.ARM64),
    }
    for loader in ("ipxe", "pxelinux", "grub"):
        (folder / loader).mkdir(mode=0o755)
        site = orion(folder / loader, service_url=HTTP)
        site.networks["lab"]["dhcp"]["loader"] = loader
        site.apply()
        with site.dnsmasq():
            client = dhcp4.Client()
            for kind, options in kinds.items():
                offer = client.discover(KNOWN, options)
                told = site.metalwright("boot-sim", KNOWN, "--firmware", kind)
                assert f"\n  address {offer.address}, name {offer.text(12)}\n" in told, told
                what = f"{loader}, {kind}: {offer}\n{told}"
                if offer.boot_file:
                    assert f"\n  boot file {offer.boot_file}" in told, what
                    own = next(OWN_FILES[name] for name in OWN_FILES if name in offer.boot_file)
                    assert f"\n  reads {own}, its own\n" in told, what
                else:
                    assert "\n  no boot file" in told, what


def every_boot_file_is_served_byte_for_byte(folder):
    lab.address("10.9.0.250/24")
    site = orion(folder)
    site.apply()
    with site.dnsmasq():
        files = [path for path in site.tree.rglob("[!.]*/*") if path.is_file()]
        files += [path for path in site.tree.glob("[!.]*") if path.is_file()]
        assert len(files) > 10, files
        for path in files:
            name = str(path.relative_to(site.tree))
            assert tftp.read(name) == path.read_bytes(), name
            assert tftp.read("/" + name, block=512) == path.read_bytes(), name


def nothing_beyond_the_tree_is_served(folder):
    lab.address("10.9.0.250/24")
    site = orion(folder)
    site.apply()
    with site.dnsmasq():
        for name in ("../dnsmasq.conf", "/etc/passwd", "ipxe/../../dnsmasq.conf", "missing",
                     ".metalwright/manifest"):
            try:
                content = tftp.read(name)
            except tftp.Refused:
                continue
            raise AssertionError(f"'{name}' was served: {content[:40]}")


def a_push_adds_changes_and_removes_servers_while_dnsmasq_runs(folder):
    site = fleet.Fleet(folder, fleet.server(11) | fleet.server(12) | fleet.server(13))
    site.apply()
    with site.dnsmasq():
        client = dhcp4.Client()
        for number in (11, 12, 13):
            assert client.discover(fleet.mac_of(number)).address == f"10.9.0.{number}"
        del site.servers["node12"]
        site.servers["node13"]["ipv4"] = "10.9.0.33"
        site.servers |= fleet.server(14)
        site.target["reload"] = f"pidfile:{folder}/dnsmasq.pid"
        site.apply()
        assert client.discover(fleet.mac_of(11)).address == "10.9.0.11"
        assert client.discover(fleet.mac_of(13)).address == "10.9.0.33"
        assert client.discover(fleet.mac_of(14)).address == "10.9.0.14"
        stranger = client.discover(fleet.mac_of(12))
        assert int(stranger.address.removeprefix("10.9.0.")) >= 100, stranger


def beside_another_dhcp_server_only_boot_files_are_answered(folder):
    """proxy-DHCP: addresses come from the other server, boot files from ours (port 4011 too)."""
    network = fleet.NETWORKS["lab"] | {"dhcp": {"server": "proxy"}}
    network = {key: value for key, value in network.items() if key != "ipv6"}
    site = orion(folder, networks={"lab": network}, mode="proxy")
    site.apply()
    with site.dnsmasq():
        client = dhcp4.Client()
        assert client.silence(KNOWN), "a machine that does not boot was answered"
        expected = [(dhcp4.firmware(dhcp4.BIOS), "undionly.kpxe"),
                    (dhcp4.firmware(dhcp4.UEFI64), "ipxe.efi"),
                    (dhcp4.ipxe(dhcp4.BIOS), "ipxe/menu.ipxe"),
                    (dhcp4.ipxe(dhcp4.UEFI64), "ipxe/menu.ipxe")]
        lab.address("10.9.0.60/24")
        for options, boot_file in expected:
            offer = client.discover(KNOWN, options)
            assert offer.address == "0.0.0.0", offer
            assert offer.text(60) == "PXEClient", offer
            answer = offer
            if not offer.boot_file:
                answer = dhcp4.boot_server(KNOWN, "10.9.0.60", offer, options)
            assert answer.boot_file == boot_file, answer
            assert lab.SERVER in (answer.next_server, *answer.addresses(54)), answer


def tftp_alone_answers_no_dhcp(folder):
    lab.address("10.9.0.250/24")
    site = orion(folder, networks={}, mode="tftp")
    site.apply()
    with site.dnsmasq():
        assert dhcp4.Client().silence(KNOWN, dhcp4.firmware(dhcp4.BIOS))
        assert tftp.read("pxelinux.0") == (site.tree / "pxelinux.0").read_bytes()


def dhcpv6_leases_the_servers_own_address(folder):
    site = orion(folder)
    site.apply()
    with site.dnsmasq():
        lease = dhcp6.Client(KNOWN).lease()
        assert lease.addresses == ["2001:db8:9::b"], lease
        stranger = dhcp6.Client(STRANGER).lease()
        address = socket.inet_pton(socket.AF_INET6, stranger.addresses[0])
        assert 0x1000 <= int.from_bytes(address[8:], "big") <= 0x1FFF, stranger


def dhcpv6_tells_uefi_its_boot_loader(folder):
    site = orion(folder)
    site.servers |= fleet.server(1, name="boot")
    site.networks["lab"]["gateway"] = "10.9.0.2"
    site.networks["lab"]["boot-server"] = "boot"
    site.apply()
    with site.dnsmasq():
        client = dhcp6.Client(KNOWN)
        lease = client.lease(dhcp6.firmware(dhcp4.UEFI64))
        assert lease.boot_file == f"tftp://[{lab.SERVER6}]/ipxe.efi", lease
        assert client.lease().boot_file == "", "an operating system was told a boot file"
    lab.address("2001:db8:9::fa/64")
    with site.dnsmasq():
        assert tftp.read("ipxe.efi", lab.SERVER6) == (site.tree / "ipxe.efi").read_bytes()


def without_ipv6_resolvers_none_are_named(folder):
    """An option without an address in it would stop some firmware."""
    site = orion(folder)
    site.apply()
    with site.dnsmasq():
        lease = dhcp6.Client(KNOWN).lease()
        assert dhcp6.DNS not in lease.options, lease
        assert dhcp6.router_advertisement().dns == []


def with_ipv6_resolvers_they_are_named(folder):
    site = orion(folder)
    site.networks["lab"]["dns"] = [lab.SERVER, "2001:db8:9::53"]
    site.apply()
    with site.dnsmasq():
        assert dhcp6.Client(KNOWN).lease().dns == ["2001:db8:9::53"]
        assert dhcp6.router_advertisement().dns == ["2001:db8:9::53"]


def router_advertisements_say_who_gives_addresses(folder):
    expected = {  # managed, other, autonomous
        "stateful": (True, True, False),
        "stateless": (False, True, True),
        "slaac": (False, False, True),
    }
    dhcp6.client_mac(KNOWN)
    for mode, flags in expected.items():
        (folder / mode).mkdir(mode=0o755)
        site = orion(folder / mode)
        site.networks["lab"]["ipv6"]["ra"] = mode
        if mode != "stateful":
            del site.networks["lab"]["ipv6"]["range"]
        site.apply()
        with site.dnsmasq():
            said = dhcp6.router_advertisement()
            autonomous = said.prefixes["2001:db8:9::/64"]
            assert (said.managed, said.other, autonomous) == flags, f"{mode}: {said}"


def dnsmasq_is_no_router_where_the_network_has_one(folder):
    dhcp6.client_mac(KNOWN)
    for name, gateway, interface, is_router in (
        ("own", None, None, True),
        ("other", "2001:db8:9::fe", None, False),
        ("named", "2001:db8:9::fe", "br0", False),
    ):
        (folder / name).mkdir(mode=0o755)
        site = orion(folder / name)
        if gateway:
            site.networks["lab"]["ipv6"]["gateway"] = gateway
        if interface:
            site.networks["lab"]["dhcp"]["interface"] = interface
            site.networks["lab"]["mtu"] = 1400
        site.apply()
        with site.dnsmasq():
            said = dhcp6.router_advertisement()
            assert (said.lifetime > 0) == is_router, f"{name}: {said}"
            assert dhcp4.Client().discover(KNOWN).address == "10.9.0.11", name
            assert dhcp6.Client(KNOWN).lease().addresses == ["2001:db8:9::b"], name


if __name__ == "__main__":
    lab.need("dnsmasq")
    lab.enter()
    lab.run_tests(
        [
            a_known_machine_gets_its_address_and_the_networks_options,
            a_stranger_gets_an_address_of_the_range,
            a_real_client_configures_itself,
            each_firmware_is_told_its_boot_loader,
            with_a_service_url_the_rest_is_fetched_over_http,
            boot_sim_tells_what_dnsmasq_answers,
            every_boot_file_is_served_byte_for_byte,
            nothing_beyond_the_tree_is_served,
            a_push_adds_changes_and_removes_servers_while_dnsmasq_runs,
            beside_another_dhcp_server_only_boot_files_are_answered,
            tftp_alone_answers_no_dhcp,
            dhcpv6_leases_the_servers_own_address,
            dhcpv6_tells_uefi_its_boot_loader,
            without_ipv6_resolvers_none_are_named,
            with_ipv6_resolvers_they_are_named,
            router_advertisements_say_who_gives_addresses,
            dnsmasq_is_no_router_where_the_network_has_one,
        ]
    )
