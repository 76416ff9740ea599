//! `Location`: RFC 3875 section 6.2.

use crate::stage::Stage;

#[test]
fn an_absolute_one_is_the_clients() {
    let reply = Stage::with("printf 'Location: http://host/a?b\\n\\n'").reply();
    assert_eq!((reply.status, reply.header("location")), (302, Some("http://host/a?b")));
    let reply = Stage::with("printf 'Status: 301 Gone there\\nLocation: /a\\n\\nbody'").reply();
    assert_eq!((reply.status, reply.header("location"), &*reply.text()), (301, Some("/a"), "body"));
}

#[test]
fn a_path_is_the_servers() {
    let stage = Stage::with("printf 'Location: /page.txt\\n\\nnot this'");
    stage.file("page.txt", "the page");
    let reply = stage.reply();
    assert_eq!((reply.status, &*reply.text()), (200, "the page"));
    let head = stage.request("HEAD", "/cgi-bin/script", "");
    assert_eq!((head.header("content-length"), head.body.len()), (Some("8"), 0));
    // A body is for the first script alone, and the method is GET then.
    stage.script("cgi-bin/second", "echo A: $REQUEST_METHOD $CONTENT_LENGTH.$QUERY_STRING; echo; cat");
    stage.script("cgi-bin/script", "cat >/dev/null; printf 'Location: /cgi-bin/second?q\\n\\n'");
    let reply = stage.ask("POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!((reply.header("a"), &*reply.text(), reply.stays_open), (Some("GET .q"), "", true));
    // Not there is not there.
    stage.script("cgi-bin/script", "printf 'Location: /nothing\\n\\n'");
    assert_eq!(stage.reply().status, 404);
}

#[test]
fn circles_have_an_end() {
    let stage = Stage::with("printf 'Location: /cgi-bin/script\\n\\n'");
    assert_eq!(stage.reply().status, 502);
    assert!(stage.log.has("redirects in a circle"));
}

#[test]
fn anything_else_is_502() {
    for location in ["page.txt", "//host/a", "", "/a b", "?q"] {
        let reply = Stage::with(&format!("printf 'Location: {location}\\n\\n'")).reply();
        assert_eq!(reply.status, 502, "{location}");
    }
}

#[test]
fn a_redirect_shows_no_source() {
    let stage = Stage::with("printf 'Location: /cgi-bin/./second\\n\\n'");
    stage.script("cgi-bin/second", "printf 'A: b\\n\\nran'");
    assert_eq!(stage.reply().text(), "ran");
}
