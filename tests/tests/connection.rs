//! What a handler can learn about its connection.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;

use basehttp::prelude::*;
use basehttp::testing::{TestServer, respond};
use basehttp_tests::client::Client;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

struct Facts {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Facts {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let connection = self.connection();
        let address = connection.local_address().map_or("none".to_owned(), |address| address.to_string());
        let tls = (connection.tls_version(), connection.tls_server_name(), connection.client_certificates());
        assert_eq!(tls, (None, None, Vec::new()), "without TLS");
        #[cfg(unix)]
        let peer = connection.peer_credentials().map(|peer| (peer.uid, peer.gid, peer.pid));
        #[cfg(not(unix))]
        let peer = None::<()>;
        self.send_response(200);
        self.end_headers()?;
        write!(self.wfile, "{address} {peer:?}")
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

#[test]
fn the_local_address_is_the_one_that_the_client_has_taken() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut server = HTTPServer::from_listener(listener, |base| Facts { base }).unwrap();
    let handle = server.handle();
    let thread = thread::spawn(move || server.serve_forever());
    for host in ["127.0.0.1", "127.0.0.2"] {
        let Ok(stream) = TcpStream::connect((host, port)) else {
            // On systems other than Linux there is one address of that kind.
            assert_ne!(host, "127.0.0.1");
            continue;
        };
        let mut client = Client::over(stream);
        for _ in 0..2 {
            assert_eq!(client.ask(GET).text(), format!("{host}:{port} None"));
        }
    }
    handle.shutdown();
    thread.join().unwrap().unwrap();
}

#[test]
fn without_a_socket_nothing_is_known() {
    assert_eq!(respond(|base| Facts { base }, GET.as_bytes())[0].text(), "none None");
}

/// In `setup`, which comes before any input if `handle` is overridden.
#[test]
fn an_override_of_handle_may_ask_as_well() {
    struct Early {
        base: BaseHTTPRequestHandler,
        port: Option<u16>,
    }

    #[http_handler]
    impl Early {
        fn setup(&mut self) -> io::Result<()> {
            self.port = self.connection().local_address().and_then(|address| address.port());
            Ok(())
        }

        fn handle(&mut self) -> io::Result<()> {
            self.handle_one_request()
        }

        fn do_GET(&self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()?;
            write!(self.wfile, "{:?}", self.port)
        }

        fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
    }

    let server = TestServer::new(|base| Early { base, port: None });
    assert_eq!(Client::new(&server).ask(GET).text(), format!("{:?}", Some(server.address().port())));
}

#[cfg(unix)]
#[test]
fn at_a_unix_socket_the_system_says_who_has_connected() {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("facts.sock");
    let mut server = HTTPServer::bind_unix(&path, |base| Facts { base }).unwrap();
    let handle = server.handle();
    let thread = thread::spawn(move || server.serve_forever());
    let text = Client::over(UnixStream::connect(&path).unwrap()).ask(GET).text();
    // The processes that this one starts have its user.
    let own = std::fs::metadata(&path).unwrap();
    let pid =
        cfg!(any(target_os = "linux", target_os = "android", target_vendor = "apple")).then(std::process::id);
    if cfg!(target_os = "linux") {
        let told = Some((own.uid(), own.gid(), pid));
        assert_eq!(text, format!("unix:{} {told:?}", path.display()));
    } else {
        // There, a file gets the group of its folder.
        assert!(
            text.contains(&format!("Some(({}, ", own.uid())) && text.ends_with(&format!("{pid:?}))")),
            "{text}"
        );
    }
    handle.shutdown();
    thread.join().unwrap().unwrap();
}
