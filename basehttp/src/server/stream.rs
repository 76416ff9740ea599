//! One connection over a stream of the user's own, whose reads and writes block.
//!
//! A connection normally reads while there is input, and continues with what it has when there is none. A blocking stream
//! cannot report that there is none: it is read once after each wait, and finished response data is sent before.

use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

use super::alone::{NoServer, StandaloneContext};
use super::caught::caught;
use super::config::{Hooks, ServerBuilder};
use super::connection::HttpConnection;
use super::http_server::HTTPServer;
use super::log::Log;
use super::settings::Settings;
use super::turn::{AnyConnection, ConnectionParts, Turn};
use crate::handler::host_policy::HostPolicy;
use crate::handler::wire::{Close, Level, Notifier, Others, Want, Wire};
use crate::handler::{Address, BaseHTTPRequestHandler, RequestHandler, ServerInfo, Stop as _};
use crate::sync::{Arc, Mutex, MutexGuard, lock};

impl HTTPServer {
    /// Serves the requests of one connection on the calling thread, over a stream of your own, and returns when the
    /// connection ends.
    ///
    /// Use it for standard input and output under inetd, a serial line, a pipe, your own TLS library, or one half of a
    /// `UnixStream::pair`. It does what `Handler(request, client_address, server)` does in Python. It makes no server and no
    /// thread, so the handler need not be `Send`.
    ///
    /// ```no_run
    /// use std::io::{self, Read, Write};
    /// use basehttp::Address;
    /// use basehttp::prelude::*;
    ///
    /// struct Hello { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Hello {
    ///     fn do_GET(&self) -> io::Result<()> {
    ///         self.send_response(200);
    ///         self.end_headers()?;
    ///         self.wfile.write_all(b"Hello, World!")
    ///     }
    /// }
    ///
    /// /// The client of a program that inetd, or systemd with `Accept=yes`, has started.
    /// struct Stdio;
    ///
    /// impl Read for Stdio {
    ///     fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
    ///         io::stdin().read(buffer)
    ///     }
    /// }
    ///
    /// impl Write for Stdio {
    ///     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
    ///         io::stdout().write(bytes)
    ///     }
    ///
    ///     fn flush(&mut self) -> io::Result<()> {
    ///         io::stdout().flush()
    ///     }
    /// }
    ///
    /// fn main() -> io::Result<()> {
    ///     // inetd also connects standard error to the client, where log lines must not go.
    ///     let builder = HTTPServer::builder().log_line(|_, _| {});
    ///     builder.serve_stream(Stdio, Address::Unix(None), |base| Hello { base })
    /// }
    /// ```
    ///
    /// The connection is treated as in a server: parsing, limits, framing, persistence, pipelining, the log, errors and
    /// panics of the handler. These points are different:
    ///
    /// - **Deadlines** depend on the stream. A stream without a time-out can block without limit. If a read or write returns
    ///   [`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut), as with a `TcpStream` after
    ///   `set_read_timeout`, the client is late: within a request it gets 408, between requests the connection ends.
    ///   `head_timeout`, `body_timeout` and `response_timeout` are checked each time a read or write returns, and cannot
    ///   interrupt one. For `write_timeout`, unsent output is tried again after the handler has returned. `idle_timeout` and
    ///   [`set_timeout`](BaseHTTPRequestHandler::set_timeout) have no effect.
    /// - **`client_address`** is what you pass: an address, or `Address::Unix(None)` if there is none. Log lines,
    ///   [`client_address`](BaseHTTPRequestHandler::client_address) and `verify_request` use it.
    ///   [`connection`](BaseHTTPRequestHandler::connection) has no other facts.
    /// - **`server`** is `localhost` with port 80. Its [`handle`](crate::ServerInfo::handle) ends the connection after the
    ///   current response, or, from another thread, when the client next sends something.
    /// - **After a switch of protocols**, [`upgrade`](BaseHTTPRequestHandler::upgrade) hands over the stream as usual. A
    ///   read waits until the stream has data. The stream cannot be read and written at the same time, so
    ///   [`upgrade_to`](crate::Detach::upgrade_to), [`split`](crate::Upgraded::split),
    ///   [`relay`](BaseHTTPRequestHandler::relay) and WebSockets are [`Unsupported`](io::ErrorKind::Unsupported).
    /// - **A detached response** ([`Detach`](crate::Detach)) is waited for. A client that has gone is noticed only when
    ///   something is sent, and the sender blocks as the stream does.
    /// - **A script** (feature `cgi`) may wait for more of its body. While the server waits for the client to send it, it
    ///   does not read the script's output.
    /// - **At the end** the stream is flushed and dropped. Excess input from the client is not read first, which may turn a
    ///   TCP close into a reset. For a client that does not stop uploading when it is refused, keep a clone of the socket,
    ///   shut down its writing half, and read what arrives for a while.
    ///
    /// For other settings use [`ServerBuilder::serve_stream`]. If its `verify_request` returns `false`, nothing is written,
    /// and the result is `Ok`.
    ///
    /// # Errors
    /// The stream's error, for example because the client has gone ([`BrokenPipe`](io::ErrorKind::BrokenPipe),
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset)). The end of its input is not an error.
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) if a response was cut short, because its handler failed
    /// partway or the client took too long: the other end of the stream must not take it for a complete response. If a
    /// handler fails or panics before that, the client gets an error page and the failure is logged; it is not an error
    /// here.
    pub fn serve_stream<S, H, F>(stream: S, client_address: impl Into<Address>, factory: F) -> io::Result<()>
    where
        S: Read + Write + Send + 'static,
        H: RequestHandler,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
    {
        Self::builder().serve_stream(stream, client_address, factory)
    }
}

