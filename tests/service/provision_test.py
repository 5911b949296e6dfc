#!/usr/bin/env python3
"""The provisioning listener and the boot API over real HTTP, as their clients use them."""

import hashlib
import hmac
import shutil
import signal
import subprocess

import jsonschema

from serve_site import HOSTILE, Serving, main

ALPHA, STRANGER = "52:54:00:00:00:11", "52:54:00:00:00:99"
SEED = """\
servers:
  alpha:
    hostname: alpha.example.net
    ipv4: 192.0.2.11
    ipv6: 2001:DB8:0001::1/64
    services: [kubernetes_worker]
    profile: rescue
    interfaces:
      eth0: {mac: "52-54-00-00-00-11", role: primary, ipv6: "2001:DB8:1000::1/64"}
  beta:
    ipv4: 192.0.2.12
    interfaces:
      eth0: {mac: "52:54:00:00:00:12"}
"""
BARE_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$"


class Provisioning(Serving):
    def setUp(self):
        super().setUp()
        self.assert_serves(self.commit({"inventory.yaml": SEED}))

    def post(self, path, body):
        return self.ask(path, "POST", body)

    def register(self, mac, **more):
        return self.post("/register", {"mac": mac, "ip": "192.0.2.141", "hostname": "nixos", **more})

    def test_a_known_machine_registers(self):
        answer = self.register("52:54:00:00:00:11")
        self.assertEqual((answer.status, answer.json()), (200, {
            "status": "matched", "server_name": "alpha", "ipv6": "2001:DB8:1000::1/64",
            "config_url": "/nixos-config/52:54:00:00:00:11"}))
        self.assertEqual(answer.headers["Content-Type"], "application/json; charset=utf-8")
        status = self.ask("/status").json()
        entry = status["provisioned"][ALPHA]
        self.assertRegex(entry.pop("registered_at"), BARE_TIME)
        self.assertRegex(status["timestamp"], BARE_TIME)
        self.assertEqual(entry, {"server_name": "alpha", "interface": "eth0", "ipv4": "192.0.2.11",
                                 "ipv6": "2001:DB8:1000::1/64", "mac": ALPHA, "status": "registered"})

    def test_an_unknown_machine_is_pending_until_it_is_known(self):
        answer = self.register("52:54:00:00:00:99".upper())
        self.assertEqual((answer.status, answer.json()), (202, {
            "status": "unknown", "message": "MAC not in inventory, added to pending", "mac": STRANGER}))
        pending = self.ask("/status").json()["pending"][STRANGER]
        self.assertEqual((pending["ip"], pending["hostname"]), ("192.0.2.141", "nixos"))
        self.assertIn(STRANGER, self.expect(0, "pending").stdout)
        entry = self.expect(0, "adopt", STRANGER, "--as", "delta", "--profile", "rescue").stdout
        self.assert_serves(self.commit({"inventory.yaml": SEED + entry}))
        self.assertEqual(self.register(STRANGER).json()["server_name"], "delta")
        self.assertEqual(self.ask("/status").json()["pending"], {})
        self.assertIn("rescue/vmlinuz", self.menu(STRANGER).text)

    def test_a_stranger_that_boots_is_pending(self):
        self.menu(STRANGER)
        self.await_true(lambda: STRANGER in self.expect(0, "pending").stdout, "the machine on the list")
        self.assertEqual(self.ask("/status").json()["pending"][STRANGER]["hostname"], "unknown")

    def test_what_was_registered_is_there_after_a_kill(self):
        self.register(ALPHA)
        self.register(STRANGER)
        self.stop(signal.SIGKILL)
        self.start()
        status = self.ask("/status").json()
        self.assertEqual((list(status["provisioned"]), list(status["pending"])), ([ALPHA], [STRANGER]))

    def test_the_configuration_of_a_machine(self):
        for mac in ("52-54-00-00-00-11", "52:54:00:00:00:11", "5254.0000.0011"):
            self.assertEqual(self.ask(f"/config/{mac}").json(), {
                "server_name": "alpha", "hostname": "alpha.example.net", "ipv4": "192.0.2.11",
                "ipv6": "2001:DB8:0001::1/64",
                "interface": {"name": "eth0", "ipv6": "2001:DB8:1000::1/64", "role": "primary"},
                "specs": {}, "services": ["kubernetes_worker"]})
        self.assertEqual(self.ask("/config/52-54-00-00-00-12").json()["hostname"], "beta")
        missing = self.ask("/config/52-54-00-00-00-99")
        self.assertEqual((missing.status, missing.json()),
                         (404, {"error": "MAC not found in inventory", "mac": STRANGER}))

    def test_the_inventory_as_it_was_written(self):
        inventory = self.ask("/inventory").json()
        self.assertEqual(inventory["servers"]["alpha"]["interfaces"]["eth0"]["mac"], "52-54-00-00-00-11")
        self.assertEqual(set(inventory["servers"]), {"alpha", "beta"})

    def test_callbacks(self):
        self.register(ALPHA)
        answer = self.post("/callback/boot-complete", {"mac": ALPHA.upper(), "hostname": "alpha"})
        self.assertEqual((answer.status, answer.json()["received"]), (200, "boot-complete"))
        self.assertRegex(answer.json()["timestamp"], BARE_TIME)
        entry = self.ask("/status").json()["provisioned"][ALPHA]
        self.assertEqual((entry["status"], entry["last_callback"]), ("online", "boot-complete"))
        self.post("/callback/other", {"mac": ALPHA})
        entry = self.ask("/status").json()["provisioned"][ALPHA]
        self.assertEqual((entry["status"], entry["last_callback"]), ("online", "other"))
        for body in (b"", b"not json", b"[]", b"{}", {"mac": STRANGER}):
            self.assertEqual(self.ask("/callback/x", "POST", body).status, 200)
        self.assertNotIn(STRANGER, self.ask("/status").json()["provisioned"])

    def test_the_nixos_module(self):
        answer = self.ask("/nixos-config/52-54-00-00-00-11")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/plain; charset=utf-8"))
        text = answer.text
        self.assertIn('networking.hostName = "alpha";', text)
        self.assertIn('{ address = "2001:DB8:0001::1"; prefixLength = 64; }', text)
        self.assertIn(f"http://127.0.0.1:{self.port}/callback/boot-complete", text)
        self.assertIn('system.stateVersion = "24.11";', text)
        missing = self.ask("/nixos-config/52-54-00-00-00-99")
        self.assertEqual((missing.status, missing.text),
                         (404, f"# Error: MAC {STRANGER} not found in inventory\n"))
        if shutil.which("nix-instantiate"):
            path = self.root / "module.nix"
            path.write_text(text)
            subprocess.run(["nix-instantiate", "--parse", str(path)], check=True, capture_output=True,
                           env={**self.env, "HOME": str(self.root)})

    def test_the_bootstrap_script_is_a_script(self):
        text = self.ask("/scripts/bootstrap.sh").text
        path = self.root / "bootstrap.sh"
        path.write_text(text)
        subprocess.run(["sh", "-n", str(path)], check=True)
        self.assertIn(f"http://127.0.0.1:{self.port}", text)

    def test_health_answers_for_all(self):
        health = self.ask("/health").json()
        self.assertEqual((health["status"], health["genesis_bond"], health["frequency"]),
                         ("healthy", "ACTIVE", "432 Hz"))

    def test_bad_input_in_every_field(self):
        for body in (b"", b"x", b"[]", b"5", b"{", b"\xff\xfe", b"[" * 50000):
            answer = self.ask("/register", "POST", body)
            self.assertEqual(answer.status, 400, body[:20])
            self.assertIn("error", answer.json())
        for value in HOSTILE:
            self.assertEqual(self.post("/register", {"mac": value}).status, 400, str(value)[:40])
            answer = self.post("/register", {"mac": STRANGER, "ip": value, "hostname": value})
            self.assertEqual(answer.status, 202, str(value)[:40])
            self.assertEqual(self.post("/callback/x", {"mac": value, "hostname": value}).status, 200)
        for mac in ("x", "%00", "..%2f..", "'%20OR%201=1", "%0A%23", "a" * 3000):
            self.assertIn(self.ask(f"/config/{mac}").status, (400, 404))
            answer = self.ask(f"/nixos-config/{mac}")
            self.assertIn(answer.status, (400, 404))
            if answer.status == 404:
                self.assertRegex(answer.text, r"\A(# Error: [ -~]*\n)?(\{.*\})?\Z")
        self.ask("/status").json()
        self.assertEqual(self.ask("/register", "POST", b"x" * 2_000_000).status, 413)

    def test_an_event_of_any_name_stays_text(self):
        for event in ("'; DROP TABLE registration; --", "<script>", "a b", "\u00e9"):
            quoted = "".join(f"%{byte:02x}" for byte in event.encode())
            self.assertEqual(self.post(f"/callback/{quoted}", {"mac": ALPHA}).json()["received"], event)
        self.assertIn("callback", self.expect(0, "audit").stdout)


