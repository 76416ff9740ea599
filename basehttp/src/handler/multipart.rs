//! Multipart bodies, read as they arrive.

use std::fmt;
use std::io::{self, BufRead, Read};

use super::message::{Headers, Message as _};
use crate::proto::grammar::{is_blank, is_token_text, line_feed, trim_blanks};
use crate::proto::parameters::Parameters;

/// A reader for the parts of a multipart body, such as a form with files (`multipart/form-data`, RFC 7578; RFC 2046 section
/// 5.1).
///
/// [`BaseHTTPRequestHandler::multipart`](super::BaseHTTPRequestHandler::multipart) returns one for a request. Parts are read
/// as they arrive, so a file of any size takes 64 KiB of memory. Text before the first part and after the last one is
/// skipped.
///
/// ```
/// use std::io::Read;
/// use basehttp::Multipart;
///
/// let body = &b"--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--x--\r\n"[..];
/// let mut form = Multipart::new(body, "multipart/form-data; boundary=x").expect("it has a boundary");
/// let mut note = form.next_part()?.expect("there is one");
/// let mut text = String::new();
/// note.read_to_string(&mut text)?;
/// assert_eq!((note.name(), &*text), (Some("note"), "hello"));
/// assert!(form.next_part()?.is_none());
/// # std::io::Result::Ok(())
/// ```
///
/// # Errors
/// Errors of the reader are passed on. [`InvalidData`](io::ErrorKind::InvalidData) if the head of a part is malformed or
/// longer than 16 KiB; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the body ends before the last boundary. If a `do_*`
/// method that has not answered yet returns one of these two about its request's body, the client gets 400.
pub struct Multipart<R> {
    body: R,
    /// The unprocessed bytes are `start..end`.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// How many of them are known to be content, so that reading single bytes does not search for the boundary each time.
    known: usize,
    /// `CR LF -- boundary`: in RFC 2046 the line end before a boundary belongs to the boundary.
    delimiter: Vec<u8>,
    state: State,
    /// Called when the form turns out to be malformed.
    hears: Option<Box<dyn Fn() + Send>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first boundary, or in a part.
    Content,
    /// After a boundary, before a head.
    Head,
    /// After the last boundary.
    End,
}

/// A part of a [`Multipart`] body: [`Read`] gives its content, [`BufRead`] its lines. If it is dropped early, the rest is
/// skipped.
#[derive(Debug)]
pub struct Part<'a, R> {
    headers: Headers,
    disposition: Parameters,
    form: &'a mut Multipart<R>,
}

/// Bytes read at a time. A head and a boundary fit.
const PIECE: usize = 64 * 1024;

/// Heads sent by browsers have a few hundred bytes.
const MOST_HEAD: usize = 16 * 1024;

/// RFC 2046 section 5.1.1: 70 characters at most.
const MOST_BOUNDARY: usize = 70;

/// Blanks between a boundary and the end of its line, which some transports add.
const MOST_PADDING: usize = 256;

/// What follows the bytes of a delimiter.
enum Follows {
    Part(usize),
    End,
    /// The content has something that looks like a delimiter.
    Content,
    /// There are too few bytes to tell.
    Unknown,
}

impl<R> fmt::Debug for Multipart<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<R: Read> Multipart<R> {
    /// Reads the parts of a body with this `Content-Type`. `None` if that is not `multipart` with a boundary of 1 to 70
    /// bytes.
    pub fn new(body: R, content_type: &str) -> Option<Self> {
        Self::of(body, &Parameters::parse(content_type), None)
    }

    pub(super) fn of(body: R, media_type: &Parameters, hears: Option<Box<dyn Fn() + Send>>) -> Option<Self> {
        let is_multipart =
            media_type.value().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
        let boundary = media_type.get("boundary").filter(|_| is_multipart)?;
        if boundary.is_empty() || boundary.len() > MOST_BOUNDARY || boundary.contains(['\r', '\n']) {
            return None;
        }
        // Begins with a line end, so that the first boundary is like the others.
        let mut buffer = vec![0; PIECE];
        buffer.splice(..2, *b"\r\n");
        let delimiter = ["\r\n--", boundary].concat().into_bytes();
        let buffer = buffer.into_boxed_slice();
        Some(Self { body, buffer, start: 0, end: 2, known: 0, delimiter, state: State::Content, hears })
    }

