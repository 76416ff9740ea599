//! Random programs, and random requests for them.

use basehttp_tests::strict::Version;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::program::{Act, Case, Finish, Program, Request, Upload};

/// One of them; shrinks to the first.
fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    select(values.to_vec())
}

fn text() -> impl Strategy<Value = String> {
    let usual = ["", "OK", "Lovely Spam", "<b>&amp;", "Gr\u{f6}\u{df}e \u{ff}\u{80}", " a\tb "];
    let broken =
        ["a\r\nX-Forged: yes", "a\nb", "a\rb", "\0", "\x1b[31m", "\x7f", "\u{100}", "\u{2603}", "\u{2028}"];
    prop_oneof![
        6 => one_of(&usual).prop_map(str::to_owned),
        1 => one_of(&broken).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ]
}

fn code() -> impl Strategy<Value = u16> {
    prop_oneof![
        12 => one_of(&[200, 204, 205, 304, 404, 206, 405, 501, 299, 999]),
        3 => one_of(&[100, 101, 102, 103, 199]),
        2 => 100..=999u16,
        1 => one_of(&[0, 99, 1000, u16::MAX]),
    ]
}

fn header() -> impl Strategy<Value = (String, String)> {
    let values = [
        (
            "Content-Length",
            &["0", "5", "100", "16384", "65536", "70000", " 7 ", "007", "18446744073709551615"][..],
        ),
        ("content-length", &["5", "", "+5", "5, 5", "0x5", "18446744073709551616", "5\r\nX-Forged: yes"]),
        ("Transfer-Encoding", &["chunked", " Chunked", "gzip, chunked", "identity", ""]),
        (
            "Connection",
            &["close", "keep-alive", "Keep-Alive, Upgrade", "Upgrade, close", "x", "", ",", "a\r\nb"],
        ),
        ("Date", &["Sun, 06 Nov 1994 08:49:37 GMT", "yesterday"]),
        ("Server", &["Another/1.0", ""]),
        ("Keep-Alive", &["timeout=5"]),
        ("Upgrade", &["x"]),
        ("Trailer", &["X-Late"]),
        ("Set-Cookie", &["a=b", "c=d"]),
        ("X Y", &["a"]),
        ("X-Bad:", &["a"]),
        ("X\r\nX-Forged", &["yes"]),
        ("", &["a"]),
        ("X-\u{e4}", &["a"]),
    ];
    let known = one_of(&values).prop_flat_map(|(name, values)| (Just(name), select(values.to_vec())));
    prop_oneof![
        4 => known.prop_map(|(name, value)| (name.to_owned(), value.to_owned())),
        3 => ("X-[A-Z]{1,3}", text()),
    ]
}

fn trailer() -> impl Strategy<Value = Act> {
    let name = prop_oneof![
        6 => one_of(&["Server-Timing", "X-Late", "x-late"]).prop_map(str::to_owned),
        2 => one_of(&["Content-Length", "content-type", "Trailer", "Date", "X Y", ""]).prop_map(str::to_owned),
        2 => "X-[A-Z]{1,3}",
    ];
    (name, text()).prop_map(|(name, value)| Act::Trailer(name, value))
}

/// Around the bounds of the buffers.
fn size() -> impl Strategy<Value = usize> {
    const BUFFER: usize = 64 * 1024;
    prop_oneof![
        6 => one_of(&[0, 1, 2, 5, 10, 100]),
        2 => one_of(&[16_383, 16_384, 16_385]),
        2 => one_of(&[BUFFER - 5, BUFFER - 1, BUFFER, BUFFER + 1]),
        1 => one_of(&[70_000, 200 * 1024]),
        1 => 0..2000usize,
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (code(), option::weighted(0.3, text())).prop_map(|(code, text)| Act::Respond(code, text)),
        2 => (code(), option::weighted(0.3, text())).prop_map(|(code, text)| Act::RespondOnly(code, text)),
        8 => header().prop_map(|(name, value)| Act::Header(name, value)),
        8 => Just(Act::EndHeaders),
        1 => Just(Act::FlushHeaders),
        2 => (code(), option::of(text()), option::of(text()))
            .prop_map(|(code, text, explain)| Act::Error(code, text, explain)),
        8 => size().prop_map(Act::Write),
        2 => size().prop_map(Act::WriteAll),
        2 => Just(Act::Flush),
        2 => trailer(),
        2 => one_of(&[0, 1, 10, 300, 9000]).prop_map(Act::Read),
        2 => Just(Act::ReadAll),
        1 => any::<bool>().prop_map(Act::Close),
    ]
}

