//! Sends back what it receives, as it arrives: a body of any length, chunked or not, and the trailer fields after it.
//!
//! ```text
//! cargo run --release --example echo [PORT]
//! curl -i -d 'some text' http://127.0.0.1:8000/
//! curl -N -X POST -T . http://127.0.0.1:8000/      # type lines; each comes back at once
//! printf 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n' |
//!     curl -m 1 telnet://127.0.0.1:8000
//! ```

use std::io;

use basehttp::prelude::*;

struct Echo {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Echo {
    const protocol_version: &str = "HTTP/1.1";

    fn do_POST(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "application/octet-stream");
        // Without this line a short response would get a Content-Length, and a long one would be chunked. The server makes
        // the chunks itself; a client below HTTP/1.1 gets none.
        self.send_header("Transfer-Encoding", "chunked");
        self.end_headers()?;
        // `rfile` ends with the body. Before it waits for more of the body, the output so far is sent.
        io::copy(&mut &self.rfile, &mut &self.wfile)?;
        for (name, value) in &self.rfile.trailers() {
            writeln!(self.wfile, "\n{name}: {value}")?;
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    // Otherwise up to 64 KiB of the body would be read before the method is called.
    let builder = HTTPServer::builder().gather_limit(0);
    let mut server = builder.bind(format!("127.0.0.1:{port}"), |base| Echo { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