    /// The next part, or `None` after the last. The rest of the part before is skipped.
    ///
    /// # Errors
    /// See [the type](Self#errors).
    pub fn next_part(&mut self) -> io::Result<Option<Part<'_, R>>> {
        while self.state == State::Content {
            let count = self.content()?.len();
            self.consume(count);
        }
        if self.state == State::End {
            return Ok(None);
        }
        let head = self.head()?;
        let mut disposition = Parameters::default();
        let mut headers = Headers::default();
        let fields = fields(&head)
            .ok_or_else(|| self.malformed("the head of a part has a line that is not a field"))?;
        for (name, value) in fields {
            if name.eq_ignore_ascii_case("Content-Disposition") && !headers.contains(&name) {
                disposition = Parameters::parse_bytes(&value);
            }
            headers.append(&name, &value);
        }
        self.state = State::Content;
        Ok(Some(Part { headers, disposition, form: self }))
    }

    /// Content that has arrived, up to the next boundary. Empty at a boundary, which is consumed.
    fn content(&mut self) -> io::Result<&[u8]> {
        if self.known == 0 && self.state == State::Content {
            self.known = self.next_content()?;
        }
        Ok(self.buffer.get(self.start..self.start + self.known).unwrap_or_default())
    }

    /// Marks this much of the content as taken.
    fn consume(&mut self, count: usize) {
        let count = count.min(self.known);
        self.start += count;
        self.known -= count;
    }

    /// How much content follows; 0 at a boundary, which is consumed.
    fn next_content(&mut self) -> io::Result<usize> {
        loop {
            let left = self.left();
            let count = match find(left, &self.delimiter) {
                Some(0) => match self.follows(left) {
                    Follows::Part(length) => {
                        self.start += length;
                        self.state = State::Head;
                        return Ok(0);
                    }
                    Follows::End => {
                        self.state = State::End;
                        return Ok(0);
                    }
                    Follows::Content => 1,
                    Follows::Unknown => 0,
                },
                Some(at) => at,
                // The end may be the beginning of a delimiter.
                None => left.len().saturating_sub(self.delimiter.len() - 1),
            };
            if count > 0 {
                return Ok(count);
            }
            self.fill()?;
        }
    }

    /// What follows the delimiter at the beginning of these bytes.
    fn follows(&self, bytes: &[u8]) -> Follows {
        let rest = bytes.get(self.delimiter.len()..).unwrap_or_default();
        let padding = rest.iter().take_while(|byte| is_blank(**byte)).count();
        match rest.get(padding..).unwrap_or_default() {
            [b'-', b'-', ..] if padding == 0 => Follows::End,
            [b'\r', b'\n', ..] if padding <= MOST_PADDING => Follows::Part(self.delimiter.len() + padding),
            [] | [b'\r'] if padding <= MOST_PADDING => Follows::Unknown,
            [b'-'] if padding == 0 => Follows::Unknown,
            _ => Follows::Content,
        }
    }

    /// The head of a part, including the line end before it but not the line end after its last line. That one begins the
    /// content, because a boundary may follow at once.
    fn head(&mut self) -> io::Result<Vec<u8>> {
        const END: &[u8] = b"\r\n\r\n";
        let mut seen = 0_usize;
        loop {
            let left = self.left();
            // Does not search from the beginning each time: a client may send one byte at a time.
            let from = seen.saturating_sub(END.len() - 1);
            let end = find(left.get(from..).unwrap_or_default(), END).map(|end| from + end);
            seen = left.len();
            // If the head is incomplete, its last bytes may be the beginning of its end.
            if end.unwrap_or(left.len().saturating_sub(END.len() - 1)) > MOST_HEAD {
                return Err(self.malformed("the head of a part is too long"));
            }
            if let Some(end) = end {
                let head = left.get(..end).unwrap_or_default().to_vec();
                self.start += end + 2;
                // That line end is not content, unless the part has none at all, not even an empty line.
                if !self.is_at_boundary()? {
                    self.start += 2;
                }
                return Ok(head);
            }
            self.fill()?;
        }
    }

    fn is_at_boundary(&mut self) -> io::Result<bool> {
        loop {
            let left = self.left();
            let is_unknown = if left.starts_with(&self.delimiter) {
                match self.follows(left) {
                    Follows::Part(_) | Follows::End => return Ok(true),
                    Follows::Content => false,
                    Follows::Unknown => true,
                }
            } else {
                self.delimiter.starts_with(left)
            };
            if !is_unknown || !self.try_fill()? {
                return Ok(false);
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.try_fill()? {
            return Ok(());
        }
        self.tell_malformed();
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the form has no end"))
    }

    /// Reads more. False at the end of the body.
    fn try_fill(&mut self) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        debug_assert!(!room.is_empty(), "no head is that long");
        loop {
            match self.body.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let count = read?;
                    self.end += count;
                    return Ok(count > 0);
                }
            }
        }
    }

    fn malformed(&self, text: &'static str) -> io::Error {
        self.tell_malformed();
        io::Error::new(io::ErrorKind::InvalidData, text)
    }

    fn tell_malformed(&self) {
        if let Some(hears) = &self.hears {
            hears();
        }
    }

    fn left(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }
}

