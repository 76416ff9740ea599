"""HAProxy as a reverse proxy, with health checks; the ways are the frontends in haproxy.cfg."""

import csv
import os
import socket

from cases import proxy
from cases.command import find, version_of
from programs import retried, wait_until

NAME = "HAProxy"


def version():
    return version_of([find("haproxy"), "-v"], r"version ([\d.]+)")


def begin(stage):
    command = ["haproxy", "-f"]
    return retried(
        lambda: proxy.Proxy(
            stage, "haproxy", "haproxy.cfg", command, ["kept", "closed", "buffered", "socket"]
        )
    )


def cases(_stage, started):
    return [("health checks", health), *proxy.cases(started)]


def health(stage, _proxy):
    expected = {
        "store": ("UP", "204"),
        "bench": ("UP", "222"),
        "unix_store": ("UP", "404"),
        "spam_checked": ("DOWN", "501"),
    }
    wait_until(lambda: checks(stage) == expected, f"{expected}")


def checks(stage):
    """What HAProxy tells of each backend that it checks: up or down, and the last status. Nothing before it listens for that."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.path.join(stage.scratch, "haproxy.socket"))
        except (FileNotFoundError, ConnectionRefusedError):
            return {}
        connection.sendall(b"show stat\n")
        text = connection.makefile("r").read()
    rows = csv.DictReader(text.removeprefix("# ").splitlines())
    return {row["pxname"]: (row["status"], row["check_code"]) for row in rows if row["check_status"]}
