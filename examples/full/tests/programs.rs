//! Every example as what it is, a program: started, talked to over a socket, and stopped.

#[path = "programs/api.rs"]
mod api;
#[path = "programs/chat.rs"]
mod chat;
#[path = "programs/everyday.rs"]
mod everyday;
#[path = "programs/live.rs"]
mod live;
#[path = "programs/login_redirect.rs"]
mod login_redirect;
#[path = "programs/program.rs"]
mod program;
#[path = "programs/proxy.rs"]
mod proxy;
#[path = "programs/tool_server.rs"]
mod tool_server;
#[path = "programs/webhook.rs"]
mod webhook;

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use program::*;
use tungstenite::Message;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::protocol::frame::coding::CloseCode;

#[test]
fn spam_has_methods_of_its_own() {
    let spam = Program::start("spam", &["0"]);
    let answer = spam.exchange(request("SPAM /"));
    check(&answer, "HTTP/1.1 200 OK", &["\r\nServer: Spam/1.0 ", "Wonderful Spam!\n"]);
    let answer = spam.exchange(request("M-SEARCH /"));
    check(&answer, "HTTP/1.1 200 Spam found", &["\r\nST: urn:example:spam\r\n"]);
    let answer = spam.exchange(request("EGGS /"));
    let allow = "\r\nAllow: GET, HEAD, SPAM, M-SEARCH\r\n";
    check(&answer, "HTTP/1.1 501 Unsupported method ('EGGS')", &[allow]);
    let answer = spam.exchange(request("HEAD /"));
    check(&answer, "HTTP/1.1 200 OK", &["\r\nContent-Length: 22\r\n"]);
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let log = spam.stop();
    assert!(log.lines().any(|line| line.ends_with("] \"SPAM / HTTP/1.1\" 200 -")), "{log}");
}

#[test]
fn state_is_shared_between_connections() {
    let state = Program::start("state", &["0"]);
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answers = state.exchange(format_args!("{get}{get}"));
    check(&answers, "HTTP/1.1 200 OK", &["Visit 1, number 1 of", "Visit 2, number 2 of"]);
    check(&state.exchange(get), "HTTP/1.1 200 OK", &["Visit 3, number 1 of"]);
    let reset = "POST /reset HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    check(&state.exchange(reset), "HTTP/1.1 303 See Other", &["\r\nLocation: /\r\n"]);
    check(&state.exchange(get), "HTTP/1.1 200 OK", &["Visit 1, number 1 of"]);
    check(&state.exchange(request("GET /favicon.ico")), "HTTP/1.1 404 Not Found", &[]);
}

