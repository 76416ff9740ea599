"""The cases of every proxy in front of the examples, which run through each of its ports."""

import os
from concurrent.futures import ThreadPoolExecutor

from cases.http_client import ask, read_response
from programs import Program, connect, free_port, wait_until
from suite import bytes_of, check

SIZES = (0, 1, 65_535, 65_536, 65_537, 2 << 20)
MIB2 = 2 << 20
THREADS = 8


class Proxy:
    """A running proxy, with a port for each way to proxy, and further named ports."""

    def __init__(self, stage, name, configuration, command, ways, others=None):
        self.ports = {way: free_port() for way in ways}
        servers = ("store", "echo", "bench", "spam", "hasty")
        words = {name: getattr(stage, name).port for name in servers} | self.ports | (others or {})
        words |= {"scratch": stage.scratch, "unix": stage.unix.socket}
        with open(os.path.join(os.path.dirname(__file__), "..", configuration), encoding="utf-8") as file:
            text = file.read()
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        path = stage.file(configuration, text.encode())
        self.program = Program(stage.scratch, name, [*command, path])
        for port in self.ports.values():
            self.program.wait_for_port(port)

    def store(self, stage, way):
        """The store behind a port."""
        return stage.unix if way == "socket" else stage.store

    def stop(self):
        self.program.stop()


def cases(proxy):
    """The cases, for each way to proxy."""
    shared = [
        ("0 bytes to 2 MiB, in both directions", bodies),
        ("chunked uploads", chunked),
        ("chunked responses", echoes),
        ("HEAD, 204, 304", without_body),
        ("error statuses and pages", errors),
        ("custom methods", methods),
        ("Expect: 100-continue", expect),
        ("413 for 17 MiB", too_large),
        ("404 and 501 for 2 MiB", refused_with_body),
        ("idle connections that the server closes", idle),
        ("a pipeline of 20", pipelined),
        ("1000 requests from 8 clients", many),
        ("aborted downloads", aborted),
        ("an aborted upload", aborted_upload),
    ]
    return [(f"{way}: {title}", bound(case, way)) for way in proxy.ports for title, case in shared]


def bound(case, way):
    return lambda stage, proxy: case(stage, proxy, way)


def bodies(stage, proxy, way):
    connection = connect(proxy.ports[way])
    for length in SIZES:
        path, body = stage.path(), bytes_of(length)
        check(ask(connection, "PUT", path, body)[0].status, 201, "status")
        response, got = ask(connection, "GET", path)
        check((response.status, got == body), (200, True), f"{length} bytes")
        check(response.getheader("Content-Length"), str(length), "Content-Length")
        check(stage.kept(path, proxy.store(stage, way)), body, f"stored body of {length} bytes")
    connection.close()


def chunked(stage, proxy, way):
    connection = connect(proxy.ports[way])
    for length in SIZES:
        path, body = stage.path(), bytes_of(length)
        pieces = (body[at : at + 10_007] for at in range(0, length, 10_007))
        fields = {"Transfer-Encoding": "chunked"}
        response, _ = ask(connection, "PUT", path, pieces, fields, encode_chunked=True)
        check(response.status, 201, "status")
        check(stage.kept(path, proxy.store(stage, way)), body, f"stored body of {length} bytes")
    connection.close()


def echoes(stage, proxy, way):
    connection = connect(proxy.ports[way])
    for length in SIZES:
        body = bytes_of(length)
        response, got = ask(connection, "POST", "/echo", body)
        check((response.status, got == body), (200, True), f"{length} bytes")
        pieces = (body[at : at + 30_011] for at in range(0, length, 30_011))
        fields = {"Transfer-Encoding": "chunked"}
        response, got = ask(connection, "POST", "/echo", pieces, fields, encode_chunked=True)
        check((response.status, got == body), (200, True), f"{length} bytes, chunked")
    connection.close()


def without_body(stage, proxy, way):
    path, body = stage.item(70_000, proxy.store(stage, way))
    connection = connect(proxy.ports[way])
    response, got = ask(connection, "HEAD", path)
    check((response.status, response.getheader("Content-Length"), got), (200, "70000", b""), "HEAD")
    response, got = ask(connection, "GET", path, None, {"If-None-Match": response.getheader("ETag")})
    check((response.status, got), (304, b""), "validated GET")
    check(ask(connection, "GET", path)[1], body, "GET")
    for status in (204, 304, 205, 204):
        response, got = ask(connection, "GET", f"/bench/status/{status}")
        check((response.status, got), (status, b""), "response")
    response, got = ask(connection, "DELETE", path)
    check((response.status, got), (204, b""), "DELETE")
    connection.close()


def errors(stage, proxy, way):
    connection = connect(proxy.ports[way])
    for status in (*range(400, 432), 451, *range(500, 512), 599):
        response, got = ask(connection, "GET", f"/bench/status/{status}")
        check((response.status, got), (status, b""), "response")
    response, got = ask(connection, "GET", "/none")
    check((response.status, response.reason, b"Error code: 404" in got), (404, "Not Found", True), "page")
    response, got = ask(connection, "PROPFIND", "/none")
    allow = response.getheader("Allow")
    check((response.status, allow), (405, "GET, HEAD, PUT, DELETE, OPTIONS"), "an existing path")
    assert b"Error code: 405" in got, got
    connection.close()


