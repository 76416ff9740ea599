//! Pages of other origins: `cross_origin_protection`.

#[path = "cross_origin/answer.rs"]
mod answer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp::websocket::{Message, WebSocket, WebSocketHandler, WebSocketOptions};
use basehttp::{CrossOriginProtection, ServerBuilder};
use basehttp_tests::client::{Client, Response};
use basehttp_tests::log::Log;

struct Answer {
    base: BaseHTTPRequestHandler,
    log: Log,
    calls: Arc<AtomicUsize>,
}

#[http_handler]
impl Answer {
    const protocol_version: &str = "HTTP/1.1";
    const error_message_format: &str = "<title>%(code)d</title>%(message)s";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/socket" => self.accept_websocket(Silent),
            "/open" => {
                let options = WebSocketOptions::new().allow_origin("https://welcome.example");
                self.accept_websocket_with(options, Silent)
            }
            _ => self.answer(),
        }
    }

    fn do_POST(&self) -> io::Result<()> {
        self.answer()
    }

    fn do_PUT(&self) -> io::Result<()> {
        self.answer()
    }

    fn do_OPTIONS(&self) -> io::Result<()> {
        self.answer()
    }

    fn do_TRACE(&self) -> io::Result<()> {
        self.answer()
    }

    fn do_CONNECT(&self) -> io::Result<()> {
        self.send_error(502)
    }

    fn do_SPAM(&self) -> io::Result<()> {
        self.answer()
    }

    #[route(POST, "/routes/{id}")]
    fn route(&self, id: u32) -> io::Result<()> {
        assert_eq!(id, 7);
        self.answer()
    }

    fn answer(&self) -> io::Result<()> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.read_body(1000)?;
        self.send_response(204);
        self.end_headers()
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.log.push(message);
    }
}

struct Silent;

impl WebSocketHandler for Silent {
    fn message(&mut self, _socket: &WebSocket, _message: Message) -> io::Result<()> {
        Ok(())
    }
}

struct Stage {
    server: TestServer,
    log: Log,
    calls: Arc<AtomicUsize>,
}

impl Stage {
    fn new() -> Self {
        Self::with(HTTPServer::builder().cross_origin_protection(protection()))
    }

    fn with(builder: ServerBuilder) -> Self {
        let (log, calls) = (Log::default(), Arc::new(AtomicUsize::new(0)));
        let (lines, counter) = (log.clone(), calls.clone());
        let factory = move |base| Answer { base, log: lines.clone(), calls: counter.clone() };
        Self { server: TestServer::with(builder, factory), log, calls }
    }

    fn ask(&self, request: impl AsRef<[u8]>) -> Response {
        Client::new(&self.server).ask(request)
    }

    /// The status for a request to `example.com` with these fields.
    fn status(&self, method: &str, target: &str, fields: &str) -> u16 {
        let mut client = Client::new(&self.server);
        client.send(format!("{method} {target} HTTP/1.1\r\nHost: example.com\r\n{fields}\r\n"));
        if method == "HEAD" { client.response_to_head().status } else { client.response().status }
    }

    fn assert_post(&self, fields: &str, expected: u16) {
        assert_eq!(self.status("POST", "/", fields), expected, "{fields:?}");
    }
}

fn protection() -> CrossOriginProtection {
    CrossOriginProtection::new()
        .trust_origin("https://trusted.example")
        .trust_origin("HTTP://Local.Example:8000")
        .trust_origin("https://default.example:443")
        .trust_origin("http://[2001:DB8:0::1]:8000")
        .trust_origin("chrome-extension://abcdef")
        .insecure_bypass("/bypass/")
        .insecure_bypass("/only/{foo}")
        .insecure_bypass("/api/{rest..}")
}

