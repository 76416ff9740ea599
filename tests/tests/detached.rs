//! Responses that continue after their method has returned.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::{Piece, TestServer, respond, run_timed};
use basehttp::{Later, Stream};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::wait_until;

/// Longer than a test waits: at the end of a server it is over all the same.
const POLITE: Duration = Duration::from_secs(1000);

/// What handlers have stored for the test.
#[derive(Clone, Default)]
struct Shelf {
    laters: Arc<Mutex<Vec<Later<Holder>>>>,
    streams: Arc<Mutex<Vec<Stream>>>,
    gone: Arc<Mutex<Vec<String>>>,
}

impl Shelf {
    fn later(&self) -> Later<Holder> {
        wait_until("a response is put off", || !self.laters.lock().unwrap().is_empty());
        self.laters.lock().unwrap().remove(0)
    }

    fn stream(&self) -> Stream {
        wait_until("a stream is open", || !self.streams.lock().unwrap().is_empty());
        self.streams.lock().unwrap().remove(0)
    }

    fn is_gone(&self, path: &str) -> bool {
        self.gone.lock().unwrap().iter().any(|gone| gone == path)
    }
}

struct Holder {
    base: BaseHTTPRequestHandler,
    shelf: Shelf,
    requests: u32,
}

#[http_handler]
impl Holder {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> io::Result<()> {
        self.requests += 1;
        match self.path() {
            "/later" => self.shelf.laters.lock().unwrap().push(self.later()?),
            "/polite" => {
                let later = self.later()?.timeout(POLITE, |handler: &mut Self| handler.say(204, ""));
                self.shelf.laters.lock().unwrap().push(later);
            }
            "/both" => {
                let _late = self.later()?;
                return self.say(200, "at once");
            }
            "/both-held" => {
                self.shelf.laters.lock().unwrap().push(self.later()?);
                return self.say(200, "at once");
            }
            "/both-resumed" => {
                self.later()?.resume(|handler| handler.say(200, "later"));
                return self.say(200, "at once");
            }
            "/failed" => {
                self.shelf.laters.lock().unwrap().push(self.later()?);
                return Err(io::Error::other("no such job"));
            }
            "/twice" => {
                let _late = self.later()?;
                let error = self.later().map(drop).unwrap_err();
                return self.say(200, &error.to_string());
            }
            "/begun" => {
                self.send_response(200);
                let error = self.later().map(drop).unwrap_err();
                self.end_headers()?;
                return self.wfile.write_all(error.to_string().as_bytes());
            }
            "/early" => {
                let error = self.stream().map(drop).unwrap_err();
                return self.say(200, &error.to_string());
            }
            path if path.starts_with("/stream") => {
                self.send_response(200);
                if let Some(length) = path.strip_prefix("/stream/") {
                    self.send_header("Content-Length", length);
                }
                self.end_headers()?;
                let stream = self.stream()?;
                let (gone, path) = (self.shelf.gone.clone(), self.path().to_owned());
                stream.on_gone(move || gone.lock().unwrap().push(path));
                self.shelf.streams.lock().unwrap().push(stream);
            }
            _ => return self.say(200, "hello"),
        }
        Ok(())
    }

    fn do_HEAD(&mut self) -> io::Result<()> {
        self.do_GET()
    }
}

impl Holder {
    fn say(&self, status: u16, text: &str) -> io::Result<()> {
        self.send_response(status);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }
}

/// If there is no room for this time, there is none: the system finds some more for a client that does not read, but not
/// without limit.
const LASTING: Duration = Duration::from_millis(300);

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn serve(builder: basehttp::ServerBuilder) -> (TestServer, Shelf, Log) {
    let (shelf, log) = (Shelf::default(), Log::default());
    let of_handlers = shelf.clone();
    let factory = move |base| Holder { base, shelf: of_handlers.clone(), requests: 0 };
    (TestServer::with(builder.log_line(log.taker()), factory), shelf, log)
}

fn started() -> (TestServer, Shelf, Log) {
    serve(HTTPServer::builder())
}

