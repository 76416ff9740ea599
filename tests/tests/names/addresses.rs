//! One server at several addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{Address, ServerBuilder, ServerHandle};
use basehttp_tests::client::Client;
use basehttp_tests::gate::{Bar, Gate, gate};
use basehttp_tests::{PATIENCE, left_out, wait_until};

use crate::GET;

/// Reports the address at which its client came in; `/wait` waits at the gate first.
struct Where {
    base: BaseHTTPRequestHandler,
    bar: Bar,
}

#[http_handler]
impl Where {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        if self.path() == "/wait" {
            self.bar.pass()?;
        }
        let server = self.server();
        assert_eq!(server.server_addresses().first(), Some(server.server_address()));
        self.send_response(200);
        self.end_headers()?;
        let local = self.connection().local_address().expect("a socket");
        write!(self.wfile, "{local} of {}", server.server_addresses().len())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

const WAIT: &str = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

/// Longer than a test waits for the end of a server.
const GRACE: Duration = PATIENCE.saturating_add(Duration::from_secs(10));

fn factory() -> (Gate, impl Fn(BaseHTTPRequestHandler) -> Where + Send + Sync + 'static) {
    let (gate, bar) = gate();
    (gate, move |base| Where { base, bar: bar.clone() })
}

fn bind(builder: ServerBuilder) -> io::Result<HTTPServer> {
    builder.bind((Ipv4Addr::LOCALHOST, 0), factory().1)
}

/// A running server.
struct Serving {
    addresses: Vec<Address>,
    handle: ServerHandle,
    thread: JoinHandle<io::Result<()>>,
}

impl Serving {
    fn new(mut server: HTTPServer) -> Self {
        let (addresses, handle) = (server.server_addresses().to_vec(), server.handle());
        Self { addresses, handle, thread: thread::spawn(move || server.serve_forever()) }
    }

    /// Every address is answered, on new connections and on persistent ones.
    fn check(&self) {
        let mut clients: Vec<_> =
            self.addresses.iter().map(|address| Client::over(connect(address))).collect();
        for _ in 0..3 {
            for (client, address) in clients.iter_mut().zip(&self.addresses) {
                let response = client.ask(GET);
                assert_eq!(response.text(), format!("{address} of {}", self.addresses.len()));
            }
        }
    }

    fn end(self) {
        self.handle.shutdown();
        self.thread.join().unwrap().unwrap();
        for address in &self.addresses {
            assert!(try_connect(address).is_err(), "{address} is closed");
        }
    }
}

/// A stream of either kind.
trait Stream: io::Read + io::Write + Send {}

impl Stream for TcpStream {}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {}

fn try_connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Address::Unix(Some(path)) => {
            let stream = std::os::unix::net::UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Box::new(stream))
        }
        other => panic!("no address to connect to: {other}"),
    }
}

fn connect(address: &Address) -> Box<dyn Stream> {
    try_connect(address).unwrap_or_else(|error| panic!("{address}: {error}"))
}

/// The test's own listener, and its address.
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn two_addresses_are_answered_by_one_server() {
    let server = bind(HTTPServer::builder().also_bind("127.0.0.1:0").also_bind(("localhost", 0))).unwrap();
    let [first, second, third] = server.server_addresses() else { panic!("{server:?}") };
    assert_eq!(server.server_address(), first);
    assert_eq!((server.server_name(), Some(server.server_port())), ("127.0.0.1", first.port()));
    // Port 0 is a different port for each, and is reported.
    let ports = [first, second].map(|address| address.port().unwrap());
    assert!(ports[0] != ports[1] && !ports.contains(&0), "{ports:?}");
    assert!(third.ip().unwrap().is_loopback());
    let serving = Serving::new(server);
    serving.check();
    serving.end();
}

#[test]
fn a_server_of_one_address_has_a_list_of_one() {
    let server = bind(HTTPServer::builder()).unwrap();
    assert_eq!(server.server_addresses(), [server.server_address().clone()]);
}

#[test]
fn listeners_that_exist_are_taken_too() {
    let ((one, first), (other, second)) = (listener(), listener());
    let builder = HTTPServer::builder().also_from_listener(other);
    let server = builder.from_listener(one, factory().1).unwrap();
    assert_eq!(server.server_addresses(), [first.into(), second.into()]);
    assert_eq!(server.server_name(), "127.0.0.1");
    let serving = Serving::new(server);
    serving.check();
    serving.end();
}

#[test]
fn handle_request_takes_a_request_from_any_address() {
    let builder = HTTPServer::builder().timeout(PATIENCE).also_bind("127.0.0.1:0").also_bind("127.0.0.1:0");
    let mut server = bind(builder).unwrap();
    let addresses = server.server_addresses().to_vec();
    let serving = thread::spawn(move || (0..6).try_for_each(|_| server.handle_request()));
    for address in addresses.iter().rev().chain(&addresses) {
        assert_eq!(Client::over(connect(address)).ask(GET).text(), format!("{address} of 3"));
    }
    serving.join().unwrap().unwrap();
}

