"""curl: versions, fields, connections, upgrades, redirects and resumed downloads."""

import json
import os
import re
import socket

from cases.command import read, run
from programs import PATIENCE, find, version_of
from suite import bytes_of, check

NAME = "curl"
MIB2 = 2 << 20


def version():
    return version_of([find("curl"), "-V"], r"^curl ([\d.]+)")


class Got:
    """The result of one run: the head and body of the last response, and what curl reports about each transfer."""

    def __init__(self, process, head, body):
        self.code = process.returncode
        self.errors = process.stderr.decode(errors="replace")
        self.transfers = [json.loads(line) for line in process.stdout.decode().splitlines()]
        heads = [part for part in head.split("\r\n\r\n") if part]
        self.heads = heads
        self.line, *lines = heads[-1].split("\r\n") if heads else ("",)
        self.fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        self.body = body

    @property
    def status(self):
        return self.transfers[-1]["response_code"]

    def each(self, key):
        return [transfer[key] for transfer in self.transfers]


def curl(stage, *arguments, stdin=b""):
    head, body = stage.file("curl.head"), os.path.join(stage.scratch, "curl.body")
    if os.path.exists(body):
        os.remove(body)
    command = ["curl", "-q", "-sS", "--max-time", str(PATIENCE), "-D", head, "-o", body, "-w", "%{json}\n"]
    process = run([*command, *arguments], stdin)
    return Got(process, read(head).decode("latin-1"), read(body) or b"")


def fine(got, status=200, body=None):
    check((got.code, got.errors), (0, ""), "exit code and errors")
    check(got.status, status, "status")
    if body is not None:
        check(got.body, body, "body")
    return got


def case_get(stage):
    """GET"""
    got = fine(curl(stage, stage.bench.url()), body=b"Hello, World!")
    check(got.line, "HTTP/1.1 200 OK", "status line")
    check((got.fields["content-length"], got.fields["content-type"]), ("13", "text/plain"), "fields")
    check("connection" in got.fields, False, "a Connection field")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", got.fields["date"]), got.fields["date"]


def case_kept(stage):
    """Two GET on one connection"""
    path, body = stage.item(70_000)
    got = fine(curl(stage, stage.store.url(path), "-o", os.devnull, stage.store.url(path)))
    check(got.each("num_connects"), [1, 0], "new connections")
    check(got.each("size_download"), [70_000] * 2, "sizes")
    check(len({*stage.store.ports(path)[-2:]}), 1, "ports in the server's log")
    got = fine(curl(stage, stage.state.url(), "-o", os.devnull, stage.state.url(), "-o", os.devnull))
    check(got.each("num_connects"), [1, 0], "new connections")
    check(len(body), 70_000, "length")


def case_http_1_0(stage):
    """HTTP/1.0: the connection closes after each response"""
    path, body = stage.item(MIB2)
    url = stage.store.url(path)
    got = fine(curl(stage, "-0", url), body=body)
    check(got.fields["connection"], "close", "Connection")
    got = fine(curl(stage, "-0", url, url, "-o", os.devnull))
    check(got.each("num_connects"), [1, 1], "new connections")


def case_http_1_0_kept(stage):
    """HTTP/1.0 with Connection: keep-alive"""
    path, body = stage.item(5000)
    url = stage.store.url(path)
    got = fine(curl(stage, "-0", "-H", "Connection: keep-alive", url, url, "-o", os.devnull))
    check(got.each("num_connects"), [1, 0], "new connections")
    check(got.fields["connection"], "keep-alive", "Connection")
    check(stage.store.requests(path)[-1], f'GET {path} HTTP/1.0" 200 -', "line in the log")
    check(got.body, body, "body")


def case_http_1_0_until_close(stage):
    """HTTP/1.0: a response of unknown length ends with the connection"""
    body = bytes_of(MIB2)
    got = fine(
        curl(stage, "-0", "--data-binary", f"@{stage.file('body', body)}", stage.echo.url()), body=body
    )
    check({"transfer-encoding", "content-length"} & {*got.fields}, set(), "framing fields")
    check(got.fields["connection"], "close", "Connection")


def case_http_1_0_kept_until_close(stage):
    """HTTP/1.0 with keep-alive: kept if the length is known, otherwise closed"""
    for length, kept in ((1000, True), (MIB2, False)):
        file, body = stage.file("body", bytes_of(length)), bytes_of(length)
        got = curl(stage, "-0", "-H", "Connection: keep-alive", "--data-binary", f"@{file}", stage.echo.url())
        fine(got, body=body)
        check(got.fields["connection"], "keep-alive" if kept else "close", "Connection")
        check(got.fields.get("content-length"), "1000" if kept else None, "Content-Length")


