//! Parses request line and fields: bytes to [`Head`], "need more", or [`Fault`].

use super::{
    fault::Fault,
    grammar,
    headers::{self, Field, FieldLine, Known},
    limits::Limits,
    request_line::{self, RequestLine, Span, Version},
};

/// A request's head, as places in the buffer that it was parsed from.
///
/// It can be reused: [`clear`](Self::clear) keeps the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The request line.
    pub request_line: RequestLine,
    /// All field lines in order. Use [`push`](Self::push) to add one.
    pub fields: Vec<Field>,
    /// Bytes of the head from the buffer's start, including the final empty line and skipped lines at the beginning.
    pub len: usize,
    /// Indexed by [`Known`]; unused for other fields.
    places: [Place; KINDS],
}

/// The number of fields for which memory is kept.
const USUAL: usize = 128;

const KINDS: usize = Known::Expect as usize + 1;

/// The range that contains all fields of one kind: if there is only one, which is nearly always so, no search is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    first: u32,
    end: u32,
}

impl Head {
    /// No head.
    pub const NONE: Self = Self {
        request_line: RequestLine::NONE,
        fields: Vec::new(),
        len: 0,
        places: [Place { first: 0, end: 0 }; KINDS],
    };

    /// The fields of one kind, in order.
    #[inline]
    pub fn known(&self, kind: Known) -> impl Iterator<Item = &Field> {
        let fields = if kind == Known::Other { &self.fields } else { self.range_of(kind) };
        fields.iter().filter(move |field| field.known == kind)
    }

    /// Whether there is a field of this kind.
    #[inline]
    pub fn has(&self, kind: Known) -> bool {
        if kind == Known::Other { self.known(kind).next().is_some() } else { !self.range_of(kind).is_empty() }
    }

    /// The fields from the first of a known kind to the last, including those in between.
    #[inline]
    pub(super) fn range_of(&self, kind: Known) -> &[Field] {
        let place = self.places.get(kind as usize).copied().unwrap_or_default();
        self.fields.get(place.first as usize..place.end as usize).unwrap_or_default()
    }

    /// Adds a field.
    #[inline]
    pub fn push(&mut self, field: Field) {
        self.fields.push(field);
        if field.known != Known::Other
            && let Some(place) = self.places.get_mut(field.known as usize)
        {
            let end = u32::try_from(self.fields.len()).unwrap_or(u32::MAX);
            *place = Place { first: if place.end == 0 { end - 1 } else { place.first }, end };
        }
    }

    /// Clears everything, but keeps the memory.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.fields.shrink_to(USUAL);
        self.request_line = RequestLine::default();
        self.len = 0;
        self.places = [Place::default(); KINDS];
    }
}

/// How far a parser has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All bytes were used; the head is not complete.
    NeedMore,
    /// The head is complete.
    Done,
}

/// What the bytes amount to when the input ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// No request had begun.
    Nothing,
    /// The head is complete.
    Done,
}

/// Parses a head that arrives in pieces. It holds only its progress; the bytes and the result belong to the caller.
///
/// A line is parsed as soon as it is complete. In an incomplete line, only the new bytes are searched for its end, so the
/// work is linear in the number of bytes however they arrive.
#[derive(Clone, Copy, Debug)]
pub struct HeadParser {
    limits: Limits,
    part: Part,
    /// The beginning of the current line.
    line: usize,
    /// How far that line was searched for its end: `line <= searched`.
    searched: usize,
    /// The beginning of the first field line.
    fields: usize,
    /// Empty lines skipped before the request line.
    skipped: u8,
    /// Whether the request line names HTTP/0.9.
    is_named_http09: bool,
    #[cfg(test)]
    work: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    RequestLine,
    Fields,
    Done,
}

/// RFC 9112 section 2.2 asks for at least one: old clients sent an extra line end after a body. A client that sends more than
/// a few only keeps the server busy.
const EMPTY_LINES: u8 = 8;

/// Offsets have 32 bits; two sections of this size, and what is between them, fit.
const MOST: usize = 1 << 30;

