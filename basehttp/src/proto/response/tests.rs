//! One response at a time, bytes compared whole.

use super::*;
use crate::proto::status::HTTPStatus;

mod steps;

const GET: RequestTraits =
    RequestTraits { version: Version::Http11, head: false, connect: false, close: false };
const HEAD: RequestTraits = RequestTraits { head: true, ..GET };
const OLD: RequestTraits = RequestTraits { version: Version::Http10, ..GET };
const OLDEST: RequestTraits = RequestTraits { version: Version::Http09, close: true, ..GET };
const HOLD: usize = 16;

/// A response to a request that may be kept open, with its head open.
fn begun(traits: RequestTraits, status: u16) -> Response {
    let mut response = Response::new(HOLD);
    response.begin(traits, traits.version != Version::Http11);
    response.status_line(Version::Http11, HTTPStatus::new(status), "Phrase");
    response
}

fn ended(traits: RequestTraits, status: u16, fields: &[(&str, &str)]) -> Response {
    let mut response = begun(traits, status);
    for (name, value) in fields {
        response.field(name, value);
    }
    assert_eq!(response.end_head(), Ok(Ended::Final));
    response
}

fn finished(mut response: Response) -> String {
    response.finish().unwrap();
    text(&response)
}

fn text(response: &Response) -> String {
    String::from_utf8(response.ready().to_vec()).unwrap()
}

