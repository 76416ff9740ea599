//! Every row is decoded whole, byte by byte and split at every point: the answers are equal.

use proptest::prelude::*;

use super::*;

/// What a decoding has led to: the body, how many bytes it took, the trailer section; or the fault.
#[derive(Debug, Clone, PartialEq)]
struct Decoded {
    body: Vec<u8>,
    consumed: usize,
    trailers: Vec<(Vec<u8>, Vec<u8>)>,
    end: Result<Ended, Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ended {
    Complete,
    Unfinished,
}

/// Decodes `raw`, more of which arrives at each of `cuts`.
fn decode(raw: &[u8], limits: Limits, cuts: impl Iterator<Item = usize>) -> Decoded {
    let mut decoder = ChunkedDecoder::new(limits);
    let (mut body, mut consumed, mut end) = (Vec::new(), 0, Ok(Ended::Unfinished));
    'input: for cut in cuts.chain([raw.len()]) {
        // Each step takes some of the input, or says that there is none.
        for steps in 0.. {
            assert!(steps <= raw.len(), "the decoder does not move on");
            let input = &raw[consumed..cut];
            match decoder.step(input) {
                Ok(ChunkStep::NeedMore { consumed: len }) => {
                    assert_eq!(len, input.len(), "framing is never left lying");
                    consumed += len;
                    break;
                }
                Ok(ChunkStep::Data { skip, len }) => {
                    assert!(len > 0);
                    body.extend_from_slice(&input[skip..skip + len]);
                    consumed += skip + len;
                }
                Ok(ChunkStep::End { consumed: len }) => {
                    consumed += len;
                    assert_eq!(decoder.step(b"more"), Ok(ChunkStep::End { consumed: 0 }));
                    end = Ok(Ended::Complete);
                    break 'input;
                }
                Err(fault) => {
                    assert_eq!(decoder.step(b"0\r\n\r\n"), Err(fault), "a fault is final");
                    // How far it came before the fault depends on the pieces.
                    consumed = 0;
                    end = Err(fault);
                    break 'input;
                }
            }
        }
    }
    let (section, fields) = decoder.trailers();
    let trailers =
        fields.iter().map(|field| (field.name.of(section).to_vec(), field.value.of(section).to_vec()));
    Decoded { body, consumed, trailers: trailers.collect(), end }
}

fn decode_every_way(raw: &[u8], limits: Limits) -> Decoded {
    let whole = decode(raw, limits, [].into_iter());
    assert_eq!(decode(raw, limits, 0..raw.len()), whole, "byte by byte: {}", raw.escape_ascii());
    // Miri takes a thousand times as long.
    if raw.len() < if cfg!(miri) { 100 } else { 1000 } {
        for cut in 0..raw.len() {
            assert_eq!(decode(raw, limits, [cut].into_iter()), whole, "cut at {cut}: {}", raw.escape_ascii());
        }
    }
    whole
}

#[test]
fn bodies() {
    for (raw, body, rest) in [
        (&b"0\r\n\r\n"[..], &b""[..], 0),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello", 0),
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", b"hello world", 5),
        (b"A\r\n0123456789\r\n00a\r\n0123456789\r\n000\r\n\r\n", b"01234567890123456789", 0),
        (b"0000000000000001\r\nx\r\n0000000000000000\r\n\r\n", b"x", 0),
        (b"4\r\n\r\n0\r\r\n0\r\n\r\n", b"\r\n0\r", 0),
        (b"1;a\r\nx\r\n0;b\r\n\r\n", b"x", 0),
        (b"1;a=b;c=\"d;e\"\r\nx\r\n0\r\n\r\n", b"x", 0),
        (b"1 ;\ta = b ; c\t=\t\"d\" ;e\r\nx\r\n0\r\n\r\n", b"x", 0),
        (b"1;a=\"\\\"\\\\ \t\xff\"\r\nx\r\n0\r\n\r\n", b"x", 0),
        (b"1;a=\"\"\r\nx\r\n0\r\n\r\n", b"x", 0),
    ] {
        let decoded = decode_every_way(raw, Limits::default());
        assert_eq!(decoded.end, Ok(Ended::Complete), "{}", raw.escape_ascii());
        assert_eq!((&decoded.body[..], raw.len() - decoded.consumed), (body, rest));
        assert_eq!(decoded.trailers, []);
    }
}

