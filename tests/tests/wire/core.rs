//! The first driver: `proto` by itself, without a handler, a wire or a clock. It reports what was understood, and what a
//! server must answer accordingly.

use basehttp::__private::proto::chunked::{ChunkStep, ChunkedDecoder};
use basehttp::__private::proto::framing::{self, Body, Persistence};
use basehttp::__private::proto::head::{AtEnd, Head, HeadParser, Progress};
use basehttp::__private::proto::headers::Field;
use basehttp::__private::proto::request_line::Version;
use basehttp::Fault;
use basehttp::Limits;
use basehttp_tests::vector::Vector;

use super::handlers::{METHODS, PATIENT};

type Fields = Vec<(String, Vec<u8>)>;

/// A request as `proto` understands it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "answers to questions that have nothing to do with each other"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Where it begins in the input: after empty lines before it, if a line that is not empty was reached.
    pub(crate) begins: usize,
    line: String,
    method: String,
    target: String,
    version_text: String,
    version: Version,
    simple: bool,
    fields: Fields,
    /// Why it is refused whatever its method.
    refused: Option<Fault>,
    /// Why it is refused if there is such a method.
    unfit: Option<Fault>,
    persists: bool,
    waits: bool,
    has_body: bool,
    body: Vec<u8>,
    trailers: Fields,
    /// What is wrong with its body.
    broken: Option<Fault>,
}

/// The largest body that is dropped for a handler that did not read it.
const DRAINED: usize = 256 * 1024;

impl Request {
    /// Why it is refused before a handler is called.
    fn refusal(&self) -> Option<Fault> {
        self.refused.or(self.unfit.filter(|_| self.is_known()))
    }

    fn is_known(&self) -> bool {
        METHODS.contains(&&*self.method)
    }

    fn reads_body(&self) -> bool {
        PATIENT.contains(&&*self.method)
    }

    /// Whether what follows it is no longer HTTP: RFC 9110 section 9.3.6.
    fn is_tunnel(&self) -> bool {
        self.method == "CONNECT" && self.fault().is_none()
    }

    /// The fault that decides about the connection.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.refusal().or(self.broken.filter(|_| self.is_known()))
    }

    /// Whether the server reads another request after it: RFC 9112 section 9.3, and the server's treatment of a body that
    /// the handler leaves unread.
    fn leads_on(&self) -> bool {
        let unread = self.has_body && !self.reads_body();
        self.persists
            && self.is_known()
            && self.fault().is_none()
            && !(unread && (self.waits || self.body.len() > DRAINED))
            && !self.is_tunnel()
    }
}

/// All requests that the server must read, from input that arrives in pieces.
pub(crate) fn understand(handler: &str, pieces: &[&[u8]]) -> Vec<Request> {
    let mut feed = Feed { pieces: pieces.iter(), came: Vec::new(), used: 0 };
    let mut requests = Vec::new();
    while let Some(mut request) = feed.request() {
        request.persists &= handler != "python";
        let last = !request.leads_on();
        requests.push(request);
        if last {
            break;
        }
    }
    requests
}

/// Input that arrives in pieces.
struct Feed<'a> {
    pieces: std::slice::Iter<'a, &'a [u8]>,
    came: Vec<u8>,
    used: usize,
}

