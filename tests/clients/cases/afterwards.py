"""The state of the servers after all clients have finished."""

import re

from programs import wait_until
from suite import check

NAME = "the servers afterwards"


def version():
    return "-"


def case_run(stage):
    """Every server still runs and responds."""
    for server in stage.examples:
        assert server.runs(), f"{server.name} has ended: {server.log()[-500:]}"
        connection = server.connect()
        connection.request("GET", "/")
        check(connection.getresponse().status in (200, 404, 406, 501), True, f"{server.name}'s answer")
        connection.close()


def case_connections(stage):
    """No connection remains open."""
    for server in stage.examples:
        wait_until(
            lambda server=server: server.connections() == 0,
            f"{server.name} to close its {server.connections()} connections",
        )


def case_logs(stage):
    """No log contains a panic or control characters."""
    for server in stage.examples:
        text = server.log() + server.out()
        check("panicked" in text, False, f"{server.name}: a panic in the log")
        check(
            re.findall(r"[\x00-\x09\x0b-\x1f\x7f]", text), [], f"{server.name}: control characters in the log"
        )
