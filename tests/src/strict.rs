//! A client without tolerance: it parses everything that a server sent on a connection, or reports what is wrong. It was
//! written from the RFCs, independently of the server. It knows about the server only which form the encoder uses where
//! several are allowed: one space after a colon, numbers without leading zeros, chunks without extensions.

mod body;
mod head;
#[cfg(test)]
mod tests;

pub use head::{Head, Version};

/// The request, as far as it determines the form of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The request method.
    pub method: String,
    /// The version in the request.
    pub version: Version,
}

impl Asked {
    /// A request.
    pub fn new(method: &str, version: Version) -> Self {
        Self { method: method.to_owned(), version }
    }

    /// Whether a head with this status ends HTTP on the connection (RFC 9110 sections 9.3.6 and 15.2.2).
    fn opens_tunnel(&self, status: u16) -> bool {
        status == 101 || (self.method == "CONNECT" && (200..300).contains(&status))
    }
}

/// How the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By an orderly end.
    Closed,
    /// By a reset.
    Reset,
}

/// How the response marks the end of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It has none: the response ends with its head.
    Nothing,
    /// Its length.
    Length(u64),
    /// Chunks; their number, without the last.
    Chunked(usize),
    /// The end of the connection.
    UntilClose,
    /// What follows is no longer HTTP.
    Tunnel,
}

/// Whether the whole response has arrived. The client sees what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// All of it.
    Complete,
    /// The bytes end inside the head, or between an interim response and the final one.
    LacksHead,
    /// The number of bytes that are missing.
    LacksBytes(u64),
    /// The last chunk, or a part of an earlier one, is missing.
    LacksChunks,
    /// The end of the connection would have been the end of the body, but it was a reset.
    WasReset,
}

/// Names as spelled, and values.
pub type Fields = Vec<(String, Vec<u8>)>;

/// A response as the client understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The 1xx responses before it.
    pub interim: Vec<Head>,
    /// The head of the final response. HTTP/0.9 has none, and a truncated response may have none.
    pub head: Option<Head>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The trailer fields.
    pub trailers: Fields,
    /// How its end is marked.
    pub framing: Framing,
    /// Whether all of it has arrived.
    pub whole: Whole,
    /// Whether the client knows that no other response follows.
    pub is_last: bool,
}

impl Response {
    /// The status; 0 without a head.
    pub fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status)
    }
}

/// What is wrong, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offence {
    /// Bytes from the start of the connection.
    pub at: usize,
    /// In words.
    pub what: String,
}

/// Parses everything that came on a connection on which `asked` were the requests, in this order.
///
/// There may be fewer responses than requests. The caller judges what that means, since it knows [why the connection
/// ended](Response::is_last).
///
/// # Errors
/// The first violation.
pub fn read(bytes: &[u8], asked: &[Asked], end: End) -> Result<Vec<Response>, Offence> {
    let mut input = Input { bytes, at: 0 };
    let mut responses: Vec<Response> = Vec::new();
    for asked in asked {
        // No bytes are an empty HTTP/0.9 response, but only to a request that could be answered.
        let may_be_empty =
            asked.version == Version::Http09 && responses.last().is_none_or(|last| !last.is_last);
        if input.rest().is_empty() && !may_be_empty {
            break;
        }
        if responses.last().is_some_and(|last| last.is_last) {
            return input.offence("bytes after the last response");
        }
        let response = read_response(&mut input, asked, end)?;
        let is_whole = response.whole == Whole::Complete;
        responses.push(response);
        if !is_whole {
            break;
        }
    }
    if input.rest().is_empty() { Ok(responses) } else { input.offence("bytes behind the last response") }
}