impl HeadParser {
    /// A parser for the first head of a connection.
    pub fn new(limits: Limits) -> Self {
        let limits = Limits {
            request_line: limits.request_line.min(MOST),
            head: limits.head.min(MOST),
            fields: limits.fields.min(MOST),
            ..limits
        };
        Self {
            limits,
            part: Part::RequestLine,
            line: 0,
            searched: 0,
            fields: 0,
            skipped: 0,
            is_named_http09: false,
            #[cfg(test)]
            work: 0,
        }
    }

    /// Starts over, for the next head.
    pub fn reset(&mut self) {
        (self.part, self.skipped, self.fields) = (Part::RequestLine, 0, 0);
        self.is_named_http09 = false;
        self.begin_line(0);
    }

    /// Continues parsing in `buf`, which begins where the request begins, and only grows until [`reset`](Self::reset). `head`
    /// must be empty at first, and unchanged between calls.
    ///
    /// # Errors
    /// The fault in the head. If the request line was complete, it is in `head` all the same.
    pub fn parse(&mut self, buf: &[u8], head: &mut Head) -> Result<Progress, Fault> {
        if self.part == Part::RequestLine {
            self.read_request_line(buf, head)?;
        }
        if self.part == Part::Fields {
            self.read_fields(buf, head)?;
        }
        Ok(if self.part == Part::Done { Progress::Done } else { Progress::NeedMore })
    }

    /// Parses at the end of the input: `buf` will not grow any more.
    ///
    /// A line without its line end is incomplete: `GET /x` may be the beginning of `GET /xyz HTTP/1.1`. (Python takes it for
    /// an HTTP/0.9 request.)
    ///
    /// # Errors
    /// The fault in the last line, or [`Fault::IncompleteHead`] if it is only incomplete.
    pub fn end_of_input(&mut self, buf: &[u8], head: &mut Head) -> Result<AtEnd, Fault> {
        if self.parse(buf, head)? == Progress::Done {
            return Ok(AtEnd::Done);
        }
        if !self.begun(buf) {
            return Ok(AtEnd::Nothing);
        }
        // A CR at the very end is half of a line end, not a bare CR.
        let end = buf.len() - usize::from(buf.ends_with(b"\r"));
        if self.part == Part::RequestLine {
            self.accept_request_line(buf, end, buf.len(), head)?;
        } else if self.line < end {
            headers::parse(buf, self.line, end)?;
        }
        Err(Fault::IncompleteHead)
    }

