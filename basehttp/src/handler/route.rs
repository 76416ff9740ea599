//! The table of a handler's routes, which the attribute generates, and the search for the route of a path.

use std::borrow::Cow;

use super::outcome::Answer;
use crate::proto::grammar::percent_decoded;

/// The routes of a block.
pub struct Routes<H: 'static> {
    /// The table.
    pub table: &'static RouteTable,
    /// The functions, by the `call` of the rows. Each reads the arguments of its route and calls the method.
    pub calls: &'static [fn(&mut H) -> Answer],
}

/// The routes of a block, without the type of their handler.
pub struct RouteTable {
    /// The rows by their paths.
    pub root: Node,
    /// One row for each method of each pattern, in the order of the source. A route that a `#[cfg]` leaves out has a row but is
    /// not in the tree.
    pub rows: &'static [RouteRow],
}

/// A row: a request method with a pattern.
pub struct RouteRow {
    /// The request method.
    pub method: &'static str,
    /// The pattern without its query.
    pub pattern: &'static str,
    /// The name of the function.
    pub function: &'static str,
    /// The index of the function in [`Routes::calls`].
    pub call: u16,
}

impl RouteRow {
    /// The row of a route that a `#[cfg]` leaves out. No node of the tree refers to it.
    pub const ABSENT: Self = Self { method: "", pattern: "", function: "", call: 0 };
}

/// What answers the current request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The `do_*` method in this row.
    Method(u16),
    /// A route: its block, and its row in the block.
    Route(u16, u16),
    /// OPTIONS for an existing path that the handler does not answer itself: the response lists the methods.
    Options,
    /// The path exists, but not for this method.
    NotAllowed,
    /// No route has the path, and there is no `do_*` method to answer it.
    NotFound,
    /// The handler does not implement the method.
    NotImplemented,
}

/// A node of the tree of patterns: the possible continuations of a path.
pub struct Node {
    /// Literal segments, in the order of their bytes.
    pub literals: &'static [Literal],
    /// The node after a parameter, which matches any segment.
    pub parameter: Option<&'static Self>,
    /// The rows for any rest of the path.
    pub rest: &'static [u16],
    /// The rows if the path ends here.
    pub here: &'static [u16],
}

/// A literal segment, and the node after it.
pub struct Literal {
    /// The first eight bytes as a number, which sorts as they do.
    key: u64,
    text: &'static str,
    node: Node,
}

impl Literal {
    /// `text` must be decoded and must not contain a NUL.
    pub const fn new(text: &'static str, node: Node) -> Self {
        Self { key: key_of(text.as_bytes()), text, node }
    }
}

/// The first eight bytes as a number: it compares in one instruction, and most segments differ in these bytes.
const fn key_of(text: &[u8]) -> u64 {
    let mut key = 0;
    let mut at = 0;
    while at < 8 {
        key = key << 8 | if at < text.len() { text[at] as u64 } else { 0 };
        at += 1;
    }
    key
}

impl<H> Routes<H> {
    /// No routes.
    pub const NONE: Self = Self { table: &RouteTable { root: Node::EMPTY, rows: &[] }, calls: &[] };
}

impl Node {
    /// A node without continuations.
    pub const EMPTY: Self = Self { literals: &[], parameter: None, rest: &[], here: &[] };
}

/// How closely a pattern matches: two bits for each segment from the left, so that the first segment in which two patterns
/// differ decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(u128);

impl Rank {
    const LITERAL: u128 = 3;
    const PARAMETER: u128 = 2;
    const REST: u128 = 1;

    fn with(self, depth: u32, kind: u128) -> Self {
        Self(self.0 | kind << 126_u32.saturating_sub(2 * depth))
    }
}

/// The rows of a block for a path.
#[derive(Clone, Copy)]
pub(super) struct Match {
    pub(super) rank: Rank,
    pub(super) rows: &'static [u16],
}

