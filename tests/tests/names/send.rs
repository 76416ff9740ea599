//! `send_error`, `send_response`, `send_header` and related methods.

use std::io;
use std::sync::Arc;

use basehttp::prelude::*;
use basehttp::testing::{Response, Run, run};
use basehttp::{HTTPStatus, ResponseCode};

use crate::GET;

type Deed = Arc<dyn Fn(&Sender) -> io::Result<()>>;

struct Sender {
    base: BaseHTTPRequestHandler,
    deed: Deed,
}

#[http_handler]
impl Sender {
    const protocol_version: &str = "HTTP/1.1";
    const error_message_format: &str = "%(code)d|%(message)s|%(explain)s";

    fn do_GET(&self) -> io::Result<()> {
        (self.deed)(self)
    }
}

fn go(input: &str, deed: impl Fn(&Sender) -> io::Result<()> + 'static) -> Run {
    let deed: Deed = Arc::new(deed);
    run(move |base| Sender { base, deed: deed.clone() }, [input])
}

fn one(deed: impl Fn(&Sender) -> io::Result<()> + 'static) -> Response {
    go(GET, deed).responses.remove(0)
}

fn error(code: impl ResponseCode + Clone + 'static) -> (u16, String, String) {
    let response = one(move |handler| handler.send_error(code.clone()));
    (response.status, response.reason.clone(), response.text().into_owned())
}

fn texts(code: u16, reason: &str, page: &str) -> (u16, String, String) {
    (code, reason.to_owned(), page.to_owned())
}

#[test]
fn send_error_in_all_forms() {
    const LONG: &str = "Nothing matches the given URI";
    let standard = texts(404, "Not Found", &format!("404|Not Found|{LONG}"));
    assert_eq!(error(404), standard);
    assert_eq!(error(HTTPStatus::NOT_FOUND), standard);
    assert_eq!(error(http::StatusCode::NOT_FOUND), standard);
    let short = texts(404, "m", &format!("404|m|{LONG}"));
    assert_eq!(error((404, "m")), short);
    assert_eq!(error((404, String::from("m"))), short);
    assert_eq!(error((404, std::borrow::Cow::Borrowed("m"))), short);
    assert_eq!(error((HTTPStatus::NOT_FOUND, "m")), short);
    assert_eq!(error((http::StatusCode::NOT_FOUND, "m")), short);
    let long = texts(404, "m", "404|m|e");
    assert_eq!(error((404, "m", "e")), long);
    assert_eq!(error((404, String::from("m"), String::from("e"))), long);
    assert_eq!(error((HTTPStatus::NOT_FOUND, "m", String::from("e"))), long);
    assert_eq!(error((http::StatusCode::NOT_FOUND, "m", "e")), long);
}

#[test]
fn send_error_of_a_code_that_nobody_knows() {
    assert_eq!(error(999), texts(999, "???", "999|???|???"));
    assert_eq!(
        error((999, "Short Message", "a \n b")),
        texts(999, "Short Message", "999|Short Message|a \n b")
    );
    assert_eq!(error(http::StatusCode::from_u16(599).unwrap()), texts(599, "???", "599|???|???"));
}

#[test]
fn send_error_escapes_for_html() {
    let found = error((400, "<b>&\"'", "1 < 2 > 0 & x"));
    assert_eq!(found, texts(400, "<b>&\"'", "400|&lt;b&gt;&amp;\"'|1 &lt; 2 &gt; 0 &amp; x"));
}

#[test]
fn send_error_is_complete() {
    let response = one(|handler| handler.send_error(404));
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    for name in ["server", "date", "connection", "content-type", "content-length"] {
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}: {names:?}");
    }
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(response.header("content-length"), Some(&*response.body.len().to_string()));
    assert!(!response.stays_open);
}

