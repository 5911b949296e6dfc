#!/usr/bin/env python3
"""The documents: each link leads to a file, and each how-to is in their index."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"),
                *(ROOT / "examples").rglob("*.md")])


def links(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


class Documents(unittest.TestCase):
    def test_each_link_leads_to_a_file(self):
        for page in PAGES:
            for link in links(page):
                with self.subTest(page=str(page.relative_to(ROOT)), link=link):
                    self.assertTrue((page.parent / link.partition("#")[0]).exists() or
                                    link.startswith("#"))

    def test_each_how_to_is_in_the_index(self):
        for folder in ("how-to", "troubleshooting"):
            index = ROOT / "docs" / folder / "README.md"
            pages = {page.name for page in index.parent.glob("*.md")} - {"README.md"}
            self.assertEqual(pages, pages & set(links(index)), f"not in {index}")


if __name__ == "__main__":
    unittest.main()