impl RouteTable {
    /// The rows whose pattern matches a path most closely. The path is split into segments first, and each segment is decoded
    /// and compared.
    pub(super) fn find(&'static self, path: &[u8]) -> Option<Match> {
        find(&self.root, path.strip_prefix(b"/")?, Rank::default(), 0)
    }

    /// The rows whose pattern matches a path most closely.
    pub fn rows_for(&'static self, path: &[u8]) -> Option<&'static [u16]> {
        self.find(path).map(|found| found.rows)
    }

    pub(super) fn row(&self, number: u16) -> Option<&RouteRow> {
        self.rows.get(usize::from(number))
    }
}

/// `path` begins with a segment. The recursion is as deep as the patterns at most, whatever the path, and visits each node of
/// the tree at most once.
fn find(node: &'static Node, path: &[u8], rank: Rank, depth: u32) -> Option<Match> {
    let mut length = 0;
    let mut is_encoded = false;
    for byte in path {
        if *byte == b'/' {
            break;
        }
        is_encoded |= *byte == b'%';
        length += 1;
    }
    let (segment, rest) = path.split_at(length);
    let decoded = if is_encoded { percent_decoded(segment) } else { Cow::Borrowed(segment) };
    let go_on = |node: &'static Node, kind| {
        let rank = rank.with(depth, kind);
        match rest.strip_prefix(b"/") {
            Some(rest) => find(node, rest, rank, depth + 1),
            None if node.here.is_empty() => None,
            None => Some(Match { rank, rows: node.here }),
        }
    };
    if let Some(next) = node.literal(&decoded)
        && let Some(found) = go_on(next, Rank::LITERAL)
    {
        return Some(found);
    }
    // An empty segment is not a value: `/users/{id}` does not match `/users/`.
    if segment.is_empty() {
        return None;
    }
    if let Some(next) = node.parameter
        && let Some(found) = go_on(next, Rank::PARAMETER)
    {
        return Some(found);
    }
    let is_rest = !node.rest.is_empty();
    is_rest.then(|| Match { rank: rank.with(depth, Rank::REST), rows: node.rest })
}

impl Node {
    fn literal(&'static self, segment: &[u8]) -> Option<&'static Self> {
        let key = key_of(segment);
        let first = self.literals.partition_point(|literal| literal.key < key);
        let mut same = self.literals.iter().skip(first).take_while(|literal| literal.key == key);
        same.find(|literal| literal.text.as_bytes() == segment).map(|literal| &literal.node)
    }
}

/// The target of a request as routes see it: its path and its query as they were sent, even if it is in absolute form.
#[derive(Debug)]
pub struct RouteTarget<'a> {
    target: Cow<'a, [u8]>,
}

impl<'a> RouteTarget<'a> {
    pub(super) fn new(target: Cow<'a, [u8]>) -> Self {
        Self { target }
    }