impl Feed<'_> {
    fn rest(&self) -> &[u8] {
        &self.came[self.used..]
    }

    /// Adds the next piece, if there is one.
    fn more(&mut self) -> bool {
        let piece = self.pieces.next();
        self.came.extend_from_slice(piece.copied().unwrap_or_default());
        piece.is_some()
    }

    fn request(&mut self) -> Option<Request> {
        let (mut parser, mut head) = (HeadParser::new(Limits::default()), Head::default());
        let end = loop {
            match parser.parse(self.rest(), &mut head) {
                Ok(Progress::Done) => break Ok(AtEnd::Done),
                Ok(Progress::NeedMore) if self.more() => {}
                Ok(Progress::NeedMore) => break parser.end_of_input(self.rest(), &mut head),
                Err(fault) => break Err(fault),
            }
        };
        if end == Ok(AtEnd::Nothing) {
            return None;
        }
        let mut request = self.read_head(&head);
        match end.and_then(|_| framing::body_of(&head, self.rest())) {
            Err(fault) => request.refused = Some(fault),
            Ok(body) => {
                request.has_body = !matches!(body, Body::None | Body::Length(0));
                self.used += head.len;
                request.broken = self.read_body(body, &mut request).err();
                while request.is_tunnel() && (!self.rest().is_empty() || self.more()) {
                    request.body.extend_from_slice(self.rest());
                    self.used = self.came.len();
                }
            }
        }
        Some(request)
    }

    fn read_head(&self, head: &Head) -> Request {
        let bytes = self.rest();
        let line = &head.request_line;
        let expects = framing::expects_continue(head, bytes);
        let persists = match framing::persistence(head, bytes) {
            Persistence::Close => false,
            Persistence::KeepAlive => line.version >= Version::Http10,
            Persistence::Unsaid => line.version >= Version::Http11,
        };
        Request {
            begins: self.used + line.line.start(),
            line: latin1(line.line.of(bytes)),
            method: latin1(line.method.of(bytes)),
            target: latin1(line.target.of(bytes)),
            version_text: latin1(line.version_text.of(bytes)),
            version: line.version,
            simple: line.simple,
            fields: texts(&head.fields, bytes),
            unfit: framing::check_host(head, bytes).err().or(expects.err()),
            persists: persists && !line.simple,
            waits: expects == Ok(true),
            ..Request::default()
        }
    }

    fn read_body(&mut self, body: Body, request: &mut Request) -> Result<(), Fault> {
        match body {
            Body::None => Ok(()),
            Body::Length(length) => {
                let mut left = usize::try_from(length).unwrap_or(usize::MAX);
                while left > 0 {
                    let here = left.min(self.rest().len());
                    request.body.extend_from_slice(&self.rest()[..here]);
                    self.used += here;
                    left -= here;
                    if left > 0 && !self.more() {
                        return Err(Fault::IncompleteBody);
                    }
                }
                Ok(())
            }
            Body::Chunked => self.read_chunks(request),
        }
    }

    fn read_chunks(&mut self, request: &mut Request) -> Result<(), Fault> {
        let mut decoder = ChunkedDecoder::new(Limits::default());
        loop {
            match decoder.step(self.rest())? {
                ChunkStep::Data { skip, len } => {
                    request.body.extend_from_slice(&self.rest()[skip..skip + len]);
                    self.used += skip + len;
                }
                ChunkStep::NeedMore { consumed } => {
                    self.used += consumed;
                    if !self.more() {
                        return Err(Fault::IncompleteBody);
                    }
                }
                ChunkStep::End { consumed } => {
                    self.used += consumed;
                    let (bytes, fields) = decoder.trailers();
                    request.trailers = texts(fields, bytes);
                    return Ok(());
                }
            }
        }
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn texts(fields: &[Field], bytes: &[u8]) -> Fields {
    let text = |field: &Field| (latin1(field.name.of(bytes)), field.value.of(bytes).to_vec());
    fields.iter().map(text).collect()
}

/// What a server must answer, according to what was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) answers: Vec<Answer>,
    pub(crate) calls: usize,
    pub(crate) stays_open: bool,
    pub(crate) fault: &'static str,
    /// Where the requests after the first one begin.
    pub(crate) begins: Vec<usize>,
}

/// The response to one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Its message and its body, if the request alone determines them.
    pub(crate) reason: Option<String>,
    pub(crate) body: Option<Vec<u8>>,
}

/// The result of `handler` for requests.
pub(crate) fn account(handler: &str, requests: &[Request]) -> Account {
    let called = |request: &&Request| {
        // FIELDS records its call when it has read the body.
        let reads = request.method != "FIELDS" || request.broken.is_none();
        request.refusal().is_none() && request.is_known() && reads
    };
    Account {
        answers: requests.iter().map(|request| answer(handler, request)).collect(),
        calls: requests.iter().filter(called).count(),
        stays_open: requests.last().is_some_and(Request::leads_on),
        fault: requests.last().and_then(Request::fault).map_or("", Fault::code),
        begins: requests.iter().skip(1).map(|request| request.begins).collect(),
    }
}

