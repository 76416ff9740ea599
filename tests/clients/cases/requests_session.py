"""requests: sessions, streams, redirects, forms."""

from concurrent.futures import ThreadPoolExecutor

import requests

from programs import PATIENCE, wait_until
from suite import bytes_of, check

NAME = "requests"
MIB2 = 2 << 20


def version():
    return requests.__version__


def case_session(stage):
    """200 requests of a session on one connection"""
    path, body = stage.item(20_000)
    with requests.Session() as session:
        for _ in range(200):
            response = session.get(stage.store.url(path), timeout=PATIENCE)
            check((response.status_code, response.reason, response.content == body), (200, "OK", True), "response")
    check(len({*stage.store.ports(path)[1:]}), 1, "connections")


def case_upload(stage):
    """Upload from a generator and from a file"""
    path, body = stage.path(), bytes_of(MIB2)
    with requests.Session() as session:
        pieces = (body[at : at + 77_777] for at in range(0, MIB2, 77_777))
        check(session.put(stage.store.url(path), data=pieces, timeout=PATIENCE).status_code, 201, "status")
        check(stage.kept(path), body, "stored body")
        with open(stage.file("body", body), "rb") as file:
            check(session.put(stage.store.url(path), data=file, timeout=PATIENCE).status_code, 204, "status")
        check(session.get(stage.store.url(path), timeout=PATIENCE).content, body, "stored body")
    check(len({*stage.store.ports(path)[2:]}), 1, "connections")


def case_download(stage):
    """Streamed download with a length, and chunked"""
    path, body = stage.item(MIB2)
    with requests.Session() as session:
        with session.get(stage.store.url(path), stream=True, timeout=PATIENCE) as response:
            check(b"".join(response.iter_content(10_000)), body, "body")
        with session.post(stage.echo.url(), data=body, stream=True, timeout=PATIENCE) as response:
            check(response.headers["Transfer-Encoding"], "chunked", "Transfer-Encoding")
            check(b"".join(response.iter_content(None)), body, "body")


def case_abort(stage):
    """An aborted download does not affect other requests"""
    path, body = stage.item(16 << 20)
    with requests.Session() as session:
        with session.get(stage.store.url(path), stream=True, timeout=PATIENCE) as response:
            check(next(response.iter_content(1000)), body[:1000], "beginning of the body")
        check(session.head(stage.store.url(path), timeout=PATIENCE).status_code, 200, "next request")


def case_redirect(stage):
    """POST, 303, GET on one connection"""
    with requests.Session() as session:
        response = session.post(stage.state.url("/reset"), data=b"", timeout=PATIENCE)
        check([old.status_code for old in response.history], [303], "history")
        assert "Visit 1, number 1 of this connection" in response.text, response.text
        response = session.get(stage.state.url(), timeout=PATIENCE)
        assert "Visit 2, number 2 of this connection" in response.text, response.text


def case_forms(stage):
    """Forms: URL-encoded, with files; JSON"""
    body = bytes_of(100_000)
    with requests.Session() as session:
        url = stage.echo.url()
        check(session.post(url, data={"a": "b c"}, timeout=PATIENCE).content, b"a=b+c", "form")
        check(session.post(url, json={"a": [1]}, timeout=PATIENCE).json(), {"a": [1]}, "JSON")
        response = session.post(url, files={"file": ("name", body)}, timeout=PATIENCE)
        check(response.content.count(body), 1, "the file in the form")


def case_statuses(stage):
    """Statuses with and without a body, on one connection"""
    with requests.Session() as session:
        for status in (200, 204, 304, 205, 418, 500, 999):
            response = session.get(stage.bench.url(f"/status/{status}"), timeout=PATIENCE)
            check((response.status_code, response.content), (status, b""), "response")
        path, _ = stage.item(1000)
        etag = session.head(stage.store.url(path), timeout=PATIENCE).headers["ETag"]
        response = session.get(stage.store.url(path), headers={"If-None-Match": etag}, timeout=PATIENCE)
        check((response.status_code, response.headers["ETag"], response.content), (304, etag, b""), "response")
        allow = session.options(stage.store.url(path), timeout=PATIENCE).headers["Allow"]
        check(allow, "GET, HEAD, PUT, DELETE, OPTIONS", "Allow")
        pools = session.get_adapter("http://").poolmanager.pools
        made = {pools[key].port: pools[key].num_connections for key in pools.keys()}
        check(made, {stage.bench.port: 1, stage.store.port: 1}, "connections made")


def case_stale(stage):
    """A session continues after the server has closed its idle connection"""
    with requests.Session() as session:
        for _ in range(3):
            check(session.options(stage.hasty.url("/x"), timeout=PATIENCE).status_code, 204, "status")
            wait_until(lambda: stage.hasty.connections() == 0, "the server to close the connection")


def case_threads(stage):
    """8 threads, each with its own session, uploads and downloads"""
    paths = [stage.path() for _ in range(8)]

    def work(number):
        body = bytes_of(100_000 + number)
        with requests.Session() as session:
            for _ in range(25):
                session.put(stage.store.url(paths[number]), data=body, timeout=PATIENCE).raise_for_status()
                if session.get(stage.store.url(paths[number]), timeout=PATIENCE).content != body:
                    return "another body"
        return "same"

    with ThreadPoolExecutor(8) as threads:
        check(list(threads.map(work, range(8))), ["same"] * 8, "bodies")
    for path in paths:
        check(len({*stage.store.ports(path)}), 1, "connections")


def case_refused(stage):
    """413 for 17 MiB: the response arrives"""
    response = requests.put(stage.store.url(stage.path()), data=bytes_of(17 << 20), timeout=PATIENCE)
    check(response.status_code, 413, "status")
