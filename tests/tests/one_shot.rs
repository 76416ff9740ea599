//! A server for one request.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use basehttp::{OneShot, OneShotRequest, OneShotResponse};
use basehttp_tests::PATIENCE;

fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

fn get(port: u16, target: &str) -> String {
    ask(port, &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-A: b\r\n\r\n"))
}

fn port_of(listener: &OneShot) -> u16 {
    let url = listener.url("/");
    url.strip_prefix("http://127.0.0.1:").unwrap().trim_end_matches('/').parse().unwrap()
}

#[test]
fn the_first_that_matches_is_answered_and_ends_it() {
    let listener = OneShot::bind().unwrap();
    let port = port_of(&listener);
    assert_eq!(listener.url("/done"), format!("http://127.0.0.1:{port}/done"));
    let browser = thread::spawn(move || {
        let other = [
            get(port, "/favicon.ico"),
            get(port, "/done/x?code=1"),
            ask(port, "POST /done HTTP/1.0\r\nContent-Length: 0\r\n\r\n"),
            ask(port, "HEAD /done HTTP/1.0\r\n\r\n"),
            ask(port, "GET /done?code=2 HTTP/1.1\r\nHost: rebound.example\r\n\r\n"),
            ask(port, "what\r\n\r\n"),
        ];
        (other, get(port, "/done?code=a%20b&state=1"))
    });
    let request = listener.wait("/done", PATIENCE, "<p>Thanks: ä").unwrap();
    assert_eq!((request.path(), request.query()), ("/done", Some("code=a%20b&state=1")));
    assert_eq!((request.target(), request.headers().get("x-a")), ("/done?code=a%20b&state=1", Some("b")));
    assert!(!format!("{request:?}").contains("code"), "{request:?}");
    let (other, page) = browser.join().unwrap();
    let codes: Vec<_> = other.iter().map(|response| response.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!(codes, ["404", "404", "501", "501", "421", "400"]);
    assert!(page.starts_with("HTTP/1.0 200 OK\r\n"), "{page}");
    assert!(page.contains("\r\nReferrer-Policy: no-referrer\r\n"), "{page}");
    assert!(page.contains("\r\nCache-Control: no-store\r\n"), "{page}");
    assert!(page.ends_with("\r\n\r\n<p>Thanks: ä"), "{page}");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "it is gone");
}

#[test]
fn what_comes_before_the_wait_is_not_lost() {
    let listener = OneShot::bind().unwrap();
    let mut browser = TcpStream::connect((Ipv4Addr::LOCALHOST, port_of(&listener))).unwrap();
    browser.write_all(b"GET /?state=right HTTP/1.0\r\n\r\n").unwrap();
    let request =
        listener.wait_for(|request| request.query() == Some("state=right"), PATIENCE, "ok").unwrap();
    assert_eq!(request.path(), "/");
    let mut response = String::new();
    browser.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("ok"), "{response}");
}

#[test]
fn of_two_at_once_one_is_answered() {
    let listener = OneShot::bind().unwrap();
    let port = port_of(&listener);
    let browsers = ["/a", "/b"].map(|target| thread::spawn(move || get(port, target)));
    let both = Barrier::new(2);
    let matches = move |_: &OneShotRequest| {
        both.wait();
        true
    };
    let request = listener.wait_for(matches, PATIENCE, "ok").unwrap();
    let answered = browsers.map(|browser| browser.join().unwrap()).map(|response| response.ends_with("ok"));
    assert_eq!(answered, ["/a", "/b"].map(|target| target == request.path()));
}

#[test]
fn a_client_that_says_nothing_does_not_hold_it_up() {
    let listener = OneShot::bind().unwrap();
    let port = port_of(&listener);
    let _silent: Vec<_> = (0..10).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()).collect();
    let browser = thread::spawn(move || get(port, "/"));
    listener.wait("/", PATIENCE, "ok").unwrap();
    assert!(browser.join().unwrap().ends_with("ok"));
}

#[test]
fn the_deadline() {
    let listener = OneShot::bind().unwrap();
    let error = listener.wait("/", Duration::from_millis(20), "").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "no request came within 20ms");
}

#[test]
fn what_came_instead_is_counted() {
    let listener = OneShot::bind().unwrap();
    let port = port_of(&listener);
    // It arrives before the deadline begins, and is answered although the deadline may be over.
    let mut browser = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    browser.write_all(b"GET /favicon.ico HTTP/1.0\r\n\r\n").unwrap();
    let error = listener.wait("/done", Duration::from_millis(20), "ok").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "the request did not come within 20ms (other requests: 1)");
    let mut response = String::new();
    browser.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.0 404 "), "{response}");
}

