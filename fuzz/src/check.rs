//! The properties of a connection.
//!
//! 1. The handler is called for the requests that the reader of [`requests`](crate::requests) finds, in order, and for
//!    nothing else: never for a part of a body, never after something that is not a request.
//! 2. It reads the body of that request, and never a byte more.
//! 3. The output is one well-formed response for each request, up to the one that announces that it is the last.
//! 4. Input that is not a request, and a refused request, get an error that ends the connection.
//! 5. All this is the same however the input is cut.

use crate::pieces;
use crate::player::{Call, METHODS, Part, play};
use crate::requests::{self, Body, Next, Request, Version};
use crate::responses::{self, Asked, End, Response};
use crate::show;

/// Checks a connection.
///
/// # Panics
/// On a finding.
pub fn connection(input: &[u8]) {
    let whole = examine(input, [input], "whole");
    if input.len() <= 600 {
        compare(&whole, &examine(input, pieces::single(input), "byte by byte"), "byte by byte");
    }
    compare(&whole, &examine(input, pieces::cut(input), "in pieces"), "in pieces");
}

struct Seen {
    calls: Vec<Call>,
    responses: Vec<Response>,
    log: String,
}

fn compare(whole: &Seen, other: &Seen, how: &str) {
    assert_eq!(whole.calls, other.calls, "other calls {how}");
    assert_eq!(whole.log, other.log, "another log {how}");
    assert_eq!(whole.responses.len(), other.responses.len(), "another number of responses {how}");
    for (a, b) in whole.responses.iter().zip(&other.responses) {
        assert_eq!((a.status, &a.reason), (b.status, &b.reason), "another response {how}");
        assert_eq!(a.lasting_fields(), b.lasting_fields(), "other fields {how}");
        assert_eq!(show(&a.body), show(&b.body), "another body {how}");
        assert_eq!((a.end, a.closes), (b.end, b.closes), "another end {how}");
    }
}

/// Runs the input, and follows the two readers through it and its output.
fn examine<'a>(input: &[u8], pieces: impl IntoIterator<Item = &'a [u8]>, how: &str) -> Seen {
    let (run, calls) = play(pieces);
    let mut follow = Follow { input, at: 0, output: &run.output, calls: calls.iter(), responses: Vec::new() };
    while let Some(next) = follow.step().unwrap_or_else(|what| {
        panic!("{how}: {what}\ninput: {}\noutput: {}\ncalls: {calls:?}", show(input), show(&run.output))
    }) {
        follow.at = next;
    }
    let (rest, more) = (follow.output, follow.calls.next());
    assert!(
        rest.is_empty() && more.is_none(),
        "{how}: after the last response {more:?} and {}\ninput: {}\noutput: {}",
        show(rest),
        show(input),
        show(&run.output)
    );
    let responses = follow.responses;
    // A response of HTTP/0.9 without a body is empty.
    let own = run.responses.iter().filter(|response| response.status != 0 || !response.body.is_empty());
    let own: Vec<_> = own.collect();
    let visible: Vec<_> =
        responses.iter().filter(|response| response.status != 0 || !response.body.is_empty()).collect();
    assert_eq!(own.len(), visible.len(), "{how}: exchanges\ninput: {}", show(input));
    for (own, strict) in own.into_iter().zip(visible) {
        assert_eq!(own.status, strict.status, "{how}");
        let is_cut = strict.end == End::Truncated;
        assert!(own.truncated || !is_cut, "{how}: the crate takes an incomplete response for a complete one");
    }
    Seen { calls, responses, log: without_advice(&run.log) }
}

/// Without the line about a handler's own chunks, which are looked for in each write: a handler that echoes its body writes it in
/// the pieces in which it arrives.
fn without_advice(log: &str) -> String {
    log.split_inclusive('\n').filter(|line| !line.contains("the body is written in chunks")).collect()
}

struct Follow<'a> {
    input: &'a [u8],
    at: usize,
    output: &'a [u8],
    calls: std::slice::Iter<'a, Call>,
    responses: Vec<Response>,
}

