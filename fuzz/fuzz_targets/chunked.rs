//! The decoder of chunked bodies.
//!
//! 1. Whole, byte by byte and in pieces, it gives the same data, the same end, or the same fault.
//! 2. It agrees with a simple reader that shares nothing with it, also on where the body ends.
//! 3. The output is never longer than the input.
//! 4. Decoded data, encoded again, decodes to the same data, and the rest begins where the last chunk ends.
#![no_main]

use basehttp::__private::proto::chunked::{CHUNK_END, ChunkStep, ChunkedDecoder, LAST_CHUNK, chunk_header};
use basehttp::__private::proto::fault::Fault;
use basehttp::__private::proto::limits::Limits;
use basehttp_fuzz::pieces;
use basehttp_fuzz::requests::{self, Body, Framing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| check(input));

#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    data: Vec<u8>,
    /// Where the body ends; None if it does not.
    end: Result<Option<usize>, Fault>,
    trailers: Vec<u8>,
    /// How many fields the trailers have.
    fields: usize,
}

fn check(input: &[u8]) {
    let whole = decode(&[input]);
    assert_eq!(whole, decode(&pieces::single(input)), "byte by byte");
    assert_eq!(whole, decode(&pieces::cut(input)), "in pieces");
    assert!(whole.data.len() + whole.trailers.len() <= input.len());
    match requests::body(input, 0, Framing::Chunked) {
        Body::Whole(data, end) => assert_eq!((&data, Ok(Some(end))), (&whole.data, whole.end)),
        Body::Broken(data) => {
            assert!(data == whole.data && !matches!(whole.end, Ok(Some(_))), "{whole:?}, but {data:?}");
        }
    }
    again(&whole.data, input);
}

fn decode(pieces: &[&[u8]]) -> Decoded {
    let mut decoder = ChunkedDecoder::new(Limits::default());
    let mut data = Vec::new();
    let (mut buffer, mut consumed) = (Vec::new(), 0);
    let end = 'end: {
        for piece in pieces {
            buffer.extend_from_slice(piece);
            loop {
                match decoder.step(&buffer[consumed..]) {
                    Ok(ChunkStep::NeedMore { consumed: all }) => {
                        consumed += all;
                        assert_eq!(consumed, buffer.len(), "all of the input was framing");
                        break;
                    }
                    Ok(ChunkStep::Data { skip, len }) => {
                        assert!(len > 0);
                        data.extend_from_slice(&buffer[consumed + skip..consumed + skip + len]);
                        consumed += skip + len;
                    }
                    Ok(ChunkStep::End { consumed: last }) => break 'end Ok(Some(consumed + last)),
                    Err(fault) => {
                        assert_eq!(decoder.step(b"0\r\n\r\n"), Err(fault), "a fault is final");
                        break 'end Err(fault);
                    }
                }
            }
        }
        Ok(None)
    };
    let (bytes, fields) = decoder.trailers();
    Decoded { data, end, trailers: bytes.to_vec(), fields: fields.len() }
}

fn again(data: &[u8], rest: &[u8]) {
    let mut encoded = Vec::new();
    for piece in pieces::cut(data) {
        chunk_header(piece.len() as u64, &mut encoded);
        encoded.extend_from_slice(piece);
        encoded.extend_from_slice(CHUNK_END);
    }
    encoded.extend_from_slice(LAST_CHUNK);
    let len = encoded.len();
    encoded.extend_from_slice(rest);
    let decoded = decode(&[&encoded]);
    assert_eq!((&*decoded.data, decoded.end), (data, Ok(Some(len))));
}
