//! The hosts that a server answers for: `allowed_hosts`, `loopback_guard`.

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;

struct Answer {
    base: BaseHTTPRequestHandler,
    log: Log,
}

#[http_handler]
impl Answer {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> std::io::Result<()> {
        self.send_response(204);
        self.end_headers()
    }

    fn do_POST(&self) -> std::io::Result<()> {
        Answer::do_GET(self)
    }

    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.log.push(message);
    }
}

fn serve(builder: ServerBuilder) -> (TestServer, Log) {
    let log = Log::default();
    let lines = log.clone();
    (TestServer::with(builder, move |base| Answer { base, log: lines.clone() }), log)
}

fn status(server: &TestServer, target: &str, fields: &str) -> u16 {
    Client::new(server).ask(format!("GET {target} HTTP/1.1\r\n{fields}\r\n")).status
}

#[test]
fn hosts_that_are_allowed() {
    let (server, log) = serve(HTTPServer::builder().allowed_hosts(["Example.org", "[::1]", "10.0.0.1:80"]));
    for (host, expected) in [
        ("example.org", 204),
        ("EXAMPLE.org:8000", 204),
        ("example.org.", 204),
        ("[::1]:1", 204),
        ("10.0.0.1", 204),
        ("a.example.org", 421),
        ("example.org.evil.example", 421),
        ("localhost", 421),
        ("127.0.0.1", 421),
        ("", 421),
    ] {
        assert_eq!(status(&server, "/", &format!("Host: {host}\r\n")), expected, "{host}");
    }
    assert_eq!(log.count("code 421"), 5);
    assert!(log.has("(foreign-host)"), "{:?}", log.lines());
    // The origin of the page is not checked.
    assert_eq!(status(&server, "/", "Host: example.org\r\nOrigin: http://evil.example\r\n"), 204);
}

#[test]
fn the_authority_of_the_target_comes_before_host() {
    let (server, _) = serve(HTTPServer::builder().allowed_hosts(["example.org"]));
    let host = "Host: example.org\r\n";
    assert_eq!(status(&server, "http://evil.example/", host), 421);
    assert_eq!(status(&server, "http://example.org@evil.example/", host), 421);
    assert_eq!(status(&server, "http://example.org:80/x", "Host: evil.example\r\n"), 204);
    assert_eq!(status(&server, "/?url=http://evil.example/", host), 204);
}

/// A target has one of four forms (RFC 9112 section 3.2), and is read from its beginning.
#[test]
fn a_target_of_no_form_is_for_no_host() {
    for builder in
        [HTTPServer::builder().loopback_guard(true), HTTPServer::builder().allowed_hosts(["localhost"])]
    {
        let (server, log) = serve(builder);
        for host in ["Host: evil.example\r\n", "Host: localhost\r\n"] {
            for target in [
                "s?x=http://localhost/",
                "x",
                "?x=http://localhost/",
                "*",
                "a:80",
                "http:/x",
                "http:///x",
                "http://",
                "http://localhost\\@evil.example/",
                "http://evil.example@localhost@evil.example/",
                "evil.example#http://localhost/",
            ] {
                assert_eq!(status(&server, target, host), 400, "{target} {host}");
            }
        }
        assert_eq!(log.count("(bad-target)"), 22, "{:?}", log.lines());
        for target in [
            "/s?x=http://localhost/",
            "/http://localhost/",
            "//localhost/x",
            "HTTP://LOCALHOST/",
            "ws://localhost?x",
        ] {
            assert_eq!(status(&server, target, "Host: localhost\r\n"), 204, "{target}");
        }
        for target in ["/s?x=http://localhost/", "/http://localhost/", "//localhost/x"] {
            assert_eq!(status(&server, target, "Host: evil.example\r\n"), 421, "{target}");
        }
    }
}

#[test]
fn an_address_is_a_host_in_all_its_forms() {
    let hosts = ["::ffff:192.0.2.1", "2001:DB8::1"];
    let (server, _) = serve(HTTPServer::builder().allowed_hosts(hosts));
    for host in
        ["192.0.2.1", "[::ffff:192.0.2.1]:80", "[::ffff:c000:201]", "[2001:db8::1]", "[2001:db8:0:0::1]:80"]
    {
        assert_eq!(status(&server, "/", &format!("Host: {host}\r\n")), 204, "{host}");
    }
    for host in ["192.0.2.2", "[2001:db8::2]", "[::1]"] {
        assert_eq!(status(&server, "/", &format!("Host: {host}\r\n")), 421, "{host}");
    }
}

#[test]
fn a_client_of_http_1_0_need_not_say() {
    let (server, _) = serve(HTTPServer::builder().loopback_guard(true));
    assert_eq!(Client::new(&server).ask("GET / HTTP/1.0\r\n\r\n").status, 204);
    assert_eq!(Client::new(&server).ask("GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n").status, 421);
}

#[test]
fn pages_of_this_machine_alone() {
    let (server, log) = serve(HTTPServer::builder().loopback_guard(true).allowed_hosts(["box.lan"]));
    for (fields, expected) in [
        ("Host: localhost:8000\r\n", 204),
        ("Host: app.localhost\r\n", 204),
        ("Host: 127.0.0.1\r\n", 204),
        ("Host: [::1]\r\n", 204),
        ("Host: box.lan\r\n", 204),
        ("Host: rebound.example\r\n", 421),
        ("Host: localhost\r\nOrigin: http://localhost:3000\r\n", 204),
        ("Host: localhost\r\nOrigin: http://box.lan\r\n", 204),
        ("Host: localhost\r\nOrigin: https://evil.example\r\n", 403),
        ("Host: localhost\r\nOrigin: http://localhost.evil.example\r\n", 403),
        ("Host: localhost\r\nOrigin: null\r\n", 403),
        ("Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil.example\r\n", 403),
        // The user follows a link.
        ("Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 204),
    ] {
        assert_eq!(status(&server, "/", fields), expected, "{fields}");
    }
    assert!(log.has("(cross-site)"), "{:?}", log.lines());
}

#[test]
fn the_body_of_what_is_refused_is_no_request() {
    let (server, _) = serve(HTTPServer::builder().loopback_guard(true));
    let mut client = Client::new(&server);
    let inner = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let length = inner.len();
    let outer = format!("POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: {length}\r\n\r\n{inner}");
    assert_eq!(client.ask(outer).status, 421);
    client.assert_closed();
}
