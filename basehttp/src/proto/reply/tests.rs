//! One reply at a time, bytes compared whole.

use super::*;
use crate::proto::status::HTTPStatus;

const GET: Asked = Asked { version: Version::Http11, head: false, connect: false, close: false };
const HEAD: Asked = Asked { head: true, ..GET };
const OLD: Asked = Asked { version: Version::Http10, ..GET };
const OLDEST: Asked = Asked { version: Version::Http09, close: true, ..GET };
const HOLD: usize = 16;

/// A reply to a request that may be kept open, with its head open.
fn begun(asked: Asked, status: u16) -> Reply {
    let mut reply = Reply::new(HOLD);
    reply.begin(asked, asked.version != Version::Http11);
    reply.status_line(Version::Http11, HTTPStatus::new(status), "Phrase");
    reply
}

fn ended(asked: Asked, status: u16, fields: &[(&str, &str)]) -> Reply {
    let mut reply = begun(asked, status);
    for (name, value) in fields {
        reply.field(name, value);
    }
    assert_eq!(reply.end_head(), Ok(Ended::Final));
    reply
}

fn finished(mut reply: Reply) -> String {
    reply.finish().unwrap();
    text(&reply)
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.ready().to_vec()).unwrap()
}

#[test]
fn a_length_is_added_when_the_whole_body_is_known() {
    let mut reply = ended(GET, 200, &[("A", "b")]);
    assert_eq!(reply.write(b"hello"), Ok(5));
    assert_eq!(text(&reply), "");
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\nA: b\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(finished(ended(GET, 200, &[])), "HTTP/1.1 200 Phrase\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn a_body_that_outgrows_the_buffer_is_sent_in_chunks() {
    let mut reply = ended(GET, 200, &[]);
    reply.write(b"0123456789").unwrap();
    assert!(!reply.is_committed());
    reply.write(b"0123456789").unwrap();
    assert!(reply.is_committed());
    reply.write(b"x").unwrap();
    let all =
        "HTTP/1.1 200 Phrase\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n01234567890123456789x\r\n0\r\n\r\n";
    assert_eq!(finished(reply), all);
}

#[test]
fn a_flush_commits_and_ends_a_chunk() {
    let mut reply = ended(GET, 200, &[]);
    reply.flush();
    reply.write(b"ab").unwrap();
    assert_eq!(text(&reply), "HTTP/1.1 200 Phrase\r\nTransfer-Encoding: chunked\r\n\r\n");
    reply.sent(reply.ready().len());
    reply.flush();
    reply.flush();
    assert_eq!(text(&reply), "2\r\nab\r\n");
    reply.write(b"c").unwrap();
    assert_eq!(finished(reply), "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
}

#[test]
fn an_old_client_reads_to_the_end_of_the_connection() {
    let mut reply = ended(OLD, 200, &[("Transfer-Encoding", "chunked"), ("Connection", "keep-alive")]);
    reply.flush();
    assert!(reply.close() && reply.ends_with_connection());
    reply.write(b"ab").unwrap();
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\nConnection: close\r\n\r\nab");
    let mut reply = ended(OLD, 200, &[("Connection", "keep-alive")]);
    reply.write(b"ab").unwrap();
    let all = "HTTP/1.1 200 Phrase\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nab";
    assert_eq!(finished(reply), all);
}

#[test]
fn the_oldest_client_gets_the_body_alone() {
    let mut reply = ended(OLDEST, 200, &[("A", "b")]);
    reply.write(b"ab").unwrap();
    assert!(reply.close());
    assert_eq!(finished(reply), "ab");
}

#[test]
fn a_declared_length_is_kept() {
    let mut reply = ended(GET, 200, &[("content-length", "3")]);
    assert_eq!(reply.write(b"abcd"), Ok(3));
    assert_eq!(reply.write(b"d"), Err(Mistake::TooMuchBody));
    assert_eq!(reply.write(b""), Ok(0));
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\nContent-Length: 3\r\n\r\nabc");

    let mut reply = ended(GET, 200, &[("Content-Length", "3")]);
    reply.write(b"ab").unwrap();
    assert_eq!(reply.finish(), Err(Mistake::TooLittleBody(1)));
    assert!(reply.is_committed() && !reply.is_complete());
}

#[test]
fn head_gets_the_head_that_get_would_have() {
    let mut reply = ended(HEAD, 200, &[]);
    reply.write(b"hello").unwrap();
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\nContent-Length: 5\r\n\r\n");
    let mut reply = ended(HEAD, 200, &[("Content-Length", "40")]);
    for _ in 0..2 {
        reply.write(&[0; 20]).unwrap();
    }
    assert_eq!(reply.write(b"x"), Err(Mistake::TooMuchBody));
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\nContent-Length: 40\r\n\r\n");
    // A handler that writes nothing says nothing about the length that GET would have.
    assert_eq!(finished(ended(HEAD, 200, &[])), "HTTP/1.1 200 Phrase\r\n\r\n");
}

#[test]
fn head_ends_a_stream() {
    let mut reply = ended(HEAD, 200, &[]);
    reply.flush();
    assert_eq!(reply.write(b"x"), Err(Mistake::BodyForHead));
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\n\r\n");
    let mut reply = ended(HEAD, 200, &[]);
    reply.write(&[0; HOLD + 1]).unwrap();
    assert_eq!(reply.write(b"x"), Err(Mistake::BodyForHead));
    assert_eq!(reply.begin_direct(99), Err(Mistake::BodyForHead));
}

#[test]
fn some_statuses_have_no_body() {
    for (status, head) in [
        (204, "HTTP/1.1 204 Phrase\r\n\r\n"),
        (304, "HTTP/1.1 304 Phrase\r\nContent-Length: 0\r\n\r\n"),
        (205, "HTTP/1.1 205 Phrase\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let mut reply = ended(GET, status, &[("Content-Length", "0")]);
        assert_eq!(reply.write(b"x"), Err(Mistake::BodyForStatus(status)));
        assert_eq!(finished(reply), head);
    }
    assert_eq!(finished(ended(GET, 304, &[])), "HTTP/1.1 304 Phrase\r\n\r\n");
    let closing = ended(GET, 205, &[("Connection", "close")]);
    assert_eq!(finished(closing), "HTTP/1.1 205 Phrase\r\nConnection: close\r\n\r\n");
}

#[test]
fn an_interim_response_goes_out_before_the_final_one() {
    let mut reply = begun(GET, 103);
    reply.field("Link", "</a>");
    assert_eq!(reply.end_head(), Ok(Ended::Interim(103)));
    assert_eq!(text(&reply), "HTTP/1.1 103 Phrase\r\nLink: </a>\r\n\r\n");
    reply.sent(reply.ready().len());
    assert_eq!(reply.finish(), Err(Mistake::NoReply));
    reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
    reply.end_head().unwrap();
    assert_eq!(finished(reply), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    let mut reply = begun(OLD, 103);
    assert_eq!(reply.end_head(), Ok(Ended::Interim(103)));
    assert_eq!(text(&reply), "");
}

#[test]
fn an_interim_response_can_be_the_last() {
    let mut reply = begun(GET, 102);
    reply.field("Connection", "close");
    reply.end_head().unwrap();
    assert_eq!(finished(reply), "HTTP/1.1 102 Phrase\r\nConnection: close\r\n\r\n");
}

#[test]
fn a_tunnel_has_no_framing() {
    let mut reply = ended(Asked { connect: true, ..GET }, 200, &[("Content-Length", "3")]);
    reply.write(b"abc").unwrap();
    assert!(reply.is_tunnel());
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\n\r\nabc");

    let mut reply = ended(GET, 101, &[("Connection", "keep-alive, Upgrade"), ("Upgrade", "x")]);
    reply.write(b"abc").unwrap();
    assert!(reply.is_tunnel());
    let head = "HTTP/1.1 101 Phrase\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    reply.finish().unwrap();
    assert!(reply.close());
    assert_eq!(text(&reply), format!("{head}abc"));
}

#[test]
fn there_is_no_reply_without_a_request() {
    let mut reply = Reply::new(HOLD);
    reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
    assert_eq!(reply.end_head(), Err(Mistake::NoRequest));
    assert_eq!(reply.write(b"x"), Err(Mistake::NoRequest));
    reply.begin(GET, false);
    reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
    reply.end_head().unwrap();
    reply.finish().unwrap();
    reply.end();
    reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
    assert_eq!(reply.end_head(), Err(Mistake::NoRequest));
    assert_eq!(text(&reply), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn nothing_of_a_head_with_a_mistake_goes_out() {
    let long = "ж".to_owned();
    let cases: [(&str, &str, Mistake); 9] = [
        ("A", "b\r\nC: d", Mistake::FieldValue("A".into(), '\r')),
        ("A", "b\0", Mistake::FieldValue("A".into(), '\0')),
        ("A", &long, Mistake::FieldValue("A".into(), 'ж')),
        ("A b", "c", Mistake::FieldName("A b".into())),
        ("", "c", Mistake::FieldName(String::new())),
        ("Content-Length", "+1", Mistake::ContentLength("+1".into())),
        ("Content-Length", "", Mistake::ContentLength(String::new())),
        ("Transfer-Encoding", "gzip", Mistake::TransferEncoding("gzip".into())),
        ("Content-Length", "18446744073709551616", Mistake::ContentLength("18446744073709551616".into())),
    ];
    for (name, value, mistake) in cases {
        let mut reply = begun(GET, 200);
        reply.field(name, value);
        reply.field("B", "fine");
        assert_eq!(reply.end_head(), Err(mistake.clone()), "{name}: {value}");
        assert_eq!(reply.gathered(), 0);
        assert_eq!(reply.finish(), Err(mistake));
        reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
        assert_eq!(reply.end_head(), Ok(Ended::Final));
        assert_eq!(finished(reply), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}

#[test]
fn what_must_not_come_twice_or_late() {
    let mut reply = begun(GET, 200);
    reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
    assert_eq!(reply.end_head(), Err(Mistake::SecondStatusLine));

    for second in [("Content-Length", "1"), ("Transfer-Encoding", "chunked")] {
        let mut reply = begun(GET, 200);
        reply.field("Content-Length", "1");
        reply.field(second.0, second.1);
        assert_eq!(reply.end_head(), Err(Mistake::TwoFramings));
    }

    let mut reply = ended(GET, 200, &[]);
    reply.field("A", "late");
    assert_eq!(reply.mistake(), Some(&Mistake::HeadAfterHead));
    assert_eq!(reply.finish(), Err(Mistake::HeadAfterHead));

    // Too late for an error page: the reply stays as it is.
    let mut reply = ended(GET, 200, &[]);
    reply.flush();
    reply.field("A", "late");
    assert_eq!(reply.finish(), Ok(()));
    assert_eq!(reply.mistake(), Some(&Mistake::HeadAfterHead));
}

#[test]
fn what_must_not_be_missing() {
    let mut reply = Reply::new(HOLD);
    reply.begin(GET, false);
    assert_eq!(reply.write(b"x"), Err(Mistake::BodyBeforeHead));
    assert_eq!(reply.finish(), Err(Mistake::NoReply));
    reply.field("A", "b");
    assert_eq!(reply.end_head(), Err(Mistake::NoStatusLine));
    let mut reply = begun(GET, 200);
    assert_eq!(reply.write(b"x"), Err(Mistake::BodyBeforeHead));
    assert_eq!(reply.finish(), Err(Mistake::OpenHead));
    let mut reply = begun(GET, 99);
    assert_eq!(reply.end_head(), Err(Mistake::StatusCode(99)));
}

#[test]
fn heads_are_latin1() {
    let mut reply = begun(GET, 200);
    reply.field("X", "Dängerous\tMind");
    reply.end_head().unwrap();
    reply.finish().unwrap();
    assert!(reply.ready().windows(9).any(|window| window == b"D\xe4ngerous"));
}

#[test]
fn replies_gather_one_behind_the_other() {
    let mut reply = ended(GET, 200, &[]);
    reply.write(b"one").unwrap();
    reply.finish().unwrap();
    let first = reply.ready().len();
    reply.begin(GET, false);
    reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
    reply.end_head().unwrap();
    reply.write(b"two").unwrap();
    assert_eq!(reply.ready().len(), first);
    reply.sent(10);
    reply.abandon();
    assert_eq!(reply.ready().len(), first - 10);
    reply.status_line(Version::Http11, HTTPStatus::OK, "OK");
    reply.end_head().unwrap();
    let all = finished(reply);
    assert!(all.ends_with("\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "{all}");
}

#[test]
fn a_direct_write_is_framed_around() {
    let mut reply = ended(GET, 200, &[]);
    reply.write(b"ab").unwrap();
    assert_eq!(reply.begin_direct(20), Ok((20, true)));
    assert!(text(&reply).ends_with("\r\n\r\n2\r\nab\r\n14\r\n"));
    reply.sent(reply.ready().len());
    reply.end_direct();
    assert_eq!(finished(reply), "\r\n0\r\n\r\n");

    let mut reply = ended(GET, 200, &[("Content-Length", "20")]);
    assert_eq!(reply.begin_direct(30), Ok((20, true)));
    reply.end_direct();
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\nContent-Length: 20\r\n\r\n");
}

#[test]
fn the_client_has_the_last_word_on_closing() {
    let mut reply = ended(Asked { close: true, ..GET }, 200, &[("Connection", "keep-alive")]);
    assert!(reply.close());
    reply.set_close(false);
    assert!(reply.close());
    assert_eq!(finished(reply), "HTTP/1.1 200 Phrase\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut reply = ended(GET, 200, &[("Connection", "Upgrade, close"), ("Upgrade", "x")]);
    reply.finish().unwrap();
    assert!(reply.close());
}

#[test]
fn a_connection_whose_end_an_interim_response_announced_cannot_be_kept_open() {
    for asked in [GET, OLD, OLDEST] {
        let mut reply = begun(asked, 103);
        reply.field("Connection", "close");
        assert_eq!(reply.end_head(), Ok(Ended::Interim(103)));
        reply.set_close(false);
        assert_eq!(reply.finish(), Ok(()));
        assert!(reply.close(), "the next reply would be taken for this one");
    }
}

#[test]
fn a_handler_that_speaks_http_1_0_sends_no_interim_response() {
    let mut reply = Reply::new(HOLD);
    reply.begin(GET, true);
    reply.status_line(Version::Http10, HTTPStatus::EARLY_HINTS, "");
    reply.field("Link", "x");
    assert_eq!(reply.end_head(), Ok(Ended::Interim(103)));
    reply.status_line(Version::Http10, HTTPStatus::OK, "");
    reply.end_head().unwrap();
    assert_eq!(finished(reply), "HTTP/1.0 200 \r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn a_reply_of_http_1_0_says_that_the_connection_stays_open() {
    let mut reply = Reply::new(HOLD);
    reply.begin(GET, true);
    reply.status_line(Version::Http10, HTTPStatus::OK, "");
    reply.end_head().unwrap();
    reply.set_close(false);
    let all = "HTTP/1.0 200 \r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(finished(reply), all, "without it, the client takes the connection for closed");
}

#[test]
fn a_connection_field_has_no_empty_elements() {
    for (value, line) in [("", ""), (" , ,", ""), (",x,,y ,", "Connection: x, y\r\n"), ("keep-alive,", "")] {
        let reply = ended(GET, 200, &[("Connection", value)]);
        let keep = if value.starts_with('k') { "Connection: keep-alive\r\n" } else { "" };
        assert_eq!(finished(reply), format!("HTTP/1.1 200 Phrase\r\n{line}Content-Length: 0\r\n{keep}\r\n"));
    }
}

#[test]
fn a_message_that_no_status_line_holds_is_a_mistake_in_http_0_9_too() {
    let mut reply = Reply::new(HOLD);
    reply.begin(OLDEST, true);
    reply.status_line(Version::Http11, HTTPStatus::OK, "a\r\nb");
    assert_eq!(reply.end_head(), Err(Mistake::Reason('\r')));
    assert_eq!(text(&reply), "");
}

#[test]
fn http_1_0_does_not_know_101() {
    for asked in [OLD, OLDEST] {
        let mut reply = begun(asked, 101);
        assert_eq!(reply.end_head(), Err(Mistake::SwitchingInHttp10));
        assert!(!reply.is_tunnel());
    }
    let mut reply = Reply::new(HOLD);
    reply.begin(GET, true);
    reply.status_line(Version::Http10, HTTPStatus::SWITCHING_PROTOCOLS, "");
    assert_eq!(reply.end_head(), Err(Mistake::SwitchingInHttp10));
    assert_eq!(reply.finish(), Err(Mistake::SwitchingInHttp10));
}

#[test]
fn a_file_has_its_place_between_the_bytes_around_it() {
    let length = [("Content-Length", "10")];
    let mut reply = ended(GET, 200, &length);
    reply.write(b"ab").unwrap();
    assert_eq!(reply.begin_file(5), Ok(true));
    let place = reply.gathered();
    assert_eq!(reply.ready().len(), place, "all before it can go");
    reply.end_direct();
    reply.write(b"xyz").unwrap();
    assert_eq!(reply.begin_file(1), Err(Mistake::TooMuchBody));
    reply.finish().unwrap();
    assert_eq!(text(&reply).split_off(place), "xyz");
    assert!(text(&reply).ends_with("Content-Length: 10\r\n\r\nabxyz"));

    let mut reply = ended(GET, 200, &[]);
    reply.write(b"ab").unwrap();
    assert_eq!((reply.begin_file(0), reply.begin_file(0x1_0000_0000_0000)), (Ok(false), Ok(true)));
    let place = reply.gathered();
    reply.end_direct();
    reply.write(b"xyz").unwrap();
    let all = finished(reply);
    assert!(all[..place].ends_with("\r\n\r\n2\r\nab\r\n1000000000000\r\n"), "{all}");
    assert_eq!(&all[place..], "\r\n3\r\nxyz\r\n0\r\n\r\n");
}

#[test]
fn a_file_is_all_that_may_come_or_nothing() {
    let mut reply = ended(GET, 200, &[("Content-Length", "4")]);
    assert_eq!(reply.begin_file(5), Err(Mistake::TooMuchBody));
    assert!(!reply.is_committed());
    assert_eq!(reply.begin_file(4), Ok(true));
    reply.finish().unwrap();

    let mut reply = ended(HEAD, 200, &[("Content-Length", "4")]);
    assert_eq!(reply.begin_file(4), Ok(false));
    assert!(finished(reply).ends_with("Content-Length: 4\r\n\r\n"));

    assert_eq!(ended(GET, 204, &[]).begin_file(4), Err(Mistake::BodyForStatus(204)));
    assert_eq!(begun(GET, 200).begin_file(4), Err(Mistake::BodyBeforeHead));

    let mut reply = ended(OLDEST, 200, &[]);
    assert_eq!((reply.begin_file(4), reply.gathered()), (Ok(true), 0));
}