const CROSS: &str = "Sec-Fetch-Site: cross-site\r\nOrigin: https://attacker.example\r\n";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The rows of Go's own tests, `src/net/http/csrf_test.go`, by their names.
#[test]
fn it_decides_as_go_does() {
    let stage = Stage::new();
    let rows = [
        // TestCrossOriginProtectionSecFetchSite
        ("same-origin allowed", "POST", "/", "same-origin", "", 204),
        ("none allowed", "POST", "/", "none", "", 204),
        ("cross-site blocked", "POST", "/", "cross-site", "", 403),
        ("same-site blocked", "POST", "/", "same-site", "", 403),
        ("no header with no origin", "POST", "/", "", "", 204),
        ("no header with matching origin", "POST", "/", "", "https://example.com", 204),
        ("no header with mismatched origin", "POST", "/", "", "https://attacker.example", 403),
        ("no header with null origin", "POST", "/", "", "null", 403),
        ("GET allowed", "GET", "/", "cross-site", "", 204),
        ("HEAD allowed", "HEAD", "/", "cross-site", "", 204),
        ("OPTIONS allowed", "OPTIONS", "/", "cross-site", "", 204),
        ("PUT blocked", "PUT", "/", "cross-site", "", 403),
        // TestCrossOriginProtectionTrustedOriginBypass
        ("trusted origin without sec-fetch-site", "POST", "/", "", "https://trusted.example", 204),
        ("trusted origin with cross-site", "POST", "/", "cross-site", "https://trusted.example", 204),
        ("untrusted origin without sec-fetch-site", "POST", "/", "", "https://attacker.example", 403),
        ("untrusted origin with cross-site", "POST", "/", "cross-site", "https://attacker.example", 403),
        // TestCrossOriginProtectionPatternBypass, as it is since CVE-2025-47910
        ("bypass path without sec-fetch-site", "POST", "/bypass/", "", "https://attacker.example", 204),
        ("bypass path with cross-site", "POST", "/bypass/", "cross-site", "https://attacker.example", 204),
        ("non-bypass path without sec-fetch-site", "POST", "/apis/", "", "https://attacker.example", 403),
        ("non-bypass path with cross-site", "POST", "/apis/", "cross-site", "https://attacker.example", 403),
        (
            "redirect to bypass path without ..",
            "POST",
            "/foo/../bypass/bar",
            "",
            "https://attacker.example",
            403,
        ),
        (
            "redirect to bypass path with trailing slash",
            "POST",
            "/bypass",
            "",
            "https://attacker.example",
            403,
        ),
        (
            "redirect to non-bypass path with ..",
            "POST",
            "/foo/../apis/bar",
            "",
            "https://attacker.example",
            403,
        ),
        (
            "redirect to non-bypass path with trailing slash",
            "POST",
            "/apis",
            "",
            "https://attacker.example",
            403,
        ),
        ("wildcard bypass", "POST", "/only/123", "", "https://attacker.example", 204),
        ("non-wildcard", "POST", "/only/123/foo", "", "https://attacker.example", 403),
        // TestCrossOriginProtectionServer
        ("cross-site", "POST", "/", "cross-site", "https://attacker.example", 403),
        ("same-origin", "POST", "/", "same-origin", "", 204),
        ("origin matches host", "POST", "/", "", "http://example.com", 204),
        ("trusted origin", "POST", "/", "", "https://trusted.example", 204),
        ("untrusted origin", "POST", "/", "", "https://attacker.example", 403),
        ("bypass path", "POST", "/bypass/", "", "https://attacker.example", 204),
    ];
    let mut passed = 0;
    for (name, method, target, site, origin, expected) in rows {
        let field = |name: &str, value: &str| {
            if value.is_empty() { String::new() } else { format!("{name}: {value}\r\n") }
        };
        let fields = field("Sec-Fetch-Site", site) + &field("Origin", origin);
        assert_eq!(stage.status(method, target, &fields), expected, "{name}");
        passed += usize::from(expected == 204);
    }
    assert_eq!(stage.calls.load(Ordering::SeqCst), passed, "what is refused reaches no handler");
}

