"""sslscan: versions, suites and groups, and what TLS has lost since."""

import os
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

from programs import find, version_of
from suite import run

NAME = "sslscan"

VERSIONS = {("tls", "1.2"), ("tls", "1.3")}
TLS13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
TLS12 = {"AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-GCM-SHA256"}
GROUPS = {"x25519", "secp256r1 (NIST P-256)", "secp384r1 (NIST P-384)"}
# The certificate's kind, as suites of TLS 1.2 spell it.
KINDS = {"ec": "ECDSA", "rsa": "RSA"}


def version(_stage):
    return version_of([find("sslscan"), "--version"], r"(\d+\.\d[\w.]*)")


def scan(stage, checks):
    # Each waits nine seconds: three for more of the handshake in each group.
    with ThreadPoolExecutor() as pool:
        for kind, found in zip(KINDS, pool.map(lambda kind: scanned(stage, kind), KINDS)):
            check(checks, kind, found)


def scanned(stage, kind):
    path = stage.path(f"sslscan-{kind}.xml")
    output = run(["sslscan", "--no-colour", f"--xml={path}", f"127.0.0.1:{stage.https(kind).port}"], 120)
    assert os.path.exists(path), output[-500:]
    return ElementTree.parse(path).getroot().find("ssltest")


def check(checks, kind, found):
    title = f"{kind} certificate, "
    protocols = found.findall("protocol")
    versions = {(one.get("type"), one.get("version")) for one in protocols if one.get("enabled") == "1"}
    checks.equal(f"{title}versions", versions, VERSIONS)
    # SSL 2 and 3, TLS 1.0 to 1.3.
    checks.equal(f"{title}versions tried", len(protocols), 6)
    renegotiation = [one.get("supported") for one in found.findall("renegotiation")]
    checks.equal(f"{title}renegotiation", renegotiation, ["0"])
    # Not tried if its OpenSSL has no zlib.
    compression = {one.get("supported") for one in found.findall("compression")}
    checks.holds(f"{title}compression", compression <= {"0"}, repr(compression))
    bleeding = [one.get("vulnerable") for one in found.findall("heartbleed")]
    checks.equal(f"{title}heartbleed", bleeding, ["0", "0"])
    suites = {one.get("cipher") for one in found.findall("cipher")}
    checks.equal(f"{title}suites", suites, TLS13 | {f"ECDHE-{KINDS[kind]}-{suite}" for suite in TLS12})
    weak = {one.get("strength") for one in found.findall("cipher")} - {"strong", "acceptable"}
    checks.equal(f"{title}weak suites", weak, set())
    groups = {one.get("name") for one in found.findall("group")}
    checks.equal(f"{title}groups", groups, GROUPS)
