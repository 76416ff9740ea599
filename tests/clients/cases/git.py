"""git: clone, fetch and push, with `git http-backend` as a CGI script of the command with `--auth`."""

import os
import shutil

from cases.command import run
from programs import Missing, command, find, version_of
from suite import bytes_of, check

NAME = "git"
MIB = 1 << 20
# The two lines of the guide's page `scripts`, with one between them that logs git's requests.
SCRIPT = """#!/bin/sh
echo "$REQUEST_METHOD $PATH_INFO ${REMOTE_USER-nobody} ${CONTENT_LENGTH-none} ${HTTP_CONTENT_ENCODING-plain}" >>%(log)s
exec env GIT_PROJECT_ROOT=%(root)s GIT_HTTP_EXPORT_ALL=1 git http-backend
"""
# Without the user's configuration, and without prompts.
ALONE = [
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ASKPASS=/bin/false",
    *[f"GIT_{role}_{what}=a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")],
]


def version():
    git = find("git")
    if run([git, "http-backend"]).returncode == 1:
        raise Missing("git http-backend was not found")
    return version_of([git, "--version"], r"git version ([\d.]+)")


def git(*arguments, folder=None, code=0):
    """Runs git; returns its output and its errors."""
    process = run(["env", *ALONE, "git", "-c", "gc.auto=0", "-c", "credential.helper=", *arguments], folder=folder)
    told = (process.stdout + process.stderr).decode(errors="replace")
    check(process.returncode, code, f"exit code of git {arguments[0]}, which said {told[-300:]}")
    return told


class Started:
    def __init__(self, stage):
        self.folder = os.path.join(stage.scratch, "git")
        self.root, self.log_path = os.path.join(self.folder, "repositories"), os.path.join(self.folder, "asked")
        served = os.path.join(self.folder, "served", "cgi-bin")
        os.makedirs(served)
        os.makedirs(self.root)
        git("init", "-q", "--bare", "-b", "main", os.path.join(self.root, "demo.git"))
        script = os.path.join(served, "git")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT % {"log": self.log_path, "root": self.root})
        os.chmod(script, 0o755)
        self._programs = []
        self.program = self._serve(stage, "command", "--auth", "ann:secret")
        self.open = self._serve(stage, "open_command")

    def _serve(self, stage, name, *more):
        # Not one of the stage's programs, which `afterwards` requests without a password.
        program = command(stage, name, os.path.join(self.folder, "served"), "--cgi", *more)
        self._programs.append(program)
        return program

    def url(self, user="ann:secret@"):
        return f"http://{user}127.0.0.1:{(self.program if user else self.open).port}/cgi-bin/git/demo.git"

    def asked(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read().splitlines()

    def place(self, name):
        place = os.path.join(self.folder, name)
        shutil.rmtree(place, ignore_errors=True)
        return place

    def stop(self):
        for program in self._programs:
            program.stop()


def begin(stage):
    return Started(stage)


def cases(_stage, _started):
    return [
        ("clone, and a push of 30 MB", case_push),
        ("fetch, with a request that git compresses", case_fetch),
        ("a wrong and a missing password are refused", case_refused),
        ("a user without a password may read, but not push", case_unchecked),
    ]


def commit(place, name, body=None):
    if body is not None:
        with open(os.path.join(place, name), "wb") as file:
            file.write(body)
        git("add", name, folder=place)
    git("commit", "-q", "--allow-empty", "-m", name, folder=place)


def clone(started, name, user="ann:secret@"):
    place = started.place(name)
    git("clone", "-q", started.url(user), place)
    git("checkout", "-q", "-B", "main", folder=place)
    return place


def case_push(stage, started):
    first = clone(started, "first")
    body = bytes_of(30 * MIB)
    commit(first, "large", body)
    git("push", "-q", "origin", "main", folder=first)
    # The body was chunked, and the script received its length.
    method, path, user, length, _ = started.asked()[-1].split()
    check((method, path, user), ("POST", "/demo.git/git-receive-pack", "ann"), "the last request")
    assert int(length) > 30 * MIB, length
    second = clone(started, "second")
    with open(os.path.join(second, "large"), "rb") as file:
        check(file.read() == body, True, "file in the second clone")
    git("fsck", "--full", folder=second)


def case_fetch(stage, started):
    first, second = clone(started, "first"), clone(started, "second")
    commit(first, "news", b"of today")
    git("push", "-q", "origin", "main", folder=first)
    # So many commits that only this clone has that git compresses the request that lists them.
    for number in range(60):
        commit(second, f"own {number}")
    git("fetch", "-q", "origin", folder=second)
    check(git("show", "origin/main:news", folder=second), "of today", "fetched file")
    assert any(" ann " in line and line.endswith(" gzip") for line in started.asked()), started.asked()[-5:]


def case_refused(stage, started):
    before = len(started.asked())
    for user in ("ann:guess@", "eve:secret@"):
        told = git("clone", "-q", started.url(user), started.place("refused"), code=128)
        assert "Authentication failed" in told or "could not read" in told, told
    bare = started.url().replace("ann:secret@", "")
    told = git("ls-remote", bare, code=128)
    assert "could not read Username" in told or "Authentication failed" in told, told
    check(len(started.asked()), before, "scripts that were run")
    assert "wrong user name or password for 'eve'" in started.program.log(), started.program.log()[-500:]


def case_unchecked(stage, started):
    place = clone(started, "unchecked", "")
    commit(place, "mine", b"x")
    told = git("push", "-q", "origin", "main", folder=place, code=128)
    assert "error: 403" in told, told
    check({line.split()[2] for line in started.asked()} - {"ann"}, {"nobody"}, "users that the script received")