def case_http_0_9(stage):
    """HTTP/0.9: only the body; what follows the request line is not a request"""
    got = curl(stage, "--http0.9", "-X", "GET /\r\nX:", stage.pages.url())
    fine(got, status=0 if got.status == 0 else 200, body=b"Nothing is wrong here.\n")
    check(got.heads, [], "heads")


def case_head(stage):
    """HEAD has the fields of GET and no body"""
    path, _ = stage.item(MIB2)
    url = stage.store.url(path)
    got = fine(curl(stage, "-I", url, url, "-o", os.devnull))
    check(got.each("num_connects"), [1, 0], "new connections")
    check(got.fields["content-length"], str(MIB2), "Content-Length")
    check(got.each("size_download"), [0, 0], "sizes")


def case_head_of_nothing(stage):
    """HEAD of a missing path: the fields of the error page, without the page"""
    for url, status in [(stage.store.url("/none"), 404), (stage.echo.url(), 501)]:
        got = fine(curl(stage, "-I", url), status)
        check((got.fields["connection"], int(got.fields["content-length"]) > 100), ("close", True), "fields")
        check(got.each("size_download"), [0], "size")


def case_paths(stage):
    """--path-as-is: the path as it was sent, except slashes at its start"""
    for sent, seen in [("/../a/./b//c%2F?q=%00", "/../a/./b//c%2F?q=%00"), ("//x//y", "/x//y")]:
        got = fine(curl(stage, "--path-as-is", f"http://127.0.0.1:{stage.pages.port}{sent}"), 404)
        assert f"There is no {seen} here." in got.body.decode(), got.body


def case_unix(stage):
    """A unix socket"""
    path, body = stage.path(), bytes_of(MIB2)
    socket = ["--unix-socket", stage.unix.socket]
    fine(curl(stage, *socket, "-T", stage.file("body", body), f"http://localhost{path}"), 201)
    url = f"http://localhost{path}"
    got = fine(curl(stage, *socket, url, "-o", os.devnull, url), body=None)
    check(got.each("num_connects"), [1, 0], "new connections")
    check(stage.kept(path, stage.unix), body, "stored body")
    fine(curl(stage, *socket, "-I", url))


def case_compressed(stage):
    """--compressed gets the body uncompressed"""
    path, body = stage.item(100_000)
    got = fine(curl(stage, "--compressed", stage.store.url(path)), body=body)
    check("content-encoding" in got.fields, False, "Content-Encoding")
    got = fine(curl(stage, "--tr-encoding", stage.store.url(path)), body=body)
    check("transfer-encoding" in got.fields, False, "Transfer-Encoding")


def case_options(stage):
    """OPTIONS * and OPTIONS of a path"""
    allow = "GET, HEAD, PUT, DELETE, OPTIONS"
    for target in ("*", "/x"):
        got = fine(curl(stage, "-X", "OPTIONS", "--request-target", target, stage.store.url()), 204, b"")
        check(got.fields["allow"], allow, "Allow")
    check(stage.store.requests("*")[-1], 'OPTIONS * HTTP/1.1" 204 -', "line in the log")


def case_absolute(stage):
    """Absolute-form, as sent to a proxy"""
    got = fine(curl(stage, "-x", stage.pages.url(), "http://example.org/a?b"), 404)
    assert b"There is no http://example.org/a?b here." in got.body, got.body
    got = curl(stage, "-x", stage.pages.url(), "-H", "Host: other.example", "http://example.org/a?b")
    fine(got, 404)


def case_connect(stage):
    """CONNECT, as sent to a proxy, is refused"""
    got = curl(stage, "-p", "-x", stage.pages.url(), "http://example.org/")
    check(got.code, 56, "exit code")
    assert "501" in got.errors, got.errors


def case_upgrade(stage):
    """Upgrades are ignored: h2c, websocket"""
    url = stage.bench.url()
    got = fine(curl(stage, "--http2", url, url, "-o", os.devnull), body=b"Hello, World!")
    check(
        (got.each("http_version"), got.each("num_connects")),
        (["1.1", "1.1"], [1, 0]),
        "versions and connections",
    )
    fields = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: eA==",
    ]
    got = fine(curl(stage, *(part for field in fields for part in ("-H", field)), url), body=b"Hello, World!")
    check("upgrade" in got.fields, False, "Upgrade")


def case_statuses(stage):
    """Each status from 200 to 999, all on one connection"""
    urls = [
        part
        for status in range(200, 1000)
        for part in ("-o", os.devnull, stage.bench.url(f"/status/{status}"))
    ]
    got = curl(stage, "--no-location", *urls[2:])
    check((got.code, got.errors), (0, ""), "exit code and errors")
    check(got.each("response_code"), [*range(200, 1000)], "statuses")
    check(sum(got.each("num_connects")), 1, "new connections")


