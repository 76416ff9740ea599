"""The scenarios: the load of each, and one run."""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from . import clients
from .process import Failed, machine_cpu
from .servers import HERE

CORES = len(os.sched_getaffinity(0))


@dataclass
class Load:
    """The load of one wrk process."""

    path: str
    connections: int
    method: str = "GET"
    body: int = 0
    depth: int = 1
    connection: str = "keep-alive"

    def start(self, port, seconds):
        command = [
            "wrk",
            "-t1",
            f"-c{self.connections}",
            f"-d{seconds}s",
            "--timeout",
            "5s",
            "-s",
            os.path.join(HERE, "wrk.lua"),
            f"http://127.0.0.1:{port}{self.path}",
            "--",
            self.method,
            str(self.body),
            str(self.depth),
            self.connection,
        ]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@dataclass
class Scenario:
    name: str
    title: str
    load: Load
    beside: Load | None = None
    needs: list = field(default_factory=list)
    """Its handlers wait, so servers with a thread pool get the larger one."""
    waits: bool = False
    """The most requests per second that the handler's own time allows."""
    ideal: float | None = None


@dataclass
class Holding:
    """Many idle connections."""

    name: str
    title: str
    count: int
    quick_count: int
    begin: object
    needs: list = field(default_factory=lambda: ["/"])
    waits: bool = False


SCENARIOS = [
    Scenario("keepalive-64", "`GET /`, 64 connections", Load("/", 64)),
    Scenario("keepalive-256", "`GET /`, 256 connections", Load("/", 256)),
    Scenario(
        "pipelined",
        "`GET /`, 64 connections, 16 requests at a time",
        Load("/", 64, depth=16),
        needs=["pipelining"],
    ),
    Scenario(
        "close",
        "`GET /`, a connection for each request, 64 at a time",
        Load("/", 64, connection="close"),
        needs=["closing"],
    ),
    Scenario("post", "`POST /echo`, 1 KiB, 64 connections", Load("/echo", 64, "POST", 1024)),
    Scenario("big", "`GET /big`, 1 MiB, 16 connections", Load("/big", 16)),
    Scenario(
        "blocking",
        "`GET /blocking`, 10 ms each, 256 connections",
        Load("/blocking", 256),
        waits=True,
        ideal=256 / 0.010,
    ),
    Scenario(
        "mixed",
        "`GET /`, 64 connections, beside `GET /blocking`, 32 connections",
        Load("/", 64),
        Load("/blocking", 32),
        waits=True,
    ),
    Scenario(
        "nap", "`GET /nap`, 300 us each, 64 connections", Load("/nap", 64), waits=True, ideal=64 / 0.0003
    ),
    Scenario(
        "nap-mixed",
        "`GET /`, 64 connections, beside `GET /nap`, 64 connections",
        Load("/", 64),
        Load("/nap", 64),
        waits=True,
    ),
    Scenario(
        "burn",
        "`GET /burn`, 50 us of computing each, 64 connections",
        Load("/burn", 64),
        ideal=CORES / 0.000050,
    ),
    Holding("idle", "idle keep-alive connections", 10_000, 2_000, clients.ask),
    Holding("heads", "half-sent heads", 5_000, 1_000, clients.half),
]


def obstacle(server, scenario):
    """The reason why the server cannot take part, or None."""
    needs = ["/", *scenario.needs]
    if isinstance(scenario, Scenario):
        needs += [load.path for load in (scenario.load, scenario.beside) if load]
    for need in needs:
        if server.lacks.get(need):
            return f"{need}: {server.lacks[need]}"
    return None


def run(server, scenario, seconds):
    """One run of a scenario with wrk, on a server that was just started."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with server.start(folder, scenario.waits) as process:
            machine, cpu_before = machine_cpu(), process.cpu()
            start = time.monotonic()
            processes = []
            try:
                if scenario.beside:
                    # It begins before the main load, and ends after it.
                    processes.append(scenario.beside.start(process.port, seconds + 1))
                    time.sleep(0.5)
                processes.append(scenario.load.start(process.port, seconds))
                client_cpu = 0.0
                outputs = []
                for wrk in reversed(processes):
                    outputs.append(_finish(wrk, seconds + 30))
                client_cpu = sum(cpu for _, cpu in outputs)
            finally:
                for wrk in processes:
                    if wrk.poll() is None:
                        wrk.kill()
                        wrk.wait()
            passed = time.monotonic() - start
            process.check()
            cpu = [after - before for after, before in zip(process.cpu(), cpu_before, strict=True)]
            machine = machine_cpu() - machine
    result = {"main": outputs[0][0], "beside": outputs[1][0] if scenario.beside else None}
    requests = sum(output["requests"] for output, _ in outputs)
    if requests == 0:
        raise Failed("no request was answered")
    result["user_us"], result["system_us"] = (part * 1e6 / requests for part in cpu)
    result["others"] = max(0.0, machine - sum(cpu) - client_cpu) / (passed * CORES)
    return result


def _finish(wrk, patience):
    """What wrk measured, and the seconds of CPU time it took."""
    before = os.times()
    try:
        text, _ = wrk.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        raise Failed("wrk did not end in time") from None
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    line = text.strip().splitlines()[-1] if text.strip() else ""
    if wrk.returncode != 0 or not line.startswith("{"):
        raise Failed(f"wrk: {line or 'no output'}")
    output = json.loads(line)
    output["rate"] = output["requests"] * 1e6 / output["microseconds"]
    errors = {name: output.pop(name) for name in ("connect", "read", "write", "status", "timeout")}
    output["errors"] = {name: count for name, count in errors.items() if count}
    return output, cpu


def run_holding(server, holding, count, window, head_deadline):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with server.start(folder, holding.waits) as process:
            return clients.hold(process, count, holding.begin, window, head_deadline)
