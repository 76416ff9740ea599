"""aiohttp: many sessions on one thread."""

import asyncio

import aiohttp

from programs import PATIENCE
from suite import bytes_of, check

NAME = "aiohttp"
MIB2 = 2 << 20
TIMEOUT = aiohttp.ClientTimeout(PATIENCE)


def version():
    return aiohttp.__version__


async def pieces_of(body, size=60_000):
    for at in range(0, len(body), size):
        yield body[at : at + size]


def case_sessions(stage):
    """20 sessions at once, each with 30 requests on its own connection"""
    path, body = stage.item(10_000)

    async def session():
        results = []
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            for _ in range(30):
                async with session.get(stage.store.url(path)) as response:
                    results.append((response.status, await response.read() == body))
        return results

    async def work():
        return await asyncio.gather(*(session() for _ in range(20)))

    check(asyncio.run(work()), [[(200, True)] * 30] * 20, "responses")
    ports = stage.store.ports(path)[1:]
    check(sorted(ports.count(port) for port in {*ports}), [30] * 20, "requests per connection")


def case_upload(stage):
    """Chunked upload, with and without Expect, and compressed"""
    body = bytes_of(MIB2)
    paths = [stage.path(), stage.path()]

    async def work():
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            for path, expect in zip(paths, (False, True), strict=True):
                async with session.put(
                    stage.store.url(path), data=pieces_of(body), expect100=expect
                ) as response:
                    check(response.status, 201, "status")
            # The content coding is the client's. The example returns the body unchanged.
            async with session.post(stage.echo.url(), data=b"text" * 1000, compress="deflate") as response:
                return await response.read()

    compressed = asyncio.run(work())
    check([stage.kept(path) == body for path in paths], [True, True], "stored bodies")
    check(0 < len(compressed) < 1000, True, "a compressed body")


def case_echo(stage):
    """Chunks in both directions"""
    body = bytes_of(MIB2)

    async def work():
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            async with session.post(stage.echo.url(), data=pieces_of(body)) as response:
                return b"".join([piece async for piece in response.content.iter_chunked(8192)])

    check(asyncio.run(work()), body, "echo")


def case_unix(stage):
    """A unix socket"""
    path, body = stage.item(MIB2, stage.unix)

    async def work():
        connector = aiohttp.UnixConnector(stage.unix.socket)
        async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
            async with session.get(f"http://localhost{path}") as response:
                return await response.read()

    check(asyncio.run(work()), body, "body")


def case_abort(stage):
    """Aborted downloads do not affect other requests"""
    path, body = stage.item(16 << 20)

    async def work():
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            for _ in range(5):
                async with session.get(stage.store.url(path)) as response:
                    check(await response.content.readexactly(1000), body[:1000], "beginning of the body")
            async with session.head(stage.store.url(path)) as response:
                return response.status

    check(asyncio.run(work()), 200, "next request")


def case_statuses(stage):
    """Statuses without a body, HEAD, redirects, refusals"""
    path, _ = stage.item(1000)

    async def ask(session, method, url, **options):
        async with session.request(method, url, **options) as response:
            return response.status, len(await response.read()), len(response.history)

    async def work():
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            return [
                *[
                    await ask(session, "GET", stage.bench.url(f"/status/{status}"))
                    for status in (204, 304, 418)
                ],
                await ask(session, "HEAD", stage.store.url(path)),
                await ask(session, "GET", stage.store.url(path)),
                (await ask(session, "POST", stage.state.url("/reset")))[::2],
                (await ask(session, "BREW", stage.spam.url()))[0],
                (await ask(session, "PUT", stage.store.url(path), data=bytes_of(17 << 20)))[0],
            ]

    expected = [(204, 0, 0), (304, 0, 0), (418, 0, 0), (200, 0, 0), (200, 1000, 0), (200, 1), 501, 413]
    check(asyncio.run(work()), expected, "responses")
