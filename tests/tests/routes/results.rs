//! What the result of a method becomes, also of a `do_*` method.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use basehttp::prelude::*;
use basehttp::testing::{Response, client};
use basehttp::{Html, HttpError, Json, Payload, Redirect, Response as Value};

struct Results {
    base: BaseHTTPRequestHandler,
    name: String,
}

struct Broken;

impl serde::Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("on purpose"))
    }
}

#[http_handler]
impl Results {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> &str {
        &self.name
    }

    fn do_PUT(&mut self) -> Result<(u16, String), HttpError> {
        Ok((201, "put".to_owned()))
    }

    fn do_DELETE(&self) -> HTTPStatus {
        HTTPStatus::NO_CONTENT
    }

    #[route(GET, "/cow")]
    fn cow(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    #[route(GET, "/bytes")]
    fn bytes(&self) -> &[u8] {
        b"bytes"
    }

    #[route(GET, "/payload")]
    fn payload(&self) -> Payload {
        Payload::from("payload")
    }

    #[route(GET, "/shared")]
    fn shared(&self) -> Arc<[u8]> {
        Arc::from(&b"shared"[..])
    }

    #[route(GET, "/html")]
    fn html(&self) -> Html<String> {
        Html("<p>".to_owned())
    }

    #[route(GET, "/some")]
    fn some(&self) -> Option<Json<u8>> {
        Some(Json(7))
    }

    #[route(GET, "/none")]
    fn none(&self) -> Option<String> {
        None
    }

    #[route(GET, "/none-with")]
    fn none_with(&self) -> Value {
        None::<&str>.with_status(201).with_header("Cache-Control", "no-store")
    }

    #[route(GET, "/redirect")]
    fn redirect(&self) -> Redirect {
        Redirect::to("/caf\u{e9}?a=b c\r\nX: y")
    }

    #[route(GET, "/permanent")]
    fn permanent(&self) -> Redirect {
        Redirect::permanent("http://example.org/")
    }

    #[route(GET, "/with")]
    fn with(&self) -> Value {
        "a,b".with_header("Content-Type", "text/csv").with_header("X-Number", 7).with_status((203, "Nearly"))
    }

    #[route(GET, "/tuple")]
    fn tuple(&self) -> ((u16, &'static str), Json<[u8; 2]>) {
        ((202, "Later"), Json([1, 2]))
    }

    #[route(GET, "/empty")]
    fn empty(&self) -> ((u16, &'static str), ()) {
        ((204, "Nothing"), ())
    }

    #[route(GET, "/reset")]
    fn reset(&self) -> (u16, &'static str) {
        (304, "not sent")
    }

    #[route(GET, "/no-content")]
    fn no_content(&self) -> (u16, String) {
        (204, "not sent".to_owned())
    }

    #[route(GET, "/reset-content")]
    fn reset_content(&self) -> Result<(u16, Html<&'static str>), HttpError> {
        Ok((205, Html("not sent")))
    }

    #[route(GET, "/boxed")]
    fn boxed(&self) -> Box<str> {
        "boxed".into()
    }

    #[route(GET, "/shared-text")]
    fn shared_text(&self) -> Arc<str> {
        "shared text".into()
    }

    #[route(GET, "/array")]
    fn array(&self) -> [u8; 5] {
        *b"array"
    }

    #[route(GET, "/boxed-bytes")]
    fn boxed_bytes(&self) -> Box<[u8]> {
        Box::from(&b"boxed bytes"[..])
    }

    #[route(GET, "/boxed-error")]
    fn boxed_error(&self) -> Result<&str, Box<str>> {
        Err("for the log".into())
    }

    #[route(GET, "/status")]
    fn status(&self) -> Value {
        Value::new((299, "Odd"))
    }

    #[route(GET, "/image")]
    fn image(&self) -> Value {
        Value::of_bytes("image/png", b"\x89PNG")
    }

    #[route(GET, "/opaque")]
    fn opaque(&self) -> impl IntoResponse {
        Json("opaque")
    }

    #[route(GET, "/opaque-result")]
    fn opaque_result(&self) -> Result<impl IntoResponse + use<>, HttpError> {
        Ok((201, "opaque"))
    }

    #[route(GET, "/written")]
    fn written(&self) {
        self.send_response(200);
        self.end_headers().expect("it is good");
        self.wfile.write_all(b"written").expect("it has room");
    }

    #[route(GET, "/half")]
    fn half(&self) -> Result<Option<String>, io::Error> {
        Ok(Some("half".to_owned()))
    }

    #[route(GET, "/nothing")]
    fn nothing(&self) {}

    #[route(GET, "/twice")]
    fn twice(&self) -> io::Result<&'static str> {
        self.send_response(200);
        self.end_headers()?;
        Ok("twice")
    }

    #[route(GET, "/whole")]
    fn whole(&self) -> io::Result<&'static str> {
        self.send_response(200);
        self.send_header("Content-Length", 5);
        self.end_headers()?;
        self.wfile.write_all(b"whole")?;
        Ok("value")
    }

    #[route(GET, "/refused")]
    fn refused(&self) -> io::Result<&'static str> {
        self.send_error((404, "Nothing here"))?;
        Ok("value")
    }

