"""Runs the scanners, each a module of `tools`. The script `run` beside this file installs them."""

import argparse
import importlib
import os
import signal
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

from programs import ENVIRONMENT, Example, Missing, conclude, free_port, retried  # noqa: E402

# The quick ones first.
TOOLS = ["sslscan", "slowhttptest", "redbot", "testssl", "tlsfuzzer"]


class Stage:
    """The programs that are scanned."""

    def __init__(self, options):
        self.scratch = options.scratch
        self.programs = options.programs
        self.options = options
        self.running = []
        self._number = 0

    def certificate(self, kind):
        """The paths of a self-signed certificate for localhost, and of its key."""
        paths = [os.path.join(self.scratch, f"{kind}-{part}.pem") for part in ("certificate", "key")]
        if not os.path.exists(paths[0]):
            key = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}[kind]
            names = ["-days", "90", "-subj", "/CN=localhost"]
            extensions = ["subjectAltName=DNS:localhost,IP:127.0.0.1", "extendedKeyUsage=serverAuth"]
            for extension in extensions:
                names += ["-addext", extension]
            command = ["openssl", "req", "-x509", "-newkey", *key, "-nodes", *names]
            command += ["-out", paths[0], "-keyout", paths[1]]
            subprocess.run(command, check=True, capture_output=True)
        return paths

    def https(self, kind):
        """The example `https`, with a certificate of this kind."""
        return retried(lambda: self._start("https", "https", free_port(), self.certificate(kind)))

    def command(self, folder, *options):
        """The command `basehttp`, serving a folder."""
        options = ["-b", "127.0.0.1", "-d", folder, *options]
        return retried(lambda: self._start("command", "../basehttp", free_port(), options))

    def _start(self, name, program, port, arguments):
        self._number += 1
        name = f"{name}-{self._number}"
        example = Example(self.scratch, self.programs, name, [str(port), *arguments], program, port)
        self.running.append(example)
        return example

    def path(self, name):
        return os.path.join(self.scratch, name)

    def file(self, name, body):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(body)
        return path


class Checks:
    """What was found, compared with what is expected."""

    def __init__(self, tool, verbose):
        self.tool, self.verbose = tool, verbose
        self.passed = self.failed = 0

    def equal(self, what, found, expected):
        self.holds(what, found == expected, f"{found!r}, not {expected!r}" if found != expected else repr(found))

    def holds(self, what, is_so, detail):
        self.passed, self.failed = (self.passed + 1, self.failed) if is_so else (self.passed, self.failed + 1)
        if not is_so:
            print(f"{self.tool}, {what}: FAILED: {detail}", flush=True)
        elif self.verbose:
            print(f"{self.tool}, {what}: {detail}", flush=True)


def run(command, seconds, **options):
    """The output of a command that ends by itself in this time."""
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=ENVIRONMENT, timeout=seconds,
        stdin=subprocess.DEVNULL, **options,
    )
    return done.stdout + done.stderr


def scan(stage, name):
    """A row of the table: name, version, checks passed and failed (None if the scanner is missing), seconds."""
    begun = time.monotonic()
    try:
        module = importlib.import_module(f"tools.{name}")
        version = module.version(stage)
    except Missing as error:
        print(f"{name}: left out: {error}", flush=True)
        return name, "left out", None, None, 0
    checks = Checks(module.NAME, stage.options.verbose)
    try:
        module.scan(stage, checks)
    except Exception as error:  # any failure of a scanner is one of its checks
        checks.holds("the scan itself", False, f"{type(error).__name__}: {error}")
    for program in stage.running:
        checks.holds("the program still runs", program.runs(), program.log()[-500:] if not program.runs() else "")
        program.stop()
    stage.running.clear()
    seconds = time.monotonic() - begun
    print(f"{module.NAME} {version}: {checks.passed} passed, {checks.failed} failed ({seconds:.0f} s)", flush=True)
    return module.NAME, version, checks.passed, checks.failed, seconds


def table(rows):
    lines = ["", "| scanner | version | checks passed | failed | seconds |", "|---|---|--:|--:|--:|"]
    for name, version, passed, failed, seconds in rows:
        shown = ("-", "-", "-") if passed is None else (passed, failed, f"{seconds:.0f}")
        lines.append(f"| {name} | {version} | {' | '.join(map(str, shown))} |")
    return "\n".join(lines)


def stopped(_signal, _frame):
    raise SystemExit("stopped")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, help="the folder with the built examples")
    parser.add_argument("--scratch", required=True, help="an empty folder for logs and files")
    parser.add_argument("--require-all", action="store_true", help="fail if a scanner is missing")
    parser.add_argument("--only", help="run only these scanners, separated by commas")
    parser.add_argument("--redbot", help="a Python that has REDbot")
    parser.add_argument("--tlsfuzzer", help="a checkout of tlsfuzzer")
    parser.add_argument("--tlsfuzzer-python", help="a Python that has what tlsfuzzer needs")
    parser.add_argument("--verbose", action="store_true", help="print each check")
    options = parser.parse_args()
    # tlsfuzzer is in no package registry, so it is never missing, only asked for.
    usual = [name for name in TOOLS if name != "tlsfuzzer" or options.tlsfuzzer]
    chosen = options.only.split(",") if options.only else usual
    unknown = set(chosen) - {*TOOLS}
    if unknown:
        parser.error(f"unknown scanner: {', '.join(sorted(unknown))}; choose from {', '.join(TOOLS)}")
    # So that `import suite` in the tools returns this module instead of loading it again.
    sys.modules["suite"] = sys.modules["__main__"]
    for name in {*os.environ} - {*ENVIRONMENT}:
        del os.environ[name]
    signal.signal(signal.SIGTERM, stopped)
    signal.signal(signal.SIGINT, stopped)
    stage = Stage(options)
    try:
        rows = [scan(stage, name) for name in chosen]
    finally:
        for program in stage.running:
            program.stop()
    print(table(rows))
    return conclude(rows, options.require_all)


if __name__ == "__main__":
    sys.exit(main())
