//! One field line: RFC 9112 section 5.

use super::{
    fault::Fault,
    grammar,
    request_line::{Span, line_end},
};

/// A field line: the places of its name and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, spelled as it was sent.
    pub name: Span,
    /// The value, without surrounding blanks.
    pub value: Span,
    /// Which of the fields that the server itself uses it is.
    pub known: Known,
}

/// The fields that the server itself reads. They are only identified here, not interpreted: framing is decided once all
/// fields have been read, so that their order cannot matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// None of those below.
    Other,
    /// Host
    Host,
    /// Content-Length
    ContentLength,
    /// Transfer-Encoding
    TransferEncoding,
    /// Connection
    Connection,
    /// Expect
    Expect,
}

impl Known {
    /// Identifies a field by its name, ignoring case.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        let (known, is_it) = match name.len() {
            4 => (Self::Host, is(name, b"host")),
            6 => (Self::Expect, is(name, b"expect")),
            10 => (Self::Connection, is(name, b"connection")),
            14 => (Self::ContentLength, is(name, b"content-length")),
            17 => (Self::TransferEncoding, is(name, b"transfer-encoding")),
            _ => return Self::Other,
        };
        if is_it { known } else { Self::Other }
    }
}

/// Compares a token, ignoring case. The bit for lower case is also set in a hyphen; the only byte that it would confuse with
/// a hyphen is a CR, which occurs in no token.
#[inline]
fn is<const LEN: usize>(name: &[u8], text: &[u8; LEN]) -> bool {
    let Some((name, [])) = name.split_first_chunk::<LEN>() else { return false };
    name.iter().zip(text).fold(0, |differences, (a, b)| differences | ((a | 0x20) ^ b)) == 0
}

/// The result of [`read`] at the start of a line.
pub(super) enum FieldLine {
    /// A valid field line, and the offset of the next line.
    Field(Field, usize),
    /// The empty line that ends the section, and the offset after it.
    End(usize),
}

/// Reads a valid line in one pass.
///
/// `None` means that the line is incomplete, or that [`parse`] must decide what is wrong with it.
#[inline]
pub(super) fn read(buf: &[u8], start: usize) -> Option<FieldLine> {
    let line = buf.get(start..)?;
    if let [b'\r' | b'\n', ..] = line {
        return line_end(line).map(|len| FieldLine::End(start + len));
    }
    // Every request has this field.
    let is_host = line.starts_with(b"Host:");
    let name = if is_host { b"Host".len() } else { grammar::token_len(line) };
    let (&after_name, rest) = line.get(name..)?.split_first()?;
    if after_name != b':' || name == 0 {
        return None;
    }
    let mut value_at = start + name + 1;
    let mut rest = rest;
    while let [b' ' | b'\t', tail @ ..] = rest {
        value_at += 1;
        rest = tail;
    }
    let (text, rest) = rest.split_at_checked(grammar::field_text_len(rest))?;
    let next = value_at + text.len() + line_end(rest)?;
    let mut value = text;
    while let [head @ .., b' ' | b'\t'] = value {
        value = head;
    }
    let field = Field {
        name: Span::new(start, start + name),
        value: Span::new(value_at, value_at + value.len()),
        known: if is_host { Known::Host } else { Known::of(line.get(..name)?) },
    };
    Some(FieldLine::Field(field, next))
}

/// Parses the line in `buf` from `start` to `end`. It excludes the line end, and is not empty.
///
/// # Errors
/// The fault in the line.
pub(super) fn parse(buf: &[u8], start: usize, end: usize) -> Result<Field, Fault> {
    let line = Span::new(start, end).of(buf);
    let name = grammar::token_len(line);
    let (name_bytes, rest) = line.split_at_checked(name).unwrap_or_default();
    let value = match rest {
        [b':', value @ ..] if name > 0 => value,
        _ => return Err(name_fault(name, rest)),
    };
    match value.iter().find(|&&byte| !grammar::is_field_text(byte)) {
        Some(b'\r') => return Err(Fault::BareCr),
        Some(_) => return Err(Fault::BadFieldValue),
        None => {}
    }
    let leading = value.iter().take_while(|&&byte| grammar::is_blank(byte)).count();
    let value_at = start + name + 1 + leading;
    let value = grammar::trim_blanks(value);
    Ok(Field {
        name: Span::new(start, start + name),
        value: Span::new(value_at, value_at + value.len()),
        known: Known::of(name_bytes),
    })
}

/// The fault of a line in which `rest`, instead of a colon, follows `name` token bytes.
fn name_fault(name: usize, rest: &[u8]) -> Fault {
    match (name, rest) {
        // RFC 9112 section 5.2: unfolding would be legal, too, but a proxy in front may have read two fields.
        (0, [b' ' | b'\t', ..]) => Fault::ObsFold,
        (_, [b' ' | b'\t', ..]) if grammar::trim_blanks(rest).starts_with(b":") => Fault::BlankBeforeColon,
        (_, [b'\r', ..]) => Fault::BareCr,
        (_, rest) if !rest.contains(&b':') => Fault::MissingColon,
        _ => Fault::BadFieldName,
    }
}
