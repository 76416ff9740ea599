"""Python's http.server with a thread per connection."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HELLO = b"Hello, World!"
BIG = b"x" * (1 << 20)


def compute(rounds):
    x = 1
    for i in range(rounds):
        x = (x * 6364136223846793005 + i) & 0xFFFFFFFFFFFFFFFF
    return x


def seconds(rounds):
    start = time.perf_counter()
    compute(rounds)
    return time.perf_counter() - start


ROUNDS = int(10_000 * 50e-6 / min(seconds(10_000) for _ in range(20)))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = (
        -1
    )  # buffered: otherwise head and body are two packets, and the second waits 40 ms for an acknowledgement

    def do_GET(self):
        body = HELLO
        if self.path == "/blocking":
            time.sleep(0.01)
        elif self.path == "/nap":
            time.sleep(0.0003)
        elif self.path == "/burn":
            compute(ROUNDS)
        elif self.path == "/big":
            body = BIG
        elif self.path != "/":
            self.send_error(404)
            return
        self.text(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/echo":
            self.text(body)
        else:
            self.send_error(404)

    def text(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", len(body))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024  # with the default of 5, most of 64 simultaneous clients wait for a second


port = int(sys.argv[sys.argv.index("--port") + 1])
Server(("127.0.0.1", port), Handler).serve_forever()
