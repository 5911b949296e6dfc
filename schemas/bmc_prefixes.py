#!/usr/bin/env python3
"""Makes bmc_prefixes.inc from the registries of the IEEE: which prefixes of MAC addresses belong to
the vendors whose management controllers are looked for.

    schemas/bmc_prefixes.py oui.csv mam.csv oui36.csv > schemas/bmc_prefixes.inc

The files are those of https://standards-oui.ieee.org/, which Debian has in the package ieee-data.
"""

import csv
import re
import sys

# By vendor: the organisations as they are registered. Phones, home routers, printers and personal
# computers of namesakes stay out. Contract manufacturers (Inventec, Wistron, Foxconn) make boards
# for everybody, so theirs are for the host's configuration to add.
VENDORS = {
    "HPE": ["Hewlett Packard Enterprise", "Hewlett Packard", "HPN Supply Chain"],
    "Dell": ["Dell", "Dell Inc.", "Dell EMC", "Dell Technologies"],
    "Supermicro": ["Super Micro Computer, Inc."],
    "Lenovo": ["Lenovo", "Lenovo Data Center Group", "Lenovo (Beijing) Limited.",
               "LENOVO(BEIJING)CO., LTD.", "Lenovo (Beijing) Co., Ltd.",
               "Lenovo Information Products (Shenzhen)Co.,Ltd"],
    "Cisco": ["Cisco Systems, Inc", "Cisco Systems Inc"],
    "Fujitsu": ["FUJITSU LIMITED", "Fujitsu Limited", "Fujitsu Technology Solutions GmbH",
                "Fujitsu Siemens Computers", "FUJITSU ISOTEC LIMITED"],
    "Gigabyte": ["GIGA-BYTE TECHNOLOGY CO.,LTD.", "GIGA-BYTE TECHNOLOGY CO. , Ltd.",
                 "GIGA-BYTE TECHNOLOGY CO., LTD.", "Giga-Byte Technology Co., Ltd.",
                 "Giga-Byte Technology Co.,LTD.", "Giga-Byte"],
    "ASRock Rack": ["ASRock Incorporation", "ASRock Rack Incorporation"],
    "Intel": ["Intel Corporate", "Intel Corporation"],
}
WIDTH = 100


def main():
    of = {organisation: vendor for vendor, names in VENDORS.items() for organisation in names}
    found = {vendor: set() for vendor in VENDORS}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                vendor = of.get(" ".join(row["Organization Name"].split()))
                if vendor and re.fullmatch("[0-9A-F]{6,9}", row["Assignment"]):
                    found[vendor].add(row["Assignment"].lower())
    print("// Made by bmc_prefixes.py from the registries of the IEEE.")
    for vendor, prefixes in found.items():
        name = "k" + vendor.replace(" ", "")
        for digits in (6, 7, 9):
            chosen = sorted(prefix for prefix in prefixes if len(prefix) == digits)
            if not chosen:
                continue
            suffix = "" if digits == 6 else str(digits * 4)
            print(f"constexpr Prefix{digits * 4} {name}{suffix}[] = {{")
            line = "   "
            for prefix in chosen:
                item = f" 0x{prefix},"
                if len(line) + len(item) > WIDTH:
                    print(line)
                    line = "   "
                line += item
            print(f"{line}\n}};")


main()
