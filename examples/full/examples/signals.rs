//! Graceful shutdown: SIGTERM or Ctrl-C lets running requests finish, for at most five seconds; a second signal cuts them off.
//! The listener is closed at once: behind a load balancer, announce the shutdown first, as the example `replica` does.
//!
//! ```text
//! cargo run --release -p basehttp-examples-full --example signals [PORT]
//! curl http://127.0.0.1:8000/slow & kill -TERM PID     # is still answered
//! ```

use std::io;
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

struct Worker {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Worker {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/health")]
    fn health(&self) -> &str {
        "ok\n"
    }

    #[route(GET, "/slow")]
    fn slow(&self) -> &str {
        thread::sleep(Duration::from_secs(1));
        "done\n"
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let builder = HTTPServer::builder().shutdown_grace(Duration::from_secs(5));
    let mut server = builder.bind(format!("127.0.0.1:{port}"), |base| Worker { base })?;
    let handle = server.handle();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let ending = handle.clone();
    thread::spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            ending.shutdown();
        }
        if signals.next().is_some() {
            ending.shutdown_within(Duration::ZERO);
        }
    });
    println!("http://{}/", server.server_address());
    server.serve_forever()?;
    println!("{}", handle.wait());
    Ok(())
}
