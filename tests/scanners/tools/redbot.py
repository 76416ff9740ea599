"""REDbot: caching, conditions and ranges of the file handler."""

import gzip
import json
import os
import random

from programs import Missing, version_of
from suite import run

NAME = "REDbot"

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "redbot_notes.py")
TEXT = b"Some text that repeats itself, for a line and then for the next.\n" * 100
PAGE = b'<!doctype html>\n<html lang="en"><title>Page</title><body><p>' + TEXT + b"</p></body></html>\n"

# What a resource that is a file must show.
FILE = {"INM_304", "IMS_304", "RANGE_CORRECT", "CL_CORRECT", "LM_PRESENT"}
# A file server does not know for how long its files stay as they are: -H 'Cache-Control: ...' says so.
NO_LIFETIME = {"FRESHNESS_HEURISTIC"}
# A list of a folder is generated, and has no validator: it is asked for again each time. Its own policy admits the style
# that it contains, and nothing else.
LIST = {"FRESHNESS_NO_CACHE_NO_VALIDATOR", "CSP_UNSAFE_INLINE"}

# Title, method, path, fields of the request, status, notes that it must have, and warnings, which must be just these.
RESOURCES = [
    ("text", "GET", "/notes.txt", [], 200, FILE, NO_LIFETIME),
    ("binary", "GET", "/data.bin", [], 200, FILE, NO_LIFETIME),
    ("page", "GET", "/page.html", [], 200, FILE, NO_LIFETIME),
    ("index", "GET", "/", [], 200, FILE, NO_LIFETIME),
    ("folder", "GET", "/folder/", [], 200, {"CL_CORRECT"}, LIST),
    ("redirect", "GET", "/folder", [], 301, {"CL_CORRECT"}, NO_LIFETIME),
    ("compressed twin", "GET", "/twin.txt", [], 200, FILE | {"CONNEG_GZIP_GOOD"}, NO_LIFETIME),
    ("missing", "GET", "/none", [], 404, {"STATUS_NOT_FOUND", "CL_CORRECT"}, set()),
    ("HEAD", "HEAD", "/notes.txt", [], 200, {"LM_PRESENT"}, NO_LIFETIME),
    ("range", "GET", "/notes.txt", [("Range", "bytes=10-99")], 206, {"CL_CORRECT"}, NO_LIFETIME),
    ("none of the ranges", "GET", "/notes.txt", [("Range", "bytes=900000-")], 416, set(), set()),
    ("not modified", "GET", "/notes.txt", [("If-Modified-Since", "{modified}")], 304, set(), set()),
    ("entity tag", "GET", "/notes.txt", [("If-None-Match", "*")], 304, set(), set()),
]


def version(stage):
    python = stage.options.redbot
    if python is None or not os.path.exists(python):
        raise Missing("pip could not install it")
    return version_of([python, "-c", "import redbot; print(redbot.__version__)"], r"([\w.]+)")


def scan(stage, checks):
    folder = site(stage)
    program = stage.command(folder)
    told = stage.command(folder, "-H", "Cache-Control: max-age=60")
    modified = told.connect()
    modified.request("HEAD", "/notes.txt")
    date = modified.getresponse().getheader("Last-Modified")
    modified.close()
    wanted = [(program, *resource) for resource in RESOURCES]
    # With a lifetime there is nothing left to warn of.
    wanted += [
        (told, f"{title} with a lifetime", *rest[:-1], set())
        for title, *rest in RESOURCES
        if rest[-1] == NO_LIFETIME
    ]
    found = notes(stage, wanted, date)
    checks.equal("resources", len(found), len(wanted))
    for (_, title, _, _, _, status, must, warnings), report in zip(wanted, found):
        check(checks, title, report, status, must, warnings)


def site(stage):
    stage.file("site/notes.txt", TEXT)
    stage.file("site/data.bin", random.Random(1).randbytes(5000))
    stage.file("site/page.html", PAGE)
    stage.file("site/index.html", PAGE)
    stage.file("site/folder/notes.txt", TEXT)
    stage.file("site/twin.txt", TEXT)
    stage.file("site/twin.txt.gz", gzip.compress(TEXT))
    # As if written a while ago: a change in the last second makes a validator weak (RFC 9110 section 8.8.2.2).
    folder = stage.path("site")
    for place, _, names in os.walk(folder):
        for name in names:
            os.utime(os.path.join(place, name), (1_600_000_000, 1_600_000_000))
    return folder


def notes(stage, wanted, date):
    """All of them in one process, since REDbot takes a second to start."""
    requests = [
        (program.url(path), method, [(name, value.format(modified=date)) for name, value in fields])
        for program, _, method, path, fields, *_ in wanted
    ]
    output = run([stage.options.redbot, "-B", SCRIPT, json.dumps(requests)], 120)
    try:
        return json.loads(output)
    except ValueError:
        raise AssertionError(output[-500:]) from None


def check(checks, title, report, status, must, warnings):
    checks.equal(f"{title}, error", report["error"], None)
    checks.equal(f"{title}, status", report["status"], status)
    # Each note is its level, its name and its text. REDbot compares `Date` with the time at which it reads the response,
    # which is late where a machine is busy.
    every = [note for group in report["notes"].values() for note in group if note[1] != "DATE_INCORRECT"]
    checks.equal(f"{title}, bad", sorted({note[1] for note in every if note[0] == "bad"}), [])
    warned = {note[1] for note in every if note[0] == "warning"}
    checks.equal(f"{title}, warnings", warned, warnings)
    missing = must - {note[1] for note in report["notes"]["response"]}
    checks.equal(f"{title}, missing notes", missing, set())
