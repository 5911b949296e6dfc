"""A private network for one test: a served link, a client at the far end of a cable, programs that
end with the test.

`lab.enter()` puts the test into its own network, mount and process namespaces, so that it can bind
ports 53, 67, 69 and 80 beside any other test, needs no lock, and leaves nothing behind: when the
test ends, however it ends, the kernel ends its programs and takes its interfaces away.

    serving side                         client side (namespace `client`)
    br0  10.9.0.1/24, 2001:db8:9::1/64 --- cable ---  eth0  (no address of its own)
      +--- tap0, tap1, ... (QEMU guests)
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SKIPPED = 77  # ctest's SKIP_RETURN_CODE

SERVER = "10.9.0.1"
SERVER6 = "2001:db8:9::1"
CLIENT_MAC = "52:54:00:09:00:fe"

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def skip(reason):
    """Ends the test as skipped."""
    print(f"SKIP: {reason}", flush=True)
    sys.exit(SKIPPED)


def need(*programs):
    """Skips where a program is missing, naming the Debian package that has it."""
    packages = {
        "dnsmasq": "dnsmasq-base",
        "ip": "iproute2",
        "unshare": "util-linux",
        "busybox": "busybox-static",
        "qemu-system-x86_64": "qemu-system-x86",
        "grub-mkimage": "grub-common",
    }
    for program in programs:
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            skip(f"no '{program}' here: apt install {packages.get(program, program)}")


def enter():
    """Goes on in namespaces of its own; skips where that is not allowed."""
    if os.getpid() == 1 and "METALWRIGHT_LAB" in os.environ:
        return prepare()
    need("unshare", "ip")
    if os.geteuid() != 0:
        # dnsmasq sets its groups, which no user namespace allows.
        skip("needs root: sudo ctest --test-dir build -L 'system|boot'")
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    probe = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=60)
    if probe.returncode != 0:
        skip(f"network namespaces are not allowed here: {probe.stderr.strip()}")
    os.environ["METALWRIGHT_LAB"] = "entered"
    sys.stdout.flush()
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def prepare():
    # `ip netns` keeps its namespaces beneath /run; ours are nobody else's business.
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    with contextlib.suppress(FileNotFoundError):  # some containers begin without IPv6
        pathlib.Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("0")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
    run("ip", "address", "add", f"{SERVER}/24", "dev", "br0")
    run("ip", "address", "add", f"{SERVER6}/64", "dev", "br0", "nodad")
    run("ip", "link", "set", "br0", "up")
    run("ip", "netns", "add", "client")
    run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "eth0", "netns", "client")
    run("ip", "link", "set", "cable", "master", "br0", "up")
    run("ip", "-n", "client", "link", "set", "eth0", "address", CLIENT_MAC)
    run("ip", "-n", "client", "link", "set", "lo", "up")
    run("ip", "-n", "client", "link", "set", "eth0", "up")


def run(*command, **options):
    """Runs a program to its end and returns its output; a failure fails the test."""
    options = {"timeout": 120, "text": True, "capture_output": True} | options
    done = subprocess.run([str(word) for word in command], **options)
    if done.returncode != 0:
        said = f"{done.stdout[-2000:]}{done.stderr}"
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{said}")
    return done.stdout


def wait_for(condition, seconds, what):
    """The first true value of `condition()`; fails where none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def tap(number):
    """A port of the served link for one guest."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as problem:
        skip(f"no guest can be connected: {problem}")
    name = f"tap{number}"
    run("ip", "tuntap", "add", name, "mode", "tap")
    run("ip", "link", "set", name, "master", "br0", "up")
    return name


def address(prefix):
    """Gives the client's card an address, such as `10.9.0.250/24`."""
    run("ip", "-n", "client", "address", "replace", prefix, "dev", "eth0")


def client_socket(*arguments):
    """A socket that stands on the client side."""
    # setns works on the calling thread; a socket stays where it was made.
    with open("/proc/self/ns/net") as home, open("/run/netns/client") as away:
        if LIBC.setns(away.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return socket.socket(*arguments)
        finally:
            LIBC.setns(home.fileno(), CLONE_NEWNET)


@contextlib.contextmanager
def program(*command, log):
    """A program that runs as long as the block. Its output goes to the file `log`."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def run_tests(tests):
    """Runs the functions in turn, each with a new folder; ends the program with the verdict."""
    failed = []
    for test in tests:
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"boot-lab-{test.__name__}-"))
        folder.chmod(0o755)  # dnsmasq reads as its own user
        begin = time.monotonic()
        try:
            test(folder)
            verdict = "ok"
        except Exception:  # pylint: disable=broad-except
            verdict = "FAILED"
            failed.append(test.__name__)
            traceback.print_exc(file=sys.stdout)
            for log in sorted(folder.glob("*.log")):
                lines = log.read_text(errors="replace").splitlines()
                print(f"--- last lines of {log.name}", *lines[-40:], sep="\n")
        if os.environ.get("METALWRIGHT_KEEP"):
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
        print(f"{verdict:6} {test.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
    if failed:
        print("failed:", *failed)
    sys.exit(1 if failed else 0)
