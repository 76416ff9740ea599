"""Another server behind the tap: python3 tests/proxies/python.py PORT. Python's reads no chunks, so desyncs must be found."""

import http.server
import re
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        number = re.search(r"(?:^|/)(\d+)$", re.split(r"[?#]", self.path)[0])
        said = f"{self.command} {number[1] if number else '-'}"
        self.send_response(200)
        self.send_header("X-Served", said)
        self.send_header("Cache-Control", "no-store")
        body = f"{said}\n".encode() + body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = serve

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
