//! What the reader accepts, and what it must refuse.

use super::*;
use crate::show;

fn get() -> Asked {
    Asked::new("GET", Version::Http11)
}

fn ask(method: &str) -> Asked {
    Asked::new(method, Version::Http11)
}

fn taken(bytes: &[u8], asked: &[Asked]) -> Vec<Response> {
    read(bytes, asked, End::Closed).unwrap_or_else(|offence| panic!("{offence:?} in {}", show(bytes)))
}

/// The violation in a response to GET.
fn refused(bytes: &[u8], asked: Asked) -> String {
    match read(bytes, &[asked], End::Closed) {
        Err(offence) => offence.what,
        Ok(responses) => panic!("taken: {} as {responses:?}", show(bytes)),
    }
}

#[test]
fn good_streams() {
    let two =
        b"HTTP/1.1 200 OK\r\nX: a b\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n";
    let responses = taken(two, &[get(), get()]);
    assert_eq!((responses[0].status(), &*responses[0].body, responses[0].is_last), (200, &b"hi"[..], false));
    assert_eq!((responses[1].status(), responses[1].body.len(), responses[1].is_last), (404, 0, false));

    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n";
    let response = &taken(chunked, &[get()])[0];
    assert_eq!(
        (&*response.body, response.framing, response.whole),
        (&b"0123456789x"[..], Framing::Chunked(2), Whole::Complete)
    );

    let trailers = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n";
    let response = &taken(trailers, &[get()])[0];
    assert_eq!((&*response.body, &*response.trailers), (&b"hi"[..], &[("X".to_owned(), b"y".to_vec())][..]));

    let interim = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let response = &taken(interim, &[get()])[0];
    assert_eq!((response.interim.len(), response.status(), response.framing), (1, 204, Framing::Nothing));

    let closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall the rest\r\n";
    let response = &taken(closing, &[get()])[0];
    assert_eq!((&*response.body, response.is_last), (&b"all the rest\r\n"[..], true));

    let old = Asked::new("GET", Version::Http10);
    assert!(taken(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", std::slice::from_ref(&old))[0].is_last);
    let kept = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n";
    assert!(!taken(kept, std::slice::from_ref(&old))[0].is_last);

    let head =
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(taken(head, &[ask("HEAD"), get()]).len(), 2);

    let tunnel = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\nraw";
    assert_eq!(
        (&*taken(tunnel, &[get()])[0].body, taken(tunnel, &[get()])[0].framing),
        (&b"raw"[..], Framing::Tunnel)
    );
    assert_eq!(taken(b"HTTP/1.1 200 OK\r\n\r\nraw", &[ask("CONNECT")])[0].framing, Framing::Tunnel);

    let bare = Asked::new("GET", Version::Http09);
    assert_eq!(taken(b"bare\n", &[get(), bare.clone()][1..])[0].body, b"bare\n");
    assert_eq!(taken(b"", &[bare]).len(), 1, "an empty response");
    assert_eq!(taken(b"", &[get()]).len(), 0);
}

#[test]
fn what_is_cut_off_is_seen() {
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let trailers = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n";
    for bytes in [&whole[..], &chunked[..], &trailers[..]] {
        assert_eq!(taken(bytes, &[get()])[0].whole, Whole::Complete);
        for end in 1..bytes.len() {
            let response = &taken(&bytes[..end], &[get()])[0];
            assert_ne!(response.whole, Whole::Complete, "{}", show(&bytes[..end]));
        }
    }
    assert_eq!(taken(&whole[..whole.len() - 1], &[get()])[0].whole, Whole::LacksBytes(1));
    let until_close = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi";
    assert_eq!(read(until_close, &[get()], End::Reset).unwrap()[0].whole, Whole::WasReset);
    assert_eq!(
        read(b"hi", &[Asked::new("GET", Version::Http09)], End::Reset).unwrap()[0].whole,
        Whole::WasReset
    );
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    assert_eq!(taken(interim, &[get()])[0].whole, Whole::LacksHead);
}

#[test]
fn status_lines_that_are_none() {
    for line in [
        "HTTP/1.1  200 OK",
        "HTTP/1.1 200",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 020 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.2 200 OK",
        "HTTP/2 200 OK",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 \x7f",
        "",
        "hello",
    ] {
        assert_eq!(
            refused(format!("{line}\r\nContent-Length: 0\r\n\r\n").as_bytes(), get()),
            "a malformed status line"
        );
    }
}

#[test]
fn fields_that_are_none() {
    for (line, what) in [
        ("X", "a field without a colon"),
        ("X : a", "a field name that is no token"),
        (" X: a", "a field name that is no token"),
        ("\tfolded: x", "a field name that is no token"),
        (": a", "a field name that is no token"),
        ("X\u{e4}: a", "a field name that is no token"),
        ("X:a", "no blank behind the colon"),
        ("X: a\0b", "a control character in a field"),
        ("X: \x1b[31m", "a control character in a field"),
        ("X: a\rb", "a bare CR"),
        ("X: a\nY: b", "a bare LF"),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(refused(bytes.as_bytes(), get()), what, "{line:?}");
    }
    assert_eq!(refused(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", get()), "a bare LF");
}

#[test]
fn framing_that_is_none() {
    let old = || Asked::new("GET", Version::Http10);
    for (head, asked, what) in [
        (
            "200 OK\r\nContent-Length: 0\r\nContent-Length: 0",
            get(),
            "more than one field that frames the body",
        ),
        (
            "200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked",
            get(),
            "more than one field that frames the body",
        ),
        ("200 OK\r\nContent-Length: 00", get(), "a length that is no number"),
        ("200 OK\r\nContent-Length: +0", get(), "a length that is no number"),
        ("200 OK\r\nContent-Length: ", get(), "a length that is no number"),
        ("200 OK\r\nContent-Length: 99999999999999999999", get(), "a length that is no number"),
        ("200 OK\r\nTransfer-Encoding: gzip", get(), "a transfer coding other than `chunked`"),
        ("200 OK\r\nTransfer-Encoding: chunked", old(), "chunks for a peer that may not know them"),
        ("204 X\r\nContent-Length: 0", get(), "a framed 204"),
        ("304 X\r\nTransfer-Encoding: chunked", get(), "a chunked 304"),
        ("205 X\r\nContent-Length: 1", get(), "a 205 with a body"),
        ("205 X\r\nTransfer-Encoding: chunked", get(), "a 205 with a body"),
        ("103 X\r\nContent-Length: 0", get(), "a framed 1xx response"),
        ("103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0", old(), "a 1xx response in HTTP/1.0"),
        ("101 X", old(), "a 1xx response in HTTP/1.0"),
        ("101 X\r\nTransfer-Encoding: chunked", get(), "a framed 1xx response"),
        ("200 X\r\nContent-Length: 0", ask("CONNECT"), "a framed tunnel"),
        ("200 OK", get(), "a body until the end without `close`"),
        (
            "200 OK\r\nConnection: close, close\r\nContent-Length: 0",
            get(),
            "`close` or `keep-alive` twice, or both",
        ),
        (
            "200 OK\r\nConnection: close\r\nConnection: Keep-Alive\r\nContent-Length: 0",
            get(),
            "`close` or `keep-alive` twice, or both",
        ),
        ("200 OK\r\nConnection: \r\nContent-Length: 0", get(), "an empty element in Connection"),
        ("200 OK\r\nConnection: x,,y\r\nContent-Length: 0", get(), "an empty element in Connection"),
    ] {
        assert_eq!(refused(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), asked), what, "{head:?}");
    }
    assert_eq!(
        refused(b"HTTP/1.0 103 X\r\n\r\nHTTP/1.0 200 OK\r\n\r\n", get()),
        "a 1xx response in HTTP/1.0"
    );
    assert_eq!(refused(b"HTTP/1.1 205 X\r\nConnection: close\r\n\r\nx", get()), "a 205 with a body");
}

#[test]
fn chunks_that_are_none() {
    for (chunks, what) in [
        ("02\r\nhi\r\n0\r\n\r\n", "a malformed chunk size"),
        ("2;x=y\r\nhi\r\n0\r\n\r\n", "a malformed chunk size"),
        ("2 \r\nhi\r\n0\r\n\r\n", "a malformed chunk size"),
        ("0x2\r\nhi\r\n0\r\n\r\n", "a malformed chunk size"),
        ("+2\r\nhi\r\n0\r\n\r\n", "a malformed chunk size"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "a malformed chunk size"),
        ("\r\nhi\r\n0\r\n\r\n", "a malformed chunk size"),
        ("2\nhi\r\n0\r\n\r\n", "a bare LF"),
        ("2\r\nhi\n0\r\n\r\n", "no line end behind a chunk"),
        ("2\r\nhello\r\n0\r\n\r\n", "no line end behind a chunk"),
        ("2\r\nhi0\r\n\r\n", "no line end behind a chunk"),
        ("0\r\nX\r\n\r\n", "a field without a colon"),
        ("0\r\nX:y\r\n\r\n", "no blank behind the colon"),
        ("0\r\nSet-Cookie: a=b\r\n\r\n", "the field Set-Cookie behind the body"),
        ("0\r\n\r\nmore", "bytes behind the last response"),
        ("00\r\n\r\n", "a malformed chunk size"),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(refused(bytes.as_bytes(), get()), what, "{chunks:?}");
    }
}

#[test]
fn more_than_was_asked_for() {
    let good = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(refused([good, good].concat().as_bytes(), get()), "bytes behind the last response");
    assert_eq!(refused(head.as_bytes(), ask("HEAD")), "bytes behind the last response");
    assert_eq!(refused(format!("{good}\r\n").as_bytes(), get()), "bytes behind the last response");
    let offence = read([last, good].concat().as_bytes(), &[get(), get()], End::Closed).unwrap_err();
    assert_eq!((&*offence.what, offence.at), ("bytes after the last response", last.len()));
}

#[test]
fn server_and_date() {
    let check = |fields: &str| {
        let bytes = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        taken(bytes.as_bytes(), &[get()])[0].head.as_ref().unwrap().check_server_and_date().is_ok()
    };
    let with_date = |date: &str| check(&format!("Server: x\r\nDate: {date}\r\n"));
    for good in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Tue, 29 Feb 2000 23:59:60 GMT",
        "Thu, 29 Feb 2024 12:00:00 GMT",
        "Sun, 22 Nov 2026 05:50:05 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        assert!(with_date(good), "{good}");
    }
    for bad in [
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 12:00:00 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "",
    ] {
        assert!(!with_date(bad), "{bad}");
    }
    assert!(!check("Server: x\r\n"));
    assert!(!check("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert!(!check("Server: x\r\nServer: x\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert!(!check(&"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".repeat(2)));
}
