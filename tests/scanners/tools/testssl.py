"""testssl.sh: what it finds, by severity."""

import json
import os

from programs import find, version_of
from suite import run

NAME = "testssl.sh"

FINE = {"OK", "INFO"}
# Findings of another severity, and why they are accepted.
ACCEPTED = {
    "cert_chain_of_trust": "the certificate of the test is self-signed",
    "cert_revocation": "the certificate of the test has no authority that could revoke it",
    "DNS_CAArecord": "127.0.0.1 has no DNS",
    "HSTS_time": "the example asks browsers to use HTTPS for a day",
    "security_headers": "the example answers with plain text, for which no browser needs them",
    "engine_problem": "about the OpenSSL of this machine",
}
# What it must have looked at, and found to be fine.
MUST = {
    "SSLv2": "OK",
    "SSLv3": "OK",
    "TLS1": "INFO",
    "TLS1_1": "INFO",
    "TLS1_2": "OK",
    "TLS1_3": "OK",
    "heartbleed": "OK",
    "CCS": "OK",
    "ticketbleed": "OK",
    "ROBOT": "OK",
    "secure_renego": "OK",
    "secure_client_renego": "OK",
    "CRIME_TLS": "OK",
    "BREACH": "OK",
    "POODLE_SSL": "OK",
    "fallback_SCSV": "OK",
    "SWEET32": "OK",
    "FREAK": "OK",
    "DROWN": "OK",
    "LOGJAM": "OK",
    "BEAST": "OK",
    "LUCKY13": "OK",
    "RC4": "OK",
}
# Versions, certificate, fields of the response and all vulnerabilities. sslscan looks at the suites, in a hundredth of the
# time.
OPTIONS = ["-p", "-S", "-h", "-U"]


def version(_stage):
    return version_of([find("testssl"), "--version"], r"testssl\s+(\d[\w.]*)")


def scan(stage, checks):
    path = stage.path("testssl.json")
    program = stage.https("ec")
    quiet = ["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--jsonfile", path]
    output = run(["testssl", *quiet, *OPTIONS, f"https://127.0.0.1:{program.port}"], 1200)
    assert os.path.exists(path), output[-500:]
    with open(path, encoding="utf-8") as file:
        findings = json.load(file)
    found = {finding["id"]: finding for finding in findings}
    for name, severity in MUST.items():
        checks.equal(f"{name}", found.get(name, {}).get("severity"), severity)
    for finding in findings:
        name, severity = finding["id"], finding["severity"]
        if severity not in FINE:
            checks.holds(name, name in ACCEPTED, f"{severity}: {finding['finding'][:200]}")
    checks.equal("the answer to a GET", found.get("HTTP_status_code", {}).get("finding", "")[:3], "200")