/// A port that is free for IPv4 and IPv6, where the machine has both.
fn at_a_common_port(bind: impl Fn(u16) -> io::Result<HTTPServer>) -> Option<HTTPServer> {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        left_out("IPv6, since this machine has none");
        return None;
    }
    for _ in 0..100 {
        let port = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port();
        match bind(port) {
            // Another test has taken it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            server => return Some(server.unwrap()),
        }
    }
    panic!("no port is free in both families");
}

#[test]
fn ipv4_and_ipv6_at_one_port() {
    let server = at_a_common_port(|port| {
        HTTPServer::builder().also_bind(("::1", port)).bind(("127.0.0.1", port), factory().1)
    });
    let Some(server) = server else { return };
    let serving = Serving::new(server);
    serving.check();
    serving.end();
}

/// If `[::]` accepted IPv4 as well, it would conflict with `0.0.0.0`.
#[test]
fn the_wildcards_of_both_families_at_one_port() {
    let (v4, v6) = (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::UNSPECIFIED));
    for (first, second) in [(v4, v6), (v6, v4)] {
        let server = at_a_common_port(|port| {
            HTTPServer::builder().also_bind((second, port)).bind((first, port), factory().1)
        });
        let Some(server) = server else { return };
        let port = server.server_port();
        let serving = Serving::new(server);
        for one in [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), (Ipv6Addr::LOCALHOST, port).into()] {
            let response = Client::over(connect(&one.into())).ask(GET);
            assert_eq!(response.text(), format!("{one} of 2"));
        }
        serving.handle.shutdown();
        serving.thread.join().unwrap().unwrap();
    }
}

/// If the system gives each its own port, they do not conflict.
#[test]
fn a_wildcard_with_a_port_of_its_own_takes_both_families() {
    if TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).is_err() {
        left_out("IPv6, since this machine has none");
        return;
    }
    let server = bind(HTTPServer::builder().also_bind("[::]:0")).unwrap();
    let port = server.server_addresses()[1].port().unwrap();
    let serving = Serving::new(server);
    for one in [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), (Ipv6Addr::LOCALHOST, port).into()] {
        assert_eq!(Client::over(connect(&one.into())).ask(GET).status, 200, "{one}");
    }
    serving.handle.shutdown();
    serving.thread.join().unwrap().unwrap();
}

/// At a separate address, where no other test takes a port that becomes free.
#[cfg(target_os = "linux")]
#[test]
fn an_address_in_use_is_named_and_the_others_are_free_again() {
    let (_busy, busy) = listener();
    let open = || {
        let listener = TcpListener::bind("127.9.9.5:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sock");
    let is_named = |outcome: io::Result<HTTPServer>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen at {busy}: ")), "{error}");
        assert!(!path.exists(), "the file of the socket is gone");
    };
    // The last of them, and the first.
    let ((one, first), (other, second)) = (open(), open());
    let builder = HTTPServer::builder().also_bind_unix(&path).also_from_listener(other).also_bind(busy);
    is_named(builder.from_listener(one, factory().1));
    let builder = HTTPServer::builder().also_bind_unix(&path).also_bind(first).also_bind(second);
    is_named(builder.bind(busy, factory().1));
    for address in [first, second] {
        assert!(TcpStream::connect(address).is_err());
        TcpListener::bind(address).unwrap();
    }
    // An address of the server itself is in use, too.
    let builder = HTTPServer::builder().also_bind_unix(&path).also_bind(first);
    let error = builder.bind(first, factory().1).unwrap_err();
    assert!(error.to_string().contains(&first.to_string()), "{error}");
}

#[test]
fn what_cannot_be_an_address_is_told_by_bind() {
    for bad in ["", "localhost", "127.0.0.1:http", "/tmp/x.sock"] {
        let error = bind(HTTPServer::builder().also_bind("127.0.0.1:0").also_bind(bad)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{bad}: {error}");
        assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
    }
    // An address that is not on this machine, by RFC 5737.
    let error = bind(HTTPServer::builder().also_bind("192.0.2.7:80")).unwrap_err();
    assert!(error.to_string().starts_with("cannot listen at 192.0.2.7:80: "), "{error}");
    let many = (0..512).fold(HTTPServer::builder(), |builder, _| builder.also_bind("127.0.0.1:0"));
    let error = bind(many).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "513 addresses: a server listens at 512 at most; start a second server");
}

