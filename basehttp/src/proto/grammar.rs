//! Byte classes and number readers, each with its RFC section.
//!
//! std's parsers are not used on bytes from the wire: `"+5".parse::<u64>()` succeeds, and `str::trim` strips the vertical
//! tab. Both have been used to smuggle requests past another server.

use std::borrow::Cow;

/// RFC 9110 section 5.6.2: `token = 1*tchar`, where a `tchar` is any `VCHAR` except the delimiters `"(),/:;<=>?@[\]{}`.
pub(crate) const fn is_token(byte: u8) -> bool {
    has(byte, TOKEN)
}

/// The bytes allowed in a request target: visible ASCII and `obs-text`.
///
/// Looser than RFC 9112 section 3.2, which allows only URI characters: browsers send `|`, `"` and raw UTF-8 unencoded, and
/// Python accepts anything between the blanks. Never a control byte or a blank.
pub(crate) const fn is_target(byte: u8) -> bool {
    has(byte, TARGET)
}

/// RFC 9110 section 5.5: `field-vchar / SP / HTAB`, where `field-vchar = VCHAR / obs-text`.
///
/// The same bytes are allowed in a `quoted-pair`, RFC 9110 section 5.6.4.
pub(crate) const fn is_field_text(byte: u8) -> bool {
    has(byte, FIELD_TEXT)
}

/// RFC 3986 section 3.2.2: `unreserved / sub-delims`, the bytes of a `reg-name` besides `pct-encoded`.
pub(crate) const fn is_reg_name(byte: u8) -> bool {
    has(byte, REG_NAME)
}

/// RFC 9110 section 5.6.3: `OWS = *( SP / HTAB )`.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The place of the first `LF`, which ends a line.
pub(crate) fn line_feed(bytes: &[u8]) -> Option<usize> {
    // Compares sixteen bytes at a time: the compiler has an instruction for that.
    let (blocks, rest) = bytes.as_chunks::<16>();
    for (at, block) in blocks.iter().enumerate() {
        let found = u128::from_le_bytes(block.map(|byte| if byte == b'\n' { 0xff } else { 0 }));
        if found != 0 {
            return Some(at * 16 + found.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|byte| *byte == b'\n')?;
    Some(blocks.len() * 16 + at)
}

/// RFC 5234 appendix B.1: the value of a `DIGIT`.
pub(crate) const fn digit_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        _ => None,
    }
}

/// RFC 5234 appendix B.1: the value of a `HEXDIG`, in either case.
pub(crate) const fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// `1*DIGIT` as a number: no sign, no blank; `None` also if it does not fit.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    number(digits, 10, digit_value)
}

/// `1*HEXDIG` as a number; `None` also if it does not fit.
pub(crate) fn hexadecimal(digits: &[u8]) -> Option<u64> {
    number(digits, 16, hex_value)
}

fn number(digits: &[u8], base: u64, value: fn(u8) -> Option<u8>) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |number, &byte| number.checked_mul(base)?.checked_add(u64::from(value(byte)?)))
}

/// RFC 3986 section 2.1: decodes percent-encoded bytes. Invalid encodings are left alone.
pub(crate) fn percent_decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    decoded.extend(decoded_bytes(bytes, b'+'));
    Cow::Owned(decoded)
}

/// Decodes bytes one by one. `plus` replaces an unencoded plus sign: a blank in forms (WHATWG URL, section 5.1).
pub(crate) fn decoded_bytes(mut bytes: &[u8], plus: u8) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (byte, rest) = bytes.split_first()?;
        if let (b'%', [high, low, after @ ..]) = (byte, rest)
            && let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low))
        {
            bytes = after;
            return Some(high << 4 | low);
        }
        bytes = rest;
        Some(if *byte == b'+' { plus } else { *byte })
    })
}

/// Removes SP and HTAB at both ends; all other bytes stay.
pub(crate) fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// RFC 9110 section 5.6.1: the elements of a comma-separated list, without surrounding blanks.
///
/// Empty elements are returned, too: each field decides whether to ignore or refuse them. Quotes have no meaning here; in our
/// lists no legal element contains a comma.
pub(crate) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim_blanks)
}

/// RFC 9110 section 5.6.2: whether there are bytes, and all of them are `tchar`s.
#[inline]
pub(crate) fn is_token_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().fold(TOKEN, |classes, &byte| classes & classes_of(byte)) != 0
}

