"""Runs test programs that were built for another system, and prints a table with a line for each.

    suite.py TITLE EXPECTED PROGRAMS RUNNER ...

PROGRAMS has a line for each program: suite, program, folder of its package, source, separated by tabs. EXPECTED names the
tests that the emulator itself makes fail: `SUITE TEST: why`. They are run as well, and one that passes is reported, unless
the reason begins with "sometimes". A test that is in the sources and not in the program was left out by `cfg`.
"""

import collections
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

# A program that has not ended by then is killed. Tests that wait in vain give up after a minute each.
PATIENCE = 1800

RESULT = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)", re.M)
TEST = re.compile(r"^ *#\[test\]\s*(?:#\[[^\n]*\]\s*)*fn (\w+)", re.M)
# Modules that only another `--cfg` has: models of hand-overs, and counted primitives.
OTHER_BUILDS = {"models", "counted.rs"}


def sources(source):
    """The files of a program, given its first one."""
    path = pathlib.Path(source)
    if path.name in ("lib.rs", "main.rs"):
        files = path.parent.rglob("*.rs")
        return [file for file in files if not OTHER_BUILDS & {*file.parts} and "bin" not in file.relative_to(path.parent).parts]
    return [path, *path.with_suffix("").rglob("*.rs")]


def tests_of(source):
    """The names of all tests in the sources, without their modules."""
    names = collections.Counter()
    for file in sources(source):
        names.update(TEST.findall(file.read_text(encoding="utf-8")))
    return names


def run(command, folder, patience):
    """Its output, and whether it ended by itself. What servers log is left out: it would come between a name and its result."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(patience)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return output.read().decode("utf-8", "replace").replace("\r\n", "\n"), ended


def expected(path):
    """Why tests fail that need not pass, by suite and name."""
    reasons = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(": ", 1)
            suite, test = name.split(" ")
            reasons[suite, test] = reason
    return reasons


def main(title, expected_path, programs, *runner):
    reasons = expected(expected_path)
    rows, failures, notes, left_out, outputs = [], [], [], [], []
    for line in pathlib.Path(programs).read_text(encoding="utf-8").splitlines():
        suite, program, folder, source = line.split("\t")
        if not TEST.search("".join(file.read_text(encoding="utf-8") for file in sources(source))):
            continue
        listed, ended = run([*runner, program, "--list"], folder, 300)
        tests = re.findall(r"^(\S+): test$", listed, re.M)
        if not tests or not ended:
            failures.append(f"{suite}: the program does not list its tests")
            outputs.append(listed)
            continue
        begun = time.monotonic()
        output, ended = run([*runner, program, "--test-threads=4", "--color=never"], folder, PATIENCE)
        seconds = time.monotonic() - begun
        results = dict(RESULT.findall(output))
        missing = tests_of(source) - collections.Counter(name.rsplit("::")[-1] for name in tests)
        known = 0
        for name in tests:
            result = results.get(name, "did not end")
            reason = reasons.pop((suite, name), None)
            if result == "ok" and reason and not reason.startswith("sometimes"):
                notes.append(f"{suite} {name} passes now; it was expected to fail: {reason}")
            elif result not in ("ok", "ignored") and reason:
                known += 1
                notes.append(f"{suite} {name}: {result}, as expected: {reason}")
            elif result not in ("ok", "ignored"):
                failures.append(f"{suite} {name}: {result}")
        if any(failure.startswith(f"{suite} ") for failure in failures):
            outputs.append(output)
        if missing:
            left_out.append(f"{suite}: {', '.join(sorted(missing.elements()))}")
        passed = sum(result == "ok" for result in results.values())
        rows.append((suite, len(tests), passed, known, missing.total(), round(seconds)))
        print(f"{suite}: {passed} of {len(tests)} passed, after {round(seconds)} s", flush=True)
    suites = {row[0] for row in rows}
    for suite, test in reasons:
        if suite in suites:
            failures.append(f"{suite} {test}: expected to fail, and there is no such test")
    for output in outputs:
        print(output[-20_000:])
    print(f"\n{title}\n")
    print("| suite | run | passed | failed as expected | left out by cfg | seconds |\n|---|--:|--:|--:|--:|--:|")
    for row in rows:
        print("|", " | ".join(map(str, row)), "|")
    if left_out:
        print("\nLeft out by cfg:", *left_out, sep="\n")
    if notes:
        print("\nNotes:", *notes, sep="\n")
    if failures or not rows:
        print("\nFAILED:", *failures, sep="\n")
        return 1
    # What begins to pass has to be taken off the list.
    return int(any("passes now" in note for note in notes))


sys.exit(main(*sys.argv[1:]))
