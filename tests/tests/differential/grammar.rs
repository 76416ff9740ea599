//! Inputs that are mostly valid, and then damaged at a position or two.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Bytes that have confused parsers.
const NASTY: &[&[u8]] = &[
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\x01",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x7f",
    b"\x80",
    b"\x85",
    b"\xa0",
    b"\xff",
    b"\xc3\xa4",
    b":",
    b",",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"/",
    b"_",
    b"+",
    b"-",
    b"0",
    b"x",
    b"(",
    b"@",
    b"{",
];

fn one_of(texts: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    select(texts).prop_map(<[u8]>::to_vec)
}

/// The first nearly always, otherwise one of the others.
fn mostly(
    right: impl Strategy<Value = Vec<u8>> + 'static,
    wrong: &'static [&'static [u8]],
) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![30 => right, 1 => one_of(wrong)]
}

fn token() -> impl Strategy<Value = Vec<u8>> {
    vec(select(&b"abcXYZ019!#$%&'*+-.^_`|~"[..]), 1..12)
}

fn line_end() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        100 => Just(b"\r\n".to_vec()),
        6 => Just(b"\n".to_vec()),
        1 => one_of(&[b"\r", b"\r\r\n", b"\n\r", b"", b"\r\n ", b"\r\n\t", b"\x85", b"\x0b"]),
    ]
}

fn method() -> impl Strategy<Value = Vec<u8>> {
    let usual = prop_oneof![
        8 => one_of(&[b"GET", b"POST", b"HEAD"]),
        1 => one_of(&[b"PUT", b"OPTIONS", b"CONNECT", b"get", b"GETX", b"G"]),
        1 => token(),
    ];
    mostly(usual, &[b"", b"G(T", b"GET\t", b" GET", b"\x00", b"G\xc4T", b"GET,", b"GET\x0b"])
}

fn target() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![30 => select(&b"abz019/?&=%.-_~|\"<>{}\\^`#@:"[..]), 1 => 0x80_u8..];
    let path = vec(byte, 0..12).prop_map(|rest| [b"/", &*rest].concat());
    let usual = prop_oneof![
        8 => path,
        1 => one_of(&[b"*", b"http://a/", b"a:80", b"//b/c", b"x", b"/\xc3\xa4", b"///"]),
    ];
    mostly(usual, &[b"", b"/a b", b"/\x00", b"/\x7f", b"/\t", b" /", b"/ "])
}

fn version() -> impl Strategy<Value = Vec<u8>> {
    let usual = prop_oneof![12 => Just(b"HTTP/1.1".to_vec()), 4 => Just(b"HTTP/1.0".to_vec())];
    mostly(
        usual,
        &[
            b"",
            b"HTTP/0.9",
            b"HTTP/1.2",
            b"HTTP/1.9",
            b"HTTP/2.0",
            b"HTTP/3.0",
            b"HTTP/1.10",
            b"HTTP/01.1",
            b"http/1.1",
            b"HTTP/1",
            b"HTTP/1.",
            b"HTTP/1.1 ",
            b"HTTP/1.1\t",
            b"HTTP/1.x",
            b"HTTP/+1.1",
            b"HTTP/1_1.0",
            b"FUBAR",
            b"HTTP/1.1 x",
        ],
    )
}

fn request_line() -> impl Strategy<Value = Vec<u8>> {
    let blank = || mostly(Just(b" ".to_vec()), &[b"  ", b"\t", b"", b"\x0b", b"\xa0", b"\x1c"]);
    let whole = (method(), blank(), target(), blank(), version());
    let whole = whole.prop_map(|(a, b, c, d, e)| [a, b, c, d, e].concat());
    let simple = (method(), target()).prop_map(|(method, target)| [&*method, b" ", &*target].concat());
    prop_oneof![30 => whole, 1 => simple]
}

fn field_name() -> impl Strategy<Value = Vec<u8>> {
    let usual = prop_oneof![
        3 => token(),
        3 => one_of(&[b"Host", b"Accept", b"Connection", b"Content-Length", b"Transfer-Encoding", b"Expect", b"X"]),
        1 => one_of(&[b"host", b"CONTENT-LENGTH", b"content_length", b"transfer-encoding", b"Cookie", b"Trailer"]),
    ];
    mostly(usual, &[b"", b"X ", b"X\t", b" X", b"\tX", b"X(", b"X\x00", b"X Y", b"\xe4", b"X\r", b"X\x0b"])
}

fn field_value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        30 => select(&b"abcXYZ019 ,;=\"/:()\t"[..]),
        2 => 0x80_u8..,
    ];
    let usual = prop_oneof![
        4 => vec(byte, 0..16),
        2 => one_of(&[b"a", b"a:80", b"close", b"keep-alive", b"0", b"5", b"chunked", b"100-continue", b"x, y"]),
    ];
    mostly(
        usual,
        &[b"a\x00", b"a\rb", b"a\x7f", b"\x0b5", b"a\x1cb", b"a\r", b"\x85", b"a\nb", b"a\r\n b", b"a\x0c"],
    )
}