fn answer(handler: &str, request: &Request) -> Answer {
    let to_head = request.method == "HEAD";
    let refusal = |status, reason: String| {
        let body = to_head.then(Vec::new);
        Answer { status, reason: Some(reason), body }
    };
    let broken = request.broken.filter(|_| request.reads_body());
    match (request.refusal(), broken) {
        (Some(fault), _) => return refusal(fault.status(), fault.message(&request.line).into_owned()),
        _ if !request.is_known() => {
            let cut = if request.method.len() > 100 { "..." } else { "" };
            let reason = format!("Unsupported method ('{:.100}{cut}')", request.method);
            return refusal(501, reason);
        }
        (None, Some(fault)) => return refusal(fault.status(), fault.message("").into_owned()),
        (None, None) => {}
    }
    let headless = request.version == Version::Http09 && handler != "assuming";
    if request.method == "STATUS" {
        let status = request.target[1..].parse().expect("a target that is a status");
        return Answer { status: if headless { 0 } else { status }, reason: None, body: None };
    }
    let (status, reason) = if headless { (0, "") } else { (200, "OK") };
    let body = if to_head { Vec::new() } else { echo(handler, request) };
    Answer { status, reason: Some(reason.to_owned()), body: Some(body) }
}

/// What the handlers report about a request.
fn echo(handler: &str, request: &Request) -> Vec<u8> {
    let Request { method, target, .. } = request;
    let path = match target.strip_prefix("//") {
        Some(path) => format!("/{}", path.trim_start_matches('/')),
        None => target.clone(),
    };
    let version = match (request.simple, handler) {
        (false, _) => &*request.version_text,
        (true, "assuming") => "HTTP/1.1",
        (true, _) => "HTTP/0.9",
    };
    let mut text = format!("{method} {path} {version}");
    match &**method {
        "POST" | "CONNECT" => text.push_str(&[" ", &request.body.len().to_string(), "\n"].concat()),
        "FIELDS" => {
            text.push('\n');
            for (name, value) in &request.fields {
                text.extend([name, "=[", &*latin1(value), "]\n"]);
            }
            for (name, value) in &request.trailers {
                text.extend(["trailer ", name, "=[", &*latin1(value), "]\n"]);
            }
        }
        _ => text.push('\n'),
    }
    let mut text = text.into_bytes();
    if matches!(&**method, "POST" | "CONNECT") {
        text.extend_from_slice(&request.body);
    }
    text
}

/// Whether the result is what the vector says.
pub(crate) fn check(vector: &Vector, account: &Account) -> Result<(), String> {
    let wanted: Vec<_> = vector.responses.iter().map(|response| response.status).collect();
    let found: Vec<_> = account.answers.iter().map(|answer| answer.status).collect();
    if wanted != found {
        return Err(format!("the responses are {found:?} instead of {wanted:?}"));
    }
    for (response, answer) in vector.responses.iter().zip(&account.answers) {
        if answer.reason.as_ref().is_some_and(|reason| *reason != response.reason) {
            return Err(format!("the message is {:?} instead of {:?}", answer.reason, response.reason));
        }
        if let (Some(wanted), Some(found)) = (&response.body, &answer.body)
            && wanted != found
        {
            let [found, wanted] = [found, wanted].map(|body| basehttp_tests::show(body));
            return Err(format!("the body is {found:?} instead of {wanted:?}"));
        }
    }
    let wanted = (&*vector.fault, vector.calls, vector.stays_open, &vector.begins);
    let found = (account.fault, account.calls, account.stays_open, &account.begins);
    if wanted == found {
        Ok(())
    } else {
        Err(format!("fault, calls, open, where requests begin: {found:?} instead of {wanted:?}"))
    }
}
