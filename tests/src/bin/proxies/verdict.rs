//! Compares what a proxy sent to a server with what the server answered, on one connection.

use std::collections::BTreeMap;

use basehttp_tests::strict::{self, Asked, End, Framing, Response, Version, Whole};

use crate::referee::{Item, Mark, Request, split};

/// The field in which the server under test says what it has served.
pub(crate) const SERVED: &str = "X-Served";
/// The same in each response of the server under test, also in refusals.
pub(crate) const SERVER: &str = "X-Server";

/// What happened on a server's connections.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Requests that the server has served.
    pub(crate) served: u64,
    /// Requests that the server has refused, by status.
    pub(crate) refused: BTreeMap<u16, u64>,
    /// Requests that arrived in part.
    pub(crate) incomplete: u64,
    /// Requests without an answer, since the connection had ended before.
    pub(crate) unanswered: u64,
    /// What the proxy passed on though it is no request by the RFC.
    pub(crate) bad: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.served += other.served;
        self.incomplete += other.incomplete;
        self.unanswered += other.unanswered;
        for (status, count) in &other.refused {
            *self.refused.entry(*status).or_default() += count;
        }
        for (why, count) in &other.bad {
            *self.bad.entry(why).or_default() += count;
        }
    }
}

/// A difference between what the proxy believed and what the server did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Desync {
    /// The server departed from the bytes that it got.
    Server(String),
    /// The bytes themselves, read by the RFC, say something else than the proxy believes. Each server that follows the RFC
    /// departs from this proxy here.
    Proxy(String),
}

/// The bytes of a connection between a proxy and a server.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    pub(crate) up: Vec<u8>,
    pub(crate) down: Vec<u8>,
}

impl Bytes {
    /// Whether each request so far has its response, so that both can be judged and forgotten.
    pub(crate) fn are_balanced(&self, mark: &Mark) -> bool {
        let items = split(&self.up, mark);
        let all_whole = items.iter().all(|item| matches!(item, Item::Request(_)));
        if items.is_empty() || !all_whole {
            return false;
        }
        let is_open = |response: &Response| response.whole == Whole::Complete && !response.is_last;
        let responses = strict::read(&self.down, &asked(&items), End::Reset);
        responses.is_ok_and(|all| all.len() == items.len() && all.iter().all(is_open))
    }

    /// Judges all of them. The connection has ended, or the bytes are balanced.
    pub(crate) fn judge(&self, mark: &Mark, end: End, tally: &mut Tally) -> Result<(), Desync> {
        let items = split(&self.up, mark);
        // The server is judged by the bytes that it got, whatever the proxy believes about them.
        let responses = strict::read(&self.down, &asked(&items), end)
            .map_err(|offence| Desync::Server(format!("a malformed response: {}", offence.what)))?;
        let (mut has_ended, mut of_proxy) = (false, Ok(()));
        for (at, item) in items.iter().enumerate() {
            of_proxy = of_proxy.and_then(|()| known(item, mark));
            let response = responses.get(at);
            has_ended |= response.is_some_and(|response| response.is_last);
            judge_one(item, response, has_ended, tally).map_err(Desync::Server)?;
            // A server may refuse extensions that are long, and trailer fields that frame or route. After an early answer, it
            // can only close.
            has_ended |=
                matches!(item, Item::Request(request) if request.may_be_refused && is_early(&request.target));
            // The other protocol that begins here is not read.
            if response.is_some_and(|response| response.framing == Framing::Tunnel) {
                break;
            }
        }
        of_proxy
    }
}

/// Whether the proxy knows of a request, and of none inside it.
fn known(item: &Item, mark: &Mark) -> Result<(), Desync> {
    let (Item::Request(request) | Item::Incomplete(Some(request))) = item else { return Ok(()) };
    if request.marks == 0 {
        return Err(Desync::Proxy("a request that the proxy does not know of".to_owned()));
    }
    if mark.count(&request.body) > 0 {
        return Err(Desync::Proxy("a request of the proxy's inside a body".to_owned()));
    }
    Ok(())
}

/// What the server was asked, as far as the form of its responses depends on it. It answers bytes that are no request, too.
fn asked(items: &[Item]) -> Vec<Asked> {
    let of = |item: &Item| match item {
        Item::Request(request)
        | Item::Incomplete(Some(request))
        | Item::Bad(_, Some(request))
        | Item::BadBody(_, request) => Asked::new(&request.method, request.version),
        Item::Bad(_, None) | Item::Incomplete(None) => Asked::new("GET", Version::Http11),
    };
    items.iter().map(of).collect()
}

