//! The judges, judged: what each of them must find.

use basehttp_tests::strict::End;

use crate::referee::{Item, Mark, split};
use crate::requests;
use crate::verdict::{Bytes, Desync, Tally, number};

fn mark() -> Mark {
    Mark { name: "X-Edge", value: "m".to_owned() }
}

/// What the referee sees, in short.
fn seen(bytes: &str) -> Vec<String> {
    let show = |item: Item| match item {
        Item::Request(request) => {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            format!("{} {} {}", request.method, request.marks, body)
        }
        Item::Bad(why, _) | Item::BadBody(why, _) => why.to_owned(),
        Item::Incomplete(head) => format!("incomplete {}", head.is_some()),
    };
    split(bytes.as_bytes(), &mark()).into_iter().map(show).collect()
}

#[test]
fn the_referee_splits_requests_by_the_rfc() {
    let rows: &[(&str, &[&str])] = &[
        ("GET /1 HTTP/1.1\r\nX-Edge: m\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", &["GET 1 ", "GET 0 "]),
        (
            "\r\nPOST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\n\r\n",
            &["POST 0 ab", "GET 0 "],
        ),
        (
            "POST /1 HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nX-Edge: m\r\n\r\n",
            &["POST 0 ab"],
        ),
        ("POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", &["incomplete true"]),
        ("POST /1 HTTP/1.1\r\nContent-Le", &["incomplete false"]),
        (
            "POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            &["Transfer-Encoding beside Content-Length"],
        ),
        ("POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\nab", &["a Content-Length that is no number"]),
        (
            "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
            &["two fields Content-Length"],
        ),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", &["Transfer-Encoding in HTTP/1.0"]),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: x, chunked\r\n\r\n",
            &["a transfer coding other than chunked"],
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
            &["a chunk that does not end where its size says"],
        ),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n", &["a chunk size that is no number"]),
        (
            "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2 ; x = \"\\\"\" ;y\r\nab\r\n0\r\n\r\n",
            &["POST 0 ab"],
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;;\r\nab\r\n0\r\n\r\n",
            &["a malformed chunk extension"],
        ),
        (
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"a\\\"\r\nab\r\n0\r\n\r\n",
            &["a malformed chunk extension"],
        ),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\n", &["a chunk size that is no number"]),
        ("GET / HTTP/1.1\nX: y\r\n\r\n", &["a bare LF"]),
        ("GET / HTTP/1.1\r\nX: y\rZ: a\r\n\r\n", &["a bare CR"]),
        ("GET / HTTP/1.1\r\nX: y\r\n z\r\n\r\n", &["a folded line"]),
        ("GET / HTTP/1.1\r\nX : y\r\n\r\n", &["a field name that is no token"]),
        ("GET / HTTP/1.1\r\nX\r\n\r\n", &["a field without a colon"]),
        ("GET  / HTTP/1.1\r\n\r\n", &["a request line that is not of three parts"]),
        ("GET / HTTP/2.0\r\n\r\n", &["another version"]),
    ];
    for (bytes, wanted) in rows {
        assert_eq!(seen(bytes), *wanted, "{bytes:?}");
    }
}

fn judge(up: &str, down: &str) -> Result<Tally, Desync> {
    let bytes = Bytes { up: up.into(), down: down.into() };
    let mut tally = Tally::default();
    bytes.judge(&mark(), End::Closed, &mut tally).map(|()| tally)
}

