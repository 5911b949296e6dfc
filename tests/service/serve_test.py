#!/usr/bin/env python3
"""The service over real HTTP: boots, assets, installs, configurations, and hostile clients."""

import concurrent.futures
import re
import select
import signal
import socket
import threading
import time

from serve_site import INVENTORY, Serving, main, server

ALPHA, BETA, GAMMA = ("52:54:00:00:00:11", "52:54:00:00:00:12", "52:54:00:00:00:13")
STRANGER = "52:54:00:00:00:99"


class Boots(Serving):
    def test_an_assigned_machine_boots_its_profile_after_a_menu(self):
        text = self.menu(ALPHA).text
        self.assertIn("choose --default _boot --timeout 3000", text)
        self.assertIn("kernel http://192.0.2.1:8000/boot/assets/rescue/vmlinuz initrd=initrd", text)
        self.assertIn("initrd http://192.0.2.1:8000/boot/assets/rescue/initrd", text)
        self.assertIn("echo metalwright: alpha.example.net (52:54:00:00:00:11) boots profile rescue: "
                      "see inventory.yaml:5", text)

    def test_a_mac_is_taken_in_every_spelling(self):
        first = self.menu(ALPHA).text
        for mac in ("52-54-00-00-00-11", "525400000011", "5254.0000.0011", "52%3A54%3a00:00:00:11"):
            self.assertEqual(self.menu(mac).text, first, mac)

    def test_a_server_without_a_profile_boots_its_disk_and_is_told_why(self):
        text = self.menu(BETA).text
        self.assertIn("has no boot profile", text)
        self.assertIn("sanboot", text)
        self.assertNotIn("kernel ", text)

    def test_a_stranger_gets_the_menu_and_is_noted_as_pending(self):
        text = self.menu(STRANGER).text
        self.assertIn("item rescue rescue", text)
        self.assertIn("--default local --timeout 10000", text)
        self.assertIn("is not in the inventory", text)
        self.assertNotIn("chain", text)

    def test_a_request_without_a_mac_is_answered_too(self):
        for path in ("/boot/menu.ipxe", "/boot/menu.ipxe?mac=", "/boot/menu.ipxe?uuid=x&mac"):
            answer = self.ask(path)
            self.assertEqual(answer.status, 200, path)
            self.assertTrue(answer.text.startswith("#!ipxe\n"))
            self.assertIn("item rescue", answer.text)

    def test_what_is_no_mac_never_reaches_the_script(self):
        for mac in ("x%0Areboot", "%24%7Buuid%7D", "52:54:00:00:00", "' OR 1=1 --", "%00",
                    "a" * 4000, "..%2f..%2fetc", "%ff%fe", "52:54:00:00:00:11:12"):
            answer = self.ask(f"/boot/menu.ipxe?mac={mac.replace(' ', '%20')}")
            self.assertEqual(answer.status, 400, mac)
            lines = answer.text.splitlines()
            self.assertEqual(lines[0], "#!ipxe")
            self.assertNotIn("reboot", lines)
            self.assertNotIn("${uuid}", answer.text)
            self.assertLess(len(answer.body), 2000)

    def test_head_says_what_get_would(self):
        got, asked = self.menu(ALPHA), self.ask(f"/boot/menu.ipxe?mac={ALPHA}", "HEAD")
        self.assertEqual(asked.status, 200)
        self.assertEqual(asked.body, b"")
        self.assertEqual(asked.headers["Content-Length"], str(len(got.body)))

    def test_a_profile_has_a_script_of_its_own(self):
        text = self.ask("/boot/rescue.ipxe").text
        self.assertTrue(text.startswith("#!ipxe\n"))
        self.assertIn("kernel http://192.0.2.1:8000/boot/assets/rescue/vmlinuz", text)
        missing = self.ask("/boot/none.ipxe")
        self.assertEqual(missing.status, 404)
        self.assertTrue(missing.text.startswith("#!ipxe\n"))

    def test_a_push_changes_the_answer(self):
        revision = self.commit({"inventory.yaml": INVENTORY.replace("profile: rescue\n", "role: web\n")})
        self.assert_serves(revision)
        self.assertIn("has no boot profile", self.menu(ALPHA).text)

    def test_a_bad_push_does_not(self):
        self.commit({"inventory.yaml": "servers: [\n"})
        self.await_true(lambda: "not usable" in self.log.read_text() or
                        "stays in force" in self.log.read_text(), "the bad revision to be told")
        self.assertIn("rescue/vmlinuz", self.menu(ALPHA).text)

    def test_it_ends_when_told(self):
        self.stop()
        self.assertEqual(self.program.returncode, 0, self.log.read_text())
        self.assertIn("stopped", self.log.read_text())


