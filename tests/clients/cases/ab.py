"""ApacheBench: many HTTP/1.0 requests, with and without kept connections."""

import re
import subprocess

from cases.command import run
from programs import ENVIRONMENT, find, version_of, wait_until
from suite import bytes_of, check

NAME = "ab"
REQUESTS = 5000


def version():
    return version_of([find("ab"), "-V"], r"Version ([\d.]+)")


def ab(stage, *arguments, requests=REQUESTS):
    """Runs ab and returns its counts. It counts a response whose length differs from the first one as failed."""
    process = run(["ab", "-q", "-s", "30", "-n", str(requests), "-c", "50", *arguments])
    check((process.returncode, process.stderr), (0, b""), "exit code and errors")
    report = process.stdout.decode()
    counts = {
        name.strip(): int(count) for name, count in re.findall(r"^([A-Za-z0-9 -]+):\s+(\d+)", report, re.M)
    }
    check(
        (counts["Complete requests"], counts["Failed requests"]),
        (requests, 0),
        "complete and failed requests",
    )
    check(counts.get("Non-2xx responses"), None, "other statuses")
    check(counts.get("Write errors"), None, "write errors")
    return counts


def case_kept(stage):
    """5000 GET on 50 kept connections"""
    counts = ab(stage, "-k", stage.bench.url())
    check(
        (counts["Keep-Alive requests"], counts["HTML transferred"]), (REQUESTS, 13 * REQUESTS), "kept, bytes"
    )


def case_closed(stage):
    """5000 GET, each on a new connection, 50 at a time"""
    counts = ab(stage, stage.bench.url())
    check(counts["HTML transferred"], 13 * REQUESTS, "bytes")


def case_post(stage):
    """5000 POST of 2000 bytes, with and without kept connections"""
    file = stage.file("body", bytes_of(2000))
    for kept in (["-k"], []):
        counts = ab(stage, *kept, "-p", file, "-T", "application/octet-stream", stage.bench.url("/echo"))
        check(counts["HTML transferred"], 2000 * REQUESTS, "bytes")
        check(counts.get("Keep-Alive requests", 0), REQUESTS if kept else 0, "kept")


def case_put(stage):
    """1000 PUT of 100 kB"""
    path, body = stage.item(100_000)
    ab(stage, "-k", "-u", stage.file("body", body), stage.store.url(path), requests=1000)
    check(stage.kept(path), body, "stored body")


def case_head(stage):
    """5000 HEAD"""
    check(ab(stage, "-i", "-k", stage.bench.url())["Keep-Alive requests"], REQUESTS, "kept")


def case_large(stage):
    """1000 downloads of 100 kB, 200 of 1 MiB"""
    path, body = stage.item(100_000)
    check(ab(stage, "-k", stage.store.url(path), requests=1000)["HTML transferred"], 10**8, "bytes")
    check(ab(stage, stage.bench.url("/big"), requests=200)["HTML transferred"], 200 << 20, "bytes")


def case_killed(stage):
    """ab is killed in the middle of its requests"""
    path, body = stage.item(100_000)
    url = stage.store.url(path)
    with subprocess.Popen(
        ["ab", "-q", "-k", "-n", "1000000", "-c", "50", url], stdout=subprocess.DEVNULL, env=ENVIRONMENT
    ) as process:
        try:
            wait_until(lambda: len(stage.store.requests(path)) > 500, "500 requests")
        finally:
            process.kill()
    check(stage.kept(path) == body, True, "next request")
    wait_until(lambda: stage.store.connections() == 0, "the server to close its connections")
