"""Programs: the examples, the proxies, and the clients and scanners that are commands."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import time

PATIENCE = 30
# Without the variables that make clients use a proxy.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


class Missing(Exception):
    """A program or a package that is not installed."""


def find(name):
    path = shutil.which(name)
    if path is None:
        raise Missing(f"{name} was not found")
    return path


def version_of(command, pattern):
    run = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    match = re.search(pattern, run.stdout + run.stderr)
    return match[1] if match else "?"


def conclude(rows, require_all):
    """Prints what is missing and the sums of a table's rows: name, version, passed, failed. Returns the exit code."""
    passed = sum(row[2] or 0 for row in rows)
    failed = sum(row[3] or 0 for row in rows)
    missing = [row[0] for row in rows if row[2] is None]
    if missing:
        print(f"Left out: {', '.join(missing)}")
        if require_all:
            failed += len(missing)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def wait_until(condition, what):
    """Waits for an event. The deadline is only for an event that never happens."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.01)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def retried(start):
    """Calls `start` up to five times, since another program may take the free port before it is bound."""
    for _ in range(4):
        try:
            return start()
        except AssertionError:
            pass
    return start()


class Program:
    """A program that runs until `stop`. Its standard output and its log go to files."""

    def __init__(self, scratch, name, command, descriptors=()):
        self.name = name
        self.paths = (os.path.join(scratch, f"{name}.out"), os.path.join(scratch, f"{name}.log"))
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=ENVIRONMENT, pass_fds=descriptors
            )

    def out(self):
        return _read(self.paths[0])

    def log(self):
        return _read(self.paths[1])

    def ask_to_end(self):
        if self.runs():
            self.process.send_signal(signal.SIGTERM)

    def runs(self):
        return self.process.poll() is None

    def wait_for_port(self, port):
        wait_until(lambda: self._connects(port), f"{self.name} at port {port}")

    def _connects(self, port):
        assert self.runs(), f"{self.name} has ended: {self.log()}"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.ask_to_end()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()


class Example(Program):
    """An example that prints where it listens, or listens on `port`."""

    def __init__(self, scratch, programs, name, arguments, example=None, port=None):
        super().__init__(scratch, name, [os.path.join(programs, example or name), *arguments])
        self.port, self.socket = port, None
        if port is None:
            wait_until(lambda: "\n" in self.out() or not self.runs(), f"{name}'s first line")
            assert self.runs(), f"{name} has ended: {self.log()}"
            line = self.out().splitlines()[0]
            address = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", line)
            self.port, self.socket = (int(address[1]), None) if address else (None, line)
        else:
            self.wait_for_port(port)

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def connect(self):
        """A connection of Python's own client, to the port or the socket."""
        return connect(self.socket or self.port)

    def connections(self):
        """The number of open connections: the program's sockets without the listening one. 0 if not on Linux."""
        folder = f"/proc/{self.process.pid}/fd"
        if not os.path.exists(folder):
            return 0
        return sum(_target(f"{folder}/{name}").startswith("socket:") for name in os.listdir(folder)) - 1

    def ports(self, path):
        """The client's port of each request for a path, in the order of the log. The example `store` logs it."""
        line = re.compile(rf'127\.0\.0\.1:(\d+) "\w+ {re.escape(path)} HTTP/\d\.\d" \d+ -')
        return [int(match[1]) for match in map(line.fullmatch, self.log().splitlines()) if match]

    def requests(self, path):
        """The log lines about a path, from the method on."""
        return [line.split(' "', 1)[1] for line in self.log().splitlines() if f" {path} HTTP/" in line]


def command(stage, name, folder, *options):
    """The command `basehttp`, serving a folder."""
    options = ["-b", "127.0.0.1", "-d", folder, *options]
    start = lambda port: Example(stage.scratch, stage.programs, name, [str(port), *options], "../basehttp", port)
    return retried(lambda: start(free_port()))


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


def connect(place):
    if isinstance(place, str):
        return _Unix(place)
    return http.client.HTTPConnection("127.0.0.1", place, timeout=PATIENCE)


def _target(link):
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def _read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
