//! One response at a time, bytes compared whole.

use super::*;
use crate::proto::date::HttpDate;
use crate::proto::status::HTTPStatus;

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

    // An error page, followed by another response, which is dropped.
    let mut response = ended(GET, 200, &[("Content-Length", "2")]);
    response.write(b"hi").unwrap();
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    response.end_head().unwrap();
    assert_eq!(response.trailer("X", "y"), Ok(()));
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
    assert!(response.drops());
    response.finish().unwrap();
    response.sent(response.gathered());
    assert!(response.is_at_rest());
    response.begin_connection(1000);
    assert!(!response.drops() && response.close());
    assert_eq!(response.write(b"x"), Err(Misuse::NoRequest));
}

#[test]
fn what_is_known_of_a_response_at_each_step() {
    let mut response = Response::new(HOLD);
    assert!(!response.is_begun() && response.is_at_rest());
    response.begin(GET, false);
    assert!(!response.is_begun() && response.is_at_rest() && !response.has_news());
    response.status_line(Version::Http11, HTTPStatus::NOT_FOUND, "");
    assert_eq!(response.status(), 404);
    assert!(response.is_begun() && !response.is_at_rest() && !response.has_news());
    response.end_head().unwrap();
    assert!(response.is_begun() && !response.is_at_rest() && !response.is_complete());
    assert!(!response.has_news(), "the length is not known yet");
    response.write(b"ab").unwrap();
    assert!(response.has_news() && response.ready().is_empty());
    response.flush();
    assert!(response.has_news() && !response.is_complete() && !response.is_at_rest());
    response.sent(response.ready().len());
    assert!(!response.has_news() && !response.is_complete() && response.is_at_rest());
    response.finish().unwrap();
    assert!(response.has_news() && response.is_complete() && !response.is_at_rest());
}

#[test]
fn a_head_that_says_how_its_body_is_framed_is_news() {
    for field in [("Content-Length", "0"), ("Transfer-Encoding", "chunked"), ("Trailer", "X")] {
        assert!(ended(GET, 200, &[field]).has_news(), "{field:?}");
    }
    assert!(!ended(GET, 200, &[("A", "b")]).has_news());
}

#[test]
fn how_the_end_of_a_committed_response_is_known() {
    for (traits, status, field, is_complete, ends_with_connection) in [
        (GET, 200, ("Content-Length", "0"), true, false),
        (GET, 200, ("Content-Length", "1"), false, false),
        (GET, 200, ("A", "b"), false, false),
        (GET, 204, ("A", "b"), true, false),
        (HEAD, 200, ("Content-Length", "1"), true, false),
        (HEAD, 200, ("A", "b"), true, false),
        (OLD, 200, ("A", "b"), false, true),
        (OLDEST, 200, ("Content-Length", "1"), false, true),
    ] {
        let mut response = ended(traits, status, &[field]);
        assert!(!response.is_complete() && !response.ends_with_connection(), "it is not committed");
        response.flush();
        let found = (response.is_complete(), response.ends_with_connection());
        assert_eq!(found, (is_complete, ends_with_connection), "{traits:?} {status} {field:?}");
    }
}

#[test]
fn mistakes_are_those_of_their_own_response() {
    // Each of the three places where one is kept, alone.
    let mut open = begun(GET, 200);
    open.field("a b", "c");
    assert!(open.misuse().is_some());
    let mut refused = begun(GET, 200);
    refused.field("a b", "c");
    assert!(refused.end_head().is_err() && refused.misuse().is_some());
    let mut rejected = ended(GET, 200, &[("Content-Length", "0")]);
    assert!(rejected.write(b"x").is_err() && rejected.rejected().is_some());
    for mut response in [open, refused, rejected] {
        response.begin(GET, false);
        assert_eq!((response.misuse(), response.rejected()), (None, None));
    }
}

#[test]
fn the_decision_to_close_can_be_made_late_and_not_taken_back() {
    let mut response = ended(GET, 200, &[]);
    response.set_close(true);
    response.set_close(false);
    assert!(!response.close(), "nothing has been said yet");
    response.flush();
    response.set_close(true);
    assert!(response.close());
    response.set_close(false);
    assert!(response.close());
    let mut response = ended(GET, 200, &[]);
    response.must_close();
    response.set_close(false);
    assert!(response.close());
}

#[test]
fn as_much_as_can_be_held_is_held() {
    for traits in [GET, HEAD] {
        let mut response = ended(traits, 200, &[]);
        response.write(&[b'x'; HOLD]).unwrap();
        assert!(!response.is_committed());
        response.write(b"x").unwrap();
        assert!(response.is_committed());
    }
}

