//! The request's body on its way to a script.

use std::io::Write;
use std::thread;

use basehttp_tests::client::Client;
use basehttp_tests::wait_until;

use crate::stage::Stage;

/// Sends back what it gets, and the announced length.
const ECHO: &str = "echo Length: $CONTENT_LENGTH; echo; exec cat";

fn bytes(count: usize) -> Vec<u8> {
    (0..=250).cycle().step_by(7).take(count).collect()
}

fn post(body: &[u8]) -> Vec<u8> {
    let mut request =
        format!("POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    request.extend_from_slice(body);
    request
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut request =
        b"POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(1000) {
        write!(request, "{:x}\r\n", chunk.len()).unwrap();
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

#[test]
fn a_body_arrives_whole() {
    let stage = Stage::with(ECHO);
    for count in [1, 1000, 100_000, 1024 * 1024] {
        let body = bytes(count);
        let response = stage.ask(post(&body));
        assert_eq!(response.header("length"), Some(&*count.to_string()));
        assert!(response.body == body && !response.truncated, "{count}");
    }
}

#[test]
fn over_tcp_too_and_the_connection_goes_on() {
    let stage = Stage::with(ECHO);
    let server = stage.server();
    let mut client = Client::new(&server);
    // With more than it would drop of a body, the server cannot know in time that the connection may continue.
    for count in [10, 200_000, 3, 1024 * 1024] {
        let body = bytes(count);
        let mut stream = client.stream().try_clone().unwrap();
        let request = post(&body);
        let writer = std::thread::spawn(move || stream.write_all(&request));
        let response = client.response();
        writer.join().unwrap().unwrap();
        assert_eq!(response.status, 200);
        assert!(response.body == body, "{count}");
    }
}

#[test]
fn a_chunked_body_is_told_its_length() {
    let stage = Stage::with(ECHO);
    // Up to a megabyte is kept in memory, more on disk.
    for count in [0, 5, 200_000, 1 << 20, (1 << 20) + 1, 5_000_000] {
        let body = bytes(count);
        let response = stage.ask(chunked(&body));
        assert_eq!(response.header("length"), Some(&*count.to_string()));
        assert!(response.body == body, "{count}");
    }
}

#[test]
fn a_chunked_body_has_a_limit() {
    let mut stage = Stage::with("touch ran; echo; echo");
    stage.chunked_limit = Some(100_000);
    assert_eq!(stage.ask(chunked(&bytes(100_001))).status, 413);
    assert!(!stage.path("cgi-bin/ran").exists());
}

#[test]
fn a_chunked_body_on_the_disk_has_a_limit() {
    let mut stage = Stage::with("touch ran; echo Length: $CONTENT_LENGTH; echo; exec wc -c");
    stage.chunked_limit = Some(3 << 20);
    let response = stage.ask(chunked(&bytes((3 << 20) + 1)));
    assert_eq!((response.status, response.stays_open), (413, false));
    assert!(!stage.path("cgi-bin/ran").exists());
    assert_eq!(stage.ask(chunked(&bytes(3 << 20))).text(), "3145728\n");
    assert!(stage.path("cgi-bin/ran").exists());
}

#[test]
fn all_chunked_bodies_together_have_a_limit() {
    // More than a pipe holds, so that it is stored while its script does not read.
    let body = bytes(300_000);
    let stage = Stage::with("touch begun; while [ ! -e go ]; do sleep 0.02; done; echo A: b; echo; cat");
    thread::scope(|scope| {
        let first = scope.spawn(|| stage.ask(chunked(&body)));
        wait_until("the first is kept", || stage.path("cgi-bin/begun").exists());
        let mut other = Stage::with("touch ran; echo A: b; echo; cat");
        (other.chunked_limit, other.chunked_total) = (Some(400_000), Some(0));
        let response = other.ask(chunked(&body));
        assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
        assert!(!other.path("cgi-bin/ran").exists());
        std::fs::write(stage.path("cgi-bin/go"), "").unwrap();
        assert_eq!(first.join().unwrap().body, body);
    });
}

#[test]
fn what_of_a_chunked_body_is_wrong_is_told_before_the_script_runs() {
    let stage = Stage::with("touch ran; echo A: b; echo");
    let mut request = chunked(&bytes(2_000_000));
    request.truncate(request.len() - 5);
    assert_eq!(stage.ask(&request).status, 400);
    request.extend_from_slice(b"x\r\n");
    assert_eq!(stage.ask(&request).status, 400);
    assert!(!stage.path("cgi-bin/ran").exists());
}

#[test]
fn a_body_is_passed_on_as_it_is_encoded() {
    let stage =
        Stage::with("echo Encoding: $HTTP_CONTENT_ENCODING; echo Length: $CONTENT_LENGTH; echo; exec cat");
    let fields = "Content-Encoding: gzip\r\n";
    for request in [post(b"\x1f\x8b not looked into"), chunked(b"\x1f\x8b not looked into")] {
        let at = request.windows(2).position(|window| window == b"\r\n").unwrap() + 2;
        let response = stage.ask([&request[..at], fields.as_bytes(), &request[at..]].concat());
        assert_eq!((response.header("encoding"), response.header("length")), (Some("gzip"), Some("18")));
        assert_eq!(response.body, b"\x1f\x8b not looked into");
    }
}

#[test]
fn a_declared_length_costs_nothing() {
    // gh-119452: a body that has not arrived takes no memory, and one that does not arrive is an error.
    let stage = Stage::with(ECHO);
    let response =
        stage.ask("POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\nabc");
    // The script has sent its output when the client leaves.
    assert!(response.status == 400 || response.truncated, "{response:?}");
}

#[test]
fn a_script_need_not_read() {
    for script in ["echo a: b; echo; echo done", "exec <&-; echo a: b; echo; echo done"] {
        let stage = Stage::with(script);
        let response = stage.ask(post(&bytes(200_000)));
        assert_eq!(response.text(), "done\n", "{:?}", stage.log.lines());
        let chunked = stage.ask(chunked(&bytes(200_000)));
        assert_eq!(chunked.text(), "done\n");
    }
}

#[test]
fn a_script_may_say_everything_before_it_reads() {
    let stage = Stage::with("echo a: b; echo; head -c 1000000 /dev/zero; exec wc -c");
    let server = stage.server();
    let mut client = Client::new(&server);
    let mut stream = client.stream().try_clone().unwrap();
    let request = post(&bytes(1_000_000));
    let writer = std::thread::spawn(move || stream.write_all(&request));
    let response = client.response();
    writer.join().unwrap().unwrap();
    assert_eq!(response.body.len(), 1_000_000 + "1000000\n".len());
    assert!(response.body.ends_with(b"1000000\n"));
}

#[test]
fn a_script_is_heard_while_its_client_takes_its_time() {
    let stage = Stage::with("echo a: b; echo; echo first; exec cat");
    let server = stage.server();
    let mut client = Client::new(&server);
    let body = bytes(100_000);
    let request = post(&body);
    client.send(&request[..request.len() - 10]);
    client.read_up_to(b"first\n");
    client.send(&request[request.len() - 10..]);
    client.read_up_to(b"\r\n0\r\n\r\n");
}

#[test]
fn who_waits_for_100_is_told() {
    let stage = Stage::with(ECHO);
    let server = stage.server();
    let mut client = Client::new(&server);
    client.send(
        "POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.response().status, 100);
    assert_eq!(client.ask("abc").text(), "abc");
}

#[test]
fn files_take_no_body() {
    let stage = Stage::new();
    stage.file("page.html", "page");
    let response = stage.request("POST", "/page.html", "Content-Length: 0\r\n");
    assert_eq!((response.status, &*response.reason), (501, "Can only POST to CGI scripts"));
}
