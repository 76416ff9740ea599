"""Prometheus: what it thinks of a page of metrics, and what it has read there."""

import json
import os
import urllib.parse
import urllib.request

from cases.command import run
from programs import PATIENCE, Program, find, free_port, retried, version_of, wait_until
from suite import check

NAME = "Prometheus"
CONFIGURATION = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs: [{{job_name: site, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]
"""


def version():
    find("promtool")
    return version_of([find("prometheus"), "--version"], r"version ([\d.]+)")


class Started:
    """A server that reads the metrics of the example."""

    def __init__(self, stage):
        configuration = stage.file("prometheus.yml", CONFIGURATION.format(port=stage.metrics.port).encode())
        self.port = free_port()
        options = [
            f"--config.file={configuration}",
            f"--storage.tsdb.path={os.path.join(stage.scratch, 'prometheus')}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        self.program = Program(stage.scratch, "prometheus", ["prometheus", *options])
        self.program.wait_for_port(self.port)

    def value(self, query):
        """The value of an expression; None as long as there is none."""
        query = urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}", timeout=PATIENCE) as response:
            result = json.load(response)["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def stop(self):
        self.program.stop()


def begin(stage):
    return retried(lambda: Started(stage))


def ask(stage, path):
    connection = stage.metrics.connect()
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def case_promtool(stage, _started):
    """promtool has nothing to say against the page"""
    ask(stage, "/hello/Ann")
    ask(stage, "/nothing")
    response, page = ask(stage, "/metrics")
    check(response.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8", "Content-Type")
    process = run(["promtool", "check", "metrics"], stdin=page)
    check((process.returncode, process.stdout + process.stderr), (0, b""), "exit code, and what it said")


def case_scraped(stage, started):
    """It is scraped, and the counters and the histogram of a route can be asked for"""
    wait_until(lambda: started.value('up{job="site"}') == 1, "a scrape")
    for _ in range(20):
        ask(stage, "/hello/Ann")
    _, page = ask(stage, "/metrics")
    greeted = next(float(line.split()[1]) for line in page.decode().splitlines() if line.startswith("site_greetings_total "))
    route = 'method="GET",route="/hello/{name}"'
    for counter in [
        "site_greetings_total",
        f'http_route_responses_total{{{route},status="2xx"}}',
        f"http_route_seconds_count{{{route}}}",
    ]:
        wait_until(lambda counter=counter: started.value(counter) == greeted, f"{counter}: {greeted}")
    quantile = started.value(f"histogram_quantile(0.9, http_route_seconds_bucket{{{route}}})")
    check(0 < quantile <= 10, True, f"{quantile} seconds")
