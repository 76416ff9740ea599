//! A server behind a load balancer: one of several replicas, which can be replaced one after the other without losing a
//! request. The configuration for HAProxy, nginx, systemd and Kubernetes is in `examples/deploy`.
//!
//! ```text
//! replica [PORT] [--proxy-protocol] [--notice SECONDS]
//! ```
//!
//! - `/healthz` says whether the server accepts requests. After SIGTERM it answers 503, and every response closes its
//!   connection. After the notice, when the balancer has seen that, the server stops accepting connections, and running
//!   requests have ten seconds to finish.
//! - The client's address comes from the balancer: from the PROXY protocol with `--proxy-protocol`, otherwise from
//!   `X-Forwarded-For`. The balancer is on this machine; if yours is not, put its address into `trusted_proxies`.
//! - A socket from systemd (`LISTEN_FDS`) takes precedence over PORT: connections that arrive between two processes wait in
//!   its queue.

use std::env;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::{ForwardedFields, HttpError, TrustedProxies};
use listenfd::ListenFd;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

struct Replica {
    base: BaseHTTPRequestHandler,
    ready: Arc<AtomicBool>,
}

#[http_handler]
impl Replica {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/")]
    fn client(&self) -> String {
        format!("{} by {}\n", self.address_string(), self.scheme())
    }

    #[route(POST, "/", limit = 64 * 1024)]
    fn length(&self, body: Vec<u8>) -> String {
        format!("{} bytes\n", body.len())
    }

    #[route(GET, "/healthz")]
    fn health(&self) -> Result<&str, HttpError> {
        if self.ready.load(Ordering::SeqCst) {
            Ok("ready\n")
        } else {
            Err(HttpError::new(503, "Shutting down"))
        }
    }

    fn end_headers(&self) -> io::Result<()> {
        // A client that keeps this connection must send its next request elsewhere.
        if !self.ready.load(Ordering::SeqCst) {
            self.send_header("Connection", "close");
        }
        BaseHTTPRequestHandler::end_headers(self)
    }

    // Not for the balancer, which checks every few seconds.
    fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>) {
        if self.path() != "/healthz" {
            BaseHTTPRequestHandler::log_request(self, code, size);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut port = "8000".to_owned();
    let mut proxies = TrustedProxies::new(["127.0.0.0/8", "::1"])?.fields(ForwardedFields::XForwarded);
    let mut notice = Duration::from_secs(5);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--proxy-protocol" => proxies = TrustedProxies::new(["127.0.0.0/8", "::1"])?.proxy_protocol(true),
            "--notice" => {
                let seconds = arguments.next().ok_or("--notice needs a number of seconds")?;
                notice = Duration::try_from_secs_f64(seconds.parse()?)?;
            }
            _ => port = argument,
        }
    }

    let ready = Arc::new(AtomicBool::new(true));
    let shared = ready.clone();
    let factory = move |base| Replica { base, ready: shared.clone() };
    let builder = HTTPServer::builder().trusted_proxies(proxies).shutdown_grace(Duration::from_secs(10));
    let mut server = match ListenFd::from_env().take_tcp_listener(0)? {
        Some(listener) => builder.from_listener(listener, factory)?,
        None => builder.bind(format!("127.0.0.1:{port}"), factory)?,
    };

    let handle = server.handle();
    let ending = handle.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            ready.store(false, Ordering::SeqCst);
            thread::sleep(notice);
            ending.shutdown();
        }
    });
    println!("http://{}/", server.server_address());
    server.serve_forever()?;
    println!("{}", handle.wait());
    Ok(())
}
