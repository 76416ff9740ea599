"""tlsfuzzer's scripts: conversations that break TLS, each with the alert that must be the answer."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from programs import ENVIRONMENT, Missing, version_of

NAME = "tlsfuzzer"

# The scripts' default in TLS 1.2 is a key exchange by RSA, which rustls does not have.
TLS12 = ["-C", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
ALL = ["-n", "0"]
SOME = ["-n", "20"]

# Why a conversation fails. All of this is decided by rustls.
ALERT = "refused with another alert than the script's"
SILENT = "refused without an alert: the connection is closed"
TOLERATED = "tolerated, where the script wants it refused"
GROUP = "a group that rustls does not have; the alert is handshake_failure"
OBSOLETE = "obsolete groups are ignored, as unknown ones are"
SUITE = "a suite that rustls does not have"
EXCHANGE = "the script offers a key exchange by RSA, which rustls does not have"
CBC = "about CBC, which rustls does not have"
KEY = "a signature with a key of another kind than the test's"
PSK = "resumption without a key exchange, which rustls does not have"
TICKETS = "the script waits for a ticket after the response; all come with the handshake"
EXTENSION = "a random extension may be a known one with a wrong content"
POINTS = "the script wants the extension ec_point_formats in the answer (RFC 8422 section 5.1.2); rustls leaves it out"

# Script, arguments, and the conversations that fail: a pattern for their names, and why.
SCRIPTS = [
    ("tls13-ccs", ALL, {}),
    ("tls13-connection-abort", SOME, {"^After NewSessionTicket$": TICKETS}),
    ("tls13-conversation", ALL, {}),
    ("tls13-count-tickets", ALL, {}),
    ("tls13-crfg-curves", ALL, {"x448": GROUP, "^empty x25519 key share$": ALERT}),
    ("tls13-ecdhe-curves", ALL, {"x448": GROUP, "secp521r1": GROUP}),
    ("tls13-empty-alert", ALL, {"^empty alert": ALERT}),
    ("tls13-finished", SOME, {"^(padding|truncation) - ": ALERT}),
    ("tls13-finished-plaintext", ALL, {"^Unencrypted Finished message$": ALERT}),
    ("tls13-hrr", ALL, {}),
    ("tls13-invalid-ciphers", SOME, {}),
    ("tls13-keyshare-omitted", ALL, {"^key_share extension omitted$": ALERT}),
    ("tls13-keyupdate", SOME, {"fragmented keyupdate msg, appdata between$": SILENT}),
    ("tls13-large-number-of-extensions", SOME, {"with random payload": EXTENSION}),
    ("tls13-legacy-version", ALL, {"^version ": TOLERATED}),
    (
        "tls13-multiple-ccs-messages",
        ALL,
        {"multiple CCS Messages": TOLERATED, "^second CCS before client finished$": TOLERATED},
    ),
    ("tls13-no-unknown-groups", SOME, {}),
    ("tls13-nociphers", ALL, {}),
    ("tls13-obsolete-curves", SOME, {"supported_groups": OBSOLETE}),
    (
        "tls13-record-layer-limits",
        SOME,
        {"^too big ciphertext": ALERT, "of Finished msg": ALERT, "^too big ClientHello": TOLERATED},
    ),
    ("tls13-record-padding", ALL, {}),
    ("tls13-rsa-signatures", ALL, {"rsa_pss_pss_": KEY}),
    ("tls13-serverhello-random", SOME, {"ffdhe|secp521r1|x448": GROUP}),
    (
        "tls13-session-resumption",
        ALL,
        {"^sanity - TLS 1.2$": EXCHANGE, "^session resumption - PSK_ONLY$": PSK, "^use TLS 1.2 ticket in TLS 1.3$": EXCHANGE},
    ),
    ("tls13-shuffled-extentions", SOME, {"^HRR ": TOLERATED}),
    ("tls13-signature-algorithms", SOME, {"32715": SILENT}),
    ("tls13-symetric-ciphers", SOME, {"_CCM_": SUITE}),
    ("tls13-unencrypted-alert", ALL, {}),
    ("tls13-unrecognised-groups", ALL, {"ffdhe2048": GROUP}),
    ("tls13-version-negotiation", [*TLS12, *SOME], {}),
    ("tls13-zero-content-type", ALL, {"^zero content type": SILENT}),
    ("tls13-zero-length-data", ALL, {"interleaved in handshake$": SILENT}),
    ("aes-gcm-nonces", [*TLS12, *ALL], {"^aes-256-gcm cipher$": EXCHANGE}),
    ("ccs", [*TLS12, *ALL], {"^two bytes long CCS$": ALERT}),
    ("connection-abort", [*TLS12, *SOME], {}),
    ("conversation", [*TLS12, *ALL], {}),
    ("cve-2004-0079", [*TLS12, *ALL], {"interleaved ClientHello fragment$": SILENT}),
    ("cve-2016-2107", [*TLS12, *ALL], {"^CVE-2016-2107$": CBC}),
    ("cve-2016-6309", [*TLS12, *ALL], {}),
    ("cve-2016-7054", ["-C", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", *SOME], {}),
    ("early-application-data", [*TLS12, *ALL], {}),
    ("fuzzed-ciphertext", [*TLS12, *SOME], {}),
    ("hello-request-by-client", [*TLS12, *ALL], {}),
    ("interleaved-CKE-with-CCS", [*TLS12, *ALL], {"interleaved ClientKeyExchange fragment$": SILENT}),
    ("invalid-client-hello-w-record-overflow", [*TLS12, *SOME], {"^Client Hello type fuzz": ALERT}),
    ("invalid-compression-methods", [*TLS12, *ALL], {}),
    ("invalid-content-type", [*TLS12, *ALL], {}),
    ("point-extension", [*TLS12, *ALL], {"encoding\\(s\\) is/are present in server hello": POINTS}),
    (
        "record-layer-fragmentation",
        [*TLS12, *ALL],
        {"^maximum size: max fragment": SILENT, "over fragmentation limit": TOLERATED},
    ),
    ("renegotiation-disabled", [*TLS12, *ALL], {}),
    ("truncating-of-client-hello", [*TLS12, *SOME], {"^max pad: ": SILENT}),
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
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda script: converse(stage, program, *script[:2]), SCRIPTS))
    lines = ["", "| script | conversations | passed | failed as expected | because |", "|---|--:|--:|--:|---|"]
    for (name, arguments, expected), (passed, failures, failed, output) in zip(SCRIPTS, reports):
        unexpected = [one for one in failed if not any(re.search(pattern, one) for pattern in expected)]
        why = "; ".join(dict.fromkeys(re.findall(r"(?m)^\w*Error: .*$", output)))[:400]
        checks.holds(f"{name}, conversations", passed > 0, passed or output[-500:])
        # Those without a name are not compared.
        checks.holds(f"{name}, names", (failures > 0) == bool(failed), f"{failures} failures, named: {failed}")
        checks.holds(f"{name}, failures", not unexpected, f"{unexpected}: {why}" if unexpected else failed)
        # What is no longer true has to go. Of some conversations, none may be one of those that fail.
        idle = [pattern for pattern in expected if not any(re.search(pattern, one) for one in failed)]
        if SOME[-1] not in arguments:
            checks.holds(f"{name}, expected failures", not idle, f"none fails: {idle}" if idle else "as expected")
        reasons = "; ".join(dict.fromkeys(expected.values()))
        lines.append(f"| {name} | {passed + failures} | {passed} | {failures} | {reasons} |")
    passed, failures = (sum(report[at] for report in reports) for at in (0, 1))
    lines.append(f"| {len(SCRIPTS)} scripts | {passed + failures} | {passed} | {failures} | |")
    print("\n".join(lines), flush=True)


def converse(stage, program, name, arguments):
    """How many conversations passed and failed, the names of the latter, and the output."""
    script = os.path.join(stage.options.tlsfuzzer, "scripts", f"test-{name}.py")
    command = [stage.options.tlsfuzzer_python, "-B", script, "-h", "localhost", "-p", str(program.port)]
    environment = {**ENVIRONMENT, "PYTHONPATH": stage.options.tlsfuzzer}
    done = subprocess.run(
        [*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", env=environment, timeout=600,
    )
    counts = {name: int(count) for name, count in re.findall(r"(?m)^(PASS|FAIL): (\d+)$", done.stdout)}
    failed = re.findall(r"(?m)^\t['\"](.*)['\"]$", done.stdout.partition("\nFAILED:\n")[2])
    return counts.get("PASS", 0), counts.get("FAIL", 0), failed, done.stdout
