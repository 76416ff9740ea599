"""HAProxy as a reverse proxy, with health checks. The frontends in haproxy.cfg are the ways to proxy."""

import csv
import os
import socket

from cases import proxy
from programs import PATIENCE, Example, find, free_port, retried, version_of, wait_until
from suite import check

NAME = "HAProxy"


def version():
    return version_of([find("haproxy"), "-v"], r"version ([\d.]+)")


class HAProxy(proxy.Proxy):
    """HAProxy, and a replica that gets client addresses from it with the PROXY protocol."""

    def __init__(self, stage):
        arguments = ["0", "--proxy-protocol", "--notice", "0"]
        self.replica = Example(stage.scratch, stage.programs, "announced_replica", arguments, "replica")
        self.announced = {"announced1": free_port(), "announced2": free_port()}
        others = self.announced | {"replica": self.replica.port}
        ways = ["kept", "closed", "buffered", "socket"]
        try:
            super().__init__(stage, "haproxy", "haproxy.cfg", ["haproxy", "-f"], ways, others)
        except AssertionError:
            self.replica.stop()
            raise

    def stop(self):
        super().stop()
        self.replica.stop()


def begin(stage):
    return retried(lambda: HAProxy(stage))


def cases(_stage, started):
    return [
        ("health checks", health),
        ("PROXY protocol 1 and 2: clients, and HAProxy's health checks", announced),
        *proxy.cases(started),
    ]


def health(stage, _proxy):
    expected = {
        "store": ("UP", "204"),
        "bench": ("UP", "222"),
        "unix_store": ("UP", "404"),
        "spam_checked": ("DOWN", "501"),
        # Two send a request after the PROXY header; two send only the header.
        "announced1": ("UP", "200"),
        "announced2": ("UP", "200"),
        "announced1_connects": ("UP", ""),
        "announced2_connects": ("UP", ""),
    }
    wait_until(lambda: checks(stage) == expected, f"{expected}")


def announced(_stage, started):
    # The health checks continue meanwhile.
    for port in started.announced.values():
        for source in ("127.0.0.1", "127.0.0.5"):
            with socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0)) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                response = b"".join(iter(lambda: connection.recv(65536), b""))
            head, _, body = response.partition(b"\r\n\r\n")
            check((head.split(b"\r\n")[0], body), (b"HTTP/1.1 200 OK", f"{source} by http\n".encode()), "response")
    check("PROXY header" in started.replica.log(), False, "an error about a PROXY header in the log")


def checks(stage):
    """The state of each backend that HAProxy checks: up or down, and the last status. Empty until its socket exists."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.path.join(stage.scratch, "haproxy.socket"))
        except (FileNotFoundError, ConnectionRefusedError):
            return {}
        connection.sendall(b"show stat\n")
        text = connection.makefile("r").read()
    rows = csv.DictReader(text.removeprefix("# ").splitlines())
    return {row["pxname"]: (row["status"], row["check_code"]) for row in rows if row["check_status"]}
