//! The names of clients in log lines.

use std::net::{IpAddr, Ipv4Addr};

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;

use crate::GET;

/// Answers with the beginning of its log lines.
struct Named {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Named {
    fn do_GET(&self) -> std::io::Result<()> {
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(self.address_string().as_bytes())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

fn name(builder: ServerBuilder) -> String {
    Client::new(&TestServer::with(builder, |base| Named { base })).ask(GET).text()
}

#[test]
fn nobody_asks_for_names_unless_told_to() {
    assert_eq!(name(HTTPServer::builder()), "127.0.0.1");
    assert_eq!(name(HTTPServer::builder().name_lookup(false)), "127.0.0.1");
}

#[test]
fn names_are_looked_up_where_that_is_switched_on() {
    // This system's name for its own address, if any.
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let expected = dns_lookup::lookup_addr(&address).unwrap_or_else(|_| address.to_string());
    assert_eq!(name(HTTPServer::builder().name_lookup(true)), expected);
}
