"""curl again: uploads, refusals, and aborted transfers."""

import os
import re
import subprocess

from cases.command import run
from cases.curl import MIB2, curl, fine, version
from programs import ENVIRONMENT, PATIENCE, wait_until
from suite import bytes_of, check

NAME = "curl, uploads and refusals"
__all__ = ["version"]


def case_continue(stage):
    """PUT of 2 MiB with Expect: 100 arrives before curl gives up waiting"""
    path, body = stage.path(), bytes_of(MIB2)
    file = stage.file("body", body)
    got = curl(
        stage,
        "-v",
        "--expect100-timeout",
        "30",
        "-H",
        "Expect: 100-continue",
        "-T",
        file,
        stage.store.url(path),
    )
    check((got.code, got.status), (0, 201), "exit code and status")
    check(
        [head.split("\r\n")[0] for head in got.heads],
        ["HTTP/1.1 100 Continue", "HTTP/1.1 201 Created"],
        "heads",
    )
    check("Done waiting for 100-continue" in got.errors, False, "curl gave up waiting")
    check(stage.kept(path), body, "stored body")


def case_continue_echo(stage):
    """POST of 2 MiB with Expect, sent back while it arrives"""
    body = bytes_of(MIB2)
    file = stage.file("body", body)
    got = curl(
        stage,
        "--expect100-timeout",
        "30",
        "-H",
        "Expect: 100-continue",
        "--data-binary",
        f"@{file}",
        stage.echo.url(),
    )
    fine(got, body=body)
    check(got.heads[0], "HTTP/1.1 100 Continue", "first head")
    check(got.fields["transfer-encoding"], "chunked", "Transfer-Encoding")


def case_continue_not_sent(stage):
    """A refused upload gets no 100"""
    file = stage.file("body", bytes_of(17 << 20))
    got = curl(
        stage,
        "--expect100-timeout",
        "30",
        "-H",
        "Expect: 100-continue",
        "-T",
        file,
        stage.store.url(stage.path()),
    )
    check(got.status, 413, "status")
    check([head.split("\r\n")[0] for head in got.heads], ["HTTP/1.1 413 Content Too Large"], "heads")
    check(got.each("size_upload"), [0], "sent")
    check(got.fields["connection"], "close", "Connection")


def case_expectation(stage):
    """An unknown Expect gets 417"""
    got = fine(curl(stage, "-H", "Expect: 200-ok", stage.bench.url()), 417)
    check(got.line, "HTTP/1.1 417 Expectation Failed", "status line")


def case_chunked(stage):
    """Chunked upload from standard input, of several sizes"""
    for length in (0, 1, 65_535, 65_536, 65_537, MIB2):
        path, body = stage.path(), bytes_of(length)
        got = curl(
            stage,
            "-H",
            "Transfer-Encoding: chunked",
            "-H",
            "Expect:",
            "-T",
            "-",
            stage.store.url(path),
            stdin=body,
        )
        fine(got, 201)
        check(stage.kept(path), body, f"stored body of {length} bytes")
    got = curl(
        stage, "-X", "POST", "-H", "Transfer-Encoding: chunked", "-T", "-", stage.echo.url(), stdin=body
    )
    fine(got, body=body)


def case_lengths(stage):
    """Bodies of 0 and 1 byte, on one connection"""
    for length in (0, 1):
        path, file = stage.path(), stage.file("body", bytes_of(length))
        url = stage.store.url(path)
        got = fine(
            curl(
                stage,
                "-T",
                file,
                url,
                "--next",
                "-q",
                "-sS",
                "-w",
                "%{json}\n",
                "-o",
                os.path.join(stage.scratch, "curl.body"),
                url,
            )
        )
        check(
            (got.each("response_code"), got.each("num_connects")),
            ([201, 200], [1, 0]),
            "statuses and connections",
        )
        check(got.body, bytes_of(length), "body")
        fine(curl(stage, "--data-binary", f"@{file}", stage.echo.url()), body=bytes_of(length))


def case_http_2(stage):
    """HTTP/2 with prior knowledge gets 505, TLS 400, and the PROXY protocol 400"""
    # This example has the server's own log.
    server = stage.spam
    before = len(server.log())
    curl(stage, "--http2-prior-knowledge", server.url())
    check(curl(stage, "-k", server.url().replace("http:", "https:")).code, 35, "exit code with TLS")
    check(curl(stage, "--haproxy-protocol", server.url()).status, 400, "status with PROXY")
    wait_until(lambda: codes(server, before) == ["505", "400", "400"], "three refusals in the log")
    fine(curl(stage, server.url()))


def codes(server, before):
    return re.findall(r"code (\d+), ", server.log()[before:])


def case_slow(stage):
    """--limit-rate, download and upload"""
    path, body = stage.item(300_000)
    fine(curl(stage, "--limit-rate", "300K", stage.store.url(path)), body=body)
    again = stage.path()
    fine(curl(stage, "--limit-rate", "300K", "-T", stage.file("body", body), stage.store.url(again)), 201)
    check(stage.kept(again), body, "stored body")


def case_abort_download(stage):
    """An aborted download does not affect other requests"""
    path, _ = stage.item(16 << 20)
    got = curl(stage, "--limit-rate", "100K", "--max-time", "0.5", stage.store.url(path))
    check(got.code, 28, "exit code")
    fine(curl(stage, stage.store.url(path)))