def case_missing(stage):
    """404 closes the connection, as in Python: curl connects again"""
    url = stage.store.url("/none")
    got = fine(curl(stage, url, "-o", os.devnull, url), 404)
    check(
        (got.each("num_connects"), got.fields["connection"]), ([1, 1], "close"), "new connections, Connection"
    )
    check(got.fields["content-length"], str(got.transfers[0]["size_download"]), "Content-Length")


def case_parallel(stage):
    """200 downloads, 50 at a time"""
    path, body = stage.item(100_000)
    files = [os.path.join(stage.scratch, f"parallel-{number}") for number in range(200)]
    urls = [part for file in files for part in ("-o", file, stage.store.url(path))]
    command = ["curl", "-q", "-sS", "--max-time", "30", "-Z", "--parallel-max", "50", "-w", "%{json}\n"]
    process = run([*command, *urls])
    check(process.returncode, 0, "exit code")
    check([read(file) == body for file in files], [True] * 200, "bodies")
    for file in files:
        os.remove(file)


def case_resume(stage):
    """A server without ranges: the whole body is sent, and curl does not resume"""
    path, body = stage.item(1000)
    fine(curl(stage, "-r", "0-4", stage.store.url(path)), body=body)
    check(curl(stage, "-C", "5", stage.store.url(path)).code, 33, "exit code")


def case_etag(stage):
    """304 has no body, and the connection is kept"""
    path, _ = stage.item(1000)
    etag, url = os.path.join(stage.scratch, "etag"), stage.store.url(path)
    fine(curl(stage, "--etag-save", etag, url))
    got = fine(curl(stage, "--etag-compare", etag, url), 304, b"")
    check(got.fields["etag"], read(etag).decode().strip(), "ETag")
    got = fine(curl(stage, "-H", f"If-None-Match: {got.fields['etag']}", url, url, "-o", os.devnull), 304)
    check(got.each("num_connects"), [1, 0], "new connections")


def case_delete(stage):
    """204 has no body, and the connection is kept"""
    path, _ = stage.item(1000)
    url = stage.store.url(path)
    got = fine(curl(stage, "-X", "DELETE", url, "-o", os.devnull, url, "-o", os.devnull), 404)
    check(
        (got.each("response_code"), got.each("num_connects")),
        ([204, 404], [1, 0]),
        "statuses and connections",
    )


def case_redirect(stage):
    """POST, 303, GET on one connection"""
    got = fine(curl(stage, "-L", "-d", "", stage.state.url("/reset")))
    check(
        (got.transfers[0]["num_redirects"], got.transfers[0]["num_connects"]),
        (1, 1),
        "redirects and connections",
    )
    assert b"Visit 1, number 1 of this connection" in got.body, got.body


def case_hello(stage):
    """The example of the README, if port 8000 is free"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 8000))
        except OSError:
            return stage.left_out("the example hello, since port 8000 is in use")
    program = stage.example("hello", [], port=8000)
    try:
        got = fine(curl(stage, program.url("/a"), program.url("/there"), "-o", os.devnull))
        check(got.each("num_connects"), [1, 0], "new connections")
        check(got.body, b"Hello 127.0.0.1, request 1 of this connection\n", "body")
        check(fine(curl(stage, program.url("/add/2/40"))).body, b"42", "sum")
        fine(curl(stage, program.url("/add/2/x")), 404)
        check(fine(curl(stage, "-X", "SPAM", program.url())).line, "HTTP/1.1 200 Lovely Spam", "status line")
    finally:
        stage.examples.remove(program)
        program.stop()


def case_own_pages(stage):
    """Custom error pages"""
    got = fine(curl(stage, stage.pages.url("/fail")), 500)
    check(got.fields["content-type"], "text/html; charset=utf-8", "Content-Type")
    check(fine(curl(stage, stage.pages.url("/wait")), 799).line, "HTTP/1.1 799 Not Yet", "status line")


def case_one_request(stage):
    """A server that ends when its condition is met"""
    program = stage.example("run_while_true", ["0"])
    try:
        check(fine(curl(stage, program.url()), 404).line, "HTTP/1.0 404 Not the callback", "status line")
        fine(curl(stage, program.url("/callback?code=12")), body=b"Thank you. You can close this window.\n")
        check(program.process.wait(PATIENCE), 0, "exit code of the server")
        check(program.out().splitlines()[-1], 'the code is "12"', "last line of the output")
    finally:
        stage.examples.remove(program)
        program.stop()
