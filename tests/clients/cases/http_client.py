"""Python's http.client, from its standard library."""

import http.client
import io
import platform

from programs import connect, wait_until
from suite import bytes_of, check

NAME = "Python http.client"
MIB2 = 2 << 20


def version():
    return platform.python_version()


def ask(connection, method, path, body=None, fields=None, **options):
    connection.request(method, path, body, fields or {}, **options)
    response = connection.getresponse()
    return response, response.read()


def case_kept(stage):
    """100 requests on one connection"""
    path, body = stage.item(70_000)
    connection = stage.store.connect()
    for _ in range(100):
        response, got = ask(connection, "GET", path)
        check((response.status, response.version, response.will_close, got == body), (200, 11, False, True), "response")
    connection.close()
    check(len({*stage.store.ports(path)[1:]}), 1, "connections")


def case_pipelined(stage):
    """32 requests at once, with bodies, answered in order"""
    path = stage.path()
    bodies = [bytes_of(length) for length in (0, 1, 1000, 70_000)] * 4
    connection = stage.store.connect()
    connection.connect()
    requests = b""
    for body in bodies:
        requests += b"PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (
            path.encode(),
            len(body),
            body,
        )
        requests += b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path.encode()
    connection.sock.sendall(requests)
    file = connection.sock.makefile("rb")
    for number, body in enumerate(bodies):
        check(read_response(file, "PUT")[0], 204 if number else 201, f"status of upload {number}")
        status, got = read_response(file, "GET")
        check((status, got == body), (200, True), f"download {number}")
    connection.close()


def read_response(file, method):
    """Reads one of several pipelined responses, which `http.client` cannot do on its own."""
    response = http.client.HTTPResponse(_Half(file), method=method)
    response.begin()
    return response.status, response.read()


class _Half:
    """Stands for the socket of an `HTTPResponse`: provides a file that may be closed."""

    def __init__(self, file):
        self.file = file

    def makefile(self, _mode):
        return _Open(self.file)


class _Open(io.BufferedIOBase):
    def __init__(self, file):
        self.file = file

    def read(self, amount=-1):
        return self.file.read(amount)

    def readinto(self, buffer):
        return self.file.readinto(buffer)

    def readline(self, limit=-1):
        return self.file.readline(limit)


def case_chunked(stage):
    """Chunked bodies from an iterator"""
    connection = stage.store.connect()
    for length in (0, 1, 65_535, 65_536, 65_537, MIB2):
        path, body = stage.path(), bytes_of(length)
        pieces = (body[at : at + 10_007] for at in range(0, length, 10_007))
        response, got = ask(
            connection, "PUT", path, pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True
        )
        check((response.status, got), (201, b""), "response")
        check(stage.kept(path), body, f"stored body of {length} bytes")
    connection.close()


def case_file(stage):
    """A body from a file, sent back in chunks"""
    body = bytes_of(MIB2)
    connection = stage.echo.connect()
    with open(stage.file("body", body), "rb") as file:
        response, got = ask(connection, "POST", "/", file)
    check((response.status, response.getheader("Transfer-Encoding"), got == body), (200, "chunked", True), "response")
    connection.close()


def case_head(stage):
    """HEAD between GETs on one connection"""
    path, body = stage.item(MIB2)
    connection = stage.store.connect()
    for method in ("GET", "HEAD", "HEAD", "GET"):
        response, got = ask(connection, method, path)
        check((response.status, response.getheader("Content-Length")), (200, str(MIB2)), method)
        check(got, b"" if method == "HEAD" else body, f"body of {method}")
    connection.close()
    check(len({*stage.store.ports(path)[1:]}), 1, "connections")


def case_continue(stage):
    """100-continue by hand"""
    path, body = stage.path(), bytes_of(MIB2)
    connection = stage.store.connect()
    connection.putrequest("PUT", path)
    connection.putheader("Content-Length", str(len(body)))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    with connection.sock.makefile("rb", 0) as file:
        check((file.readline(), file.readline()), (b"HTTP/1.1 100 Continue\r\n", b"\r\n"), "interim response")
    connection.send(body)
    check(connection.getresponse().read(), b"", "body")
    connection.close()
    check(stage.kept(path), body, "stored body")


def case_continue_refused(stage):
    """A refusal instead of 100"""
    connection = stage.store.connect()
    response, _ = ask(
        connection, "PUT", stage.path(), None, {"Content-Length": str(17 << 20), "Expect": "100-continue"}
    )
    check((response.status, response.will_close), (413, True), "response")
    connection.close()


