//! What the clients send: clean requests, and such that two readers may read in two ways.

use crate::draft::{Draft, chunks, text};
use crate::{bodies, heads};
use basehttp_tests::dice::Dice;

/// The number of the first request.
pub(crate) const FIRST: u64 = 1_000_000_000;
/// How many numbers a case has for its requests.
pub(crate) const NUMBERS: u64 = 16;
/// What one client sends on its connection.
#[derive(Debug)]
pub(crate) struct Case {
    /// Sent one after the other.
    pub(crate) parts: Vec<Vec<u8>>,
    /// How many requests were meant.
    pub(crate) requests: u64,
    /// Those of a clean case, in order.
    pub(crate) numbers: Vec<u64>,
    /// Whether each of them must be served, whatever the proxy.
    pub(crate) is_clean: bool,
    /// Whether the client ends its half after the last part.
    pub(crate) ends: bool,
    /// What was done to it.
    pub(crate) kinds: Vec<&'static str>,
}

impl Case {
    pub(crate) fn new(is_clean: bool) -> Self {
        Self { parts: Vec::new(), requests: 0, numbers: Vec::new(), is_clean, ends: false, kinds: Vec::new() }
    }
}

/// The case of this number. The same number makes the same case.
pub(crate) fn case(seed: u64, number: u64) -> Case {
    let mut dice = Dice::new(seed, number);
    let first = FIRST + number * NUMBERS;
    let mut case = Case::new(dice.chance(10));
    let mut bytes = Vec::new();
    if dice.chance(40) {
        bytes.extend(clean(&mut dice, first).write());
        case.requests += 1;
        case.numbers.push(first);
    }
    if !case.is_clean {
        let mut draft = clean(&mut dice, first + 1);
        let kind = *dice.pick(KINDS);
        (kind.1)(&mut dice, &mut draft, first);
        case.kinds.push(kind.0);
        if dice.chance(25) {
            let kind = *dice.pick(KINDS);
            (kind.1)(&mut dice, &mut draft, first);
            case.kinds.push(kind.0);
        }
        let mut request = draft.write();
        if dice.chance(15) {
            disturb(&mut dice, &mut request);
            case.kinds.push("bytes");
        }
        bytes.extend(request);
        case.requests += 1;
        case.ends = dice.chance(8);
    }
    let mut last = clean(&mut dice, first + 2);
    last.field("Connection: close");
    bytes.extend(last.write());
    case.requests += 1;
    case.numbers.push(first + 2);
    case.parts = cut(&mut dice, bytes);
    case
}

/// Most cases are sent at once.
pub(crate) fn cut(dice: &mut Dice, bytes: Vec<u8>) -> Vec<Vec<u8>> {
    if !dice.chance(20) || bytes.len() < 4 {
        return vec![bytes];
    }
    let (mut parts, mut rest) = (Vec::new(), bytes);
    for _ in 0..dice.between(1, 3) {
        if rest.len() > 1 {
            let after = rest.split_off(1 + dice.index(rest.len() - 1));
            parts.push(rest);
            rest = after;
        }
    }
    parts.push(rest);
    parts
}

/// A request to which no server and no proxy can object.
fn clean(dice: &mut Dice, number: u64) -> Draft {
    let place = *dice.pick(&["q", "q", "q", "chunks", "close", "early"]);
    let target = format!("/{place}/{number}");
    if dice.chance(50) {
        return Draft::new(if dice.chance(10) { "HEAD" } else { "GET" }, &target);
    }
    let method = *dice.pick(&["POST", "PUT"]);
    let mut draft = Draft::new(method, &target);
    let body = text(dice);
    if dice.chance(50) {
        draft.field(format!("Content-Length: {}", body.len()));
        draft.body = body;
    } else {
        draft.field("Transfer-Encoding: chunked");
        draft.body = chunks(dice, &body);
    }
    draft
}

type Kind = (&'static str, fn(&mut Dice, &mut Draft, u64));

const KINDS: &[Kind] = &[
    ("lengths", bodies::lengths),
    ("codings", bodies::codings),
    ("both", bodies::both),
    ("both", bodies::both),
    ("chunk sizes", bodies::chunk_sizes),
    ("extensions", bodies::extensions),
    ("trailers", bodies::trailers),
    ("expect", bodies::expect),
    ("early", bodies::early),
    ("folding", heads::folding),
    ("line ends", heads::line_ends),
    ("names", heads::names),
    ("request line", heads::request_line),
    ("absolute form", heads::absolute_form),
    ("hosts", heads::hosts),
    ("hop by hop", heads::hop_by_hop),
    ("upgrades", heads::upgrades),
    ("before", heads::before),
    ("versions", heads::versions),
    ("methods", heads::methods),
];

/// Bytes at which readers differ.
const BYTES: &[u8] = b"\r\n\t \0:;,\"0123456789abcdefx/+-_.\x0b\x0c\x7f\x80\xff";

/// Changes, adds, removes or doubles a few bytes.
fn disturb(dice: &mut Dice, request: &mut Vec<u8>) {
    for _ in 0..dice.between(1, 3) {
        let at = dice.index(request.len().min(400));
        match dice.between(0, 3) {
            0 => request[at] = *dice.pick(BYTES),
            1 => request.insert(at, *dice.pick(BYTES)),
            2 if request.len() > 1 => drop(request.remove(at)),
            _ => request.insert(at, request[at]),
        }
    }
}

/// A clean request of another client, which must get its own response.
pub(crate) fn victim(number: u64) -> Case {
    let own = FIRST + number * NUMBERS + NUMBERS - 1;
    let mut draft = Draft::new("GET", &format!("/q/{own}"));
    draft.field("Connection: close");
    let mut case = Case::new(true);
    case.parts.push(draft.write());
    case.requests = 1;
    case.numbers.push(own);
    case.kinds.push("victim");
    case
}