class BootApi(Serving):
    PROFILE = {"name": "talos-cp", "profileType": "talos", "kernelPath": "talos/vmlinuz",
               "initrdPath": "talos/initramfs.xz", "bootParams": "talos.platform=metal",
               "configTemplate": "machine:\n  hostname: {{nodeName}}\n"}
    MAC = "52:54:00:00:0b:01"

    def setUp(self):
        super().setUp()
        self.token = self.expect(0, "token", "create", "test", "--role", "operator").stdout.strip()

    def call(self, path, method="GET", body=None, token=None):
        return self.ask("/api/v1/boot" + path, method, body, {"X-API-Key": token or self.token})

    def make(self, **more):
        return self.call("/profiles", "POST", {**self.PROFILE, **more})

    def test_a_machine_boots_what_the_api_assigned(self):
        made = self.make()
        self.assertEqual((made.status, made.headers["Location"]), (201, "/api/v1/boot/profiles/talos-cp"))
        profile = made.json()
        self.assertEqual({key: profile[key] for key in self.PROFILE}, self.PROFILE)
        self.assertRegex(profile["id"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        assignment = {"macAddress": self.MAC.upper(), "nodeName": "cp-1", "bootProfileId": profile["id"],
                      "bootParamsOverride": {"console": "ttyS0"}}
        answer = self.call("/assignments", "POST", assignment)
        self.assertEqual((answer.status, answer.json()["lastBootAt"]), (201, None))
        self.assertEqual(self.call("/assignments", "POST", assignment).status, 200)
        for mac in ("52-54-00-00-0B-01", self.MAC):
            text = self.menu(mac).text
            self.assertIn("kernel http://192.0.2.1:8000/boot/assets/talos/vmlinuz "
                          "initrd=initramfs.xz talos.platform=metal console=ttyS0", text)
            self.assertIn("initrd http://192.0.2.1:8000/boot/assets/talos/initramfs.xz", text)
        self.await_true(lambda: self.call(f"/assignments/{self.MAC}").json()["lastBootAt"], "the boot noted")
        self.assertEqual(self.ask(f"/boot/configs/talos-cp/{self.MAC}").status, 401)
        config = self.ask(f"/boot/configs/talos-cp/{self.MAC}", headers={"Authorization": f"Bearer {self.token}"})
        self.assertEqual((config.status, config.text), (200, "machine:\n  hostname: cp-1\n"))
        self.assertIn("talos/vmlinuz", self.ask("/boot/talos-cp.ipxe").text)
        self.assertEqual(self.call("/profiles/talos-cp", "DELETE").status, 204)
        self.assertEqual(self.call(f"/assignments/{self.MAC}").status, 404)
        self.assertIn("is not in the inventory", self.menu(self.MAC).text)

    def test_it_is_all_there_after_a_kill(self):
        profile = self.make().json()
        self.call("/assignments", "POST", {"macAddress": self.MAC, "bootProfileId": profile["id"]})
        self.stop(signal.SIGKILL)
        self.start()
        self.assertEqual(self.call("/profiles/talos-cp").json(), profile)
        self.assertIn("talos/vmlinuz", self.menu(self.MAC).text)

    def test_profiles_are_read_changed_and_removed(self):
        profile = self.make(profile_type="ignored").json()
        self.assertEqual(self.make().status, 409)
        changed = self.call(f"/profiles/{profile['id']}", "PUT", {**self.PROFILE, "bootParams": "x=1"})
        self.assertEqual((changed.status, changed.json()["bootParams"], changed.json()["id"]),
                         (200, "x=1", profile["id"]))
        self.assertEqual([p["name"] for p in self.call("/profiles").json()], ["rescue", "talos-cp", "ubuntu"])
        self.assertEqual([p["name"] for p in self.call("/profiles?limit=1&offset=1").json()], ["talos-cp"])
        self.assertEqual(self.call("/profiles?limit=x").status, 400)
        self.assertEqual(self.call(f"/profiles/{profile['id']}", "DELETE").status, 204)
        self.assertEqual(self.call(f"/profiles/{profile['id']}", "DELETE").status, 404)
        snake = self.call("/profiles", "POST", {"name": "s", "profile_type": "custom", "kernel_path": "k/k"})
        self.assertEqual((snake.status, snake.json()["kernelPath"]), (201, "k/k"))

    def test_the_repository_wins(self):
        made = self.make(name="rescue")
        self.assertEqual(made.status, 201)
        self.assertFalse(made.json()["inForce"])
        self.assertIn("rescue/vmlinuz", self.menu(ALPHA).text)
        git = self.call("/profiles/rescue").json()
        self.assertEqual((git["source"], git["kernelPath"]), ("git", "rescue/vmlinuz"))
        self.assertEqual(self.call(f"/profiles/{git['id']}", "DELETE").status, 409)
        talos = self.make().json()
        self.call("/assignments", "POST", {"macAddress": ALPHA, "bootProfileId": talos["id"]})
        self.assertIn("rescue/vmlinuz", self.menu(ALPHA).text)
        self.assertEqual(self.call(f"/assignments/{ALPHA}").json()["source"], "git")

    def test_bad_input_in_every_field(self):
        good = self.make().json()
        for field in self.PROFILE:
            for value in HOSTILE:
                answer = self.call("/profiles", "POST", {**self.PROFILE, "name": "other", field: value})
                self.assertIn(answer.status, (201, 400, 413), (field, str(value)[:40]))
                if answer.status == 201:
                    self.assertEqual(self.call(f"/profiles/{answer.json()['id']}", "DELETE").status, 204)
                else:
                    self.assertIn(answer.json()["status"], (400, 413))
                self.assertIn("rescue/vmlinuz", self.menu(ALPHA).text)
        base = {"macAddress": self.MAC, "nodeName": "n", "bootProfileId": good["id"]}
        for field in [*base, "bootParamsOverride"]:
            for value in HOSTILE:
                answer = self.call("/assignments", "POST", {**base, field: value})
                self.assertIn(answer.status, (200, 201, 400), (field, str(value)[:40]))
                script = self.menu(self.MAC).text
                self.assertNotIn("DROP", script)
                self.assertNotIn("<script>", script)
        for body in (b"", b"[]", b"{", b"\xff", b"null", b"[" * 100000):
            self.assertEqual(self.call("/profiles", "POST", body).status, 400)
            self.assertEqual(self.call("/assignments", "POST", body).status, 400)
        violations = self.call("/profiles", "POST", {"kernelPath": 5}).json()
        self.assertEqual((violations["title"], violations["status"]), ("Constraint Violation", 400))

    def test_without_a_token_there_is_no_api(self):
        answer = self.ask("/api/v1/boot/profiles")
        self.assertEqual((answer.status, answer.json()["error"], answer.json()["path"]),
                         (401, "UNAUTHORIZED", None))
        self.assertEqual(answer.json()["message"], "Missing API key. Include X-API-Key header.")
        self.assertEqual(set(answer.json()), {"error", "message", "timestamp", "path"})
        wrong = self.call("/profiles", token="mw_" + "0" * 64)
        self.assertEqual((wrong.status, wrong.json()["message"]), (401, "Invalid API key"))
        viewer = self.expect(0, "token", "create", "eye").stdout.strip()
        self.await_true(lambda: self.call("/profiles", token=viewer).status == 200, "the token to be good")
        self.assertEqual(self.call("/profiles", "POST", self.PROFILE, token=viewer).status, 403)
        self.assertIn("auth-failure", self.expect(0, "audit").stdout)
        listed = self.expect(0, "token", "list").stdout
        self.assertIn("eye", listed)
        self.assertNotIn(viewer, listed)
        self.expect(0, "token", "revoke", "eye")
        self.await_true(lambda: self.call("/profiles", token=viewer).status in (401, 429), "the token to end")

    def test_network_config(self):
        text = self.call("/network-config?vendor=mikrotik").text
        self.assertTrue(text.startswith("# How to use this file\n"), text)
        self.assertIn(':if ([:len [/ip dhcp-server network find comment="metalwright:dhcp-network/lab"]] = 0) '
                      "do={ /ip dhcp-server network add address=192.0.2.0/24 ", text)
        self.assertIn('mac-address=52:54:00:00:00:11', text)
        self.assertIn("/ip dhcp-server network add address=192.0.2.0/24 gateway=192.0.2.1 "
                      'boot-file-name="undionly.kpxe" next-server=192.0.2.1\n', text)
        switch = self.call("/network-config?vendor=fs").text
        self.assertTrue(switch.startswith("! How to use this file\n"), switch)
        self.assertIn("ip dhcp pool lab", switch)
        wrong = self.call("/network-config?vendor=mikrotik&device=edge-9")
        self.assertEqual((wrong.status, wrong.json()["message"]),
                         (400, "no network is served by the router 'edge-9'"))
        self.assertEqual(self.call("/network-config?vendor=x").status, 400)

    def test_a_person_allows_another_install(self):
        gamma = "52:54:00:00:00:13"
        self.assertIn("ubuntu/vmlinuz", self.menu(gamma).text)
        self.ask("/callback/boot-complete", "POST", {"mac": gamma})
        self.assertIn("its completion was reported", self.menu(gamma).text)
        self.expect(0, "reinstall", "gamma")
        self.assertIn("ubuntu/vmlinuz", self.menu(gamma).text)
        self.expect(1, "reinstall", "nobody")


class Operations(Serving):
    service = "{url: 'http://192.0.2.1:8000', git-hook: {secret: hook}}"
    source = "branch: main, poll: 1h"

    def setUp(self):
        super().setUp()
        (self.root / "secrets").mkdir(exist_ok=True)
        (self.root / "secrets/hook").write_text("s3cret\n")
        self.token = self.expect(0, "token", "create", "eye").stdout.strip()
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def test_it_says_that_it_lives_and_is_ready(self):
        self.assertEqual(self.ask("/livez").text, "ok\n")
        self.assertEqual(self.ask("/readyz").text, "ok\n")

    def test_metrics_are_metrics(self):
        self.menu(ALPHA)
        self.assertEqual(self.ask("/metrics").status, 401)
        text = self.ask("/metrics", headers=self.headers).text
        self.assertIn('metalwright_boots_total{decision="profile",profile="rescue"} 1\n', text)
        self.assertIn('metalwright_http_requests_total{method="GET",route="/boot/menu.ipxe",status="2xx"} 1\n', text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? \d+(\.\d+)?(e[+-]\d+)?)$')

    def test_the_description_has_every_route(self):
        document = self.ask("/api/v1/openapi.json").json()
        for path in ("/boot/menu.ipxe", "/register", "/api/v1/boot/assignments/{mac}", "/hooks/git"):
            self.assertIn(path, document["paths"])
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                self.assertTrue(operation["summary"])
                self.assertGreater(len(operation["responses"]), 1, path)
                named = [p["name"] for p in operation["parameters"]]
                self.assertEqual(sorted(named), sorted(part.split("}")[0] for part in path.split("{")[1:]))
                real = path.replace("{", "").replace("}", "")
                self.assertNotEqual(self.ask(real, method.upper(), b"" if method in ("post", "put") else None).status, 405)
        for name in document["components"]["schemas"]:
            jsonschema.Draft202012Validator.check_schema(document["components"]["schemas"][name])

    def test_a_push_of_the_forge_wakes_the_loop(self):
        body = b'{"ref":"refs/heads/main"}'
        mac = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        for number, headers in enumerate(({"X-Hub-Signature-256": "sha256=" + mac}, {"X-Gitea-Signature": mac},
                                          {"X-Forgejo-Signature": mac}, {"X-Gitlab-Token": "s3cret"})):
            revision = self.commit({"README.md": str(number)})
            self.assertEqual(self.ask("/hooks/git", "POST", body, headers).status, 202, headers)
            self.assert_serves(revision)
        for headers in ({}, {"X-Hub-Signature-256": mac}, {"X-Hub-Signature-256": "sha256=" + "0" * 64},
                        {"X-Gitlab-Token": ""}, {"X-Gitlab-Token": "x"}, {"X-Gitea-Signature": mac[:-1]}):
            self.assertEqual(self.ask("/hooks/git", "POST", body, headers).status, 401, headers)


class Limits(Serving):
    service = ("{url: 'http://192.0.2.1:8000', rate: {boot: 2}, allow: {node: 198.51.100.0/24, api: 127.0.0.0/8}, "
               "auth: none, trusted-proxies: 127.0.0.1/32}")

    def test_a_client_that_asks_too_often_is_told_so(self):
        statuses = [self.ask("/boot/rescue.ipxe").status for _ in range(60)]
        self.assertEqual(statuses[:15], [200] * 15)
        self.assertIn(429, statuses)

    def test_networks_that_are_not_named_are_refused(self):
        self.assertEqual(self.ask("/status").status, 403)
        proxied = {"X-Forwarded-For": "198.51.100.7"}
        self.assertEqual(self.ask("/status", headers=proxied).status, 200)
        self.assertEqual(self.ask("/status", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.1"}).status, 403)
        self.assertEqual(self.ask("/health").status, 200)

    def test_without_tokens_a_named_network_is_enough(self):
        self.assertEqual(self.ask("/api/v1/boot/profiles", "POST", BootApi.PROFILE).status, 201)
        self.assertEqual(self.ask("/api/v1/boot/profiles", headers={"X-Forwarded-For": "203.0.113.1"}).status, 403)


main()
