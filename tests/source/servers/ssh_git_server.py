#!/usr/bin/env python3
"""A git server over ssh for tests: paramiko in front of the real `git-upload-pack`.

Prints its port and serves until its standard input ends. Lets in the key whose public part is in
--authorized. Writes each command that it is asked for to --log, after the user's name.

--mode: serve; hang (accepts and says nothing); stall (stops after the references).
"""
import argparse
import logging
import os
import shlex
import socket
import subprocess
import sys
import threading

import paramiko

parser = argparse.ArgumentParser()
parser.add_argument("--host-key", required=True)
parser.add_argument("--authorized", required=True)
parser.add_argument("--log", required=True)
parser.add_argument("--mode", default="serve")
options = parser.parse_args()

with open(options.authorized, encoding="ascii") as file:
    authorized = file.read().split()[1]
host_key = paramiko.Ed25519Key.from_private_key_file(options.host_key)


class Session(paramiko.ServerInterface):
    def __init__(self):
        self.user = ""
        self.command = None
        self.asked = threading.Event()

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        self.user = username
        return (paramiko.AUTH_SUCCESSFUL if key.get_base64() == authorized
                else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        self.command = command.decode()
        with open(options.log, "a", encoding="utf-8") as log:
            log.write(f"{self.user} {self.command}\n")
        self.asked.set()
        return True


def copy(read, write, close):
    while True:
        try:
            some = read(65536)
        except OSError:
            some = b""
        if not some:
            break
        write(some)
    close()


def serve(client):
    transport = paramiko.Transport(client)
    transport.add_server_key(host_key)
    session = Session()
    try:
        transport.start_server(server=session)
    except (paramiko.SSHException, EOFError):
        return
    channel = transport.accept(30)
    if channel is None or not session.asked.wait(30):
        return transport.close()
    words = shlex.split(session.command)
    if words[:1] != ["git-upload-pack"] or len(words) != 2:
        channel.send_stderr(b"not allowed\n")
        channel.send_exit_status(1)
        return channel.close()
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null",
                   "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    git = subprocess.Popen(["git", "-c", "safe.directory=*", "upload-pack", words[1]],
                           env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, bufsize=0)

    def to_git(some):
        if options.mode != "stall":
            git.stdin.write(some)

    threading.Thread(target=copy, args=(channel.recv, to_git, git.stdin.close),
                     daemon=True).start()
    copy(git.stdout.read, channel.sendall, lambda: None)
    channel.sendall_stderr(git.stderr.read())
    channel.send_exit_status(git.wait())
    channel.close()


listener = socket.create_server(("127.0.0.1", 0))


def accept():
    while True:
        client, _ = listener.accept()
        if options.mode == "hang":
            kept.append(client)
        else:
            threading.Thread(target=serve, args=(client,), daemon=True).start()


# Clients here break off in the middle on purpose.
threading.excepthook = lambda *_: None
logging.disable()
kept = []
threading.Thread(target=accept, daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
