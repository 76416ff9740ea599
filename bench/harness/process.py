"""Server processes: start, measure through /proc, stop."""

import os
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Why a server has no figure."""


class Process:
    """A running server. `with` ends it."""

    def __init__(self, command, port, folder):
        self.port = port
        self.log = os.path.join(folder, "stderr")
        with open(self.log, "wb") as log:
            # In its own session, so that an interrupt of the script ends it only through `stop`.
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _wait_until_it_listens(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise Failed("does not listen within 10 s")

    def check(self):
        """Fails if the server is gone."""
        status = self.child.poll()
        if status is not None:
            how = f"signal {-status}" if status < 0 else f"status {status}"
            raise Failed(f"ended by itself ({how}): {self._last_words()}")

    def _last_words(self):
        with open(self.log, "rb") as log:
            log.seek(max(0, os.path.getsize(self.log) - 4096))
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:160] if lines else "no message"

    def stop(self):
        """Ends the server and the processes it started, each by its own id."""
        children = [pid for pid in self.pids() if pid != self.child.pid]
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.child.poll() is None:
                self.child.send_signal(number)
            try:
                self.child.wait(1)
                break
            except subprocess.TimeoutExpired:
                continue
        for pid in children:
            end = time.monotonic() + 1
            while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
                time.sleep(0.01)
            if os.path.exists(f"/proc/{pid}"):
                os.kill(pid, signal.SIGKILL)

    def pids(self):
        """The server's process and its children."""
        found = [self.child.pid]
        for pid in found:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    found += [int(child) for child in _read(f"/proc/{pid}/task/{task}/children").split()]
            except OSError:
                continue
        return found

    def cpu(self):
        """Seconds of CPU time so far: (user, system), of all threads, including those that have ended."""
        user = system = 0
        for pid in self.pids():
            fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if fields:
                user += int(fields[11])
                system += int(fields[12])
        return user / TICK, system / TICK

    def memory(self):
        """Resident bytes, from smaps_rollup: the counters of `status` are off by up to some hundred KiB."""
        total = 0
        for pid in self.pids():
            for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
                if line.startswith("Rss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def threads(self):
        return sum(_status(pid, "Threads") for pid in self.pids())

    def switches(self):
        """How often its threads went to sleep, which is how often they were awake."""
        total = 0
        for pid in self.pids():
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except OSError:
                continue
            total += sum(_status(f"{pid}/task/{task}", "voluntary_ctxt_switches") for task in tasks)
        return total


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _status(pid, key):
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def machine_cpu():
    """Seconds of CPU time that the machine has spent on anything, or lost to other machines."""
    fields = [int(field) for field in _read("/proc/stat").split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICK


_next_port = 20000


def free_port():
    """A port that no earlier run used, so that a run never meets leftover connections."""
    global _next_port
    while True:
        _next_port += 1
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", _next_port))
                return _next_port
            except OSError:
                continue
