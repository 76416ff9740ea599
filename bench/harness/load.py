"""Shared by bench/fair and bench/scale: servers, the program `load`, medians."""

import argparse
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from statistics import median

from . import clients
from .build import build
from .process import Failed, Process, free_port, machine_cpu

CORES = len(os.sched_getaffinity(0))
QUIET = 0.05  # the share of the machine's CPU time that others may take in a run


class Server:
    """A server, as `count` processes on one port. `command` is one of this workspace's programs, or any command line.

    `kind` decides its arguments: "basehttp" is a build of bench_server, from this commit or another.
    """

    def __init__(self, name, command, kind="peer", args=(), count=1):
        self.name = name
        self.command = command if isinstance(command, list) else [command]
        self.kind = kind
        self.args = list(args)
        self.count = count

    @contextlib.contextmanager
    def running(self, extra=()):
        """Gives the port and the ids of its processes."""
        port = free_port()
        with contextlib.ExitStack() as stack:
            pids = []
            for _ in range(self.count):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
                command = [*self.command, "--port", str(port), *self.args, *extra]
                before = listeners(port)
                process = stack.enter_context(Process(command, port, folder))
                pids.append(process.child.pid)
                # A connection would not show it: the first process accepts those.
                end = time.monotonic() + 10
                while listeners(port) == before:
                    process.check()
                    if time.monotonic() > end:
                        raise Failed("a further process does not listen")
                    time.sleep(0.01)
            yield port, pids
            process.check()


def listeners(port):
    """How many sockets listen at this port."""
    wanted = f"0100007F:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        return sum(fields[1] == wanted and fields[3] == "0A" for fields in map(str.split, file))


def builds(named):
    """The servers that `--server NAME=COMMAND` adds."""
    for text in named:
        name, separator, command = text.partition("=")
        if not separator or not command:
            sys.exit(f"--server {text}: write it as NAME=COMMAND")
        yield Server(name, shlex.split(command), "basehttp")


def run(program, server, arguments, extra=()):
    """Starts the server anew, and returns what `load` measured."""
    with server.running(extra) as (port, pids):
        command = [program, "--port", str(port), *arguments]
        command += [argument for pid in pids for argument in ("--pid", str(pid))]
        machine = machine_cpu()
        start = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            raise Failed("the load did not end in time") from None
        passed, machine = time.monotonic() - start, machine_cpu() - machine
    if done.returncode != 0:
        raise Failed((done.stderr.strip().splitlines() or ["no output"])[-1][:160])
    result = json.loads(done.stdout)
    own = (result["server_cores"] + result["client_cores"]) * passed
    result["others"] = max(0.0, machine - own) / (passed * CORES)
    return result


def rounds(servers, count, measure, noisy):
    """Runs all servers in turn, `count` times; returns by name the runs of each, or the reason why there are none."""
    results = {server.name: [] for server in servers}
    for _ in range(count):
        for server in servers:
            if isinstance(results[server.name], str):
                continue
            try:
                result = measure(server)
            except (Failed, OSError) as failure:
                results[server.name] = f"failed: {failure}"
                continue
            results[server.name].append(result)
            if result["others"] > QUIET:
                noisy.append(result["others"])
    return results


def middle(runs, *keys):
    """The median of one figure of the runs, found under these keys."""

    def figure(run):
        for key in keys:
            run = run[key]
        return run

    return median(map(figure, runs))


def errors(runs):
    found = {}
    for one in runs:
        for kind, count in one["errors"].items():
            found[kind] = found.get(kind, 0) + count
    return ", ".join(f"{count} {kind}" for kind, count in sorted(found.items())) or "0"


def parser(text, names, what):
    """The arguments that both scripts have."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="one round of half a second each: a smoke test")
    made.add_argument("--rounds", type=int, default=5, help="runs of each server in each scenario (5)")
    made.add_argument("--seconds", type=float, default=2, help="length of a run (2)")
    made.add_argument("--scenario", metavar="NAME,...", help="these scenarios: " + ",".join(what))
    made.add_argument("--only", metavar="NAME,...", help="these servers: " + ",".join(names))
    made.add_argument(
        "--server",
        metavar="NAME=COMMAND",
        action="append",
        default=[],
        help="another build of bench_server, run in turn with the others; `env A=1 PROGRAM` sets its environment",
    )
    made.add_argument("--json", metavar="FILE", help="write every single run to FILE")
    made.add_argument("--profile", default="release", help="the profile of the build; `quick` for a first look (release)")
    made.add_argument("--no-build", action="store_true", help="use the programs of the last build")
    return made


def prepare(arguments, servers):
    """Chooses the servers and builds them; returns them and the program `load`."""
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 0.5
    known = {server.name for server in servers}
    wanted = arguments.only.split(",") if arguments.only is not None else known
    if unknown := set(wanted) - known - {""}:
        sys.exit(f"no such server: {', '.join(sorted(unknown))}")
    servers = [server for server in servers if server.name in wanted]
    programs = build(["load", *(server.command[0] for server in servers)], arguments.no_build, arguments.profile)
    for server in servers:
        server.command = [programs[server.command[0]]]
    clients.raise_file_limit(20_000)
    # When the script is ended, its servers end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return [*builds(arguments.server), *servers], programs["load"]


def choose(scenarios, wanted):
    if wanted is None:
        return scenarios
    wanted = wanted.split(",")
    if unknown := set(wanted) - {scenario.name for scenario in scenarios}:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}")
    return [scenario for scenario in scenarios if scenario.name in wanted]


def heading(arguments):
    load = os.getloadavg()[0]
    print(f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; {CORES} cores; profile {arguments.profile};", end=" ")
    print(f"medians of {arguments.rounds} runs of {arguments.seconds:g} s; load average before: {load:.2f}.\n", flush=True)


def finish(arguments, data, noisy):
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
    if noisy:
        print(
            f"\nIn {len(noisy)} runs, others took more than {QUIET * 100:.0f} % of the machine's CPU time "
            f"(at most {max(noisy) * 100:.0f} %): measure again on a quiet machine."
        )


def row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def short(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
