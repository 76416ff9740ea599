//! Relays take two descriptors each, and give both back, however they end. Alone in its process, whose descriptors are
//! counted.
#![cfg(target_os = "linux")]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::process::descriptors;
use basehttp_tests::wait_until;

struct Proxy {
    base: BaseHTTPRequestHandler,
    origin: String,
}

#[http_handler]
impl Proxy {
    const protocol_version: &str = "HTTP/1.1";

    fn do_CONNECT(&self) -> io::Result<()> {
        let stream = TcpStream::connect(&self.origin)?;
        self.send_response(200);
        self.end_headers()?;
        self.relay(stream)?;
        if self.path() == "failing:1" { Err(io::Error::other("as it was told")) } else { Ok(()) }
    }
}

fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

#[test]
fn a_thousand_relays_leave_none_behind() {
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = origin.local_addr().unwrap().to_string();
    let builder = HTTPServer::builder().log_line(|_, _| {});
    let server = TestServer::with(builder, move |base| Proxy { base, origin: address.clone() });
    let relay = |path: &str, end: fn(TcpStream, TcpStream)| {
        let mut client = server.connect().unwrap();
        write!(client, "CONNECT {path} HTTP/1.1\r\nHost: a:1\r\n\r\nx").unwrap();
        let (mut far, _) = origin.accept().unwrap();
        if path == "a:1" {
            far.read_exact(&mut [0]).unwrap();
        }
        end(client, far);
    };
    relay("a:1", |client, far| drop((client, far)));
    let are_over = || server.handle().stats().connections_open == 0;
    wait_until("the first is over", are_over);
    wait_until("no descriptor is on its way", || {
        let before = descriptors();
        std::thread::yield_now();
        before == descriptors()
    });
    let before = descriptors();
    for _ in 0..250 {
        relay("a:1", |client, far| drop((client, far)));
        relay("a:1", |client, far| {
            reset(client);
            drop(far);
        });
        relay("a:1", |client, far| {
            reset(far);
            drop(client);
        });
        relay("failing:1", |client, far| drop((client, far)));
    }
    wait_until("all are over", are_over);
    wait_until("all descriptors are back", || descriptors() <= before);
}
