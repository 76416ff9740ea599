//! `HTTPServer` and its settings and hooks.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp::{Address, HandlerError, Limits, ServerHandle};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;
use basehttp_tests::{PATIENCE, wait_until};

use crate::GET;

/// Reports what it knows about its server, and does what the path says.
pub(crate) struct Host {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Host {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        match self.path() {
            "/shutdown" => self.server().handle().shutdown(),
            "/error" => return Err(io::Error::other("on purpose")),
            "/panic" => panic!("on purpose"),
            _ => {}
        }
        self.send_response(200);
        self.end_headers()?;
        let server = self.server();
        let (address, name, port) = (server.server_address(), server.server_name(), server.server_port());
        write!(self.wfile, "{address} {name} {port} {}", self.client_address())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

pub(crate) fn factory(base: BaseHTTPRequestHandler) -> Host {
    Host { base }
}

/// A server for `handle_request`, which times out if something is wrong.
pub(crate) fn patient() -> HTTPServer {
    HTTPServer::builder().timeout(PATIENCE).bind("127.0.0.1:0", factory).unwrap()
}

pub(crate) fn connect(port: u16) -> Client {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a server that listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client::over(stream)
}

/// Serves in a thread; the handle ends it, and the channel reports when `serve_forever` has returned.
pub(crate) fn serve(mut server: HTTPServer) -> (ServerHandle, thread::JoinHandle<io::Result<()>>) {
    let handle = server.handle();
    (handle, thread::spawn(move || server.serve_forever()))
}

#[test]
fn a_server_can_be_named_in_a_signature() {
    struct Other {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Other {
        fn do_GET(&self) {
            self.set_close_connection(true);
        }
    }
    fn name(server: &HTTPServer) -> &str {
        server.server_name()
    }
    fn is_send<T: Send>(_: &T) {}
    let servers: Vec<HTTPServer> = vec![
        HTTPServer::bind("127.0.0.1:0", factory).unwrap(),
        HTTPServer::bind("127.0.0.1:0", |base| Other { base }).unwrap(),
    ];
    is_send(&servers);
    assert!(servers.iter().all(|server| name(server) == "127.0.0.1"));
}

#[test]
fn port_0_is_one_that_the_system_chooses() {
    let server = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    assert_ne!(server.server_port(), 0);
    assert_eq!(server.server_address().port(), Some(server.server_port()));
    assert_eq!(server.server_address().ip(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    drop(connect(server.server_port()));
}

#[test]
fn the_forms_of_an_address() {
    let local = Ipv4Addr::LOCALHOST;
    let names = [
        HTTPServer::bind("127.0.0.1:0", factory),
        HTTPServer::bind(String::from("127.0.0.1:0"), factory),
        HTTPServer::bind(("127.0.0.1", 0), factory),
        HTTPServer::bind((String::from("127.0.0.1"), 0), factory),
        HTTPServer::bind((local, 0), factory),
        HTTPServer::bind((IpAddr::V4(local), 0), factory),
        HTTPServer::bind(SocketAddr::from((local, 0)), factory),
    ]
    .map(|server| server.unwrap().server_name().to_owned());
    assert!(names.iter().all(|name| name == "127.0.0.1"), "{names:?}");
}

#[test]
fn an_empty_host_is_every_address() {
    let server = HTTPServer::bind(("", 0), factory).unwrap();
    assert_eq!(server.server_address().ip(), Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    drop(connect(server.server_port()));
    assert_ne!(HTTPServer::bind(":0", factory).unwrap().server_port(), 0);
}

#[test]
fn a_name_is_looked_up_and_kept() {
    let server = HTTPServer::bind("localhost:0", factory).unwrap();
    assert_eq!(server.server_name(), "localhost");
    assert!(server.server_address().ip().unwrap().is_loopback());
}

#[test]
fn what_is_no_address_is_refused_with_its_text() {
    for bad in ["", "localhost", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1"] {
        let error = HTTPServer::bind(bad, factory).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{bad}: {error}");
        assert!(error.to_string().contains(bad), "{error}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let first = HTTPServer::bind("127.0.0.1:0", factory).unwrap();
    let address = format!("127.0.0.1:{}", first.server_port());
    let error = HTTPServer::bind(&*address, factory).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address), "{error}");
}

#[test]
fn a_handler_knows_its_server() {
    let server = TestServer::new(factory);
    let mut client = Client::new(&server);
    let own = client.stream().local_addr().unwrap();
    let (address, port) = (server.address(), server.address().port());
    assert_eq!(client.ask(GET).text(), format!("{address} 127.0.0.1 {port} {own}"));
}

#[test]
fn from_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = HTTPServer::from_listener(listener, factory).unwrap();
    assert_eq!(*server.server_address(), Address::Tcp(address));
    assert_eq!(server.server_name(), "127.0.0.1");
    let (handle, thread) = serve(server);
    assert!(connect(address.port()).ask(GET).text().starts_with(&address.to_string()));
    handle.shutdown();
    thread.join().unwrap().unwrap();
}

#[cfg(unix)]
pub(crate) mod unix {
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;

    use super::*;

    pub(crate) struct Path(pub(crate) PathBuf);

    impl Path {
        pub(crate) fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("basehttp-{}-{name}.sock", std::process::id()));
            let _ = std::fs::remove_file(&path);
            Self(path)
        }
    }

    impl Drop for Path {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    pub(crate) fn check(path: &Path, server: HTTPServer) {
        assert_eq!(server.server_address().path(), Some(&*path.0));
        assert_eq!(server.server_name(), path.0.to_str().unwrap());
        assert_eq!(server.server_port(), 0);
        let (handle, thread) = serve(server);
        let mut client = Client::over(UnixStream::connect(&path.0).unwrap());
        for _ in 0..2 {
            let text = client.ask(GET).text();
            assert_eq!(text, format!("unix:{0} {0} 0 unix", path.0.display()));
        }
        handle.shutdown();
        thread.join().unwrap().unwrap();
        client.assert_closed();
    }

    #[test]
    fn bind_unix() {
        let path = Path::new("bind");
        check(&path, HTTPServer::bind_unix(&path.0, factory).unwrap());
    }

    #[test]
    fn bind_unix_with_settings() {
        let path = Path::new("builder");
        check(&path, HTTPServer::builder().max_connections(5).bind_unix(&path.0, factory).unwrap());
    }

    #[test]
    fn a_unix_listener() {
        let path = Path::new("listener");
        let listener = UnixListener::bind(&path.0).unwrap();
        check(&path, HTTPServer::from_listener(listener, factory).unwrap());
    }

    #[test]
    fn handle_request_at_a_unix_socket() {
        let path = Path::new("one");
        let mut server = HTTPServer::bind_unix(&path.0, factory).unwrap();
        let at = path.0.clone();
        let client = thread::spawn(move || Client::over(UnixStream::connect(at).unwrap()).ask(GET).status);
        server.handle_request().unwrap();
        assert_eq!(client.join().unwrap(), 200);
    }

    #[test]
    fn a_unix_socket_that_stands_already_is_named() {
        let path = Path::new("twice");
        let _first = HTTPServer::bind_unix(&path.0, factory).unwrap();
        let error = HTTPServer::bind_unix(&path.0, factory).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(path.0.to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_unix_client_is_logged_without_a_port() {
        struct Base {
            base: BaseHTTPRequestHandler,
        }
        #[http_handler]
        impl Base {
            fn do_GET(&self) -> io::Result<()> {
                self.send_response(200);
                self.end_headers()?;
                write!(self.wfile, "{}", self.address_string())
            }
            fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
        }
        let path = Path::new("address");
        let (handle, thread) = serve(HTTPServer::bind_unix(&path.0, |base| Base { base }).unwrap());
        assert_eq!(Client::over(UnixStream::connect(&path.0).unwrap()).ask(GET).text(), "unix");
        handle.shutdown();
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn request_queue_size() {
    let mut server = HTTPServer::builder().request_queue_size(1).bind("127.0.0.1:0", factory).unwrap();
    let mut client = connect(server.server_port());
    client.send(GET);
    server.handle_request().unwrap();
    assert_eq!(client.response().status, 200);
}

/// How many connections the system makes for a server that accepts none. Linux queues one more than it is told.
#[cfg(target_os = "linux")]
#[test]
fn request_queue_size_is_that_of_the_systems_queue() {
    let connecting = |size: u16| {
        let server = HTTPServer::builder().request_queue_size(size).bind("127.0.0.1:0", factory).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.server_port()));
        let sockets: Vec<_> = (0..10)
            .map(|_| {
                let socket =
                    socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
                socket.set_nonblocking(true).unwrap();
                let _ = socket.connect(&address.into());
                socket
            })
            .collect();
        (server, sockets)
    };
    let connected =
        |sockets: &[socket2::Socket]| sockets.iter().filter(|socket| socket.peer_addr().is_ok()).count();
    let (_short, few) = connecting(3);
    wait_until("the queue is full", || connected(&few) == 4);
    let (_long, all) = connecting(100);
    wait_until("all are in the queue", || connected(&all) == 10);
    assert_eq!(connected(&few), 4);
}

/// Serves a request after which the server closes first, so that the system keeps the connection for a while.
#[cfg(target_os = "linux")]
fn serve_and_drop(address: &str) -> u16 {
    let mut server = HTTPServer::bind(address, factory).unwrap();
    let at = (address.split(':').next().unwrap(), server.server_port());
    let mut client = Client::over(TcpStream::connect(at).unwrap());
    client.send("GET / HTTP/1.0\r\n\r\n");
    server.handle_request().unwrap();
    assert_eq!(client.response().status, 200);
    client.assert_closed();
    at.1
}

// At separate addresses, where no other test takes the port meanwhile.

#[cfg(target_os = "linux")]
#[test]
fn a_server_can_be_restarted_at_once() {
    let port = serve_and_drop("127.9.9.1:0");
    HTTPServer::bind(("127.9.9.1", port), factory).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn allow_reuse_address_can_be_switched_off() {
    let port = serve_and_drop("127.9.9.2:0");
    let builder = HTTPServer::builder().allow_reuse_address(false);
    let error = builder.bind(("127.9.9.2", port), factory).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[cfg(target_os = "linux")]
#[test]
fn allow_reuse_port_is_for_all_or_nobody() {
    let bind = |port: u16, allow: bool| {
        HTTPServer::builder().allow_reuse_port(allow).bind(("127.9.9.3", port), factory)
    };
    let first = bind(0, true).unwrap();
    let second = bind(first.server_port(), true).unwrap();
    assert_eq!(first.server_port(), second.server_port());
    assert_eq!(bind(first.server_port(), false).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let alone = bind(0, false).unwrap();
    assert_eq!(bind(alone.server_port(), true).unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn verify_request_decides_who_is_served() {
    let made = Log::default();
    let asked = Log::default();
    let (note, ask) = (made.clone(), asked.clone());
    let builder = HTTPServer::builder().verify_request(move |client: &Address| {
        ask.push(client);
        ask.lines().len() > 1
    });
    let server = TestServer::with(builder, move |base| {
        note.push("made");
        factory(base)
    });
    let mut refused = Client::new(&server);
    let _ = refused.send(GET).rest().map(|rest| assert!(rest.is_empty()));
    wait_until("verify_request was asked", || !asked.lines().is_empty());
    assert!(made.lines().is_empty(), "no handler is made for it");
    let mut client = Client::new(&server);
    assert_eq!(client.ask(GET).status, 200);
    assert_eq!(asked.lines()[1], client.stream().local_addr().unwrap().to_string());
}

#[test]
fn verify_request_holds_for_handle_request_too() {
    let asked = AtomicUsize::new(0);
    let mut server = HTTPServer::builder()
        .verify_request(move |_| asked.fetch_add(1, Ordering::SeqCst) > 0)
        .bind("127.0.0.1:0", factory)
        .unwrap();
    let mut clients = [connect(server.server_port()), connect(server.server_port())];
    for client in &mut clients {
        client.send(GET);
    }
    // Both are ready at once. The one that is refused does not count, and the other one is not delayed.
    let thread = thread::spawn(move || server.handle_request());
    wait_until("handle_request has served one", || thread.is_finished());
    thread.join().unwrap().unwrap();
    let answered = clients.map(|mut client| client.rest().is_ok_and(|rest| !rest.is_empty()));
    assert_eq!(answered.iter().filter(|answered| **answered).count(), 1);
}

#[test]
fn handle_error_is_told_of_errors_and_panics() {
    let errors = Arc::new(Mutex::new(Vec::new()));
    let told = errors.clone();
    let facts = |error: &HandlerError<'_>| {
        let kind = error.error().and_then(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
        let texts = [error.requestline(), error.message()].map(str::to_owned);
        (error.client_address().clone(), texts, error.is_panic(), kind)
    };
    let builder = HTTPServer::builder().handle_error(move |error| told.lock().unwrap().push(facts(error)));
    let server = TestServer::with(builder, factory);
    let mut addresses = Vec::new();
    for path in ["/error", "/panic", "/good", "/good"] {
        let mut client = Client::new(&server);
        addresses.push(client.stream().local_addr().unwrap());
        client.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    assert_eq!(Client::new(&server).ask("SPAM / HTTP/1.1\r\nHost: a\r\n\r\n").status, 501);
    assert_eq!(Client::new(&server).ask("nonsense\r\n").status, 400);
    drop(server);
    let errors = errors.lock().unwrap();
    assert_eq!(errors.len(), 2, "{errors:?}");
    for (error, (address, path)) in errors.iter().zip(addresses.iter().zip(["/error", "/panic"])) {
        let is_panic = path == "/panic";
        let texts = [format!("GET {path} HTTP/1.1"), "on purpose".to_owned()];
        let kind = (!is_panic).then_some(io::ErrorKind::Other);
        assert_eq!(*error, (Address::Tcp(*address), texts, is_panic, kind));
    }
}

#[test]
fn limits_can_be_set() {
    let mut limits = Limits::default();
    (limits.request_line, limits.head, limits.fields) = (100, 200, 3);
    let server = TestServer::with(HTTPServer::builder().limits(limits), factory);
    let status = |request: String| Client::new(&server).ask(request).status_line;
    assert_eq!(status(GET.to_owned()), "HTTP/1.1 200 OK");
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(100));
    assert_eq!(status(long), "HTTP/1.1 414 Request-URI Too Long");
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200));
    assert_eq!(status(large), "HTTP/1.1 431 Line too long");
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(3));
    assert_eq!(status(many), "HTTP/1.1 431 Too many headers");
}

#[test]
fn a_connection_too_many_is_told_to_come_back() {
    let server = TestServer::with(HTTPServer::builder().max_connections(1), factory);
    let mut first = Client::new(&server);
    assert_eq!(first.ask(GET).status, 200);
    let mut second = Client::new(&server);
    let response = second.ask(GET);
    assert_eq!((response.status, response.field("retry-after")), (503, Some("1")));
    second.assert_closed();
    assert_eq!(first.ask(GET).status, 200);
    drop(first);
    wait_until("there is room again", || Client::new(&server).ask(GET).status == 200);
}

#[test]
fn response_buffer_decides_when_a_response_is_chunked() {
    let server = TestServer::with(HTTPServer::builder().response_buffer(10), factory);
    let response = Client::new(&server).ask(GET);
    assert_eq!(response.field("transfer-encoding"), Some("chunked"));
    assert!(response.text().starts_with("127.0.0.1:"));
}

#[test]
fn a_panic_in_a_hook_does_not_end_the_server() {
    let told = Log::default();
    let of_hook = told.clone();
    let builder = HTTPServer::builder().handle_error(move |error| {
        of_hook.push(error);
        panic!("in the hook");
    });
    let server = TestServer::with(builder, factory);
    let output = server.exchange(b"GET /error HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert!(output.starts_with(b"HTTP/1.1 500 "));
    assert!(told.has("on purpose"), "{:?}", told.lines());
    assert_eq!(Client::new(&server).ask(GET).status, 200);
}

#[test]
fn a_panic_in_verify_request_does_not_end_the_server() {
    let asked = AtomicUsize::new(0);
    let builder = HTTPServer::builder().verify_request(move |_| {
        assert!(asked.fetch_add(1, Ordering::SeqCst) > 0, "in verify_request");
        true
    });
    let server = TestServer::with(builder, factory);
    let mut refused = Client::new(&server);
    let _ = refused.send(GET).rest().map(|rest| assert!(rest.is_empty()));
    assert_eq!(Client::new(&server).ask(GET).status, 200);
}
