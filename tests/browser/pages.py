"""Drives the pages of the examples `events`, `chat` and `device`; see `run` beside this file."""

import base64
import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import urllib.request

from listing import FLAGS, PATIENCE, check

# What a page has to be true of, in its own words.
STATE = "document.getElementById('state').textContent"
LINES = "[...document.querySelectorAll('li')].map(line => line.textContent)"
FITS = "document.documentElement.scrollWidth <= innerWidth"
DARK = "getComputedStyle(document.body).color === 'rgb(255, 255, 255)'"


def moved(descriptor):
    """The same at a higher number."""
    number = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return number


class Browser:
    """A browser that is spoken to through a pipe (the Chrome DevTools Protocol)."""

    def __init__(self, program, profile):
        # It reads commands from descriptor 3 and writes to 4.
        read, self._commands = os.pipe()
        self._answers, write = os.pipe()
        # The shell sets those two one after the other, so neither end may be one of them.
        read, write = moved(read), moved(write)
        shell = f'exec "$0" "$@" 3<&{read} 4>&{write}'
        command = ["bash", "-c", shell, program, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(command, pass_fds=(read, write), stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self._buffer, self._number = b"", 0

    def call(self, method, session=None, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                return answer["result"]

    def _read(self):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            data = os.read(self._answers, 65536) if ready else b""
            if not data:
                sys.exit("the browser has ended, or hangs")
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


class Page:
    def __init__(self, browser, url):
        self.browser = browser
        target = browser.call("Target.createTarget", url=url)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def wait(self, expression, wanted):
        deadline = time.monotonic() + PATIENCE
        while (value := self.value(expression)) != wanted:
            if time.monotonic() > deadline:
                sys.exit(f"{expression}: {value!r}, not {wanted!r}")
            time.sleep(0.05)

    def submit(self, text):
        self.value(f"document.querySelector('input').value = {json.dumps(text)}; document.forms[0].requestSubmit()")

    def picture(self, name):
        if shots := os.environ.get("SHOTS"):
            os.makedirs(shots, exist_ok=True)
            data = self.call("Page.captureScreenshot", format="png")["data"]
            with open(os.path.join(shots, f"{name}.png"), "wb") as file:
                file.write(base64.b64decode(data))

    def looks(self, name):
        """It fits on a phone, and is dark where that is wished for."""
        self.picture(name)
        self.call("Emulation.setDeviceMetricsOverride", width=320, height=600, deviceScaleFactor=1, mobile=True)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.wait(FITS, True)
        self.wait(DARK, True)
        self.picture(f"{name}-phone")


class Example:
    def __init__(self, folder, name):
        self.command = [os.path.join(folder, name)]
        self.url = "http://127.0.0.1:0/"
        self.start()

    def start(self):
        """Starts it, at the same port as before."""
        port = self.url.split(":")[2].rstrip("/")
        self.process = subprocess.Popen(
            [*self.command, port], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self.process.stdout.readline().strip()
        check(line.startswith("http://127.0.0.1:"), True, f"first line of {self.command}: {line!r}")
        self.url = line

    def stop(self):
        self.process.kill()
        self.process.wait()


def events(browser, example):
    page = Page(browser, example.url)
    page.wait(STATE, "Connected")
    page.submit("x" * 200)
    page.wait(LINES, ["x" * 200])
    page.wait(STATE, "Sent")
    urllib.request.urlopen(example.url, b"<b>told</b>", timeout=PATIENCE).close()
    page.wait(LINES, ["<b>told</b>", "x" * 200])
    page.looks("events")
    example.stop()
    page.wait(STATE, "Not connected, trying again")
    page.submit("lost?")
    page.wait(STATE, "Not sent")
    check(page.value("document.querySelector('input').value"), "lost?", "a message that was not sent")
    example.start()
    page.wait(STATE, "Connected")


def chat(browser, example):
    ann = Page(browser, example.url)
    ann.wait(LINES, ["1 here. What is your name?"])
    ann.submit("Ann")
    ann.wait(f"{LINES}[1]", "Ann comes in")
    bob = Page(browser, example.url)
    bob.wait(LINES, ["2 here. What is your name?"])
    bob.submit("Bob")
    ann.wait(f"{LINES}[2]", "Bob comes in")
    ann.submit("y" * 200)
    bob.wait(f"{LINES}[2]", "Ann: " + "y" * 200)
    ann.looks("chat")
    example.stop()
    ann.wait(f"{LINES}.at(-1).trim()", "Not connected, trying again")
    check(ann.value("document.querySelector('input').disabled"), True, "no message without a connection")
    example.start()
    # It comes back with its name.
    ann.wait(f"{LINES}.includes('Ann comes in', 5)", True)
    ann.submit("here again")
    bob.wait(f"{LINES}.at(-1)", "Ann: here again")


def device(browser, example):
    page = Page(browser, example.url)
    page.wait(STATE, "Live")
    page.wait("document.querySelector('output').value > 17", True)
    page.submit("25")
    page.wait(STATE, "Set")
    page.looks("device")
    example.stop()
    page.wait(STATE, "Not connected, trying again")
    page.wait("document.querySelector('output').className", "stale")
    page.submit("26")
    page.wait(STATE, "Not set")
    example.start()
    page.wait(STATE, "Live")
    page.wait("document.querySelector('output').className", "")
    page.wait("document.querySelector('input').value", "21")


def main():
    program, folder = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            for test in (events, chat, device):
                example = Example(folder, test.__name__)
                try:
                    test(browser, example)
                finally:
                    example.stop()
        finally:
            browser.stop()
    print("3 pages passed, 0 failed")


if __name__ == "__main__":
    main()
