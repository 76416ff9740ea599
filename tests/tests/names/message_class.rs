//! `MessageClass`.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::respond;
use basehttp::{Headers, Message};

const INPUT: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: \xe4\r\nContent-Length: 2\r\n\r\nhi";

/// Collects the fields in its own form, and drops those that the server needs.
#[derive(Default)]
struct Own(Vec<(String, Vec<u8>)>);

impl Message for Own {
    fn append(&mut self, name: &str, value: &[u8]) {
        if !name.eq_ignore_ascii_case("content-length") {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }
}

struct WithOwn {
    base: BaseHTTPRequestHandler<Own>,
}

#[http_handler]
impl WithOwn {
    type MessageClass = Own;

    fn do_GET(&self) -> io::Result<()> {
        let body = self.read_body(10)?;
        self.send_response(200);
        self.end_headers()?;
        write!(self.wfile, "{:?} {}", self.headers().0, String::from_utf8_lossy(&body))
    }
}

#[test]
fn a_type_of_ones_own_and_the_framing_is_not_read_from_it() {
    let responses = respond(|base| WithOwn { base }, INPUT);
    let wanted =
        format!("{:?} hi", [("Host", b"a".to_vec()), ("X-One", b"1".to_vec()), ("x-one", b"\xe4".to_vec())]);
    assert_eq!(responses[0].text(), wanted);
}

struct WithMap {
    base: BaseHTTPRequestHandler<http::HeaderMap>,
}

#[http_handler]
impl WithMap {
    type MessageClass = http::HeaderMap;
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let headers = self.headers();
        let all: Vec<_> = headers.get_all("X-ONE").iter().map(|value| value.as_bytes().to_vec()).collect();
        self.send_response(http::StatusCode::OK);
        self.end_headers()?;
        write!(self.wfile, "{} {all:?}", headers[http::header::HOST].to_str().unwrap_or_default())
    }
}

#[test]
fn header_map() {
    let responses = respond(|base| WithMap { base }, INPUT);
    assert_eq!(responses[0].text(), format!("a {:?}", [b"1".to_vec(), b"\xe4".to_vec()]));
}

#[test]
fn it_is_made_anew_for_each_request() {
    let input = [INPUT, b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"].concat();
    let responses = respond(|base| WithMap { base }, &input);
    assert_eq!(responses[1].text(), "b []");
}

#[test]
fn the_default_keeps_spelling_order_and_duplicates() {
    let mut headers = Headers::default();
    assert!(headers.is_empty());
    for (name, value) in [("b", "1"), ("A", "2"), ("B", "3")] {
        headers.append(name, value.as_bytes());
    }
    assert_eq!(headers.iter().collect::<Vec<_>>(), [("b", "1"), ("A", "2"), ("B", "3")]);
    assert_eq!((&headers).into_iter().count(), 3);
    assert_eq!((headers.get("B"), headers.get("a"), headers.get("c")), (Some("1"), Some("2"), None));
    assert_eq!(headers.get_all("b").collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(headers.len(), 3);
    headers.append("latin", b"\xe4\xff");
    assert_eq!(headers.get("latin"), Some("äÿ"));
    assert_eq!(headers.get_bytes("latin").as_deref(), Some(&b"\xe4\xff"[..]));
    assert_eq!(format!("{headers:?}"), r#"[("b", "1"), ("A", "2"), ("B", "3"), ("latin", "äÿ")]"#);
}

#[test]
fn what_is_collected_from_text_can_be_sent_on() {
    let mut headers = Headers::default();
    let bad = [("a b", "1"), ("", "1"), ("b", "1\r\nc: 2"), ("d", "\0"), ("e", "\u{20ac}")];
    headers.extend(bad.into_iter().chain([("f", "\u{e4}"), ("g", "")]));
    assert_eq!(headers.iter().collect::<Vec<_>>(), [("f", "\u{e4}"), ("g", "")]);
    for (name, value) in bad {
        assert!(headers.set(name, value).is_err(), "{name:?}");
    }
}

/// A message class that panics costs only the connection that caused it.
#[derive(Default)]
struct Trap;

impl Message for Trap {
    fn append(&mut self, name: &str, _value: &[u8]) {
        assert!(name != "X-Trap", "in append");
    }
}

struct WithTrap {
    base: BaseHTTPRequestHandler<Trap>,
}

#[http_handler]
impl WithTrap {
    type MessageClass = Trap;

    fn do_GET(&self) -> io::Result<()> {
        let Trap = self.headers();
        self.send_response(200);
        self.end_headers()
    }
}

#[test]
fn a_panic_in_append_is_a_500() {
    let responses = respond(|base| WithTrap { base }, b"GET / HTTP/1.0\r\nX-Trap: 1\r\n\r\n");
    assert_eq!(responses[0].status, 500);
}

#[test]
fn headers_are_equal_if_they_mean_the_same() {
    let headers = |fields: &[(&str, &str)]| fields.iter().copied().collect::<Headers>();
    let one = headers(&[("Host", "a"), ("Accept", "x"), ("accept", "y")]);
    assert_eq!(one, headers(&[("ACCEPT", "x"), ("accept", "y"), ("host", "a")]));
    for other in [
        &[("Host", "a"), ("Accept", "y"), ("accept", "x")][..],
        &[("Host", "A"), ("Accept", "x"), ("accept", "y")],
        &[("Host", "a"), ("Accept", "x")],
        &[("Host", "a"), ("Accept", "x"), ("Accept", "y"), ("Accept", "y")],
        &[("Host", "a"), ("Accept", "x, y"), ("Via", "z")],
        &[],
    ] {
        assert_ne!(one, headers(other), "{other:?}");
    }
    // A change in place gives the same result as a new object.
    let mut changed = one.clone();
    changed.set("Host", "b").unwrap();
    changed.remove("Accept");
    assert_eq!(changed, headers(&[("Host", "b")]));
    assert_ne!(changed, one);
}

#[test]
fn headers_are_collected_from_texts_of_any_kind() {
    let fields = vec![("A".to_owned(), "1".to_owned()), ("A\r\nB".to_owned(), "2".to_owned())];
    let mut headers: Headers = fields.into_iter().collect();
    headers.extend([("B", "3".to_owned())]);
    headers.extend(&headers.clone());
    let wanted = [("A", "1"), ("B", "3"), ("A", "1"), ("B", "3")];
    assert_eq!(headers.iter().collect::<Vec<_>>(), wanted);
    assert_eq!(headers, Headers::from_iter(&headers));
}