#[test]
fn what_can_simply_be_held() {
    let mut response = Response::new(HOLD);
    assert!(!response.hold(b"x"));
    response.begin(GET, false);
    assert!(!response.hold(b"x"));
    let length = [("Content-Length", "15")];
    for (fields, first, second, both) in [
        (&[][..], 16, 0, true),
        (&[], 17, 0, false),
        (&[], 15, 1, true),
        (&[], 15, 2, false),
        (&length, 15, 0, true),
        (&length, 10, 5, true),
        (&length, 10, 6, false),
        (&length, 16, 0, false),
    ] {
        let mut response = ended(GET, 200, fields);
        let held = response.hold(&b"x".repeat(first)) && response.hold(&b"x".repeat(second));
        assert_eq!(held, both, "{first} and {second}");
        assert!(!response.is_committed());
        if held {
            assert!(finished(response).ends_with(&"x".repeat(first + second)));
        }
    }
    // These are no simple cases.
    for (traits, status) in [(HEAD, 200), (RequestTraits { connect: true, ..GET }, 404), (GET, 204)] {
        assert!(!ended(traits, status, &[]).hold(b"x"));
    }
    let mut response = ended(GET, 200, &[]);
    assert!(!response.hold(b"x\r\n"), "it may be a chunk");
    response.flush();
    assert!(!response.hold(b"x"));
}

#[test]
fn how_much_would_be_held() {
    let mut response = Response::new(HOLD);
    assert!(!response.would_hold(0));
    response.begin(GET, false);
    response.status_line(Version::Http11, HTTPStatus::OK, "");
    assert!(!response.would_hold(0));
    response.end_head().unwrap();
    assert!(response.would_hold(16) && !response.would_hold(17));
    response.write(b"0123456789").unwrap();
    assert!(response.would_hold(6) && !response.would_hold(7));
    response.flush();
    assert!(!response.would_hold(0));
    assert!(!ended(GET, 200, &[("Content-Length", "5")]).would_hold(0));
}

#[test]
fn head_counts_what_is_not_sent() {
    let length = [("Content-Length", "4")];
    let mut response = ended(HEAD, 200, &length);
    assert_eq!((response.write(b"abc"), response.write(b"def")), (Ok(3), Ok(1)));
    let mut response = ended(HEAD, 200, &length);
    assert_eq!((response.begin_direct(3), response.begin_direct(3)), (Ok((3, false)), Ok((1, false))));
    assert_eq!(response.begin_direct(1), Err(Misuse::TooMuchBody));
    assert_eq!(ended(HEAD, 200, &[]).begin_direct(20), Ok((20, false)));
    // A declared body that was counted is complete, and what a handler begins after it is dropped.
    let mut response = ended(HEAD, 200, &length);
    response.write(b"abcd").unwrap();
    response.status_line(Version::Http11, HTTPStatus::OK, "");
    assert!(response.drops() && response.misuse().is_none());
}

#[test]
fn what_comes_after_a_response_that_ends_with_its_head() {
    let mut response = ended(GET, 204, &[]);
    response.status_line(Version::Http11, HTTPStatus::OK, "");
    assert!(response.drops() && response.misuse().is_none());
    let mut response = ended(GET, 101, &[]);
    response.status_line(Version::Http11, HTTPStatus::OK, "");
    assert!(!response.drops());
    assert_eq!(response.misuse(), Some(&Misuse::HeadAfterHead));
}

#[test]
fn all_is_written_or_nothing() {
    let mut response = ended(GET, 200, &[("Content-Length", "3")]);
    assert_eq!(response.write_whole(b"abcd"), Err(Misuse::TooMuchBody));
    assert_eq!(response.rejected(), Some(&Misuse::TooMuchBody));
    assert_eq!(response.write_whole(b"ab"), Ok(()));
    assert_eq!(response.write_whole(b"c"), Ok(()));
    assert!(finished(response).ends_with("\r\n\r\nabc"));
}

#[test]
fn a_body_from_elsewhere_needs_a_head() {
    let mut response = Response::new(HOLD);
    assert_eq!(response.begin_stream(), Err(Misuse::NoRequest));
    response.begin(GET, false);
    assert_eq!(response.begin_stream(), Err(Misuse::BodyBeforeHead));
    response.status_line(Version::Http11, HTTPStatus::OK, "");
    assert_eq!(response.begin_stream(), Err(Misuse::OpenHead));
    response.end_head().unwrap();
    assert_eq!(response.begin_stream(), Ok(()));
    assert!(response.is_committed());
}

