//! A handler that does what a test says.

use std::fmt;
use std::io;
use std::sync::Arc;

use basehttp::prelude::*;
use basehttp::testing::{Run, TestServer, run};
use basehttp::{HandlerError, ServerBuilder};
use basehttp_tests::log::Log;

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
pub(crate) const GET10: &str = "GET / HTTP/1.0\r\n\r\n";
pub(crate) const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) type Deed<H> = Arc<dyn Fn(&H) -> io::Result<()> + Send + Sync>;

macro_rules! actors {
    ($($(#[$docs:meta])* $name:ident { $($variables:tt)* })*) => {$(
        $(#[$docs])*
        pub(crate) struct $name {
            base: BaseHTTPRequestHandler,
            deed: Deed<Self>,
            /// The log, and what the test records.
            pub(crate) log: Log,
        }

        #[http_handler]
        impl $name {
            $($variables)*

            fn do_GET(&self) -> io::Result<()> {
                (self.deed)(self)
            }

            fn do_POST(&self) -> io::Result<()> {
                (self.deed)(self)
            }

            fn do_CONNECT(&self) -> io::Result<()> {
                (self.deed)(self)
            }

            fn log_message(&self, message: fmt::Arguments<'_>) {
                self.log.push(message);
            }
        }

        impl $name {
            pub(crate) fn factory(
                deed: impl Fn(&Self) -> io::Result<()> + Send + Sync + 'static,
                log: Log,
            ) -> impl Fn(BaseHTTPRequestHandler) -> Self + Send + Sync {
                let deed: Deed<Self> = Arc::new(deed);
                move |base| Self { base, deed: deed.clone(), log: log.clone() }
            }

            /// Runs it in memory.
            pub(crate) fn run(
                input: impl AsRef<[u8]>,
                deed: impl Fn(&Self) -> io::Result<()> + Send + Sync + 'static,
            ) -> (Run, Log) {
                let log = Log::default();
                (run(Self::factory(deed, log.clone()), [input]), log)
            }
        }
    )*};
}

actors! {
    /// A handler as one would set it up today.
    Act {
        const protocol_version: &str = "HTTP/1.1";
    }
    /// Speaks HTTP/1.0, Python's default.
    Act10 {}
}

/// A server with the handler `Act`, its log, and the errors that its `handle_error` got.
pub(crate) struct Stage {
    pub(crate) server: TestServer,
    pub(crate) log: Log,
    pub(crate) errors: Log,
}

impl Stage {
    pub(crate) fn new(deed: impl Fn(&Act) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::with(HTTPServer::builder(), deed)
    }

    pub(crate) fn with(
        builder: ServerBuilder,
        deed: impl Fn(&Act) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let (log, errors) = (Log::default(), Log::default());
        let told = errors.clone();
        let builder = builder.handle_error(move |error: &HandlerError| told.push(error));
        let server = TestServer::with(builder, Act::factory(deed, log.clone()));
        Self { server, log, errors }
    }

    /// Ends the server, waits until all connections have ended, and returns the log and the errors.
    pub(crate) fn end(self) -> (Vec<String>, Vec<String>) {
        drop(self.server);
        (self.log.lines(), self.errors.lines())
    }
}

/// The response that most tests make.
pub(crate) fn say(act: &Act, text: &str) -> io::Result<()> {
    act.send_response(200);
    act.end_headers()?;
    act.wfile.write_all(text.as_bytes())
}

/// A request with a body.
pub(crate) fn post(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
