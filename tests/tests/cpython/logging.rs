//! `RequestHandlerLoggingTestCase`, and the test of unprintable characters.

use basehttp::testing::run;

use crate::handlers::Logging;

fn log(request: &[u8]) -> Vec<String> {
    run(Logging::new, [request]).log.lines().map(str::to_owned).collect()
}

#[test]
fn test_get() {
    let lines = log(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept-Encoding: identity\r\n\r\n");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].ends_with("\"GET / HTTP/1.1\" 200 -"), "{lines:?}");
}

#[test]
fn test_err() {
    let lines = log(b"ERROR / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept-Encoding: identity\r\n\r\n");
    assert_eq!(lines.len(), 2);
    assert!(lines[0].ends_with("code 404, message File not found"), "{lines:?}");
    assert!(lines[1].ends_with("\"ERROR / HTTP/1.1\" 404 -"), "{lines:?}");
}

#[test]
fn test_unprintable_not_logged() {
    let lines = log(b"UNPRINTABLE / HTTP/1.0\r\n\r\n");
    let wanted = [
        "/foo",
        r"/\x1bbar\x00\x1b",
        "/spam a.",
        "/spam \\x1b\\x7f\\x9f\u{a0}beans.",
        r#""GET /foo\\b"ar\x07 HTTP/1.0""#,
    ];
    // And that of the request.
    assert_eq!(lines.len(), wanted.len() + 1, "{lines:?}");
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(line.ends_with(wanted), "{line:?}");
    }
    assert!(lines.iter().all(|line| line.chars().all(|c| !c.is_control())));
}

#[test]
fn unprintable_characters_of_a_request() {
    let text = log(b"GET /\x1bbar\x07\x9f HTTP/1.0\r\n\r\n").join("\n");
    assert!(!text.contains('\x1b') && !text.contains('\x07'));
    assert!(text.contains(r"\x1bbar\x07"), "{text}");
}