    /// Whether any byte of a request line has arrived. Empty lines before it do not count.
    pub fn begun(&self, buf: &[u8]) -> bool {
        let rest = buf.get(self.line..).unwrap_or_default();
        self.part != Part::RequestLine || rest.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    #[inline]
    fn read_request_line(&mut self, buf: &[u8], head: &mut Head) -> Result<(), Fault> {
        if self.searched == self.line
            && let Some((line, next)) = request_line::read_common(buf, self.line)
            && line.line.len() <= self.limits.request_line
        {
            self.count_work(next - self.line);
            head.request_line = line;
            self.part = Part::Fields;
            self.begin_line(next);
            self.fields = next;
            return Ok(());
        }
        self.find_request_line(buf, head)
    }

    /// Skips empty lines, and takes the first other line once it is complete.
    #[cold]
    fn find_request_line(&mut self, buf: &[u8], head: &mut Head) -> Result<(), Fault> {
        self.refuse_bare_cr(buf)?;
        while let Some((end, next)) = self.find_line_end(buf) {
            if end > self.line {
                return self.accept_request_line(buf, end, next, head);
            }
            if self.skipped == EMPTY_LINES {
                return Err(Fault::BadRequestLine);
            }
            self.skipped += 1;
            self.begin_line(next);
            self.refuse_bare_cr(buf)?;
        }
        // The last byte may be the CR of the line's end.
        self.check_length(buf, buf.len() - usize::from(buf.ends_with(b"\r")), head)
    }

    /// Checks that the request line, which goes at least to `end`, is within the limit. If not, its method is kept: the
    /// refusal of a HEAD has no body.
    fn check_length(&self, buf: &[u8], end: usize, head: &mut Head) -> Result<(), Fault> {
        if end.saturating_sub(self.line) <= self.limits.request_line {
            return Ok(());
        }
        let line = Span::new(self.line, self.line + self.limits.request_line).of(buf);
        let method = grammar::token_len(line);
        if line.get(method) == Some(&b' ') {
            head.request_line.method = Span::new(self.line, self.line + method);
        }
        Err(Fault::TargetTooLong)
    }

    /// A line that begins with a CR is empty or malformed, as its second byte shows. Without this check, a client could send
    /// CRs without end and never begin a request.
    fn refuse_bare_cr(&self, buf: &[u8]) -> Result<(), Fault> {
        match buf.get(self.line..) {
            Some([b'\r', next, ..]) if *next != b'\n' => Err(Fault::BareCr),
            _ => Ok(()),
        }
    }

    fn accept_request_line(
        &mut self,
        buf: &[u8],
        end: usize,
        next: usize,
        head: &mut Head,
    ) -> Result<(), Fault> {
        self.check_length(buf, end, head)?;
        self.count_work(end - self.line);
        request_line::parse(buf, self.line, end, &mut head.request_line)?;
        self.begin_line(next);
        self.fields = next;
        if head.request_line.simple {
            self.part = Part::Done;
            head.len = next;
        } else {
            self.part = Part::Fields;
            self.is_named_http09 = head.request_line.version == Version::Http09;
            if self.is_named_http09 {
                // HTTP/0.9 has no fields. A request that names it and has some comes from a client of a later version, mostly
                // a proxy that passes on the version of its own client. In a response without a head, it would take one from
                // the body, which others may have written. So each refusal has a head until there can be no field.
                head.request_line.version = Version::default();
            }
        }
        Ok(())
    }

    fn read_fields(&mut self, buf: &[u8], head: &mut Head) -> Result<(), Fault> {
        let limit = self.fields.saturating_add(self.limits.head);
        loop {
            let line = if self.searched == self.line { headers::read(buf, self.line) } else { None };
            match line {
                Some(FieldLine::Field(field, next)) => {
                    self.count_work(next - self.line);
                    self.check_room(next, limit, head)?;
                    head.push(field);
                    self.begin_line(next);
                }
                Some(FieldLine::End(next)) => return self.end_head(next, limit, head),
                None => {
                    let Some((end, next)) = self.find_line_end(buf) else {
                        return if buf.len() > limit { Err(Fault::HeadTooLarge) } else { Ok(()) };
                    };
                    if end == self.line {
                        return self.end_head(next, limit, head);
                    }
                    self.check_room(next, limit, head)?;
                    self.count_work(end - self.line);
                    head.push(headers::parse(buf, self.line, end)?);
                    self.begin_line(next);
                }
            }
        }
    }

    /// Checks that one more field, whose line ends at `next`, is within the limits.
    #[inline]
    fn check_room(&self, next: usize, limit: usize, head: &Head) -> Result<(), Fault> {
        if next > limit {
            Err(Fault::HeadTooLarge)
        } else if head.fields.len() >= self.limits.fields {
            Err(Fault::TooManyFields)
        } else {
            Ok(())
        }
    }

    fn end_head(&mut self, next: usize, limit: usize, head: &mut Head) -> Result<(), Fault> {
        if next > limit {
            return Err(Fault::HeadTooLarge);
        }
        if self.is_named_http09 {
            if !head.fields.is_empty() {
                return Err(Fault::UnsupportedVersion);
            }
            head.request_line.version = Version::Http09;
        }
        self.part = Part::Done;
        head.len = next;
        Ok(())
    }

    fn begin_line(&mut self, at: usize) {
        self.line = at;
        self.searched = at;
    }

    /// The end of the line and the beginning of the next one. Searches only new bytes.
    fn find_line_end(&mut self, buf: &[u8]) -> Option<(usize, usize)> {
        let new = buf.get(self.searched..).unwrap_or_default();
        let found = grammar::line_feed(new);
        // A line that is new was already read in vain before this search, at most up to its LF.
        let passes = if self.searched == self.line { 2 } else { 1 };
        self.count_work(passes * found.unwrap_or(new.len()));
        let Some(len) = found else {
            self.searched = buf.len();
            return None;
        };
        let end = self.searched + len;
        let line = buf.get(self.line..end).unwrap_or_default();
        Some((end - usize::from(line.ends_with(b"\r")), end + 1))
    }

    #[cfg(test)]
    fn count_work(&mut self, bytes: usize) {
        self.work += bytes;
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "counts in tests only")]
    fn count_work(&mut self, _bytes: usize) {}
}

#[cfg(test)]
mod tests;
