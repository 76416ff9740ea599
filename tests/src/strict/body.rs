//! The body of a response (RFC 9112 sections 6 and 7).

use super::{End, Framing, Input, Offence, Response, Whole, head};

/// Reads the body of a response whose framing is known.
pub(super) fn read(input: &mut Input<'_>, response: &mut Response, end: End) -> Result<(), Offence> {
    match response.framing {
        Framing::Nothing => {}
        Framing::Length(length) => {
            response.body = input.take(usize::try_from(length).unwrap_or(usize::MAX)).to_vec();
            let missing = length - response.body.len() as u64;
            if missing > 0 {
                response.whole = Whole::LacksBytes(missing);
            }
        }
        Framing::Chunked(_) => chunks(input, response)?,
        Framing::UntilClose | Framing::Tunnel => {
            response.body = input.take(usize::MAX).to_vec();
            if end == End::Reset {
                response.whole = Whole::WasReset;
            }
            if response.framing == Framing::UntilClose
                && response.status() == 205
                && !response.body.is_empty()
            {
                return input.offence("a 205 with a body");
            }
        }
    }
    Ok(())
}

fn chunks(input: &mut Input<'_>, response: &mut Response) -> Result<(), Offence> {
    let mut count = 0;
    response.whole = Whole::LacksChunks;
    loop {
        let start = input.at;
        let Some(line) = input.line()? else { break };
        let Some(size) = hexadecimal(line) else {
            return Err(Offence { at: start, what: "a malformed chunk size".to_owned() });
        };
        if size == 0 {
            if let Some(trailers) = head::fields(input)? {
                if let Some((name, _)) = trailers.iter().find(|field| comes_too_late(&field.0)) {
                    return input.offence(&format!("the field {name} behind the body"));
                }
                response.trailers = trailers;
                response.whole = Whole::Complete;
            }
            break;
        }
        let data = input.take(size);
        response.body.extend_from_slice(data);
        match input.take(2) {
            b"\r\n" => count += 1,
            [] | b"\r" => break,
            _ => return input.offence("no line end behind a chunk"),
        }
    }
    response.framing = Framing::Chunked(count);
    Ok(())
}

/// Some of the fields that must not be trailer fields (RFC 9110 section 6.5.1).
fn comes_too_late(name: &str) -> bool {
    let names =
        ["content-length", "transfer-encoding", "connection", "trailer", "content-type", "set-cookie"];
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// `1*DIGIT` without leading zeros.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    let is_plain = text == b"0" || !text.starts_with(b"0");
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if is_plain && is_number { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// `1*HEXDIG` in small letters, without leading zeros.
fn hexadecimal(text: &[u8]) -> Option<usize> {
    let is_plain = text == b"0" || !text.starts_with(b"0");
    let is_number = !text.is_empty() && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_plain && is_number { usize::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok() } else { None }
}