#[test]
fn the_rest_of_a_method_runs_with_the_handler_when_somebody_hands_it_in() {
    let (server, shelf, log) = started();
    let mut client = Client::new(&server);
    client.send(get("/later"));
    let later = shelf.later();
    assert!(!later.is_gone());
    later.resume(|handler| {
        handler.requests += 10;
        let text = format!("{} {}", handler.requests, handler.path());
        handler.say(200, &text)
    });
    assert_eq!(client.response().text(), "11 /later");
    // The connection continues, with the same handler.
    client.send(get("/later"));
    shelf.later().resume(|handler| handler.say(200, &handler.requests.to_string()));
    assert_eq!(client.response().text(), "12");
    assert_eq!(log.count("\"GET /later HTTP/1.1\" 200"), 2);
}

#[test]
fn requests_behind_one_that_is_put_off_wait_for_it() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/later") + &get("/stream") + &get("/"));
    let later = shelf.later();
    let stream = thread::spawn({
        let shelf = shelf.clone();
        move || shelf.stream()
    });
    later.resume(|handler| handler.say(200, "first"));
    let stream = stream.join().unwrap();
    stream.send(b"se").unwrap();
    stream.send(b"cond").unwrap();
    drop(stream);
    let texts: Vec<_> = (0..3).map(|_| client.response().text()).collect();
    assert_eq!(texts, ["first", "second", "hello"]);
}

#[test]
fn a_response_may_be_put_off_again_and_again() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/later"));
    for round in 0..3 {
        shelf.later().resume(move |handler| {
            handler.requests += round;
            let later = handler.later()?;
            handler.shelf.laters.lock().unwrap().push(later);
            io::Result::Ok(())
        });
    }
    shelf.later().resume(|handler| {
        handler.send_response(200);
        handler.end_headers()?;
        let stream = handler.stream()?;
        stream.send(b"and then a stream")?;
        io::Result::Ok(())
    });
    assert_eq!(client.response().text(), "and then a stream");
}

#[test]
fn failures_of_one_that_is_put_off_are_answered_as_those_of_a_method() {
    let (server, shelf, log) = started();
    let ask = |act: fn(Later<Holder>)| {
        let mut client = Client::new(&server);
        client.send(get("/later"));
        act(shelf.later());
        (client.response().status, client.response_after_close())
    };
    assert_eq!(ask(drop), (500, true));
    assert_eq!(ask(|later| later.resume(|_| Err::<(), _>("no such thing"))), (500, true));
    assert_eq!(ask(|later| later.resume(|_| -> io::Result<()> { panic!("oh") })), (500, true));
    assert_eq!(ask(|later| later.resume(|_| ())), (500, true));
    log.wait_for("do_GET: the response was deferred with later(), and its Later was dropped");
    log.wait_for("do_GET: no such thing");
    log.wait_for("do_GET: panicked: oh");
    assert_eq!(Client::new(&server).ask(get("/")).text(), "hello");
}

trait Closed {
    fn response_after_close(&mut self) -> bool;
}

impl Closed for Client {
    /// Whether only the end of the connection follows.
    fn response_after_close(&mut self) -> bool {
        self.rest().is_ok_and(|rest| rest.is_empty())
    }
}

#[test]
fn a_method_that_answers_all_the_same_or_fails_has_put_nothing_off() {
    let (server, shelf, log) = started();
    let mut client = Client::new(&server);
    assert_eq!(client.ask(get("/both")).text(), "at once");
    assert!(client.ask(get("/twice")).text().contains("already has a handle"));
    assert!(client.ask(get("/early")).text().contains("end_headers()"));
    assert_eq!(client.ask(get("/failed")).status, 500);
    log.wait_for("no such job");
    let later = shelf.later();
    assert!(later.is_gone());
    later.resume(|handler| handler.say(200, "too late"));
    let mut client = Client::new(&server);
    assert!(client.ask(get("/begun")).text().contains("before send_response()"));
    assert_eq!(client.ask(get("/")).text(), "hello");
}

