"""curl: versions, framing, limits, and what it does on its own (100-continue, retries, upgrades)."""

import json
import os
import re
import socket
import subprocess

from cases.command import find, read, run, version_of
from programs import ENVIRONMENT, PATIENCE, wait_until
from suite import bytes_of, check

NAME = "curl"
MIB2 = 2 << 20


def version():
    return version_of([find("curl"), "-V"], r"^curl ([\d.]+)")


class Got:
    """What one run of curl did: the head and body of the last reply, and what curl tells of each transfer."""

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
    """HTTP/1.0: closes after each reply"""
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
    """HTTP/1.0: a reply of unknown length ends with the connection"""
    body = bytes_of(MIB2)
    got = fine(curl(stage, "-0", "--data-binary", f"@{stage.file('body', body)}", stage.echo.url()), body=body)
    check({"transfer-encoding", "content-length"} & {*got.fields}, set(), "framing fields")
    check(got.fields["connection"], "close", "Connection")


def case_http_1_0_kept_until_close(stage):
    """HTTP/1.0 with keep-alive: kept where the length is known, else closed"""
    for length, kept in ((1000, True), (MIB2, False)):
        file, body = stage.file("body", bytes_of(length)), bytes_of(length)
        got = curl(stage, "-0", "-H", "Connection: keep-alive", "--data-binary", f"@{file}", stage.echo.url())
        fine(got, body=body)
        check(got.fields["connection"], "keep-alive" if kept else "close", "Connection")
        check(got.fields.get("content-length"), "1000" if kept else None, "Content-Length")


def case_http_0_9(stage):
    """HTTP/0.9: the body alone, and what follows the line is no request"""
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
    """HEAD of what is not there: the fields of the page, and no page"""
    for url, status in [(stage.store.url("/none"), 404), (stage.echo.url(), 501)]:
        got = fine(curl(stage, "-I", url), status)
        check((got.fields["connection"], int(got.fields["content-length"]) > 100), ("close", True), "fields")
        check(got.each("size_download"), [0], "size")


def case_paths(stage):
    """--path-as-is: the path as it was sent, but for slashes at its start"""
    for sent, seen in [("/../a/./b//c%2F?q=%00", "/../a/./b//c%2F?q=%00"), ("//x//y", "/x//y")]:
        got = fine(curl(stage, "--path-as-is", f"http://127.0.0.1:{stage.pages.port}{sent}"), 404)
        assert f"There is no {seen} here." in got.body.decode(), got.body


def case_continue(stage):
    """PUT of 2 MiB with Expect: 100 comes, and is not waited for in vain"""
    path, body = stage.path(), bytes_of(MIB2)
    file = stage.file("body", body)
    got = curl(stage, "-v", "--expect100-timeout", "30", "-H", "Expect: 100-continue", "-T", file, stage.store.url(path))
    check((got.code, got.status), (0, 201), "exit code and status")
    check([head.split("\r\n")[0] for head in got.heads], ["HTTP/1.1 100 Continue", "HTTP/1.1 201 Created"], "heads")
    check("Done waiting for 100-continue" in got.errors, False, "curl gave up waiting")
    check(stage.kept(path), body, "what is kept")


def case_continue_echo(stage):
    """POST of 2 MiB with Expect, sent back while it comes"""
    body = bytes_of(MIB2)
    file = stage.file("body", body)
    got = curl(stage, "--expect100-timeout", "30", "-H", "Expect: 100-continue", "--data-binary", f"@{file}", stage.echo.url())
    fine(got, body=body)
    check(got.heads[0], "HTTP/1.1 100 Continue", "first head")
    check(got.fields["transfer-encoding"], "chunked", "Transfer-Encoding")


def case_continue_not_sent(stage):
    """An upload that is refused is not asked for"""
    file = stage.file("body", bytes_of(17 << 20))
    got = curl(stage, "--expect100-timeout", "30", "-H", "Expect: 100-continue", "-T", file, stage.store.url(stage.path()))
    check(got.status, 413, "status")
    check([head.split("\r\n")[0] for head in got.heads], ["HTTP/1.1 413 Content Too Large"], "heads")
    check(got.each("size_upload"), [0], "sent")
    check(got.fields["connection"], "close", "Connection")


def case_expectation(stage):
    """Another Expect is 417"""
    got = fine(curl(stage, "-H", "Expect: 200-ok", stage.bench.url()), 417)
    check(got.line, "HTTP/1.1 417 Expectation Failed", "status line")


