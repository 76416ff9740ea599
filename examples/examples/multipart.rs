//! A form with files (`multipart/form-data`, RFC 7578), read as it comes, with the crate `multer`.
//!
//! ```text
//! cargo run --release --example multipart [PORT]
//! curl -F note=hello -F file=@Cargo.toml http://127.0.0.1:8000/
//! ```
//!
//! The parser is asynchronous and the handler is not: `Body::drive` asks it what it has, and lays a piece of the body before it
//! when it has nothing. It never has more than it needs, so no file is held in memory.

use std::io;
use std::pin::pin;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::task::{Context, Poll, Waker};

use basehttp::RFile;
use basehttp::prelude::*;
use futures_util::stream::poll_fn;
use multer::{Constraints, Error, Multipart, SizeLimit};

struct Form {
    base: BaseHTTPRequestHandler,
}

/// A longer form is answered 413, and so is a longer note. A part whose head has no end is held in memory up to there.
const MOST: u64 = 8 * 1024 * 1024;
const MOST_TEXT: u64 = 64 * 1024;

#[http_handler]
impl Form {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> io::Result<()> {
        self.send_response(200);
        self.send_header("Content-Type", "text/html; charset=utf-8");
        self.end_headers()?;
        self.wfile.write_all(PAGE.as_bytes())
    }

    fn do_POST(&self) -> io::Result<()> {
        let media_type = self.headers().get("Content-Type").unwrap_or_default();
        let Ok(boundary) = multer::parse_boundary(media_type) else {
            return self.send_error((415, "Send a form", "This takes multipart/form-data."));
        };
        match read_form(&self.rfile, &boundary) {
            Ok(parts) => {
                self.send_response(200);
                self.send_header("Content-Type", "text/plain; charset=utf-8");
                self.end_headers()?;
                for Part { name, file, bytes } in parts {
                    writeln!(self.wfile, "{name}: {bytes} bytes, {file:?}")?;
                }
                Ok(())
            }
            Err(Error::StreamSizeExceeded { .. } | Error::FieldSizeExceeded { .. }) => {
                self.send_error((413, "The form is too large"))
            }
            Err(Error::StreamReadFailed(error)) => match error.downcast::<io::Error>() {
                // The client is answered for what it did: it was too slow, or its chunks are broken.
                Ok(error) => Err(*error),
                Err(error) => Err(io::Error::other(error)),
            },
            Err(error) => self.send_error((400, "Malformed form", error.to_string())),
        }
    }
}

struct Part {
    name: String,
    file: Option<String>,
    bytes: u64,
}

fn read_form(rfile: &RFile, boundary: &str) -> Result<Vec<Part>, Error> {
    let limits = SizeLimit::new().whole_stream(MOST).for_field("note", MOST_TEXT);
    let constraints = Constraints::new().allowed_fields(vec!["note", "file"]).size_limit(limits);
    let (sender, pieces) = channel::<Vec<u8>>();
    let pieces = poll_fn(move |_| match pieces.try_recv() {
        Ok(piece) => Poll::Ready(Some(Ok::<_, io::Error>(piece))),
        Err(TryRecvError::Empty) => Poll::Pending,
        Err(TryRecvError::Disconnected) => Poll::Ready(None),
    });
    let mut form = Multipart::with_constraints(pieces, boundary, constraints);
    let mut body = Body { rfile, sender: Some(sender) };
    let mut parts = Vec::new();
    while let Some(mut field) = body.drive(form.next_field())? {
        let (name, file) = (field.name().unwrap_or_default(), field.file_name());
        let mut part = Part { name: name.to_owned(), file: file.map(str::to_owned), bytes: 0 };
        // A program that keeps the file writes each piece of it, under a name of its own: the client's may be `../../x`.
        while let Some(piece) = body.drive(field.chunk())? {
            part.bytes += piece.len() as u64;
        }
        parts.push(part);
    }
    Ok(parts)
}

/// The request's body, and where the parser finds the pieces of it. None after the last one.
struct Body<'a> {
    rfile: &'a RFile,
    sender: Option<Sender<Vec<u8>>>,
}

impl Body<'_> {
    fn drive<T>(&mut self, ask: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let (mut ask, mut context) = (pin!(ask), Context::from_waker(Waker::noop()));
        loop {
            if let Poll::Ready(answer) = ask.as_mut().poll(&mut context) {
                return answer;
            }
            let Some(sender) = &self.sender else { return Err(Error::IncompleteStream) };
            let mut piece = vec![0; 16 * 1024];
            match self.rfile.read(&mut piece).map_err(|error| Error::StreamReadFailed(error.into()))? {
                0 => self.sender = None,
                count => {
                    piece.truncate(count);
                    // The parser has the other end.
                    let _ = sender.send(piece);
                }
            }
        }
    }
}

const PAGE: &str = r#"<!DOCTYPE html>
<title>Files</title>
<form method="post" enctype="multipart/form-data">
<input name="note">
<input type="file" name="file" multiple>
<button>Send</button>
</form>
"#;

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("8000".to_owned());
    let mut server = HTTPServer::bind(format!("127.0.0.1:{port}"), |base| Form { base })?;
    println!("http://{}/", server.server_address());
    server.serve_forever()
}
