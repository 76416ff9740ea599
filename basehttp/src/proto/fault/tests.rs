use proptest::prelude::*;

use super::*;

const ALL: [Fault; 38] = [
    Fault::BadRequestLine,
    Fault::BadTarget,
    Fault::BadVersion,
    Fault::BadSimpleRequest,
    Fault::UnsupportedVersion,
    Fault::TargetTooLong,
    Fault::HeadTooLarge,
    Fault::TooManyFields,
    Fault::MissingColon,
    Fault::BadFieldName,
    Fault::BlankBeforeColon,
    Fault::ObsFold,
    Fault::BadFieldValue,
    Fault::BareCr,
    Fault::MissingHost,
    Fault::DuplicateHost,
    Fault::BadHost,
    Fault::BadContentLength,
    Fault::DuplicateContentLength,
    Fault::LengthWithTransferEncoding,
    Fault::TransferEncodingInHttp10,
    Fault::ChunkedNotLast,
    Fault::ChunkedTwice,
    Fault::BadTransferEncoding,
    Fault::UnknownTransferCoding,
    Fault::BadExpectation,
    Fault::BadChunkSize,
    Fault::BadChunkExtension,
    Fault::ChunkLineTooLong,
    Fault::BadChunkData,
    Fault::BadTrailer,
    Fault::TrailersTooLarge,
    Fault::IncompleteHead,
    Fault::IncompleteBody,
    Fault::PlainHttp,
    Fault::ForeignHost,
    Fault::CrossSite,
    Fault::CrossOrigin,
];

#[test]
fn codes_are_stable_words_and_differ() {
    for (index, fault) in ALL.iter().enumerate() {
        assert_eq!(*fault as usize, index, "the list above is complete");
        assert!(fault.code().bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')));
        assert!(ALL[..index].iter().all(|other| other.code() != fault.code()));
        assert_eq!(fault.to_string(), fault.message(""));
    }
}

#[test]
fn statuses() {
    let not_400: Vec<_> =
        ALL.iter().filter(|fault| fault.status() != 400).map(|f| (f.code(), f.status())).collect();
    assert_eq!(
        not_400,
        [
            ("unsupported-version", 505),
            ("target-too-long", 414),
            ("head-too-large", 431),
            ("too-many-fields", 431),
            ("unknown-transfer-coding", 501),
            ("bad-expectation", 417),
            ("foreign-host", 421),
            ("cross-site", 403),
            ("cross-origin", 403),
        ]
    );
}

/// As in CPython 3.11's `parse_request` and `repr()`, except the last two, which Python does not refuse.
#[test]
fn python_messages() {
    for (fault, line, message) in [
        (Fault::BadRequestLine, "GET", "Bad request syntax ('GET')"),
        (Fault::BadRequestLine, "GET /a b HTTP/1.1", "Bad request syntax ('GET /a b HTTP/1.1')"),
        (Fault::BadRequestLine, "it's", r#"Bad request syntax ("it's")"#),
        (Fault::BadRequestLine, r#"it's "it""#, r#"Bad request syntax ('it\'s "it"')"#),
        (Fault::BadRequestLine, "a\\b\t\r\n\0\x1b\x7f", r"Bad request syntax ('a\\b\t\r\n\x00\x1b\x7f')"),
        (
            Fault::BadRequestLine,
            "\u{80}\u{a0}\u{a1}\u{ad}\u{e4}\u{ff}",
            "Bad request syntax ('\\x80\\xa0\u{a1}\\xad\u{e4}\u{ff}')",
        ),
        (Fault::BadVersion, "GET / FUBAR", "Bad request version ('FUBAR')"),
        (Fault::BadSimpleRequest, "CUSTOM / ", "Bad HTTP/0.9 request type ('CUSTOM')"),
        (Fault::UnsupportedVersion, "GET / HTTP/9.9", "Invalid HTTP version (9.9)"),
        (Fault::TargetTooLong, "", "Request-URI Too Long"),
        (Fault::HeadTooLarge, "GET / HTTP/1.1", "Line too long"),
        (Fault::TooManyFields, "GET / HTTP/1.1", "Too many headers"),
        (Fault::BadTarget, "GET http:/x HTTP/1.1", "Bad request target ('http:/x')"),
        (Fault::DuplicateContentLength, "", "Content-Length given twice with different values"),
    ] {
        assert_eq!(fault.message(line), message);
    }
}

#[test]
fn a_long_line_is_cut() {
    let line = "x".repeat(101);
    assert_eq!(
        Fault::BadRequestLine.message(&line[..100]),
        format!("Bad request syntax ('{}')", &line[..100])
    );
    assert_eq!(Fault::BadRequestLine.message(&line), format!("Bad request syntax ('{}'...)", &line[..100]));
    assert!(Fault::BadRequestLine.message(&"\u{1}".repeat(65536)).len() < 450);
}

proptest! {
    /// It goes into a status line: it cannot end that line early, and has only Latin-1 characters.
    #[test]
    fn messages_are_reason_phrases(fault in prop::sample::select(&ALL[..]), line in any::<String>()) {
        let message = fault.message(&line);
        prop_assert!(message.chars().all(|c| matches!(c, ' '..='~' | '\u{a1}'..='\u{ff}')), "{message}");
        prop_assert!(message.chars().count() < 1100);
    }
}
