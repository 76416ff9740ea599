//! The class variables, set by a `const` in the block or by an argument of the attribute.

use std::io;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::{Response, TestServer, respond};
use basehttp::{DEFAULT_ERROR_CONTENT_TYPE, DEFAULT_ERROR_MESSAGE};
use basehttp_tests::client::Client;

use crate::GET;

/// A handler with the given class variables.
macro_rules! handler {
    ($name:ident, ($($arguments:tt)*), { $($variables:tt)* }) => {
        struct $name {
            base: BaseHTTPRequestHandler,
        }

        #[http_handler($($arguments)*)]
        impl $name {
            $($variables)*

            fn do_GET(&self) -> io::Result<()> {
                self.send_response(200);
                self.end_headers()
            }

            fn do_ERROR(&self) -> io::Result<()> {
                let code = self.path()[1..].parse().unwrap_or(400);
                self.send_error(HTTPStatus::new(code))
            }

            fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
        }

        impl $name {
            #[allow(dead_code, reason = "not every handler is asked")]
            fn ask(input: &str) -> Vec<Response> {
                respond(|base| Self { base }, input.as_bytes())
            }
        }
    };
}

handler!(Plain, (), {});

const ERROR: &str = "ERROR /404 HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn the_defaults_are_those_of_python() {
    assert!(Plain::server_version.starts_with("BaseHTTP/"));
    assert!(Plain::sys_version.starts_with("Rust/1."));
    assert_eq!(Plain::protocol_version, "HTTP/1.0");
    assert_eq!(Plain::default_request_version, "HTTP/0.9");
    assert_eq!(Plain::error_message_format, DEFAULT_ERROR_MESSAGE);
    assert_eq!(Plain::error_content_type, DEFAULT_ERROR_CONTENT_TYPE);
    assert!(Plain::error_content_type.starts_with("text/html"));
    assert_eq!(Plain::responses, HTTPStatus::RESPONSES);
    assert_eq!(Plain::timeout, None);
}

#[test]
fn server_version_and_sys_version() {
    handler!(Both, (), {
        const server_version: &str = "Hello/1.0";
        const sys_version: &str = "Sys/2 More/3";
    });
    assert_eq!(Both::ask(GET)[0].header("server"), Some("Hello/1.0 Sys/2 More/3"));
    assert_eq!(Both::ask(ERROR)[0].header("server"), Some("Hello/1.0 Sys/2 More/3"));
    let plain = format!("{} {}", Plain::server_version, Plain::sys_version);
    assert_eq!(Plain::ask(GET)[0].header("server"), Some(&*plain));
}

