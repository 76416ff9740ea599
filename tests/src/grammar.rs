//! The grammar that the judges share: what a message may consist of, by the letter of RFC 9110 and RFC 9112.

/// RFC 9110 section 5.6.2.
#[must_use]
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5).
#[must_use]
pub fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e | 0x80..)
}

/// The rest after spaces and tabs.
#[must_use]
pub fn after_blanks(text: &[u8]) -> &[u8] {
    let count = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[count..]
}

/// Without the spaces and tabs around it.
#[must_use]
pub fn trim_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// What follows the size of a chunk, up to the end of its line (RFC 9112 section 7.1.1):
/// `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`.
#[must_use]
pub fn are_chunk_extensions(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let name = after_blanks(text).strip_prefix(b";").map(after_blanks);
        let Some(after) = name.and_then(after_token) else { return false };
        text = after;
        if let Some(value) = after_blanks(text).strip_prefix(b"=").map(after_blanks) {
            let Some(after) = after_token(value).or_else(|| after_quoted(value)) else { return false };
            text = after;
        }
    }
    true
}

fn after_token(text: &[u8]) -> Option<&[u8]> {
    let count = text.iter().take_while(|byte| is_token(**byte)).count();
    (count > 0).then_some(&text[count..])
}

/// RFC 9110 section 5.6.4.
fn after_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', quoted, after @ ..] | [quoted, after @ ..] if is_text(*quoted) => after,
            _ => return None,
        };
    }
}
