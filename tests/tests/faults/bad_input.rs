//! Requests that are refused: a clear answer if one can be framed, one log line with the reason, in addition to the usual
//! one for the request, and no effect on anything else in the server. A client cannot make a line long, or put control
//! characters into it (see `check_log`).

use crate::scene::{Fault, Scene, post};

pub(crate) const FAULTS: &[Fault] = &[
    Fault::new("bad-request-line-too-long", |scene| {
        refused(scene, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(70_000)), 414, "");
    })
    .with(ALL),
    Fault::new("bad-a-megabyte-without-a-line-end", |scene| {
        refused(scene, &"x".repeat(1 << 20), 414, "");
    })
    .with(ALL),
    Fault::new("bad-version-of-60-KiB", |scene| {
        refused(scene, &format!("GET / HTTP/{}\r\n", "1".repeat(60 << 10)), 400, "Bad request version");
    })
    .with(ALL),
    Fault::new("bad-request-line-of-60-KiB", |scene| {
        refused(scene, &format!("GET / {0} {0}\r\n", "\x1b".repeat(30 << 10)), 400, "Bad request");
    })
    .with(ALL),
    Fault::new("bad-method-of-60-KiB", |scene| {
        let request = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "X".repeat(60 << 10));
        refused(scene, &request, 501, "Unsupported method");
    })
    .with(ALL),
    Fault::new("bad-control-characters-in-the-target", |scene| {
        refused(scene, "GET /\x1b[2J\0\x7f\r\n HTTP/1.1\r\nHost: a\r\n\r\n", 400, "Bad request");
    })
    .with(ALL),
    Fault::new("bad-control-characters-in-a-field", |scene| {
        refused(scene, "GET / HTTP/1.1\r\nHost: a\r\nA: \x1b[2J\0\r\n\r\n", 400, "");
    })
    .with(ALL),
    Fault::new("bad-head-too-long", |scene| {
        refused(scene, &format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "x".repeat(70_000)), 431, "");
    })
    .with(ALL),
    Fault::new("bad-too-many-fields", |scene| {
        refused(scene, &format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(200)), 431, "");
    })
    .with(ALL),
    Fault::new("bad-lengths-that-differ", |scene| {
        refused(scene, &post("/", 4).replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhalf"), 400, "");
    })
    .with(ALL),
    Fault::new("bad-length-and-coding", |scene| {
        let head = post("/", 4).replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
        refused(scene, &(head + "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "");
    })
    .with(ALL),
    Fault::new("bad-chunk-size", |scene| {
        scene.logs("do_POST: Bad chunk size (bad-chunk-size)", CLIENTS);
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        refused(scene, &format!("{head}-1\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "");
    })
    .with(ALL),
    Fault::new("bad-flood-of-chunk-extensions", |scene| {
        scene.logs("do_POST: Chunk size line too long (chunk-line-too-long)", CLIENTS);
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;";
        refused(scene, &format!("{head}{}\r\nx\r\n0\r\n\r\n", "x".repeat(100_000)), 400, "");
    })
    .with(ALL),
    Fault::new("bad-TLS-to-a-plain-port", |scene| {
        refused(scene, "\x16\x03\x01\x02\0\x01\0\x01\u{1c}\x03\x03\n\r\n", 400, "Bad request");
    })
    .with(ALL),
    Fault::new("bad-HTTP-2-preface", |scene| {
        refused(scene, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "Invalid HTTP version (2.0)");
    })
    .with(ALL),
    Fault::new("bad-something-else-than-HTTP", |scene| {
        refused(scene, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 400, "Bad");
    })
    .with(ALL),
];

const ALL: &[&str] = &["log_requests", "1"];

const CLIENTS: usize = 30;

fn refused(scene: &mut Scene, request: &str, status: u16, why: &str) {
    let mut clients = scene.clients(CLIENTS);
    for client in &mut clients {
        client.send(request);
    }
    scene.check_service();
    for client in &mut clients {
        let response = client.response();
        assert_eq!(response.status, status);
        assert_eq!(response.field("connection"), Some("close"));
        assert!(response.status_line.len() < 1000, "{} bytes of a status line", response.status_line.len());
        assert_eq!(scene.end_of(client), "closed", "{}", response.status_line);
        scene.saw(status);
    }
    scene.logs(&format!("code {status}, message {why}"), CLIENTS);
    scene.logs(&format!("\" {status} -"), CLIENTS);
    // From the clients that are served.
    scene.may_log("\"GET / HTTP/1.1\" 200 -", 0, 1000);
}