/// The closure that is handed in would be dropped in silence.
#[test]
fn a_response_beside_one_that_is_put_off_is_told_in_the_log() {
    const TOLD: &str = "do_GET: a response was sent or returned after later()";
    for (path, is_told) in
        [("/both", false), ("/both-held", true), ("/both-resumed", true), ("/failed", false)]
    {
        let shelf = Shelf::default();
        let factory = move |base| Holder { base, shelf: shelf.clone(), requests: 0 };
        let run = basehttp::testing::run(factory, [get(path).repeat(2)]);
        let (status, count) = if path == "/failed" { (500, 1) } else { (200, 2) };
        let seen: Vec<_> = run.responses.iter().map(|response| response.status).collect();
        assert_eq!(seen, vec![status; count], "{path}: {}", run.log);
        assert_eq!(run.log.matches(TOLD).count(), if is_told { count } else { 0 }, "{path}: {}", run.log);
    }
}

#[test]
fn a_time_out_answers_and_what_is_handed_in_after_it_is_dropped() {
    let request = Piece::Bytes(get("/polite").into_bytes());
    let run = |pause| {
        let shelf = Shelf::default();
        let of_handler = shelf.clone();
        let pieces = [request.clone(), Piece::Pause(Duration::from_secs(pause))];
        let factory = move |base| Holder { base, shelf: of_handler.clone(), requests: 0 };
        let helper = thread::spawn(move || {
            let later = shelf.later();
            if pause < POLITE.as_secs() {
                later.resume(|handler| handler.say(200, "in time"));
                return true;
            }
            wait_until("the time is over", || later.is_gone());
            later.resume(|handler| handler.say(200, "late"));
            false
        });
        let run = run_timed(factory, pieces);
        helper.join().unwrap();
        run.responses.iter().map(|response| response.status).collect::<Vec<_>>()
    };
    assert_eq!(run(POLITE.as_secs() - 1), [200]);
    assert_eq!(run(POLITE.as_secs() + 1), [204]);
}

#[test]
fn a_stream_goes_out_as_it_comes_in_the_framing_of_its_response() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = shelf.stream();
    stream.send(b"one").unwrap();
    client.read_up_to(b"3\r\none\r\n");
    stream.send(b"").unwrap();
    (&stream).write_all(b"two").unwrap();
    client.read_up_to(b"3\r\ntwo\r\n");
    drop(stream);
    client.read_up_to(b"0\r\n\r\n");
    client.send(get("/stream/6"));
    let stream = shelf.stream();
    stream.send(b"twen").unwrap();
    assert_eq!(stream.send(b"too much").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    stream.send(b"ty").unwrap();
    drop(stream);
    assert_eq!(client.response().text(), "twenty");
    let mut old = Client::new(&server);
    old.send("GET /stream HTTP/1.0\r\n\r\n");
    let stream = shelf.stream();
    stream.send(b"until the end").unwrap();
    drop(stream);
    let rest = old.rest().unwrap();
    assert!(rest.ends_with(b"\r\n\r\nuntil the end"));
}

#[test]
fn bytes_that_are_handed_over_go_in_order_with_others() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = shelf.stream();
    let picture: Arc<[u8]> = vec![b'p'; 300_000].into();
    let reading = thread::spawn(move || (client.response().body, client));
    for text in ["a", "b"] {
        stream.send_within(text.as_bytes(), Duration::from_secs(60)).unwrap();
        let sent = || match stream.send_bytes(picture.clone()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            sent => sent.map(|()| true).unwrap(),
        };
        wait_until("it has room", sent);
    }
    stream.send_bytes("c").unwrap_or_else(|error| assert_eq!(error.kind(), io::ErrorKind::WouldBlock));
    drop(stream);
    let (body, mut client) = reading.join().unwrap();
    let wanted = [&b"a"[..], &picture, b"b", &picture].concat();
    assert!(body.starts_with(&wanted) && body.len() <= wanted.len() + 1);
    assert_eq!(client.ask(get("/")).text(), "hello");
    wait_until("nobody has the picture any more", || Arc::strong_count(&picture) == 1);
}

#[test]
fn the_response_to_head_is_complete_at_once() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    let head = get("/stream").replace("GET", "HEAD");
    assert_eq!(client.send(head).response_to_head().status, 200);
    // A callback for "no more is expected" is called here as well.
    wait_until("it is told", || shelf.is_gone("/stream"));
    assert_eq!(shelf.stream().send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(client.ask(get("/")).text(), "hello");
}

