//! The stack of the server's threads.

use std::hint::black_box;
use std::io;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;

/// Recurses as many calls as the path says.
struct Deep {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Deep {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        let Ok(calls) = self.path().trim_start_matches('/').parse() else { return self.send_error(404) };
        let text = dive(calls).to_string();
        self.send_response(200);
        self.end_headers()?;
        self.wfile.write_all(text.as_bytes())
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}
}

/// A KiB of stack for each call, at least.
fn dive(calls: usize) -> usize {
    let room = black_box([0_u8; 1024]);
    let below = if calls == 0 { 0 } else { 1 + dive(calls - 1) };
    below + usize::from(black_box(&room)[0])
}

fn ask(client: &mut Client, path: &str) -> (u16, String) {
    let response = client.ask(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    (response.status, response.text())
}

/// With the default stack of threads this would end the process.
#[test]
fn a_handler_recurses_as_deep_as_the_stack_allows() {
    let server = TestServer::with(HTTPServer::builder().stack_size(64 << 20), |base| Deep { base });
    let mut client = Client::new(&server);
    // The first runs are on pool threads, trusted ones on a driver.
    for calls in [16_000, 0, 0, 0, 0, 0, 0, 0, 0, 16_000] {
        assert_eq!(ask(&mut client, &calls.to_string()), (200, calls.to_string()));
    }
}

/// Also without optimization, as tests are built.
#[test]
fn the_least_stack_is_enough_for_the_server_itself() {
    let server = TestServer::with(HTTPServer::builder().stack_size(128 << 10), |base| Deep { base });
    let mut client = Client::new(&server);
    for _ in 0..20 {
        assert_eq!(ask(&mut client, "10"), (200, "10".to_owned()));
        assert_eq!(ask(&mut Client::new(&server), "none").0, 404);
    }
}