#[test]
fn what_the_wire_did_not_take_of_a_direct_write_is_kept() {
    let mut response = ended(GET, 200, &[]);
    assert_eq!(response.begin_direct(5), Ok((5, true)));
    response.sent(response.ready().len());
    response.keep(b"lo");
    assert_eq!(text(&response), "lo");
    response.end_direct();
    assert_eq!(text(&response), "lo\r\n");
    response.write(b"x").unwrap();
    assert_eq!(finished(response), "lo\r\n1\r\nx\r\n0\r\n\r\n");
}

#[test]
fn a_response_that_is_held_behind_another_one_moves_up() {
    let mut response = ended(GET, 200, &[]);
    response.finish().unwrap();
    let first = response.ready().len();
    response.begin(GET, false);
    response.status_line(Version::Http11, HTTPStatus::OK, "OK");
    assert_eq!(response.prefix(), Some(&b"HTTP/1.1 200 OK\r\n"[..]));
    response.end_head().unwrap();
    response.write(b"hi").unwrap();
    response.sent(first - 4);
    assert_eq!(text(&response), "\r\n\r\n");
    response.sent(4);
    assert_eq!(text(&response), "");
    assert_eq!(finished(response), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

#[test]
fn a_head_can_begin_as_another_one_did() {
    let mut open = begun(GET, 200);
    open.field("A", "b");
    let prefix = open.prefix().unwrap().to_vec();
    let mut response = Response::new(HOLD);
    assert!(!response.begin_with(Version::Http11, HTTPStatus::OK, &prefix));
    response.begin(GET, false);
    assert_eq!(response.prefix(), None);
    assert!(response.begin_with(Version::Http11, HTTPStatus::OK, &prefix));
    assert_eq!(response.prefix(), Some(&*prefix));
    response.end_head().unwrap();
    assert_eq!(response.prefix(), None, "it has ended");
    assert_eq!(finished(response), "HTTP/1.1 200 Phrase\r\nA: b\r\nContent-Length: 0\r\n\r\n");
    open.field("a b", "c");
    assert_eq!(open.prefix(), None, "it has a mistake");
    assert_eq!(begun(OLDEST, 200).prefix(), None, "there is no head");
}

#[test]
fn chunks_of_the_handlers_own_are_noticed() {
    for (body, are_chunks) in [
        (&b"0\r\n\r\n"[..], true),
        (b"2\r\nab\r\n0\r\n\r\n", true),
        (b"\r\n0\r\n\r\n", true),
        (b"2\r\nab\r\n", true),
        (b"B\r\nhello world\r\n", true),
        (b"10\r\n\r\n", false),
        (b"00\r\n\r\n", false),
        (b"2\r\nabc\r\n", false),
        (b"2\r\n", false),
        (b"hello\r\n", false),
        (b"\r\n", false),
        (b"2\r\nab", false),
    ] {
        let mut response = ended(GET, 200, &[]);
        assert_eq!(response.write(body), Ok(body.len()));
        let noticed = are_chunks.then_some(&Misuse::OwnChunks);
        assert_eq!(response.rejected(), noticed, "{}", body.escape_ascii());
        let mut tunnel = ended(GET, 101, &[]);
        tunnel.write(body).unwrap();
        assert_eq!(tunnel.rejected(), None, "that is not HTTP");
    }
}

#[test]
fn lengths_of_any_number_of_digits() {
    for length in [0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 12_345, 999_999, u64::MAX] {
        let mut response = ended(HEAD, 200, &[("Content-Length", &length.to_string())]);
        response.flush();
        assert_eq!(text(&response), format!("HTTP/1.1 200 Phrase\r\nContent-Length: {length}\r\n\r\n"));
    }
}

#[test]
fn fields_are_known_by_their_names_and_not_by_the_length_of_them() {
    let fields = [("Content-Coding", "a"), ("X-Seventeen-Chars", "b"), ("Keep-Alive", "c"), ("Upgrade", "d")];
    let head = "HTTP/1.1 200 Phrase\r\nContent-Coding: a\r\nX-Seventeen-Chars: b\r\nKeep-Alive: c\r\nUpgrade: d\r\n\
                Content-Length: 0\r\n\r\n";
    assert_eq!(finished(ended(GET, 200, &fields)), head);
}

#[test]
fn a_value_that_cannot_be_displayed_is_a_mistake() {
    let mut response = begun(GET, 200);
    response.unprintable("X");
    assert_eq!(response.end_head(), Err(Misuse::Unprintable("X".to_owned())));
}

#[test]
fn which_texts_can_be_the_message_of_a_status_line() {
    for good in ["", "Not Found", "a\tb", "caf\u{e9}", "\u{ff}"] {
        assert!(can_be_reason(good), "{good:?}");
    }
    for bad in ["a\nb", "a\r", "\0", "\u{7f}", "\u{100}", "Not Found \u{20ac}"] {
        assert!(!can_be_reason(bad), "{bad:?}");
    }
}

#[test]
fn a_long_trailer_field_is_refused_before_it_is_read() {
    let trailer = |len: usize| {
        let value = format!("{}\n", "x".repeat(len - 1));
        ended(GET, 200, &[]).trailer("X", &value)
    };
    // The line end would be the mistake otherwise.
    let most = 32 * 1024 - 1;
    assert_eq!(trailer(most), Err(Misuse::FieldValue("X".to_owned(), '\n')));
    assert_eq!(trailer(most + 1), Err(Misuse::TrailersTooLarge));
    assert_eq!(trailer(most + 2), Err(Misuse::TrailersTooLarge));
}

#[test]
fn the_memory_of_an_unusual_response_is_freed() {
    let usual = 16 * 1024;
    for (capacity, left) in [(usual, usual), (usual + 1, 0)] {
        let mut response = Response::new(HOLD);
        response.out = Vec::with_capacity(capacity);
        assert_eq!(response.out.capacity(), capacity);
        response.trim();
        assert_eq!(response.out.capacity(), left);
    }
    let mut response = ended(GET, 200, &[("Content-Length", "40000")]);
    response.write(&[b'x'; 40_000]).unwrap();
    response.trim();
    assert_eq!(response.gathered(), response.ready().len());
    assert!(response.gathered() > 40_000, "what waits is not lost");
    response.trailers = Vec::with_capacity(10);
    response.sent(response.gathered());
    response.trim();
    assert_eq!((response.out.capacity(), response.trailers.capacity()), (0, 0));
}

#[test]
fn a_response_without_memory_borrows_some() {
    let mut response = Response::new(HOLD);
    let mut spare = Vec::with_capacity(100);
    response.borrow_memory(&mut spare);
    assert_eq!((response.out.capacity(), spare.capacity()), (100, 0));
    let mut other = Vec::with_capacity(50);
    response.borrow_memory(&mut other);
    assert_eq!((response.out.capacity(), other.capacity()), (100, 50));
    response.shrink(&mut other);
    assert_eq!((response.out.capacity(), other.capacity()), (0, 50), "there is a spare one already");
    response.out = Vec::with_capacity(100);
    response.shrink(&mut spare);
    assert_eq!((response.out.capacity(), spare.capacity()), (0, 100));
}

#[test]
fn a_connection_that_waits_keeps_no_more_memory_than_twice_its_bytes() {
    for (len, capacity) in [(10, 10), (49, 49), (50, 100), (60, 100), (100, 100)] {
        let mut response = Response::new(HOLD);
        response.out = Vec::with_capacity(100);
        response.out.resize(len, b'x');
        let mut spare = Vec::new();
        response.shrink(&mut spare);
        assert_eq!((response.out.len(), response.out.capacity(), spare.capacity()), (len, capacity, 0));
    }
}

#[test]
fn server_and_date_follow_a_status_line() {
    let mut response = begun(GET, 200);
    response.server_and_date("S/1", &HttpDate::EPOCH);
    response.end_head().unwrap();
    // Once the head has ended, it is too late for them.
    response.server_and_date("S/2", &HttpDate::EPOCH);
    let head = "HTTP/1.1 200 Phrase\r\nServer: S/1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(finished(response), head);
    let mut response = begun(OLDEST, 200);
    response.server_and_date("S/1", &HttpDate::EPOCH);
    response.end_head().unwrap();
    response.write(b"ab").unwrap();
    assert_eq!(finished(response), "ab");
}

#[cfg(all(feature = "cgi", unix))]
#[test]
fn an_interim_response_can_precede_what_is_not_committed() {
    let mut response = ended(GET, 200, &[]);
    assert!(response.takes_interim());
    response.flush();
    assert!(!response.takes_interim());
    assert!(begun(GET, 200).takes_interim());
    assert!(!begun(OLD, 200).takes_interim() && !begun(OLDEST, 200).takes_interim());
}
