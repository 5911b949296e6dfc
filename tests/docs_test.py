#!/usr/bin/env python3
"""The documents: each link leads to a file, each how-to is in their index, and each command that
they name is the program's, with its options. The program is the first argument."""

import functools
import pathlib
import re
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"),
                *(ROOT / "examples").rglob("*.md")])


def links(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def calls(page):
    """The words behind each `metalwright COMMAND` in code, up to where the shell would end it."""
    for block, span in re.findall(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", page.read_text(), re.DOTALL):
        for line in (block or span).replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^|[ /])metalwright (?:-c \S+ )?(?!metalwright)([a-z][^|;&<>#]*)", line)
            if found:
                yield found[1].split()


@functools.cache
def help_of(*command):
    done = subprocess.run([PROGRAM, *command, "--help"], capture_output=True, text=True, timeout=60,
                          check=True)
    return done.stdout


def has(command, word):
    """Whether the help of a command lists this subcommand or option."""
    return re.search(rf"^  (\S+,)?{re.escape(word)}[ ,:=]", help_of(*command), re.MULTILINE)


class Documents(unittest.TestCase):
    def test_each_command_is_the_programs(self):
        named = 0
        for page in PAGES:
            for words in calls(page):
                with self.subTest(page=str(page.relative_to(ROOT)), words=" ".join(words)):
                    command = []
                    while words and re.fullmatch("[a-z][a-z-]*", words[0]) and has(command, words[0]):
                        command.append(words.pop(0))
                    self.assertTrue(command, "there is no such command")
                    for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", " ".join(words)):
                        self.assertTrue(has(command, option) or has([], option), option)
                    named += 1
        self.assertGreater(named, 50)

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
