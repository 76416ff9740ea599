//! Arguments that come from bodies.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::{Piece, client, run_timed};
use basehttp::{Form, FromBody, HttpError, Json, Parameters};

#[derive(serde::Deserialize, serde::Serialize)]
struct Point {
    x: i32,
    y: Option<i32>,
    #[serde(default)]
    tags: Vec<String>,
}

struct Bodies {
    base: BaseHTTPRequestHandler,
}

struct Csv(Vec<String>);

impl FromBody for Csv {
    fn check_type(content_type: Option<&Parameters>) -> Result<(), HttpError> {
        match content_type {
            Some(content_type) if content_type.is("text/csv") => Ok(()),
            _ => Err(HttpError::new(415, "Send text/csv")),
        }
    }

    fn from_body(body: Vec<u8>) -> Result<Self, HttpError> {
        Ok(Self(String::from_body(body)?.split(',').map(str::to_owned).collect()))
    }
}

#[http_handler]
impl Bodies {
    const protocol_version: &str = "HTTP/1.1";

    #[route(POST, "/json")]
    fn json(&self, Json(point): Json<Point>) -> Json<Point> {
        Json(point)
    }

    #[route(POST, "/form")]
    fn form(&self, point: Form<Point>) -> Json<Point> {
        Json(point.0)
    }

    #[route(POST, "/bytes", limit = 8)]
    fn bytes(&self, body: Vec<u8>) -> Vec<u8> {
        body
    }

    #[route(POST | PUT, "/text/{name}?{q}")]
    fn text(&mut self, text: String, q: Option<u8>, name: &str) -> String {
        format!("{name} {text} {q:?}")
    }

    #[route(POST, "/csv")]
    fn csv(&self, csv: Csv) -> String {
        csv.0.join("|")
    }

    #[route(DELETE, "/anything")]
    fn delete(&self, why: Vec<u8>) -> String {
        why.len().to_string()
    }

    /// Reads the body itself.
    #[route(POST, "/lines")]
    fn lines(&self) -> io::Result<String> {
        let mut lines = Vec::new();
        for line in self.rfile.lines() {
            lines.push(line?);
        }
        Ok(lines.join("|"))
    }
}

fn post(target: &str, media_type: &str, body: &str) -> (u16, String) {
    let response = client(|base| Bodies { base }).post(target, media_type, body);
    let told = if response.status == 200 { response.text().into_owned() } else { response.reason };
    (response.status, told)
}

fn ok(text: &str) -> (u16, String) {
    (200, text.to_owned())
}

#[test]
fn json_is_read_and_written() {
    for media_type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"] {
        assert_eq!(post("/json", media_type, r#"{"x": 1}"#), ok(r#"{"x":1,"y":null,"tags":[]}"#));
    }
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", "", "+json/x"]
    {
        assert_eq!(
            post("/json", media_type, r#"{"x": 1}"#),
            (415, "Send application/json".into()),
            "{media_type}"
        );
    }
    for (body, reason) in [
        ("", "Bad JSON: EOF while parsing a value at line 1 column 0"),
        ("{\"x\": 1}\n,", "Bad JSON: trailing characters at line 2 column 1"),
        (r#"{"y": 1}"#, "Bad JSON: missing field `x` at line 1 column 8"),
        (r#"{"x": "a"}"#, "Bad JSON: invalid type: string \"a\", expected i32 at line 1 column 9"),
    ] {
        assert_eq!(post("/json", "application/json", body), (400, reason.into()), "{body}");
    }
}

/// Client input comes back in a parser's message, but no more of it than fits.
#[test]
fn a_long_value_makes_no_long_status_line() {
    let long = format!(r#"{{"x": "{}"}}"#, "\u{e9}".repeat(100_000));
    let (status, reason) = post("/json", "application/json", &long);
    assert_eq!((status, reason.ends_with("...")), (400, true));
    assert!(reason.len() < 500, "{}", reason.len());
}

#[test]
fn a_body_without_a_type_is_no_json() {
    let request = "POST /json HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n{\"x\": 1}";
    let response = &basehttp::testing::respond(|base| Bodies { base }, request.as_bytes())[0];
    assert_eq!((response.status, response.header("accept")), (415, Some("application/json")));
}

#[test]
fn forms_are_read() {
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        post("/form", form, "x=1&y=2&tags=a+b&tags=%C3%A9"),
        ok("{\"x\":1,\"y\":2,\"tags\":[\"a b\",\"\u{e9}\"]}")
    );
    assert_eq!(post("/form", "application/x-www-form-urlencoded; charset=UTF-8", "x=1").0, 200);
    assert_eq!(post("/form", "multipart/form-data; boundary=x", "x=1"), (415, format!("Send {form}")));
    for body in ["", "y=1", "x=a", "x=1&tags=%ff", "x=1&x=2"] {
        let (status, reason) = post("/form", form, body);
        assert_eq!((status, reason.starts_with("Bad form: ")), (400, true), "{body}: {reason}");
    }
}

#[test]
fn a_body_may_have_so_many_bytes() {
    assert_eq!(post("/bytes", "x/y", "12345678"), ok("12345678"));
    assert_eq!(post("/bytes", "x/y", "123456789").0, 413);
    let most = "x".repeat(2 << 20);
    assert_eq!(post("/csv", "text/csv", &most), ok(&most));
    assert_eq!(post("/csv", "text/csv", &format!("{most}x")).0, 413);
    let chunked =
        "POST /bytes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n";
    assert_eq!(basehttp::testing::respond(|base| Bodies { base }, chunked.as_bytes())[0].status, 413);
}

#[test]
fn text_and_types_of_ones_own() {
    assert_eq!(post("/text/a%20b?q=5", "text/plain", "caf\u{e9}"), ok("a b caf\u{e9} Some(5)"));
    let request = b"PUT /text/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab\xff";
    let response = &basehttp::testing::respond(|base| Bodies { base }, request)[0];
    assert_eq!((response.status, &*response.reason), (400, "Bad text: byte 2 is not UTF-8"));
    assert_eq!(post("/csv", "text/csv", "a,b"), ok("a|b"));
    assert_eq!(post("/csv", "text/plain", "a,b"), (415, "Send text/csv".into()));
    assert_eq!(post("/lines", "text/plain", "a\nb\n"), ok("a|b"));
    let client = client(|base| Bodies { base });
    assert_eq!(client.request("DELETE", "/anything").send().text(), "0");
    assert_eq!(client.request("DELETE", "/anything").body("text/plain", "abc").send().text(), "3");
}

/// A body whose head alone is refused need not be sent.
#[test]
fn the_type_and_the_target_are_judged_before_100_continue() {
    let head = |target: &str, fields: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8\r\n{fields}\r\n"
        )
    };
    for (head, status) in [
        (head("/json", "Content-Type: text/plain\r\n"), 415),
        (head("/text/a?q=x", ""), 400),
        (head("/nothing", ""), 404),
        (head("/bytes", "").replace("Length: 8", "Length: 9"), 413),
    ] {
        let run = run_timed(|base| Bodies { base }, [Piece::Bytes(head.clone().into_bytes())]);
        assert_eq!((run.responses[0].status, run.responses[0].interim.len()), (status, 0), "{head}");
    }
    let pieces = [head("/json", "Content-Type: application/json\r\n"), "{\"x\": 1}".to_owned()];
    let run = basehttp::testing::run(|base| Bodies { base }, pieces);
    assert_eq!((run.responses[0].status, run.responses[0].interim.len()), (200, 1));
}