#[test]
fn every_method_but_three_is_checked() {
    let stage = Stage::new();
    for (method, target, alone, cross) in [
        ("GET", "/", 204, 204),
        ("HEAD", "/", 204, 204),
        ("OPTIONS", "/", 204, 204),
        ("OPTIONS", "*", 204, 204),
        ("POST", "/", 204, 403),
        ("POST", "/routes/7", 204, 403),
        ("POST", "/routes/x", 404, 403),
        ("PUT", "/", 204, 403),
        ("TRACE", "/", 204, 403),
        ("SPAM", "/", 204, 403),
        ("CONNECT", "example.com:443", 502, 403),
        // There is no such method, and a page does not learn that.
        ("DELETE", "/", 501, 403),
        ("get", "/", 501, 403),
    ] {
        assert_eq!(stage.status(method, target, ""), alone, "{method} {target}");
        assert_eq!(stage.status(method, target, CROSS), cross, "{method} {target}");
    }
}

#[test]
fn fields_that_are_several_or_malformed() {
    let stage = Stage::new();
    for (fields, expected) in [
        ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: none\r\n", 204),
        ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Site: same-origin\r\n", 403),
        ("sec-fetch-site: \t same-origin \r\n", 204),
        ("Sec-Fetch-Site: Same-Origin\r\n", 403),
        ("Sec-Fetch-Site: same-origin, none\r\n", 403),
        ("Sec-Fetch-Site: same-origin;a\r\n", 403),
        ("Sec-Fetch-Site: \"same-origin\"\r\n", 403),
        ("Sec-Fetch-Site: something-new\r\n", 403),
        ("Sec-Fetch-Site:\r\n", 403),
        // What the one says counts, whatever the other is.
        ("Sec-Fetch-Site: same-origin\r\nOrigin: https://attacker.example\r\n", 204),
        ("Sec-Fetch-Site: none\r\nOrigin: null\r\n", 204),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: https://example.com\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\nOrigin: https://example.com:8443\r\n", 403),
        ("Origin: https://example.com\r\nOrigin: https://example.com\r\n", 403),
        ("Origin: https://example.com\r\nOrigin: https://attacker.example\r\n", 403),
        ("Origin: https://trusted.example\r\nOrigin: https://attacker.example\r\n", 403),
        ("Origin: https://attacker.example\r\nOrigin: https://trusted.example\r\n", 403),
        ("Origin: https://example.com https://attacker.example\r\n", 403),
        ("Origin: https://example.com, https://attacker.example\r\n", 403),
        ("Origin:\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: NULL\r\n", 403),
        ("Origin: example.com\r\n", 403),
        ("Origin: //example.com\r\n", 403),
        ("Origin: https:example.com\r\n", 403),
        ("Origin: https://\r\n", 403),
        ("Origin: https://example.com/\r\n", 403),
        ("Origin: https://example.com?\r\n", 403),
        ("Origin: https://attacker.example@example.com\r\n", 403),
        ("Origin: https://example.com@attacker.example\r\n", 403),
        ("Origin: https://example.com\\.attacker.example\r\n", 403),
        ("Origin: https://example.com.attacker.example\r\n", 403),
        ("Origin: https://notexample.com\r\n", 403),
        ("Origin: https://example.com:99999\r\n", 403),
        ("Origin: https://ex\u{e4}mple.com\r\n", 403),
        ("Origin: ftp://example.com\r\n", 403),
        ("Origin: chrome-extension://example.com\r\n", 403),
        // Any request may say so.
        ("Origin: https://attacker.example\r\nX-Forwarded-Host: attacker.example\r\n", 403),
        ("Origin: https://attacker.example\r\nForwarded: host=attacker.example\r\n", 403),
        ("Origin: https://attacker.example\r\nX-HTTP-Method-Override: GET\r\n", 403),
        ("Origin: https://attacker.example\r\nReferer: https://example.com/\r\n", 403),
    ] {
        stage.assert_post(fields, expected);
    }
}

