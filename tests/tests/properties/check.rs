//! Whether the client got what the programs must produce.

use basehttp_tests::show;
use basehttp_tests::strict::{self, End, Framing, Response, Version, Whole};

use crate::actor::{Score, Trace};
use crate::model::{Bounds, Expected, Fields, Head, Is, expect};
use crate::program::{Act, Case, Request, Upload, uploaded};

/// The outcome of a case.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) output: Vec<u8>,
    pub(crate) end: End,
    /// One for each handled request.
    pub(crate) traces: Vec<Trace>,
    pub(crate) strays: Vec<String>,
    /// Whether the server has waited for another request after the last response, if that is known.
    pub(crate) stays_open: Option<bool>,
}

impl Outcome {
    /// Looks up the traces.
    pub(crate) fn new(output: Vec<u8>, end: End, case: &Case, prefix: &str, score: &Score) -> Self {
        let traces = (0..case.requests.len()).map(|index| score.trace(&format!("{prefix}/{index}")));
        let traces: Vec<_> = traces.collect();
        let handled = traces.iter().take_while(|trace| trace.is_some()).count();
        let mut strays = score.take_strays();
        if traces.iter().skip(handled).any(Option::is_some) {
            strays.push("a request behind one that was left out".to_owned());
        }
        Self { output, end, traces: traces.into_iter().flatten().collect(), strays, stays_open: None }
    }
}

/// Parses the output and checks each response.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn check(case: &Case, bounds: Bounds, outcome: &Outcome) -> Result<Vec<Response>, String> {
    let asked = case.asked();
    if !outcome.strays.is_empty() {
        return Err(format!("requests that nobody sent: {:?}", outcome.strays));
    }
    let responses = strict::read(&outcome.output, &asked, outcome.end)
        .map_err(|offence| format!("{offence:?} in\n{}", show(tail(&outcome.output, offence.at))))?;
    let mut rest = case.input("");
    for (index, trace) in outcome.traces.iter().enumerate() {
        let request = &case.requests[index];
        rest.drain(..request.bytes(&format!("/{index}")).len());
        let response = responses.get(index);
        let is_last = index + 1 == outcome.traces.len();
        // The reset that ends a later response also destroys what was not sent yet of this one.
        let is_cut = response.is_none_or(|response| response.whole != Whole::Complete);
        if outcome.end == End::Reset && !is_last && is_cut {
            break;
        }
        let found = Found {
            request,
            response,
            trace,
            ended: is_last && (index + 1 < case.requests.len() || outcome.stays_open == Some(false)),
            goes_on: !is_last || outcome.stays_open == Some(true),
            end: outcome.end,
        };
        found.check_one_of(&candidates(case, index, bounds)).map_err(|what| {
            format!("request {index}: {what}\nof {request:?}\nin {}", show(tail(&outcome.output, 0)))
        })?;
    }
    // An empty HTTP/0.9 response may stand for none.
    let is_nothing = |response: &Response| response.head.is_none() && response.body.is_empty();
    match responses.get(outcome.traces.len()..) {
        None | Some([]) => {}
        Some([response])
            if is_nothing(response) && case.requests[outcome.traces.len()].version == Version::Http09 => {}
        Some(more) => return Err(format!("responses to requests that were not handled: {more:?}")),
    }
    Ok(responses)
}

fn tail(bytes: &[u8], at: usize) -> &[u8] {
    let from = bytes.get(at..).unwrap_or_default();
    from.get(..1000).unwrap_or(from)
}

/// The possible results of a request: a read may or may not have had to wait for the client, and both are tried.
fn candidates(case: &Case, index: usize, bounds: Bounds) -> Vec<Expected> {
    let request = &case.requests[index];
    let not_gathered = request.expects || request.upload.len() >= bounds.gather_limit;
    let acts = request.program.acts.iter().enumerate();
    let reads = acts.filter(|(_, act)| matches!(act, Act::Read(1..) | Act::ReadAll)).map(|(at, _)| Some(at));
    let waits = reads.filter(|_| not_gathered && request.upload != Upload::None);
    [None].into_iter().chain(waits).map(|waits| expect(request, case.speaks_1_1, bounds, waits)).collect()
}

/// Everything about one request.
struct Found<'a> {
    request: &'a Request,
    response: Option<&'a Response>,
    trace: &'a Trace,
    /// Whether the server then ended the connection or continued it; neither if that is unknown.
    ended: bool,
    goes_on: bool,
    end: End,
}