class Away(Serving):
    """The repository is a remote one, of which the host keeps a copy."""

    def configure(self):
        super().configure()
        self.config.write_text(self.config.read_text().replace(f"git: {self.root}", f"git: file://{self.root}"))

    def test_boots_go_on_from_the_last_good_revision_with_the_repository_away(self):
        self.stop()
        (self.root / "fleet.git").rename(self.root / "away.git")
        self.start()
        self.assertIn("rescue/vmlinuz", self.menu(ALPHA).text)


class Loaders(Serving):
    """What UEFI HTTP boot is told to fetch."""

    targets = "    - {name: tftp, type: files, root: $root/tftp, render: [grub, ipxe]}\n"

    def test_the_loaders_of_the_tree_come_over_http(self):
        for name in ("ipxe.efi", "efi64/grubx64.efi"):
            path = self.root / "tftp" / name
            self.await_true(path.exists, "the boot tree")
            answer = self.ask(f"/boot/{name}")
            self.assertEqual(answer.status, 200, name)
            self.assertEqual(answer.body, path.read_bytes(), name)

    def test_nothing_else_does(self):
        for path in ("/boot/passwd", "/boot/etc/passwd", "/boot/..%2fetc/passwd", "/boot/rescue/vmlinuz",
                     "/boot/efi64/..", "/boot/ipxe.efi%00"):
            self.assertIn(self.ask(path).status, (400, 404), path)


class Assets(Serving):
    def setUp(self):
        super().setUp()
        self.data = bytes(i * 7 % 251 for i in range(3_000_000))
        (self.root / "assets/rescue/big.img").write_bytes(self.data)
        (self.root / "secret").write_bytes(b"secret")
        (self.root / "assets/rescue/leak").symlink_to(self.root / "secret")

    def test_files_come_whole(self):
        answer = self.ask("/boot/assets/rescue/big.img")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, self.data)
        self.assertEqual(answer.headers["Accept-Ranges"], "bytes")
        self.assertEqual(self.ask("/assets/rescue/vmlinuz").body, b"kernel")

    def test_ranges(self):
        for header, first, last in (("bytes=0-9", 0, 9), ("bytes=2999990-", 2999990, 2999999),
                                    ("bytes=-5", 2999995, 2999999), ("bytes=100-9999999", 100, 2999999)):
            answer = self.ask("/boot/assets/rescue/big.img", headers={"Range": header})
            self.assertEqual(answer.status, 206, header)
            self.assertEqual(answer.headers["Content-Range"], f"bytes {first}-{last}/3000000")
            self.assertEqual(answer.body, self.data[first:last + 1])
        none = self.ask("/boot/assets/rescue/big.img", headers={"Range": "bytes=3000000-"})
        self.assertEqual((none.status, none.headers["Content-Range"]), (416, "bytes */3000000"))
        for odd in ("bytes=5-2", "lines=1-2", "bytes=0-1,4-5", "bytes=a-", "=" * 3000):
            self.assertEqual(self.ask("/boot/assets/rescue/big.img", headers={"Range": odd}).status,
                             200, odd)

    def test_a_known_file_is_not_sent_again(self):
        tag = self.ask("/boot/assets/rescue/big.img", "HEAD").headers["ETag"]
        for value in (tag, f'"x", {tag}', f"W/{tag}", "*"):
            answer = self.ask("/boot/assets/rescue/big.img", headers={"If-None-Match": value})
            self.assertEqual((answer.status, answer.body), (304, b""), value)
        date = {"If-Modified-Since": answer.headers["Last-Modified"]}
        self.assertEqual(self.ask("/boot/assets/rescue/big.img", headers=date).status, 304)
        self.assertEqual(self.ask("/boot/assets/rescue/big.img",
                                  headers={**date, "If-None-Match": '"x"'}).status, 200)
        self.assertEqual(self.ask("/boot/assets/rescue/big.img",
                                  headers={"If-None-Match": '"x"'}).status, 200)
        ranged = {"Range": "bytes=0-1", "If-Range": '"x"'}
        self.assertEqual(self.ask("/boot/assets/rescue/big.img", headers=ranged).status, 200)
        ranged["If-Range"] = tag
        self.assertEqual(self.ask("/boot/assets/rescue/big.img", headers=ranged).status, 206)
        (self.root / "assets/rescue/big.img").write_bytes(b"other")
        self.assertNotEqual(self.ask("/boot/assets/rescue/big.img", "HEAD").headers["ETag"], tag)

    def test_head_has_the_size_and_no_body(self):
        answer = self.ask("/boot/assets/rescue/big.img", "HEAD")
        self.assertEqual((answer.status, answer.headers["Content-Length"], answer.body),
                         (200, "3000000", b""))

    def test_nothing_outside_of_the_folder_exists(self):
        for path in ("/boot/assets/../secret", "/boot/assets/..%2f..%2fsecret/x", "/boot/assets/%2e%2e/secret",
                     "/boot/assets/rescue/..%2f..%2fsecret", "/boot/assets/rescue/leak", "/boot/assets/rescue",
                     "/boot/assets/rescue/", "/boot/assets//etc/passwd", "/boot/assets/rescue/vmlinuz%00.txt",
                     "/boot/assets/%2fetc/passwd", "/boot/assets/rescue/none"):
            answer = self.ask(path)
            self.assertIn(answer.status, (400, 404), path)
            self.assertNotIn(b"secret\n", answer.body)

    def test_a_connection_is_used_again_behind_a_file(self):
        request = b"GET /boot/assets/rescue/vmlinuz HTTP/1.1\r\nHost: h\r\n\r\n"
        answer = self.raw(request * 3)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 3)
        self.assertEqual(answer.count(b"\r\n\r\nkernel"), 3)


