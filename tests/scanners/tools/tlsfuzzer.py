"""tlsfuzzer's scripts: conversations that break TLS, each with the alert that must be the answer."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from programs import ENVIRONMENT
from suite import Missing, version_of

NAME = "tlsfuzzer"

# The scripts' default in TLS 1.2 is an exchange of keys by RSA, which rustls does not have.
TLS12 = ["-C", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
ALL = ["-n", "0"]
SOME = ["-n", "40"]

# Script, arguments, and the conversations that fail: a pattern for their names, and why.
SCRIPTS = [
    ("tls13-ccs", ALL, {}),
    ("tls13-connection-abort", SOME, {}),
    ("tls13-conversation", ALL, {}),
    ("tls13-count-tickets", ALL, {}),
    ("tls13-crfg-curves", ALL, {}),
    ("tls13-ecdhe-curves", ALL, {}),
    ("tls13-empty-alert", ALL, {}),
    ("tls13-finished", SOME, {}),
    ("tls13-finished-plaintext", ALL, {}),
    ("tls13-hrr", ALL, {}),
    ("tls13-invalid-ciphers", SOME, {}),
    ("tls13-keyshare-omitted", ALL, {}),
    ("tls13-keyupdate", SOME, {}),
    ("tls13-large-number-of-extensions", SOME, {}),
    ("tls13-legacy-version", ALL, {}),
    ("tls13-lengths", SOME, {}),
    ("tls13-multiple-ccs-messages", ALL, {}),
    ("tls13-no-unknown-groups", SOME, {}),
    ("tls13-nociphers", ALL, {}),
    ("tls13-obsolete-curves", SOME, {}),
    ("tls13-record-layer-limits", SOME, {}),
    ("tls13-record-padding", ALL, {}),
    ("tls13-rsa-signatures", ALL, {}),
    ("tls13-serverhello-random", SOME, {}),
    ("tls13-session-resumption", ALL, {}),
    ("tls13-shuffled-extentions", SOME, {}),
    ("tls13-signature-algorithms", SOME, {}),
    ("tls13-symetric-ciphers", ALL, {}),
    ("tls13-unencrypted-alert", ALL, {}),
    ("tls13-unrecognised-groups", ALL, {}),
    ("tls13-version-negotiation", SOME, {}),
    ("tls13-zero-content-type", ALL, {}),
    ("tls13-zero-length-data", ALL, {}),
    ("aes-gcm-nonces", [*TLS12, *ALL], {}),
    ("ccs", [*TLS12, *ALL], {}),
    ("connection-abort", [*TLS12, *SOME], {}),
    ("conversation", [*TLS12, *ALL], {}),
    ("cve-2004-0079", [*TLS12, *ALL], {}),
    ("cve-2016-2107", [*TLS12, *ALL], {}),
    ("cve-2016-6309", [*TLS12, *ALL], {}),
    ("cve-2016-7054", [*TLS12, *SOME], {}),
    ("early-application-data", [*TLS12, *ALL], {}),
    ("ecdhe-rsa-key-exchange-with-bad-messages", [*TLS12, *ALL], {}),
    ("fuzzed-ciphertext", [*TLS12, *SOME], {}),
    ("fuzzed-plaintext", [*TLS12, *SOME], {}),
    ("hello-request-by-client", [*TLS12, *ALL], {}),
    ("interleaved-CKE-with-CCS", [*TLS12, *ALL], {}),
    ("invalid-client-hello-w-record-overflow", [*TLS12, *SOME], {}),
    ("invalid-compression-methods", [*TLS12, *ALL], {}),
    ("invalid-content-type", [*TLS12, *ALL], {}),
    ("lengths", [*TLS12, *SOME], {}),
    ("point-extension", [*TLS12, *ALL], {}),
    ("record-layer-fragmentation", [*TLS12, *ALL], {}),
    ("renegotiation-disabled", [*TLS12, *ALL], {}),
    ("truncating-of-client-hello", [*TLS12, *SOME], {}),
    ("version-numbers", [*TLS12, *ALL], {}),
    ("zero-length-data", [*TLS12, *ALL], {}),
]


def version(stage):
    folder, python = stage.options.tlsfuzzer, stage.options.tlsfuzzer_python
    if folder is None or not os.path.isdir(os.path.join(folder, "scripts")):
        raise Missing("--tlsfuzzer DIR has to name a checkout of it")
    if python is None or not os.path.exists(python):
        raise Missing("pip could not install what it needs")
    return version_of([python, "-c", "import tlslite; print(tlslite.__version__)"], r"([\w.]+)")


def scan(stage, checks):
    program = stage.https("rsa")
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda script: converse(stage, program, *script[:2]), SCRIPTS))
    lines = ["", "| script | conversations | passed | failed as expected |", "|---|--:|--:|--:|"]
    for (name, arguments, expected), (total, passed, failed, output) in zip(SCRIPTS, reports):
        unexpected = [one for one in failed if not any(re.search(pattern, one) for pattern in expected)]
        why = "; ".join(dict.fromkeys(re.findall(r"(?m)^\w*Error: .*$", output)))[:400]
        checks.holds(f"{name}, conversations", total > 0, output[-500:] if total == 0 else total)
        checks.holds(f"{name}, sum", passed + len(failed) == total, (total, passed, failed))
        checks.holds(f"{name}, failures", not unexpected, f"{unexpected}: {why}" if unexpected else failed)
        # What is no longer true has to go.
        idle = [pattern for pattern in expected if not any(re.search(pattern, one) for one in failed)]
        checks.holds(f"{name}, expected failures", not idle, f"none fails: {idle}" if idle else "as expected")
        lines.append(f"| {name} | {total} | {passed} | {len(failed)} |")
    totals = [sum(report[0] for report in reports), sum(report[1] for report in reports)]
    lines.append(f"| {len(SCRIPTS)} scripts | {totals[0]} | {totals[1]} | {totals[0] - totals[1]} |")
    print("\n".join(lines), flush=True)


def converse(stage, program, name, arguments):
    """The number of conversations, how many passed, the names of the others, and the output."""
    script = os.path.join(stage.options.tlsfuzzer, "scripts", f"test-{name}.py")
    command = [stage.options.tlsfuzzer_python, "-B", script, "-h", "localhost", "-p", str(program.port)]
    environment = {**ENVIRONMENT, "PYTHONPATH": stage.options.tlsfuzzer}
    done = subprocess.run(
        [*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env=environment, timeout=600,
    )
    counts = {name: int(count) for name, count in re.findall(r"(?m)^(TOTAL|PASS): (\d+)$", done.stdout)}
    failed = re.findall(r"(?m)^\t['\"](.*)['\"]$", done.stdout.partition("\nFAILED:\n")[2])
    return counts.get("TOTAL", 0), counts.get("PASS", 0), failed, done.stdout
