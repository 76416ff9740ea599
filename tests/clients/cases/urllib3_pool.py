"""urllib3: a pool shared by several threads, and stale connections."""

from concurrent.futures import ThreadPoolExecutor

import urllib3

from programs import wait_until
from suite import bytes_of, check

NAME = "urllib3"
MIB2 = 2 << 20


def version():
    return urllib3.__version__


def pool(server, **options):
    return urllib3.HTTPConnectionPool("127.0.0.1", server.port, retries=False, timeout=30, **options)


def case_pool(stage):
    """400 requests from 8 threads on 4 connections"""
    path, body = stage.item(10_000)
    with pool(stage.store, maxsize=4, block=True) as connections, ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(lambda _: connections.request("GET", path), range(400)))
        check([(response.status, response.data == body) for response in responses], [(200, True)] * 400, "responses")
        check(connections.num_connections <= 4, True, "at most 4 connections made")
    check(len({*stage.store.ports(path)[1:]}) <= 4, True, "at most 4 ports in the log")


def case_streams(stage):
    """Streamed chunked upload, streamed download"""
    body = bytes_of(MIB2)
    with pool(stage.echo) as connections:
        pieces = (body[at : at + 50_000] for at in range(0, MIB2, 50_000))
        response = connections.request("POST", "/", body=pieces, chunked=True, preload_content=False)
        check(b"".join(response.stream(8192)), body, "echo")
        response.release_conn()
        check(connections.request("POST", "/", body=b"again").data, b"again", "next request")
        check(connections.num_connections, 1, "connections made")


def case_bodies(stage):
    """0 bytes to 2 MiB, in both directions, on one connection"""
    with pool(stage.store) as connections:
        for length in (0, 1, 65_535, 65_536, 65_537, MIB2):
            path, body = stage.path(), bytes_of(length)
            check(connections.request("PUT", path, body=body).status, 201, "status")
            check(connections.request("GET", path).data, body, f"{length} bytes")
            check(connections.request("HEAD", path).headers["Content-Length"], str(length), "HEAD")
        check(connections.num_connections, 1, "connections made")


def case_stale(stage):
    """Connections that the server has closed are not reused"""
    path = stage.path()
    with pool(stage.hasty) as connections:
        for _ in range(3):
            check(connections.request("OPTIONS", path).status, 204, "status")
            wait_until(lambda: stage.hasty.connections() == 0, "the server to close the connection")
    check(len({*stage.hasty.ports(path)}), 3, "connections")


def case_form(stage):
    """A form with a file"""
    body = bytes_of(200_000)
    with pool(stage.echo) as connections:
        response = connections.request("POST", "/", fields={"name": "value", "file": ("name", body)})
        check(response.data.count(body), 1, "the file in the form")


def case_refused(stage):
    """413 for 17 MiB: the response arrives"""
    with pool(stage.store) as connections:
        check(connections.request("PUT", stage.path(), body=bytes_of(17 << 20)).status, 413, "status")
        check(connections.request("OPTIONS", "/x").status, 204, "next request")
