//! The file of a unix socket: replaced if it is abandoned, left alone if it is another's, removed at the end.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::gate::{Bar, gate};
use basehttp_tests::log::Log;
use basehttp_tests::wait_until;

use crate::GET;
use crate::server::unix::{Path, check};
use crate::server::{factory, serve};

struct Slow {
    base: BaseHTTPRequestHandler,
    bar: Bar,
}

#[http_handler]
impl Slow {
    fn do_GET(&self) -> io::Result<()> {
        self.bar.pass()?;
        self.send_response(200);
        self.end_headers()
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

/// Including the server's own lines.
fn bind_logged(path: &Path) -> (io::Result<HTTPServer>, Log) {
    let log = Log::default();
    (HTTPServer::builder().log_line(log.taker()).bind_unix(&path.0, factory), log)
}

#[test]
fn a_unix_socket_that_nobody_listens_at_is_replaced() {
    let path = Path::new("abandoned");
    // As SIGKILL leaves it.
    drop(UnixListener::bind(&path.0).unwrap());
    assert_eq!(UnixStream::connect(&path.0).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let (server, log) = bind_logged(&path);
    assert_eq!(log.lines(), [format!("basehttp: replaced the abandoned socket {}", path.0.display())]);
    check(&path, server.unwrap());
    assert!(!path.0.exists(), "it was removed at the end");
}

#[test]
fn a_unix_socket_at_which_somebody_listens_is_in_use() {
    let path = Path::new("busy");
    let listener = UnixListener::bind(&path.0).unwrap();
    let refused = || {
        let (server, log) = bind_logged(&path);
        let error = server.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().ends_with("a server may be listening there"), "{error}");
        assert!(log.lines().is_empty(), "{:?}", log.lines());
    };
    refused();
    // If its queue is full, a client would have to wait.
    let address = socket2::SockAddr::unix(&path.0).unwrap();
    let mut clients = Vec::new();
    loop {
        let client = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        if let Err(error) = client.connect(&address) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            break;
        }
        clients.push(client);
        assert!(clients.len() < 10_000, "the queue has an end");
    }
    refused();
    drop((listener, clients));
    bind_logged(&path).0.unwrap();
}

#[test]
fn what_is_no_socket_is_never_replaced() {
    let (path, other) = (Path::new("other"), Path::new("target"));
    let refused = |what: &str, says: &str| {
        let (server, log) = bind_logged(&path);
        let error = server.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{what}");
        assert!(error.to_string().contains(says), "{what}: {error}");
        assert!(log.lines().is_empty(), "{what}: {:?}", log.lines());
    };
    let no_socket = "what is there is not a socket";
    std::fs::write(&path.0, "precious").unwrap();
    refused("a file", no_socket);
    assert_eq!(std::fs::read(&path.0).unwrap(), b"precious");
    std::fs::remove_file(&path.0).unwrap();
    // A link to an abandoned socket: neither of the two is removed.
    drop(UnixListener::bind(&other.0).unwrap());
    std::os::unix::fs::symlink(&other.0, &path.0).unwrap();
    refused("a link to a socket", no_socket);
    assert!(path.0.is_symlink() && other.0.exists());
    std::fs::remove_file(&other.0).unwrap();
    refused("a link to nothing", no_socket);
    std::fs::remove_file(&path.0).unwrap();
    // Another kind of socket, which is in use although it has no listener.
    let _datagrams = std::os::unix::net::UnixDatagram::bind(&path.0).unwrap();
    refused("a socket for datagrams", "a server may be listening there");
    std::fs::remove_file(&path.0).unwrap();
    std::fs::create_dir(&path.0).unwrap();
    refused("a folder", no_socket);
    std::fs::remove_dir(&path.0).unwrap();
}

#[test]
fn the_file_of_a_socket_is_removed_by_the_server_that_made_it_alone() {
    let path = Path::new("owner");
    // Handed over: the successor has the path while the first one still serves.
    let (handle, thread) = serve(HTTPServer::bind_unix(&path.0, factory).unwrap());
    std::fs::remove_file(&path.0).unwrap();
    let successor = HTTPServer::bind_unix(&path.0, factory).unwrap();
    handle.shutdown();
    thread.join().unwrap().unwrap();
    check(&path, successor);
    assert!(!path.0.exists());
    // The user's own listener has its own file.
    let listener = UnixListener::bind(&path.0).unwrap();
    drop(HTTPServer::from_listener(listener, factory).unwrap());
    assert!(path.0.exists());
    // A file that has replaced it meanwhile is not the server's.
    std::fs::remove_file(&path.0).unwrap();
    let server = HTTPServer::bind_unix(&path.0, factory).unwrap();
    std::fs::remove_file(&path.0).unwrap();
    std::fs::write(&path.0, "another's").unwrap();
    drop(server);
    assert!(path.0.exists());
}

/// A server that has stopped listening, and is finishing a request, can be succeeded at once.
#[test]
fn a_server_that_ends_leaves_its_path_to_the_next_one() {
    let path = Path::new("succession");
    let (gate, bar) = gate();
    let server = HTTPServer::bind_unix(&path.0, move |base| Slow { base, bar: bar.clone() }).unwrap();
    let (handle, thread) = serve(server);
    let mut client = Client::over(UnixStream::connect(&path.0).unwrap());
    client.send(GET);
    gate.wait_for(1);
    handle.shutdown();
    // Either the file is gone, or it has no listener any more.
    wait_until("the path is free", || HTTPServer::bind_unix(&path.0, factory).is_ok());
    gate.stay_open();
    assert_eq!(client.response().status, 200);
    thread.join().unwrap().unwrap();
}

struct Loud {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Loud {
    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

/// A client names itself, by the path that it binds.
#[test]
fn the_name_of_a_client_forges_no_line() {
    let path = Path::new("loud");
    let own = Path::new("x\n127.0.0.1 - - forged \x1b[31m\u{202e}");
    let log = Log::default();
    let builder = HTTPServer::builder().log_line(log.taker());
    let (handle, thread) = serve(builder.bind_unix(&path.0, |base| Loud { base }).unwrap());
    let client = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    client.bind(&socket2::SockAddr::unix(&own.0).unwrap()).unwrap();
    client.connect(&socket2::SockAddr::unix(&path.0).unwrap()).unwrap();
    assert_eq!(Client::over(UnixStream::from(client)).ask(GET).status, 200);
    handle.shutdown();
    thread.join().unwrap().unwrap();
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(r"x\x0a127.0.0.1 - - forged \x1b[31m\u202e"), "{lines:?}");
    assert!(!lines[0].trim_end().contains(['\n', '\x1b', '\u{202e}']), "{lines:?}");
}

#[test]
fn of_servers_that_replace_a_socket_at_the_same_time_one_gets_it() {
    let path = Path::new("race");
    for _ in 0..5 {
        drop(UnixListener::bind(&path.0).unwrap());
        let barrier = std::sync::Barrier::new(4);
        let servers: Vec<_> = thread::scope(|scope| {
            let start = || {
                barrier.wait();
                HTTPServer::bind_unix(&path.0, factory)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(servers.iter().filter(|server| server.is_ok()).count(), 1, "{servers:?}");
        UnixStream::connect(&path.0).unwrap();
        drop(servers);
        assert!(!path.0.exists());
    }
}