#[test]
fn a_stream_that_is_aborted_or_dropped_in_a_panic_is_no_whole_response() {
    let (server, shelf, _log) = started();
    for panics in [false, true] {
        let mut client = Client::new(&server);
        client.send(get("/stream"));
        let stream = shelf.stream();
        stream.send(b"one").unwrap();
        if panics {
            let panicked = thread::spawn(move || {
                let _stream = stream;
                panic!("a thread with a stream");
            });
            panicked.join().unwrap_err();
        } else {
            stream.abort();
        }
        let rest = client.rest().unwrap();
        assert!(rest.ends_with(b"3\r\none\r\n"), "{rest:?}");
    }
}

#[test]
fn too_little_of_a_promised_length_is_cut() {
    let (server, shelf, log) = started();
    let mut client = Client::new(&server);
    client.send(get("/stream/10"));
    let stream = shelf.stream();
    stream.send(b"four").unwrap();
    drop(stream);
    let rest = client.rest().unwrap();
    assert!(rest.ends_with(b"\r\n\r\nfour"));
    log.wait_for("6 bytes of body are missing");
}

/// A client that has shut down its writing half may still read; the sender decides what that means.
#[test]
fn a_client_that_ends_its_half_is_told_of_and_may_have_the_rest() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = shelf.stream();
    assert!(!stream.is_gone() && !shelf.is_gone("/stream"));
    client.end();
    wait_until("the end is told", || shelf.is_gone("/stream"));
    assert!(stream.is_gone());
    stream.send(b"the rest").unwrap();
    drop(stream);
    assert_eq!(client.response().text(), "the rest");
}