def case_too_large(stage):
    """413 reaches a client that sends 17 MiB before it reads"""
    connection = stage.store.connect()
    response, _ = ask(connection, "PUT", stage.path(), bytes_of(17 << 20))
    check(response.status, 413, "status")
    connection.close()


def case_http_1_0(stage):
    """HTTP/1.0: until the end of the connection"""
    body = bytes_of(MIB2)
    connection = stage.echo.connect()
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
    response, got = ask(connection, "POST", "/", body)
    check((response.status, response.will_close, response.getheader("Connection")), (200, True, "close"), "response")
    check(got, body, "body")
    connection.close()


def case_close(stage):
    """Connection: close"""
    connection = stage.bench.connect()
    response, got = ask(connection, "GET", "/", None, {"Connection": "close"})
    check((response.will_close, got), (True, b"Hello, World!"), "response")
    connection.close()


def case_no_content(stage):
    """204, 205 and 304 have no body, and the connection is kept"""
    connection = stage.bench.connect()
    connection.connect()
    before = connection.sock.getsockname()
    for status in (204, 304, 205, 200, 304, 404, 500):
        response, got = ask(connection, "GET", f"/status/{status}")
        check((response.status, got, response.will_close), (status, b"", False), "response")
    check(connection.sock.getsockname(), before, "connection")
    connection.close()


def case_streamed(stage):
    """Chunks as they arrive: read1 while the request is still being sent"""
    connection = stage.echo.connect()
    connection.putrequest("POST", "/")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(b"3\r\none\r\n")
    response = connection.getresponse()
    check(response.read1(100), b"one", "first")
    connection.send(b"3\r\ntwo\r\n")
    check(response.read1(100), b"two", "second")
    connection.send(b"0\r\nX-Sum: 6\r\n\r\n")
    check(response.read(), b"\nX-Sum: 6\n", "rest")
    connection.close()


def case_unix(stage):
    """A unix socket"""
    path, body = stage.item(MIB2, stage.unix)
    connection = stage.unix.connect()
    for _ in range(3):
        response, got = ask(connection, "GET", path)
        check((response.status, got == body), (200, True), "response")
    connection.close()


def case_unread_body(stage):
    """An unread body is not taken for the next request"""
    connection = stage.bench.connect()
    connection.connect()
    before = connection.sock.getsockname()
    trap = b"GET /status/418 HTTP/1.1\r\nHost: a\r\n\r\n" * 5000
    for _ in range(3):
        response, got = ask(connection, "POST", "/unread", trap)
        check((response.status, got), (200, b""), "response")
        response, got = ask(connection, "GET", "/")
        check((response.status, got), (200, b"Hello, World!"), "response")
    check(connection.sock.getsockname(), before, "connection")
    connection.close()


def case_idle(stage):
    """The server closes an idle connection, and the client sees its end"""
    connection = stage.hasty.connect()
    response, _ = ask(connection, "GET", "/none", None, {})
    check(response.status, 404, "status")
    connection.close()
    connection = connect(stage.hasty.port)
    response, _ = ask(connection, "OPTIONS", "*")
    check((response.status, response.will_close), (204, False), "response")
    check(connection.sock.recv(1), b"", "what an idle connection receives")
    connection.close()
    wait_until(lambda: stage.hasty.connections() == 0, "the server to close its connections")


def case_parallel(stage):
    """50 connections at once, each used twice"""
    connections = [stage.bench.connect() for _ in range(50)]
    for _ in range(2):
        for connection in connections:
            connection.request("GET", "/nap")
        for connection in connections:
            response = connection.getresponse()
            check((response.status, response.read()), (200, b"Hello, World!"), "response")
    for connection in connections:
        connection.close()


def case_gone(stage):
    """Clients that disconnect while their handler runs, or while it waits for their body"""
    for _ in range(50):
        for method, path, fields in [
            ("GET", "/blocking", {}),
            ("POST", "/echo", {"Content-Length": "1000"}),
            ("POST", "/echo", {"Content-Length": "1000", "Expect": "100-continue"}),
        ]:
            connection = stage.bench.connect()
            connection.request(method, path, None, fields)
            connection.close()
    connection = stage.bench.connect()
    check(ask(connection, "GET", "/")[1], b"Hello, World!", "next request")
    connection.close()
    wait_until(lambda: stage.bench.connections() == 0, "the server to close its connections")
