"""wget: kept connections, uploads and retries."""

import os

from cases.command import read, run
from programs import find, version_of
from suite import bytes_of, check

NAME = "wget"
MIB2 = 2 << 20


def version():
    return version_of([find("wget"), "-V"], r"GNU Wget ([\d.]+)")


def wget(stage, *arguments):
    """Runs wget; returns its exit code, its messages and the file."""
    file = os.path.join(stage.scratch, "wget.body")
    if os.path.exists(file):
        os.remove(file)
    process = run(
        ["wget", "--no-config", "--no-hsts", "-nv", "-S", "-T", "30", "-t", "1", "-O", file, *arguments]
    )
    return process.returncode, process.stderr.decode(), read(file)


def case_get(stage):
    """GET of 0 bytes, 1 byte and 2 MiB"""
    for length in (0, 1, MIB2):
        path, body = stage.item(length)
        code, told, got = wget(stage, stage.store.url(path))
        check((code, got), (0, body), "exit code and body")
        check(f"Content-Length: {length}" in told, True, "Content-Length")


def case_kept(stage):
    """20 files on one connection"""
    path, body = stage.item(3000)
    code, _, got = wget(stage, *[stage.store.url(path)] * 20)
    check((code, got), (0, body * 20), "exit code and bodies")
    check(len({*stage.store.ports(path)[1:]}), 1, "connections")
    code, _, got = wget(stage, "--no-http-keep-alive", *[stage.store.url(path)] * 3)
    check((code, got), (0, body * 3), "exit code and bodies")
    check(len({*stage.store.ports(path)[21:]}), 3, "connections")


def case_spider(stage):
    """--spider: HEAD of an existing and a missing path"""
    path, _ = stage.item(MIB2)
    code, told, _ = wget(stage, "--spider", stage.store.url(path))
    check((code, f"Content-Length: {MIB2}" in told), (0, True), "exit code and length")
    check(stage.store.requests(path)[-1], f'HEAD {path} HTTP/1.1" 200 -', "line in the log")
    check(wget(stage, "--spider", stage.store.url("/none"))[0], 8, "exit code")


def case_post(stage):
    """--post-file and --post-data, sent back in chunks"""
    body = bytes_of(MIB2)
    code, told, got = wget(stage, f"--post-file={stage.file('body', body)}", stage.echo.url())
    check((code, got, "Transfer-Encoding: chunked" in told), (0, body, True), "exit code, body, chunked")
    check(wget(stage, "--post-data=", stage.echo.url())[::2], (0, b""), "exit code and body")


def case_put(stage):
    """PUT and DELETE"""
    path, body = stage.path(), bytes_of(MIB2)
    code, told, _ = wget(
        stage, "--method=PUT", f"--body-file={stage.file('body', body)}", stage.store.url(path)
    )
    check((code, stage.kept(path)), (0, body), "exit code and stored body")
    code, told, got = wget(stage, "--method=DELETE", stage.store.url(path))
    check((code, "HTTP/1.1 204 No Content" in told), (0, True), "exit code and status line")


def case_continue(stage):
    """-c with a server without ranges"""
    path, body = stage.item(1000)
    file = stage.file("part", body[:400])
    process = run(["wget", "--no-config", "-nv", "-t", "1", "-c", "-O", file, stage.store.url(path)])
    # wget skips the part of the body that its file has, and appends the rest.
    check((process.returncode, read(file)), (0, body), "exit code and file")


def case_tries(stage):
    """A status that wget retries, and one that it does not"""
    url = stage.bench.url("/status/503")
    code, told, _ = wget(stage, "--tries=3", "--waitretry=0", "--retry-on-http-error=503", url)
    check((code, told.count("HTTP/1.1 503 Service Unavailable")), (4, 3), "exit code and tries")
    code, told, _ = wget(stage, "--tries=3", stage.bench.url("/status/404"))
    check((code, told.count("HTTP/1.1 404 Not Found")), (8, 1), "exit code and tries")


def case_redirect(stage):
    """POST, 303, GET"""
    code, told, got = wget(stage, "--post-data=", stage.state.url("/reset"))
    check((code, "HTTP/1.1 303 See Other" in told), (0, True), "exit code and status line")
    assert b"Visit 1, " in got, got


def case_no_content(stage):
    """204 and 304, and the connection is kept"""
    urls = [stage.bench.url(path) for path in ("/status/204", "/", "/status/304", "/")]
    code, told, got = wget(stage, "-v", *urls)
    check((code, got), (8, b"Hello, World!" * 2), "exit code and bodies")
    check(told.count("Reusing existing connection to "), 3, "times that the connection was used again")


def case_fields(stage):
    """A custom field, and a refusal"""
    check(
        wget(stage, "--header=Accept-Language: de", stage.greeter.url())[::2],
        (0, "Grüß Gott\n".encode()),
        "response",
    )
    check(wget(stage, "--content-on-error", stage.greeter.url())[0], 8, "exit code")


def case_slow(stage):
    """--limit-rate"""
    path, body = stage.item(300_000)
    check(wget(stage, "--limit-rate=300K", stage.store.url(path))[::2], (0, body), "exit code and body")
