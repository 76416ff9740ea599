"""Replaces replicas under load without a failed request: behind HAProxy and nginx with the files of examples/deploy, and with a
socket that one process hands to the next."""

import os
import re
import socket
import subprocess
import threading
import urllib.request

import httpx

from cases.haproxy import checks
from programs import PATIENCE, Example, Program, find, free_port, retried, version_of, wait_until
from suite import check

NAME = "rolling restarts"
CLIENTS = 6
# Differs from the proxies' own address.
CLIENT_ADDRESS = "127.0.0.9"
PORTS = ("8001", "8002", "8003")
NOTICE = "2"
BODY = b"x" * 10_000


def version():
    haproxy = version_of([find("haproxy"), "-v"], r"version ([\d.]+)")
    return f"(HAProxy {haproxy}, httpx {httpx.__version__})"


class Load:
    """Clients that send requests until `end`. They never retry, so each failed request is a failure."""

    def __init__(self, ask):
        self.sent, self.failed = 0, []
        self._ask, self._over, self._lock = ask, threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        with self._ask() as ask:
            turn = number
            while not self._over.is_set():
                turn += 1
                try:
                    reason = ask(turn)
                except Exception as error:  # any exception of a client is a failed request
                    reason = f"{type(error).__name__}: {error}"
                with self._lock:
                    self.sent += 1
                    if reason:
                        self.failed.append(reason)

    def has_gone_on(self, more):
        before = self.sent
        wait_until(lambda: self.sent >= before + more, f"{more} more requests")

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"


class Asking:
    """An httpx client. Entering it returns a function that sends one request, whose number is its argument."""

    def __init__(self, url, expected, http2):
        transport = httpx.HTTPTransport(
            http1=not http2, http2=http2, verify=False, local_address=CLIENT_ADDRESS
        )
        self._client = httpx.Client(transport=transport, timeout=PATIENCE)
        self._url, self._expected, self._version = url, expected, "HTTP/2" if http2 else "HTTP/1.1"

    def __enter__(self):
        return self._ask

    def __exit__(self, *_):
        self._client.close()

    def _ask(self, turn):
        if turn % 4 == 0:
            response, expected = self._client.post(self._url, content=BODY), f"{len(BODY)} bytes\n"
        else:
            response, expected = self._client.get(self._url), self._expected
        got = (response.status_code, response.http_version, response.text)
        return None if got == (200, self._version, expected) else f"{got}"


class Replicas:
    """The three replicas and their ports."""

    def __init__(self, stage, arguments):
        self.ports = {port: free_port() for port in PORTS}
        self._stage, self._arguments, self._number = stage, arguments, 0
        self.programs = {port: self.start(port) for port in PORTS}

    def start(self, port):
        self._number += 1
        arguments = [str(self.ports[port]), "--notice", NOTICE, *self._arguments]
        name = f"replica-{port}-{self._number}"
        return Example(self._stage.scratch, self._stage.programs, name, arguments, "replica")

    def replace(self, port):
        """The old replica shuts down cleanly before the new one takes its port."""
        old = self.programs[port]
        ends_well(old)
        self.programs[port] = self.start(port)

    def configure(self, stage, name, *more):
        with open(os.path.join(os.path.dirname(__file__), "../../../examples/deploy", name), encoding="utf-8") as file:
            text = file.read()
        for old, new in [*((f"127.0.0.1:{old}", f"127.0.0.1:{new}") for old, new in self.ports.items()), *more]:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new)
        return stage.file(f"rolling-{name}", text.encode())

    def stop(self):
        for program in self.programs.values():
            program.stop()


def ends_well(program):
    program.ask_to_end()
    check(program.process.wait(PATIENCE), 0, f"exit code of {program.name}")
    report = program.out().splitlines()[-1]
    check(re.fullmatch(r"\d+ finished, \d+ idle, 0 cut", report) is not None, True, f"shutdown report {report!r}")


def told(load, what):
    print(f"{what}: {load.sent} requests sent, {len(load.failed)} failed", flush=True)
    check(load.failed[:3], [], "failed requests")