def case_chunked(stage):
    """Chunked upload from standard input, of several sizes"""
    for length in (0, 1, 65_535, 65_536, 65_537, MIB2):
        path, body = stage.path(), bytes_of(length)
        got = curl(stage, "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-T", "-", stage.store.url(path), stdin=body)
        fine(got, 201)
        check(stage.kept(path), body, f"what is kept of {length}")
    got = curl(stage, "-X", "POST", "-H", "Transfer-Encoding: chunked", "-T", "-", stage.echo.url(), stdin=body)
    fine(got, body=body)


def case_lengths(stage):
    """Bodies of 0 and 1 byte, on one connection"""
    for length in (0, 1):
        path, file = stage.path(), stage.file("body", bytes_of(length))
        url = stage.store.url(path)
        got = fine(curl(stage, "-T", file, url, "--next", "-q", "-sS", "-w", "%{json}\n", "-o", os.path.join(stage.scratch, "curl.body"), url))
        check((got.each("response_code"), got.each("num_connects")), ([201, 200], [1, 0]), "statuses and connections")
        check(got.body, bytes_of(length), "body")
        fine(curl(stage, "--data-binary", f"@{file}", stage.echo.url()), body=bytes_of(length))


def case_unix(stage):
    """A unix socket"""
    path, body = stage.path(), bytes_of(MIB2)
    socket = ["--unix-socket", stage.unix.socket]
    fine(curl(stage, *socket, "-T", stage.file("body", body), f"http://localhost{path}"), 201)
    url = f"http://localhost{path}"
    got = fine(curl(stage, *socket, url, "-o", os.devnull, url), body=None)
    check(got.each("num_connects"), [1, 0], "new connections")
    check(stage.kept(path, stage.unix), body, "what is kept")
    fine(curl(stage, *socket, "-I", url))


def case_compressed(stage):
    """--compressed gets the body as it is"""
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
    """Absolute-form, as to a proxy"""
    got = fine(curl(stage, "-x", stage.pages.url(), "http://example.org/a?b"), 404)
    assert b"There is no http://example.org/a?b here." in got.body, got.body
    got = curl(stage, "-x", stage.pages.url(), "-H", "Host: other.example", "http://example.org/a?b")
    fine(got, 404)


def case_connect(stage):
    """CONNECT, as to a proxy, is refused"""
    got = curl(stage, "-p", "-x", stage.pages.url(), "http://example.org/")
    check(got.code, 56, "exit code")
    assert "501" in got.errors, got.errors


def case_upgrade(stage):
    """Upgrades are ignored: h2c, websocket"""
    url = stage.bench.url()
    got = fine(curl(stage, "--http2", url, url, "-o", os.devnull), body=b"Hello, World!")
    check((got.each("http_version"), got.each("num_connects")), (["1.1", "1.1"], [1, 0]), "versions and connections")
    fields = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA=="]
    got = fine(curl(stage, *(part for field in fields for part in ("-H", field)), url), body=b"Hello, World!")
    check("upgrade" in got.fields, False, "Upgrade")


def case_http_2(stage):
    """HTTP/2 without asking is 505, TLS 400, and the PROXY protocol 400"""
    before = len(stage.pages.out())
    curl(stage, "--http2-prior-knowledge", stage.pages.url())
    check(curl(stage, "-k", stage.pages.url().replace("http:", "https:")).code, 35, "exit code with TLS")
    check(curl(stage, "--haproxy-protocol", stage.pages.url()).status, 400, "status with PROXY")
    codes = lambda: re.findall(r"code (\d+), ", stage.pages.out()[before:])
    wait_until(lambda: len(codes()) == 3, "three refusals in the log")
    check(codes(), ["505", "400", "400"], "codes in the log")
    fine(curl(stage, stage.pages.url()))


def case_slow(stage):
    """--limit-rate, download and upload"""
    path, body = stage.item(300_000)
    fine(curl(stage, "--limit-rate", "300K", stage.store.url(path)), body=body)
    again = stage.path()
    fine(curl(stage, "--limit-rate", "300K", "-T", stage.file("body", body), stage.store.url(again)), 201)
    check(stage.kept(again), body, "what is kept")


def case_abort_download(stage):
    """A download that is given up disturbs nobody"""
    path, _ = stage.item(16 << 20)
    got = curl(stage, "--limit-rate", "100K", "--max-time", "0.5", stage.store.url(path))
    check(got.code, 28, "exit code")
    fine(curl(stage, stage.store.url(path)))


def case_abort_upload(stage):
    """An upload that is given up is no upload"""
    path = stage.path()
    file = stage.file("body", bytes_of(MIB2))
    got = curl(stage, "--limit-rate", "100K", "--max-time", "0.5", "-T", file, stage.store.url(path))
    check(got.code, 28, "exit code")
    wait_until(lambda: stage.kept(path) is None, "no upload")
    fine(curl(stage, "-T", file, stage.store.url(path)), 201)


