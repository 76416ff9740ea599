//! The environment of a script: RFC 3875 section 4.1.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};

use basehttp::prelude::*;
use basehttp::testing::{TestServer, run};
use basehttp::{CGIHTTPRequestHandler, Directory};
use basehttp_tests::PATIENCE;
use basehttp_tests::client::Client;

use crate::stage::Stage;

fn printenv() -> Stage {
    Stage::with("echo; env -0")
}

fn printed(text: &str) -> HashMap<String, String> {
    let pairs = text.split('\0').filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The environment for a request.
fn environment(stage: &Stage, method: &str, target: &str, fields: &str) -> HashMap<String, String> {
    stage.script("cgi-bin/script", "printf 'A: b\\n\\n'; env -0");
    let response = stage.request(method, target, fields);
    assert_eq!(response.status, 200, "{response:?}, {:?}", stage.log.lines());
    printed(&response.text())
}

/// RFC 9112 section 3.2.2. The guard judges the same host.
#[test]
fn the_host_is_that_of_the_target_where_it_has_one() {
    let stage = printenv();
    let target = "http://target.example:81/cgi-bin/script";
    let variables = environment(&stage, "GET", target, "");
    assert_eq!(
        (&*variables["HTTP_HOST"], &*variables["SERVER_NAME"]),
        ("target.example:81", "target.example")
    );
}

#[test]
fn the_variables_of_the_rfc() {
    let stage = printenv();
    let variables = environment(&stage, "GET", "/cgi-bin/script/a%20b/../%C3%A9?x=%20y&/..", "");
    for (name, value) in [
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("PATH_INFO", "/\u{e9}"),
        ("QUERY_STRING", "x=%20y&/.."),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REMOTE_HOST", "127.0.0.1"),
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_NAME", "/cgi-bin/script"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("HTTP_HOST", "a"),
        ("HTTP_ACCEPT", ""),
    ] {
        assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
    }
    let translated = stage
        .path("\u{e9}")
        .canonicalize()
        .unwrap_or_else(|_| fs::canonicalize(stage.path("")).unwrap().join("\u{e9}"));
    assert_eq!(variables["PATH_TRANSLATED"], translated.to_str().unwrap());
    assert!(variables["SERVER_SOFTWARE"].starts_with("SimpleHTTP/"), "{variables:?}");
    assert!(variables.contains_key("SERVER_NAME") && variables.contains_key("SERVER_PORT"));
    for name in ["CONTENT_LENGTH", "CONTENT_TYPE", "AUTH_TYPE", "REMOTE_USER"] {
        assert!(!variables.contains_key(name), "{name}");
    }
}

/// Section 4.1.15: of several ports, the one that the request came to.
#[test]
fn the_port_is_the_one_of_the_connection() {
    let stage = Stage::with("printf 'A: b\\n\\n'; env -0");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let further = listener.local_addr().unwrap();
    let builder = HTTPServer::builder().also_from_listener(listener);
    let server = TestServer::with(builder, stage.factory());
    for address in [server.address(), further] {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let response = Client::over(stream).ask("GET /cgi-bin/script HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(printed(&response.text())["SERVER_PORT"], address.port().to_string());
    }
}

#[test]
fn what_is_not_there_is_not_told() {
    let variables = environment(&printenv(), "GET", "/cgi-bin/script", "");
    assert_eq!(variables["QUERY_STRING"], "");
    assert!(!variables.contains_key("PATH_INFO") && !variables.contains_key("PATH_TRANSLATED"));
}

#[test]
fn a_body_has_a_length_and_a_type() {
    let fields = "Content-Type: text/x\r\nContent-Length: 0\r\n";
    let variables = environment(&printenv(), "POST", "/cgi-bin/script", fields);
    assert_eq!((&*variables["CONTENT_LENGTH"], &*variables["CONTENT_TYPE"]), ("0", "text/x"));
    assert!(!variables.contains_key("HTTP_CONTENT_LENGTH") && !variables.contains_key("HTTP_CONTENT_TYPE"));
}

#[test]
fn fields_are_joined_and_none_can_be_smuggled() {
    let fields = "X-One: 1\r\nx-one: 2\r\nCookie: a=b\r\nCookie: c=d\r\nAccept: d\r\nAccept: e\r\nX-User: me\r\nX_User: evil\r\n\
                  x_one: 3\r\nX.User: evil\r\nProxy: evil\r\nPROXY: evil\r\nConnection: keep-alive\r\n";
    let variables = environment(&printenv(), "GET", "/cgi-bin/script", fields);
    assert_eq!(variables["HTTP_X_ONE"], "1,2");
    assert_eq!(variables["HTTP_COOKIE"], "a=b; c=d");
    assert_eq!(variables["HTTP_ACCEPT"], "d,e");
    assert_eq!(variables["HTTP_X_USER"], "me");
    assert!(!variables.contains_key("HTTP_PROXY") && !variables.contains_key("HTTP_CONNECTION"));
    assert!(!variables.values().any(|value| value.contains("evil")), "{variables:?}");
}

#[test]
fn credentials_are_for_the_server() {
    // `user:pass`
    let fields = "Authorization: Basic dXNlcjpwYXNz\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n";
    let mut stage = printenv();
    let variables = environment(&stage, "GET", "/cgi-bin/script", fields);
    let is_told = |name: &String| name.contains("AUTH") || name == "REMOTE_USER";
    assert!(!variables.keys().any(is_told), "{variables:?}");
    // Code that has checked the credentials says so.
    stage.variables = vec![("AUTH_TYPE", "Basic"), ("REMOTE_USER", "user")];
    let variables = environment(&stage, "GET", "/cgi-bin/script", fields);
    assert_eq!((&*variables["AUTH_TYPE"], &*variables["REMOTE_USER"]), ("Basic", "user"));
}

/// Accepts requests with the password `x`, each on its own.
struct Members {
    base: CGIHTTPRequestHandler,
}

#[http_handler(extends = CGIHTTPRequestHandler, protocol_version = "HTTP/1.1")]
impl Members {
    fn cgi_variables(&self) -> Vec<(OsString, OsString)> {
        let pair = self.headers().get("X-Pair").and_then(|pair| pair.split_once(':'));
        let Some((user, "x")) = pair else { return Vec::new() };
        let told = [
            ("REMOTE_USER", user),
            ("AUTH_TYPE", "Own"),
            ("SITE", "of members"),
            ("", "a"),
            ("A=B", "c"),
            ("N", "\0"),
        ];
        told.map(|(name, value)| (name.into(), value.into())).into()
    }
}

#[test]
fn a_handler_tells_a_script_of_each_request() {
    let stage =
        Stage::with("echo A: b; echo; echo \"$REMOTE_USER $AUTH_TYPE $SITE\"; env | grep -c '^N=\\|^A='");
    let files = Directory::open(stage.path("")).unwrap();
    let factory =
        move |base| Members { base: CGIHTTPRequestHandler::new(base, &files).variable("SITE", "of all") };
    let asked = |fields: &str| format!("GET /cgi-bin/script HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let requests =
        ["", "X-Pair: ann:x\r\n", "X-Pair: bob:x\r\n", "X-Pair: ann:y\r\n", "Remote-User: eve\r\n"]
            .map(asked);
    // One connection, so one handler: the variables of a request do not leak into the next.
    let responses = run(factory, [requests.concat()]).responses;
    let texts: Vec<_> = responses.iter().map(|response| response.text().into_owned()).collect();
    let nobody = "  of all\n0\n";
    assert_eq!(texts, [nobody, "ann Own of members\n0\n", "bob Own of members\n0\n", nobody, nobody]);
}

#[test]
fn of_the_servers_environment_what_is_asked_for() {
    let mut stage = printenv();
    stage.variables = vec![("MINE", "set"), ("BAD=NAME", "x"), ("NUL", "a\0b")];
    let variables = environment(&stage, "GET", "/cgi-bin/script", "");
    assert_eq!(variables["MINE"], "set");
    assert!(variables.contains_key("PATH") && !variables.contains_key("NUL"));
    // The test has these in its environment.
    for name in ["HOME", "CARGO_PKG_NAME", "CARGO"] {
        assert!(!variables.contains_key(name), "{name}");
    }
}
