//! What a response says of itself at each step, and what it keeps.

use super::*;
use crate::proto::date::HttpDate;

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
    assert!(response.is_closed() && response.misuse().is_none());
}

#[test]
fn what_comes_after_a_response_that_ends_with_its_head() {
    let mut response = ended(GET, 204, &[]);
    response.status_line(Version::Http11, HTTPStatus::OK, "");
    assert!(response.is_closed() && response.misuse().is_none());
    let mut response = ended(GET, 101, &[]);
    response.status_line(Version::Http11, HTTPStatus::OK, "");
    assert!(!response.is_closed());
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
    response.write(&b"x".repeat(40_000)).unwrap();
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

#[test]
fn nothing_follows_an_error_page() {
    let length = [("Content-Length", "2")];
    let mut page = ended(GET, 404, &length);
    page.write(b"no").unwrap();
    assert_eq!(page.check_open(), Ok(()));
    page.end_error_page();
    assert!(page.is_closed() && page.stands());
    assert_eq!(page.begin_file(0), Ok(false), "nothing is nothing to refuse");
    assert_eq!(page.rejected(), None);
    assert_eq!(page.begin_file(1), Err(Misuse::AfterErrorPage));
    assert_eq!(page.rejected(), Some(&Misuse::AfterErrorPage));
    // Any complete response stands, and one that is not closed may still become an error page.
    let whole = ended(GET, 204, &[]);
    assert!(whole.stands() && !whole.is_closed());
    // One that is not complete can be completed.
    let mut page = ended(GET, 404, &length);
    page.write(b"n").unwrap();
    page.end_error_page();
    assert!(!page.is_closed() && !page.stands());
    assert_eq!(page.begin_file(1), Ok(true));
}

#[test]
fn a_field_that_cannot_be_formatted_is_a_mistake_in_a_head_only() {
    let mut head = begun(GET, 200);
    head.unprintable("X-Eggs");
    assert_eq!(head.misuse(), Some(&Misuse::Unprintable("X-Eggs".into())));
    // After the head it is too late, whatever its value is.
    let mut whole = ended(GET, 204, &[]);
    whole.unprintable("X-Eggs");
    assert_eq!((whole.misuse(), whole.rejected()), (None, Some(&Misuse::HeadAfterHead)));
}

#[test]
fn a_value_after_a_response_is_noted_or_a_mistake() {
    let mut whole = ended(GET, 204, &[]);
    whole.second_response();
    assert_eq!((whole.misuse(), whole.rejected()), (None, Some(&Misuse::SecondResponse)));
    let mut begun = ended(GET, 200, &[]);
    begun.second_response();
    assert_eq!((begun.misuse(), begun.rejected()), (Some(&Misuse::SecondResponse), None));
    let mut bare = ended(GET, 204, &[]);
    bare.leave_out_content();
    assert_eq!((bare.misuse(), bare.rejected()), (None, Some(&Misuse::BodyForStatus(204))));
}