#[test]
fn run_while_true_ends_when_its_condition_is_fulfilled() {
    let mut program = Program::start("run_while_true", &["0"]);
    check(&program.exchange(request("GET /")), "HTTP/1.0 404 Not the callback", &[]);
    assert!(program.child.try_wait().unwrap().is_none(), "it has ended without a code");
    check(&program.exchange(request("GET /callback?code=1234")), "HTTP/1.0 200 OK", &["Thank you."]);
    assert_eq!(program.line(), "the code is \"1234\"");
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn error_page_is_the_programs_own() {
    let mut program = Program::start("error_page", &["0"]);
    check(&program.exchange(request("GET /")), "HTTP/1.1 200 OK", &["Nothing is wrong here.\n"]);
    assert_eq!(program.line(), "127.0.0.1 \"GET / HTTP/1.1\" 200 -");
    let page = "<h1 style=\"width: 100%\">500</h1>\n<p>Internal Server Error: Server got itself in trouble\n";
    let own = ["\r\nContent-Type: text/html; charset=utf-8\r\n", page];
    check(&program.exchange(request("GET /fail")), "HTTP/1.1 500 Internal Server Error", &own);
    assert_eq!(program.line(), "127.0.0.1 do_GET: the database is on holiday");
    let answer = program.exchange(request("GET /wait"));
    check(&answer, "HTTP/1.1 799 Not Yet", &["<p>Not Yet: The page is being written\n"]);
    let answer = program.exchange(request("GET /<b>"));
    check(&answer, "HTTP/1.1 404 No such page", &["There is no /&lt;b&gt; here."]);
    let answer = program.exchange(request("BREW /"));
    check(
        &answer,
        "HTTP/1.1 501 Unsupported method ('BREW')",
        &["<title>Unsupported method ('BREW')</title>"],
    );
}

#[test]
fn echo_streams_chunks_and_trailers() {
    let echo = Program::start("echo", &["0"]);
    let answer = echo.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    check(
        &answer,
        "HTTP/1.1 200 OK",
        &["\r\nTransfer-Encoding: chunked\r\n", "\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
    );
    let answer = echo.exchange("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
    check(&answer, "HTTP/1.1 200 OK", &["\r\nContent-Length: 3\r\n", "\r\n\r\nabc"]);

    for expect in ["", "Expect: 100-continue\r\n"] {
        echo_streams(&echo, expect);
    }
}

fn echo_streams(echo: &Program, expect: &str) {
    let mut stream = echo.connect();
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{expect}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = BufReader::new(&stream);
    if !expect.is_empty() {
        assert_eq!(read_head(&mut answer), "HTTP/1.1 100 Continue\r\n\r\n");
    }
    (&stream).write_all(b"3\r\nabc\r\n").unwrap();
    check(&read_head(&mut answer), "HTTP/1.1 200 OK", &["\r\nTransfer-Encoding: chunked\r\n"]);
    // The body is not complete, and its first part is already sent back.
    let mut chunk = [0; 8];
    answer.read_exact(&mut chunk).unwrap();
    assert_eq!(&chunk, b"3\r\nabc\r\n");
    (&stream).write_all(b"0\r\nX-Sum: 6\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "a\r\n\nX-Sum: 6\n\r\n0\r\n\r\n");
}

#[test]
fn store_keeps_bodies_and_their_validators() {
    let store = Program::start("store", &["0", "30"]);
    let put = "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    check(&store.exchange(put), "HTTP/1.1 201 Created", &["\r\nETag: \"1\"\r\n"]);
    check(&store.exchange(put), "HTTP/1.1 204 No Content", &["\r\nETag: \"2\"\r\n"]);
    check(&store.exchange(request("GET /a")), "HTTP/1.1 200 OK", &["\r\n\r\nabc"]);
    let known = |etag| format!("GET /a HTTP/1.1\r\nHost: a\r\nIf-None-Match: {etag}\r\n\r\n");
    check(&store.exchange(known("\"1\"")), "HTTP/1.1 200 OK", &["\r\n\r\nabc"]);
    let answer = store.exchange(known("\"2\""));
    check(&answer, "HTTP/1.1 304 Not Modified", &["\r\nETag: \"2\"\r\n"]);
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    check(&store.exchange(request("HEAD /a")), "HTTP/1.1 200 OK", &["\r\nContent-Length: 3\r\n"]);
    check(&store.exchange(request("GET /")), "HTTP/1.1 200 OK", &["\r\n\r\na\n"]);
    check(&store.exchange(request("DELETE /a")), "HTTP/1.1 204 No Content", &[]);
    check(&store.exchange(request("DELETE /a")), "HTTP/1.1 404 Not Found", &[]);
    let allow = "\r\nAllow: GET, HEAD, PUT, DELETE, OPTIONS\r\n";
    for target in ["*", "/a"] {
        check(&store.exchange(request(&format!("OPTIONS {target}"))), "HTTP/1.1 204 No Content", &[allow]);
    }
    let long = "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 16777217\r\n\r\n";
    check(&store.exchange(long), "HTTP/1.1 413 Content Too Large", &["\r\nConnection: close\r\n"]);
    for number in 0..32 {
        check(&store.exchange(put.replace("/a", &format!("/{number}"))), "HTTP/1.1 201 Created", &[]);
    }
    check(&store.exchange(put), "HTTP/1.1 507 Full", &[]);
    let log = store.stop();
    let first = log.lines().next().unwrap_or_default();
    assert!(first.starts_with("127.0.0.1:") && first.ends_with(" \"PUT /a HTTP/1.1\" 201 -"), "{log}");
}

#[test]
fn message_class_is_a_header_map() {
    let greeter = Program::start("message_class", &["0"]);
    let answer = greeter.exchange("GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: de-AT, en\r\n\r\n");
    check(&answer, "HTTP/1.1 200 OK", &["\r\ncontent-language: de\r\n", "Grüß Gott\n"]);
    check(&greeter.exchange(request("GET /")), "HTTP/1.1 406 Send Accept-Language", &[]);
}

#[test]
fn cpython_suite_has_its_three_handlers() {
    let start = |handler| Program::start("cpython_suite", &["--port", "0", "--handler", handler]);
    let base = start("base");
    check(&base.exchange(request("TEST /")), "HTTP/1.1 204 No Content", &["\r\nConnection: close\r\n"]);
    check(&base.exchange(request("KEYERROR /")), "HTTP/1.1 999 ???", &["Error code: 999"]);
    check(&base.exchange(request("GET /")), "HTTP/1.1 501 Unsupported method ('GET')", &[]);
    check(&base.exchange(request("SEND_ERROR /404")), "HTTP/1.1 404 Not Found", &[]);
    assert_eq!(base.stop(), "");

    let data = start("data");
    let expect = "GET /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    let answer = data.exchange(format_args!("{expect}\r\n"));
    let fields = ["\r\nX-Path: /x\r\n", "\r\nX-Request-Headers: Host=a|Expect=100-continue\r\n"];
    check(&answer, "HTTP/1.1 100 Continue", &fields);
    let answer = data.exchange(format_args!("{expect}X-Reject-Expect: 1\r\n\r\n"));
    check(&answer, "HTTP/1.1 417 Expectation Failed", &[]);
    assert_eq!(data.exchange("GET /\r\n"), "<html><body>Data</body></html>\r\n");

    let logging = start("logging");
    check(&logging.exchange(request("ERROR /")), "HTTP/1.1 404 File not found", &[]);
    let log = logging.stop();
    let ends: Vec<_> = log.lines().filter_map(|line| line.split_once("] ")).map(|(_, end)| end).collect();
    assert_eq!(ends, ["code 404, message File not found", "\"ERROR / HTTP/1.1\" 404 -"], "{log}");
}

#[test]
fn cpython_suite_says_how_it_is_called() {
    for arguments in [&[][..], &["--port", "x"], &["--port", "0"], &["--port", "0", "--handler", "files"]] {
        let output = spawn("cpython_suite", arguments).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stderr.starts_with(b"usage: "), "{arguments:?}");
    }
}

#[test]
fn a_port_that_is_none_is_named() {
    let output = spawn("spam", &["spam"]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("127.0.0.1:spam"), "{text}");
}

/// The program, which always listens at port 8000. If the port is in use, it must end and name the address; its handler is
/// tested below in any case.
#[test]
fn hello_serves_at_port_8000() {
    if TcpListener::bind(("127.0.0.1", 8000)).is_err() {
        // Bypasses the capture of the test's output, which would hide that a part was skipped.
        let _ = writeln!(io::stderr(), "hello: port 8000 is taken here, so only its refusal is tested");
        let output = spawn("hello", &[]).wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains("127.0.0.1:8000"), "{text}");
        return;
    }
    let mut child = spawn("hello", &[]);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut hello = Program { child, stdout, port: 8000 };
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", hello.port)).is_err() {
        assert!(hello.child.try_wait().unwrap().is_none(), "hello has ended");
        assert!(Instant::now() < deadline, "hello does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    hello::check(|requests| hello.exchange(requests));
    let log = hello.stop();
    assert!(log.contains("hello: \"GET /there HTTP/1.1\" 200 -\n"), "{log}");
}

#[expect(dead_code, reason = "its main function is not called here")]
mod hello {
    include!("../../examples/hello.rs");

    #[test]
    fn handler() {
        let server = basehttp::testing::TestServer::new(|base| Hello { base, hits: 0 });
        check(|requests| String::from_utf8(server.exchange(requests.as_bytes()).unwrap()).unwrap());
    }

    pub(super) fn check(exchange: impl Fn(&str) -> String) {
        let get = "GET /there HTTP/1.1\r\nHost: a\r\n\r\n";
        let answers = exchange(&format!("{get}{get}"));
        let parts = [
            "\r\nServer: Hello/1.0 ",
            "\r\n\r\nHello 127.0.0.1, request 1 of this connection\n",
            "\r\n\r\nHello 127.0.0.1, request 2 of this connection\n",
        ];
        super::check(&answers, "HTTP/1.1 200 OK", &parts);
        let sum = exchange(&super::request("GET /add/2/40"));
        super::check(
            &sum,
            "HTTP/1.1 200 OK",
            &["\r\nContent-Type: text/plain; charset=utf-8\r\n", "\r\n\r\n42"],
        );
        let too_much = format!("GET /add/{}/1", i64::MAX);
        super::check(&exchange(&super::request(&too_much)), "HTTP/1.1 404 Not Found", &[]);
        super::check(&exchange(&super::request("SPAM /")), "HTTP/1.1 200 Lovely Spam", &[]);
    }
}

#[test]
fn websocket_shouts() {
    let program = Program::start("websocket", &["0"]);
    check(&program.exchange(request("GET /")), "HTTP/1.1 200 OK", &["new WebSocket"]);
    let old = format!(
        "GET /shout HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n{}{}",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", "Sec-WebSocket-Version: 8\r\n\r\n"
    );
    for refused in [request("GET /shout"), old] {
        let parts = ["\r\nUpgrade: websocket\r\n", "\r\nSec-WebSocket-Version: 13\r\n", "for WebSockets\n"];
        check(&program.exchange(refused), "HTTP/1.1 426 Upgrade Required", &parts);
    }

    let url = format!("ws://127.0.0.1:{}/shout", program.port);
    let (mut socket, response) = tungstenite::client(url.as_str(), program.connect()).unwrap();
    assert_eq!(response.status(), 101);
    for text in ["hello", "how are you?"] {
        socket.send(Message::text(text)).unwrap();
        assert_eq!(socket.read().unwrap(), Message::text(text.to_uppercase()));
    }
    socket.send(Message::Ping("x".into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong("x".into()));
    socket.close(None).unwrap();
    assert!(matches!(socket.read(), Ok(Message::Close(_))));

    let connect = || tungstenite::client(url.as_str(), program.connect()).unwrap().0;
    let (mut large, mut unmasked) = (connect(), connect());
    large.send(Message::text("x".repeat(65 * 1024))).unwrap();
    unmasked.get_mut().write_all(b"\x81\x01x").unwrap();
    for (socket, wanted) in [(&mut large, CloseCode::Size), (&mut unmasked, CloseCode::Protocol)] {
        match socket.read() {
            Ok(Message::Close(Some(close))) => assert_eq!(close.code, wanted),
            other => panic!("{other:?}"),
        }
    }

    let mut foreign = url.into_client_request().unwrap();
    foreign.headers_mut().insert("Origin", "http://evil.example".parse().unwrap());
    let refused = tungstenite::client(foreign, program.connect()).unwrap_err().to_string();
    assert!(refused.contains("403"), "{refused}");
    program.stop();
}

#[test]
fn test_double_has_seen_what_its_client_did() {
    let ended = spawn("test_double", &[]).wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let lines = String::from_utf8(ended.stdout).unwrap();
    let asked = ["GET /shaky\n".repeat(3), "GET /wrong\n".repeat(3), "GET /slow\n".to_owned()].concat();
    assert!(lines.ends_with(&format!("waits for a slow server\n{asked}")), "{lines}");
}

#[test]
fn compare_tells_where_two_servers_differ() {
    let (spam, echo) = (Program::start("spam", &["0"]), Program::start("echo", &["0"]));
    let [spam, echo] = [&spam, &echo].map(|program| format!("127.0.0.1:{}", program.port));
    let compare = |one: &str, other: &str| {
        let ended = spawn("compare", &[one, other]).wait_with_output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
    };
    assert_eq!(compare(&spam, &spam), (Some(0), "no differences\n".to_owned()));
    let (code, told) = compare(&spam, &echo);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("\n    status line: \"HTTP/1."), "{told}");
    assert!(told.ends_with(" requests are answered differently\n"), "{told}");
    assert_eq!(compare(&spam, "127.0.0.1:1").0, Some(2));
}
