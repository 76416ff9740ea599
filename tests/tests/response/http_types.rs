//! Requests and responses in the types of the crate `http`.

use basehttp::HttpTypes as _;
use basehttp::prelude::*;
use http::header::{HeaderValue, SET_COOKIE};

use crate::act::{Act, HEAD};

#[test]
fn a_request_is_what_was_sent() {
    let input = "GET /a%20b?c HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: \u{e9}\r\n\r\n";
    let bytes: Vec<u8> = input.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let (run, log) = Act::run(bytes, |act| {
        let request = act.http_request().map_err(std::io::Error::other)?;
        let values: Vec<_> = request.headers().get_all("x").iter().map(HeaderValue::as_bytes).collect();
        act.log.push(format_args!(
            "{} {} {:?} {values:?}",
            request.method(),
            request.uri(),
            request.version()
        ));
        act.send_http_response(&http::Response::new(""))
    });
    assert_eq!((run.responses[0].status, run.responses[0].header("content-length")), (200, Some("0")));
    assert!(log.has("GET /a%20b?c HTTP/1.1 [[49], [233]]"), "{:?}", log.lines());
}

#[test]
fn a_target_that_it_cannot_hold_is_an_error() {
    let (run, _) = Act::run(b"GET /a<b HTTP/1.0\r\n\r\n", |act| match act.http_request() {
        Ok(_) => act.send_error(200),
        Err(error) => act.send_error((400, "Bad target", error.to_string())),
    });
    assert_eq!(run.responses[0].reason, "Bad target");
}

fn teapot() -> http::Response<Vec<u8>> {
    http::Response::builder()
        .status(418)
        .header(SET_COOKIE, "a=b")
        .header(SET_COOKIE, HeaderValue::from_bytes(b"c=\xe9").unwrap())
        .header("Date", "never")
        .header("Server", "other")
        .body(b"teapot".to_vec())
        .unwrap()
}

#[test]
fn a_response_is_sent_as_by_hand() {
    let (run, log) = Act::run("GET / HTTP/1.1\r\nHost: a\r\n\r\n", |act| act.send_http_response(&teapot()));
    let response = &run.responses[0];
    assert_eq!((response.status, &*response.text()), (418, "teapot"));
    assert_eq!(response.headers.get_all("set-cookie").collect::<Vec<_>>(), ["a=b", "c=\u{e9}"]);
    assert_eq!(response.headers.get_all("date").count(), 1);
    assert_ne!(response.header("server"), Some("other"));
    assert!(log.has("418"), "{:?}", log.lines());
    let (run, _) = Act::run(HEAD, |act| act.send_http_response(&teapot()));
    assert_eq!((run.responses[0].header("content-length"), run.responses[0].body.len()), (Some("6"), 0));
}
