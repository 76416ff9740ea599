"""Compiles all mutants at once, runs the tests with each, and prints what survives. Called by `run`."""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, Queue

# Seconds of processor time after which a mutant loops, and seconds after which its tests wait for each other for ever.
CPU, WALL = {"unit": 12, "suite": 120}, {"unit": 90, "suite": 600}

# What is in the one crate that `proto` is for this, so that it compiles in seconds. It imports nothing else of ours.
ALONE = {
    "Cargo.toml": """[workspace]
resolver = "3"
members = ["basehttp"]
""",
    "basehttp/Cargo.toml": """[package]
name = "basehttp"
version = "0.0.0"
edition = "2024"

[features]
default = ["cgi"]
cgi = []

[dependencies]
httpdate = "1.0.3"

[dev-dependencies]
proptest = { version = "1.4", default-features = false, features = ["std"] }
""",
    "basehttp/src/lib.rs": "#![allow(warnings)]\nmod proto;\n",
}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--own", type=Path, required=True)
    parser.add_argument("--only", choices=["proto", "server"])
    parser.add_argument("--suites", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--part", default="1/1")
    return parser.parse_args()


class Run:
    """The mutants of one tree, all in one program."""

    def __init__(self, own, tree, layers, features):
        self.own, self.name, self.features = own, tree, features
        self.sources, self.tree = own / tree / "sources", own / tree / "woven"
        every = json.loads((own / "list.json").read_text())
        self.mutants = [mutant for mutant in every if any(f"src/{layer}/" in mutant["file"] for layer in layers)]
        self.list = own / tree / "list.json"
        self.verdicts = own / "verdicts"
        self.known = {}
        self.lock = threading.Lock()
        self.verdicts.touch()
        for line in self.verdicts.read_text().splitlines():
            name, verdict, how = line.split("\t")
            self.known[name] = (verdict, how)
        self.left = set()
        self.refused = {number for number, mutant in enumerate(self.mutants)
                        if self.known.get(mutant["name"], ("",))[0] == "unviable"}

    def prepare(self, sources):
        """Makes the two copies: one that stays as it is, and one to weave."""
        shutil.rmtree(self.own / self.name, ignore_errors=True)
        if self.name == "proto":
            for path, text in ALONE.items():
                (self.sources / path).parent.mkdir(parents=True, exist_ok=True)
                (self.sources / path).write_text(text)
            shutil.copy(sources / "Cargo.lock", self.sources / "Cargo.lock")
            shutil.copytree(sources / "basehttp/src/proto", self.sources / "basehttp/src/proto")
        else:
            shutil.copytree(sources, self.sources)
        shutil.copytree(self.sources, self.tree)
        self.list.write_text(json.dumps(self.mutants))

    def decide(self, mutant, verdict, how):
        with self.lock:
            self.known[mutant["name"]] = (verdict, how)
            with self.verdicts.open("a") as file:
                file.write(f"{mutant['name']}\t{verdict}\t{how}\n")

    # Compiling.

    def weave(self):
        """Weaves what a compiler accepts. What it refuses is no program."""
        while True:
            for file in sorted({mutant["file"] for mutant in self.mutants} | {"basehttp/src/lib.rs"}):
                shutil.copy(self.sources / file, self.tree / file)
            left = self.own / self.name / "left"
            weave = self.own / "weave/debug/weave"
            refused = [str(number) for number in sorted(self.refused)]
            subprocess.run([weave, self.list, self.tree, left, *refused], check=True)
            self.left = {int(number) for number in left.read_text().split()}
            done = self.cargo(["cargo", "check", "-p", "basehttp", *self.features, "--profile", "test", "--lib",
                               "--message-format=json"])
            if done.returncode == 0:
                return
            new = {number for number in map(self.blamed, messages(done.stdout)) if number is not None}
            if not new - self.refused:
                sys.exit(done.stderr[-4000:])
            self.refused |= new
            print(f"{self.name}: {len(self.refused)} are refused by the compiler", flush=True)

    def blamed(self, message):
        """The mutant that an error of the compiler is about."""
        for span in sorted(message["spans"], key=lambda span: not span["is_primary"]):
            path = self.tree / span["file_name"]
            before = path.read_bytes()[: span["byte_start"] + 1].decode(errors="replace")
            around = []
            for begins, ends in re.findall(r"/\*<(\d+)\*/|/\*(\d+)>\*/", before):
                if begins:
                    around.append(int(begins))
                else:
                    around.remove(int(ends))
            if around:
                return around[-1]
        named = re.findall(r"woven::mutant\((\d+)\)", message["rendered"])
        return int(named[-1]) if named else None

    def cargo(self, command):
        environment = dict(os.environ, CARGO_TARGET_DIR=str(self.own / f"{self.name}-build"))
        if self.name == "proto":
            # A thousand runs of unoptimized code would take longer than to optimize it.
            environment |= {"CARGO_PROFILE_TEST_OPT_LEVEL": "1", "CARGO_PROFILE_DEV_OPT_LEVEL": "1"}
        return subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True)

    def build(self, *what):
        """The test programs of a package, as (name, path)."""
        done = self.cargo(["cargo", "test", "--no-run", "--message-format=json", *what])
        if done.returncode != 0:
            sys.exit(done.stderr[-4000:])
        found = []
        for line in done.stdout.splitlines():
            message = json.loads(line)
            if message.get("executable") and message.get("profile", {}).get("test"):
                # A later build may replace the file.
                program = self.own / self.name / "programs" / message["target"]["name"]
                program.parent.mkdir(exist_ok=True)
                shutil.copy(message["executable"], program)
                found.append((message["target"]["name"], program))
        return found

    # Running.

    def passes(self, program, chosen, how, kind, jobs):
        """Runs a test program with each of the mutants that nothing has killed so far."""
        command, where = program
        if subprocess.run([str(part) for part in command], cwd=where, env=self.quiet(None), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode != 0:
            print(f"Left out: {how}, which fails without a mutant")
            return
        queue = Queue()
        for number in chosen:
            if self.known.get(self.mutants[number]["name"], ("survived",))[0] == "survived":
                queue.put(number)
        count = queue.qsize()

        def work():
            while True:
                try:
                    number = queue.get_nowait()
                except Empty:
                    return
                verdict = self.try_one(number, command, where, kind)
                self.decide(self.mutants[number], verdict, how)

        threads = [threading.Thread(target=work) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        survive = sum(self.known[self.mutants[number]["name"]][0] == "survived" for number in chosen)
        print(f"{how}: {count} tried, {survive} survive", flush=True)

    def quiet(self, number):
        environment = dict(os.environ, PROPTEST_CASES="32")
        environment.pop("MUTANT", None)
        if number is not None:
            environment["MUTANT"] = str(number)
        return environment

    def try_one(self, number, command, where, kind):
        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (CPU[kind], CPU[kind] + 5))
            resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.nice(5)

        process = subprocess.Popen(
            [str(part) for part in command], cwd=where, env=self.quiet(number), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=limit,
        )
        try:
            code = process.wait(timeout=WALL[kind])
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "timeout"
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            return "timeout"
        return "killed" if code != 0 else "survived"

    def alone(self, numbers, filters, jobs):
        """What cannot be woven: cargo-mutants compiles each of them."""
        names = [self.mutants[number]["name"] for number in numbers]
        names = [name for name in names if self.known.get(name, ("survived",))[0] == "survived"]
        # In groups, so that little is lost when it is stopped. The compiler itself may evaluate a mutant for ever, since
        # the lint against that is capped.
        for group in (names[at : at + 40] for at in range(0, len(names), 40)):
            out = self.own / "alone"
            shutil.rmtree(out, ignore_errors=True)
            command = ["cargo", "mutants", "-p", "basehttp", "-o", str(out), "--jobs", str(jobs), "--cap-lints", "true",
                       "--baseline", "skip", "--timeout", "90", "--build-timeout", "900", "--no-times",
                       "--colors", "never"]
            for name in group:
                command += ["-F", "^" + re.escape(name) + "$"]
            environment = {key: value for key, value in os.environ.items() if key != "CARGO_TARGET_DIR"}
            environment["PROPTEST_CASES"] = "32"
            subprocess.run([*command, "--", "--lib", *filters], cwd=self.sources, env=environment,
                           stdout=subprocess.DEVNULL, check=False)
            for verdict in ("caught", "missed", "timeout", "unviable"):
                path = out / "mutants.out" / f"{verdict}.txt"
                for name in path.read_text().splitlines() if path.exists() else []:
                    word = {"caught": "killed", "missed": "survived"}.get(verdict, verdict)
                    self.decide({"name": name}, word, "alone")
        print(f"{self.name}: {len(names)} tried by cargo-mutants", flush=True)

    # Telling.

    def row(self, chosen):
        """A line of the table; returns the survivors."""
        mine = [self.mutants[number]["name"] for number in chosen]
        words = [self.known.get(name, ("untried",))[0] for name in mine]
        unviable, killed, timeout, survived, untried = map(
            words.count, ("unviable", "killed", "timeout", "survived", "untried"))
        share = 100 * killed / (killed + survived) if killed else 0
        more = f"  {untried} were not tried" if untried else ""
        print(f"{self.name:8}{len(mine):>9}{unviable:>10}{killed:>8}{timeout:>11}{survived:>10}{share:>9.1f} %{more}")
        return [name for name, word in zip(mine, words) if word == "survived"]


def messages(output):
    for line in output.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if message.get("reason") == "compiler-message" and message["message"]["level"] == "error":
            if message["message"]["spans"]:
                yield message["message"]


def main():
    given = arguments()
    part, parts = (int(number) for number in given.part.split("/"))
    done = []
    for layer in ["proto", "server"]:
        if given.only not in (None, layer):
            continue
        run = Run(given.own, layer, [layer], [])
        run.prepare(given.own / "sources")
        run.weave()
        for number in run.refused:
            run.decide(run.mutants[number], "unviable", "compiler")
        chosen = [number for number in range(len(run.mutants)) if number % parts == part - 1]
        woven = [number for number in chosen if number not in run.left]
        print(f"{layer}: {len(chosen)} mutants, {len(woven)} of them woven", flush=True)
        [(_, program)] = run.build("-p", "basehttp", "--lib")
        command = [program, f"{layer}::"]
        run.passes((command, run.tree / "basehttp"), woven, f"{layer}: its unit tests", "unit", given.jobs)
        rest = [number for number in chosen if number in run.left and number not in run.refused]
        run.alone(rest, [f"{layer}::"], given.jobs)
        done.append((run, chosen))
    if given.suites:
        whole = Run(given.own, "whole", ["proto", "server"], ["--all-features"])
        whole.prepare(given.own / "sources")
        whole.weave()
        names = {run.mutants[number]["name"] for run, chosen in done for number in chosen}
        woven = [number for number, mutant in enumerate(whole.mutants)
                 if mutant["name"] in names and number not in whole.left]
        [(_, program)] = whole.build("-p", "basehttp", "--all-features", "--lib")
        whole.passes(([program], whole.tree / "basehttp"), woven, "all unit tests", "suite", given.jobs)
        for suite in given.suites.split():
            [(_, program)] = whole.build("-p", "basehttp-tests", "--all-features", "--test", suite)
            whole.passes(([program], whole.tree / "tests"), woven, f"suite {suite}", "suite", given.jobs)
        for run, _ in done:
            run.known = whole.known
    print("\n        mutants  unviable  killed  timed out  survived   killed")
    survivors = [name for run, chosen in done for name in run.row(chosen)]
    print("\nSurvivors:", *survivors, sep="\n")


main()
