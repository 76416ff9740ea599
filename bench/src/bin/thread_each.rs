//! A thread for each connection and no other part of a server: plain blocking code, where only the system is fair.
//!
//! It takes GET requests without a body, keeps connections, and answers the requests of one read in one write.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use basehttp_bench::{HELLO, Options, Work};
use memchr::memmem::Finder;

/// A head has to fit in it.
const BUFFER: usize = 16 << 10;

fn main() -> io::Result<()> {
    let options = Options::from_args();
    let listener = TcpListener::bind(options.address())?;
    loop {
        let (stream, _) = listener.accept()?;
        // An error ends only this connection.
        let serving = move || serve(stream).unwrap_or(());
        thread::Builder::new().stack_size(64 << 10).spawn(serving)?;
    }
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let head_end = Finder::new("\r\n\r\n");
    let mut buffer = vec![0; BUFFER];
    let mut responses = Vec::new();
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        let mut used = 0;
        while let Some(at) = head_end.find(&buffer[used..filled]) {
            let found = target(&buffer[used..used + at]).and_then(Work::of_target);
            used += at + 4;
            let (status, body) = if let Some(work) = found {
                work.run();
                ("200 OK", HELLO)
            } else {
                ("404 Not Found", "")
            };
            write!(
                responses,
                "HTTP/1.1 {status}\r\nServer: thread_each\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                 Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
        }
        stream.write_all(&responses)?;
        responses.clear();
        buffer.copy_within(used..filled, 0);
        filled -= used;
    }
}

fn target(head: &[u8]) -> Option<&str> {
    let rest = head.strip_prefix(b"GET ")?;
    let end = rest.iter().position(|&byte| byte == b' ')?;
    std::str::from_utf8(&rest[..end]).ok()
}