def case_abort_upload(stage):
    """An aborted upload is not stored"""
    path = stage.path()
    file = stage.file("body", bytes_of(MIB2))
    got = curl(stage, "--limit-rate", "100K", "--max-time", "0.5", "-T", file, stage.store.url(path))
    check(got.code, 28, "exit code")
    wait_until(lambda: stage.kept(path) is None, "no upload")
    fine(curl(stage, "-T", file, stage.store.url(path)), 201)


def case_too_large(stage):
    """413 reaches a client that does not wait for 100"""
    file = stage.file("body", bytes_of(17 << 20))
    got = curl(stage, "-H", "Expect:", "-T", file, stage.store.url(stage.path()))
    check((got.code, got.status), (0, 413), "exit code and status")


def case_too_large_chunked(stage):
    """413 reaches a client that sends chunks"""
    body = bytes_of(17 << 20)
    got = curl(
        stage,
        "-H",
        "Expect:",
        "-H",
        "Transfer-Encoding: chunked",
        "-T",
        "-",
        stage.store.url(stage.path()),
        stdin=body,
    )
    check((got.code, got.status), (0, 413), "exit code and status")


def case_unread(stage):
    """An unread body is not taken for the next request"""
    file = stage.file("body", b"GET /status/418 HTTP/1.1\r\nHost: a\r\n\r\n" * 5000)
    url = stage.bench.url("/unread")
    got = curl(
        stage, "-H", "Expect:", "--data-binary", f"@{file}", url, "-o", os.devnull, url, "-o", os.devnull
    )
    fine(got)
    check(
        (got.each("response_code"), got.each("num_connects")),
        ([200, 200], [1, 0]),
        "statuses and connections",
    )


def case_refused_with_body(stage):
    """404 and 501 reach a client that sends a body of 2 MiB"""
    file = stage.file("body", bytes_of(MIB2))
    for method, url, status in [("POST", stage.bench.url("/none"), 404), ("BREW", stage.spam.url(), 501)]:
        for fields in (["-H", "Expect:"], ["-H", "Expect:", "-H", "Transfer-Encoding: chunked"]):
            got = curl(stage, "-X", method, *fields, "--data-binary", f"@{file}", url)
            check((got.code, got.status), (0, status), "exit code and status")


def case_long_head(stage):
    """414 for a long target, 431 for a long field and for many fields"""
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
    """501 for an unknown method, which closes the connection, as in Python"""
    url = stage.spam.url()
    got = fine(curl(stage, "-X", "BREW", url), 501)
    check((got.fields["allow"], got.fields["connection"]), ("GET, HEAD, SPAM, M-SEARCH", "close"), "fields")
    fine(curl(stage, "-X", "SPAM", url), body=b"Lovely Spam! Wonderful Spam!\n")
    check(fine(curl(stage, "-X", "M-SEARCH", url)).fields["st"], "urn:example:spam", "ST")


def case_form(stage):
    """A form with a file in it"""
    body = bytes_of(100_000)
    got = fine(curl(stage, "-F", "name=value", "-F", f"file=@{stage.file('body', body)}", stage.echo.url()))
    check(got.body.count(body), 1, "the file in the form")
    check(len(got.body), got.transfers[0]["size_upload"], "length")


def case_interactive(stage):
    """Each line is sent back at once"""
    command = ["curl", "-q", "-s", "-N", "-X", "POST", "-H", "Expect:", "-T", ".", stage.echo.url()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    ) as process:
        for line in (b"one\n", b"two\n", b"three\n"):
            process.stdin.write(line)
            process.stdin.flush()
            check(process.stdout.readline(), line, "line")
        process.stdin.close()
        check((process.stdout.read(), process.wait(PATIENCE)), (b"", 0), "rest and exit code")


def case_telnet(stage):
    """A request typed by hand, with trailer fields"""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    request = head + b"3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n"
    process = run(["curl", "-q", "-s", "-m", str(PATIENCE), f"telnet://127.0.0.1:{stage.echo.port}"], request)
    head, _, body = process.stdout.partition(b"\r\n\r\n")
    check((process.returncode, head.split(b"\r\n")[0]), (0, b"HTTP/1.1 200 OK"), "exit code and status line")
    # The chunk that was sent, and one with the trailer.
    check(
        b"".join(re.findall(rb"[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]+\r\n)", body, re.S)),
        b"abc\nX-Sum: 6\n",
        "body",
    )
    check(body[-5:], b"0\r\n\r\n", "end")


def case_fields(stage):
    """Fields of several kinds: empty, long, not ASCII"""
    got = curl(
        stage,
        "-H",
        "Accept-Language: de",
        "-H",
        "X-Empty;",
        "-H",
        f"X-Long: {'y' * 60_000}",
        "-H",
        "X-Ü: ü",
        stage.greeter.url(),
    )
    check(got.status, 400, "status of a name that is not ASCII")
    got = curl(
        stage,
        "-H",
        "Accept-Language: de",
        "-H",
        "X-Empty;",
        "-H",
        f"X-Long: {'y' * 60_000}",
        "-H",
        "X-U: ü",
        stage.greeter.url(),
    )
    fine(got, body="Grüß Gott\n".encode())