#[test]
fn trailers() {
    let raw = b"1\r\nx\r\n0\r\nX-Sum: 12 \r\nETag:\"a\"\r\n\r\nrest";
    let decoded = decode_every_way(raw, Limits::default());
    assert_eq!(decoded.end, Ok(Ended::Complete));
    assert_eq!(decoded.consumed, raw.len() - 4);
    let expected = [("X-Sum", "12"), ("ETag", "\"a\"")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(decoded.trailers, expected);
}

#[test]
fn what_comes_too_late_to_say_anything_is_dropped_and_counts() {
    let raw = b"0\r\nContent-Type: a\r\nSET-COOKIE: b\r\nX: c\r\nTrailer: X\r\n\r\n";
    let decoded = decode_every_way(raw, Limits { fields: 4, ..Limits::default() });
    assert_eq!((decoded.end, decoded.consumed), (Ok(Ended::Complete), raw.len()));
    assert_eq!(decoded.trailers, [(b"X".to_vec(), b"c".to_vec())]);
    let limits = Limits { fields: 3, ..Limits::default() };
    assert_eq!(decode_every_way(raw, limits).end, Err(Fault::TrailersTooLarge));
}

#[test]
fn unfinished_bodies() {
    let whole = b"5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for len in 0..whole.len() {
        assert_eq!(decode_every_way(&whole[..len], Limits::default()).end, Ok(Ended::Unfinished));
    }
    assert_eq!(decode_every_way(b"ffffffffffffffff\r\nx", Limits::default()).body, b"x");
}

#[test]
fn faults() {
    for (raw, fault) in [
        (&b"\r\n"[..], Fault::BadChunkSize),
        (b"\n", Fault::BadChunkSize),
        (b"g\r\n", Fault::BadChunkSize),
        (b"+5\r\nhello", Fault::BadChunkSize),
        (b"-1\r\n", Fault::BadChunkSize),
        (b" 5\r\nhello", Fault::BadChunkSize),
        (b"\x0b5\r\nhello", Fault::BadChunkSize),
        (b"0x5\r\nhello", Fault::BadChunkSize),
        (b";a\r\n", Fault::BadChunkSize),
        (b"5\nhello", Fault::BadChunkSize),
        (b"5\rhello", Fault::BadChunkSize),
        (b"5\r\rhello", Fault::BadChunkSize),
        (b"5,\r\nhello", Fault::BadChunkSize),
        (b"5_0\r\nhello", Fault::BadChunkSize),
        (b"00000000000000005\r\nhello", Fault::BadChunkSize),
        (b"10000000000000000\r\nhello", Fault::BadChunkSize),
        (b"fffffffffffffffff\r\nhello", Fault::BadChunkSize),
        (b"5 \r\nhello", Fault::BadChunkExtension),
        (b"5 5\r\nhello", Fault::BadChunkExtension),
        (b"5 xa\r\nhello", Fault::BadChunkExtension),
        (b"5 \ra\r\nhello", Fault::BadChunkExtension),
        (b"5;\r\nhello", Fault::BadChunkExtension),
        (b"5;\nhello", Fault::BadChunkExtension),
        (b"5;a\nhello", Fault::BadChunkExtension),
        (b"5;a \r\nhello", Fault::BadChunkExtension),
        (b"5;a=\r\nhello", Fault::BadChunkExtension),
        (b"5;a=b=c\r\nhello", Fault::BadChunkExtension),
        (b"5;a b\r\nhello", Fault::BadChunkExtension),
        (b"5;a xb\r\nhello", Fault::BadChunkExtension),
        (b"5;a=;b\"\r\nhello", Fault::BadChunkExtension),
        (b"5;a==b\"\r\nhello", Fault::BadChunkExtension),
        (b"5;=b\r\nhello", Fault::BadChunkExtension),
        (b"5;;\r\nhello", Fault::BadChunkExtension),
        (b"5;a=\"b\r\nhello", Fault::BadChunkExtension),
        (b"5;a=\"b\"c\r\nhello", Fault::BadChunkExtension),
        (b"5;a=\"\x00\"\r\nhello", Fault::BadChunkExtension),
        (b"5;a=\"\\\n\"\r\nhello", Fault::BadChunkExtension),
        (b"5;a=b\"c\"\r\nhello", Fault::BadChunkExtension),
        (b"5;a\x00\r\nhello", Fault::BadChunkExtension),
        (b"5;\xe9\r\nhello", Fault::BadChunkExtension),
        (b"5;a\r\r\nhello", Fault::BadChunkSize),
        (b"5\r\nhelloX", Fault::BadChunkData),
        (b"5\r\nhello\n0\r\n\r\n", Fault::BadChunkData),
        (b"5\r\nhello\r0\r\n\r\n", Fault::BadChunkData),
        (b"5\r\nhello0\r\n\r\n", Fault::BadChunkData),
        (b"5\r\nhello\r\r\n", Fault::BadChunkData),
        (b"0\r\n\n", Fault::BadTrailer),
        (b"0\r\n\r\r\n", Fault::BadTrailer),
        (b"0\r\nA: b\n\r\n", Fault::BadTrailer),
        (b"0\r\nA\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nA : b\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nA: b\r\n c\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nA: \x00\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nContent-Length: 5\r\n\r\n", Fault::BadTrailer),
        (b"0\r\ntransfer-ENCODING: chunked\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nHost: a\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nTE: a\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nAuthorization: a\r\n\r\n", Fault::BadTrailer),
        (b"0\r\nContent-Type: a\r\nHost: a\r\n\r\n", Fault::BadTrailer),
    ] {
        assert_eq!(decode_every_way(raw, Limits::default()).end, Err(fault), "{}", raw.escape_ascii());
    }
}