impl Found<'_> {
    fn check_one_of(&self, candidates: &[Expected]) -> Result<(), String> {
        let mut first = None;
        for expected in candidates {
            match self.check(expected) {
                Ok(()) => return Ok(()),
                Err(what) => first = first.or(Some(what)),
            }
        }
        Err(first.unwrap_or_default())
    }

    fn check(&self, expected: &Expected) -> Result<(), String> {
        same("what the calls returned", &self.trace.came, &expected.came)?;
        let body = uploaded(0, self.request.upload.len());
        if !expected.is_tunnel && !body.starts_with(&self.trace.read) {
            return Err("something else was read than the body".to_owned());
        }
        let ended = self.ended || self.response.is_some_and(|response| response.whole != Whole::Complete);
        if ended && expected.ends == Is::No || self.goes_on && expected.ends == Is::Yes {
            return Err(format!("ends {:?}, but ended: {ended}", expected.ends));
        }
        let Some((head, body, framing)) = &expected.response else {
            return match self.response {
                None => same("interim", &0, &expected.interim.len()),
                Some(response) if response.whole == Whole::LacksHead => {
                    self.check_interim(response, expected)
                }
                Some(response) if response.head.is_none() && response.body.is_empty() => Ok(()),
                Some(response) => Err(format!("no response, but: {response:?}")),
            };
        };
        // An HTTP/0.9 response without a byte may be none.
        let Some(response) = self.response else { return Err("no response".to_owned()) };
        self.check_interim(response, expected)?;
        check_whole(response, expected.is_whole)?;
        // A reset may overtake bytes that were on their way.
        if self.end == End::Reset && response.whole != Whole::Complete && body.starts_with(&response.body) {
            return Ok(());
        }
        match (response.framing, framing) {
            (Framing::Chunked(_), Framing::Chunked(_)) => {}
            (Framing::UntilClose | Framing::Length(0), Framing::Nothing) if head.status == 205 => {}
            _ => same("framing", &response.framing, framing)?,
        }
        let body = if self.request.method == "HEAD" && *framing == Framing::Nothing { &[][..] } else { body };
        if response.body != body {
            return Err(format!("a body of {} bytes, not {}", response.body.len(), body.len()));
        }
        same("trailer fields", &response.trailers, &expected.trailers)?;
        match &response.head {
            None if self.request.version == Version::Http09 => Ok(()),
            None => Err("no head".to_owned()),
            Some(found) if self.request.version == Version::Http09 => {
                Err(format!("a head for HTTP/0.9: {found:?}"))
            }
            Some(found) => check_head(found, head, expected.says_close, response.is_last),
        }
    }

    /// The interim responses are the handler's, and the one that the client has asked for.
    fn check_interim(&self, response: &Response, expected: &Expected) -> Result<(), String> {
        let mut found = response.interim.clone();
        let ours = |head: &strict::Head| head.status == 100 && head.fields.is_empty();
        if self.request.expects && found.len() == expected.interim.len() + 1 {
            let at = found.iter().position(ours).ok_or("an interim response too many")?;
            found.remove(at);
        }
        same("interim responses", &found.len(), &expected.interim.len())?;
        for (found, head) in found.iter().zip(&expected.interim) {
            same("interim status", &found.status, &head.status)?;
            same("interim reason", &found.reason, &head.reason)?;
            let mut fields = found.fields.clone();
            if fields.last().is_some_and(|field| field.0 == "Connection" && field.1 == b"close") {
                fields.pop();
            }
            check_fields(&fields, head)?;
        }
        Ok(())
    }
}

fn check_whole(response: &Response, is_whole: bool) -> Result<(), String> {
    let found = response.whole == Whole::Complete;
    if found == is_whole {
        return Ok(());
    }
    Err(format!("{:?}, but is to be whole: {is_whole}", response.whole))
}

fn check_head(found: &strict::Head, head: &Head, close: Is, is_last: bool) -> Result<(), String> {
    same("status", &found.status, &head.status)?;
    same("reason", &found.reason, &head.reason)?;
    if !close.allows(is_last) {
        return Err(format!("is to say close: {close:?}, but says: {is_last}"));
    }
    let mut fields = found.fields.clone();
    let is_one_of = |field: Option<&(String, Vec<u8>)>, names: &[&str]| {
        field.is_some_and(|field| names.contains(&&*field.0))
    };
    let persistence = fields.last().is_some_and(|field| matches!(&*field.1, b"close" | b"keep-alive"));
    if persistence && is_one_of(fields.last(), &["Connection"]) {
        fields.pop();
    }
    if is_one_of(fields.last(), &["Content-Length", "Transfer-Encoding"]) {
        fields.pop();
    }
    check_fields(&fields, head)
}

/// Every field was sent by the handler, or is `Server` or `Date`.
fn check_fields(found: &Fields, head: &Head) -> Result<(), String> {
    let mut fields = &found[..];
    if head.is_stamped {
        match fields {
            [server, date, rest @ ..] if server.0 == "Server" && date.0 == "Date" => fields = rest,
            _ => return Err(format!("no Server and Date: {fields:?}")),
        }
        let own = |name: &str| head.fields.iter().any(|field| field.0.eq_ignore_ascii_case(name));
        if !own("server") && !own("date") {
            let stamps = strict::Head {
                version: Version::Http11,
                status: head.status,
                reason: Vec::new(),
                fields: found.clone(),
            };
            stamps.check_server_and_date()?;
        }
    }
    let text = |fields: &[(String, Vec<u8>)]| -> Vec<String> {
        fields.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect()
    };
    same("fields", &text(fields), &text(&head.fields))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, but expected: {expected:?}")) }
}
