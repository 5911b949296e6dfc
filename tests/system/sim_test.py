#!/usr/bin/env python3
"""Two hundred simulated machines are switched on at once: a real dnsmasq and the service answer them
on a real link, and every one boots."""

import json

import fleet
import lab

MACHINES = 200
URL = f"http://{lab.SERVER}:8000"
NETWORKS = {
    "lab": {
        "prefix": "10.9.0.0/16",
        "gateway": lab.SERVER,
        "dhcp": {"server": "dnsmasq", "range": "10.9.200.0-10.9.203.255", "lease": "1h"},
    }
}
PROFILE = {
    "type": "custom",
    "install": True,
    "kernel": "guest/vmlinuz",
    "initrd": "guest/initrd",
    "params": ["url=" + URL + "/boot/configs/guest/${mac}"],
    "template": "guest.cfg",
}


def server(number):
    return {f"node{number:03}": {
        "ipv4": f"10.9.{1 + number // 200}.{number % 200 + 1}",
        "profile": "guest",
        "interfaces": {"eth0": {"mac": f"52:54:00:0a:{number >> 8:02x}:{number & 255:02x}",
                                "role": "primary"}},
    }}


def site_of(folder, count):
    servers = {}
    for number in range(count):
        servers |= server(number)
    site = fleet.Fleet(folder, servers, NETWORKS, {"guest": PROFILE}, service_url=URL)
    site.host["service"] |= {"auth": "none", "allow": {"api": ["10.9.0.0/16"]},
                             "rate": {"boot": 0, "node": 0, "api": 0}}
    (site.repository / "templates").mkdir()
    (site.repository / "templates/guest.cfg").write_text("hostname {{hostname}}\n")
    (site.assets / "guest").mkdir()
    (site.assets / "guest/vmlinuz").write_bytes(b"k" * 1_000_000)
    (site.assets / "guest/initrd").write_bytes(b"i" * 2_000_000)
    site.apply()
    return site


def boot(folder, site, *options):
    """All machines through DHCP on the link; the summary."""
    log = folder / "serve.log"
    serve = [fleet.PROGRAM, "-c", folder / "metalwright.yaml", "serve"]
    with lab.program(*serve, log=log), site.dnsmasq():
        lab.wait_for(lambda: "serving revision" in log.read_text(), 60, "the service serves")
        command = ["ip", "netns", "exec", "client", fleet.PROGRAM, "sim", "--interface", "eth0",
                   "--repo", str(site.repository), "--format", "json", *options]
        return json.loads(lab.run(*command, timeout=400))


def all_of_two_hundred_boot_at_once(folder):
    summary = boot(folder, site_of(folder, MACHINES))
    assert summary["endings"]["booted"] == MACHINES, summary
    for stage, entry in summary["stages"].items():
        assert entry["machines"] == MACHINES, (stage, summary)


def lost_datagrams_only_take_longer(folder):
    summary = boot(folder, site_of(folder, 20), "--lost", "1")
    assert summary["endings"]["booted"] == 20, summary


def a_machine_without_a_loader_is_told_apart(folder):
    # A reboot in the middle of an install is not handed another one: the disk is what is left.
    summary = boot(folder, site_of(folder, 30), "--wrong-architecture", "30", "--reboot", "30")
    ends = summary["endings"]
    assert ends["failed"] == 0 and ends["wrong architecture"] > 0, summary
    assert ends["local disk"] == summary["rebooted"] > 0, summary
    assert sum(ends.values()) == 30, summary


if __name__ == "__main__":
    lab.need("dnsmasq")
    lab.enter()
    lab.run("ip", "address", "delete", f"{lab.SERVER}/24", "dev", "br0")
    lab.run("ip", "address", "add", f"{lab.SERVER}/16", "dev", "br0")
    lab.address("10.9.255.250/16")
    lab.run_tests([all_of_two_hundred_boot_at_once, lost_datagrams_only_take_longer,
                   a_machine_without_a_loader_is_told_apart])
