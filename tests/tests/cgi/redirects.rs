//! `Location`: RFC 3875 section 6.2.

use crate::stage::Stage;

#[test]
fn an_absolute_one_is_the_clients() {
    let response = Stage::with("printf 'Location: http://host/a?b\\n\\n'").response();
    assert_eq!((response.status, response.header("location")), (302, Some("http://host/a?b")));
    let response = Stage::with("printf 'Status: 301 Gone there\\nLocation: /a\\n\\nbody'").response();
    assert_eq!((response.status, response.header("location"), &*response.text()), (301, Some("/a"), "body"));
}

#[test]
fn a_path_is_the_servers() {
    let stage = Stage::with("printf 'Location: /page.txt\\n\\nnot this'");
    stage.file("page.txt", "the page");
    let response = stage.response();
    assert_eq!((response.status, &*response.text()), (200, "the page"));
    let head = stage.request("HEAD", "/cgi-bin/script", "");
    assert_eq!((head.header("content-length"), head.body.len()), (Some("8"), 0));
    // Only the first script gets the body; then the method is GET.
    stage.script("cgi-bin/second", "echo A: $REQUEST_METHOD $CONTENT_LENGTH.$QUERY_STRING; echo; cat");
    stage.script("cgi-bin/script", "cat >/dev/null; printf 'Location: /cgi-bin/second?q\\n\\n'");
    let response = stage.ask("POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!((response.header("a"), &*response.text(), response.stays_open), (Some("GET .q"), "", true));
    // A missing file stays missing.
    stage.script("cgi-bin/script", "printf 'Location: /nothing\\n\\n'");
    assert_eq!(stage.response().status, 404);
}

/// The result of a script's `Location`.
fn location(says: &str, target: &str) -> (u16, String) {
    let stage = Stage::with(&format!("cat <<'END'\n{says}\n\nEND\n"));
    let response = stage.get(target);
    (response.status, response.header("location").unwrap_or_default().to_owned())
}

#[test]
fn a_relative_one_is_resolved_against_the_script() {
    for (reference, wanted) in [
        ("other.html", "/cgi-bin/other.html"),
        ("./other.html", "/cgi-bin/other.html"),
        ("?done=1", "/cgi-bin/script?done=1"),
        ("../up", "/up"),
        ("..", "/"),
        ("../../../up", "/up"),
        ("#there", "/cgi-bin/script?q=1#there"),
        ("script/a?b#c", "/cgi-bin/script/a?b#c"),
        // Not another host, as browsers would read them.
        ("..//host/a", "/host/a"),
        ("\\\\host/a", "/cgi-bin/%5C%5Chost/a"),
        ("a b", "/cgi-bin/a%20b"),
    ] {
        let wanted = wanted.to_owned();
        let field = format!("Location: {reference}");
        assert_eq!(location(&field, "/cgi-bin/script?q=1"), (302, wanted.clone()), "{reference}");
        let field = format!("Status: 303 Go\nLocation: {reference}");
        assert_eq!(location(&field, "/cgi-bin/script?q=1"), (303, wanted), "{reference}");
    }
    // What follows the script is part of its URL, however the request spells it: RFC 3875 section 3.3.
    for target in [
        "/cgi-bin/script/a%20%3F/b",
        "//x/..//cgi-bin/./script/a%20%3F/c/../b",
        "/%63gi-bin/script/a%20%3F/b",
    ] {
        assert_eq!(
            location("Location: ?x", target),
            (302, "/cgi-bin/script/a%20%3F/b?x".to_owned()),
            "{target}"
        );
        assert_eq!(location("Location: ../x", target), (302, "/cgi-bin/script/x".to_owned()), "{target}");
    }
    let odd = location("Location: x", "/a/..//host/%2e%2e/cgi-bin/../cgi-bin/script");
    assert_eq!(odd, (302, "/cgi-bin/x".to_owned()));
}

#[test]
fn after_a_redirect_inside_it_is_the_second_scripts() {
    let stage = Stage::with("printf 'Location: /htbin/second?q\n\n'");
    for head in ["", "Status: 302 Found\\n"] {
        stage.script("htbin/second", &format!("printf '{head}Location: other\n\n'"));
        let response = stage.response();
        assert_eq!((response.status, response.header("location")), (302, Some("/htbin/other")), "{head}");
    }
}

#[test]
fn circles_have_an_end() {
    let stage = Stage::with("printf 'Location: /cgi-bin/script\\n\\n'");
    assert_eq!(stage.response().status, 502);
    assert!(stage.log.has("redirects in a loop"));
}

#[test]
fn anything_else_is_502() {
    for location in ["//host/a", "", "/a b", "1a:b", "///host"] {
        let stage = Stage::with(&format!("printf 'Location: {location}\\n\\n'"));
        assert_eq!(stage.response().status, 502, "{location}");
        assert!(stage.log.has("bad Location in its head"), "{location}: {:?}", stage.log.lines());
    }
}

#[test]
fn a_redirect_shows_no_source() {
    let stage = Stage::with("printf 'Location: /cgi-bin/./second\\n\\n'");
    stage.script("cgi-bin/second", "printf 'A: b\\n\\nran'");
    assert_eq!(stage.response().text(), "ran");
}