#[test]
fn an_origin_is_compared_with_the_host_of_the_request() {
    let stage = Stage::new();
    for (line, host, origin, expected) in [
        ("/ HTTP/1.1", "example.com", "http://example.com", 204),
        ("/ HTTP/1.1", "EXAMPLE.com", "https://Example.COM", 204),
        ("/ HTTP/1.1", "example.com:80", "http://example.com", 204),
        ("/ HTTP/1.1", "example.com", "http://example.com:80", 204),
        ("/ HTTP/1.1", "example.com:443", "https://example.com", 204),
        ("/ HTTP/1.1", "example.com:", "https://example.com", 204),
        ("/ HTTP/1.1", "example.com:80", "https://example.com", 403),
        ("/ HTTP/1.1", "example.com:443", "http://example.com", 403),
        ("/ HTTP/1.1", "example.com:8000", "http://example.com:8000", 204),
        ("/ HTTP/1.1", "example.com:8000", "http://example.com", 403),
        ("/ HTTP/1.1", "example.com", "http://example.com:8000", 403),
        ("/ HTTP/1.1", "example.com:8000", "http://example.com:8001", 403),
        ("/ HTTP/1.1", "example.com.", "http://example.com.", 204),
        ("/ HTTP/1.1", "example.com.", "http://example.com", 403),
        ("/ HTTP/1.1", "a.example.com", "http://example.com", 403),
        ("/ HTTP/1.1", "example.com", "http://a.example.com", 403),
        ("/ HTTP/1.1", "127.0.0.1:8000", "http://127.0.0.1:8000", 204),
        ("/ HTTP/1.1", "127.0.0.1:8000", "http://localhost:8000", 403),
        ("/ HTTP/1.1", "[::1]:8000", "http://[::1]:8000", 204),
        ("/ HTTP/1.1", "[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000", 204),
        ("/ HTTP/1.1", "[2001:DB8::1]", "http://[2001:db8::1]", 204),
        ("/ HTTP/1.1", "[::1]", "http://[::1]:8000", 403),
        ("/ HTTP/1.1", "[::2]", "http://[::1]", 403),
        ("/ HTTP/1.1", "", "http://example.com", 403),
        // RFC 9112 section 3.2.2: the target's host is the one.
        ("http://example.com/ HTTP/1.1", "attacker.example", "http://attacker.example", 403),
        ("http://example.com/ HTTP/1.1", "attacker.example", "http://example.com", 204),
        ("http://u@example.com:80/x HTTP/1.1", "example.com", "http://example.com", 204),
        ("x HTTP/1.1", "example.com", "http://example.com", 204),
        ("x?y=http://attacker.example/ HTTP/1.1", "example.com", "http://attacker.example", 403),
        ("/ HTTP/1.0", "example.com", "http://example.com", 204),
    ] {
        let request = format!("POST {line}\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(stage.ask(request).status, expected, "{line} {host} {origin}");
    }
    for (request, expected) in [
        ("POST / HTTP/1.0\r\n\r\n", 204),
        ("POST / HTTP/1.0\r\nOrigin: http://example.com\r\n\r\n", 403),
        ("POST / HTTP/1.0\r\nOrigin: https://trusted.example\r\n\r\n", 204),
        ("POST / HTTP/1.0\r\nSec-Fetch-Site: same-origin\r\n\r\n", 204),
        ("POST / HTTP/1.1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nOrigin: http://a\r\n\r\n", 403),
        ("POST / HTTP/1.1\r\nHost: a b\r\nOrigin: http://a\r\n\r\n", 403),
    ] {
        assert_eq!(stage.ask(request).status, expected, "{request}");
    }
}

#[test]
fn trusted_origins_and_open_paths() {
    let stage = Stage::new();
    for (origin, expected) in [
        ("https://trusted.example", 204),
        ("https://Trusted.Example:443", 204),
        ("http://trusted.example", 403),
        ("https://trusted.example:8443", 403),
        ("https://a.trusted.example", 403),
        ("https://trusted.example.attacker.example", 403),
        ("https://trusted.example/", 403),
        ("http://local.example:8000", 204),
        ("http://local.example", 403),
        ("https://default.example", 204),
        ("http://[2001:db8::1]:8000", 204),
        ("http://[2001:db8::2]:8000", 403),
        ("chrome-extension://abcdef", 204),
        ("moz-extension://abcdef", 403),
        ("null", 403),
    ] {
        stage.assert_post(&format!("Origin: {origin}\r\n"), expected);
        stage.assert_post(&format!("Sec-Fetch-Site: cross-site\r\nOrigin: {origin}\r\n"), expected);
    }
    for (target, expected) in [
        ("/bypass/?a=/b", 204),
        ("//bypass/", 204),
        ("/bypass/x", 403),
        ("/%62ypass/", 403),
        ("/Bypass/", 403),
        ("/only/a%20b?x", 204),
        ("/only/", 403),
        ("/only/..", 403),
        ("/only/%2e%2E", 403),
        ("/only/a%2fb", 403),
        ("/api/a/b//c", 204),
        ("/api/../admin", 403),
        ("/api/a/..%5cadmin", 403),
        ("/api/a/%2e%2e/%2e%2e/admin", 403),
        // Another path to a handler that looks at `path()`.
        ("http://example.com/api/a", 403),
        ("api/a", 403),
        ("/?/api/a", 403),
    ] {
        assert_eq!(stage.status("POST", target, CROSS), expected, "{target}");
    }
}

#[test]
fn a_handshake_is_checked_though_it_is_a_get() {
    let stage = Stage::new();
    let status = |target: &str, fields: &str| stage.status("GET", target, fields);
    for (target, fields, expected) in [
        ("/socket", "", 101),
        ("/socket", "Origin: http://example.com\r\n", 101),
        ("/socket", "Sec-Fetch-Site: same-origin\r\nOrigin: http://example.com\r\n", 101),
        ("/socket", "Origin: https://attacker.example\r\n", 403),
        ("/socket", "Origin: null\r\n", 403),
        ("/socket", CROSS, 403),
        ("/socket", "Sec-Fetch-Site: cross-site\r\n", 403),
        // Trusted once is enough.
        ("/socket", "Origin: https://trusted.example\r\n", 101),
        ("/open", "Origin: https://trusted.example\r\n", 101),
        // The server comes before the handler, which may be stricter but not looser.
        ("/open", "Origin: https://welcome.example\r\n", 403),
    ] {
        assert_eq!(status(target, &format!("{UPGRADE}{fields}")), expected, "{target} {fields}");
    }
    // Any protocol, and whatever `Connection` says.
    for upgrade in ["Upgrade: shout\r\nConnection: upgrade\r\n", "Upgrade: websocket\r\n", "upgrade:\r\n"] {
        assert_eq!(status("/", upgrade), 204, "{upgrade}");
        assert_eq!(status("/", &format!("{upgrade}{CROSS}")), 403, "{upgrade}");
    }
    // Of other fields with that word, nothing follows.
    assert_eq!(status("/", &format!("Upgrade-Insecure-Requests: 1\r\nConnection: upgrade\r\n{CROSS}")), 204);
    // A path that is open to all is so for the server: the handler still looks.
    let stage = Stage::with(HTTPServer::builder().cross_origin_protection(
        CrossOriginProtection::new().insecure_bypass("/open").insecure_bypass("/socket"),
    ));
    for (target, origin, expected) in [
        ("/open", "https://welcome.example", 101),
        ("/open", "https://attacker.example", 403),
        ("/socket", "https://attacker.example", 403),
        ("/socket", "http://example.com", 101),
    ] {
        let fields = format!("{UPGRADE}Origin: {origin}\r\n");
        assert_eq!(stage.status("GET", target, &fields), expected, "{target} {origin}");
    }
    assert_eq!(stage.log.count("Not for pages from other sites"), 2, "{:?}", stage.log.lines());
}

#[test]
fn it_is_off_unless_it_is_set() {
    let stage = Stage::with(HTTPServer::builder());
    stage.assert_post(CROSS, 204);
    let client =
        basehttp::testing::client(|base| Answer { base, log: Log::default(), calls: Arc::default() });
    let request = client.request("POST", "/").header("Sec-Fetch-Site", "cross-site");
    assert_eq!(request.send().status, 204, "a client without a server knows no settings");
}
