#!/usr/bin/env python3
"""The templates of deploy/ci, as far as they run without a forge: their shell steps, in a checkout
with a change, against a server that keeps comments as the forges do."""

import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.parse

import yaml

from lab_site import INVENTORY, PROGRAM, Site, main, server

TEMPLATES = pathlib.Path(__file__).resolve().parents[2] / "deploy/ci"
TITLE = "### metalwright plan\n"


class Forge(http.server.BaseHTTPRequestHandler):
    """The comments of one change, below the path that a forge has them at."""

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def serve(self):
        forge = self.server
        path = urllib.parse.urlsplit(self.path).path
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size))["body"] if size else None
        if forge.token not in self.headers.get(forge.header, "") or not forge.may_comment:
            return self.answer(403, {"message": "forbidden"})
        if path == forge.listing and self.command == "GET":
            return self.answer(200, [{"id": n, "body": text} for n, text in forge.comments.items()])
        if path == forge.listing and self.command == "POST":
            forge.comments[len(forge.comments) + 1] = body
            return self.answer(201, {})
        number = path.rsplit("/", 1)[1]
        if path == f"{forge.single}/{number}" and self.command == forge.edit:
            forge.comments[int(number)] = body
            return self.answer(200, {})
        return self.answer(404, {"message": f"{self.command} {path}"})

    do_GET = do_POST = do_PATCH = do_PUT = serve

    def log_message(self, *_):
        pass


class Templates(Site):
    def setUp(self):
        super().setUp()
        programs = self.root / "bin"
        programs.mkdir()
        (programs / "metalwright").symlink_to(PROGRAM)
        self.env["PATH"] = f"{programs}:{os.environ['PATH']}"
        self.main = self.git("rev-parse", "HEAD").strip()
        self.git("checkout", "-q", "-b", "change")
        self.forge = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forge)
        self.forge.token, self.forge.may_comment = "token-of-the-job", True
        self.forge.comments = {1: "Looks good to me."}
        threading.Thread(target=self.forge.serve_forever, daemon=True).start()
        self.addCleanup(lambda: (self.forge.shutdown(), self.forge.server_close()))
        self.address = f"http://127.0.0.1:{self.forge.server_port}"

    def change(self, *servers):
        """A change while the main branch goes on."""
        head = self.commit({"inventory.yaml": INVENTORY + "".join(servers)}, push=False)
        self.git("checkout", "-q", "main")
        self.main = self.commit({"README": head}, push=False)
        self.git("checkout", "-q", "change")
        return head

    def shell(self, script, env):
        """As a runner does: a file, and the first command that fails ends it."""
        file = self.root / "step.sh"
        file.write_text(script)
        return subprocess.run(["bash", "-e", file], cwd=self.checkout, env={**self.env, **env},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              check=False)

    def actions(self, template, event, head):
        """Runs the steps of a workflow; returns whether it passed, and what it said."""
        context = {
            "github.event_name": event, "github.token": self.forge.token,
            "github.api_url": self.address + "/api", "github.repository": "lab/fleet",
            "github.event.pull_request.number": "7",
            "github.event.pull_request.base.sha": self.main,
            "github.event.pull_request.head.sha": head,
        }
        self.forge.header, self.forge.edit = "Authorization", "PATCH"
        self.forge.listing = "/api/repos/lab/fleet/issues/7/comments"
        self.forge.single = "/api/repos/lab/fleet/issues/comments"
        (job,) = yaml.safe_load((TEMPLATES / template).read_text())["jobs"].values()
        said = ""
        for step in job["steps"]:
            condition = step.get("if", "github.event_name == github.event_name")
            left, right = (word.strip().strip("'") for word in condition.split("=="))
            if "run" not in step or context.get(left, left) != context.get(right, right):
                continue
            env = {name: re.sub(r"\$\{\{ (\S+) \}\}", lambda found: context[found[1]], value)
                   for name, value in step.get("env", {}).items()}
            env["GITHUB_STEP_SUMMARY"] = str(self.root / "summary.md")
            self.assertNotIn("${{", step["run"], "text of strangers in a script")
            done = self.shell(step["run"], env)
            said += done.stdout + done.stderr
            if done.returncode != 0 and not step.get("continue-on-error"):
                return False, said
        return True, said

    def gitlab(self, event, head):
        env = {"CI_COMMIT_SHA": head}
        if event == "pull_request":
            env |= {"CI_MERGE_REQUEST_DIFF_BASE_SHA":
                        self.git("merge-base", self.main, head).strip(),
                    "CI_API_V4_URL": self.address + "/api/v4", "CI_PROJECT_ID": "3",
                    "CI_MERGE_REQUEST_IID": "7", "METALWRIGHT_TOKEN": self.forge.token}
        self.forge.header, self.forge.edit = "PRIVATE-TOKEN", "PUT"
        self.forge.listing = self.forge.single = "/api/v4/projects/3/merge_requests/7/notes"
        job = yaml.safe_load((TEMPLATES / "gitlab-ci.yml").read_text())["metalwright"]
        done = self.shell("\n".join(job["script"]), env)
        return done.returncode == 0, done.stdout + done.stderr

    def run_template(self, name, event, head):
        if name == "gitlab":
            return self.gitlab(event, head)
        return self.actions(f"{name}-actions.yml", event, head)

    def check(self, name):
        head = self.change(server("gamma", 13))
        passed, said = self.run_template(name, "push", self.main)
        self.assertTrue(passed, said)
        self.assertEqual(len(self.forge.comments), 1)

        passed, said = self.run_template(name, "pull_request", head)
        self.assertTrue(passed, said)
        self.assertEqual(len(self.forge.comments), 2, said)
        self.assertTrue(self.forge.comments[2].startswith(TITLE), self.forge.comments[2])
        self.assertIn("01-52-54-00-00-00-13", self.forge.comments[2])

        head = self.change(server("gamma", 13), server("delta", 14))
        passed, said = self.run_template(name, "pull_request", head)
        self.assertTrue(passed, said)
        self.assertEqual(len(self.forge.comments), 2, "a second push rewrites the comment")
        self.assertIn("01-52-54-00-00-00-14", self.forge.comments[2])
        self.assertEqual(self.forge.comments[1], "Looks good to me.")

        self.forge.may_comment = False  # a change from a fork
        before = dict(self.forge.comments)
        passed, said = self.run_template(name, "pull_request", head)
        self.assertTrue(passed, said)
        plan = (self.checkout / "plan.md").read_text()
        self.assertIn("01-52-54-00-00-00-14", plan)

        self.forge.may_comment = True
        head = self.change(server("gamma", 13).replace("192.0.2.13", "nowhere"))
        passed, said = self.run_template(name, "pull_request", head)
        self.assertFalse(passed)
        self.assertIn("ipv4-format", said)
        self.assertEqual(self.forge.comments, before)
        return said

    def test_github_shows_a_change_and_refuses_a_broken_one(self):
        self.assertIn("::error file=inventory.yaml,line=", self.check("github"))
        self.assertIn("01-52-54-00-00-00-14", (self.root / "summary.md").read_text())

    def test_forgejo_shows_a_change_and_refuses_a_broken_one(self):
        self.check("forgejo")

    def test_gitlab_shows_a_change_and_refuses_a_broken_one(self):
        self.check("gitlab")


if __name__ == "__main__":
    main()
