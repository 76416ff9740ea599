"""slowhttptest: clients that are slow in each of its ways, beside one that is not."""

import csv
import http.client
import os
import random
import re
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from programs import PATIENCE, find, version_of
from suite import run

NAME = "slowhttptest"

CLIENTS = 300
# How long it takes. On a busy machine, the tool needs longer to open its connections.
SECONDS = (8, 16, 32, 64)
# The server has a fixed number of threads, whatever its clients do.
MOST_THREADS = 64
# What 300 connections may cost: more than their buffers, much less than 300 stacks.
MOST_GROWTH_KB = 64 * 1024

BIG = 8_000_000


def version(_stage):
    return version_of([find("slowhttptest"), "-h"], r"version (\d[\w.]+)")


def scan(stage, checks):
    stage.file("slow/page.txt", b"page\n" * 2000)
    stage.file("slow/big.bin", random.Random(2).randbytes(BIG))
    folder = stage.path("slow")
    command = lambda: stage.command(folder)
    https = lambda: stage.https("ec")
    pace = ["-i", "1", "-x", "24"]
    # Title, program, whether over TLS, the path of the slow and of the innocent clients, the options of the mode.
    modes = [
        ("slow heads (-H)", command, False, "/page.txt", ["-H", *pace]),
        ("slow heads over TLS (-H)", https, True, "/page.txt", ["-H", *pace]),
        # The command has no method for it, so it refuses by the head; the example reads the body.
        ("slow refused bodies (-B)", command, False, "/page.txt", ["-B", *pace, "-s", "8192"]),
        ("slow bodies over TLS (-B)", https, True, "/page.txt", ["-B", *pace, "-s", "8192"]),
        (
            "slow reading (-X)",
            command,
            False,
            "/big.bin",
            ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3"],
        ),
        ("many ranges (-R)", command, False, "/page.txt", ["-R", "-a", "5", "-b", "5000"]),
    ]
    with ThreadPoolExecutor(len(modes)) as pool:
        for mode, found in zip(modes, pool.map(lambda mode: attack(stage, *mode), modes)):
            check(checks, mode[0], found)


class Innocent(threading.Thread):
    """A client that asks again and again, on a new connection each time, and looks at the server meanwhile."""

    def __init__(self, program, is_tls):
        super().__init__(daemon=True)
        self.program, self.is_tls = program, is_tls
        self.over = threading.Event()
        self.answers = self.longest = self.threads = self.memory = self.connections = 0
        self.before = status(program)["VmRSS"]
        self.problem = None

    def run(self):
        try:
            while not self.over.wait(0.05):
                begun = time.monotonic()
                self.ask()
                self.answers += 1
                self.longest = max(self.longest, time.monotonic() - begun)
                found = status(self.program)
                self.threads = max(self.threads, found["Threads"])
                self.memory = max(self.memory, found["VmRSS"] - self.before)
                self.connections = max(self.connections, self.program.connections())
        except Exception as error:  # reported by the check
            self.problem = f"{type(error).__name__}: {error}"

    def ask(self):
        if self.is_tls:
            context = ssl._create_unverified_context()
            client = http.client.HTTPSConnection("127.0.0.1", self.program.port, timeout=PATIENCE, context=context)
        else:
            client = self.program.connect()
        client.request("GET", "/page.txt")
        response = client.getresponse()
        length = len(response.read())
        assert response.status == 200 and length > 0, f"{response.status}, {length} bytes"
        client.close()


def status(program):
    """The numbers of /proc/PID/status."""
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as file:
        return {match[1]: int(match[2]) for match in re.finditer(r"(?m)^(\w+):\s+(\d+)", file.read())}


def attack(stage, title, start, is_tls, path, options):
    """Repeated for longer until most of the clients have reached the server."""
    for seconds in SECONDS:
        innocent, rows = attempt(stage, title, start(), is_tls, path, options, seconds)
        if reached(rows) >= CLIENTS // 2 or innocent.problem is not None:
            break
    return innocent, rows


def reached(rows):
    return max(row[1] + row[3] for row in rows)


def attempt(stage, title, program, is_tls, path, options, seconds):
    innocent = Innocent(program, is_tls)
    innocent.start()
    report = stage.path(re.sub(r"\W+", "-", title))
    url = f"{'https' if is_tls else 'http'}://127.0.0.1:{program.port}{path}"
    command = ["slowhttptest", *options, "-c", str(CLIENTS), "-r", "150", "-l", str(seconds), "-p", "5"]
    output = run([*command, "-g", "-o", report, "-u", url], 20 * seconds)
    innocent.over.set()
    innocent.join(PATIENCE)
    assert os.path.exists(f"{report}.csv"), f"{title}: {output[-500:]}"
    with open(f"{report}.csv", encoding="ascii") as file:
        # Seconds, Closed, Pending, Connected, Service Available.
        return innocent, [[int(field) for field in row] for row in list(csv.reader(file))[1:]]


def check(checks, title, found):
    innocent, rows = found
    checks.equal(f"{title}, the innocent client", innocent.problem, None)
    checks.holds(
        f"{title}, its answers",
        innocent.answers > 0,
        f"{innocent.answers} answers, the slowest after {innocent.longest * 1000:.0f} ms",
    )
    unavailable = [row[0] for row in rows if row[4] == 0]
    checks.equal(f"{title}, seconds in which the service was not available", unavailable, [])
    # Otherwise it has tried nothing.
    checks.holds(
        f"{title}, clients",
        reached(rows) >= CLIENTS // 2,
        f"{reached(rows)} clients, up to {innocent.connections} connections, {rows[-1][1]} closed by the server",
    )
    checks.holds(f"{title}, threads", 0 < innocent.threads <= MOST_THREADS, f"{innocent.threads} threads")
    checks.holds(f"{title}, memory", innocent.memory <= MOST_GROWTH_KB, f"{innocent.memory} kB more")
