//! The handlers for the vectors. They report what the server understood.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp::testing::{Run, TestServer, run};
use basehttp_tests::log::Log;

/// The requests that handlers of one kind got.
#[derive(Clone, Default)]
pub(crate) struct Record {
    calls: Arc<AtomicUsize>,
    log: Log,
}

impl Record {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// The calls and the log lines.
    pub(crate) fn outcome(&self) -> (usize, Vec<String>) {
        (self.calls(), self.log.lines())
    }

    pub(crate) fn clear(&self) {
        self.calls.store(0, Ordering::SeqCst);
        self.log.take();
    }
}

/// Handlers that differ only in their class variables.
macro_rules! handlers {
    ($($(#[$docs:meta])* $name:ident { $($variables:tt)* })*) => {$(
        $(#[$docs])*
        struct $name {
            base: BaseHTTPRequestHandler,
            record: Record,
        }

        #[http_handler]
        impl $name {
            $($variables)*

            /// Reports the request line, and does not read the body.
            fn do_GET(&self) -> io::Result<()> {
                self.tell("")
            }

            /// Like GET.
            fn do_PUT(&self) -> io::Result<()> {
                self.tell("")
            }

            /// Like GET.
            fn do_OPTIONS(&self) -> io::Result<()> {
                self.tell("")
            }

            /// Reports the request line, the length of the body, and the body.
            fn do_POST(&self) -> io::Result<()> {
                self.record.calls.fetch_add(1, Ordering::SeqCst);
                let mut body = Vec::new();
                self.rfile.read_to_end(&mut body)?;
                self.send_response(200);
                self.end_headers()?;
                self.tell_body(&body)
            }

            /// Like POST, for everything that comes through the tunnel.
            fn do_CONNECT(&self) -> io::Result<()> {
                self.record.calls.fetch_add(1, Ordering::SeqCst);
                self.send_response(200);
                self.end_headers()?;
                self.wfile.flush()?;
                let mut body = Vec::new();
                self.rfile.read_to_end(&mut body)?;
                self.tell_body(&body)
            }

            /// Replies with the status in the target, and nothing more.
            fn do_STATUS(&self) -> io::Result<()> {
                self.record.calls.fetch_add(1, Ordering::SeqCst);
                let status: u16 = self.path()[1..].parse().map_err(io::Error::other)?;
                self.send_response(status);
                self.end_headers()
            }

            /// Reports header fields and trailer fields.
            fn do_FIELDS(&self) -> io::Result<()> {
                self.rfile.read_to_end(&mut Vec::new())?;
                let mut text = String::new();
                for (name, value) in self.headers() {
                    text.push_str(&format!("{name}=[{value}]\n"));
                }
                for (name, value) in &self.rfile.trailers() {
                    text.push_str(&format!("trailer {name}=[{value}]\n"));
                }
                self.tell(&text)
            }

            fn log_message(&self, message: std::fmt::Arguments<'_>) {
                self.record.log.push(message);
            }

            fn tell_body(&self, body: &[u8]) -> io::Result<()> {
                let (command, path, version) = (self.command(), self.path(), self.request_version());
                writeln!(self.wfile, "{command} {path} {version} {}", body.len())?;
                self.wfile.write_all(body)
            }

            fn tell(&self, more: &str) -> io::Result<()> {
                self.record.calls.fetch_add(1, Ordering::SeqCst);
                self.send_response(200);
                self.end_headers()?;
                let (command, path, version) = (self.command(), self.path(), self.request_version());
                writeln!(self.wfile, "{command} {path} {version}")?;
                write!(self.wfile, "{more}")
            }
        }
    )*};
}

handlers! {
    /// A server as one would set it up today.
    Echo {
        const protocol_version: &str = "HTTP/1.1";
    }
    /// All class variables as in Python.
    Plain {}
    /// A request line without a version counts as HTTP/1.1.
    Assuming {
        const protocol_version: &str = "HTTP/1.1";
        const default_request_version: &str = "HTTP/1.1";
    }
}

/// The methods of each of them.
pub(crate) const METHODS: [&str; 8] =
    ["GET", "HEAD", "PUT", "OPTIONS", "POST", "CONNECT", "STATUS", "FIELDS"];

/// Those that read the body of the request.
pub(crate) const PATIENT: [&str; 3] = ["POST", "FIELDS", "CONNECT"];

/// The possible names in a vector's `handler:`.
pub(crate) const NAMES: [&str; 3] = ["echo", "python", "assuming"];

pub(crate) fn in_memory<I: IntoIterator<Item: AsRef<[u8]>>>(handler: &str, pieces: I) -> (Run, Record) {
    let record = Record::default();
    let get = || record.clone();
    let run = match handler {
        "echo" => run(|base| Echo { base, record: get() }, pieces),
        "python" => run(|base| Plain { base, record: get() }, pieces),
        "assuming" => run(|base| Assuming { base, record: get() }, pieces),
        _ => panic!("no such handler: {handler}"),
    };
    (run, record)
}

pub(crate) fn over_tcp(handler: &str, builder: ServerBuilder) -> (TestServer, Record) {
    let record = Record::default();
    let get = record.clone();
    let server = match handler {
        "echo" => TestServer::with(builder, move |base| Echo { base, record: get.clone() }),
        "python" => TestServer::with(builder, move |base| Plain { base, record: get.clone() }),
        "assuming" => TestServer::with(builder, move |base| Assuming { base, record: get.clone() }),
        _ => panic!("no such handler: {handler}"),
    };
    (server, record)
}
