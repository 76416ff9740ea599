"""Opens pages of other origins in a browser; see `run` beside this file."""

import http.server
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync""".split()
NAMES = "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.localhost 127.0.0.1, MAP localhost 127.0.0.1"
PATIENCE = 60

HERE = os.path.dirname(os.path.abspath(__file__))
# The server's responses to the requests of a page.
REFUSED = {"POST /form": 403, "POST /fetch": 403, "POST /beacon": 403, "GET /socket": 403, "GET /get": 200}
ADMITTED = {"POST /form": 200, "POST /fetch": 200, "POST /beacon": 200, "GET /socket": 101, "GET /get": 200}
# From a page of another origin, the browser sends a preflight first, which the server does not approve.
OTHER, OWN = {"OPTIONS /put": 204}, {"PUT /put": 200}


class Elsewhere(http.server.ThreadingHTTPServer):
    """Serves all other sites, whatever their names, and receives the pages' reports."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Pages)
        self.told = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        body = b""
        self.send_response(200)
        if url.path == "/report":
            self.server.told.put(dict(urllib.parse.parse_qsl(url.query)))
        else:
            with open(os.path.join(HERE, "cross_origin.html"), "rb") as file:
                body = file.read()
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if url.path == "/sandboxed":
                self.send_header("Content-Security-Policy", "sandbox allow-scripts allow-forms")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Site:
    """The server under test, and its log."""

    LINE = re.compile(r'"([A-Z]+ /[a-z]+)\?([a-z-]+) HTTP/1\.1" ([0-9]{3}) ')

    def __init__(self, program, trusted):
        self.process = subprocess.Popen([program, *trusted], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())
        self.lines, self.changed = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip())
                self.changed.notify_all()

    def answers(self, name):
        found = (self.LINE.search(line) for line in self.lines)
        return {match[1]: int(match[3]) for match in found if match and match[2] == name}

    def wait(self, name, wanted):
        """The responses to a page, once the wanted ones have been logged: a beacon may be late."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while set(self.answers(name)) < set(wanted) and (left := deadline - time.monotonic()) > 0:
                self.changed.wait(left)
            return self.answers(name)

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def run(browser, site, elsewhere, name, page, target, wanted, told):
    """Opens a page, and checks its report and the server's responses."""
    query = urllib.parse.urlencode({
        "target": f"http://{target}:{site.port}", "name": name, "report": f"http://127.0.0.1:{elsewhere.server_port}/report",
    })
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        command = [browser, *FLAGS, NAMES, f"--user-data-dir={profile}", f"{page}?{query}"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        try:
            actual = elsewhere.told.get(timeout=PATIENCE)
        except queue.Empty:
            actual = "nothing"
        finally:
            process.terminate()
            process.wait(PATIENCE)
    answers = site.wait(name, wanted)
    if (actual, answers) != (told, wanted):
        log = "\n".join(site.lines)
        sys.exit(f"{name}: {actual}, {answers}\n    not {told}, {wanted}\n{log}")


def main():
    browser, program = sys.argv[1:]
    elsewhere = Elsewhere()
    port = elsewhere.server_port
    site = Site(program, [f"http://friend.localhost:{port}", f"http://friend.test:{port}"])
    refused = {"socket": "error", "put": "none"}
    admitted, own = {"socket": "open", "put": "none"}, {"socket": "open", "put": "200"}
    rows = [
        # Browsers send Sec-Fetch-Site to localhost, as over TLS.
        ("own", f"http://localhost:{site.port}/page", "localhost", ADMITTED | OWN, own),
        ("cross-site", f"http://127.0.0.1:{port}/page", "localhost", REFUSED | OTHER, refused),
        ("same-site", f"http://localhost:{port}/page", "localhost", REFUSED | OTHER, refused),
        ("trusted", f"http://friend.localhost:{port}/page", "localhost", ADMITTED | OTHER, admitted),
        ("sandboxed", f"http://localhost:{port}/sandboxed", "localhost", REFUSED | OTHER, refused),
        # To other hosts, over plain HTTP, they send only Origin.
        ("plain-own", f"http://site.test:{site.port}/page", "site.test", ADMITTED | OWN, own),
        ("plain-cross-site", f"http://other.test:{port}/page", "site.test", REFUSED | OTHER, refused),
        ("plain-same-host", f"http://site.test:{port}/page", "site.test", REFUSED | OTHER, refused),
        ("plain-trusted", f"http://friend.test:{port}/page", "site.test", ADMITTED | OTHER, admitted),
        ("plain-sandboxed", f"http://site.test:{port}/sandboxed", "site.test", REFUSED | OTHER, refused),
    ]
    try:
        for name, page, target, wanted, told in rows:
            run(browser, site, elsewhere, name, page, target, wanted, told)
        reasons = [line for line in site.lines if "(cross-origin: " in line]
        with_site = [line for line in reasons if "Sec-Fetch-Site: " in line]
        # The requests above have both kinds of reasons.
        if not with_site or len(with_site) == len(reasons):
            sys.exit("not both kinds of reasons:\n" + "\n".join(reasons))
    finally:
        site.end()
    print(f"{len(rows)} passed, 0 failed")


main()
