//! What a request on a keep-alive connection costs in locks and read-modify-writes, and that none of them is shared: two
//! drivers, each in its own shard, never write where the other one does. In a build that counts:
//!
//! ```sh
//! RUSTFLAGS="--cfg count" cargo test -p basehttp-tests --test counts --target-dir target/count -- --nocapture
//! ```
#![cfg(count)]

use std::fmt;
use std::io;

use basehttp::counted::{self, Count, Counts};
use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp_tests::client::Client;

struct Page {
    base: BaseHTTPRequestHandler,
    is_silent: bool,
}

#[http_handler]
impl Page {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Length", 4);
        self.end_headers()?;
        self.wfile.write_all(b"page")
    }

    fn do_POST(&self) -> io::Result<()> {
        let mut body = Vec::new();
        self.rfile.read_to_end(&mut body)?;
        self.send_response(200);
        self.send_header("Content-Length", body.len());
        self.end_headers()?;
        self.wfile.write_all(&body)
    }

    fn log_request(&self, code: Option<HTTPStatus>, _size: Option<u64>) {
        if !self.is_silent {
            self.log_message(format_args!("{code:?}"));
        }
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

/// The number of counted requests, alternating between two connections.
const REQUESTS: usize = 4000;

struct PerRequest(Counts);

impl fmt::Display for PerRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "a ratio is not exact")]
        let show = |count: Count| {
            let [own, shared] = [count.own, count.shared].map(|count| count as f64 / REQUESTS as f64);
            format!("{own:6.2} +{shared:.2}")
        };
        let Counts { locks, locks_found_taken, read_modify_writes, writes, wake_ups } = self.0;
        let [locks, taken, changes, writes, wake_ups] =
            [locks, locks_found_taken, read_modify_writes, writes, wake_ups].map(show);
        write!(f, "locks {locks}, found taken {taken}, read-modify-writes {changes}, ")?;
        write!(f, "writes {writes}, wake-ups {wake_ups}")
    }
}

fn shared(counts: &Counts) -> u64 {
    let Counts { locks, locks_found_taken, read_modify_writes, writes, wake_ups } = counts;
    [locks, locks_found_taken, read_modify_writes, writes, wake_ups].iter().map(|count| count.shared).sum()
}

/// Sends requests on two connections alternately, `depth` requests at a time.
fn count(request: &str, depth: usize, is_silent: bool) -> Counts {
    // As many shards as compute threads; each has one of two connections.
    let builder = HTTPServer::builder().compute_threads(2);
    let server = TestServer::with(builder, move |base| Page { base, is_silent });
    let mut clients = [Client::new(&server), Client::new(&server)];
    let batch = request.repeat(depth);
    let mut ask = |requests: usize| {
        for _ in 0..requests / depth / 2 {
            for client in &mut clients {
                client.send(&batch);
                (0..depth).for_each(|_| assert_eq!(client.response().status, 200));
            }
        }
    };
    // Until the kind of request is trusted, and both drive.
    ask(1000);
    counted::reset();
    ask(REQUESTS);
    assert_eq!(counted::shards(), 2, "both shards have a driver");
    counted::counts()
}

#[test]
fn a_request_of_a_kept_connection_that_logs_nothing_writes_nothing_that_another_shard_writes() {
    // A shared write in each request would be counted as often as there are requests; now and then a thread starts or ends.
    let most = REQUESTS as u64 / 20;
    for (name, request, depth) in [("GET", GET, 1), ("POST", POST, 1), ("GET, 8 at a time", GET, 8)] {
        let counts = count(request, depth, true);
        println!("{name}: {}", PerRequest(counts));
        assert!(counts.locks.own + counts.read_modify_writes.own > 0, "nothing is counted");
        assert!(shared(&counts) < most, "{name}: {}", PerRequest(counts));
    }
    // The thread that writes the log takes the lines of all shards.
    println!("GET with a line of the log: {}", PerRequest(count(GET, 1, false)));
}
