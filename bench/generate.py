#!/usr/bin/env python3
"""Makes a fleet to measure with: a git repository of N servers, the assets its profiles name, and
a host configuration that points metalwright at folders beside it.

The same size and seed give the same bytes and the same commit. A seed also chooses the shape
(naming, network sizes, spelling of MAC addresses, how much of the YAML is flow style, one file or
one a site), so that figures from a few seeds say nothing about one layout only.

  bench/generate.py OUT --servers 10000 --seed 1
"""

import argparse
import os
import shutil
import subprocess
from pathlib import Path

from fleet import Fleet


def git(repository, *arguments):
    environment = dict(os.environ)
    for name in list(environment):
        if name.startswith("GIT_"):
            del environment[name]
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "Fleet", f"GIT_{who}_EMAIL": "fleet@example.net",
                        f"GIT_{who}_DATE": "2025-01-01T00:00:00Z"}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return subprocess.run(["git", "-C", str(repository), *arguments], check=True,
                          capture_output=True, text=True, env=environment).stdout.strip()


def commit(repository, message):
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", message)
    return git(repository, "rev-parse", "HEAD")


HOST_CONFIG = """\
source: {{git: {root}/fleet.git, branch: main, poll: {poll}}}
state: sqlite:{root}/state/state.db
assets: {root}/assets
targets:
  - {{name: tftp, type: files, root: {root}/tftp, render: [pxelinux, grub, ipxe]}}
  - {{name: nodes-files, type: files, root: {root}/nodes, render: [netplan, cluster-config]}}
  - {{name: dhcp, type: dnsmasq, mode: {mode}, config: {root}/dnsmasq/metalwright.conf,
     hosts: {root}/dnsmasq/hosts, reload: "{reload}"}}
"""


def host_config(root, poll="1s", mode="dhcp", reload="none"):
    return HOST_CONFIG.format(root=root, poll=poll, mode=mode, reload=reload)


def generate(out, count, seed):
    """Everything under `out`, which is emptied first. Returns the Fleet."""
    root = Path(out).resolve()
    if root.exists():
        if any(root.iterdir()) and not (root / "metalwright.yaml").exists():
            raise SystemExit(f"{root} holds something else: name an empty or new folder")
        shutil.rmtree(root)
    fleet = Fleet(count, seed)
    for folder in ("fleet", "tftp", "nodes", "dnsmasq/hosts", "state"):
        (root / folder).mkdir(parents=True)
    digests = fleet.write_assets(root / "assets")
    repository = root / "fleet"
    git(repository, "init", "-q", "-b", "main")
    fleet.write_repository(repository, digests)
    commit(repository, f"{count} servers")
    git(root, "clone", "-q", "--bare", "--no-hardlinks", str(repository), "fleet.git")
    git(repository, "remote", "add", "origin", str(root / "fleet.git"))
    (root / "metalwright.yaml").write_text(host_config(root))
    return fleet


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out")
    parser.add_argument("--servers", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    fleet = generate(arguments.out, arguments.servers, arguments.seed)
    print(f"{len(fleet.servers)} servers, {len(fleet.clusters)} clusters, "
          f"{len(fleet.networks + fleet.bmc_networks)} networks in {arguments.out}")


if __name__ == "__main__":
    main()
