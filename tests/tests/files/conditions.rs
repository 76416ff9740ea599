//! Conditional requests, RFC 9110 section 13, and content codings.

use std::time::{Duration, SystemTime};

use basehttp::prelude::*;
use basehttp::testing::respond;
use basehttp::{HttpDate, SimpleHTTPRequestHandler};

use crate::stage::{Stage, set_modified};

/// The text of a time this many seconds away from another.
fn date(time: SystemTime, seconds: i64) -> String {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    HttpDate::from(if seconds < 0 { time - distance } else { time + distance }).to_string()
}

#[test]
fn conditions_in_their_order() {
    let stage = Stage::new(&[("a.txt", "hello")]);
    let modified = stage.path("a.txt").metadata().unwrap().modified().unwrap();
    let first = stage.get("/a.txt");
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.header("last-modified"), Some(&*date(modified, 0)));
    assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong one: {tag}");
    let none_match = |tags: &str| format!("If-None-Match: {tags}");
    let matches = |tags: &str| format!("If-Match: {tags}");
    let since = |seconds| format!("If-Modified-Since: {}", date(modified, seconds));
    let unmodified = |seconds| format!("If-Unmodified-Since: {}", date(modified, seconds));
    for (fields, status) in [
        (vec![none_match(&tag)], 304),
        (vec![none_match(&format!("\"x\", W/{tag}"))], 304),
        (vec![none_match("\"x\"")], 200),
        (vec![none_match("*")], 304),
        (vec![since(0)], 304),
        (vec![since(1)], 304),
        (vec![since(-1)], 200),
        (vec!["If-Modified-Since: yesterday".to_owned()], 200),
        // A tag is more precise than a date.
        (vec![since(0), none_match("\"x\"")], 200),
        (vec![since(-1), none_match(&tag)], 304),
        (vec![matches(&tag)], 200),
        (vec![matches("*")], 200),
        (vec![matches("\"x\"")], 412),
        (vec![matches(&format!("W/{tag}"))], 412),
        (vec![unmodified(0)], 200),
        (vec![unmodified(-1)], 412),
        (vec![unmodified(-1), matches(&tag)], 200),
        (vec![matches(&tag), none_match(&tag)], 304),
        (vec![matches("\"x\""), none_match(&tag)], 412),
    ] {
        for method in ["GET", "HEAD"] {
            let response = stage.ask(method, "/a.txt", &fields);
            assert_eq!(response.status, status, "{method} {fields:?}");
            if status == 304 {
                assert_eq!((response.header("etag"), response.header("content-length")), (Some(&*tag), None));
            }
        }
    }
}