def case_too_large(stage):
    """413 reaches a client that sends all the same"""
    file = stage.file("body", bytes_of(17 << 20))
    got = curl(stage, "-H", "Expect:", "-T", file, stage.store.url(stage.path()))
    check((got.code, got.status), (0, 413), "exit code and status")


def case_too_large_chunked(stage):
    """413 reaches a client that sends chunks"""
    body = bytes_of(17 << 20)
    got = curl(stage, "-H", "Expect:", "-H", "Transfer-Encoding: chunked", "-T", "-", stage.store.url(stage.path()), stdin=body)
    check((got.code, got.status), (0, 413), "exit code and status")


def case_unread(stage):
    """A body that nobody reads is not the next request"""
    file = stage.file("body", b"GET /status/418 HTTP/1.1\r\nHost: a\r\n\r\n" * 5000)
    url = stage.bench.url("/unread")
    got = curl(stage, "-H", "Expect:", "--data-binary", f"@{file}", url, "-o", os.devnull, url, "-o", os.devnull)
    fine(got)
    check((got.each("response_code"), got.each("num_connects")), ([200, 200], [1, 0]), "statuses and connections")


def case_refused_with_body(stage):
    """404 and 501 reach a client that sends 2 MiB with the request"""
    file = stage.file("body", bytes_of(MIB2))
    for method, url, status in [("POST", stage.bench.url("/none"), 404), ("BREW", stage.spam.url(), 501)]:
        for fields in (["-H", "Expect:"], ["-H", "Expect:", "-H", "Transfer-Encoding: chunked"]):
            got = curl(stage, "-X", method, *fields, "--data-binary", f"@{file}", url)
            check((got.code, got.status), (0, status), "exit code and status")


def case_long_head(stage):
    """414 and 431 for long heads, twice over"""
    long = "x" * 66_000
    fields = stage.file("fields", f"X-Long: {long}\n".encode())
    many = stage.file("many", b"".join(b"X-%d: y\n" % number for number in range(101)))
    config = stage.file("url", f'url = "{stage.bench.url("/" + long)}"\n'.encode())
    for status, arguments in [
        (414, ["-K", config]),
        (431, ["-H", f"@{fields}", stage.bench.url()]),
        (431, ["-H", f"@{many}", stage.bench.url()]),
    ]:
        got = fine(curl(stage, *arguments), status)
        check(got.fields["connection"], "close", "Connection")


def case_unknown(stage):
    """501 for an unknown method, which closes as Python's does"""
    url = stage.spam.url()
    got = fine(curl(stage, "-X", "BREW", url), 501)
    check((got.fields["allow"], got.fields["connection"]), ("GET, HEAD, SPAM, M-SEARCH", "close"), "fields")
    fine(curl(stage, "-X", "SPAM", url), body=b"Lovely Spam! Wonderful Spam!\n")
    check(fine(curl(stage, "-X", "M-SEARCH", url)).fields["st"], "urn:example:spam", "ST")


def case_statuses(stage):
    """Each status from 200 to 999 is framed: one connection for all"""
    urls = [part for status in range(200, 1000) for part in ("-o", os.devnull, stage.bench.url(f"/status/{status}"))]
    got = curl(stage, "--no-location", *urls[2:])
    check((got.code, got.errors), (0, ""), "exit code and errors")
    check(got.each("response_code"), [*range(200, 1000)], "statuses")
    check(sum(got.each("num_connects")), 1, "new connections")


def case_missing(stage):
    """404 closes, as Python's does: curl connects again"""
    url = stage.store.url("/none")
    got = fine(curl(stage, url, "-o", os.devnull, url), 404)
    check((got.each("num_connects"), got.fields["connection"]), ([1, 1], "close"), "new connections, Connection")
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
    """Ranges are not served: all of it comes, and curl does not resume"""
    path, body = stage.item(1000)
    fine(curl(stage, "-r", "0-4", stage.store.url(path)), body=body)
    check(curl(stage, "-C", "5", stage.store.url(path)).code, 33, "exit code")


def case_etag(stage):
    """304 has no body, and the connection goes on"""
    path, _ = stage.item(1000)
    etag, url = os.path.join(stage.scratch, "etag"), stage.store.url(path)
    fine(curl(stage, "--etag-save", etag, url))
    got = fine(curl(stage, "--etag-compare", etag, url), 304, b"")
    check(got.fields["etag"], read(etag).decode().strip(), "ETag")
    got = fine(curl(stage, "-H", f"If-None-Match: {got.fields['etag']}", url, url, "-o", os.devnull), 304)
    check(got.each("num_connects"), [1, 0], "new connections")