def methods(stage, proxy, way):
    connection = connect(proxy.ports[way])
    check(ask(connection, "SPAM", "/spam")[1], b"Lovely Spam! Wonderful Spam!\n", "SPAM")
    response, _ = ask(connection, "M-SEARCH", "/spam")
    check((response.status, response.getheader("ST")), (200, "urn:example:spam"), "M-SEARCH")
    response, _ = ask(connection, "OPTIONS", "/x")
    check((response.status, response.getheader("Allow")), (204, "GET, HEAD, PUT, DELETE, OPTIONS"), "OPTIONS")
    connection.close()


def expect(stage, proxy, way):
    path, body = stage.path(), bytes_of(MIB2)
    connection = connect(proxy.ports[way])
    connection.putrequest("PUT", path)
    connection.putheader("Content-Length", str(len(body)))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    with connection.sock.makefile("rb", 0) as file:
        check(file.readline().split(b" ", 2)[:2], [b"HTTP/1.1", b"100"], "interim response")
        check(file.readline(), b"\r\n", "end of the interim response")
    connection.send(body)
    response = connection.getresponse()
    check((response.status, response.read()), (201, b""), "response")
    connection.close()
    check(stage.kept(path, proxy.store(stage, way)), body, "stored body")


def too_large(stage, proxy, way):
    connection = connect(proxy.ports[way])
    check(ask(connection, "PUT", stage.path(), bytes_of(17 << 20))[0].status, 413, "status")
    connection.close()


def refused_with_body(stage, proxy, way):
    for fields in ({}, {"Transfer-Encoding": "chunked"}):
        for method, path, status in [("POST", "/bench/none", 404), ("BREW", "/spam", 501)]:
            body = bytes_of(MIB2)
            pieces = (body[at : at + 30_011] for at in range(0, MIB2, 30_011)) if fields else body
            connection = connect(proxy.ports[way])
            response, _ = ask(connection, method, path, pieces, fields, encode_chunked=bool(fields))
            check(response.status, status, "status")
            connection.close()


def idle(stage, proxy, way):
    connection = connect(proxy.ports[way])
    for _ in range(2):
        check(ask(connection, "OPTIONS", "/hasty")[0].status, 204, "status")
        wait_until(lambda: stage.hasty.connections() == 0, "the server to close the connection")
    connection.close()


def pipelined(stage, proxy, way):
    path, body = stage.item(70_000, proxy.store(stage, way))
    connection = connect(proxy.ports[way])
    connection.connect()
    connection.sock.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode() * 20)
    file = connection.sock.makefile("rb")
    for number in range(20):
        status, got = read_response(file, "GET")
        check((status, got == body), (200, True), f"response {number}")
    connection.close()


def many(stage, proxy, way):
    store = proxy.store(stage, way)
    path, body = stage.item(10_000, store)

    def work(_):
        connection = connect(proxy.ports[way])
        seen = [ask(connection, "GET", path)[1] == body for _ in range(1000 // THREADS)]
        connection.close()
        return seen

    with ThreadPoolExecutor(THREADS) as threads:
        check(list(threads.map(work, range(THREADS))), [[True] * (1000 // THREADS)] * THREADS, "bodies")
    check(len(store.requests(path)), 1001, "requests in the server's log")
    if way == "closed":
        check(len({*store.ports(path)[1:]}), 1000, "connections to the server")
    elif way != "socket":
        # A connection that is still being returned to the pool is not available for the next request.
        used = len({*store.ports(path)[1:]})
        check(used <= 2 * THREADS, True, f"{used} connections to the server, at most {2 * THREADS}")


def aborted(stage, proxy, way):
    path, body = stage.item(16 << 20, proxy.store(stage, way))
    for _ in range(5):
        connection = connect(proxy.ports[way])
        connection.request("GET", path)
        check(connection.getresponse().read(1000), body[:1000], "beginning of the body")
        connection.close()
    connection = connect(proxy.ports[way])
    check(ask(connection, "GET", path)[1], body, "next request")
    connection.close()


def aborted_upload(stage, proxy, way):
    path = stage.path()
    for chunked in (False, True):
        connection = connect(proxy.ports[way])
        connection.putrequest("PUT", path)
        connection.putheader(
            *(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "1000000"))
        )
        connection.endheaders()
        connection.send((b"%x\r\n" % 300_000 if chunked else b"") + bytes_of(300_000))
        connection.close()
    store = proxy.store(stage, way)
    wait_until(lambda: stage.kept(path, store) is None, "the store to have no upload")
    connection = connect(proxy.ports[way])
    check(ask(connection, "PUT", path, b"whole")[0].status, 201, "next request")
    check(ask(connection, "GET", path)[1], b"whole", "stored body")
    connection.close()
