"""HTTPS with curl, Python's ssl and openssl: versions and protocols."""

import http.client
import os
import socket
import ssl
import subprocess

from cases.command import run
from programs import PATIENCE, find, free_port, retried, version_of
from suite import bytes_of, check

NAME = "TLS: openssl"


def version():
    find("curl")
    return version_of([find("openssl"), "version"], r"OpenSSL ([\w.]+)")


class Secure:
    """The example `https` with its own certificate."""

    versions = []

    def __init__(self, stage):
        self.certificate = os.path.join(stage.scratch, "cert.pem")
        self.key = os.path.join(stage.scratch, "key.pem")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        names = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(
            [*command, *names, "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True
        )
        self.port = 0
        self.stage = stage
        retried(self._start)

    def _start(self):
        self.port = free_port()
        arguments = [str(self.port), self.certificate, self.key]
        self.program = self.stage.example("https", arguments, port=self.port)

    def stop(self):
        self.program.stop()
        # `afterwards` sends its requests without TLS.
        self.stage.examples.remove(self.program)

    def url(self, path="/"):
        return f"https://localhost:{self.port}{path}"

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)


def begin(stage):
    return Secure(stage)


def curl(secure, *arguments):
    process = run(["curl", "-sS", "-m", "30", "--cacert", secure.certificate, "--resolve", f"localhost:{secure.port}:127.0.0.1", *arguments])
    return process.returncode, process.stdout


def case_curl_versions(_stage, secure):
    """curl: TLS 1.2, TLS 1.3, HTTP/1.0 in ALPN, no ALPN, and no HTTP/2"""
    for options in (["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"], ["--http2"]):
        code, got = curl(secure, *options, "-w", "%{http_version} %{ssl_verify_result}", secure.url("/a"))
        check((code, got.splitlines()[-1]), (0, b"1.1 0"), f"{options}: exit code, version, verified")
    # curl offers only `http/1.0` here, and sends HTTP/1.0. The server chooses the version of the response.
    code, got = curl(secure, "--http1.0", secure.url("/a"))
    check((code, b"asked for /a" in got), (0, True), "--http1.0: exit code and response")
    code, got = curl(secure, "--no-alpn", secure.url("/a"))
    check((code, b"asked for /a" in got), (0, True), "--no-alpn: exit code and response")


def case_curl_upload(stage, secure):
    """curl: 2 MiB up and down, with and without Expect; two requests on one connection"""
    body = bytes_of(2 << 20)
    file = stage.file("body", body)
    for options in ([], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"]):
        code, got = curl(secure, *options, "--data-binary", f"@{file}", secure.url())
        check((code, got), (0, body), f"{options}: exit code and body")
    code, got = curl(secure, "-w", "%{num_connects} ", secure.url("/a"), secure.url("/b"), "-o", "/dev/null", "-o", "/dev/null")
    check((code, got), (0, b"1 0 "), "exit code and connections")


def case_plain(_stage, secure):
    """curl: plain HTTP gets a page that explains the mistake"""
    code, got = curl(secure, "-w", "%{http_code}", f"http://localhost:{secure.port}/")
    check((code, got[-3:], b"This port speaks HTTPS" in got), (0, b"400", True), "exit code, status, page")


def case_python(_stage, secure):
    """Python: requests on one connection, and a clean end"""
    connection = http.client.HTTPSConnection("localhost", secure.port, timeout=PATIENCE, context=secure.context())
    for length in (0, 1, 100_000):
        connection.request("POST", "/", bytes_of(length))
        check(connection.getresponse().read(), bytes_of(length), "body")
    connection.close()
    with socket.create_connection(("localhost", secure.port), PATIENCE) as plain:
        with secure.context().wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as stream:
            stream.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            response = b"".join(iter(lambda: stream.recv(65536), b""))
    check(response.endswith(b"asked for /\n"), True, "response, followed by close_notify")


def case_openssl(_stage, secure):
    """openssl s_client: TLS 1.2 and 1.3, ALPN, and no older version"""
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for option, wanted in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        process = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", option, "-CAfile", secure.certificate]
            + ["-servername", "localhost", "-alpn", "h2,http/1.1", "-ign_eof"],
            input=request, capture_output=True, timeout=PATIENCE, check=False,
        )
        out = process.stdout.decode()
        facts = (wanted in out, "ALPN protocol: http/1.1" in out, "Verify return code: 0" in out, "asked for /" in out)
        check(facts, (True,) * 4, f"{option}: version, protocol, verified, response")
    process = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=PATIENCE, check=False,
    )
    # By an alert of the server, and not because this client does not offer it.
    told = b"SSL alert number " in process.stdout + process.stderr
    check((process.returncode != 0, told), (True, True), "TLS 1.1 is refused")