#[test]
fn send_error_without_a_page() {
    for code in [204, 205, 304] {
        let response = one(move |handler| handler.send_error(code));
        assert_eq!(response.status, code);
        assert!(response.body.is_empty());
        for name in ["content-type", "content-length", "transfer-encoding"] {
            assert_eq!(response.header(name), None, "{code}");
        }
        assert_eq!(response.header("connection"), Some("close"));
    }
    for code in [101, 102] {
        let output = go(GET, move |handler| handler.send_error(code)).output;
        let text = String::from_utf8(output).unwrap();
        assert!(text.starts_with(&format!("HTTP/1.1 {code} ")), "{text}");
        assert!(text.ends_with("\r\n\r\n") && !text.contains("Content-"), "{text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    }
}

#[test]
fn send_error_drops_what_was_begun() {
    let response = one(|handler| {
        handler.send_response((200, "Begun"));
        handler.send_header("X-Begun", "yes");
        handler.end_headers()?;
        handler.wfile.write_all(b"begun")?;
        handler.send_error(404)
    });
    assert_eq!(response.status, 404);
    assert_eq!(response.header("x-begun"), None);
    assert_eq!(response.text(), "404|Not Found|Nothing matches the given URI");
}

#[test]
fn send_error_after_the_response_went_out_is_invalid_input() {
    let run = go(GET, |handler| {
        handler.send_response(200);
        handler.end_headers()?;
        handler.wfile.write_all(b"begun ")?;
        handler.wfile.flush()?;
        let error = handler.send_error(404).unwrap_err();
        write!(handler.wfile, "{:?}", error.kind())
    });
    assert_eq!(run.responses.len(), 1);
    assert_eq!((run.responses[0].status, &*run.responses[0].text()), (200, "begun InvalidInput"));
}

#[test]
fn send_error_with_a_message_that_no_status_line_holds() {
    // The page has it, and the status line has the standard one.
    for message in ["a\r\nX: y", "\u{2603}"] {
        let response = one(move |handler| handler.send_error((404, message)));
        assert_eq!((response.status, &*response.reason), (404, "Not Found"));
        assert_eq!(response.header("x"), None);
        assert_eq!(response.text(), format!("404|{message}|Nothing matches the given URI"));
    }
}

#[test]
fn send_error_405_lists_the_other_methods() {
    // RFC 9110 section 15.5.6: a 405 has Allow. HEAD is answered by the same method that does not allow GET.
    struct Other {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Other {
        fn do_GET(&self) -> io::Result<()> {
            self.send_error(405)
        }
        fn do_PUT(&self) -> io::Result<()> {
            self.send_error(405)
        }
        fn do_DELETE(&self) {
            self.send_response(204);
        }
    }
    for (method, others) in [("GET", "PUT, DELETE"), ("HEAD", "PUT, DELETE"), ("PUT", "GET, HEAD, DELETE")] {
        let run = run(|base| Other { base }, [format!("{method} / HTTP/1.0\r\n\r\n")]);
        assert_eq!(run.responses[0].header("allow"), Some(others), "{method}");
    }
}

#[test]
fn send_response_in_all_forms() {
    fn reason(code: impl ResponseCode + Clone + 'static) -> (u16, String) {
        let response = one(move |handler| {
            handler.send_response(code.clone());
            handler.end_headers()
        });
        (response.status, response.reason)
    }
    assert_eq!(reason(200), (200, "OK".to_owned()));
    assert_eq!(reason(HTTPStatus::CREATED), (201, "Created".to_owned()));
    assert_eq!(reason(http::StatusCode::ACCEPTED), (202, "Accepted".to_owned()));
    assert_eq!(reason((200, "Lovely Spam")), (200, "Lovely Spam".to_owned()));
    assert_eq!(reason((999, String::from("Own"))), (999, "Own".to_owned()));
    assert_eq!(reason((200, "")), (200, String::new()));
}

#[test]
fn a_code_without_a_phrase_keeps_the_blank() {
    let run = go(GET, |handler| {
        handler.send_response(999);
        handler.end_headers()
    });
    assert!(run.output.starts_with(b"HTTP/1.1 999 \r\n"));
}

#[test]
fn send_response_only_sends_the_status_line() {
    let run = go(GET, |handler| {
        handler.send_response_only((200, "Only"));
        handler.end_headers()
    });
    assert_eq!(run.output, b"HTTP/1.1 200 Only\r\nContent-Length: 0\r\n\r\n");
    assert!(run.log.is_empty());
}

#[test]
fn send_header_takes_what_can_be_displayed() {
    let response = one(|handler| {
        handler.send_response(200);
        handler.send_header("X-Text", "text");
        handler.send_header("X-String", String::from("string"));
        handler.send_header("X-Number", 17);
        handler.send_header("X-Float", 1.5);
        handler.send_header("X-Address", handler.client_address());
        handler.send_header("X-Format", format_args!("{}-{}", 1, 2));
        handler.send_header("X-Same", "1");
        handler.send_header("x-same", "2");
        handler.send_header("X-Empty", "");
        handler.end_headers()
    });
    let all: Vec<_> =
        response.headers.iter().filter(|field| field.0.to_ascii_lowercase().starts_with("x-")).collect();
    let wanted = [
        ("X-Text", "text"),
        ("X-String", "string"),
        ("X-Number", "17"),
        ("X-Float", "1.5"),
        ("X-Address", "127.0.0.1:54321"),
        ("X-Format", "1-2"),
        ("X-Same", "1"),
        ("x-same", "2"),
        ("X-Empty", ""),
    ];
    assert_eq!(all, wanted);
}

#[test]
fn send_header_connection_sets_close_connection() {
    let response = one(|handler| {
        handler.send_response(200);
        handler.send_header("Connection", "close");
        assert!(handler.close_connection());
        handler.send_header("X", handler.close_connection());
        handler.end_headers()
    });
    assert_eq!((response.header("x"), response.stays_open), (Some("true"), false));
}

#[test]
fn nothing_goes_out_before_end_headers() {
    // Python's test of its header buffer, from outside: a response that is begun and dropped leaves no byte.
    let run = go(GET, |handler| {
        handler.send_response((200, "Begun"));
        handler.send_header("Foo", "foo");
        handler.flush_headers()?;
        handler.send_error(418)
    });
    assert!(run.output.starts_with(b"HTTP/1.1 418 "));
}

#[test]
fn end_headers_sends_the_blank_line() {
    let run = go(GET, |handler| {
        handler.send_response_only(204);
        handler.send_header("Foo", "foo");
        handler.send_header("bar", "bar");
        handler.end_headers()
    });
    assert_eq!(run.output, b"HTTP/1.1 204 No Content\r\nFoo: foo\r\nbar: bar\r\n\r\n");
}

#[test]
fn http_status() {
    assert_eq!(HTTPStatus::NOT_FOUND, 404);
    assert_eq!(HTTPStatus::from(404), HTTPStatus::NOT_FOUND);
    assert_eq!(u16::from(HTTPStatus::NOT_FOUND), 404);
    assert_eq!(HTTPStatus::NOT_FOUND.code(), 404);
    assert_eq!(HTTPStatus::NOT_FOUND.to_string(), "404");
    assert_eq!(HTTPStatus::new(999).phrase(), None);
    assert_eq!(HTTPStatus::new(999).description(), None);
    assert!(HTTPStatus::OK < HTTPStatus::NOT_FOUND);
}