    #[route(GET, "/bad-header")]
    fn bad_header(&self) -> Value {
        "x".with_header("X-Bad", "a\r\nb")
    }

    #[route(GET, "/broken")]
    fn broken(&self) -> Json<Broken> {
        Json(Broken)
    }

    #[route(GET, "/large")]
    fn large(&self) -> String {
        "x".repeat(1 << 20)
    }

    #[route(GET, "/http-error")]
    fn http_error(&self) -> HttpError {
        HttpError::new(401, "Log in")
            .with_header("WWW-Authenticate", "Basic")
            .with_explanation("Nobody knows you.")
    }
}

fn ask(method: &str, target: &str) -> Response {
    client(|base| Results { base, name: "Ann".to_owned() }).request(method, target).send()
}

#[test]
fn values_are_sent_with_their_types() {
    for (target, media_type, body) in [
        ("/", "text/plain; charset=utf-8", "Ann"),
        ("/cow", "text/plain; charset=utf-8", "Ann"),
        ("/bytes", "application/octet-stream", "bytes"),
        ("/payload", "application/octet-stream", "payload"),
        ("/shared", "application/octet-stream", "shared"),
        ("/html", "text/html; charset=utf-8", "<p>"),
        ("/some", "application/json", "7"),
        ("/opaque", "application/json", "\"opaque\""),
        ("/half", "text/plain; charset=utf-8", "half"),
        ("/boxed", "text/plain; charset=utf-8", "boxed"),
        ("/shared-text", "text/plain; charset=utf-8", "shared text"),
        ("/array", "application/octet-stream", "array"),
        ("/boxed-bytes", "application/octet-stream", "boxed bytes"),
    ] {
        let response = ask("GET", target);
        let length = response.header("content-length").map(str::to_owned);
        assert_eq!(
            (response.status, response.header("content-type"), &*response.text()),
            (200, Some(media_type), body),
            "{target}"
        );
        assert_eq!(length, Some(body.len().to_string()), "{target}");
        assert!(response.stays_open, "{target}");
    }
    assert_eq!(ask("GET", "/image").body, b"\x89PNG");
    assert_eq!(ask("GET", "/written").text(), "written");
    assert_eq!(ask("GET", "/large").body.len(), 1 << 20);
}

#[test]
fn statuses_and_fields_of_values() {
    let response = ask("PUT", "/");
    assert_eq!((response.status, &*response.text()), (201, "put"));
    let response = ask("GET", "/opaque-result");
    assert_eq!((response.status, &*response.text()), (201, "opaque"));
    let response = ask("GET", "/with");
    assert_eq!((response.status, &*response.reason, &*response.text()), (203, "Nearly", "a,b"));
    assert_eq!((response.header("content-type"), response.header("x-number")), (Some("text/csv"), Some("7")));
    assert_eq!(response.headers.get_all("content-type").count(), 1);
    let response = ask("GET", "/tuple");
    assert_eq!((response.status, &*response.reason, &*response.text()), (202, "Later", "[1,2]"));
    let response = ask("GET", "/status");
    assert_eq!(
        (response.status, &*response.reason, response.header("content-length")),
        (299, "Odd", Some("0"))
    );
    for (method, target, status) in [("DELETE", "/", 204), ("GET", "/empty", 204)] {
        let response = ask(method, target);
        assert_eq!(
            (response.status, response.header("content-length"), response.body.len()),
            (status, None, 0)
        );
        assert!(response.stays_open);
    }
    assert_eq!(ask("GET", "/empty").reason, "Nothing");
}

