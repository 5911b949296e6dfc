#!/usr/bin/env python3
"""Nodes as a target: the example client against the service, and what the plan, the status and the
metrics say of nodes that are there, behind, failed or silent."""

import json
import os
import pathlib
import re
import signal
import subprocess

from serve_site import CLUSTER, INVENTORY, Serving, main

CLIENT = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/node-client/node-client.sh"


class NodeTarget(Serving):
    targets = """\
          - {name: tftp, type: files, root: $root/tftp, render: [ipxe], boot-loaders: false}
          - {name: fleet, type: nodes, timeout: 1s}
    """
    service = "{url: 'http://192.0.2.1:8000', silent-after: 1h, node-timeout: 1h}"

    def setUp(self):
        super().setUp()
        self.assert_serves(self.commit({"clusters/lab.yaml": CLUSTER}))
        (self.root / "secrets").mkdir()
        self.tokens = {}
        for name in ("alpha", "beta"):
            self.tokens[name] = self.expect(0, "token", "create", name, "--role", "node").stdout.strip()
        self.eye = self.expect(0, "token", "create", "eye").stdout.strip()

    def headers(self, name="alpha"):
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def client(self, name="alpha", *arguments, wait=True, **env):
        token = self.root / f"{name}.token"
        token.write_text(self.tokens[name] + "\n")
        program = subprocess.Popen(
            [CLIENT, name, str(self.root / f"root-{name}"), *arguments], text=True,
            env={**self.env, "METALWRIGHT_URL": f"http://127.0.0.1:{self.port}", "PAUSE": "1",
                 "METALWRIGHT_TOKEN_FILE": str(token), **env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        if not wait:
            self.addCleanup(program.communicate)
            self.addCleanup(os.killpg, program.pid, signal.SIGTERM)  # its curl too, as systemd does
            return program
        output, _ = program.communicate(timeout=120)
        return program.returncode, output

    def plan(self):
        """The changes and what is said of the nodes' target."""
        done = self.run_program("plan", "--format", "json")
        self.assertIn(done.returncode, (0, 1, 6), done.stderr)
        plan = json.loads(done.stdout)
        changes = [f'{change["action"]} {change["kind"]}/{change["name"]}' for change in plan["changes"]
                   if change["target"] == "fleet"]
        return changes, " ".join(left["message"] for left in plan["left_out"] if left["target"] == "fleet")

    def standing(self, name="alpha"):
        nodes = json.loads(self.expect(0, "status", "--format", "json").stdout)["nodes"]
        return next((node["standing"] for node in nodes if node["name"] == name), None)

    def report(self, name="alpha", **more):
        body = {"applied_hash": "0" * 64, "health": "ok", **more}
        return self.ask(f"/api/v1/nodes/{name}/report", "POST", body, self.headers(name))

    def bundle_hash(self, name="alpha"):
        return self.ask(f"/api/v1/nodes/{name}/bundle", headers=self.headers(name)).json()["hash"]

    def test_a_cluster_s_node_that_was_never_heard_of(self):
        changes, said = self.plan()
        self.assertEqual(changes, ["create node/alpha"])
        self.assertIn("alpha was never heard of", said)

    def test_the_example_client_takes_part(self):
        code, output = self.client("alpha", "--once")
        self.assertEqual((code, output), (0, ""))
        root = self.root / "root-alpha"
        bundle = self.ask("/api/v1/nodes/alpha/bundle", headers=self.headers()).json()
        self.assertEqual(len(bundle["files"]), 2)
        for file in bundle["files"]:
            path = root / file["path"]
            self.assertEqual(path.read_text(), file["content"])
            self.assertEqual(f"{path.stat().st_mode & 0o7777:04o}", file["mode"])
        self.await_true(lambda: self.standing() == "converged", "the node to be converged")
        self.assertEqual(self.plan(), ([], ""))
        self.assertIn("1 converged", self.expect(0, "status").stdout)
        self.await_true(lambda: self.ask("/api/v1/nodes/alpha").json()["state"] == "Active", "it to be active")

    def test_it_follows_a_push_without_being_asked(self):
        self.client("alpha", wait=False)
        self.await_true(lambda: self.standing() == "converged", "the node to be converged")
        before = self.bundle_hash()
        self.commit({"inventory.yaml": INVENTORY.replace("192.0.2.11\n", "192.0.2.21\n"),
                     "clusters/lab.yaml": CLUSTER.replace("192.0.2.11", "192.0.2.21")})
        netplan = self.root / "root-alpha/etc/netplan/99-metalwright.yaml"
        self.await_true(lambda: "192.0.2.21" in netplan.read_text(), "the file to be fetched")
        self.await_true(lambda: self.bundle_hash() != before and self.standing() == "converged",
                        "the node to be converged again")
        self.await_true(lambda: self.plan() == ([], ""), "the plan to be empty")
        history = json.loads(self.expect(0, "status", "--format", "json").stdout)["targets"]
        self.await_true(lambda: any(row["name"] == "fleet" and row["converged"] for row in history) or
                        "converged" in self.expect(0, "status").stdout, "the target to be converged")

    def test_a_node_that_is_behind_is_a_change(self):
        self.report()
        changes, said = self.plan()
        self.assertEqual((changes, said), (["update node/alpha"], ""))
        self.await_true(lambda: self.standing() == "behind", "the node to be behind")
        self.assertIn("behind, heard of last at", self.expect(0, "status").stdout)
        metrics = self.ask("/metrics", headers={"Authorization": f"Bearer {self.eye}"}).text
        self.assertIn('metalwright_nodes_standing{standing="behind"} 1\n', metrics)
        self.await_true(lambda: "did not fetch it yet" in self.expect(0, "status").stdout, "the apply to say so")

    def test_a_node_that_fails_says_why(self):
        code, _ = self.client("alpha", "--once", APPLY="false")
        self.assertEqual(code, 1)
        self.assertEqual(self.ask("/api/v1/nodes/alpha").json()["convergence"], "failed")
        changes, said = self.plan()
        self.assertIn("alpha is failed: false failed", said)
        self.assertIn("failed: false failed", self.expect(0, "status").stdout)

    def test_a_node_that_fell_silent_has_an_age(self):
        self.report(applied_hash=self.bundle_hash())
        self.stop()
        self.config.write_text(self.config.read_text().replace("silent-after: 1h", "silent-after: 1s"))
        self.start()
        self.await_true(lambda: self.standing() == "silent", "the node to be silent")
        self.assertRegex(self.expect(0, "status").stdout, r"silent for \d+s, heard of last at 20")
        changes, said = self.plan()
        self.assertRegex(said, r"alpha is silent for \d+s")
        self.assertEqual(changes, [])

    def test_a_server_of_no_cluster_takes_part_once_it_reports(self):
        self.assertNotIn("create bundle/beta", self.plan()[0])
        self.report("beta")
        self.assertIn("update bundle/beta", self.plan()[0])
        self.assertEqual(self.client("beta", "--once")[0], 0)
        self.assertNotIn("update bundle/beta", self.plan()[0])

    def test_the_list_has_a_line_a_file(self):
        answer = self.ask("/api/v1/nodes/alpha/bundle?format=list", headers=self.headers())
        self.assertRegex(answer.text, r"\A(0[0-7]{3} [0-9a-f]{64} [^ \n]+\n){2}\Z")
        self.assertEqual(answer.headers["ETag"], f'"{self.bundle_hash()}"')
        for query, status in (("format=x", 400), ("wait=x", 400), ("wait=-1", 400), ("wait=99999999999", 400)):
            self.assertEqual(self.ask(f"/api/v1/nodes/alpha/bundle?{query}", headers=self.headers()).status,
                             status, query)
        for path, status in (("etc/netplan/99-metalwright.yaml", 200), ("", 404), ("../secrets", 404),
                             ("/etc/passwd", 404), ("etc/netplan", 404), ("x" * 5000, 404)):
            answer = self.ask(f"/api/v1/nodes/alpha/file?path={path}", headers=self.headers())
            self.assertEqual(answer.status, status, path[:40])
        self.assertEqual(self.ask("/api/v1/nodes/alpha/file", headers=self.headers()).status, 400)
        self.assertEqual(self.ask("/api/v1/nodes/beta/file?path=x", headers=self.headers()).status, 403)

    def test_a_node_that_does_not_arrive_in_time_has_failed_and_may_come_late(self):
        self.stop()
        self.config.write_text(self.config.read_text().replace("node-timeout: 1h", "node-timeout: 1s"))
        self.start()
        self.ask("/api/v1/phone-home", "POST", {"node_id": "alpha", "ip": "192.0.2.11", "role": "worker"})
        state = lambda: self.ask("/api/v1/nodes/alpha").json()["state"]  # noqa: E731
        self.await_true(lambda: state() == "Failed", "the node to have failed")
        self.assertIn("did not arrive in time", self.plan()[1])
        self.assertEqual(self.client("alpha", "--once")[0], 0)
        self.await_true(lambda: state() == "Active", "the node to be active")
        audit = self.expect(0, "audit").stdout
        self.assertTrue(re.search(r"node +alpha +Failed", audit) and re.search(r"node +alpha +Active", audit), audit)


main()