#[test]
fn a_client_that_resets_the_connection_is_told_of_without_a_write() {
    let (server, shelf, log) = started();
    let client = Client::new(&server);
    let mut client = client;
    client.send(get("/stream"));
    let stream = shelf.stream();
    stream.send(b"one").unwrap();
    client.read_up_to(b"one");
    reset(client.stream());
    drop(client);
    wait_until("the end is told", || shelf.is_gone("/stream"));
    wait_until("the stream is over", || stream.send(b"x").is_err());
    assert_eq!(stream.send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    log.wait_for("the client went away");
}

fn reset(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_client_that_does_not_read_makes_the_sender_wait_or_fail() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = shelf.stream();
    let chunk = [b'x'; 10_000];
    let mut taken = 0_usize;
    loop {
        match stream.send_within(&chunk, LASTING) {
            Ok(()) => taken += chunk.len(),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                break;
            }
        }
        assert!(taken < 100_000_000, "it is bounded");
    }
    let error = stream.send_within(&chunk, Duration::from_millis(1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(stream.send_bytes(vec![b'z'; 100_000]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let waiting = thread::spawn(move || {
        stream.send_within(&[b'y'; 10_000], Duration::from_secs(60)).unwrap();
    });
    let body = client.response().body;
    waiting.join().unwrap();
    assert_eq!(body.len(), taken + 10_000);
    assert!(body.ends_with(&[b'y'; 10_000]) && body[..taken].iter().all(|byte| *byte == b'x'));
}

/// A message that is longer than a connection may buffer needs room in the server's budget.
#[test]
fn long_messages_of_all_connections_have_a_budget() {
    let builder = HTTPServer::builder().write_budget(30_000_000);
    let (server, shelf, _log) = serve(builder);
    let message = vec![b'x'; 20_000_000];
    let mut clients: Vec<_> = (0..2).map(|_| Client::new(&server)).collect();
    let mut streams = Vec::new();
    for client in &mut clients {
        client.send(get("/stream"));
        streams.push(shelf.stream());
    }
    streams[0].send(&message).unwrap();
    assert_eq!(streams[1].send(&message).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    streams[1].send(b"short").unwrap();
    drop(streams.remove(0));
    assert_eq!(clients[0].response().body.len(), message.len());
    clients[1].read_up_to(b"short");
    wait_until("there is room again", || streams[0].send(&message).is_ok());
}

#[test]
fn a_message_that_no_budget_has_room_for_is_a_mistake() {
    let (server, shelf, _log) = serve(HTTPServer::builder().write_budget(100_000));
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = shelf.stream();
    let error = stream.send(&vec![b'x'; 100_001]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("write_budget"), "{error}");
    // The head may still be on its way.
    stream.send_within(&vec![b'x'; 100_000], Duration::from_secs(60)).unwrap();
    drop(stream);
    assert_eq!(client.response().body.len(), 100_000);
}

/// A final message may wait for its client.
#[test]
fn what_is_called_when_nobody_waits_may_send() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = Arc::new(shelf.stream());
    while stream.send(&[b'x'; 10_000]).is_ok() {}
    let own = stream.clone();
    stream.on_gone(move || own.send_within(b"bye", Duration::from_secs(60)).unwrap());
    drop(stream);
    client.end();
    assert!(client.response().body.ends_with(b"xbye"));
}

#[test]
fn a_client_that_takes_nothing_has_its_write_timeout() {
    let builder = HTTPServer::builder().write_timeout(Duration::from_millis(200));
    let (server, shelf, log) = serve(builder);
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = shelf.stream();
    let many = vec![b'x'; 60_000];
    // The system may find some more room for it a little later.
    wait_until("the client is given up", || {
        while stream.send(&many).is_ok() {}
        shelf.is_gone("/stream")
    });
    log.wait_for("Request timed out (write_timeout)");
}

#[test]
fn at_the_end_of_the_server_streams_are_told_and_have_the_grace() {
    let (server, shelf, _log) = started();
    let mut streaming = Client::new(&server);
    let mut polite = Client::new(&server);
    let mut later = Client::new(&server);
    streaming.send(get("/stream"));
    let stream = shelf.stream();
    polite.send(get("/polite"));
    let put_off = shelf.later();
    later.send(get("/later"));
    let other = shelf.later();
    server.handle().shutdown_within(Duration::from_secs(60));
    assert_eq!(polite.response().status, 204);
    wait_until("the stream is told", || shelf.is_gone("/stream"));
    stream.send(b"bye").unwrap();
    drop(stream);
    assert_eq!(streaming.response().text(), "bye");
    other.resume(|handler| handler.say(200, "in the grace"));
    assert_eq!(later.response().text(), "in the grace");
    drop(put_off);
    let report = server.handle().wait();
    assert_eq!(report.cut, 0, "{report:?}");
}

#[test]
fn what_has_not_ended_in_the_grace_is_cut() {
    let (server, shelf, _log) = started();
    let mut streaming = Client::new(&server);
    streaming.send(get("/stream"));
    let stream = shelf.stream();
    let mut later = Client::new(&server);
    later.send(get("/later"));
    let put_off = shelf.later();
    server.handle().shutdown_within(Duration::from_millis(50));
    let report = server.handle().wait();
    assert_eq!(report.cut, 2, "{report:?}");
    wait_until("the handles know", || stream.is_gone() && put_off.is_gone());
    assert_eq!(stream.send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    drop((stream, put_off));
    drop(server);
    let mut rest = Vec::new();
    let _ = streaming.stream().read_to_end(&mut rest);
    assert!(!rest.ends_with(b"0\r\n\r\n"));
}

/// Handles outlive their server without keeping its sockets.
#[test]
fn a_handle_does_not_keep_its_connection() {
    let (server, shelf, _log) = started();
    let mut client = Client::new(&server);
    client.send(get("/stream"));
    let stream = shelf.stream();
    let mut kept = Client::new(&server);
    kept.send(get("/later"));
    let later = shelf.later();
    server.handle().shutdown_within(Duration::ZERO);
    drop(server);
    // The end of the sockets is seen, as an orderly end or a reset.
    for client in [&mut client, &mut kept] {
        let kept = client.rest().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        assert!(!kept, "a handle keeps its socket");
    }
    assert!(stream.is_gone() && later.is_gone());
    drop((stream, later));
}

/// Without threads: there are far more of them than the server may have.
#[test]
fn many_that_are_put_off_hold_no_thread() {
    let (server, shelf, _log) = serve(HTTPServer::builder().max_threads(4));
    let mut clients: Vec<_> = (0..100).map(|_| Client::new(&server)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(get(if number % 2 == 0 { "/later" } else { "/stream" }));
    }
    assert_eq!(Client::new(&server).ask(get("/")).text(), "hello");
    for (number, client) in clients.iter_mut().enumerate() {
        if number % 2 == 0 {
            shelf.later().resume(|handler| handler.say(200, "now"));
        } else {
            let stream = shelf.stream();
            stream.send(b"now").unwrap();
        }
        let _ = client;
    }
    for client in &mut clients {
        assert_eq!(client.response().text(), "now");
    }
}

#[test]
fn an_override_of_handle_waits_for_what_is_put_off() {
    struct Slow {
        base: BaseHTTPRequestHandler,
        streams: Arc<Mutex<Vec<Stream>>>,
    }

    #[http_handler]
    impl Slow {
        const protocol_version: &str = "HTTP/1.1";

        fn handle(&mut self) -> io::Result<()> {
            self.handle_one_request()?;
            while !self.close_connection() {
                self.handle_one_request()?;
            }
            Ok(())
        }

        fn do_GET(&self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()?;
            self.streams.lock().unwrap().push(self.stream()?);
            Ok(())
        }
    }

    let streams = Arc::new(Mutex::new(Vec::new()));
    let of_handlers = streams.clone();
    let server = TestServer::new(move |base| Slow { base, streams: of_handlers.clone() });
    let mut client = Client::new(&server);
    client.send(get("/a") + &get("/b"));
    for text in ["one", "two"] {
        wait_until("a stream is open", || !streams.lock().unwrap().is_empty());
        let stream = streams.lock().unwrap().remove(0);
        stream.send(text.as_bytes()).unwrap();
        drop(stream);
        assert_eq!(client.response().text(), text);
    }
}

#[test]
fn without_a_socket_a_stream_is_waited_for() {
    let shelf = Shelf::default();
    let of_handler = shelf.clone();
    let sender = thread::spawn(move || {
        for _ in 0..2 {
            let mut stream = shelf.stream();
            for number in 0..3 {
                write!(stream, "{number}").unwrap();
            }
        }
    });
    let factory = move |base| Holder { base, shelf: of_handler.clone(), requests: 0 };
    let responses = respond(factory, (get("/stream") + &get("/stream") + &get("/")).as_bytes());
    sender.join().unwrap();
    let texts: Vec<_> = responses.iter().map(|response| response.text()).collect();
    assert_eq!(texts, ["012", "012", "hello"]);
}

#[test]
fn one_request_alone_is_brought_to_its_end() {
    let shelf = Shelf::default();
    let of_handler = shelf.clone();
    let factory = move |base| Holder { base, shelf: of_handler.clone(), requests: 0 };
    let mut server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let mut client = Client::over(TcpStream::connect(("127.0.0.1", server.server_port())).unwrap());
    client.send(get("/later"));
    let helper = thread::spawn(move || shelf.later().resume(|handler| handler.say(200, "alone")));
    server.handle_request().unwrap();
    helper.join().unwrap();
    assert_eq!(client.response().text(), "alone");
}

#[test]
#[cfg(unix)]
fn over_a_stream_of_ones_own_it_is_waited_for() {
    use std::os::unix::net::UnixStream;

    let (client, stream) = UnixStream::pair().unwrap();
    let shelf = Shelf::default();
    let of_handler = shelf.clone();
    let factory = move |base| Holder { base, shelf: of_handler.clone(), requests: 0 };
    let serving =
        thread::spawn(move || HTTPServer::serve_stream(stream, basehttp::Address::Unix(None), factory));
    let mut client = Client::over(client);
    client.send(get("/stream"));
    let sending = shelf.stream();
    sending.send(b"over ").unwrap();
    sending.send(b"a pair").unwrap();
    drop(sending);
    assert_eq!(client.response().text(), "over a pair");
    client.send(get("/later"));
    shelf.later().resume(|handler| handler.say(200, "and later"));
    assert_eq!(client.response().text(), "and later");
    drop(client);
    serving.join().unwrap().unwrap();
}
