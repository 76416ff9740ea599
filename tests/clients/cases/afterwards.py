"""What the servers are like after all clients have gone."""

import re

from programs import wait_until
from suite import check

NAME = "the servers afterwards"


def version():
    return "-"


def case_run(stage):
    """Every server runs, and answers."""
    for server in stage.examples:
        assert server.runs(), f"{server.name} has ended: {server.log()[-500:]}"
        connection = server.connect()
        connection.request("GET", "/")
        check(connection.getresponse().status in (200, 404, 406, 501), True, f"{server.name}'s answer")
        connection.close()


def case_connections(stage):
    """No connection is left behind."""
    for server in stage.examples:
        wait_until(
            lambda server=server: server.connections() == 0,
            f"{server.name} has {server.connections()} connections, and should have none",
        )


def case_logs(stage):
    """No log tells of a panic, or of a line with control characters."""
    for server in stage.examples:
        text = server.log() + server.out()
        check("panicked" in text, False, f"{server.name}: a panic in the log")
        check(
            re.findall(r"[\x00-\x09\x0b-\x1f\x7f]", text), [], f"{server.name}: control characters in the log"
        )
