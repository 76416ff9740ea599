//! Handlers that extend it, and whose overrides are honoured by its own methods.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use basehttp::prelude::*;
use basehttp::testing::{Response, respond};
use basehttp::{Content, SimpleHTTPRequestHandler};
use http::HeaderMap;

use crate::stage::Stage;

/// A handler with an override of each kind.
struct Site {
    base: SimpleHTTPRequestHandler,
    heads: u32,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Site {
    const protocol_version: &str = "HTTP/1.1";
    const index_pages: &[&str] = &["start.txt"];
    const extensions_map: &[(&str, &str)] = &[(".txt", "text/x-site")];

    fn do_POST(&mut self) -> io::Result<()> {
        self.send_response(201);
        self.end_headers()
    }

    fn end_headers(&self) -> io::Result<()> {
        self.send_header("Access-Control-Allow-Origin", "*");
        BaseHTTPRequestHandler::end_headers(self)
    }

    fn send_head(&mut self) -> io::Result<Option<Content>> {
        self.heads += 1;
        if self.path() == "/made" {
            self.send_response(200);
            self.end_headers()?;
            return Ok(Some(Content::bytes(format!("made {}", self.heads))));
        }
        SimpleHTTPRequestHandler::send_head(self)
    }

    fn translate_path(&self, path: &str) -> Option<PathBuf> {
        match path.strip_prefix("/old/") {
            Some(rest) => SimpleHTTPRequestHandler::translate_path(self, &format!("/new/{rest}")),
            None if path == "/escape" => Some("../secret".into()),
            None if path == "/absolute" => Some("/etc/passwd".into()),
            None => SimpleHTTPRequestHandler::translate_path(self, path),
        }
    }

    fn guess_type(&self, path: &Path) -> Cow<'static, str> {
        if path.ends_with("LICENSE") {
            "text/plain".into()
        } else {
            SimpleHTTPRequestHandler::guess_type(self, path)
        }
    }

    fn list_directory(&mut self, path: &Path) -> io::Result<Option<Content>> {
        let _ = path;
        self.send_error((403, "No lists here")).map(|()| None)
    }
}

fn ask(stage: &Stage, request: &str) -> Vec<Response> {
    let files = stage.files.clone();
    respond(
        move |base| Site { base: SimpleHTTPRequestHandler::new(base, &files), heads: 0 },
        request.as_bytes(),
    )
}

fn get(stage: &Stage, target: &str) -> Response {
    ask(stage, &format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).remove(0)
}

#[test]
fn overrides_are_honoured_from_inside() {
    let stage = Stage::new(&[("new/a.txt", "a"), ("LICENSE", "l"), ("start.txt", "start"), ("sub/x", "x")]);
    std::fs::write(stage.outside().join("secret"), "secret").unwrap();
    let response = get(&stage, "/old/a.txt");
    assert_eq!((&*response.text(), response.header("content-type")), ("a", Some("text/x-site")));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(get(&stage, "/LICENSE").header("content-type"), Some("text/plain"));
    assert_eq!(get(&stage, "/").text(), "start");
    assert_eq!(get(&stage, "/sub/").reason, "No lists here");
    assert_eq!(get(&stage, "/made").text(), "made 1");
    assert_eq!(get(&stage, "/sub").header("access-control-allow-origin"), Some("*"), "a redirect too");
    // Whatever an override returns, no file outside the folder is opened.
    assert_eq!((get(&stage, "/escape").status, get(&stage, "/absolute").status), (404, 404));
}

#[test]
fn the_methods_are_those_of_both() {
    let stage = Stage::new(&[("a", "abc")]);
    let responses = ask(
        &stage,
        "POST / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /a HTTP/1.1\r\nHost: a\r\n\r\nPUT /a HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(responses.iter().map(|response| response.status).collect::<Vec<_>>(), [201, 200, 501]);
    assert_eq!(responses[1].header("content-length"), Some("3"));
    assert_eq!(responses[2].header("allow"), Some("POST, GET, HEAD"));
    assert!(responses[0].header("server").unwrap().starts_with("SimpleHTTP/"));
}

/// An own `do_GET` that calls the parent's; header fields in another class; another name for the field.
struct Api<T: Send + 'static> {
    files: SimpleHTTPRequestHandler<HeaderMap>,
    value: T,
}

#[http_handler(extends = basehttp::SimpleHTTPRequestHandler, base = files, server_version = "Api/1")]
impl<T: Send + std::fmt::Display> Api<T> {
    type MessageClass = HeaderMap;

    fn do_GET(&mut self) -> io::Result<()> {
        if self.path() != "/value" {
            return SimpleHTTPRequestHandler::do_GET(self);
        }
        self.send_response(200);
        self.send_header("X-Fields", self.headers().len());
        self.end_headers()?;
        write!(self.wfile, "{}", self.value)
    }
}

#[test]
fn an_own_method_comes_before_the_parents() {
    let stage = Stage::new(&[("a", "abc")]);
    let files = stage.files.clone();
    let factory = move |base| Api { files: SimpleHTTPRequestHandler::new(base, &files), value: 5 };
    let get = |method: &str, path: &str| {
        respond(factory.clone(), format!("{method} {path} HTTP/1.0\r\nA: b\r\n\r\n").as_bytes()).remove(0)
    };
    let value = get("GET", "/value");
    assert_eq!((&*value.text(), value.header("x-fields")), ("5", Some("1")));
    assert!(value.header("server").unwrap().starts_with("Api/1"));
    assert_eq!(get("GET", "/a").text(), "abc");
    // HEAD is answered by the same method as GET.
    assert_eq!(get("HEAD", "/value").header("content-length"), Some("1"));
    assert_eq!(get("HEAD", "/a").header("content-length"), Some("3"));
}
