//! A script's output, and the resulting response.

use basehttp_tests::client::Client;

use crate::stage::Stage;

fn says(text: &str) -> Stage {
    Stage::with(&format!("printf '{text}'"))
}

#[test]
fn without_a_status_it_is_200() {
    let response = says("Content-Type: text/x\\n\\nbody").response();
    assert_eq!((response.status, &*response.reason), (200, "Script output follows"));
    assert_eq!((response.header("content-type"), &*response.text()), (Some("text/x"), "body"));
    assert_eq!(response.header("content-length"), Some("4"));
    assert!(response.stays_open && response.header("date").is_some() && response.header("server").is_some());
}

#[test]
fn a_status_and_fields_are_passed_on() {
    let response =
        says("Status: 404 Not here\\r\\nX-A: 1\\r\\nSet-Cookie: a\\r\\nSet-Cookie: b\\r\\n\\r\\n").response();
    assert_eq!((response.status, &*response.reason), (404, "Not here"));
    assert_eq!(response.headers.get_all("set-cookie").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(says("Status: 404\\n\\n").response().reason, "Not Found");
    assert_eq!(says("Status: 204\\nContent-Length: 0\\n\\nbody").response().status, 204);
    let response = says("Status: 304\\nETag: \"a\"\\n\\n").response();
    assert_eq!((response.status, response.header("etag")), (304, Some("\"a\"")));
}

#[test]
fn framing_is_the_servers() {
    let response =
        says("Transfer-Encoding: gzip\\nConnection: close\\nDate: x\\nServer: x\\nA: b\\n\\nbody").response();
    assert_eq!(&*response.text(), "body");
    // The server's own chunks are none of the script's business: a slow one has them.
    assert!(
        response.stays_open && response.header("transfer-encoding").is_none_or(|coding| coding == "chunked")
    );
    assert_eq!(response.headers.get_all("date").count(), 1);
    assert_ne!(response.header("server"), Some("x"));
}

#[test]
fn content_length_is_held_to() {
    let stage = says("Content-Length: 3\\n\\nbody");
    let response = stage.response();
    assert_eq!((&*response.text(), response.truncated, response.stays_open), ("bod", false, true));
    assert!(stage.log.has("more than its Content-Length"), "{:?}", stage.log.lines());
    let stage = says("Content-Length: 9\\n\\nbody");
    let response = stage.response();
    assert_eq!((response.status, response.truncated), (200, true), "{response:?}");
    assert!(stage.log.has("5 bytes of body are missing"), "{:?}", stage.log.lines());
    assert_eq!(says("Content-Length: +3\\n\\nbody").response().status, 502);
}

#[test]
fn what_is_no_response_is_502() {
    for text in [
        "",
        "\\n",
        "no head",
        "no colon\\n\\nbody",
        "A: b\\n",
        "Status: 1\\n\\n",
        "<html>\\n\\n",
        "HTTP/1.1 200 OK\\n\\n",
    ] {
        let stage = says(text);
        let response = stage.response();
        assert_eq!((response.status, &*response.reason), (502, "Bad response of CGI script"), "{text}");
        assert!(stage.log.has("/cgi-bin/script: "), "{text}: {:?}", stage.log.lines());
    }
}

#[test]
fn a_head_has_limits() {
    let heads = |count: usize| {
        Stage::with(&format!("for i in $(seq {count}); do echo A$i: b; done; echo; echo body"))
    };
    assert_eq!((heads(100).response().text(), heads(101).response().status), ("body\n".into(), 502));
    // The server stops reading long before this is complete.
    assert_eq!(Stage::with("exec yes aaaaaaaa").response().status, 502);
    assert_eq!(Stage::with("exec yes a: b").response().status, 502);
}

#[test]
fn a_field_cannot_break_the_head() {
    let response = says("A: b\\rX-Evil: 1\\n\\n").response();
    assert_eq!(response.status, 502);
}

#[test]
fn head_has_no_body() {
    let stage = Stage::with(
        "echo Content-Length: 1000000; echo Method: $REQUEST_METHOD; echo; head -c 1000000 /dev/zero",
    );
    let requests =
        "HEAD /cgi-bin/script HTTP/1.1\r\nHost: a\r\n\r\nGET /cgi-bin/script HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = stage.responses(requests);
    assert_eq!(
        (responses[0].header("method"), responses[0].header("content-length")),
        (Some("HEAD"), Some("1000000"))
    );
    assert!(responses[0].body.is_empty() && responses[0].stays_open, "{:?}", stage.log.lines());
    assert_eq!((responses[1].header("method"), responses[1].body.len()), (Some("GET"), 1_000_000));
}

/// The client has its whole response, or can see how it begins.
#[test]
fn a_head_is_sent_while_its_script_goes_on() {
    let go_on = "while [ ! -e go ]; do sleep 0.02; done; echo hi";
    for (head, method) in
        [("A: b", "GET"), ("A: b", "HEAD"), ("Content-Length: 3", "HEAD"), ("Status: 204", "GET")]
    {
        let stage = Stage::with(&format!("echo '{head}'; echo; {go_on}"));
        let server = stage.server();
        let mut client = Client::new(&server);
        client.send(format!("{method} /cgi-bin/script HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.read_up_to(b"\r\n\r\n");
        std::fs::write(stage.path("cgi-bin/go"), "").unwrap();
        if (head, method) == ("A: b", "GET") {
            client.read_up_to(b"hi\n\r\n0\r\n\r\n");
        }
        let next = client.ask("GET /cgi-bin/script HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(matches!(next.status, 200 | 204), "{head}, {method}");
    }
}

#[test]
fn a_long_response_is_whole() {
    let stage = Stage::with("echo A: b; echo; head -c 3000000 /dev/zero");
    assert_eq!(stage.response().body.len(), 3_000_000);
    let old = stage.ask("GET /cgi-bin/script HTTP/1.0\r\n\r\n");
    assert_eq!((old.body.len(), old.stays_open), (3_000_000, false));
}

#[test]
fn a_script_may_speak_for_itself() {
    let stage = Stage::new();
    stage.script(
        "cgi-bin/nph-a",
        "printf 'HTTP/1.0 201 Made\\r\\nX: y\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nbody'",
    );
    let response = stage.get("/cgi-bin/nph-a");
    assert_eq!((response.status, &*response.reason, &*response.text()), (201, "Made", "body"));
    // The framing is the server's, and the connection continues.
    assert_eq!(
        (response.version.as_str(), response.stays_open, response.header("server")),
        ("HTTP/1.1", true, None)
    );
    assert!(response.header("date").is_some() && response.header("transfer-encoding").is_none());
    stage.script("cgi-bin/nph-b", "printf 'A: b\\n\\nbody'");
    assert_eq!(stage.get("/cgi-bin/nph-b").status, 502);
}

#[test]
fn other_methods_are_a_line_of_the_handlers() {
    let stage = Stage::with("echo M: $REQUEST_METHOD; echo; cat");
    let response = stage.request("PUT", "/cgi-bin/script", "Content-Length: 0\r\n");
    assert_eq!(response.header("m"), Some("PUT"));
    assert_eq!(stage.request("DELETE", "/cgi-bin/script", "").status, 501);
}