class Installs(Serving):
    def test_an_install_is_handed_out_once(self):
        first = self.menu(GAMMA).text
        self.assertIn("assets/ubuntu/vmlinuz", first)
        second = self.menu(GAMMA).text
        self.assertNotIn("kernel ", second)
        self.assertIn("was handed out at", second)
        self.assertIn("metalwright reinstall gamma", second)
        self.assertIn("sanboot", second)

    def test_a_look_hands_nothing_out(self):
        self.assertEqual(self.ask(f"/boot/menu.ipxe?mac={GAMMA}", "HEAD").status, 200)
        self.assertIn("assets/ubuntu/vmlinuz", self.menu(GAMMA).text)

    def test_of_many_that_ask_at_once_one_gets_it(self):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.menu(GAMMA).text, range(20)))
        self.assertEqual(sum("assets/ubuntu/vmlinuz" in text for text in answers), 1)

    def test_it_stays_handed_out_when_the_service_is_killed(self):
        self.assertIn("assets/ubuntu/vmlinuz", self.menu(GAMMA).text)
        self.stop(signal.SIGKILL)
        self.start()
        self.assertIn("was handed out at", self.menu(GAMMA).text)

    def test_another_profile_in_a_commit_is_another_install(self):
        self.menu(GAMMA)
        files = {"profiles/other.yaml": "type: custom\ninstall: true\nkernel: ubuntu/vmlinuz\n",
                 "inventory.yaml": INVENTORY + server("gamma", 13, "    profile: other\n")}
        self.assert_serves(self.commit(files))
        self.assertIn("assets/other/vmlinuz", self.menu(GAMMA).text)
        self.assertIn("was handed out at", self.menu(GAMMA).text)

    def test_an_install_is_no_default_for_strangers(self):
        text = "type: ubuntu\nkernel: ubuntu/vmlinuz\ndefault: true\n"
        self.assert_serves(self.commit({"profiles/ubuntu.yaml": text}))
        self.assertIn("--default local", self.menu(STRANGER).text)


class Configs(Serving):
    def address(self):
        found = re.search(r"url=http://192.0.2.1:8000(/boot/configs/ubuntu/\S+)", self.menu(GAMMA).text)
        self.assertIsNotNone(found)
        return found.group(1)

    def test_the_menus_address_gives_the_configuration(self):
        answer = self.ask(self.address())
        self.assertEqual((answer.status, answer.text), (200, "hostname gamma\n"))

    def test_without_the_signature_there_is_nothing(self):
        good = self.address()
        path = good.split("?")[0]
        other = good.replace("00:13", "00:11")
        for bad in (path, path + "?expires=9999999999&signature=00", good[:-1] + ("0" if good[-1] != "0" else "1"),
                    other, re.sub(r"expires=\d+", "expires=9999999999", good), good.replace("ubuntu", "rescue"),
                    path + "?signature=&expires="):
            self.assertEqual(self.ask(bad).status, 401, bad)

    def test_a_signature_expires(self):
        self.stop()
        self.config.write_text(self.config.read_text().replace("menu-timeout", "config-lifetime: 1s, menu-timeout"))
        self.start()
        address = self.address()
        self.await_true(lambda: self.ask(address).status == 401, "the address to expire")


