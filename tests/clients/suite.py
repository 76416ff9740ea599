"""Runs the clients, each a module of `cases`. The script `run` beside this file installs them."""

import argparse
import importlib
import os
import random
import signal
import sys
import time
import traceback

from programs import ENVIRONMENT, Example, Missing, conclude, connect, free_port, retried

CLIENTS = [
    "curl",
    "curl_uploads",
    "wget",
    "http_client",
    "urllib_request",
    "urllib3_pool",
    "requests_session",
    "httpx_client",
    "aiohttp_client",
    "mcp_client",
    "node",
    "ab",
    "nginx",
    "haproxy",
    "tls",
    "git",
    "zsync",
    "players",
    "prometheus",
    "rolling",
]
# The maximum duration of a case, in case something hangs.
CASE_SECONDS = 60


class Stage:
    """The running examples, and what the cases share."""

    def __init__(self, programs, scratch, require_all):
        self.scratch = scratch
        self.require_all = require_all
        self.examples = []
        self.given = []
        self.programs = programs
        self._number = 0

    def start(self):
        self.echo = self.example("echo", ["0"])
        self.state = self.example("state", ["0"])
        self.spam = self.example("spam", ["0"])
        self.pages = self.example("error_page", ["0"])
        self.greeter = self.example("message_class", ["0"])
        self.metrics = self.example("metrics", ["0"])
        self.store = self.example("store", ["0"])
        self.tools = self.example("tool_server", ["0"])
        # Closes idle connections after half a second.
        self.hasty = self.example("hasty_store", ["0", "0.5"], "store")
        self.unix = self.example("unix_store", [os.path.join(self.scratch, "store.socket")], "store")
        self.bench = retried(lambda: self.bench_server(free_port()))

    def bench_server(self, port):
        return self.example("bench_server", ["--port", str(port)], port=port)

    def example(self, name, arguments, example=None, port=None):
        program = Example(self.scratch, self.programs, name, arguments, example, port)
        self.examples.append(program)
        return program

    def left_out(self, what):
        """Reports a part that cannot run here; a failure where all have to."""
        print(f"left out: {what}", flush=True)
        check(self.require_all, False, f"left out: {what}")

    def path(self):
        """A path in the stores that no other case uses. Removed after the case."""
        self._number += 1
        self.given.append(f"/item-{self._number}")
        return self.given[-1]

    def item(self, length, store=None):
        """Stores `length` bytes; returns their path and the bytes."""
        path, body = self.path(), bytes_of(length)
        connection = (store or self.store).connect()
        connection.request("PUT", path, body)
        status = connection.getresponse().status
        connection.close()
        check(status, 201, "status of the upload")
        return path, body

    def kept(self, path, store=None):
        """The body at a path of a store; None if there is none."""
        connection = (store or self.store).connect()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return body if response.status == 200 else None

    def file(self, name, body=b""):
        path = os.path.join(self.scratch, name)
        with open(path, "wb") as file:
            file.write(body)
        return path

    def clear(self):
        for store in (self.store, self.unix):
            for path in self.given:
                connection = connect(store.socket or store.port)
                connection.request("DELETE", path)
                connection.getresponse().read()
                connection.close()
        self.given.clear()


def bytes_of(length):
    """Pseudo-random bytes, always the same for a length."""
    return random.Random(length).randbytes(length)


def check(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {_shown(actual)}, not {_shown(expected)}")


def _shown(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}... ({len(value)} long)"


def stopped(_signal, _frame):
    raise SystemExit("stopped")


def too_long(_signal, _frame):
    raise TimeoutError(f"more than {CASE_SECONDS} s")


def run_case(stage, name, case, argument):
    """The reason of a failure, or None."""
    signal.alarm(CASE_SECONDS)
    try:
        case(stage, argument) if argument is not None else case(stage)
        return None
    except Exception as error:  # any exception of a client is a failure of its case
        # Clients with tasks wrap it in groups.
        while len(getattr(error, "exceptions", ())) == 1:
            error = error.exceptions[0]
        place = traceback.extract_tb(error.__traceback__)
        at = next(
            (f"{frame.filename}:{frame.lineno}" for frame in reversed(place) if "/cases/" in frame.filename),
            "",
        )
        return f"{type(error).__name__}: {error} ({at})"
    finally:
        signal.alarm(0)
        try:
            stage.clear()
        except OSError as error:
            print(f"{name}: cannot clear the stores: {error}")


def run_client(stage, name):
    """A row of the table: name, version, cases passed and failed, both None if the client is missing."""
    try:
        module = importlib.import_module(f"cases.{name}")
        version = module.version()
    except (Missing, ImportError) as error:
        print(f"{name}: left out: {error}", flush=True)
        return name, "left out", None, None
    passed = failed = 0
    started = None
    begun = time.monotonic()
    try:
        started = module.begin(stage) if hasattr(module, "begin") else None
        version = " ".join([version, *getattr(started, "versions", [])])
        cases = module.cases(stage, started) if hasattr(module, "cases") else found(module)
        for title, case in cases:
            reason = run_case(stage, title, case, started)
            passed, failed = (passed + 1, failed) if reason is None else (passed, failed + 1)
            if reason is not None:
                print(f"{module.NAME}, {title}: FAILED: {reason}", flush=True)
        check(passed + failed > 0, True, "there are cases")
    except Exception as error:
        print(f"{module.NAME}: FAILED to start: {type(error).__name__}: {error}", flush=True)
        failed += 1
    finally:
        if started is not None:
            started.stop()
    if failed and hasattr(started, "program"):
        print(f"The end of {module.NAME}'s own log:\n{started.program.log()[-2000:]}")
    print(
        f"{module.NAME} {version}: {passed} passed, {failed} failed ({time.monotonic() - begun:.0f} s)",
        flush=True,
    )
    return module.NAME, version, passed, failed


def found(module):
    """The cases of a module in the order of the file, with their docstrings as titles."""
    return [
        (case.__doc__.strip().rstrip("."), case)
        for name, case in vars(module).items()
        if name.startswith("case_") and callable(case)
    ]


def table(rows):
    lines = ["", "| client | version | cases passed | failed |", "|---|---|--:|--:|"]
    for name, version, passed, failed in rows:
        shown = ("-", "-") if passed is None else (passed, failed)
        lines.append(f"| {name} | {version} | {shown[0]} | {shown[1]} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, help="the folder with the built examples")
    parser.add_argument("--scratch", required=True, help="an empty folder for logs and bodies")
    parser.add_argument("--require-all", action="store_true", help="fail if a client is missing")
    parser.add_argument("--only", help="run only these clients, separated by commas")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else CLIENTS
    unknown = set(chosen) - {*CLIENTS}
    if unknown:
        parser.error(f"unknown client: {', '.join(sorted(unknown))}; choose from {', '.join(CLIENTS)}")
    # So that `import suite` in the cases returns this module instead of loading it again.
    sys.modules["suite"] = sys.modules["__main__"]
    for name in {*os.environ} - {*ENVIRONMENT}:
        del os.environ[name]
    signal.signal(signal.SIGTERM, stopped)
    signal.signal(signal.SIGINT, stopped)
    signal.signal(signal.SIGALRM, too_long)
    stage = Stage(arguments.programs, arguments.scratch, arguments.require_all)
    try:
        stage.start()
        rows = [run_client(stage, name) for name in chosen]
        rows.append(run_client(stage, "afterwards"))
    finally:
        for program in stage.examples:
            program.stop()
    print(table(rows))
    return conclude(rows, arguments.require_all)


if __name__ == "__main__":
    sys.exit(main())