    /// The same without a borrow of the handler, for a method that takes the handler mutably.
    pub fn into_owned(self) -> RouteTarget<'static> {
        RouteTarget { target: Cow::Owned(self.target.into_owned()) }
    }

    pub(super) fn path(&self) -> &[u8] {
        let end = self.target.iter().position(|byte| matches!(byte, b'?' | b'#'));
        let path = self.target.get(..end.unwrap_or(self.target.len())).unwrap_or_default();
        // RFC 9110 section 4.2.3: an empty path is the same as `/`. Only the absolute form can have one.
        if path.is_empty() { b"/" } else { path }
    }

    /// The bytes between the first question mark and the fragment (which a client should not send).
    pub(super) fn query(&self) -> &[u8] {
        let mut parts = self.target.splitn(2, |byte| *byte == b'#');
        let mut parts = parts.next().unwrap_or_default().splitn(2, |byte| *byte == b'?');
        parts.nth(1).unwrap_or_default()
    }

    /// A segment of the path as it was sent.
    pub(super) fn segment(&self, index: usize) -> &[u8] {
        self.path().split(|byte| *byte == b'/').nth(index + 1).unwrap_or_default()
    }

    /// This segment and all that follow, as they were sent.
    pub(super) fn rest(&self, index: usize) -> &[u8] {
        self.path().splitn(index + 2, |byte| *byte == b'/').nth(index + 1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn leaf(rows: &'static [u16]) -> Node {
        Node { here: rows, ..Node::EMPTY }
    }

    /// `/` 0, `/a` 1, `/a/{}` 2, `/a/b` 3, `/{}/b/c` 4, `/a/{..}` 5, `/é` 6, `/a/` 7, `/{..}` 8.
    static TABLE: RouteTable = RouteTable {
        root: Node {
            literals: &[
                Literal::new("", leaf(&[0])),
                Literal::new(
                    "a",
                    Node {
                        literals: &[Literal::new("", leaf(&[7])), Literal::new("b", leaf(&[3]))],
                        parameter: Some(&leaf(&[2])),
                        rest: &[5],
                        here: &[1],
                    },
                ),
                Literal::new("\u{e9}", leaf(&[6])),
            ],
            parameter: Some(&Node {
                literals: &[Literal::new(
                    "b",
                    Node { literals: &[Literal::new("c", leaf(&[4]))], ..Node::EMPTY },
                )],
                ..Node::EMPTY
            }),
            rest: &[8],
            here: &[],
        },
        rows: &[],
    };

    #[test]
    fn the_closest_pattern_from_the_left_is_found() {
        for (path, row) in [
            ("/", Some(0)),
            ("/a", Some(1)),
            ("/%61", Some(1)),
            ("/a/x", Some(2)),
            ("/a/b", Some(3)),
            ("/a/%62", Some(3)),
            ("/a/b%2F", Some(2)),
            ("/a/b/c", Some(5)),
            ("/x/b/c", Some(4)),
            ("/x/b/d", Some(8)),
            ("/a/", Some(7)),
            ("/a//", Some(8)),
            ("/a/b/", Some(5)),
            ("//", None),
            ("/%C3%A9", Some(6)),
            ("/\u{e9}", Some(6)),
            ("/%e9", Some(8)),
            ("/x", Some(8)),
            ("/x/", Some(8)),
            ("x", None),
            ("*", None),
            ("", None),
        ] {
            let found = TABLE.find(path.as_bytes()).and_then(|found| found.rows.first().copied());
            assert_eq!(found, row, "{path}");
        }
    }

    #[test]
    fn the_first_segment_that_differs_decides() {
        let rank = |kinds: &[u128]| {
            (0..).zip(kinds).fold(Rank::default(), |rank, (depth, kind)| rank.with(depth, *kind))
        };
        let (literal, parameter, rest) = (Rank::LITERAL, Rank::PARAMETER, Rank::REST);
        assert!(rank(&[literal, rest]) > rank(&[parameter, literal, literal]));
        assert!(rank(&[literal, parameter]) > rank(&[literal, rest]));
        assert!(rank(&[literal, literal]) > rank(&[literal, parameter]));
        assert!(rank(&[literal; 64]) > rank(&[&[literal; 63][..], &[parameter]].concat()));
    }

    #[test]
    fn the_parts_of_a_target() {
        let target = RouteTarget::new(b"/a/b%2Fc//d?e=/f?#/g?h".into());
        assert_eq!((target.path(), target.query()), (&b"/a/b%2Fc//d"[..], &b"e=/f?"[..]));
        let segments = [0, 1, 2, 3, 4].map(|index| target.segment(index));
        assert_eq!(segments, [&b"a"[..], b"b%2Fc", b"", b"d", b""]);
        let rests = [0, 1, 3, 4].map(|index| target.rest(index));
        assert_eq!(rests, [&b"a/b%2Fc//d"[..], b"b%2Fc//d", b"d", b""]);
        let target = RouteTarget::new(b"?x".into());
        assert_eq!((target.path(), target.query()), (&b"/"[..], &b"x"[..]));
        assert_eq!(RouteTarget::new(b"/a#?b".into()).query(), b"");
    }
}