/// Acts in any order, and those that make a response.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    let response = || {
        (code(), vec(header(), 0..3), vec(act(), 0..4)).prop_map(|(code, headers, body)| {
            let headers = headers.into_iter().map(|(name, value)| Act::Header(name, value));
            let begin = [Act::Respond(code, None)].into_iter().chain(headers).chain([Act::EndHeaders]);
            begin.chain(body).collect()
        })
    };
    let hints = vec(header(), 0..2).prop_map(|headers| {
        let headers = headers.into_iter().map(|(name, value)| Act::Header(name, value));
        [Act::RespondOnly(103, None)].into_iter().chain(headers).chain([Act::EndHeaders]).collect()
    });
    prop_oneof![
        3 => vec(act(), 0..8),
        3 => response(),
        5 => plain(),
        1 => (hints, response()).prop_map(|(hints, response): (Vec<Act>, Vec<Act>)| [hints, response].concat()),
    ]
}

/// A head without a mistake, and what may follow it.
fn plain() -> impl Strategy<Value = Vec<Act>> {
    let framing = prop_oneof![
        4 => Just(None),
        3 => one_of(&["0", "5", "100", "16384", "65536", "70000"])
            .prop_map(|length| Some(Act::Header("Content-Length".to_owned(), length.to_owned()))),
        1 => Just(Some(Act::Header("Transfer-Encoding".to_owned(), "chunked".to_owned()))),
    ];
    let behind = prop_oneof![
        4 => size().prop_map(Act::Write),
        2 => Just(Act::Flush),
        2 => trailer(),
        2 => one_of(&[1, 10, 300, 9000]).prop_map(Act::Read),
        2 => Just(Act::ReadAll),
        1 => any::<bool>().prop_map(Act::Close),
    ];
    (one_of(&[200, 204, 304, 404]), framing, vec(behind, 0..5)).prop_map(|(code, framing, body)| {
        let begin = [Act::Respond(code, None)].into_iter().chain(framing).chain([Act::EndHeaders]);
        begin.chain(body).collect()
    })
}

pub(crate) fn program() -> impl Strategy<Value = Program> {
    let finish = prop_oneof![
        8 => Just(Finish::Well),
        1 => Just(Finish::WithError),
        1 => Just(Finish::WithPanic),
    ];
    (acts(), any::<bool>(), finish).prop_map(|(acts, passes_on, finish)| Program { acts, passes_on, finish })
}

fn upload() -> impl Strategy<Value = Upload> {
    let size = || one_of(&[0, 1, 35, 300, 10_000, 64 * 1024, 64 * 1024 + 1, 256 * 1024, 256 * 1024 + 1]);
    prop_oneof![
        4 => Just(Upload::None),
        3 => size().prop_map(Upload::Length),
        2 => (size(), one_of(&[1000, 50_000])).prop_map(|(len, chunk)| Upload::Chunked(len, chunk)),
        // Each byte in a chunk of its own.
        1 => one_of(&[0, 1, 35]).prop_map(|len| Upload::Chunked(len, 1)),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let method = prop_oneof![
        5 => Just("GET"),
        4 => Just("POST"),
        3 => Just("HEAD"),
        1 => Just("SPAM"),
        1 => Just("CONNECT"),
    ];
    let version = prop_oneof![
        8 => Just(Version::Http11),
        3 => Just(Version::Http10),
        1 => Just(Version::Http09),
    ];
    let connection = prop_oneof![
        6 => Just(None),
        2 => Just(Some("keep-alive")),
        1 => Just(Some("close")),
        1 => Just(Some("upgrade")),
    ];
    (method, version, connection, upload(), prop::bool::weighted(0.15), program()).prop_map(
        |(method, version, connection, upload, expects, program)| {
            let has_head = version != Version::Http09;
            // An HTTP/1.0 client that sends chunks is refused.
            let upload = match (version, upload) {
                (Version::Http09, _) => Upload::None,
                (Version::Http10, Upload::Chunked(len, _)) => Upload::Length(len),
                (_, upload) => upload,
            };
            Request {
                method: if has_head { method } else { "GET" },
                version,
                connection: connection.filter(|_| has_head),
                upload,
                expects: expects && has_head && upload != Upload::None,
                program,
            }
        },
    )
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let speaks_1_1 = prop::bool::weighted(0.8);
    (speaks_1_1, vec(request(), 1..=4), one_of(&[1, 2, 3, 7]))
        .prop_map(|(speaks_1_1, requests, pieces)| Case { speaks_1_1, requests, pieces })
}
