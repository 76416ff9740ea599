//! A client with minimal knowledge: it sends bytes unchanged and parses responses.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::show;
use basehttp::testing::TestServer;

/// A connection to a server, with the bytes that were read and not used yet.
#[derive(Debug)]
pub struct Client<S = TcpStream> {
    stream: S,
    input: Vec<u8>,
}

/// A response as it came over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status line without its line end.
    pub status_line: String,
    /// The status code.
    pub status: u16,
    /// The fields in order, names as spelled, values in latin-1.
    pub fields: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The trailer fields.
    pub trailers: Vec<(String, String)>,
}

impl Response {
    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The values of the fields of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name)).map(|field| &*field.1).collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body in UTF-8")
    }
}

impl Client {
    /// Connects to a server.
    pub fn new(server: &TestServer) -> Self {
        let stream = server.connect().expect("the server takes the connection");
        stream.set_nodelay(true).expect("an option that every system has");
        Self::over(stream)
    }

    /// Shuts down the client's writing half.
    pub fn end(&self) {
        // The server may have closed already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The connection itself.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

/// Whether a connection with unread input was reset, as far as the system has been told.
///
/// # Panics
/// If the system does not say.
pub fn is_reset(stream: &TcpStream) -> bool {
    let is_kept_as_error = stream.take_error().expect("the state of a socket").is_some();
    // Windows keeps no error: it drops the input, and says so to whoever reads.
    is_kept_as_error
        || (cfg!(windows)
            && stream.peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset))
}

impl<S: Read + Write> Client<S> {
    /// A client over a connection of another kind.
    pub fn over(stream: S) -> Self {
        Self { stream, input: Vec::new() }
    }

    /// The connection, of whatever kind it is.
    pub fn transport(&self) -> &S {
        &self.stream
    }

    /// Sends bytes. It is not an error if the server has already closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.write_all(bytes.as_ref());
        self
    }

    /// Sends bytes and reads the response.
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.send(bytes).response()
    }

    /// Reads a response to any request except HEAD.
    pub fn response(&mut self) -> Response {
        self.read_response(false).unwrap_or_else(|error| panic!("{error}; so far: {}", show(&self.input)))
    }

    /// As [`response`](Self::response), when there may be no response.
    ///
    /// # Errors
    /// The connection's; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the server has closed it.
    pub fn try_response(&mut self) -> io::Result<Response> {
        self.read_response(false)
    }

    /// Reads a response to HEAD.
    pub fn response_to_head(&mut self) -> Response {
        self.read_response(true).unwrap_or_else(|error| panic!("{error}; so far: {}", show(&self.input)))
    }

    /// Reads what the server still sends, up to the end of the connection.
    ///
    /// # Errors
    /// The connection's: a reset is an error.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = std::mem::take(&mut self.input);
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// Checks that the server closes the connection without sending more.
    pub fn assert_closed(&mut self) {
        let rest = self.rest().expect("an orderly close");
        assert!(rest.is_empty(), "the server went on: {}", show(&rest));
    }

    /// Checks that the connection ends with a reset; returns what came before.
    pub fn assert_reset(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.input);
        let end = self.stream.read_to_end(&mut rest);
        let error = end.expect_err(&format!("a reset after: {}", show(&rest)));
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
        rest
    }

    /// Reads until there is a head, and takes it.
    fn head(&mut self) -> io::Result<Response> {
        let end = loop {
            match self.input.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at,
                None => self.more()?,
            }
        };
        let head: String = self.input[..end].iter().map(|byte| char::from(*byte)).collect();
        self.input.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default().to_owned();
        let status = status_line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {status_line:?}"));
        let fields = lines.map(field).collect();
        Ok(Response { status_line, status, fields, ..Response::default() })
    }

    fn read_response(&mut self, to_head: bool) -> io::Result<Response> {
        let mut response = self.head()?;
        if to_head || matches!(response.status, 100..=199 | 204 | 304) {
            return Ok(response);
        }
        if response.field("transfer-encoding").is_some() {
            loop {
                let size = self.line()?;
                let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
                if size == 0 {
                    break;
                }
                response.body.extend(self.bytes(size)?);
                if !self.line()?.is_empty() {
                    return Err(io::Error::other("no line end after a chunk"));
                }
            }
            loop {
                match self.line()? {
                    line if line.is_empty() => return Ok(response),
                    line => response.trailers.push(field(&line)),
                }
            }
        }
        response.body = match response.field("content-length").map(str::parse) {
            Some(length) => self.bytes(length.map_err(io::Error::other)?)?,
            None => self.rest()?,
        };
        Ok(response)
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            match self.input.windows(2).position(|window| window == b"\r\n") {
                Some(at) => {
                    let line = self.input.drain(..at + 2).take(at).map(char::from).collect();
                    return Ok(line);
                }
                None => self.more()?,
            }
        }
    }

    fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.input.len() < count {
            self.more()?;
        }
        Ok(self.input.drain(..count).collect())
    }

    /// Reads some more bytes; an end is an error.
    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let read = loop {
            match self.stream.read(&mut buffer) {
                // A signal to the process, such as that of a child's end, on systems where a deadline is set.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        match read {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has closed the connection")),
            count => {
                self.input.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }

    /// Reads until `text` arrives, and takes everything up to its end.
    pub fn read_up_to(&mut self, text: &[u8]) -> Vec<u8> {
        self.try_read_up_to(text)
            .unwrap_or_else(|error| panic!("{error}, before {:?}; so far: {}", show(text), show(&self.input)))
    }

    /// As [`read_up_to`](Self::read_up_to), when the text may not arrive.
    ///
    /// # Errors
    /// The connection's; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the server has closed it.
    pub fn try_read_up_to(&mut self, text: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.input.windows(text.len()).position(|window| window == text) {
                return Ok(self.input.drain(..at + text.len()).collect());
            }
            self.more()?;
        }
    }
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
    (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
}
