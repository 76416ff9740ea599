//! A request before it is written, and bodies for it.

use basehttp_tests::dice::Dice;

/// The numbers of a case from here on are of requests that hide in a body.
pub(crate) const HIDDEN: u64 = 8;

/// A request before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) before: Vec<u8>,
    pub(crate) line: Vec<u8>,
    /// Without the ends of their lines.
    pub(crate) fields: Vec<Vec<u8>>,
    pub(crate) line_end: &'static [u8],
    pub(crate) body: Vec<u8>,
}

impl Draft {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            before: Vec::new(),
            line: format!("{method} {target} HTTP/1.1").into_bytes(),
            fields: vec![b"Host: edge".to_vec()],
            line_end: b"\r\n",
            body: Vec::new(),
        }
    }

    pub(crate) fn field(&mut self, line: impl Into<Vec<u8>>) {
        self.fields.push(line.into());
    }

    pub(crate) fn without(&mut self, name: &str) {
        self.fields.retain(|line| {
            !line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        });
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = self.before.clone();
        bytes.extend_from_slice(&self.line);
        bytes.extend_from_slice(b"\r\n");
        for line in &self.fields {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(self.line_end);
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

pub(crate) fn text(dice: &mut Dice) -> Vec<u8> {
    let longest = if dice.chance(3) { 40_000 } else { 60 };
    (0..dice.length(0, longest)).map(|_| b'a' + dice.byte() % 26).collect()
}

pub(crate) fn chunks(dice: &mut Dice, body: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + dice.index(rest.len()));
        bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
        rest = after;
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// A body that is a request, for a reader who takes it for one.
pub(crate) fn hidden(dice: &mut Dice, first: u64) -> Vec<u8> {
    if dice.chance(25) {
        return text(dice);
    }
    let number = first + HIDDEN + dice.between(0, 3);
    let tail = *dice.pick(&[
        "",
        "",
        "Content-Length: 0\r\n",
        "Content-Length: 9\r\n",
        "Transfer-Encoding: chunked\r\n",
        "X: ",
    ]);
    let end = if tail.ends_with(": ") { "" } else { "\r\n" };
    format!("GET /q/{number} HTTP/1.1\r\nHost: edge\r\n{tail}{end}").into_bytes()
}

/// Lets the request have a body, of which it says nothing so far.
pub(crate) fn with_body(dice: &mut Dice, draft: &mut Draft, first: u64) -> Vec<u8> {
    draft.without("content-length");
    draft.without("transfer-encoding");
    if draft.line.starts_with(b"GET") && dice.chance(80) {
        draft.line.splice(..3, *b"POST");
    }
    hidden(dice, first)
}