#[test]
fn limits_to_the_byte() {
    let limits = Limits { chunk_line: 5, trailers: 20, fields: 2, ..Limits::default() };
    for (raw, end) in [
        (&b"1;abc\r\nx\r\n"[..], Ok(Ended::Unfinished)),
        (b"1;abcd\r\nx\r\n", Err(Fault::ChunkLineTooLong)),
        (b"1;abcd", Err(Fault::ChunkLineTooLong)),
        (b"1;a\r\nx\r\n1;a\r\nx\r\n1;a\r\nx\r\n0\r\n\r\n", Ok(Ended::Complete)),
        (b"0\r\nA: 456789012345678\r\n\r\n", Err(Fault::TrailersTooLarge)),
        (b"0\r\nA: 4567890123456\r\n\r\n", Ok(Ended::Complete)),
        (b"0\r\nA: 45678901234567\r\n\r\n", Err(Fault::TrailersTooLarge)),
        (b"0\r\nA: 456789012345678901", Err(Fault::TrailersTooLarge)),
        (b"0\r\nA:\r\nB:\r\n\r\n", Ok(Ended::Complete)),
        (b"0\r\nA:\r\nB:\r\nC:\r\n\r\n", Err(Fault::TrailersTooLarge)),
    ] {
        assert_eq!(decode_every_way(raw, limits).end, end, "{}", raw.escape_ascii());
    }
}

#[test]
fn extensions_must_be_worth_it() {
    let limits = Limits { chunk_line: 100, ..Limits::default() };
    let body = |chunk: &str, count| format!("{}0\r\n\r\n", chunk.repeat(count)).into_bytes();
    let long = "x".repeat(50);
    for (chunk, count, end) in [
        // 53 bytes of line, of which 18 are free.
        (format!("1;{long}\r\nx\r\n"), 2, Ok(Ended::Complete)),
        (format!("1;{long}\r\nx\r\n"), 3, Err(Fault::ChunkLineTooLong)),
        // 68 bytes of line, so that two of them are beyond what is free by exactly the limit.
        (format!("1;{}\r\nx\r\n", "x".repeat(66)), 2, Ok(Ended::Complete)),
        (format!("1;{}\r\nx\r\n", "x".repeat(66)), 3, Err(Fault::ChunkLineTooLong)),
        // 53 bytes of line, of which 54 would be free.
        (format!("13;{long}\r\n0123456789012345678\r\n"), 40, Ok(Ended::Complete)),
        ("1;12345678\r\nx\r\n".to_owned(), 60, Ok(Ended::Complete)),
    ] {
        assert_eq!(decode_every_way(&body(&chunk, count), limits).end, end, "{chunk}");
    }
}

#[test]
fn chunk_headers() {
    for (len, text) in [
        (0, ""),
        (1, "1\r\n"),
        (9, "9\r\n"),
        (10, "a\r\n"),
        (31, "1f\r\n"),
        (0x10, "10\r\n"),
        (0x00ab_cde0, "abcde0\r\n"),
    ] {
        let mut out = Vec::new();
        chunk_header(len, &mut out);
        assert_eq!(out, text.as_bytes());
    }
    let mut out = Vec::new();
    chunk_header(u64::MAX, &mut out);
    assert_eq!(out, format!("{:x}\r\n", u64::MAX).as_bytes());
}

fn framing_like() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        &b"0"[..],
        b"5",
        b"a",
        b"0\r\n",
        b"5\r\nhello\r\n",
        b"1\r\nx\r\n",
        b"\r\n",
        b"\r",
        b"\n",
        b";",
        b"=",
        b"\"",
        b"\\",
        b" ",
        b"ab",
        b"A: b\r\n",
        b"\x00",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        next in prop::collection::vec(any::<u8>(), 0..10),
    ) {
        let mut raw = Vec::new();
        for chunk in &chunks {
            chunk_header(chunk.len() as u64, &mut raw);
            raw.extend_from_slice(chunk);
            raw.extend_from_slice(CHUNK_END);
        }
        raw.extend_from_slice(LAST_CHUNK);
        let end = raw.len();
        raw.extend_from_slice(&next);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(raw.len())).collect();
        cuts.sort_unstable();
        let decoded = decode(&raw, Limits::default(), cuts.into_iter());
        prop_assert_eq!(decoded.end, Ok(Ended::Complete));
        prop_assert_eq!((decoded.body, decoded.consumed), (chunks.concat(), end));
    }

    #[test]
    fn feeding_makes_no_difference(raw in framing_like()) {
        decode_every_way(&raw, Limits::default());
    }
}
