//! The engine from the wire: what blocks, waits or hangs in one place disturbs nobody in another.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;
use basehttp_tests::wait_until;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

struct Gate {
    base: BaseHTTPRequestHandler,
    shared: Arc<Shared>,
}

struct Shared {
    entered: Mutex<Sender<()>>,
    open: Mutex<Receiver<()>>,
}

#[http_handler]
impl Gate {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/wait" => {
                let _ = self.shared.entered.lock().unwrap().send(());
                let _ = self.shared.open.lock().unwrap().recv_timeout(Duration::from_secs(60));
            }
            "/self" => {
                let port = self.server().server_port();
                let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
                other.set_read_timeout(Some(Duration::from_secs(60)))?;
                other.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
                let mut reply = String::new();
                other.read_to_string(&mut reply)?;
                return self.say(reply.lines().next().unwrap_or_default());
            }
            "/big" => {
                self.send_response(200);
                self.end_headers()?;
                for _ in 0..64 {
                    self.wfile.write_all(&[b'x'; 1024])?;
                }
                return Ok(());
            }
            _ => {}
        }
        self.say(self.path())
    }

    fn do_POST(&self) -> io::Result<()> {
        let body = self.read_body(1 << 20)?;
        self.say(&body.len().to_string())
    }

    fn say(&self, text: &str) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }

    fn log_request(&self, _code: Option<HTTPStatus>, _size: Option<u64>) {}
}

/// A server whose handlers for `/wait` say that they have begun, and wait until they may go on.
fn gated(builder: basehttp::ServerBuilder) -> (TestServer, Receiver<()>, Sender<()>) {
    let (enter, entered) = channel();
    let (open, opened) = channel();
    let shared = Arc::new(Shared { entered: Mutex::new(enter), open: Mutex::new(opened) });
    (TestServer::with(builder, move |base| Gate { base, shared: shared.clone() }), entered, open)
}

/// How many threads of this process belong to servers.
fn server_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "basehttp").count()
}

fn in_turn() -> std::sync::MutexGuard<'static, ()> {
    // Threads are counted by process, so these tests take turns.
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_handler_that_blocks_disturbs_nobody() {
    let _turn = in_turn();
    let (server, entered, open) = gated(HTTPServer::builder());
    let mut blocked: Vec<_> = (0..8).map(|_| Client::new(&server)).collect();
    for client in &mut blocked {
        client.send(WAIT);
    }
    entered.recv().unwrap();
    let mut other = Client::new(&server);
    for _ in 0..20 {
        assert_eq!(other.ask(GET).text(), "/");
    }
    for _ in 0..8 {
        open.send(()).unwrap();
    }
    for client in &mut blocked {
        assert_eq!(client.reply().text(), "/wait");
    }
}

#[test]
fn a_handler_may_call_its_own_server_on_the_last_thread_but_one() {
    let _turn = in_turn();
    let (server, ..) = gated(HTTPServer::builder().max_threads(2));
    for _ in 0..3 {
        let mut client = Client::new(&server);
        assert_eq!(client.ask("GET /self HTTP/1.1\r\nHost: a\r\n\r\n").text(), "HTTP/1.1 200 OK");
    }
}

#[test]
fn at_the_bound_a_handler_that_calls_its_own_server_is_told_to_come_back() {
    let _turn = in_turn();
    let (server, ..) = gated(HTTPServer::builder().max_threads(1).queue_timeout(Duration::from_millis(200)));
    let mut client = Client::new(&server);
    let reply = client.ask("GET /self HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(reply.text(), "HTTP/1.1 503 Service Unavailable");
    assert_eq!(Client::new(&server).ask(GET).status, 200);
}

#[test]
fn requests_beyond_the_bound_wait_and_are_answered_when_there_is_a_thread() {
    let _turn = in_turn();
    let (server, entered, open) = gated(HTTPServer::builder().max_threads(2));
    let mut clients: Vec<_> = (0..6).map(|_| Client::new(&server)).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    for _ in 0..6 {
        entered.recv().unwrap();
        open.send(()).unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.reply().text(), "/wait");
    }
}

#[test]
fn clients_that_are_silent_or_slow_hold_no_thread() {
    let _turn = in_turn();
    let (server, ..) = gated(HTTPServer::builder());
    let mut held: Vec<_> = (0..50).map(|_| server.connect().unwrap()).collect();
    for (index, stream) in held.iter_mut().enumerate() {
        let part: &[u8] = match index % 4 {
            // Nothing; part of a head; all of a head and part of a body; a request, and idle after it.
            0 => b"",
            1 => b"GET / HT",
            2 => b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe",
            _ => GET.as_bytes(),
        };
        stream.write_all(part).unwrap();
    }
    let mut client = Client::new(&server);
    assert_eq!(client.ask(GET).text(), "/");
    wait_until("only a driver is left, or a spare thread beside it", || server_threads() <= 2);
    for (index, stream) in held.iter_mut().enumerate() {
        let rest: &[u8] = match index % 4 {
            0 | 3 => GET.as_bytes(),
            1 => b"TP/1.1\r\nHost: a\r\n\r\n",
            _ => b"llo",
        };
        stream.write_all(rest).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut output = String::new();
        stream.read_to_string(&mut output).unwrap();
        assert_eq!(output.matches("HTTP/1.1 200 OK").count(), if index % 4 == 3 { 2 } else { 1 }, "{output}");
    }
}

#[test]
fn a_slow_reader_of_a_held_back_reply_holds_no_thread() {
    let _turn = in_turn();
    let (server, ..) = gated(HTTPServer::builder());
    let mut readers: Vec<_> = (0..20).map(|_| server.connect().unwrap()).collect();
    for reader in &mut readers {
        reader.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    }
    assert_eq!(Client::new(&server).ask(GET).text(), "/");
    wait_until("no thread waits for the readers", || server_threads() <= 2);
    for reader in &mut readers {
        let mut output = Vec::new();
        reader.read_to_end(&mut output).unwrap();
        assert!(output.ends_with(&[b'x'; 1024]));
    }
}

#[test]
fn the_half_close_of_a_client_is_no_reason_not_to_answer() {
    let _turn = in_turn();
    let (server, entered, open) = gated(HTTPServer::builder());
    let mut stream = server.connect().unwrap();
    stream.write_all([WAIT, GET].concat().as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    entered.recv().unwrap();
    open.send(()).unwrap();
    let mut output = String::new();
    stream.read_to_string(&mut output).unwrap();
    assert_eq!(output.matches("HTTP/1.1 200 OK").count(), 2, "{output}");
}

#[test]
fn threads_go_home_with_their_server() {
    let _turn = in_turn();
    let (server, entered, open) = gated(HTTPServer::builder());
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(&server)).collect();
    for client in &mut clients {
        client.send(WAIT);
    }
    entered.recv().unwrap();
    for _ in 0..4 {
        open.send(()).unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.reply().status, 200);
    }
    drop(clients);
    drop(server);
    wait_until("no thread is left", || server_threads() == 0);
}