impl ServerBuilder {
    /// Serves one connection over a stream of your own; see [`HTTPServer::serve_stream`].
    ///
    /// The hooks and the settings for requests, responses and the log apply; those for sockets, threads and the number of
    /// connections have no effect.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() -> std::io::Result<()> {
    /// # use basehttp::prelude::*;
    /// # struct Hello { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Hello { fn do_GET(&self) -> std::io::Result<()> { self.send_response(204); self.end_headers() } }
    /// use std::io::{Read, Write};
    /// use std::os::unix::net::UnixStream;
    /// use std::time::Duration;
    /// use basehttp::Address;
    ///
    /// let (mut client, stream) = UnixStream::pair()?;
    /// // If a read gets nothing within 10 seconds, the client is late.
    /// stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    /// let serving = std::thread::spawn(|| {
    ///     let builder = HTTPServer::builder().max_requests_per_connection(1);
    ///     builder.serve_stream(stream, Address::Unix(None), |base| Hello { base })
    /// });
    /// client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    /// let mut response = String::new();
    /// client.read_to_string(&mut response)?;
    /// assert!(response.starts_with("HTTP/1.0 204 No Content\r\n"));
    /// serving.join().unwrap()
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As [`HTTPServer::serve_stream`]; [`InvalidInput`](io::ErrorKind::InvalidInput) for a setting that cannot work, which
    /// the text names. These include `tls`, since the stream itself has to decrypt; proxies that begin with a PROXY header,
    /// which is not read here; and further addresses ([`also_bind`](Self::also_bind)).
    pub fn serve_stream<S, H, F>(
        mut self,
        stream: S,
        client_address: impl Into<Address>,
        factory: F,
    ) -> io::Result<()>
    where
        S: Read + Write + Send + 'static,
        H: RequestHandler,
        F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
    {
        let client_address = client_address.into();
        self.settings.check()?;
        check(&self, &client_address)?;
        let Hooks { verify_request, handle_error, log_line, .. } = self.hooks;
        let server = Arc::new(NoServer::new(Log::new(log_line, 1)));
        let welcome = verify_request.map_or(Ok(true), |verify| caught(|| verify(&client_address)));
        match welcome {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(message) => return Err(lost(&server, "verify_request panicked", &message)),
        }
        let Settings {
            bounds,
            name_of,
            allowed_hosts,
            loopback_guard,
            cross_origin_protection: cross_origin,
            ..
        } = self.settings;
        let host_policy = HostPolicy::new(allowed_hosts, loopback_guard);
        let info = ServerInfo {
            handle_error,
            name_of,
            host_policy: host_policy.is_on().then_some(host_policy),
            cross_origin,
            #[cfg(feature = "proxy")]
            proxies: self.settings.proxies,
            ..server.info()
        };
        let record = Record::default();
        let wire = Blocking { stream, record: record.clone(), server: server.clone(), is_flushed: true };
        let parts = ConnectionParts {
            wire: Box::new(wire),
            client_address,
            server: Arc::new(info),
            bounds: Arc::new(bounds),
        };
        // A panic of the stream is neither the handler's nor the server's.
        let outcome = caught(|| serve(HttpConnection::new(parts, Arc::new(factory)), &record, &server))
            .map_or_else(
                |message| Err(lost(&server, "the stream panicked", &message)),
                |()| record.outcome(),
            );
        if let Some(log) = server.log() {
            log.finish();
        }
        outcome
    }
}

