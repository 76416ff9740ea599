//! The server for tests of clients, as a client sees it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use basehttp::testing::{Gate, Scripted, TestDouble};
use basehttp_tests::client::Client;

const GET: &str = "GET /x?y HTTP/1.1\r\nHost: a\r\nX-Try: 1\r\n\r\n";

fn client(double: &TestDouble) -> Client {
    let stream = std::net::TcpStream::connect(double.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    Client::over(stream)
}

#[test]
fn answers_come_in_their_order_and_the_last_one_stays() {
    let double = TestDouble::new();
    double.on("GET", "/x", Scripted::status(503).header("Retry-After", "1"));
    double.on("GET", "/x", Scripted::status(200).body("here"));
    double.on("POST", "/x", Scripted::status(201));
    let mut client = client(&double);
    let first = client.ask(GET);
    assert_eq!((first.status, first.field("retry-after")), (503, Some("1")));
    for _ in 0..2 {
        let response = client.ask(GET);
        assert_eq!(
            (response.status, response.text().as_str(), response.field("content-length")),
            (200, "here", Some("4"))
        );
    }
    let post = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_eq!(client.ask(post).status, 201);

    let received = double.requests();
    assert_eq!(received.len(), 4);
    assert_eq!((received[0].to_string().as_str(), received[0].headers.get("x-try")), ("GET /x?y", Some("1")));
    assert_eq!((received[3].method.as_str(), &received[3].body[..]), ("POST", &b"abc"[..]));
    assert!(double.unexpected().is_empty());
}

#[test]
fn what_is_not_scripted_is_told() {
    let double = TestDouble::new();
    double.on("POST", "/x", Scripted::status(200));
    let response = client(&double).ask(GET);
    assert_eq!(&*response.status_line, "HTTP/1.1 404 Not scripted");
    assert_eq!(double.unexpected()[0].to_string(), "GET /x?y");
    assert_eq!(double.requests().len(), 1);
}

#[test]
fn a_cut_response_lacks_what_its_length_says() {
    let double = TestDouble::new();
    double.on("GET", "/x", Scripted::status(200).body("0123456789").cut(4));
    let mut client = client(&double);
    client.send(GET);
    let response = String::from_utf8(client.rest().unwrap()).unwrap();
    assert!(
        response.contains("\r\nContent-Length: 10\r\n") && response.ends_with("\r\n\r\n0123"),
        "{response}"
    );
}

#[test]
fn raw_bytes_are_sent_as_they_are() {
    let double = TestDouble::new();
    for wrong in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "SMTP, sorry\n",
        "",
    ] {
        double.on("GET", "/x", Scripted::raw(wrong));
        let mut client = client(&double);
        client.send(GET);
        assert_eq!(client.rest().unwrap(), wrong.as_bytes());
        // Replaces the wrong response, which would otherwise remain.
        double.on("GET", "/x", Scripted::status(204));
        assert_eq!(self::client(&double).ask(GET).status, 204);
    }
    let long = vec![b'x'; 3_000_000];
    double.on("PUT", "/x", Scripted::raw(long.clone()));
    let mut client = client(&double);
    client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.rest().unwrap().len(), long.len());
}