fn judge_one(
    item: &Item,
    response: Option<&Response>,
    has_ended: bool,
    tally: &mut Tally,
) -> Result<(), String> {
    let said = response.and_then(|response| Some((response, served(response)?)));
    match (item, said, response) {
        (Item::Request(request), Some((response, said)), _) => {
            tally.served += 1;
            check(request, response, said)
        }
        (Item::Request(request), None, Some(response)) => {
            *tally.refused.entry(response.status()).or_default() += 1;
            check_refusal(request, response)
        }
        (Item::Request(_), None, None) if has_ended => {
            tally.unanswered += 1;
            Ok(())
        }
        (Item::Request(_), None, None) => Err("a complete request without a response".to_owned()),
        (Item::Incomplete(Some(request)) | Item::BadBody(_, request), Some((response, said)), _)
            if is_early(&request.target) =>
        {
            tally.incomplete += 1;
            tally.served += 1;
            check(request, response, said)
        }
        (Item::Bad(why, _) | Item::BadBody(why, _), Some(_), _) => {
            Err(format!("served, though there is {why}"))
        }
        (Item::Bad(why, _) | Item::BadBody(why, _), None, _) => {
            *tally.bad.entry(why).or_default() += 1;
            match response {
                Some(response) if !response.is_last => Err(format!("after {why} the connection is kept")),
                Some(response) => {
                    *tally.refused.entry(response.status()).or_default() += 1;
                    Ok(())
                }
                None => Ok(()),
            }
        }
        (Item::Incomplete(_), Some(_), _) => Err("served before the request was complete".to_owned()),
        (Item::Incomplete(_), None, _) => {
            tally.incomplete += 1;
            if let Some(response) = response {
                *tally.refused.entry(response.status()).or_default() += 1;
            }
            Ok(())
        }
    }
}

/// A refusal of a complete request is one of this request, and not of what a server took for it.
fn check_refusal(request: &Request, response: &Response) -> Result<(), String> {
    if response.whole != Whole::Complete {
        return Err("a truncated refusal".to_owned());
    }
    if !matches!(response.status(), 400 | 403 | 413 | 414 | 417 | 421 | 431 | 501 | 505) {
        return Err(format!("a {} for a complete request", response.status()));
    }
    let fields = response.head.as_ref().map(|head| head.all(SERVER)).unwrap_or_default();
    let Some(said) = fields.first().and_then(|said| std::str::from_utf8(said).ok()) else { return Ok(()) };
    // A line that could not be read has no method, and a malformed target no number.
    let (method, told) = said.split_once(' ').unwrap_or((said, "-"));
    let wanted = number(&request.target).map(|number| number.to_string());
    let is_other = (!method.is_empty() && method != request.method)
        || (told != "-" && wanted.is_some_and(|wanted| wanted != told));
    if is_other { Err(format!("refused `{said}` for `{}`", request.method)) } else { Ok(()) }
}

/// Whether the server under test answers it without its body.
fn is_early(target: &[u8]) -> bool {
    target.windows(7).any(|window| window == b"/early/")
}

/// The number that is the last segment of a target's path, which tells the requests apart.
pub(crate) fn number(target: &[u8]) -> Option<u64> {
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next()?;
    let segment = path.rsplit(|byte| *byte == b'/').next()?;
    let is_number = !segment.is_empty() && segment.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(segment).ok().filter(|_| is_number)?.parse().ok()
}

fn served(response: &Response) -> Option<&str> {
    let head = response.head.as_ref()?;
    std::str::from_utf8(head.all(SERVED).first()?).ok()
}

/// The response says method and number; its body is the request's, in full.
fn check(request: &Request, response: &Response, said: &str) -> Result<(), String> {
    let number = number(&request.target).map_or_else(|| "-".to_owned(), |number| number.to_string());
    let wanted = format!("{} {number}", request.method);
    if said != wanted {
        return Err(format!("served `{said}` for `{wanted}`"));
    }
    if response.whole != Whole::Complete {
        return Err("a truncated response".to_owned());
    }
    let has_body = !matches!(response.framing, Framing::Nothing | Framing::Tunnel);
    if has_body
        && !is_early(&request.target)
        && response.body != [said.as_bytes(), b"\n", &request.body].concat()
    {
        return Err("another body was read than sent".to_owned());
    }
    Ok(())
}
