"""Opens the listing of a folder in a browser; see `run` beside this file."""

import html.parser
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

# For root, and for a machine without a network.
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --hide-scrollbars""".split()
PATIENCE = 60

FILES = {
    b"plain.txt": "plain",
    b"with blanks and 100%.txt": "blanks",
    b"it's \"quoted\".txt": "quotes",
    b"<script>document.title='run'<": "script",
    b"a&amp;b.txt": "entity",
    "\N{GRINNING FACE} \N{LATIN SMALL LETTER E WITH ACUTE}.txt".encode(): "emoji",
    b"new\nline.txt": "line",
    b"octets \xff\xfe.txt": "octets",
    b"question?hash#.txt": "reserved",
    b"javascript:document.title='run'": "scheme",
    b"file10.txt": "ten " * 100,
    b"file9.txt": "nine",
}


class Page(html.parser.HTMLParser):
    """The links, the title and the sort order of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.title, self.sorted = [], "", None
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "th" and "aria-sort" in attributes:
            self.sorted = attributes["aria-sort"]
        self._in_title = tag == "title"

    def handle_endtag(self, tag):
        self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.title += data


class Browser:
    def __init__(self, program, profile):
        self.command = [program, *FLAGS, f"--user-data-dir={profile}"]

    def page(self, url):
        """The DOM of a page as HTML, after its scripts have run."""
        process = subprocess.run([*self.command, "--dump-dom", url], capture_output=True, timeout=PATIENCE, check=True)
        return process.stdout.decode("utf-8", "replace")

    def picture(self, url, path, *flags):
        subprocess.run([*self.command, *flags, f"--screenshot={path}", url], capture_output=True, timeout=PATIENCE, check=True)


def check(actual, wanted, what):
    if actual != wanted:
        sys.exit(f"{what}: {actual!r}, not {wanted!r}")


def names(page):
    """The files of a listing, in order."""
    links = [link for link in page.links if not link.startswith("?") and not link.endswith("/")]
    return [urllib.parse.unquote_to_bytes(link) for link in links]


def run(browser, url):
    page = Page(browser.page(url))
    check(page.title, "Directory listing for /", "title")
    check(sorted(names(page)), sorted(FILES), "files")
    check((page.sorted, "sub/" in page.links), ("ascending", True), "order, folder")
    order = names(page)
    check(order.index(b"file9.txt") < order.index(b"file10.txt"), True, "file9 before file10")
    passed = 3
    for link in page.links:
        if link.startswith("?") or link.endswith("/"):
            continue
        wanted = FILES[urllib.parse.unquote_to_bytes(link)]
        target = urllib.parse.urljoin(url, link)
        check(target.startswith(url), True, f"{link} leads to this server")
        check(wanted.strip() in browser.page(target), True, f"{link} works")
        passed += 1
    largest = Page(browser.page(url + "?sort=size&order=desc"))
    check((names(largest)[0], largest.sorted), (b"file10.txt", "descending"), "largest first")
    below = Page(browser.page(url + "sub/"))
    check("../" in below.links and names(below) == [b"below.txt"], True, "subfolder, and the link back")
    return passed + 2


def main():
    program, command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="browser-") as folder:
        site = os.path.join(folder, "site")
        os.makedirs(os.path.join(site, "sub"))
        for name, text in FILES.items():
            with open(os.path.join(site.encode(), name), "w", encoding="utf-8") as file:
                file.write(text)
        with open(os.path.join(site, "sub", "below.txt"), "w", encoding="utf-8") as file:
            file.write("below")
        # With --content-type, the browser shows files of unknown type instead of saving them.
        options = ["--bind", "127.0.0.1", "--directory", site, "--content-type", "text/plain", "--log", "none"]
        server = subprocess.Popen([command, "0", *options], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        try:
            server.stdout.readline()
            url = server.stdout.readline().strip()
            browser = Browser(program, os.path.join(folder, "profile"))
            passed = run(browser, url)
            if shots := os.environ.get("SHOTS"):
                os.makedirs(shots, exist_ok=True)
                browser.picture(url, os.path.join(shots, "light.png"), "--window-size=1000,800")
                browser.picture(url, os.path.join(shots, "dark.png"), "--window-size=1000,800", "--blink-settings=preferredColorScheme=0")
                browser.picture(url + "sub/", os.path.join(shots, "phone.png"), "--window-size=500,800")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, 0 failed")


if __name__ == "__main__":
    main()