#[test]
fn a_path_for_which_none_can_come_is_refused() {
    for path in ["", "done", "/done?code=1"] {
        let error = OneShot::bind().unwrap().wait(path, PATIENCE, "ok").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path}");
    }
}

#[test]
fn a_response_that_cannot_be_sent_is_an_error() {
    for bad in [
        OneShotResponse::redirect("https://login.example/\u{2713}"),
        OneShotResponse::redirect("https://login.example/\r\nSet-Cookie: a=b"),
        OneShotResponse::redirect(""),
        OneShotResponse::page("ok").with_status(99),
        OneShotResponse::page("ok").with_status(100),
    ] {
        let listener = OneShot::bind().unwrap();
        let port = port_of(&listener);
        let browser = thread::spawn(move || get(port, "/done?code=1"));
        let told = format!("{bad:?}");
        let error = listener.answer(move |_| Some(bad.clone()), PATIENCE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{told}");
        let response = browser.join().unwrap();
        assert!(response.starts_with("HTTP/1.0 500 ") && !response.contains("Set-Cookie"), "{response}");
    }
}

#[test]
fn the_response_depends_on_the_request() {
    for (query, wanted) in [
        ("error=denied", ["HTTP/1.0 403 ", "\r\n\r\nfailed"]),
        ("code=1", ["HTTP/1.0 303 ", "\r\nLocation: https://login.example/welcome\r\n"]),
    ] {
        let listener = OneShot::bind().unwrap();
        let port = port_of(&listener);
        let browser = thread::spawn(move || {
            let icon = get(port, "/favicon.ico");
            (icon, get(port, &format!("/done?{query}")))
        });
        let answer = |request: &OneShotRequest| match request.query() {
            _ if request.path() != "/done" => None,
            Some("error=denied") => Some(OneShotResponse::page("failed").with_status(403)),
            _ => Some(OneShotResponse::redirect("https://login.example/welcome")),
        };
        let request = listener.answer(answer, PATIENCE).unwrap();
        assert_eq!(request.query(), Some(query));
        let (icon, response) = browser.join().unwrap();
        assert!(icon.starts_with("HTTP/1.0 404 "), "{icon}");
        assert!(response.starts_with(wanted[0]) && response.contains(wanted[1]), "{response}");
    }
}

#[test]
fn a_response_that_keeps_it_waiting() {
    let listener = OneShot::bind().unwrap();
    let port = port_of(&listener);
    let browser = thread::spawn(move || {
        ["/?state=other", "/", "/?state=other", "/?state=right"].map(|target| get(port, target))
    });
    let answer = |request: &OneShotRequest| match request.query()? {
        "state=right" => Some(OneShotResponse::page("right")),
        _ => Some(OneShotResponse::page("other").with_status(400).keep_waiting()),
    };
    assert_eq!(listener.answer(answer, PATIENCE).unwrap().query(), Some("state=right"));
    let responses = browser.join().unwrap();
    let codes = responses.each_ref().map(|response| response.split(' ').nth(1).unwrap_or_default());
    assert_eq!(codes, ["400", "404", "400", "200"]);
    assert!(responses[2].ends_with("\r\n\r\nother"), "{}", responses[2]);

    // One that cannot be sent does not end the wait: a stranger may have chosen what is in it.
    let listener = OneShot::bind().unwrap();
    let port = port_of(&listener);
    let browser = thread::spawn(move || ["/bad", "/done"].map(|target| get(port, target)));
    let answer = |request: &OneShotRequest| match request.path() {
        "/done" => Some(OneShotResponse::page("ok")),
        _ => Some(OneShotResponse::redirect("a\r\nb").keep_waiting()),
    };
    assert_eq!(listener.answer(answer, PATIENCE).unwrap().path(), "/done");
    let [bad, done] = browser.join().unwrap();
    assert!(bad.starts_with("HTTP/1.0 500 ") && done.starts_with("HTTP/1.0 200 "), "{bad}{done}");
}

#[test]
fn more_connections_than_a_browser_opens_do_not_keep_the_login_out() {
    let listener = OneShot::bind().unwrap();
    let port = port_of(&listener);
    let browser = thread::spawn(move || {
        let others: Vec<_> = (0..260).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
        let response = get(port, "/done");
        drop(others);
        response
    });
    listener.wait("/done", PATIENCE, "ok").unwrap();
    assert!(browser.join().unwrap().starts_with("HTTP/1.0 200 "));
}
