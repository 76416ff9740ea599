"""zsync, which requests the parts of a file that its old copy lacks, up to 20 ranges in one request."""

import os
import re

from cases.command import read, run
from programs import command, find, version_of
from suite import bytes_of, check

NAME = "zsync"
BLOCK = 2048
MIB = 1 << 20


def version():
    find("zsyncmake")
    return version_of([find("zsync"), "-V"], r"zsync v([\d.]+)")


class Started:
    def __init__(self, stage):
        self.folder = os.path.join(stage.scratch, "zsync")
        served = os.path.join(self.folder, "served")
        os.makedirs(served)
        self.new = bytes_of(MIB)
        with open(os.path.join(served, "image"), "wb") as file:
            file.write(self.new)
        run(["zsyncmake", "-b", str(BLOCK), "-u", "image", "-o", "image.zsync", "image"], folder=served)
        self.program = command(stage, "zsync_files", served)

    def stop(self):
        self.program.stop()

    def fetch(self, old):
        """Updates an old copy; returns the new file and zsync's messages."""
        for name, body in (("old", old), ("image", None)):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                os.remove(path)
            if body is not None:
                with open(path, "wb") as file:
                    file.write(body)
        asks = ["zsync", "-i", "old", "-o", "image", self.program.url("/image.zsync")]
        process = run(asks, folder=self.folder)
        told = (process.stdout + process.stderr).decode(errors="replace")
        check(process.returncode, 0, f"exit code of zsync, which wrote {told[-300:]}")
        return read(os.path.join(self.folder, "image")), told


def begin(stage):
    return Started(stage)


def without(body, blocks):
    """The body, with these blocks zeroed."""
    old = bytearray(body)
    for block in blocks:
        old[block * BLOCK : (block + 1) * BLOCK] = bytes(BLOCK)
    return bytes(old)


def statuses(started):
    return re.findall(r'"GET /image HTTP/1\.1" (\d+)', started.program.log())


def case_many_ranges(_stage, started):
    """40 separate missing parts: 20 ranges in a request"""
    before = len(statuses(started))
    got, told = started.fetch(without(started.new, range(0, 400, 10)))
    check(got, started.new, "file")
    asked = statuses(started)[before:]
    check({*asked}, {"206"}, f"statuses; zsync wrote {told[-300:]}")
    check(len(asked) <= 4, True, f"at most 4 requests, not {len(asked)}")
    # Only the missing parts and the overhead of ranges, not the whole megabyte.
    fetched = int(re.search(r"fetched (\d+)", told)[1])
    check(40 * BLOCK <= fetched <= 80 * BLOCK, True, f"bytes fetched, {fetched}")


def case_one_range(_stage, started):
    """One missing part"""
    before = len(statuses(started))
    got, _ = started.fetch(without(started.new, [77]))
    check((got, {*statuses(started)[before:]}), (started.new, {"206"}), "file and statuses")


def case_nothing_missing(_stage, started):
    """An old copy that is up to date: no request for the file"""
    before = len(statuses(started))
    got, _ = started.fetch(started.new)
    check((got, statuses(started)[before:]), (started.new, []), "file and statuses")