/// Whether all bytes are visible ASCII or spaces: the usual field value, which is the same in Latin-1 and UTF-8.
#[inline]
pub(crate) fn is_plain_text(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x80 * ONES;
    let (words, rest) = bytes.as_chunks();
    let mut stop = words.iter().fold(0, |stop, word| {
        let word = u64::from_le_bytes(*word);
        stop | word | marks::<0x20>(word)
    });
    if !rest.is_empty() {
        stop |= match bytes.last_chunk() {
            // Checks some bytes twice, which does no harm.
            Some(word) => {
                let word = u64::from_le_bytes(*word);
                word | marks::<0x20>(word)
            }
            None => {
                rest.iter().fold(0, |stop, &byte| stop | if matches!(byte, b' '..=b'~') { 0 } else { HIGH })
            }
        };
    }
    stop & HIGH == 0
}

/// How many bytes at the front are `tchar`s.
#[inline]
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    class_len::<TOKEN>(bytes)
}

/// How many bytes at the front are allowed in a `reg-name`, apart from percent signs.
#[inline]
pub(crate) fn reg_name_len(bytes: &[u8]) -> usize {
    class_len::<REG_NAME>(bytes)
}

/// How many bytes at the front belong to a class.
///
/// It reads eight bytes at a time only to avoid seven of eight checks for the end. For words this short, this is faster than
/// testing all eight at once as below: the processor predicts where a loop ends, but must wait for a length that is computed.
#[inline]
fn class_len<const CLASS: u8>(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((eight, tail)) = rest.split_first_chunk::<8>() {
        if let Some(at) = eight.iter().position(|&byte| !has(byte, CLASS)) {
            return bytes.len() - rest.len() + at;
        }
        rest = tail;
    }
    bytes.len() - rest.len() + run(rest, |byte| has(byte, CLASS))
}

/// How many bytes at the front are allowed in a request target.
#[inline]
pub(crate) fn target_len(bytes: &[u8]) -> usize {
    visible_len::<0x21>(bytes)
}

/// How many bytes at the front are allowed in a field value.
#[inline]
pub(crate) fn field_text_len(bytes: &[u8]) -> usize {
    let mut len = 0;
    loop {
        let rest = bytes.get(len..).unwrap_or_default();
        len += visible_len::<0x20>(rest);
        // A tab in a value is legal but rare: the search stops at every control byte.
        if bytes.get(len) != Some(&b'\t') {
            return len;
        }
        len += 1;
    }
}

/// How many bytes at the front are neither below `LOWEST` nor DEL.
///
/// Tests eight bytes at a time: values and targets make up most of a head.
#[inline]
fn visible_len<const LOWEST: u8>(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, tail)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        let stop = marks::<LOWEST>(word) & (0x80 * ONES);
        if stop != 0 {
            return bytes.len() - rest.len() + stop.trailing_zeros() as usize / 8;
        }
        rest = tail;
    }
    bytes.len() - rest.len() + run(rest, |byte| byte >= LOWEST && byte != 0x7f)
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// The high bits mark the first byte that is below `LOWEST` or DEL, if there is one. A borrow may also mark bytes after it,
/// never one before it.
#[inline]
const fn marks<const LOWEST: u8>(word: u64) -> u64 {
    let low = word.wrapping_sub(LOWEST as u64 * ONES) & !word;
    let del = word ^ (0x7f * ONES);
    low | (del.wrapping_sub(ONES) & !del)
}

#[inline]
fn run(bytes: &[u8], class: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !class(byte)).unwrap_or(bytes.len())
}

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const FIELD_TEXT: u8 = 4;
const REG_NAME: u8 = 8;

#[inline]
const fn has(byte: u8, class: u8) -> bool {
    classes_of(byte) & class != 0
}

#[inline]
const fn classes_of(byte: u8) -> u8 {
    #[expect(clippy::indexing_slicing, reason = "a u8 is always inside of 256 entries")]
    CLASSES[byte as usize]
}

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut of = 0;
        if byte.is_ascii_alphanumeric() {
            of |= TOKEN | REG_NAME;
        }
        if matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        ) {
            of |= TOKEN;
        }
        if matches!(byte, b'-' | b'.' | b'_' | b'~')
            || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
        {
            of |= REG_NAME;
        }
        if byte > 0x20 && byte != 0x7f {
            of |= TARGET | FIELD_TEXT;
        }
        if is_blank(byte) {
            of |= FIELD_TEXT;
        }
        #[expect(clippy::indexing_slicing, reason = "a u8 is always inside of 256 entries")]
        {
            classes[byte as usize] = of;
        }
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

#[cfg(test)]
mod tests;