def case_haproxy(stage):
    """HAProxy, HTTP/2 from the client, PROXY protocol 2: three replicas replaced"""
    replicas = Replicas(stage, ["--proxy-protocol"])
    pem = stage.file("site.pem")
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"],
            *["-days", "2", "-keyout", pem, "-out", f"{pem}.cert"],
        ],
        check=True,
        capture_output=True,
    )
    with open(f"{pem}.cert", "rb") as certificate, open(pem, "ab") as file:
        file.write(certificate.read())
    # At the path that `checks` uses.
    stats = f"global\n    stats socket {stage.scratch}/haproxy.socket mode 600"
    proxy = None
    try:
        port = free_port()
        path = replicas.configure(
            stage, "haproxy.cfg", ("8443", str(port)), ("site.pem", pem), ("\nglobal", f"\n{stats}")
        )
        proxy = Program(stage.scratch, "rolling-haproxy", [find("haproxy"), "-f", path])
        proxy.wait_for_port(port)
        wait_until(lambda: is_up(stage), "all replicas to be up")
        load = Load(lambda: Asking(f"https://127.0.0.1:{port}/", f"{CLIENT_ADDRESS} by https\n", http2=True))
        try:
            load.has_gone_on(200)
            for name in PORTS:
                replicas.replace(name)
                wait_until(lambda: is_up(stage), "the new replica to be up")
                load.has_gone_on(200)
        finally:
            load.end()
        told(load, "rolling restart behind HAProxy, HTTP/2 and PROXY 2")
    finally:
        if proxy:
            proxy.stop()
        replicas.stop()


def is_up(stage):
    return set(checks(stage).values()) == {("UP", "200")}


def case_nginx(stage):
    """nginx, HTTP/1.1 kept alive, X-Forwarded-For: three replicas replaced"""
    find("nginx")
    replicas = Replicas(stage, [])
    proxy = None
    try:
        port = free_port()
        own = "\n".join(
            ["daemon off;", f"pid {stage.scratch}/rolling-nginx.pid;", "error_log stderr error;", "worker_processes 1;"]
        )
        paths = "\n".join(
            f"    {name}_temp_path {stage.scratch}/rolling-nginx-{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        path = replicas.configure(
            stage,
            "nginx.conf",
            ("8080", str(port)),
            ("worker_processes 1;", own),
            ("http {", f"http {{\n    access_log off;\n{paths}"),
        )
        proxy = Program(stage.scratch, "rolling-nginx", [find("nginx"), "-c", path])
        proxy.wait_for_port(port)
        load = Load(lambda: Asking(f"http://127.0.0.1:{port}/", f"{CLIENT_ADDRESS} by http\n", http2=False))
        try:
            load.has_gone_on(200)
            for name in PORTS:
                replicas.replace(name)
                load.has_gone_on(500)
        finally:
            load.end()
        told(load, "rolling restart behind nginx")
    finally:
        if proxy:
            proxy.stop()
        replicas.stop()


class EachItsOwn:
    """A client that opens a connection for each request."""

    def __init__(self, port):
        self._url = f"http://127.0.0.1:{port}/"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self):
        return self._ask

    def __exit__(self, *_):
        pass

    def _ask(self, _turn):
        with self._opener.open(self._url, timeout=PATIENCE) as response:
            text = response.read()
        return None if text == b"127.0.0.1 by http\n" else f"{text}"


def case_handover(stage):
    """A socket handed from process to process, as systemd does"""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        programs = [handed(stage, listener, 1)]
        load = Load(lambda: EachItsOwn(listener.getsockname()[1]))
        try:
            for number in range(2, 6):
                load.has_gone_on(300)
                if number % 2:
                    # Connections wait in the socket's queue while no process accepts them.
                    ends_well(programs[-1])
                    programs.append(handed(stage, listener, number))
                else:
                    programs.append(handed(stage, listener, number))
                    ends_well(programs[-2])
            load.has_gone_on(300)
        finally:
            load.end()
            programs[-1].stop()
        told(load, "restarts with a handed-over socket")


def handed(stage, listener, number):
    descriptor = listener.fileno()
    program = os.path.join(stage.programs, "replica")
    script = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" --notice 0 3<&{descriptor}'
    started = retried(
        lambda: Program(stage.scratch, f"handed-{number}", ["bash", "-c", script, program], (descriptor,))
    )
    wait_until(lambda: "\n" in started.out() or not started.runs(), "the first line")
    assert started.runs(), started.log()
    return started
