"""The servers, and what each can do."""

import http.client
import os
import shutil
import socket
import sys
import tempfile
import time

from .process import Failed, Process, free_port

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HELLO = b"Hello, World!"
BIG = 1 << 20
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Server:
    """A server under test.

    `program` is one of this workspace. `threads` is (for quick handlers, for those that wait) where the number of
    threads limits how many handlers can wait. `scenarios` are those it takes part in, all if None. `absent` are
    routes that it answers without doing their work. `note`, or `note_waits` where handlers wait, is a remark on its
    figures.
    """

    def __init__(
        self, name, program=None, args=(), threads=None, scenarios=None, absent=(), note=None, note_waits=None
    ):
        self.name = name
        self.program = program
        self.args = list(args)
        self.threads = threads
        self.scenarios = scenarios
        self.absent = absent
        self.note = note
        self.note_waits = note_waits
        self.executable = None
        self.lacks = {}

    def remark(self, scenario):
        """The remark on its figures in a scenario."""
        return self.note_waits if scenario.waits else self.note

    def start(self, folder, waits=False):
        port = free_port()
        return Process(self._command(port, folder, waits), port, folder)

    def _command(self, port, folder, waits):
        command = [self.executable, "--port", str(port), *self.args]
        if self.threads:
            command += ["--threads", str(self.threads[waits])]
        return command


class Nginx(Server):
    def _command(self, port, folder, waits):
        with open(os.path.join(HERE, "peers", "nginx.conf"), encoding="ascii") as template:
            text = template.read().replace("DIR", folder).replace("PORT", str(port))
        with open(os.path.join(folder, "big"), "wb") as big:
            big.write(b"x" * BIG)
        os.chmod(folder, 0o755)
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(text)
        return [self.executable, "-p", folder, "-e", os.path.join(folder, "error.log"), "-c", config]


class Python(Server):
    def _command(self, port, folder, waits):
        return [sys.executable, os.path.join(HERE, "peers", "python.py"), "--port", str(port)]


MAY = "its handlers cannot block: they wait by a timer of its scheduler, not in a blocking call"

SERVERS = [
    Server("limit", "limit", absent=["/blocking", "/nap", "/burn"]),
    Server("basehttp", "bench_server"),
    Server(
        "basehttp-log", "bench_server", ["--log"], scenarios=["keepalive-64"], note="its log goes to a file"
    ),
    Server("basehttp-1", "bench_server", ["--compute-threads", "1"], scenarios=["burn"], note="one compute thread"),
    Server("may_minihttp", "may_minihttp", note_waits=MAY),
    Server("actix-web", "actix_web"),
    Server("ntex", "ntex"),
    Server("hyper", "hyper"),
    Server("axum", "axum"),
    Server("khttp", "khttp", threads=(10, 256)),
    Server("tiny_http", "tiny_http", threads=(4, 256)),
    Server("rouille", "rouille", threads=(16, 256)),
    Nginx("nginx"),
    Python("python"),
]


def inspect(server):
    """Finds out what a server can do; records in `server.lacks` why it cannot do the rest."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            with server.start(folder, waits=True) as process:
                for name, check in CHECKS.items():
                    server.lacks[name] = "absent" if name in server.absent else _attempt(check, process)
        except (Failed, OSError) as failure:
            server.lacks = dict.fromkeys(CHECKS, str(failure))


def _attempt(check, process):
    try:
        return check(process.port)
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        process.check()


def _request(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        start = time.perf_counter()
        connection.request(method, path, body)
        response = connection.getresponse()
        content = response.read()
        return response.status, content, time.perf_counter() - start
    finally:
        connection.close()


def _route(path, least=0.0, expected=HELLO, body=None):
    def check(port):
        method = "GET" if body is None else "POST"
        status, content, seconds = _request(port, method, path, body)
        if status != 200:
            return f"absent: the response is {status}"
        if content != expected:
            return f"wrong content of {len(content)} bytes"
        if seconds < least:
            return f"responds after {seconds * 1e6:.0f} us"
        return None

    return check


def _pipelining(port):
    with socket.create_connection(("127.0.0.1", port), 2) as client:
        client.sendall(GET * 16)
        received = b""
        try:
            while received.count(HELLO) < 16:
                piece = client.recv(65536)
                if not piece:
                    break
                received += piece
        except TimeoutError:
            pass
        count = received.count(HELLO)
        return None if count == 16 else f"absent: it answers {count} of 16 pipelined requests"


def _closing(port):
    with socket.create_connection(("127.0.0.1", port), 2) as client:
        client.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = b""
        try:
            while piece := client.recv(65536):
                received += piece
        except TimeoutError:
            return "absent: it does not close when asked to"
        if HELLO not in received:
            return "closes without a response"
        if b"connection: close" not in received.lower():
            return "does not announce the close, which wrk counts as an error"
        return None


CHECKS = {
    "/": _route("/"),
    "/echo": _route("/echo", expected=b"x" * 1024, body=b"x" * 1024),
    "/big": _route("/big", expected=b"x" * BIG),
    "/blocking": _route("/blocking", least=0.010),
    "/nap": _route("/nap", least=0.0003),
    "/burn": _route("/burn", least=0.00003),
    "pipelining": _pipelining,
    "closing": _closing,
}


def find_nginx():
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