/// A response of the server under test.
fn response(status: u16, said: &str, fields: &str, body: &str) -> String {
    let served = if said.is_empty() { String::new() } else { format!("X-Served: {said}\r\n") };
    format!("HTTP/1.1 {status} OK\r\n{served}{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

const ONE: &str = "GET /q/1 HTTP/1.1\r\nHost: a\r\nX-Edge: m\r\n\r\n";
const TWO: &str = "POST /q/2 HTTP/1.1\r\nHost: a\r\nX-Edge: m\r\nContent-Length: 2\r\n\r\nab";

#[test]
fn what_agrees_is_counted() {
    let down = response(200, "GET 1", "", "GET 1\n") + &response(200, "POST 2", "", "POST 2\nab");
    let tally = judge(&[ONE, TWO].concat(), &down).expect("no desync");
    assert_eq!((tally.served, tally.unanswered, tally.incomplete), (2, 0, 0));
    let tally =
        judge("GET / HTTP/1.1\nX: y", &response(400, "", "Connection: close\r\n", "no")).expect("no desync");
    assert_eq!((tally.bad.get("a bare LF"), tally.refused.get(&400)), (Some(&1), Some(&1)));
    // After a response that closes, the rest need not be answered.
    let tally = judge(&[ONE, TWO].concat(), &response(200, "GET 1", "Connection: close\r\n", "GET 1\n"));
    assert_eq!(tally.expect("no desync").unanswered, 1);
    // So may a server do that refuses extensions or trailer fields after an early answer, but only then.
    let extras = |place: &str, body: &str| {
        let head = format!("POST /{place}/1 HTTP/1.1\r\nX-Edge: m\r\nTransfer-Encoding: chunked\r\n\r\n");
        let down = response(200, "POST 1", "", "POST 1\n");
        judge(&format!("{head}{body}{TWO}"), &down).map(|tally| tally.unanswered)
    };
    let missing = || Err(Desync::Server("a complete request without a response".to_owned()));
    for body in ["0\r\nHost: b\r\n\r\n".to_owned(), format!("0;{}\r\n\r\n", "a".repeat(20_000))] {
        assert_eq!((extras("early", &body), extras("q", &body)), (Ok(1), missing()), "{body:?}");
    }
    for body in ["0\r\n\r\n", "0;a\r\n\r\n", "0\r\nX-A: b\r\n\r\n"] {
        assert_eq!(extras("early", body), missing(), "{body:?}");
    }
}

#[test]
fn each_kind_of_desync_is_found() {
    let unmarked = "GET /q/1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let swallowed = format!("POST /q/1 HTTP/1.1\r\nX-Edge: m\r\nContent-Length: {}\r\n\r\n{ONE}", ONE.len());
    let one = response(200, "GET 1", "", "GET 1\n");
    // What a server without a fault makes of it.
    let whole = response(200, "POST 1", "", &format!("POST 1\n{ONE}"));
    let rows = [
        // The proxy's.
        (unmarked, one.clone(), Desync::Proxy("a request that the proxy does not know of".to_owned())),
        (&*swallowed, whole, Desync::Proxy("a request of the proxy's inside a body".to_owned())),
        (
            &swallowed[..swallowed.len() - 1],
            String::new(),
            Desync::Proxy("a request of the proxy's inside a body".to_owned()),
        ),
        // The server's.
        (
            TWO,
            response(501, "", "X-Server: abPOST 2\r\nConnection: close\r\n", "no"),
            Desync::Server("refused `abPOST 2` for `POST`".to_owned()),
        ),
        (
            ONE,
            response(408, "", "Connection: close\r\n", "no"),
            Desync::Server("a 408 for a complete request".to_owned()),
        ),
        (
            "POST /early/1 HTTP/1.1\r\nX-Edge: m\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            response(200, "POST 1", "", "POST 1\n"),
            Desync::Server("served, though there is Transfer-Encoding beside Content-Length".to_owned()),
        ),
        (
            ONE,
            one.clone() + &one,
            Desync::Server("a malformed response: bytes behind the last response".to_owned()),
        ),
        (ONE, String::new(), Desync::Server("a complete request without a response".to_owned())),
        (ONE, response(200, "GET 7", "", "GET 7\n"), Desync::Server("served `GET 7` for `GET 1`".to_owned())),
        (
            ONE,
            response(200, "POST 1", "", "POST 1\n"),
            Desync::Server("served `POST 1` for `GET 1`".to_owned()),
        ),
        (
            TWO,
            response(200, "POST 2", "", "POST 2\na"),
            Desync::Server("another body was read than sent".to_owned()),
        ),
        (
            &TWO[..TWO.len() - 1],
            response(200, "POST 2", "", "POST 2\na"),
            Desync::Server("served before the request was complete".to_owned()),
        ),
        (
            "GET /q/1 HTTP/1.1\nX-Edge: m\r\n\r\n",
            one,
            Desync::Server("served, though there is a bare LF".to_owned()),
        ),
        (
            "G@T\n",
            response(400, "", "", "no"),
            Desync::Server("after a bare LF the connection is kept".to_owned()),
        ),
    ];
    for (up, down, wanted) in rows {
        assert_eq!(judge(up, &down).err(), Some(wanted), "{up:?} {down:?}");
    }
}

/// What follows a switch to another protocol is not read.
#[test]
fn a_tunnel_is_opaque() {
    let up = "GET /up/1 HTTP/1.1\r\nHost: a\r\nX-Edge: m\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nGET /q/2 HTTP/1.1\r\n\r\n";
    let down = "HTTP/1.1 101 Switching Protocols\r\nX-Served: GET 1\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nanything";
    assert_eq!(judge(up, down).expect("no desync").served, 1);
}

#[test]
fn bytes_are_forgotten_only_if_they_are_balanced() {
    let one = response(200, "GET 1", "", "GET 1\n");
    let balanced = |up: &str, down: &str| Bytes { up: up.into(), down: down.into() }.are_balanced(&mark());
    assert!(balanced(ONE, &one));
    assert!(!balanced(ONE, &one[..one.len() - 1]));
    assert!(!balanced(&[ONE, "G"].concat(), &one));
    assert!(!balanced(&[ONE, TWO].concat(), &one));
    assert!(!balanced(ONE, &response(200, "GET 1", "Connection: close\r\n", "GET 1\n")));
}

#[test]
fn the_number_is_the_last_segment_of_the_path() {
    assert_eq!(number(b"/q/17?a=3#4"), Some(17));
    assert_eq!(number(b"http://edge/q/17"), Some(17));
    assert_eq!(number(b"/q/17%20"), None);
    assert_eq!(number(b"/q/1a"), None);
}

/// A case is made from its number alone, all kinds occur, and a clean case is one that the referee accepts.
#[test]
fn cases_are_repeatable_and_of_all_kinds() {
    let mut kinds = std::collections::BTreeSet::new();
    for number in 0..2000 {
        let (case, again) = (requests::case(5, number), requests::case(5, number));
        assert_eq!(case.parts, again.parts);
        kinds.extend(case.kinds.clone());
        if case.is_clean {
            let items = split(&case.parts.concat(), &mark());
            let whole = items.iter().filter(|item| matches!(item, Item::Request(_))).count();
            assert_eq!((whole, items.len()), (items.len(), usize::try_from(case.requests).expect("few")));
        }
    }
    assert_eq!(kinds.len(), 20, "{kinds:?}");
}