#[test]
fn server_version_made_at_compile_time() {
    handler!(Made, (), {
        const server_version: &str = concat!("Tests/", env!("CARGO_PKG_VERSION"));
        const sys_version: &str = "";
    });
    assert_eq!(Made::ask(GET)[0].header("server"), Some(concat!("Tests/", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn protocol_version() {
    handler!(Persistent, (), {
        const protocol_version: &str = "HTTP/1.1";
    });
    let both = [GET, GET].concat();
    let responses = Persistent::ask(&both);
    assert_eq!((responses.len(), &*responses[0].version), (2, "HTTP/1.1"));
    let responses = Plain::ask(&both);
    assert_eq!((responses.len(), &*responses[0].version), (1, "HTTP/1.0"));
}

#[test]
fn default_request_version() {
    handler!(Assumes10, (), {
        const default_request_version: &str = "HTTP/1.0";
    });
    handler!(Assumes11, (), {
        const default_request_version: &str = "HTTP/1.1";
        const protocol_version: &str = "HTTP/1.1";
    });
    let response =
        |responses: &[Response]| (responses.len(), responses[0].status, responses[0].version.clone());
    assert_eq!(response(&Plain::ask("GET /\r\n")), (1, 0, "HTTP/0.9".to_owned()));
    assert_eq!(response(&Assumes10::ask("GET /\r\n")), (1, 200, "HTTP/1.0".to_owned()));
    assert_eq!(response(&Assumes11::ask("GET /\r\n")), (1, 200, "HTTP/1.1".to_owned()));
}

#[test]
fn error_message_format_and_error_content_type() {
    handler!(Custom, (), {
        const error_message_format: &str = "%(code)d|%(code)s|%(message)s|%(explain)s|100%%";
        const error_content_type: &str = "text/plain";
    });
    let responses = Custom::ask(ERROR);
    assert_eq!(responses[0].text(), "404|404|Not Found|Nothing matches the given URI|100%");
    assert_eq!(responses[0].header("content-type"), Some("text/plain"));
    assert_eq!(responses[0].header("content-length"), Some("52"));
}

#[test]
fn the_default_page_is_that_of_python() {
    let responses = Plain::ask(ERROR);
    let text = responses[0].text();
    assert!(text.starts_with("<!DOCTYPE HTML>\n<html lang=\"en\">\n"), "{text}");
    for line in [
        "<meta charset=\"utf-8\">",
        "<title>Error response</title>",
        "<h1>Error response</h1>",
        "<p>Error code: 404</p>",
        "<p>Message: Not Found.</p>",
        "<p>Error code explanation: 404 - Nothing matches the given URI.</p>",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(responses[0].header("content-type"), Some("text/html;charset=utf-8"));
}

#[test]
fn responses() {
    handler!(Other, (), {
        const responses: &[(u16, &str, &str)] =
            &[(404, "Gone Fishing", "Try again tomorrow"), (799, "Odd", "")];
        const error_message_format: &str = "%(message)s|%(explain)s";
    });
    let ask = |code: u16| {
        let responses = Other::ask(&format!("ERROR /{code} HTTP/1.1\r\nHost: a\r\n\r\n"));
        (responses[0].reason.clone(), responses[0].text().into_owned())
    };
    assert_eq!(ask(404), ("Gone Fishing".into(), "Gone Fishing|Try again tomorrow".into()));
    assert_eq!(ask(799), ("Odd".into(), "Odd|".into()));
    assert_eq!(ask(403).0, "Forbidden", "what the table lacks is looked up in the standard one");
    assert_eq!(ask(999), ("???".into(), "???|???".into()));
}

#[test]
fn the_table_of_responses_is_a_mapping_of_codes_to_two_texts() {
    let table = HTTPStatus::RESPONSES;
    assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0), "no code twice");
    for (code, short, long) in table {
        assert!((100..600).contains(code) && !short.is_empty() && !long.is_empty(), "{code}");
        assert_eq!(HTTPStatus::new(*code).phrase(), Some(*short));
        assert_eq!(HTTPStatus::new(*code).description(), Some(*long));
    }
    for (code, short) in
        [(200, "OK"), (404, "Not Found"), (418, "I'm a Teapot"), (505, "HTTP Version Not Supported")]
    {
        assert_eq!(HTTPStatus::new(code).phrase(), Some(short));
    }
}

#[test]
fn a_timeout_of_the_class() {
    struct Impatient {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Impatient {
        const timeout: Option<Duration> = Some(Duration::from_millis(20));
        fn do_POST(&self) -> io::Result<()> {
            self.rfile.read_to_end(&mut Vec::new()).map(drop)
        }
        fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
    }
    let server = TestServer::new(|base| Impatient { base });
    let mut client = Client::new(&server);
    let response = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    assert_eq!(response.status, 408);
    client.assert_closed();
}

#[test]
fn arguments_of_the_attribute() {
    handler!(
        Arguments,
        (
            server_version = "Args/1",
            sys_version = "",
            protocol_version = "HTTP/1.1",
            error_content_type = "text/plain",
            error_message_format = "%(code)d"
        ),
        {}
    );
    let responses = Arguments::ask(&[GET, ERROR].concat());
    assert_eq!(responses.len(), 2);
    assert_eq!(responses[0].header("server"), Some("Args/1"));
    assert_eq!(responses[1].header("content-type"), Some("text/plain"));
    assert_eq!(responses[1].text(), "404");
}

#[test]
fn the_base_field_can_have_another_name() {
    struct Other {
        conn: BaseHTTPRequestHandler,
    }
    #[http_handler(base = conn)]
    impl Other {
        fn do_GET(&self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()?;
            write!(self.wfile, "{}", self.conn.path())
        }
    }
    assert_eq!(respond(|conn| Other { conn }, b"GET /x HTTP/1.0\r\n\r\n")[0].text(), "/x");
}

#[test]
fn head_false_gives_the_501_of_python() {
    handler!(NoHead, (head = false), {});
    let responses = NoHead::ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((responses[0].status, &*responses[0].reason), (501, "Unsupported method ('HEAD')"));
    assert_eq!(responses[0].header("allow"), Some("GET, ERROR"));
    assert!(responses[0].body.is_empty());
    assert_eq!(Plain::ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")[0].status, 200);
}

#[test]
fn do_head_goes_before_do_get() {
    struct Heads {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Heads {
        fn do_GET(&self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()
        }
        fn do_HEAD(&self) -> io::Result<()> {
            self.send_response((200, "Head"));
            self.end_headers()
        }
    }
    let reason = |input: &str| respond(|base| Heads { base }, input.as_bytes())[0].reason.clone();
    assert_eq!(reason("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), "Head");
    assert_eq!(reason(GET), "OK");
}

#[test]
fn a_method_that_no_identifier_can_name() {
    struct Search {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Search {
        #[method("M-SEARCH")]
        fn search(&self) -> io::Result<()> {
            self.send_response((200, "Found it"));
            self.end_headers()
        }
        #[cfg(any())]
        fn do_NEVER(&self) -> io::Result<()> {
            compile_error!()
        }
        fn do_GET(&self) -> io::Result<()> {
            self.search()
        }
    }
    let ask = |input: &str| respond(|base| Search { base }, input.as_bytes()).remove(0);
    assert_eq!(ask("M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n").reason, "Found it");
    let refused = ask("NEVER / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((refused.status, refused.header("allow")), (501, Some("M-SEARCH, GET, HEAD")));
}