fn read_response(input: &mut Input<'_>, asked: &Asked, end: End) -> Result<Response, Offence> {
    let mut response = Response {
        interim: Vec::new(),
        head: None,
        body: Vec::new(),
        trailers: Vec::new(),
        framing: Framing::UntilClose,
        whole: Whole::Complete,
        is_last: true,
    };
    // A server that cannot know that the request is HTTP/0.9 answers with a head; the caller judges that.
    if asked.version != Version::Http09 {
        loop {
            let start = input.at;
            let Some(head) = head::read(input)? else {
                response.framing = Framing::Nothing;
                response.whole = Whole::LacksHead;
                return Ok(response);
            };
            let is_interim = head.status < 200 && head.status != 101;
            head.check(asked).map_err(|what| Offence { at: start, what })?;
            if !is_interim {
                response.framing = framing(&head, asked).map_err(|what| Offence { at: start, what })?;
                let stays = head.persists(asked.version);
                response.is_last =
                    !stays || matches!(response.framing, Framing::UntilClose | Framing::Tunnel);
                let must_say = response.framing == Framing::UntilClose && head.version == Version::Http11;
                if stays && must_say {
                    return Err(Offence {
                        at: start,
                        what: "a body until the end without `close`".to_owned(),
                    });
                }
                response.head = Some(head);
                break;
            }
            response.interim.push(head);
        }
    }
    body::read(input, &mut response, end)?;
    Ok(response)
}

/// RFC 9112 section 6.3, for responses.
fn framing(head: &Head, asked: &Asked) -> Result<Framing, String> {
    let lengths = head.all("content-length");
    let codings = head.all("transfer-encoding");
    if lengths.len() + codings.len() > 1 {
        return Err("more than one field that frames the body".to_owned());
    }
    let length = match lengths.first() {
        Some(value) => Some(body::decimal(value).ok_or("a length that is no number")?),
        None => None,
    };
    if let Some(coding) = codings.first() {
        if *coding != b"chunked" {
            return Err("a transfer coding other than `chunked`".to_owned());
        }
        if asked.version != Version::Http11 || head.version != Version::Http11 {
            return Err("chunks for a peer that may not know them".to_owned());
        }
    }
    let is_framed = length.is_some() || !codings.is_empty();
    if asked.opens_tunnel(head.status) {
        return if is_framed { Err("a framed tunnel".to_owned()) } else { Ok(Framing::Tunnel) };
    }
    match head.status {
        // RFC 9110 section 8.6 and RFC 9112 section 6.1.
        204 if is_framed => Err("a framed 204".to_owned()),
        304 if !codings.is_empty() => Err("a chunked 304".to_owned()),
        204 | 304 => Ok(Framing::Nothing),
        // RFC 9110 section 15.3.6.
        205 if length.is_some_and(|length| length > 0) || !codings.is_empty() => {
            Err("a 205 with a body".to_owned())
        }
        _ if asked.method == "HEAD" => Ok(Framing::Nothing),
        _ => Ok(match (length, codings.first()) {
            (Some(length), _) => Framing::Length(length),
            (None, Some(_)) => Framing::Chunked(0),
            (None, None) => Framing::UntilClose,
        }),
    }
}

/// The bytes that have arrived, and how far they are parsed.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next `count` bytes, or as many as there are.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let rest = self.rest();
        let taken = rest.get(..count).unwrap_or(rest);
        self.at += taken.len();
        taken
    }

    fn offence<T>(&self, what: &str) -> Result<T, Offence> {
        Err(Offence { at: self.at, what: what.to_owned() })
    }

    /// The next line without its end. `None` if it is truncated. LF alone, or CR alone, is a violation.
    fn line(&mut self) -> Result<Option<&'a [u8]>, Offence> {
        let rest = self.rest();
        for (at, byte) in rest.iter().enumerate() {
            match (byte, rest.get(at + 1)) {
                (b'\r', Some(b'\n')) => {
                    self.at += at + 2;
                    return Ok(rest.get(..at));
                }
                (b'\r', None) => break,
                (b'\r', Some(_)) => return self.offence("a bare CR"),
                (b'\n', _) => return self.offence("a bare LF"),
                _ => {}
            }
        }
        self.take(usize::MAX);
        Ok(None)
    }
}