impl Follow<'_> {
    /// One request and its response. Returns where the next one begins, if there may be one.
    fn step(&mut self) -> Result<Option<usize>, String> {
        let request = match requests::read(self.input, self.at) {
            Next::Nothing => return Ok(None),
            Next::Bad(bad) => {
                self.refusal(bad.maybe_head, bad.maybe_headless)?;
                return Ok(None);
            }
            Next::Request(request) => request,
        };
        let head = request.method == b"HEAD";
        let is_known = METHODS.iter().any(|method| method.as_bytes() == request.method);
        if request.refused || !is_known {
            self.refusal(head, request.version == Version::Http09)?;
            return Ok(None);
        }
        let Some(call) = self.calls.next() else { return Err(format!("not called for {request:?}")) };
        is_same_request(&request, call)?;
        let asked = Asked {
            head,
            connect: request.method == b"CONNECT",
            headless: request.version == Version::Http09,
            speaks_1_1: request.version == Version::Http11,
        };
        let response = self.response(asked)?;
        let (part, is_tunnel) =
            (Part::of(&call.path), asked.connect && matches!(response.status, 0 | 200..300));
        let interim: Vec<_> = response.interim.iter().filter(|status| **status != 100).collect();
        if response.interim.contains(&100) && !request.expects_continue {
            return Err("100 Continue for a client that does not wait for it".to_owned());
        }
        if interim.len() > usize::from(part == Part::Interim) {
            return Err(format!("interim responses {interim:?}"));
        }
        if request.is_last && !response.closes {
            return Err("a response that keeps a connection of one request".to_owned());
        }
        let body = requests::body(self.input, request.body_at, request.framing);
        if let (true, Body::Whole(body, next)) = (is_tunnel, &body) {
            // Everything after the body belongs to the handler.
            self.responses.push(response);
            let all = [body, &self.input[*next..]].concat();
            return if all.starts_with(&call.body) { Ok(None) } else { Err("another tunnel".to_owned()) };
        }
        is_same_body(&body, call)?;
        let is_broken = matches!(body, Body::Broken(_));
        if response.end == End::Truncated && !part.may_be_cut() && !(part == Part::Stream && is_broken) {
            return Err("a response that is cut off".to_owned());
        }
        let is_good_answer = matches!(response.status, 0 | 200..400);
        if call.has_failed && part == Part::Echo && is_good_answer && !asked.headless {
            return Err(format!("{} for a body that cannot be read", response.status));
        }
        // A response without a body cannot be cut off, but the connection can.
        // (A response of HTTP/0.9 to HEAD is empty, so the output may end before the calls do.)
        let is_cut = part.may_be_cut() && self.output.is_empty() && self.calls.as_slice().is_empty();
        let is_over = response.closes || is_cut;
        self.responses.push(response);
        match body {
            Body::Whole(_, next) if !is_over => Ok(Some(next)),
            _ => Ok(None),
        }
    }

    /// The response to input that no handler may see.
    fn refusal(&mut self, maybe_head: bool, maybe_headless: bool) -> Result<(), String> {
        if maybe_headless && !self.output.starts_with(b"HTTP/1.") {
            let asked = Asked { headless: true, ..Asked::default() };
            let response = self.response(asked)?;
            self.responses.push(response);
            return Ok(());
        }
        let head = maybe_head && self.output.ends_with(b"\r\n\r\n");
        let response = self.response(Asked { head, ..Asked::default() })?;
        if !(400..600).contains(&response.status) || !response.closes || response.end != End::Framed {
            return Err(format!("a refusal that is none: {response:?}"));
        }
        self.responses.push(response);
        Ok(())
    }

    fn response(&mut self, asked: Asked) -> Result<Response, String> {
        let (response, len) = responses::read(self.output, asked)?;
        self.output = &self.output[len..];
        if response.end == End::WithConnection || asked.headless || response.status == 101 {
            return Ok(response);
        }
        for name in ["server", "date"] {
            let count = response.values(name).count();
            if count != 1 {
                return Err(format!("{name} stands {count} times"));
            }
        }
        if let Some((name, value)) = response.fields.iter().find(|field| field.0 == b"x") {
            return Err(format!("a field from an error message: {}: {}", show(name), show(value)));
        }
        Ok(response)
    }
}

fn is_same_request(request: &Request, call: &Call) -> Result<(), String> {
    let latin1 = |bytes: &[u8]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
    let mut path = latin1(&request.target);
    if path.starts_with("//") {
        path = format!("/{}", path.trim_start_matches('/'));
    }
    let is_same = call.method.as_bytes() == request.method && call.path == path;
    let fields = request.fields.iter().map(|(name, value)| (latin1(name), latin1(value)));
    if is_same && fields.eq(call.fields.iter().cloned()) {
        Ok(())
    } else {
        Err(format!("called with {call:?} for {request:?}"))
    }
}

/// Whether the handler has read only the body.
fn is_same_body(body: &Body, call: &Call) -> Result<(), String> {
    let is_good = match body {
        Body::Whole(body, _) if call.is_all => call.body == *body,
        Body::Whole(body, _) => body.starts_with(&call.body) && !call.has_failed,
        Body::Broken(body) => body.starts_with(&call.body) && !call.is_all,
    };
    if is_good { Ok(()) } else { Err(format!("{call:?} has read something else than {body:?}")) }
}