/// Rejects settings that would have no effect here.
fn check(builder: &ServerBuilder, client_address: &Address) -> io::Result<()> {
    let settings = &builder.settings;
    let invalid = |text: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    if !builder.further.is_empty() {
        return invalid(
            "serve_stream does not listen: remove also_bind, also_bind_unix and also_from_listener",
        );
    }
    if settings.is_tls() {
        return invalid(
            "serve_stream cannot use the setting tls: remove it, and pass a stream that decrypts",
        );
    }
    #[cfg(feature = "proxy")]
    if settings.proxies.as_ref().is_some_and(|proxies| proxies.begins_with_header(client_address)) {
        return invalid(
            "the setting trusted_proxies expects a PROXY header from this client, which serve_stream does not read: \
             read it first, and pass the address in it as client_address",
        );
    }
    let _ = client_address;
    Ok(())
}

/// Logs a failure that is not logged elsewhere, and makes it an error.
fn lost(server: &NoServer, what: &str, message: &str) -> io::Error {
    let text = format!("{what}: {message}");
    if let Some(log) = server.log() {
        log.warn(0, &text);
        log.flush();
    }
    io::Error::other(text)
}

/// Gives the connection its turns.
fn serve<H, F>(mut connection: HttpConnection<H, F>, record: &Record, server: &Arc<NoServer>)
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H,
{
    let mut context = StandaloneContext::new(server.clone());
    let mut is_late = false;
    loop {
        let turn = connection.turn(&mut context, is_late);
        server.write_log();
        is_late = match turn {
            Turn::Over => return,
            Turn::Later(want, patience) => !wait(record, server, want, patience),
            Turn::Again | Turn::Elsewhere => false,
        };
    }
}

/// Waits until the connection may continue. False if the time is over.
fn wait(record: &Record, server: &NoServer, want: Want, patience: Duration) -> bool {
    match want {
        // Room shows with the next write: a blocking stream does not report it before.
        Want::Notice(Others { room: false, .. }) => server.notices().wait(patience),
        _ => record.wait(want, patience),
    }
}

/// Reaches the connection from other threads. The stream itself belongs to the thread that serves it.
struct StreamNotifier {
    record: Record,
    server: Arc<NoServer>,
}

impl Notifier for StreamNotifier {
    fn notify(&self) {
        self.server.notices().notify();
    }

    fn wait(&self, want: Want, timeout: Duration) -> io::Result<()> {
        in_time(wait(&self.record, &self.server, want, timeout))
    }

    fn works_beside_input(&self) -> bool {
        false
    }

    fn clear_room(&self) {
        self.server.notices().clear_room();
    }

    fn wait_for_room(&self, timeout: Duration, has_sender: bool) -> io::Result<()> {
        // A blocking stream has waited in the write.
        if !has_sender {
            return in_time(self.record.wait(Want::Room, timeout));
        }
        in_time(self.server.notices().wait_for_room(timeout))
    }
}