class Hostile(Serving):
    service = "{url: 'http://192.0.2.1:8000', max-connections: 600}"

    def test_broken_requests_are_answered_and_closed(self):
        for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00\x01\x02\r\n\r\n",
                     b"GET /\n\n HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                     b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                     b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
                     b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"):
            answer = self.raw(data)
            self.assertRegex(answer, rb"^HTTP/1\.1 4\d\d ", data[:60])
        self.assertEqual(self.menu(ALPHA).status, 200)

    def test_a_body_that_nobody_asked_for_is_no_second_request(self):
        inner = b"GET /boot/rescue.ipxe HTTP/1.1\r\nHost: h\r\n\r\n"
        outer = b"GET /none HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(inner)
        self.assertEqual(self.raw(outer + inner).count(b"HTTP/1.1 "), 1)
        refused = b"POST /none HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(inner)
        self.assertEqual(self.raw(refused + inner).count(b"HTTP/1.1 "), 1)

    def test_a_body_that_waits_to_be_asked_for_is_asked_for(self):
        body = b'{"mac": "52:54:00:00:00:11"}'
        def head(target, expected=b"100-continue", version=b"1.1"):
            return (b"POST %s HTTP/%s\r\nHost: h\r\nExpect: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                    % (target, version, expected, len(body)))
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(head(b"/register"))
            self.assertEqual(connection.recv(25, socket.MSG_WAITALL), b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(body)
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200 "))
        # Who sends it all the same is told nothing on the way, and a refusal comes without the body.
        self.assertTrue(self.raw(head(b"/register") + body).startswith(b"HTTP/1.1 200 "))
        self.assertTrue(self.raw(head(b"/register", version=b"1.0") + body).startswith(b"HTTP/1.1 200 "))
        self.assertTrue(self.raw(head(b"/api/v1/boot/profiles")).startswith(b"HTTP/1.1 401 "))
        self.assertTrue(self.raw(head(b"/register", b"magic")).startswith(b"HTTP/1.1 417 "))

    def test_slow_clients_hold_nothing_up(self):
        slow = []
        try:
            for _ in range(250):
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
                connection.sendall(b"GET /boot/menu.ipxe HTTP/1.1\r\nHo")
                slow.append(connection)
            for _ in range(20):
                begin = time.monotonic()
                self.assertEqual(self.menu(ALPHA).status, 200)
                # A slow head is ended after 10 s: who waits for one waits as long.
                self.assertLess(time.monotonic() - begin, 8)
        finally:
            for connection in slow:
                connection.close()

    def test_a_head_that_never_ends_is_ended(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            answer = connection.recv(1000)
        self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer)

    def test_too_many_connections_are_refused_and_the_rest_goes_on(self):
        question = b"GET /boot/rescue.ipxe HTTP/1.1\r\nHost: h\r\n\r\n"
        opened = []
        try:
            for number in range(400):
                opened.append(socket.create_connection(("127.0.0.1", self.port), timeout=60))
                if number == 0:  # who was answered has a place; of the others nobody knows which
                    opened[0].sendall(question)
                    self.assertTrue(opened[0].recv(10000).startswith(b"HTTP/1.1 200 "))
            told, _, _ = select.select(opened[1:], [], [], 60)
            self.assertTrue(told, "nobody was refused")
            refused = told[0].recv(100)
            self.assertTrue(refused.startswith(b"HTTP/1.1 503 "), refused)
            opened[0].sendall(question)
            self.assertTrue(opened[0].recv(100).startswith(b"HTTP/1.1 200 "))
        finally:
            for connection in opened:
                connection.close()

    def test_other_methods_are_refused_by_name(self):
        for method in ("POST", "PUT", "DELETE"):
            answer = self.ask("/boot/menu.ipxe", method)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"), method)
        self.assertEqual(self.ask("/boot/menu.ipxe", "OPTIONS").status, 405)
        self.assertIsNone(self.ask("/boot/menu.ipxe", headers={"Origin": "http://evil.example"})
                          .headers["Access-Control-Allow-Origin"])

    def test_it_drains_while_clients_hold_connections(self):
        idle = [socket.create_connection(("127.0.0.1", self.port), timeout=60) for _ in range(20)]
        self.stop()
        self.assertEqual(self.program.returncode, 0, self.log.read_text())
        for connection in idle:
            connection.close()


main()