impl<R> Part<'_, R> {
    /// The fields of the part's head.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The name of the form's field (RFC 7578 section 4.2), decoded as UTF-8, or else as Latin-1.
    pub fn name(&self) -> Option<&str> {
        self.disposition.get("name")
    }

    /// The file's name on the client's machine, if the part is a file. It can be any text, including a path: see [RFC 7578
    /// section 7](https://www.rfc-editor.org/rfc/rfc7578#section-7).
    pub fn file_name(&self) -> Option<&str> {
        self.disposition.get("filename")
    }

    /// The media type that the client declares for the part.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get("Content-Type")
    }
}

impl<R: Read> Read for Part<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let content = self.form.content()?;
        let count = content.len().min(buf.len());
        if let (Some(into), Some(from)) = (buf.get_mut(..count), content.get(..count)) {
            into.copy_from_slice(from);
        }
        self.form.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Part<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.form.content()
    }

    fn consume(&mut self, amount: usize) {
        self.form.consume(amount);
    }
}

/// Finds the first of these in `bytes`. They begin with `CR`, which is rare in most files.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|byte| *byte == b'\r')?;
        if bytes.get(at..)?.starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The fields of a part's head. A line that begins with a blank continues the one before (RFC 5322 section 2.2.3).
fn fields(head: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    let mut rest = head;
    while !rest.is_empty() {
        let end = line_feed(rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        match (line, fields.last_mut()) {
            ([], _) => {}
            ([b' ' | b'\t', ..], Some((_, value))) => {
                value.push(b' ');
                value.extend_from_slice(trim_blanks(line));
            }
            _ => {
                let colon = line.iter().position(|byte| *byte == b':');
                let (name, value) = line.split_at(colon.unwrap_or(line.len()));
                let name = str::from_utf8(name).ok().filter(|name| is_token_text(name.as_bytes()));
                colon?;
                fields.push((name?.to_owned(), trim_blanks(value.get(1..).unwrap_or_default()).to_vec()));
            }
        }
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives this many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buf.len());
            self.0.read(&mut buf[..most])
        }
    }

    type Read1 = (Option<String>, Option<String>, Vec<u8>);

    fn read(body: &[u8], piece: usize) -> io::Result<Vec<Read1>> {
        let mut form =
            Multipart::new(Slow(body, piece), "multipart/form-data; boundary=x").expect("a boundary");
        let mut parts = Vec::new();
        while let Some(mut part) = form.next_part()? {
            let mut content = Vec::new();
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let (name, file) = (owned(part.name()), owned(part.file_name()));
            part.read_to_end(&mut content)?;
            parts.push((name, file, content));
        }
        Ok(parts)
    }

    fn contents(body: &str) -> Result<Vec<String>, io::ErrorKind> {
        let read = [1, 2, 7, 100_000].map(|piece| {
            let parts = read(body.as_bytes(), piece).map_err(|error| error.kind())?;
            Ok(parts.into_iter().map(|part| String::from_utf8(part.2).expect("text")).collect())
        });
        assert!(read.iter().all(|other| *other == read[0]), "{read:?}");
        read.into_iter().next().expect("several")
    }

    #[test]
    fn parts_end_where_their_boundary_is() {
        let eof = Err(io::ErrorKind::UnexpectedEof);
        let bad = Err(io::ErrorKind::InvalidData);
        let parts = |parts: &[&str]| Ok(parts.iter().map(|&part| part.to_owned()).collect());
        for (body, expected) in [
            ("--x\r\na: b\r\n\r\none\r\n--x\r\na: b\r\n\r\n\r\n--x--", parts(&["one", ""])),
            ("--x--", parts(&[])),
            ("--x--\r\nwhat follows\r\n--x\r\n\r\nis nothing\r\n--x--", parts(&[])),
            ("what stands before\r\n--x\r\n\r\na\r\n--x--\r\n", parts(&["a"])),
            // Blanks after a boundary; bytes that only look like a boundary.
            (
                "--x \t\r\na: b\r\n\r\na--x\r\n--xy\r\n--x-\r\n-x--\n--x--\r\n--x--",
                parts(&["a--x\r\n--xy\r\n--x-\r\n-x--\n--x--"]),
            ),
            ("--x\r\na: b\r\n\r\n\r\n\r\n\r\n--x--", parts(&["\r\n\r\n"])),
            ("--x\r\na: b\r\n\r\n--xy\r\n--x--", parts(&["--xy"])),
            ("--x\r\na: b\r\n\r\n--x\n\r\n--x--", parts(&["--x\n"])),
            // A head and nothing else, not even an empty line; no head.
            ("--x\r\na: b\r\n\r\n--x\r\n\r\nb\r\n--x--", parts(&["", "b"])),
            ("--x\r\n\r\n--x--", parts(&[""])),
            ("--x\r\na:\r\n b\r\n\r\nc\r\n--x--", parts(&["c"])),
            ("", eof.clone()),
            ("--x", eof.clone()),
            ("--x-", eof.clone()),
            ("--x\r\na: b\r\n", eof.clone()),
            ("--x\r\na: b\r\n\r\nhal", eof.clone()),
            ("--x\r\na: b\r\n\r\nhalf\r\n--x", eof),
            ("--x\r\nno field\r\n\r\n\r\n--x--", bad.clone()),
            ("--x\r\n: a\r\n\r\n\r\n--x--", bad.clone()),
            ("--x\r\n a: a\r\n\r\n\r\n--x--", bad),
        ] {
            assert_eq!(contents(body), expected, "{body:?}");
        }
    }

    #[test]
    fn a_head_has_a_bound() {
        let body = |length: usize| format!("--x\r\na: {}\r\n\r\nb\r\n--x--", "c".repeat(length));
        assert_eq!(contents(&body(10_000)), Ok(vec!["b".to_owned()]));
        assert_eq!(contents(&body(MOST_HEAD)), Err(io::ErrorKind::InvalidData));
        let endless = format!("--x\r\n{}", "c".repeat(100_000));
        assert_eq!(contents(&endless), Err(io::ErrorKind::InvalidData));
    }

    /// Wherever the bytes are split.
    #[test]
    fn bounds_do_not_depend_on_how_the_bytes_come() {
        let whole = |body: &[u8], at: usize| {
            let (one, other) = body.split_at(at);
            let mut form =
                Multipart::new(one.chain(other), "multipart/mixed; boundary=x").expect("a boundary");
            let mut parts = 0;
            while form.next_part().map_err(|error| error.kind())?.is_some() {
                parts += 1;
            }
            Ok(parts)
        };
        for (length, wanted) in [(MOST_HEAD - 5, Ok(1)), (MOST_HEAD - 4, Err(io::ErrorKind::InvalidData))] {
            // Its line end, `a: ` and the rest.
            let body = format!("--x\r\na: {}\r\n\r\nb\r\n--x--", "c".repeat(length));
            let end = body.len() - "b\r\n--x--".len();
            for at in (end - 8)..body.len() {
                assert_eq!(whole(body.as_bytes(), at), wanted, "{length}, {at}");
            }
        }
        for (padding, wanted) in
            [(MOST_PADDING, Ok(1)), (MOST_PADDING + 1, Err(io::ErrorKind::UnexpectedEof))]
        {
            let body = format!("--x{}\r\na: b\r\n\r\nc", " ".repeat(padding));
            let body = if wanted.is_ok() { body + "\r\n--x--" } else { body };
            for at in 0..body.len() {
                assert_eq!(whole(body.as_bytes(), at), wanted, "{padding}, {at}");
            }
        }
    }

    #[test]
    fn names_are_those_of_the_disposition() {
        let body = b"--x\r\ncontent-disposition: form-data; name=\"a\"; note=\"; filename=evil \";\r\n\tFILENAME=\"\xe9.txt\"\
            \r\nContent-Type: text/plain\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=b\r\n\r\n2\r\n--x--";
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            read(body, 100).expect("a form"),
            [(text("a"), text("\u{e9}.txt"), b"1".to_vec()), (text("b"), None, b"2".to_vec())]
        );
    }

    #[test]
    fn a_part_that_is_not_read_is_skipped() {
        let body: &[u8] = b"--x\r\na: b\r\n\r\nfirst\r\n--x\r\nc: d\r\n\r\nsecond\r\n--x--";
        let mut form = Multipart::new(body, "multipart/mixed; boundary=\"x\"").expect("a boundary");
        let mut first = form.next_part().expect("a part").expect("a part");
        first.read_exact(&mut [0; 2]).expect("it has more");
        let second = form.next_part().expect("a part").expect("another");
        assert_eq!(
            (second.headers().get("C"), second.name(), second.content_type()),
            (Some("d"), None, None)
        );
        assert!(form.next_part().expect("the end").is_none() && form.next_part().expect("the end").is_none());
    }

    /// For a reader of single bytes, such as a JSON parser, the boundary is searched for once in each piece. A search for
    /// each byte would take minutes here.
    #[test]
    fn a_part_without_line_ends_may_be_read_a_byte_at_a_time() {
        let content = vec![b'a'; 4 << 20];
        let body = [&b"--x\r\na: b\r\n\r\n"[..], &content, b"\r\n--x--"].concat();
        let mut form = Multipart::new(&*body, "multipart/mixed; boundary=x").expect("a boundary");
        let part = form.next_part().expect("a part").expect("a part");
        assert_eq!(part.bytes().map_while(Result::ok).count(), content.len());
    }

    #[test]
    fn a_part_has_lines() {
        let body: &[u8] = b"--x\r\na: b\r\n\r\none\r\ntwo\n\nthree\r\n--x--";
        let mut form = Multipart::new(body, "multipart/mixed; boundary=x").expect("a boundary");
        let part = form.next_part().expect("a part").expect("a part");
        assert_eq!(part.lines().map_while(Result::ok).collect::<Vec<_>>(), ["one", "two", "", "three"]);
    }

    #[test]
    fn what_has_no_boundary_has_no_parts() {
        let is_form = |media_type: &str| Multipart::new(io::empty(), media_type).is_some();
        assert!(
            is_form("Multipart/Form-Data; Boundary=a") && is_form("multipart/related; a=b; boundary=\"a b\"")
        );
        let long = format!("multipart/form-data; boundary={}", "b".repeat(71));
        for other in
            ["", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=a", &long]
        {
            assert!(!is_form(other), "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(
            contents in prop::collection::vec("(\r\n--x|\r\n--|\r|\n|-|--x--|a|[\\x00-\\x7f]){0,12}", 0..4),
            piece in 1..40_usize,
        ) {
            // Content with the boundary in it cannot be sent, so it has another one.
            let other = |content: String| format!("\r\n{content}").replace("\r\n--x", "\r\n--y")[2..].to_owned();
            let contents: Vec<_> = contents.into_iter().map(other).collect();
            let part = |content: &String| format!("--x\r\na: b\r\n\r\n{content}\r\n");
            let body = contents.iter().map(part).collect::<String>() + "--x--\r\n";
            let parts = read(body.as_bytes(), piece).expect("a form");
            let parts: Vec<_> = parts.into_iter().map(|part| String::from_utf8(part.2).expect("text")).collect();
            prop_assert_eq!(parts, contents);
        }

        #[test]
        fn nothing_panics(body in "(\r\n|--x|--|a: b|\r\n\r\n|[\\x00-\\x7f]){0,30}", piece in 1..40_usize) {
            let _ = read(body.as_bytes(), piece);
        }
    }
}
