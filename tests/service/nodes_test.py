#!/usr/bin/env python3
"""What nodes ask the service for and report to it."""

from serve_site import CLUSTER, HOSTILE, INVENTORY, Serving, main


class Nodes(Serving):
    def setUp(self):
        super().setUp()
        self.assert_serves(self.commit({"clusters/lab.yaml": CLUSTER}))
        self.token = self.expect(0, "token", "create", "alpha", "--role", "node").stdout.strip()
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def home(self, **more):
        body = {"node_id": "alpha", "ip": "192.0.2.11", "role": "control-plane", "config_hash": "0" * 64}
        return self.ask("/api/v1/phone-home", "POST", {**body, **more})

    def state(self, name="alpha"):
        return self.ask(f"/api/v1/nodes/{name}").json()["state"]

    def test_a_node_phones_home(self):
        answer = self.home()
        self.assertEqual((answer.status, answer.json()), (200, {
            "success": True, "node_id": "alpha", "state": "Provisioning", "message": "registered"}))
        node = self.ask("/api/v1/nodes").json()[0]
        self.assertEqual((node["id"], node["ip"], node["role"], node["state"], node["config_hash"]),
                         ("alpha", "192.0.2.11", "control-plane", "Provisioning", "0" * 64))
        self.assertTrue(node["drift"])
        self.assertRegex(node["last_seen"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_an_unknown_node_is_pending_and_a_known_one_becomes_active(self):
        self.assertEqual(self.home(node_id="stranger").json()["state"], "Pending")
        config = self.ask("/api/v1/nodes/alpha/bundle", headers=self.headers).json()["config_hash"]
        self.home(config_hash=config)
        self.await_true(lambda: self.state() == "Active", "the node to be active")
        self.assertEqual(self.home(config_hash=config).json()["state"], "Active")
        self.assertEqual(self.home(config_hash="1" * 64).json()["state"], "Provisioning")

    def test_other_spellings_and_missing_members(self):
        body = {"node_id": "alpha", "node_ip": "192.0.2.11", "node_role": "worker"}
        self.assertEqual(self.ask("/api/v1/phone-home", "POST", body).status, 200)
        for member in ("node_id", "ip", "role"):
            answer = self.home(**{member: None})
            self.assertEqual((answer.status, answer.json()["success"]), (422, False))
        self.assertEqual(self.home(role="king").status, 400)
        self.assertEqual(self.ask("/api/v1/phone-home", "POST", b"x").status, 400)
        for value in HOSTILE:
            for member in ("node_id", "ip", "role", "config_hash", "hostname", "mac"):
                self.assertIn(self.home(**{member: value}).status, (200, 400, 413, 422))
        self.ask("/api/v1/nodes").json()

    def test_a_node_fetches_its_files_and_reports(self):
        answer = self.ask("/api/v1/nodes/alpha/bundle", headers=self.headers)
        bundle = answer.json()
        self.assertEqual([file["path"] for file in bundle["files"]],
                         ["cluster-config.json", "etc/netplan/99-metalwright.yaml"])
        tag = answer.headers["ETag"]
        self.assertEqual(tag, f'"{bundle["hash"]}"')
        known = {**self.headers, "If-None-Match": tag}
        for tags in (f"W/{tag}", f'"x", {tag}', tag):
            known["If-None-Match"] = tags
            self.assertEqual(self.ask("/api/v1/nodes/alpha/bundle", headers=known).status, 304, tags)
        report = {"applied_hash": bundle["hash"], "health": "ok"}
        told = self.ask("/api/v1/nodes/alpha/report", "POST", report, self.headers)
        self.assertEqual((told.status, told.json()["convergence"]), (200, "converged"))
        self.assertEqual(self.ask("/api/v1/nodes/alpha").json()["convergence"], "converged")
        self.commit({"inventory.yaml": INVENTORY.replace("192.0.2.11\n", "192.0.2.21\n"),
                     "clusters/lab.yaml": CLUSTER.replace("192.0.2.11", "192.0.2.21")})
        waited = self.ask("/api/v1/nodes/alpha/bundle?wait=60", headers=known)
        self.assertEqual(waited.status, 200)
        self.assertNotEqual(waited.headers["ETag"], tag)
        self.assertEqual(self.ask("/api/v1/nodes/alpha").json()["convergence"], "behind")

    def test_a_token_is_for_its_own_node(self):
        self.assertEqual(self.ask("/api/v1/nodes/alpha/bundle").status, 401)
        self.assertEqual(self.ask("/api/v1/nodes/beta/bundle", headers=self.headers).status, 403)
        self.assertEqual(self.ask("/api/v1/nodes/none/bundle", headers=self.headers).status, 403)
        self.assertEqual(self.ask("/api/v1/boot/profiles", headers=self.headers).status, 403)
        self.assertEqual(self.ask("/api/v1/nodes/alpha/report", "POST", {"applied_hash": 1.5},
                                  self.headers).status, 200)
        for body in (b"", b"x", b"{}", b"[]"):
            self.assertIn(self.ask("/api/v1/nodes/alpha/report", "POST", body, self.headers).status, (400, 422))


main()