/// `test_browser_cache_with_If_None_Match_header` of CPython.
#[test]
fn any_tag_is_no_tag_in_http_1_0() {
    struct Old {
        base: SimpleHTTPRequestHandler,
    }

    #[http_handler(extends = SimpleHTTPRequestHandler)]
    impl Old {}

    let stage = Stage::new(&[("a", "hello")]);
    let factory = |base| Old { base: SimpleHTTPRequestHandler::new(base, &stage.files) };
    let get = |fields: &str| {
        respond(factory, format!("GET /a HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes()).remove(0)
    };
    let first = get("");
    let since = format!("If-Modified-Since: {}\r\n", first.header("last-modified").unwrap());
    assert_eq!(get(&since).status, 304);
    assert_eq!(get(&format!("{since}If-None-Match: *\r\n")).status, 200);
    let tag = format!("If-None-Match: {}\r\n", first.header("etag").unwrap());
    assert_eq!(get(&tag).status, 304, "who has a tag may use it");
}

#[test]
fn another_state_of_the_file_has_another_tag() {
    let stage = Stage::new(&[("a.txt", "hello")]);
    let tag = || stage.get("/a.txt").header("etag").unwrap().to_owned();
    let (path, before) = (stage.path("a.txt"), tag());
    let modified = path.metadata().unwrap().modified().unwrap();
    std::fs::write(&path, "hello, world").unwrap();
    set_modified(&path, modified);
    let longer = tag();
    assert_ne!(longer, before);
    set_modified(&path, modified - Duration::from_millis(10));
    assert_ne!(tag(), longer);
}

#[test]
fn two_codings_of_one_file_have_two_tags() {
    let mut stage = Stage::new(&[("a.css", "12345"), ("a.css.gz", "1234"), ("a.css.zst", "1234")]);
    stage.files = stage.files.clone().precompressed(true);
    let tag = |coding: &str| {
        let response = stage.get_with("/a.css", &format!("Accept-Encoding: {coding}"));
        assert_eq!(response.header("content-encoding"), Some(coding).filter(|coding| *coding != "identity"));
        response.header("etag").unwrap().to_owned()
    };
    let tags = ["identity", "gzip", "zstd"].map(tag);
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
    let fields = ["Accept-Encoding: gzip".to_owned(), "Range: bytes=2-".to_owned()];
    let part =
        |tag: &str| stage.ask("GET", "/a.css", &[&fields[..], &[format!("If-Range: {tag}")]].concat()).status;
    assert_eq!((part(&tags[1]), part(&tags[2])), (206, 200), "parts of two codings are not put together");
}

#[test]
fn two_servers_of_one_file_tell_the_same_of_it() {
    let replica = || {
        let stage = Stage::new(&[("a.txt", "hello")]);
        set_modified(
            &stage.path("a.txt"),
            SystemTime::UNIX_EPOCH + Duration::from_nanos(784_111_777_123_456_700),
        );
        let response = stage.get("/a.txt");
        ["etag", "last-modified"].map(|name| response.header(name).unwrap().to_owned())
    };
    assert_eq!(replica(), replica());
}

#[test]
fn a_time_that_says_nothing_is_not_told() {
    // Reproducible archives contain these dates, whatever the files are: 0 in general, 1 in the stores of Nix and Guix, and
    // the earliest in the ZIP format, read in any time zone.
    let stage = Stage::new(&[("a.txt", "hello")]);
    let first_of_zip = 315_532_800;
    for seconds in [first_of_zip + 50_400, first_of_zip - 50_400, first_of_zip, 1, 0] {
        set_modified(&stage.path("a.txt"), SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let response = stage.get("/a.txt");
        let told = (response.status, response.header("last-modified"), response.header("etag"));
        assert_eq!(told, (200, None, None), "{seconds}");
    }
    let since = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(stage.get_with("/a.txt", since).status, 200);
    assert_eq!(stage.get_with("/a.txt", "If-None-Match: *").status, 304);
    assert_eq!(stage.get_with("/a.txt", "If-Match: \"x\"").status, 412);
    assert_eq!(
        stage.ask("GET", "/a.txt", &["Range: bytes=0-1", "If-Range: \"x\""].map(str::to_owned)).status,
        200
    );
}

#[test]
fn a_date_in_the_future_is_not_told_and_one_of_this_second_is_no_condition_for_a_part() {
    let stage = Stage::new(&[("a.txt", "hello")]);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let ask = |modified: SystemTime| {
        set_modified(&stage.path("a.txt"), modified);
        let fields = ["Range: bytes=0-0".to_owned(), format!("If-Range: {}", HttpDate::from(modified))];
        let response = stage.ask("GET", "/a.txt", &fields);
        (response.header("last-modified").unwrap().to_owned(), response.status)
    };
    assert_eq!(ask(now - Duration::from_secs(1)), (date(now, -1), 206));
    assert_eq!(ask(now), (date(now, 0), 200));
    assert_eq!(ask(now + Duration::from_secs(60)), (date(now, 0), 200));
    // The file is newer than the client's date, so it is sent.
    let since = [format!("If-Modified-Since: {}", date(now, 0))];
    assert_eq!(stage.ask("GET", "/a.txt", &since).status, 200);
}

#[test]
fn a_compressed_file_is_sent_to_those_who_accept_it() {
    let stage = Stage::new(&[
        ("a.css", "plain"),
        ("a.css.gz", "zipped"),
        ("a.css.br", "br"),
        ("b.png", "plain"),
        ("b.png.gz", "zipped"),
        ("old.js", "new"),
        ("old.js.gz", "old"),
    ]);
    set_modified(&stage.path("old.js.gz"), SystemTime::UNIX_EPOCH + Duration::from_secs(649_999_999));
    for (target, accepted, body, coding) in [
        ("/a.css", "gzip", "zipped", Some("gzip")),
        ("/a.css", "gzip, br", "br", Some("br")),
        ("/a.css", "gzip;q=1, br;q=0.1", "zipped", Some("gzip")),
        ("/a.css", "zstd, br;q=0", "plain", None),
        ("/a.css", "identity", "plain", None),
        ("/b.png", "gzip", "plain", None),
        ("/old.js", "gzip", "new", None),
    ] {
        let response = stage.get_with(target, &format!("Accept-Encoding: {accepted}"));
        assert_eq!(
            (&*response.text(), response.header("content-encoding")),
            (body, coding),
            "{target} {accepted}"
        );
        let kind = if target.contains("png") { "image/png" } else { "text/" };
        assert!(response.header("content-type").unwrap().starts_with(kind));
        assert_eq!(response.header("vary").is_some(), kind == "text/");
    }
    // Each has a tag of its own, so that parts of the two are never combined.
    let tag = |accepted: &str| {
        stage.get_with("/a.css", &format!("Accept-Encoding: {accepted}")).header("etag").unwrap().to_owned()
    };
    assert!(tag("gzip") != tag("identity") && tag("gzip") != tag("br"));
    let files = stage.files.clone().precompressed(false);
    let responses = basehttp::testing::respond(
        move |base| basehttp::FileHandler::new(base, &files),
        b"GET /a.css HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
    );
    assert_eq!((&*responses[0].text(), responses[0].header("vary")), ("plain", None));
}
