//! A second reader of the same bytes: httparse, which was written by others and is widely used.

use basehttp_tests::strict::{Framing, Head, Response, Version, Whole};

/// Parses the output with httparse, following the responses that the strict reader has found.
///
/// # Errors
/// Where the two differ.
pub(crate) fn agrees(output: &[u8], responses: &[Response]) -> Result<(), String> {
    let mut rest = output;
    for response in responses {
        for head in response.interim.iter().chain(&response.head) {
            let len = read_head(rest, head)?;
            rest = rest.get(len..).ok_or("a head beyond the end")?;
        }
        let len = match response.framing {
            Framing::Chunked(_) => chunks_len(rest, response)?,
            // If the head is truncated, that is all.
            _ if response.whole == Whole::LacksHead => rest.len(),
            _ => response.body.len(),
        };
        rest = rest.get(len..).ok_or("a body beyond the end")?;
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("{} bytes are left", rest.len())) }
}

/// The length of the head, if it reads the same.
fn read_head(bytes: &[u8], head: &Head) -> Result<usize, String> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut found = httparse::Response::new(&mut fields);
    let parsed = found.parse(bytes).map_err(|error| format!("httparse: {error}"))?;
    let httparse::Status::Complete(len) = parsed else {
        return Err("httparse: not all of a head".to_owned());
    };
    let version = u8::from(head.version == Version::Http11);
    if found.version != Some(version) || found.code != Some(head.status) {
        return Err(format!("httparse: {found:?}, not {head:?}"));
    }
    // It returns no reason that is not ASCII.
    if head.reason.is_ascii() && found.reason.map(str::as_bytes) != Some(&*head.reason) {
        return Err(format!("httparse: reason {:?}, not {:?}", found.reason, head.reason));
    }
    if found.headers.len() != head.fields.len() || !found.headers.iter().zip(&head.fields).all(same) {
        return Err(format!("httparse: {:?}, not {:?}", found.headers, head.fields));
    }
    Ok(len)
}

/// The length of a chunked body, if its data is the same.
fn chunks_len(bytes: &[u8], response: &Response) -> Result<usize, String> {
    let (mut at, mut data) = (0, Vec::new());
    loop {
        let parsed = httparse::parse_chunk_size(&bytes[at..]).map_err(|_| "httparse: no chunk size")?;
        let (httparse::Status::Complete((skip, size)), true) = (parsed, response.whole == Whole::Complete)
        else {
            return Ok(bytes.len());
        };
        let size = usize::try_from(size).map_err(|error| error.to_string())?;
        let chunk = bytes.get(at + skip..at + skip + size).ok_or("httparse: a chunk beyond the end")?;
        data.extend_from_slice(chunk);
        if size == 0 {
            at += skip;
            break;
        }
        at += skip + size + 2;
    }
    at += trailers_len(&bytes[at..], response)?;
    if data == response.body { Ok(at) } else { Err("httparse: another body".to_owned()) }
}

/// The length of the trailer section, if it says the same.
fn trailers_len(bytes: &[u8], response: &Response) -> Result<usize, String> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let parsed = httparse::parse_headers(bytes, &mut fields).map_err(|error| format!("httparse: {error}"))?;
    let httparse::Status::Complete((len, found)) = parsed else {
        return Err("httparse: not all of the trailer section".to_owned());
    };
    if found.len() == response.trailers.len() && found.iter().zip(&response.trailers).all(same) {
        Ok(len)
    } else {
        Err(format!("httparse: {found:?}, not {:?}", response.trailers))
    }
}

fn same((a, b): (&httparse::Header<'_>, &(String, Vec<u8>))) -> bool {
    a.name == b.0 && a.value.trim_ascii() == b.1.trim_ascii()
}