#[test]
fn none_is_404_and_stays_it() {
    assert_eq!(ask("GET", "/none").status, 404);
    let response = ask("GET", "/none-with");
    // What applies to the value does not apply to the page.
    assert_eq!((response.status, response.header("cache-control")), (404, None));
}

#[test]
fn an_address_is_made_fit_to_be_sent() {
    let response = ask("GET", "/redirect");
    assert_eq!((response.status, response.header("location")), (303, Some("/caf%C3%A9?a=b%20c%0D%0AX:%20y")));
    let response = ask("GET", "/permanent");
    assert_eq!((response.status, response.header("location")), (308, Some("http://example.org/")));
}

#[test]
fn an_error_as_a_value_is_its_page() {
    let response = ask("GET", "/http-error");
    assert_eq!((response.status, &*response.reason), (401, "Log in"));
    assert_eq!(response.header("www-authenticate"), Some("Basic"));
    assert!(response.text().contains("Nobody knows you."));
}

#[test]
fn what_is_no_good_response_is_500_and_logged() {
    for (target, log) in [
        ("/nothing", "nothing: the handler returned without a response"),
        ("/bad-header", "bad_header: U+000D in the value of the header"),
        ("/broken", "broken: on purpose"),
        ("/boxed-error", "boxed_error: for the log"),
    ] {
        let run = basehttp::testing::run(
            |base| Results { base, name: String::new() },
            [format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")],
        );
        assert_eq!(run.responses[0].status, 500, "{target}");
        assert!(run.log.contains(log), "{}", run.log);
    }
}

#[test]
fn a_value_beside_a_response_that_was_begun_is_a_mistake() {
    let run = basehttp::testing::run(
        |base| Results { base, name: String::new() },
        ["GET /twice HTTP/1.1\r\nHost: a\r\n\r\n"],
    );
    assert_eq!(run.responses.len(), 1);
    assert_eq!(run.responses[0].status, 500, "{}", run.log);
    assert_eq!(
        run.log.matches("twice: a value was returned after send_response()").count(),
        1,
        "{}",
        run.log
    );
    assert_eq!(
        (run.log.matches("\" 200 -").count(), run.log.matches("\" 500 -").count()),
        (1, 1),
        "{}",
        run.log
    );
}

#[test]
fn a_value_behind_a_whole_response_is_dropped_and_logged() {
    for target in ["/whole", "/refused"] {
        let run = basehttp::testing::run(
            |base| Results { base, name: String::new() },
            [format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")],
        );
        assert_eq!(run.responses.len(), 1, "{}", run.log);
        let (status, text) = if target == "/whole" { (200, "whole") } else { (404, "Nothing here") };
        assert_eq!(run.responses[0].status, status, "{}", run.log);
        assert!(run.responses[0].text().contains(text) && !run.responses[0].text().contains("value"));
        assert_eq!(run.log.matches(": a value was returned after").count(), 1, "{}", run.log);
        assert_eq!(run.log.matches("HTTP/1.1\"").count(), 1, "one line for one response: {}", run.log);
    }
}

/// The response stands, whatever the method of the request, and the log tells of the mistake.
#[test]
fn content_for_a_status_that_has_none_is_left_out_and_logged() {
    for (target, status) in [("/reset", 304), ("/no-content", 204), ("/reset-content", 205)] {
        for method in ["GET", "HEAD"] {
            let run = basehttp::testing::run(
                |base| Results { base, name: String::new() },
                [format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(2)],
            );
            let seen: Vec<_> = run
                .responses
                .iter()
                .map(|found| (found.status, found.body.len(), found.stays_open))
                .collect();
            assert_eq!(seen, [(status, 0, true); 2], "{method} {target}: {}", run.log);
            let told = format!("a response with status {status} has no body");
            assert_eq!(run.log.matches(&told).count(), 2, "{method} {target}: {}", run.log);
        }
    }
    let run = basehttp::testing::run(
        |base| Results { base, name: String::new() },
        ["GET /empty HTTP/1.1\r\nHost: a\r\n\r\n"],
    );
    assert!(!run.log.contains("has no body"), "an empty value is none: {}", run.log);
}

/// For HEAD only the head is sent, with the length that GET would have.
#[test]
fn head_of_a_value() {
    let head = ask("HEAD", "/large");
    assert_eq!((head.header("content-length"), head.body.len(), head.stays_open), (Some("1048576"), 0, true));
}
