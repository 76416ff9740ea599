"""Clients that wrk cannot provide: idle ones, half-sent heads, and fresh ones beside them."""

import resource
import select
import socket
import time

from .process import Failed
from .servers import GET, HELLO

HALF = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: half\r\nAccept: tex"
PATIENCE = 2.0
FRESH = 200


def raise_file_limit(wanted):
    """Raises the limit of descriptors for this process and its children; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        for limits in ((wanted, max(wanted, hard)), (min(wanted, hard), hard)):
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
                break
            except (ValueError, OSError):
                continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connect(port):
    client = socket.socket()
    client.settimeout(PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        client.connect(("127.0.0.1", port))
        return client
    except BaseException:
        client.close()
        raise


def get(client):
    client.sendall(GET)
    received = b""
    while HELLO not in received:
        piece = client.recv(4096)
        if not piece:
            raise ConnectionError("closed without a response")
        received += piece


def fresh(port):
    """Connects, sends a request and closes, one client after the other; returns how many were served, and how fast."""
    times = []
    failures = 0
    for _ in range(FRESH):
        start = time.perf_counter()
        try:
            with connect(port) as client:
                get(client)
            times.append(time.perf_counter() - start)
        except OSError:
            failures += 1
            if failures == 3:
                break
    times.sort()
    if not times:
        return {"served": 0, "p50": None, "p99": None}
    return {"served": len(times), "p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


def hold(process, count, begin, window, deadline):
    """Opens `count` connections, brings each into its state by `begin`, and measures the server meanwhile."""
    before = fresh(process.port)
    if before["served"] < FRESH:
        raise Failed(f"serves only {before['served']} of {FRESH} fresh clients when idle")
    time.sleep(0.3)
    result = {"wanted": count, "before": before, "threads_before": process.threads(), "note": None}
    memory = process.memory()
    clients = []
    end = time.monotonic() + 30
    try:
        while len(clients) < count:
            try:
                client = connect(process.port)
                clients.append(client)
                begin(client)
            except OSError as error:
                result["note"] = f"stopped at {len(clients)} connections: {error}"
                break
            if time.monotonic() > end:
                result["note"] = f"stopped at {len(clients)} connections: 30 s are over"
                break
        opened = time.monotonic()
        time.sleep(window / 2)
        process.check()
        result["memory_each"] = (process.memory() - memory) / max(1, len(clients))
        result["threads_after"] = process.threads()
        result["closed"] = closed(clients)
        result.update(idle(process, window))
        result["after"] = fresh(process.port)
        process.check()
        result["count"] = len(clients)
        if deadline:
            result["closed_after"] = until_closed(clients, opened, deadline)
        return result
    finally:
        for client in clients:
            client.close()


def idle(process, seconds):
    """CPU time and wake-ups of an idle server."""
    cpu, switches, start = sum(process.cpu()), process.switches(), time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - start
    return {
        "cpu_share": (sum(process.cpu()) - cpu) / passed,
        "wakeups": max(0, process.switches() - switches) / passed,
    }


def closed(clients):
    """How many of the connections the server has closed or answered meanwhile."""
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLIN)
    return len(poll.poll(0))


def until_closed(clients, opened, seconds):
    """Waits until the server has closed all of them; returns the time since the last was opened, or None."""
    while (passed := time.monotonic() - opened) < seconds:
        if closed(clients) == len(clients):
            return passed
        time.sleep(0.2)
    return None


def ask(client):
    get(client)


def half(client):
    client.sendall(HALF)
