//! The server under test: it says which request it serves, and sends the request's body back.

use std::io;

use basehttp::prelude::*;

use crate::verdict::{SERVED, SERVER, number};

pub(crate) struct Echo {
    pub(crate) base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Echo {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.serve()
    }

    fn do_HEAD(&self) -> io::Result<()> {
        self.serve()
    }

    fn do_POST(&self) -> io::Result<()> {
        self.serve()
    }

    fn do_PUT(&self) -> io::Result<()> {
        self.serve()
    }

    fn do_DELETE(&self) -> io::Result<()> {
        self.serve()
    }

    fn do_PATCH(&self) -> io::Result<()> {
        self.serve()
    }

    fn do_OPTIONS(&self) -> io::Result<()> {
        self.serve()
    }

    fn do_SPAM(&self) -> io::Result<()> {
        self.serve()
    }

    fn end_headers(&self) -> io::Result<()> {
        self.send_header(SERVER, self.said());
        BaseHTTPRequestHandler::end_headers(self)
    }

    fn log_message(&self, _message: std::fmt::Arguments<'_>) {}

    fn serve(&self) -> io::Result<()> {
        let place = Place::of(self.path());
        let mut body = Vec::new();
        if place != Place::Early {
            self.rfile.read_to_end(&mut body)?;
        }
        if place == Place::Up && self.upgrades_to("echo") {
            return self.switch();
        }
        self.send_response(200);
        self.send_header(SERVED, self.said());
        // A cache must not answer for the server.
        self.send_header("Cache-Control", "no-store");
        if place == Place::Close {
            self.send_header("Connection", "close");
        }
        self.end_headers()?;
        // A client of HTTP/2 reads no fields here.
        writeln!(self.wfile, "{}", self.said())?;
        if place == Place::Chunks {
            for piece in body.chunks(1 + body.len() / 3) {
                self.wfile.write_all(piece)?;
                self.wfile.flush()?;
            }
            return Ok(());
        }
        self.wfile.write_all(&body)
    }

    /// Which request this is.
    fn said(&self) -> String {
        let number =
            number(self.path().as_bytes()).map_or_else(|| "-".to_owned(), |number| number.to_string());
        format!("{} {number}", self.command())
    }

    fn switch(&self) -> io::Result<()> {
        self.send_response(101);
        self.send_header(SERVED, self.said());
        self.send_header("Upgrade", "echo");
        self.send_header("Connection", "Upgrade");
        self.end_headers()?;
        let mut stream = self.upgrade()?;
        // It ends as its client does.
        let _ = io::copy(&mut stream, &mut io::sink());
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    Chunks,
    Close,
    Early,
    Up,
}

impl Place {
    fn of(path: &str) -> Self {
        let has = |place: &str| path.contains(place);
        match () {
            () if has("/chunks/") => Self::Chunks,
            () if has("/close/") => Self::Close,
            () if has("/early/") => Self::Early,
            () if has("/up/") => Self::Up,
            () => Self::Plain,
        }
    }
}