def case_delete(stage):
    """204 has no body, and the connection goes on"""
    path, _ = stage.item(1000)
    url = stage.store.url(path)
    got = fine(curl(stage, "-X", "DELETE", url, "-o", os.devnull, url, "-o", os.devnull), 404)
    check((got.each("response_code"), got.each("num_connects")), ([204, 404], [1, 0]), "statuses and connections")


def case_form(stage):
    """A form with a file in it"""
    body = bytes_of(100_000)
    got = fine(curl(stage, "-F", "name=value", "-F", f"file=@{stage.file('body', body)}", stage.echo.url()))
    check(got.body.count(body), 1, "the file in the form")
    check(len(got.body), got.transfers[0]["size_upload"], "length")


def case_redirect(stage):
    """POST, 303, GET on one connection"""
    got = fine(curl(stage, "-L", "-d", "", stage.state.url("/reset")))
    check((got.transfers[0]["num_redirects"], got.transfers[0]["num_connects"]), (1, 1), "redirects and connections")
    assert b"Visit 1, number 1 of this connection" in got.body, got.body


def case_interactive(stage):
    """Each line comes back at once"""
    command = ["curl", "-q", "-s", "-N", "-X", "POST", "-H", "Expect:", "-T", ".", stage.echo.url()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT) as process:
        for line in (b"one\n", b"two\n", b"three\n"):
            process.stdin.write(line)
            process.stdin.flush()
            check(process.stdout.readline(), line, "line")
        process.stdin.close()
        check((process.stdout.read(), process.wait(PATIENCE)), (b"", 0), "rest and exit code")


def case_telnet(stage):
    """A request typed by hand, with trailer fields"""
    request = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"
    process = run(["curl", "-q", "-s", "-m", str(PATIENCE), f"telnet://127.0.0.1:{stage.echo.port}"], request)
    head, _, body = process.stdout.partition(b"\r\n\r\n")
    check((process.returncode, head.split(b"\r\n")[0]), (0, b"HTTP/1.1 200 OK"), "exit code and status line")
    # A chunk as it came, and then one with the trailer.
    check(b"".join(re.findall(rb"[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]+\r\n)", body, re.S)), b"abc\nX-Sum: 6\n", "body")
    check(body[-5:], b"0\r\n\r\n", "end")


def case_hello(stage):
    """The example of the README, where port 8000 is free for it"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 8000))
        except OSError:
            print("curl: port 8000 is taken, so the example hello is left out")
            return
    program = stage.example("hello", [], port=8000)
    try:
        got = fine(curl(stage, program.url("/a"), program.url("/there"), "-o", os.devnull))
        check(got.each("num_connects"), [1, 0], "new connections")
        check(got.body, b"127.0.0.1 said /a for the 1. time\n", "body")
        check(got.fields["x-path-length"], "6", "X-Path-Length of the second")
        fine(curl(stage, program.url("/nope")), 404)
        check(fine(curl(stage, "-X", "SPAM", program.url())).line, "HTTP/1.1 200 Lovely Spam", "status line")
    finally:
        stage.examples.remove(program)
        program.stop()


def case_fields(stage):
    """Fields of several kinds: empty, long, not ASCII"""
    got = curl(stage, "-H", "Accept-Language: de", "-H", "X-Empty;", "-H", f"X-Long: {'y' * 60_000}", "-H", "X-Ü: ü", stage.greeter.url())
    check(got.status, 400, "status of a name that is not ASCII")
    got = curl(stage, "-H", "Accept-Language: de", "-H", "X-Empty;", "-H", f"X-Long: {'y' * 60_000}", "-H", "X-U: ü", stage.greeter.url())
    fine(got, body="Grüß Gott\n".encode())


def case_own_pages(stage):
    """Error pages of the program's own"""
    got = fine(curl(stage, stage.pages.url("/fail")), 500)
    check(got.fields["content-type"], "text/html; charset=utf-8", "Content-Type")
    check(fine(curl(stage, stage.pages.url("/wait")), 799).line, "HTTP/1.1 799 Not Yet", "status line")


def case_one_request(stage):
    """A server that ends when its condition is fulfilled"""
    program = stage.example("run_while_true", ["0"])
    try:
        check(fine(curl(stage, program.url()), 404).line, "HTTP/1.0 404 Not the callback", "status line")
        fine(curl(stage, program.url("/callback?code=12")), body=b"Thank you. You can close this window.\n")
        check(program.process.wait(PATIENCE), 0, "exit code of the server")
        check(program.out().splitlines()[-1], 'the code is "12"', "its last line")
    finally:
        stage.examples.remove(program)
        program.stop()