fn field_line() -> impl Strategy<Value = Vec<u8>> {
    let colon = mostly(one_of(&[b": ", b":", b":\t", b":  "]), &[b"", b" :", b" : ", b"::", b":\r", b":\n"]);
    let after = prop_oneof![9 => Just(Vec::new()), 1 => one_of(&[b" ", b"\t", b" \t "])];
    let line = (field_name(), colon, field_value(), after, line_end());
    line.prop_map(|(a, b, c, d, e)| [a, b, c, d, e].concat())
}

/// The head of a request, with what may come around it.
pub(crate) fn head() -> impl Strategy<Value = Vec<u8>> {
    let before = prop_oneof![
        20 => Just(Vec::new()),
        1 => one_of(&[b"\r\n", b"\n", b"\r\n\n\r\n", b"\r", b"\n\n\n\n\n\n\n\n", b"\n\n\n\n\n\n\n\n\n"]),
    ];
    let host = prop_oneof![5 => Just(b"Host: a\r\n".to_vec()), 1 => Just(Vec::new())];
    let many = vec(Just(b"X: y\r\n".to_vec()), 95..105);
    let fields = prop_oneof![60 => vec(field_line(), 0..5), 1 => many];
    let end = prop_oneof![10 => Just(b"\r\n".to_vec()), 1 => one_of(&[b"\n", b"", b"\r", b" \r\n"])];
    let after = prop_oneof![3 => Just(Vec::new()), 1 => one_of(&[b"body", b"GET / HTTP/1.1\r\n\r\n"])];
    let parts = (before, request_line(), line_end(), host, fields, end, after);
    let head = parts.prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e.concat(), f, g].concat());
    damaged(head)
}

fn chunk_size() -> impl Strategy<Value = Vec<u8>> {
    let right = (0_usize..40).prop_map(|size| format!("{size:x}").into_bytes());
    let odd: &[&[u8]] = &[
        b"",
        b"0x5",
        b"+5",
        b"-1",
        b"5 ",
        b" 5",
        b"0",
        b"00",
        b"A",
        b"0000000000000005",
        b"00000000000000005",
        b"g",
        b"ffffffffffffffff",
        b"10000000000000000",
        b"5\x0b",
        b"5_0",
    ];
    prop_oneof![20 => right, 1 => one_of(odd)]
}

fn extension() -> impl Strategy<Value = Vec<u8>> {
    let some = one_of(&[
        b";a",
        b";a=b",
        b" ; a = b",
        b";a=\"b\"",
        b";a=\"\\\"\"",
        b";a;b=c",
        b"\t;a",
        b";",
        b";a=",
        b";=b",
        b";a=\"",
        b";\x00",
        b";a\n",
        b"; ",
        b" ",
        b";a b",
        b";a=b\"c\"",
        b";\xe4",
        b";a\r",
        b";a=\"\n\"",
        b",a",
        b";a, b",
    ]);
    prop_oneof![12 => Just(Vec::new()), 1 => some]
}

fn chunk() -> impl Strategy<Value = Vec<u8>> {
    let data = prop_oneof![
        10 => vec(any::<u8>(), 0..40),
        1 => one_of(&[b"hello", b"\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n"]),
    ];
    let fits = (data, extension(), line_end(), line_end()).prop_map(|(data, extension, first, second)| {
        let size = format!("{:x}", data.len()).into_bytes();
        [size, extension, first, data, second].concat()
    });
    let odd = (chunk_size(), extension(), line_end(), vec(any::<u8>(), 0..20), line_end());
    let odd = odd.prop_map(|(a, b, c, d, e)| [a, b, c, d, e].concat());
    prop_oneof![12 => fits, 1 => odd]
}

/// A chunked body, with what may follow it.
pub(crate) fn chunked() -> impl Strategy<Value = Vec<u8>> {
    let trailers =
        prop_oneof![4 => Just(Vec::new()), 1 => vec(field_line(), 0..3).prop_map(|lines| lines.concat())];
    let last = (mostly(Just(b"0".to_vec()), &[b"00", b"", b"0;a=b", b"0 ", b"-0"]), line_end());
    let parts = (vec(chunk(), 0..4), last, trailers, line_end(), any::<bool>());
    let body = parts.prop_map(|(chunks, (last, end), trailers, after, more)| {
        let next: &[u8] = if more { b"GET / HTTP/1.1\r\n" } else { b"" };
        [&*chunks.concat(), &*last, &*end, &*trailers, &*after, next].concat()
    });
    damaged(body)
}

/// The bytes unchanged, or with something inserted, removed, duplicated, or truncated.
fn damaged(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damage = (any::<Index>(), 0_u8..5, select(NASTY));
    let damages = prop_oneof![3 => vec(damage.clone(), 0..1), 1 => vec(damage, 1..3)];
    (bytes, damages).prop_map(|(mut bytes, damages)| {
        for (at, kind, nasty) in damages {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => drop(bytes.splice(at..at, nasty.iter().copied())),
                1 => drop(bytes.splice(at..=at, nasty.iter().copied())),
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, bytes[at]),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}
