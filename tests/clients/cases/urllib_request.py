"""Python's urllib.request, which closes after each response."""

import platform
import urllib.error
import urllib.request

from programs import PATIENCE
from suite import bytes_of, check

NAME = "Python urllib.request"
MIB2 = 2 << 20


def version():
    return platform.python_version()


def ask(url, body=None, method=None, fields=None, opener=None):
    request = urllib.request.Request(url, body, fields or {}, method=method)
    try:
        with (opener or urllib.request.build_opener()).open(request, timeout=PATIENCE) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def case_bodies(stage):
    """PUT and GET, 0 bytes to 2 MiB"""
    for length in (0, 1, 65_537, MIB2):
        path, body = stage.path(), bytes_of(length)
        check(ask(stage.store.url(path), body, "PUT")[0], 201, "status")
        status, fields, got = ask(stage.store.url(path))
        check((status, fields["Connection"], got == body), (200, "close", True), "response")


def case_echo(stage):
    """POST of bytes, a file and a generator, sent back in chunks"""
    body = bytes_of(MIB2)
    check(ask(stage.echo.url(), body)[2], body, "bytes")
    with open(stage.file("body", body), "rb") as file:
        check(ask(stage.echo.url(), file)[2], body, "a file")
    check(
        ask(stage.echo.url(), (body[at : at + 9999] for at in range(0, MIB2, 9999)))[2], body, "a generator"
    )


def case_errors(stage):
    """404, 405 and 413 with their pages"""
    status, fields, page = ask(stage.store.url("/none"))
    check((status, fields["Content-Length"]), (404, str(len(page))), "response")
    assert b"Error code: 404" in page, page
    status, fields, _ = ask(stage.store.url("/none"), method="BREW")
    check((status, fields["Allow"]), (405, "GET, HEAD, PUT, DELETE, OPTIONS"), "an existing path")
    check(ask(stage.store.url(stage.path()), bytes_of(17 << 20), "PUT")[0], 413, "status")


def case_redirect(stage):
    """POST, 303, GET"""
    status, _, page = ask(stage.state.url("/reset"), b"")
    check((status, b"Visit 1, number 1 of this connection" in page), (200, True), "response")


def case_proxy(stage):
    """Absolute-form, as sent to a proxy"""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": stage.pages.url()}))
    status, _, page = ask("http://example.org/a?b", opener=opener)
    check((status, b"There is no http://example.org/a?b here." in page), (404, True), "response")


def case_head(stage):
    """HEAD, DELETE and 304"""
    path, body = stage.item(1000)
    status, fields, got = ask(stage.store.url(path), method="HEAD")
    check((status, fields["Content-Length"], got), (200, "1000", b""), "HEAD")
    status, _, got = ask(stage.store.url(path), fields={"If-None-Match": fields["ETag"]})
    check((status, got), (304, b""), "validated GET")
    check(ask(stage.store.url(path), method="DELETE")[0], 204, "DELETE")
