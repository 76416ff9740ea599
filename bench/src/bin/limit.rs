//! The physical limit: one thread, one epoll, one read and one write for each event, and a constant response.
//!
//! It looks only for the ends of heads and for what the three fixed responses need. A POST has a body of [`BODY`] bytes. There
//! are no routes that wait or compute.

use std::io::{self, ErrorKind, Read, Write};

use basehttp_bench::{HELLO, Options, big};
use memchr::memmem::Finder;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

/// The length of the body of each POST.
const BODY: usize = 1024;

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// An incomplete request.
    partial: Vec<u8>,
    /// The unsent part of a response.
    pending: &'static [u8],
    closing: bool,
}

struct Server {
    head_end: Finder<'static>,
    close: Finder<'static>,
    hello: &'static [u8],
    /// Enough responses for the requests of one read.
    hellos: &'static [u8],
    bye: &'static [u8],
    echo: &'static [u8],
    big: &'static [u8],
}

fn response(connection: &str, body: &str) -> &'static [u8] {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nServer: limit\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n{connection}\
         Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .leak()
    .as_bytes()
}

fn main() -> io::Result<()> {
    let options = Options::from_args();
    let hello = response("", HELLO);
    let server = Server {
        head_end: Finder::new("\r\n\r\n"),
        close: Finder::new("Connection: close"),
        hellos: hello.repeat(1024).leak(),
        hello,
        bye: response("Connection: close\r\n", HELLO),
        echo: response("", &"x".repeat(BODY)),
        big: response("", big()),
    };
    server.serve(options)
}

impl Server {
    fn serve(&self, options: Options) -> io::Result<()> {
        let listener = std::net::TcpListener::bind(options.address())?;
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        let mut poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let mut events = Events::with_capacity(1024);
        let mut connections: Slab<Connection> = Slab::new();
        let mut buffer = vec![0; 16 << 10];
        loop {
            poll.poll(&mut events, None)?;
            for event in &events {
                if event.token() == LISTENER {
                    accept(&listener, &poll, &mut connections)?;
                    continue;
                }
                let key = event.token().0;
                let Some(connection) = connections.get_mut(key) else { continue };
                if !self.turn(connection, &mut buffer).unwrap_or(false) {
                    connections.remove(key);
                }
            }
        }
    }

    /// Reads and writes as much as possible. False when the connection has ended.
    fn turn(&self, connection: &mut Connection, buffer: &mut [u8]) -> io::Result<bool> {
        if !connection.pending.is_empty() {
            connection.write(connection.pending)?;
        }
        while connection.pending.is_empty() && !connection.closing {
            let count = match connection.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            if connection.partial.is_empty() {
                let used = self.answer(connection, &buffer[..count])?;
                connection.partial.extend_from_slice(&buffer[used..count]);
            } else {
                let mut bytes = std::mem::take(&mut connection.partial);
                bytes.extend_from_slice(&buffer[..count]);
                let used = self.answer(connection, &bytes)?;
                bytes.drain(..used);
                connection.partial = bytes;
            }
            if count < buffer.len() {
                break;
            }
        }
        Ok(!(connection.closing && connection.pending.is_empty()))
    }

    /// Answers the requests in `bytes`; returns how many bytes they had.
    fn answer(&self, connection: &mut Connection, bytes: &[u8]) -> io::Result<usize> {
        if bytes.starts_with(b"POST") {
            let Some(end) = self.head_end.find(bytes).map(|at| at + 4 + BODY) else { return Ok(0) };
            if end > bytes.len() {
                return Ok(0);
            }
            connection.write(self.echo)?;
            return Ok(end);
        }
        let mut used = 0;
        let mut requests = 0;
        for at in self.head_end.find_iter(bytes) {
            used = at + 4;
            requests += 1;
        }
        match requests {
            0 => {}
            1 if bytes.starts_with(b"GET /big") => connection.write(self.big)?,
            1 if self.close.find(bytes).is_some() => {
                connection.closing = true;
                connection.write(self.bye)?;
            }
            _ => connection.write(&self.hellos[..requests * self.hello.len()])?,
        }
        Ok(used)
    }
}

impl Connection {
    fn write(&mut self, mut bytes: &'static [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.pending = bytes;
        Ok(())
    }
}

fn accept(listener: &TcpListener, poll: &Poll, connections: &mut Slab<Connection>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                let entry = connections.vacant_entry();
                let both = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(&mut stream, Token(entry.key()), both)?;
                entry.insert(Connection { stream, partial: Vec::new(), pending: &[], closing: false });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