#[test]
fn a_reset_is_a_reset() {
    let double = TestDouble::new();
    double.on("GET", "/x", Scripted::reset());
    let mut client = client(&double);
    client.send(GET);
    assert_eq!(client.rest().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_response_behind_a_gate_waits_for_it() {
    let (double, gate) = (TestDouble::new(), Gate::new());
    double.on("GET", "/x", Scripted::status(200).body("late").behind(&gate));
    double.on("GET", "/x", Scripted::status(200).body("soon").delayed(Duration::from_millis(1)));
    let mut held = client(&double);
    held.send(GET);
    double.wait_for_requests(1).unwrap();
    assert_eq!(client(&double).ask(GET).text(), "soon", "others do not wait");
    gate.open();
    assert_eq!(held.response().text(), "late");
}

#[test]
fn a_gate_that_nobody_opens_does_not_outlive_the_test() {
    let (double, gate) = (TestDouble::new(), Gate::new());
    double.on("GET", "/x", Scripted::status(200).behind(&gate));
    let mut held = client(&double);
    held.send(GET);
    double.wait_for_requests(1).unwrap();
    let ending = thread::spawn(move || drop(double));
    let _ = held.rest();
    ending.join().unwrap();
}

#[test]
fn head_and_a_malformed_request() {
    let double = TestDouble::new();
    double.on("HEAD", "/x", Scripted::status(200).body("four"));
    let mut client = client(&double);
    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = client.response_to_head();
    assert_eq!((response.status, response.field("content-length")), (200, Some("4")));
    assert_eq!(client.ask("GET /x HTTP/1.1\r\n\r\n").status, 400, "without Host");
    assert_eq!(double.requests().len(), 1);
}

#[test]
fn a_response_that_stops_in_the_middle_goes_on_when_the_gate_is_open() {
    let (double, gate) = (TestDouble::new(), Gate::new());
    double.on("GET", "/x", Scripted::status(200).body("0123456789").stalled(4, &gate));
    let mut client = client(&double);
    client.send(GET);
    let begin = client.read_up_to(b"0123");
    assert!(String::from_utf8_lossy(&begin).contains("\r\nContent-Length: 10\r\n"), "{begin:?}");
    gate.open();
    assert!(client.read_up_to(b"9").ends_with(b"456789"));
    assert_eq!(client.ask(GET).text(), "0123456789");
}

#[test]
fn any_method_can_be_scripted_and_what_was_not_is_noted() {
    let double = TestDouble::new();
    double.on("PURGE", "/x", Scripted::status(200).body("gone"));
    let mut client = client(&double);
    assert_eq!(client.ask("PURGE /x?y HTTP/1.1\r\nHost: a\r\n\r\n").text(), "gone");
    assert_eq!(client.ask("SPAM /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok").status, 404);
    let unexpected = double.unexpected();
    assert_eq!(
        (unexpected.len(), unexpected[0].to_string(), &*unexpected[0].body),
        (1, "SPAM /x".to_owned(), &b"ok"[..])
    );
}

#[test]
fn what_could_never_be_given_is_told_where_it_is_scripted() {
    let refused = |method: &str, path: &str, answer: Scripted| {
        let script = || TestDouble::new().on(method, path, answer);
        let payload = catch_unwind(AssertUnwindSafe(script)).unwrap_err();
        *payload.downcast::<String>().unwrap()
    };
    let ok = || Scripted::status(200);
    for (method, path, answer, message) in [
        ("", "/", ok(), "is not a method"),
        ("A B", "/", ok(), "is not a method"),
        ("get", "/", ok(), "did you mean GET?"),
        ("GET", "x", ok(), "did you mean \"/x\"?"),
        ("GET", "/x?y=1", ok(), "by their path only"),
        ("GET", "/", Scripted::status(99), "status code 99: it must have three digits"),
        ("GET", "/", Scripted::status(1000), "status code 1000"),
        ("GET", "/", ok().header("A B", "x"), "header name \"A B\" is not a token"),
        ("GET", "/", ok().header("A", "x\r\ny"), "in the value of the header \"A\""),
        ("GET", "/", Scripted::status(204).body("x"), "204"),
        ("GET", "/", ok().header("Content-Length", "5").body("x"), "Scripted::raw sends any bytes"),
        ("GET", "/", ok().body("abc").stalled(4, &Gate::new()), "stalled(4) is after the end"),
        ("GET", "/", ok().body("abc").cut(3), "cut(3) must be less than the body's 3 bytes"),
    ] {
        let told = refused(method, path, answer);
        assert!(told.contains(message), "{told}");
    }
    assert!(catch_unwind(|| TestDouble::new().url("x")).is_err());
}

mod timed {
    use std::io;
    use std::time::Duration;

    use basehttp::prelude::*;
    use basehttp::testing::{Piece, Run, run_timed};

    struct Echo {
        base: BaseHTTPRequestHandler,
    }

    #[http_handler]
    impl Echo {
        const protocol_version: &str = "HTTP/1.1";

        fn do_GET(&self) -> io::Result<()> {
            self.send_response(204);
            self.end_headers()
        }

        fn do_POST(&self) -> io::Result<()> {
            let body = self.read_body(1_000_000)?;
            self.send_response(200);
            self.end_headers()?;
            self.wfile.write_all(&body)
        }
    }

    fn run(before: &str, seconds: u64, after: &str) -> Run {
        let pause = Piece::Pause(Duration::from_secs(seconds));
        run_timed(|base| Echo { base }, [Piece::Bytes(before.into()), pause, Piece::Bytes(after.into())])
    }

    fn statuses(run: &Run) -> Vec<u16> {
        run.responses.iter().map(|response| response.status).collect()
    }

    #[test]
    fn deadlines_without_waiting_for_them() {
        let head = ("GET / HTTP/1.1\r\nHo", "st: a\r\n\r\n");
        assert_eq!(statuses(&run(head.0, 1, head.1)), [204]);
        let late = run(head.0, 600, head.1);
        assert_eq!(statuses(&late), [408]);
        assert!(late.log.contains("head_timeout"), "{}", late.log);
        let body = ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na", "b");
        assert_eq!(run(body.0, 1, body.1).responses[0].text(), "ab");
        let late = run(body.0, 6000, body.1);
        assert_eq!(statuses(&late), [408]);
        assert!(late.log.contains("(read_timeout)"), "{}", late.log);
    }

    #[test]
    fn a_handler_that_waits_for_its_body() {
        // Longer than what is gathered before the handler is called.
        let head =
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n{}", "x".repeat(100_000));
        assert_eq!(run(&head, 1, "y").responses[0].body.len(), 100_001);
        assert_eq!(statuses(&run(&head, 6000, "y")), [408]);
    }

    #[test]
    fn pauses_add_up_for_what_has_a_deadline_as_a_whole() {
        let trickle = |message: &str, seconds: u64| {
            let pause = Piece::Pause(Duration::from_secs(seconds));
            let bytes = message.bytes().map(|byte| Piece::Bytes(vec![byte]));
            run_timed(|base| Echo { base }, bytes.flat_map(|byte| [byte, pause.clone()]))
        };
        // 27 pauses, in a head that has 20 seconds.
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(statuses(&trickle(head, 0)), [204]);
        let late = trickle(head, 1);
        assert_eq!(statuses(&late), [408]);
        assert!(late.log.contains("head_timeout"), "{}", late.log);
        // A body has 60 seconds, and no pause in it reaches 30.
        let body = |seconds| {
            let pause = Piece::Pause(Duration::from_secs(seconds));
            let head = Piece::Bytes(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n".to_vec());
            let bytes = b"body".iter().flat_map(|byte| [pause.clone(), Piece::Bytes(vec![*byte])]);
            run_timed(|base| Echo { base }, [head].into_iter().chain(bytes))
        };
        assert_eq!(body(14).responses[0].text(), "body");
        let late = body(16);
        assert_eq!(statuses(&late), [408]);
        assert!(late.log.contains("body_timeout"), "{}", late.log);
    }

    #[test]
    fn the_time_that_the_handler_is_told_moves_too() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let run = run(get, 61, get);
        let dates: Vec<_> = run.responses.iter().map(|response| response.header("Date").unwrap()).collect();
        assert_eq!(dates, ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:38 GMT"]);
    }

    #[test]
    fn an_idle_connection_is_closed_in_silence() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(statuses(&run(get, 1, get)), [204, 204]);
        assert_eq!(statuses(&run(get, 86_400, get)), [204]);
    }
}