fn in_time(is_in_time: bool) -> io::Result<()> {
    if is_in_time { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
}

/// A blocking stream, as the wire of a connection.
struct Blocking<S> {
    stream: S,
    record: Record,
    server: Arc<NoServer>,
    is_flushed: bool,
}

/// What the stream reports to the loop that gives the turns.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    /// The connection can only wait for the client, so a read may block.
    may_read: bool,
    /// The stream has timed out.
    is_late: bool,
    /// How the connection ends. Later input is not read: the client may be waiting for the end of the stream itself.
    ending: Option<Close>,
    error: Option<io::Error>,
    is_cut_short: bool,
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        lock(&self.0)
    }

    /// Lets the next read wait. False if the time is over.
    fn wait(&self, want: Want, patience: Duration) -> bool {
        let mut recorded = self.lock();
        if std::mem::take(&mut recorded.is_late) || patience.is_zero() {
            return false;
        }
        recorded.may_read = want == Want::Input;
        true
    }

    /// Records the result of a call to the stream.
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        let mut recorded = self.lock();
        let error = match result {
            Ok(result) => {
                recorded.is_late = false;
                return Ok(result);
            }
            Err(error) => error,
        };
        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
            recorded.is_late = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let told = io::Error::new(error.kind(), error.to_string());
        recorded.error.get_or_insert(error);
        Err(told)
    }

    fn outcome(&self) -> io::Result<()> {
        let mut recorded = self.lock();
        match recorded.error.take() {
            Some(error) => Err(error),
            None if recorded.is_cut_short || recorded.ending == Some(Close::Reset) => {
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, "a response was cut short"))
            }
            None => Ok(()),
        }
    }
}

impl<S: Read + Write> Blocking<S> {
    fn send(&mut self, write: impl Fn(&mut S) -> io::Result<usize>) -> io::Result<usize> {
        self.is_flushed = false;
        // The thread that was about to read does something else.
        self.record.lock().may_read = false;
        self.record.note(persist(|| write(&mut self.stream)))
    }
}

/// Repeats a call that was interrupted by a signal.
fn persist<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl<S: Read + Write + Send> Wire for Blocking<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut recorded = self.record.lock();
        if recorded.ending.is_some() {
            return Ok(0);
        }
        if !std::mem::take(&mut recorded.may_read) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        drop(recorded);
        self.flush()?;
        self.record.note(persist(|| self.stream.read(buffer)))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(|stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(|stream| stream.write_vectored(pieces))
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_flushed {
            return Ok(());
        }
        self.record.note(persist(|| self.stream.flush()))?;
        self.is_flushed = true;
        Ok(())
    }

    fn wait(&mut self, want: Want, timeout: Duration) -> io::Result<()> {
        in_time(wait(&self.record, &self.server, want, timeout))
    }

    fn notifier(&self) -> Option<Arc<dyn Notifier>> {
        Some(Arc::new(StreamNotifier { record: self.record.clone(), server: self.server.clone() }))
    }

    fn clear_notice(&mut self) {
        self.server.notices().clear_notice();
    }

    fn free_room(&mut self) {
        self.server.notices().free_room();
    }

    #[cfg(all(feature = "cgi", unix))]
    fn await_body(&mut self) {
        self.record.lock().may_read = true;
    }

    fn is_last_request(&self) -> bool {
        self.server.is_stopping()
    }

    fn is_stopping(&self) -> bool {
        self.server.is_stopping()
    }

    fn shutdown_write(&mut self) {
        let _ = self.flush();
        self.record.lock().ending = Some(Close::Linger);
    }

    fn cut_short(&mut self) {
        self.record.lock().is_cut_short = true;
    }

    fn reset(&mut self) {
        self.record.lock().ending = Some(Close::Reset);
    }

    fn log(&mut self, line: &str, level: Level) -> bool {
        self.server.log().is_some_and(|log| log.gather(0, line, level))
    }
}
