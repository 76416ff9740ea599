"""httpx: synchronous and asynchronous, and its pool of connections."""

import asyncio

import httpx

from programs import PATIENCE, wait_until
from suite import bytes_of, check

NAME = "httpx"
MIB2 = 2 << 20


def version():
    return httpx.__version__


def pieces_of(body, size=60_000):
    return (body[at : at + size] for at in range(0, len(body), size))


def case_kept(stage):
    """100 requests over one connection"""
    path, body = stage.item(20_000)
    with httpx.Client(timeout=PATIENCE) as client:
        for _ in range(100):
            response = client.get(stage.store.url(path))
            check(
                (response.status_code, response.http_version, response.content == body),
                (200, "HTTP/1.1", True),
                "response",
            )
    check(len({*stage.store.ports(path)[1:]}), 1, "connections")


def case_streams(stage):
    """Upload from a generator, streamed download with a length, and chunked"""
    path, body = stage.path(), bytes_of(MIB2)
    with httpx.Client(timeout=PATIENCE) as client:
        check(client.put(stage.store.url(path), content=pieces_of(body)).status_code, 201, "status")
        with client.stream("GET", stage.store.url(path)) as response:
            check(b"".join(response.iter_raw()), body, "download")
        with client.stream("POST", stage.echo.url(), content=body) as response:
            check(response.headers["Transfer-Encoding"], "chunked", "Transfer-Encoding")
            check(b"".join(response.iter_bytes()), body, "echo")


def case_unix(stage):
    """A unix socket"""
    path, body = stage.path(), bytes_of(MIB2)
    with httpx.Client(transport=httpx.HTTPTransport(uds=stage.unix.socket), timeout=PATIENCE) as client:
        check(client.put(f"http://localhost{path}", content=body).status_code, 201, "status")
        check(client.get(f"http://localhost{path}").content, body, "body")


def case_async(stage):
    """200 requests, asynchronous, over at most 20 connections"""
    path, body = stage.item(10_000)

    async def work():
        # Otherwise it would close connections that a busy machine leaves idle for 5 s.
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=20, keepalive_expiry=None)
        async with httpx.AsyncClient(timeout=PATIENCE, limits=limits) as client:
            responses = await asyncio.gather(*(client.get(stage.store.url(path)) for _ in range(200)))
            return [(response.status_code, response.content == body) for response in responses]

    check(asyncio.run(work()), [(200, True)] * 200, "responses")
    check(len({*stage.store.ports(path)[1:]}) <= 20, True, "at most 20 ports in the log")


def case_async_streams(stage):
    """Asynchronous chunked upload, sent back"""
    body = bytes_of(MIB2)

    async def pieces():
        for piece in pieces_of(body):
            yield piece

    async def work():
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            return (await client.post(stage.echo.url(), content=pieces())).content

    check(asyncio.run(work()), body, "echo")


def case_statuses(stage):
    """Statuses without a body, HEAD, redirects"""
    path, body = stage.item(1000)
    with httpx.Client(timeout=PATIENCE, follow_redirects=True) as client:
        for status in (204, 304, 418, 200):
            response = client.get(stage.bench.url(f"/status/{status}"))
            check((response.status_code, response.content), (status, b""), "response")
        check(client.head(stage.store.url(path)).headers["Content-Length"], "1000", "HEAD")
        check(client.get(stage.store.url(path)).content, body, "after HEAD")
        check([old.status_code for old in client.post(stage.state.url("/reset")).history], [303], "redirects")


def case_stale(stage):
    """A client continues after the server has closed its idle connection"""
    with httpx.Client(timeout=PATIENCE) as client:
        for _ in range(3):
            check(client.options(stage.hasty.url("/x")).status_code, 204, "status")
            wait_until(lambda: stage.hasty.connections() == 0, "the server to close the connection")


def case_refused(stage):
    """413 for 17 MiB: the response arrives"""
    with httpx.Client(timeout=PATIENCE) as client:
        response = client.put(stage.store.url(stage.path()), content=bytes_of(17 << 20))
        check(response.status_code, 413, "status")
        check(client.options(stage.store.url("/x")).status_code, 204, "next request")