#[test]
fn the_shutdown_closes_all_addresses_and_finishes_the_requests_of_all() {
    let (gate, factory) = factory();
    let builder =
        HTTPServer::builder().shutdown_grace(GRACE).also_bind("127.0.0.1:0").also_bind("127.0.0.1:0");
    let serving = Serving::new(builder.bind("127.0.0.1:0", factory).unwrap());
    let clients = || serving.addresses.iter().map(|address| (Client::over(connect(address)), address));
    let mut idle: Vec<_> = clients().collect();
    for (client, _) in &mut idle {
        assert_eq!(client.ask(GET).status, 200);
    }
    let mut busy: Vec<_> = clients().collect();
    for (client, _) in &mut busy {
        client.send(WAIT);
    }
    gate.wait_for(3);
    serving.handle.shutdown();
    for address in &serving.addresses {
        wait_until("the address is closed", || try_connect(address).is_err());
    }
    assert!(!serving.thread.is_finished(), "it waits for its handlers");
    gate.stay_open();
    for (mut client, address) in busy {
        let response = client.response();
        assert_eq!(
            (response.text(), response.field("connection")),
            (format!("{address} of 3"), Some("close"))
        );
        client.assert_closed();
    }
    for (mut client, _) in idle {
        client.assert_closed();
    }
    serving.thread.join().unwrap().unwrap();
    let report = serving.handle.wait();
    assert_eq!((report.finished, report.cut), (3, 0), "{report}");
}

#[test]
fn what_the_system_has_queued_at_any_address_is_served() {
    let (gate, bar) = gate();
    // The accepting thread waits here, so all other connections are in the system's queues when the server ends.
    let builder = HTTPServer::builder()
        .shutdown_grace(GRACE)
        .compute_threads(1)
        .verify_request(move |_| bar.pass().is_ok())
        .also_bind("127.0.0.1:0")
        .also_bind("127.0.0.1:0");
    let serving = Serving::new(bind(builder).unwrap());
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.extend(serving.addresses.iter().map(|address| (Client::over(connect(address)), address)));
    }
    for (client, _) in &mut clients {
        client.send(GET);
    }
    gate.wait_for(1);
    serving.handle.shutdown();
    gate.stay_open();
    for (client, address) in &mut clients {
        assert_eq!(client.response().text(), format!("{address} of 3"));
        client.assert_closed();
    }
    serving.thread.join().unwrap().unwrap();
}

#[cfg(unix)]
mod unix {
    use std::os::unix::net::UnixListener;

    use basehttp_tests::log::Log;
    use tempfile::TempDir;

    use super::*;

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn tcp_and_unix_sockets() {
        let folder = folder();
        let [one, other, theirs] = ["one", "other", "theirs"].map(|name| folder.path().join(name));
        let builder = HTTPServer::builder()
            .also_bind_unix(&one)
            .also_bind_unix(&other)
            .also_from_listener(UnixListener::bind(&theirs).unwrap());
        let server = bind(builder).unwrap();
        let paths: Vec<_> = server.server_addresses().iter().map(Address::path).collect();
        assert_eq!(paths, [None, Some(&*one), Some(&*other), Some(&*theirs)]);
        let serving = Serving::new(server);
        serving.check();
        serving.end();
        // The server removes the files that it has created.
        assert_eq!([one, other, theirs].map(|path| path.exists()), [false, false, true]);
    }

    #[test]
    fn a_unix_socket_may_be_the_first() {
        let folder = folder();
        let path = folder.path().join("first");
        let server = HTTPServer::builder().also_bind("127.0.0.1:0").bind_unix(&path, factory().1).unwrap();
        assert_eq!((server.server_name(), server.server_port()), (path.to_str().unwrap(), 0));
        assert_ne!(server.server_addresses()[1].port(), Some(0));
        let serving = Serving::new(server);
        serving.check();
        serving.end();
        assert!(!path.exists());
    }

    #[test]
    fn each_socket_that_nobody_listens_at_is_replaced_and_told() {
        let folder = folder();
        let paths = ["one", "other"].map(|name| folder.path().join(name));
        for path in &paths {
            drop(UnixListener::bind(path).unwrap());
        }
        let log = Log::default();
        let [one, other] = &paths;
        let builder = HTTPServer::builder().log_line(log.taker()).also_bind_unix(other);
        let serving = Serving::new(builder.bind_unix(one, factory().1).unwrap());
        let told = paths
            .each_ref()
            .map(|path| format!("basehttp: replaced the abandoned socket {}", path.display()));
        assert_eq!(log.lines(), told);
        serving.check();
        serving.end();
    }

    #[test]
    fn a_server_that_is_dropped_leaves_nothing() {
        let folder = folder();
        let path = folder.path().join("dropped");
        let server = bind(HTTPServer::builder().also_bind_unix(&path).also_bind("127.0.0.1:0")).unwrap();
        let addresses = server.server_addresses().to_vec();
        drop(server);
        assert!(!path.exists());
        assert!(addresses.iter().all(|address| try_connect(address).is_err()));
        // A builder that is dropped has opened nothing.
        drop(HTTPServer::builder().also_bind_unix(&path));
        assert!(!path.exists());
    }
}
