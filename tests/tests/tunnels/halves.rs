//! Connections that are split into their two directions.

use std::sync::mpsc::channel;

use basehttp_tests::client::Client;

use super::*;

const SPLIT: &str = "SPLIT /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: split\r\n\r\n";
const MANY: usize = 20_000_000;

pub(super) fn serve(handler: &Proxy) -> io::Result<()> {
    if handler.path() == "/ahead" {
        let mut ahead = String::new();
        io::BufRead::read_line(&mut handler.rfile.lock(), &mut ahead)?;
        handler.wfile.write_all(ahead.as_bytes())?;
    }
    if handler.path() == "/late" {
        handler.set_read_timeout(Duration::from_millis(50));
    }
    let (mut reader, mut writer) = handler.upgrade()?.split()?;
    match handler.path() {
        "/both" => thread::scope(|scope| {
            let writing = scope.spawn(move || {
                let bytes: Vec<u8> = pattern(2, MANY).collect();
                writer.write_all(&bytes)?;
                writer.shutdown()?;
                assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
                writer.flush()
            });
            let mut got = Vec::new();
            reader.read_to_end(&mut got)?;
            assert!(got.into_iter().eq(pattern(1, MANY)));
            writing.join().unwrap()
        }),
        "/shut" => {
            writer.write_all(b"bye")?;
            writer.shutdown()?;
            let mut rest = String::new();
            reader.read_to_string(&mut rest)?;
            handler.log_message(format_args!("the rest is {rest}"));
            Ok(())
        }
        "/late" => {
            let error = reader.read(&mut [0; 10]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            writer.write_all(b"late")?;
            // It may be tried again, and with a longer time-out.
            handler.set_read_timeout(PATIENCE);
            let count = reader.read(&mut [0; 10])?;
            writer.write_all(&vec![b'.'; count])
        }
        _ => thread::scope(|scope| {
            let (words, spoken) = channel::<Vec<u8>>();
            let writing = scope.spawn(move || spoken.iter().try_for_each(|bytes| writer.write_all(&bytes)));
            let mut buffer = [0; 1000];
            loop {
                match reader.read(&mut buffer)? {
                    0 => break,
                    count => words.send(buffer[..count].to_vec()).unwrap(),
                }
            }
            drop(words);
            writing.join().unwrap()
        }),
    }
}

fn split(server: &TestServer, path: &str, early: &str) -> Client {
    let mut client = Client::new(server);
    client.send(SPLIT.replace("/echo", path) + early).read_up_to(b"\r\n\r\n");
    client
}

#[test]
fn one_thread_reads_and_the_other_writes() {
    let stage = Stage::new();
    let mut client = split(&stage.server, "/echo", "at once;");
    client.read_up_to(b"at once;");
    for word in ["one;", "two;"] {
        client.send(word).read_up_to(word.as_bytes());
    }
    client.end();
    client.assert_closed();
}

#[test]
fn what_was_read_and_written_before_keeps_its_place() {
    let stage = Stage::new();
    let mut client = split(&stage.server, "/ahead", "a line\nthe rest;");
    client.read_up_to(b"a line\nthe rest;");
    client.end();
    client.assert_closed();
}

#[test]
fn both_directions_at_once() {
    let stage = Stage::with(HTTPServer::builder().max_threads(2));
    let client = split(&stage.server, "/both", "");
    thread::scope(|scope| {
        scope.spawn(|| send_pattern(client.stream(), 1, MANY));
        scope.spawn(|| stage.check_get());
        check_pattern(client.stream(), 2, MANY);
    });
    drop(client);
    wait_until("it is over", || stage.server.handle().stats().connections_open == 0);
    assert!(!stage.log.has("panicked"), "{:?}", stage.log.lines());
}

#[test]
fn the_servers_half_may_end_first() {
    let stage = Stage::new();
    let mut client = split(&stage.server, "/shut", "");
    assert_eq!(client.rest().unwrap(), b"bye");
    client.send("of the client");
    client.end();
    stage.log.wait_for("the rest is of the client");
}

#[test]
fn a_read_that_is_late_may_be_tried_again() {
    let stage = Stage::new();
    let mut client = split(&stage.server, "/late", "");
    client.read_up_to(b"late");
    client.send("four").read_up_to(b"....");
}

#[test]
fn a_shutdown_cuts_both() {
    let stage = Stage::new();
    let mut client = split(&stage.server, "/echo", "");
    stage.server.handle().shutdown_within(Duration::from_millis(10));
    client.assert_reset();
    assert_eq!(stage.server.handle().wait().cut, 1);
}

#[test]
fn one_request_may_be_split() {
    let log = Log::default();
    let builder = HTTPServer::builder().log_line(log.taker());
    let mut server = builder.bind("127.0.0.1:0", |base| Proxy { base, origin: String::new() }).unwrap();
    let port = server.server_port();
    let serving = thread::spawn(move || server.handle_request());
    let mut client = Client::over(TcpStream::connect(("127.0.0.1", port)).unwrap());
    client.send(SPLIT.replace("/echo", "/both")).read_up_to(b"\r\n\r\n");
    let stream = client.stream();
    thread::scope(|scope| {
        scope.spawn(|| send_pattern(stream, 1, MANY));
        check_pattern(stream, 2, MANY);
    });
    serving.join().unwrap().unwrap();
    // The handler has compared what it got.
    assert!(log.has("\"SPLIT /both HTTP/1.1\" 101") && !log.has("panicked"), "{:?}", log.lines());
}

#[test]
fn without_a_socket_it_is_the_same() {
    let factory = |base| Proxy { base, origin: String::new() };
    let run = basehttp::testing::run(factory, [SPLIT, "one;", "two;"]);
    assert!(run.output.ends_with(b"\r\n\r\none;two;"), "{}", basehttp_tests::show(&run.output));
}

#[test]
fn over_a_stream_of_ones_own_it_is_not_possible() {
    let log = Log::default();
    let (mine, theirs) = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mine = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (mine, listener.accept().unwrap().0)
    };
    (&mine).write_all(SPLIT.as_bytes()).unwrap();
    let builder = HTTPServer::builder().log_line(log.taker());
    let address = basehttp::Address::from(mine.local_addr().unwrap());
    let _ = builder.serve_stream(theirs, address, |base| Proxy { base, origin: String::new() });
    log.wait_for("split() is for the connections of a server");
}