#[test]
fn a_length_is_added_when_the_whole_body_is_known() {
    let mut response = ended(GET, 200, &[("A", "b")]);
    assert_eq!(response.write(b"hello"), Ok(5));
    assert_eq!(text(&response), "");
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nA: b\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(finished(ended(GET, 200, &[])), "HTTP/1.1 200 Phrase\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn a_body_that_outgrows_the_buffer_is_sent_in_chunks() {
    let mut response = ended(GET, 200, &[]);
    response.write(b"0123456789").unwrap();
    assert!(!response.is_committed());
    response.write(b"0123456789").unwrap();
    assert!(response.is_committed());
    response.write(b"x").unwrap();
    let all =
        "HTTP/1.1 200 Phrase\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n01234567890123456789x\r\n0\r\n\r\n";
    assert_eq!(finished(response), all);
}

#[test]
fn a_flush_commits_and_ends_a_chunk() {
    let mut response = ended(GET, 200, &[]);
    response.flush();
    response.write(b"ab").unwrap();
    assert_eq!(text(&response), "HTTP/1.1 200 Phrase\r\nTransfer-Encoding: chunked\r\n\r\n");
    response.sent(response.ready().len());
    response.flush();
    response.flush();
    assert_eq!(text(&response), "2\r\nab\r\n");
    response.write(b"c").unwrap();
    assert_eq!(finished(response), "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
}

#[test]
fn an_old_client_reads_to_the_end_of_the_connection() {
    let mut response = ended(OLD, 200, &[("Transfer-Encoding", "chunked"), ("Connection", "keep-alive")]);
    response.flush();
    assert!(response.close() && response.ends_with_connection());
    response.write(b"ab").unwrap();
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nConnection: close\r\n\r\nab");
    let mut response = ended(OLD, 200, &[("Connection", "keep-alive")]);
    response.write(b"ab").unwrap();
    let all = "HTTP/1.1 200 Phrase\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab";
    assert_eq!(finished(response), all);
}

#[test]
fn the_oldest_client_gets_the_body_alone() {
    let mut response = ended(OLDEST, 200, &[("A", "b")]);
    response.write(b"ab").unwrap();
    assert!(response.close());
    assert_eq!(finished(response), "ab");
}

#[test]
fn a_declared_length_is_kept() {
    let mut response = ended(GET, 200, &[("content-length", "3")]);
    assert_eq!(response.write(b"abcd"), Ok(3));
    assert_eq!(response.write(b"d"), Err(Misuse::TooMuchBody));
    assert_eq!(response.write(b""), Ok(0));
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nContent-Length: 3\r\n\r\nabc");

    let mut response = ended(GET, 200, &[("Content-Length", "3")]);
    response.write(b"ab").unwrap();
    assert_eq!(response.finish(), Err(Misuse::TooLittleBody(1)));
    assert!(response.is_committed() && !response.is_complete());
}

#[test]
fn head_gets_the_head_that_get_would_have() {
    let mut response = ended(HEAD, 200, &[]);
    response.write(b"hello").unwrap();
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nContent-Length: 5\r\n\r\n");
    let mut response = ended(HEAD, 200, &[("Content-Length", "40")]);
    for _ in 0..2 {
        response.write(&[0; 20]).unwrap();
    }
    assert_eq!(response.write(b"x"), Err(Misuse::TooMuchBody));
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nContent-Length: 40\r\n\r\n");
    // A handler that writes nothing does not reveal the length that GET would have.
    assert_eq!(finished(ended(HEAD, 200, &[])), "HTTP/1.1 200 Phrase\r\n\r\n");
}

#[test]
fn head_ends_a_stream() {
    let mut response = ended(HEAD, 200, &[]);
    response.flush();
    assert_eq!(response.write(b"x"), Err(Misuse::BodyForHead));
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\n\r\n");
    let mut response = ended(HEAD, 200, &[]);
    response.write(&[0; HOLD + 1]).unwrap();
    assert_eq!(response.write(b"x"), Err(Misuse::BodyForHead));
    assert_eq!(response.begin_direct(99), Err(Misuse::BodyForHead));
}

#[test]
fn some_statuses_have_no_body() {
    for (status, head) in [
        (204, "HTTP/1.1 204 Phrase\r\n\r\n"),
        (304, "HTTP/1.1 304 Phrase\r\nContent-Length: 0\r\n\r\n"),
        (205, "HTTP/1.1 205 Phrase\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let mut response = ended(GET, status, &[("Content-Length", "0")]);
        assert_eq!(response.write(b"x"), Err(Misuse::BodyForStatus(status)));
        assert_eq!(finished(response), head);
    }
    assert_eq!(finished(ended(GET, 304, &[])), "HTTP/1.1 304 Phrase\r\n\r\n");
    let closing = ended(GET, 205, &[("Connection", "close")]);
    assert_eq!(finished(closing), "HTTP/1.1 205 Phrase\r\nConnection: close\r\n\r\n");
}

#[test]
fn an_interim_response_goes_out_before_the_final_one() {
    let mut response = begun(GET, 103);
    response.field("Link", "</a>");
    assert_eq!(response.end_head(), Ok(Ended::Interim(103)));
    assert_eq!(text(&response), "HTTP/1.1 103 Phrase\r\nLink: </a>\r\n\r\n");
    response.sent(response.ready().len());
    assert_eq!(response.finish(), Err(Misuse::NoReply));
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    assert_eq!(finished(response), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    let mut response = begun(OLD, 103);
    assert_eq!(response.end_head(), Ok(Ended::Interim(103)));
    assert_eq!(text(&response), "");
}

#[test]
fn an_interim_response_can_be_the_last() {
    let mut response = begun(GET, 102);
    response.field("Connection", "close");
    response.end_head().unwrap();
    assert_eq!(finished(response), "HTTP/1.1 102 Phrase\r\nConnection: close\r\n\r\n");
}

#[test]
fn a_tunnel_has_no_framing() {
    let mut response = ended(RequestTraits { connect: true, ..GET }, 200, &[("Content-Length", "3")]);
    response.write(b"abc").unwrap();
    assert!(response.is_tunnel());
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\n\r\nabc");

    let mut response = ended(GET, 101, &[("Connection", "keep-alive, Upgrade"), ("Upgrade", "x")]);
    response.write(b"abc").unwrap();
    assert!(response.is_tunnel());
    let head = "HTTP/1.1 101 Phrase\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    response.finish().unwrap();
    assert!(response.close());
    assert_eq!(text(&response), format!("{head}abc"));
}

#[test]
fn there_is_no_response_without_a_request() {
    let mut response = Response::new(HOLD);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    assert_eq!(response.end_head(), Err(Misuse::NoRequest));
    assert_eq!(response.write(b"x"), Err(Misuse::NoRequest));
    response.begin(GET, false);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    response.finish().unwrap();
    response.end();
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    assert_eq!(response.end_head(), Err(Misuse::NoRequest));
    assert_eq!(text(&response), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn nothing_of_a_head_with_a_mistake_goes_out() {
    let long = "ж".to_owned();
    let cases: [(&str, &str, Misuse); 9] = [
        ("A", "b\r\nC: d", Misuse::FieldValue("A".into(), '\r')),
        ("A", "b\0", Misuse::FieldValue("A".into(), '\0')),
        ("A", &long, Misuse::FieldValue("A".into(), 'ж')),
        ("A b", "c", Misuse::FieldName("A b".into())),
        ("", "c", Misuse::FieldName(String::new())),
        ("Content-Length", "+1", Misuse::ContentLength("+1".into())),
        ("Content-Length", "", Misuse::ContentLength(String::new())),
        ("Transfer-Encoding", "gzip", Misuse::TransferEncoding("gzip".into())),
        ("Content-Length", "18446744073709551616", Misuse::ContentLength("18446744073709551616".into())),
    ];
    for (name, value, misuse) in cases {
        let mut response = begun(GET, 200);
        response.field(name, value);
        response.field("B", "fine");
        assert_eq!(response.end_head(), Err(misuse.clone()), "{name}: {value}");
        assert_eq!(response.gathered(), 0);
        assert_eq!(response.finish(), Err(misuse));
        response.status_line(Version::Http11, HTTPStatus::OK, "OK");
        assert_eq!(response.end_head(), Ok(Ended::Final));
        assert_eq!(finished(response), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}

#[test]
fn what_must_not_come_twice_or_late() {
    let mut response = begun(GET, 200);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    assert_eq!(response.end_head(), Err(Misuse::SecondStatusLine));

    for second in [("Content-Length", "1"), ("Transfer-Encoding", "chunked")] {
        let mut response = begun(GET, 200);
        response.field("Content-Length", "1");
        response.field(second.0, second.1);
        assert_eq!(response.end_head(), Err(Misuse::TwoFramings));
    }

    let mut response = ended(GET, 200, &[]);
    response.field("A", "late");
    assert_eq!(response.misuse(), Some(&Misuse::HeadAfterHead));
    assert_eq!(response.finish(), Err(Misuse::HeadAfterHead));

    // Too late for an error page: the response stays as it is.
    let mut response = ended(GET, 200, &[]);
    response.flush();
    response.field("A", "late");
    assert_eq!(response.finish(), Ok(()));
    assert_eq!(response.misuse(), Some(&Misuse::HeadAfterHead));
}

#[test]
fn what_must_not_be_missing() {
    let mut response = Response::new(HOLD);
    response.begin(GET, false);
    assert_eq!(response.write(b"x"), Err(Misuse::BodyBeforeHead));
    assert_eq!(response.finish(), Err(Misuse::NoReply));
    response.field("A", "b");
    assert_eq!(response.end_head(), Err(Misuse::NoStatusLine));
    let mut response = begun(GET, 200);
    assert_eq!(response.write(b"x"), Err(Misuse::BodyBeforeHead));
    assert_eq!(response.finish(), Err(Misuse::OpenHead));
    let mut response = begun(GET, 99);
    assert_eq!(response.end_head(), Err(Misuse::StatusCode(99)));
}

#[test]
fn heads_are_latin1() {
    let mut response = begun(GET, 200);
    response.field("X", "Dängerous\tMind");
    response.end_head().unwrap();
    response.finish().unwrap();
    assert!(response.ready().windows(9).any(|window| window == b"D\xe4ngerous"));
}

#[test]
fn responses_gather_one_behind_the_other() {
    let mut response = ended(GET, 200, &[]);
    response.write(b"one").unwrap();
    response.finish().unwrap();
    let first = response.ready().len();
    response.begin(GET, false);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    response.write(b"two").unwrap();
    assert_eq!(response.ready().len(), first);
    response.sent(10);
    response.abandon();
    assert_eq!(response.ready().len(), first - 10);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    let all = finished(response);
    assert!(all.ends_with("\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "{all}");
}

#[test]
fn a_direct_write_is_framed_around() {
    let mut response = ended(GET, 200, &[]);
    response.write(b"ab").unwrap();
    assert_eq!(response.begin_direct(20), Ok((20, true)));
    assert!(text(&response).ends_with("\r\n\r\n2\r\nab\r\n14\r\n"));
    response.sent(response.ready().len());
    response.end_direct();
    assert_eq!(finished(response), "\r\n0\r\n\r\n");

    let mut response = ended(GET, 200, &[("Content-Length", "20")]);
    assert_eq!(response.begin_direct(30), Ok((20, true)));
    response.end_direct();
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nContent-Length: 20\r\n\r\n");
}

#[test]
fn the_client_has_the_last_word_on_closing() {
    let mut response = ended(RequestTraits { close: true, ..GET }, 200, &[("Connection", "keep-alive")]);
    assert!(response.close());
    response.set_close(false);
    assert!(response.close());
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut response = ended(GET, 200, &[("Connection", "Upgrade, close"), ("Upgrade", "x")]);
    response.finish().unwrap();
    assert!(response.close());
}

#[test]
fn a_connection_whose_end_an_interim_response_announced_cannot_be_kept_open() {
    for traits in [GET, OLD, OLDEST] {
        let mut response = begun(traits, 103);
        response.field("Connection", "close");
        assert_eq!(response.end_head(), Ok(Ended::Interim(103)));
        response.set_close(false);
        assert_eq!(response.finish(), Ok(()));
        assert!(response.close(), "the next response would be taken for this one");
    }
}

#[test]
fn a_handler_that_speaks_http_1_0_sends_no_interim_response() {
    let mut response = Response::new(HOLD);
    response.begin(GET, true);
    response.status_line(Version::Http10, HTTPStatus::EARLY_HINTS, "");
    response.field("Link", "x");
    assert_eq!(response.end_head(), Ok(Ended::Interim(103)));
    response.status_line(Version::Http10, HTTPStatus::OK, "");
    response.end_head().unwrap();
    assert_eq!(finished(response), "HTTP/1.0 200 \r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn a_response_of_http_1_0_says_that_the_connection_stays_open() {
    let mut response = Response::new(HOLD);
    response.begin(GET, true);
    response.status_line(Version::Http10, HTTPStatus::OK, "");
    response.end_head().unwrap();
    response.set_close(false);
    let all = "HTTP/1.0 200 \r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(finished(response), all, "without it, the client takes the connection for closed");
}

#[test]
fn a_connection_field_has_no_empty_elements() {
    for (value, line) in [("", ""), (" , ,", ""), (",x,,y ,", "Connection: x, y\r\n"), ("keep-alive,", "")] {
        let response = ended(GET, 200, &[("Connection", value)]);
        let keep = if value.starts_with('k') { "Connection: keep-alive\r\n" } else { "" };
        assert_eq!(
            finished(response),
            format!("HTTP/1.1 200 Phrase\r\n{line}Content-Length: 0\r\n{keep}\r\n")
        );
    }
}

#[test]
fn a_message_that_no_status_line_holds_is_a_mistake_in_http_0_9_too() {
    let mut response = Response::new(HOLD);
    response.begin(OLDEST, true);
    response.status_line(Version::Http11, HTTPStatus::OK, "a\r\nb");
    assert_eq!(response.end_head(), Err(Misuse::Reason('\r')));
    assert_eq!(text(&response), "");
}

#[test]
fn http_1_0_does_not_know_101() {
    for traits in [OLD, OLDEST] {
        let mut response = begun(traits, 101);
        assert_eq!(response.end_head(), Err(Misuse::SwitchingInHttp10));
        assert!(!response.is_tunnel());
    }
    let mut response = Response::new(HOLD);
    response.begin(GET, true);
    response.status_line(Version::Http10, HTTPStatus::SWITCHING_PROTOCOLS, "");
    assert_eq!(response.end_head(), Err(Misuse::SwitchingInHttp10));
    assert_eq!(response.finish(), Err(Misuse::SwitchingInHttp10));
}

#[test]
fn a_file_has_its_place_between_the_bytes_around_it() {
    let length = [("Content-Length", "10")];
    let mut response = ended(GET, 200, &length);
    response.write(b"ab").unwrap();
    assert_eq!(response.begin_file(5), Ok(true));
    let place = response.gathered();
    assert_eq!(response.ready().len(), place, "all before it can go");
    response.end_direct();
    response.write(b"xyz").unwrap();
    assert_eq!(response.begin_file(1), Err(Misuse::TooMuchBody));
    response.finish().unwrap();
    assert_eq!(text(&response).split_off(place), "xyz");
    assert!(text(&response).ends_with("Content-Length: 10\r\n\r\nabxyz"));

    let mut response = ended(GET, 200, &[]);
    response.write(b"ab").unwrap();
    assert_eq!((response.begin_file(0), response.begin_file(0x1_0000_0000_0000)), (Ok(false), Ok(true)));
    let place = response.gathered();
    response.end_direct();
    response.write(b"xyz").unwrap();
    let all = finished(response);
    assert!(all[..place].ends_with("\r\n\r\n2\r\nab\r\n1000000000000\r\n"), "{all}");
    assert_eq!(&all[place..], "\r\n3\r\nxyz\r\n0\r\n\r\n");
}

#[test]
fn a_file_is_all_that_may_come_or_nothing() {
    let mut response = ended(GET, 200, &[("Content-Length", "4")]);
    assert_eq!(response.begin_file(5), Err(Misuse::TooMuchBody));
    assert!(!response.is_committed());
    assert_eq!(response.begin_file(4), Ok(true));
    response.finish().unwrap();

    let mut response = ended(HEAD, 200, &[("Content-Length", "4")]);
    assert_eq!(response.begin_file(4), Ok(false));
    assert!(finished(response).ends_with("Content-Length: 4\r\n\r\n"));

    assert_eq!(ended(GET, 204, &[]).begin_file(4), Err(Misuse::BodyForStatus(204)));
    assert_eq!(begun(GET, 200).begin_file(4), Err(Misuse::BodyBeforeHead));

    let mut response = ended(OLDEST, 200, &[]);
    assert_eq!((response.begin_file(4), response.gathered()), (Ok(true), 0));
}

/// What goes out of a response with the body `hi` and a trailer field.
fn with_trailer(traits: RequestTraits, fields: &[(&str, &str)]) -> (Result<(), Misuse>, String) {
    let mut response = ended(traits, 200, fields);
    response.write(b"hi").unwrap();
    let added = response.trailer("X", "y");
    (added, finished(response))
}

#[test]
fn a_held_body_with_a_trailer_field_is_chunked() {
    let head = "HTTP/1.1 200 Phrase\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n";
    let all = format!("{head}2\r\nhi\r\n0\r\nX: y\r\n\r\n");
    assert_eq!(with_trailer(GET, &[]), (Ok(()), all.clone()));
    assert_eq!(with_trailer(GET, &[("Transfer-Encoding", "chunked")]), (Ok(()), all.clone()));
    assert_eq!(with_trailer(GET, &[("Trailer", "X")]), (Ok(()), all), "announced once");

    let mut response = ended(GET, 200, &[]);
    response.trailer("X", "y").unwrap();
    assert!(response.has_news() && !response.is_committed());
    assert_eq!(finished(response), format!("{head}0\r\nX: y\r\n\r\n"), "no body at all");
}

#[test]
fn trailer_fields_are_announced_with_each_name_once() {
    let mut response = ended(GET, 200, &[]);
    for (name, value) in [("X", "1: 2"), ("Server-Timing", "db"), ("x", ""), ("Y", "Gr\u{f6}\u{df}e\t")] {
        response.trailer(name, value).unwrap();
    }
    response.flush();
    response.trailer("Z", "late").unwrap();
    response.finish().unwrap();
    let head =
        "HTTP/1.1 200 Phrase\r\nTrailer: X, Server-Timing, Y\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let all =
        [head.as_bytes(), b"X: 1: 2\r\nServer-Timing: db\r\nx: \r\nY: Gr\xf6\xdfe\t\r\nZ: late\r\n\r\n"];
    assert_eq!(response.ready(), all.concat());
}

#[test]
fn a_trailer_field_waits_for_the_end_of_the_body() {
    let mut response = ended(GET, 200, &[("Trailer", "X")]);
    response.flush();
    response.sent(response.ready().len());
    response.trailer("X", "y").unwrap();
    response.write(b"ab").unwrap();
    response.flush();
    response.begin_direct(99).unwrap();
    response.sent(response.ready().len());
    response.end_direct();
    assert_eq!(finished(response), "\r\n0\r\nX: y\r\n\r\n");
}

#[test]
fn an_announced_trailer_field_makes_chunks_without_one() {
    let announced = |traits, fields: &[(&str, &str)]| {
        let mut response = ended(traits, 200, fields);
        response.write(b"hi").unwrap();
        finished(response)
    };
    let head = "HTTP/1.1 200 Phrase\r\nTrailer: X\r\n";
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(announced(GET, &[("Trailer", "X")]), format!("{chunked}2\r\nhi\r\n0\r\n\r\n"));
    assert_eq!(announced(HEAD, &[("Trailer", "X")]), chunked);
    let old = format!("{head}Content-Length: 2\r\nConnection: close\r\n\r\nhi");
    assert_eq!(announced(OLD, &[("Connection", "close"), ("Trailer", "X")]), old);
    // Trailer fields are optional: a declared length is still allowed.
    let counted = format!("{head}Content-Length: 2\r\n\r\nhi");
    for fields in [[("Trailer", "X"), ("Content-Length", "2")], [("Content-Length", "2"), ("trailer", "X")]] {
        assert_eq!(announced(GET, &fields).to_lowercase(), counted.to_lowercase());
    }
}

#[test]
fn who_can_get_no_trailer_field_gets_the_rest() {
    let head = "HTTP/1.1 200 Phrase\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(with_trailer(HEAD, &[]), (Ok(()), head.to_owned()), "the head that GET would have");
    let old = "HTTP/1.1 200 Phrase\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    assert_eq!(with_trailer(OLD, &[("Connection", "close")]), (Ok(()), old.to_owned()));
    assert_eq!(with_trailer(OLDEST, &[]), (Ok(()), "hi".to_owned()));
    // Also after the head.
    for (traits, body) in [(HEAD, ""), (OLD, "hi"), (OLDEST, "hi")] {
        let mut response = ended(traits, 200, &[]);
        response.write(b"hi").unwrap();
        response.flush();
        assert_eq!(response.trailer("X", "y"), Ok(()));
        let all = finished(response);
        assert!(all.ends_with(&format!("\r\n\r\n{body}")) || all == body, "{all}");
    }
    // The next response on the connection has none of them.
    let mut response = ended(HEAD, 200, &[]);
    response.trailer("X", "y").unwrap();
    response.finish().unwrap();
    response.sent(response.ready().len());
    response.begin(GET, false);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.field("Transfer-Encoding", "chunked");
    response.end_head().unwrap();
    assert_eq!(finished(response), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

#[test]
fn responses_that_have_no_trailer_fields() {
    let connect = RequestTraits { connect: true, ..GET };
    let ends = [("Content-Length", "2")];
    for (mut response, misuse) in [
        (Response::new(HOLD), Misuse::NoRequest),
        (begun(GET, 200), Misuse::TrailerBeforeHead),
        (begun(GET, 103), Misuse::TrailerBeforeHead),
        (ended(GET, 200, &ends), Misuse::TrailerWithLength),
        (ended(HEAD, 200, &ends), Misuse::TrailerWithLength),
        (ended(OLD, 200, &ends), Misuse::TrailerWithLength),
        (ended(GET, 204, &[]), Misuse::TrailerForStatus(204)),
        (ended(GET, 205, &[]), Misuse::TrailerForStatus(205)),
        (ended(HEAD, 304, &[]), Misuse::TrailerForStatus(304)),
        (ended(GET, 101, &[]), Misuse::TrailerForStatus(101)),
        (ended(connect, 200, &[]), Misuse::TrailerForStatus(200)),
    ] {
        assert_eq!(response.trailer("X", "y"), Err(misuse.clone()));
        assert_eq!(response.rejected(), Some(&misuse), "for a handler that does not look");
        response.flush();
        assert_eq!(response.trailer("X", "y"), Err(misuse));
        assert!(!text(&response).contains("X: y") && !text(&response).contains("chunked"));
    }

    let mut response = begun(GET, 103);
    response.end_head().unwrap();
    assert_eq!(response.trailer("X", "y"), Err(Misuse::TrailerBeforeHead), "an interim one has none");

    let mut response = Response::new(HOLD);
    response.begin(GET, true);
    response.status_line(Version::Http10, HTTPStatus::OK, "");
    response.end_head().unwrap();
    assert_eq!(response.trailer("X", "y"), Err(Misuse::TrailerInHttp10));

    for chunked in [false, true] {
        let mut response = ended(GET, 200, &[]);
        if chunked {
            response.flush();
        }
        response.finish().unwrap();
        assert_eq!(response.trailer("X", "y"), Err(Misuse::TrailerAfterEnd));
    }
}

#[test]
fn fields_that_are_no_trailer_fields() {
    let mut response = ended(GET, 200, &[]);
    for name in [
        "Transfer-Encoding",
        "content-length",
        "Host",
        "Connection",
        "TE",
        "Trailer",
        "Content-Type",
        "Content-Encoding",
        "Content-Range",
        "Set-Cookie",
        "WWW-Authenticate",
        "Cache-Control",
        "Date",
        "LOCATION",
        "Vary",
    ] {
        assert_eq!(response.trailer(name, "x"), Err(Misuse::TrailerName(name.to_owned())));
    }
    for (name, value, misuse) in [
        ("X", "a\r\nY: b", Misuse::FieldValue("X".to_owned(), '\r')),
        ("X", "\u{100}", Misuse::FieldValue("X".to_owned(), '\u{100}')),
        ("X Y", "a", Misuse::FieldName("X Y".to_owned())),
        ("", "a", Misuse::FieldName(String::new())),
    ] {
        assert_eq!(response.trailer(name, value), Err(misuse));
    }
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nContent-Length: 0\r\n\r\n", "as if not tried");
}

#[test]
fn the_trailer_section_is_bounded() {
    const MOST: usize = 16 * 1024;
    let line = |len: usize| "\u{e4}".repeat(len - b"X: \r\n".len());
    let mut response = ended(GET, 200, &[]);
    assert_eq!(response.trailer("X", &line(MOST + 1)), Err(Misuse::TrailersTooLarge));
    assert_eq!(response.trailer("X", &line(MOST * 100)), Err(Misuse::TrailersTooLarge));
    assert_eq!(response.trailer("X", &line(MOST - 6)), Ok(()));
    assert_eq!(response.trailer("Y", "12"), Err(Misuse::TrailersTooLarge));
    assert_eq!(response.trailer("Y", "1"), Ok(()));
    response.finish().unwrap();
    assert!(response.ready().ends_with(b"\xe4\r\nY: 1\r\n\r\n"));
    assert_eq!(response.trailers.capacity(), 0);
}

#[test]
fn a_response_that_is_taken_back_leaves_no_trailer_field() {
    let mut response = ended(GET, 200, &[]);
    response.trailer("X", "y").unwrap();
    response.abandon();
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    response.write(b"hi").unwrap();
    let all = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(finished(response), all);

    // A complete response, followed by another one, which is dropped.
    let mut response = ended(GET, 200, &[("Content-Length", "2")]);
    response.write(b"hi").unwrap();
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    assert_eq!(response.trailer("X", "y"), Err(Misuse::HeadAfterHead));
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nContent-Length: 2\r\n\r\nhi");
}

#[test]
fn each_trailer_field_is_of_its_own_response() {
    let mut response = ended(GET, 200, &[]);
    response.trailer("X", "1").unwrap();
    response.finish().unwrap();
    let first = response.ready().len();
    response.begin(GET, false);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    response.trailer("Y", "2").unwrap();
    let second = finished(response).split_off(first);
    assert_eq!(
        second,
        "HTTP/1.1 200 OK\r\nTrailer: Y\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nY: 2\r\n\r\n"
    );
}

#[test]
fn nothing_of_a_connection_is_left_for_the_next_one() {
    let mut response = ended(GET, 200, &[("Content-Length", "2")]);
    response.write(b"hi").unwrap();
    // A second response is dropped, with everything that follows.
    response.status_line(Version::Http11, HTTPStatus::CREATED, "Created");
    assert!(response.is_closed());
    response.finish().unwrap();
    response.sent(response.gathered());
    assert!(response.is_at_rest());
    response.begin_connection(1000);
    assert!(!response.is_closed() && response.close());
    assert_eq!(response.write(b"x"), Err(Misuse::NoRequest));
}
