"""Node: its fetch and http.Agent, and undici and axios from npm. The cases are in `node/clients.mjs`."""

import json
import os
import subprocess

from programs import ENVIRONMENT, find, version_of
from suite import check

NAME = "Node"


def version():
    return version_of([find("node"), "--version"], r"v([\d.]+)")


class Driver:
    """A Node process that runs cases on request, one at a time."""

    def __init__(self, stage):
        script = os.path.join(os.path.dirname(__file__), "..", "node", "clients.mjs")
        self.process = subprocess.Popen(
            ["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True
        )
        servers = ("echo", "state", "spam", "store", "hasty", "bench", "pages", "unix")
        places = {name: getattr(stage, name) for name in servers}
        self.ask({name: server.socket or server.port for name, server in places.items()})
        self.titles = self.answer["titles"]
        for name in ("undici", "axios"):
            if name not in self.answer["versions"]:
                stage.left_out(f"the cases of {name}, which npm has not installed")
        self.versions = [f"with {name} {number}" for name, number in self.answer["versions"].items()]

    def ask(self, question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "node has ended"
        self.answer = json.loads(line)
        return self.answer

    def stop(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def begin(stage):
    return Driver(stage)


def cases(stage, driver):
    return [(title, case(title)) for title in driver.titles]


def case(title):
    def run(stage, driver):
        # Two paths for cases that use the store. They come from here, since the store's log is checked here.
        answer = driver.ask({"case": title, "paths": [stage.path(), stage.path()]})
        check(answer["error"], None, "error")
        for path, most, *server in answer["connections"]:
            used = len({*getattr(stage, server[0] if server else "store").ports(path)})
            check(0 < used <= most, True, f"{used} connections, at most {most}")

    return run
