//! Parts of files, RFC 9110 section 14.

use crate::stage::Stage;

const TEXT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

#[test]
fn one_part() {
    let stage = Stage::new(&[("a", TEXT)]);
    for (range, status, body, content_range) in [
        ("bytes=0-3", 206, "0123", "bytes 0-3/36"),
        ("bytes=-2", 206, "yz", "bytes 34-35/36"),
        ("bytes=34-99", 206, "yz", "bytes 34-35/36"),
        ("bytes=0-", 206, TEXT, "bytes 0-35/36"),
        ("bytes=0-1,1-3", 206, "0123", "bytes 0-3/36"),
        ("bytes=36-", 416, "", "bytes */36"),
        ("bytes=-0", 416, "", "bytes */36"),
        ("bytes=3-2", 200, TEXT, ""),
        ("pages=1", 200, TEXT, ""),
    ] {
        let response = stage.get_with("/a", &format!("Range: {range}"));
        assert_eq!((response.status, &*response.text()), (status, body), "{range}");
        assert_eq!(response.header("content-range").unwrap_or_default(), content_range);
        let head = stage.ask("HEAD", "/a", &[format!("Range: {range}")]);
        assert_eq!((head.status, head.header("content-range")), (200, None), "only GET has ranges");
    }
    assert_eq!(stage.get("/a").header("accept-ranges"), Some("bytes"));
}

#[test]
fn several_parts() {
    let text = TEXT.repeat(10);
    let stage = Stage::new(&[("a.txt", &text)]);
    let response = stage.get_with("/a.txt", "Range: bytes=350-,0-3");
    let media_type = response.header("content-type").unwrap();
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range: &str, body: &str| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes {range}/360\r\n\r\n{body}\r\n"
        )
    };
    let wanted = format!("\r\n{}{}--{boundary}--\r\n", part("350-359", "qrstuvwxyz"), part("0-3", "0123"));
    assert_eq!((response.status, &*response.text()), (206, &*wanted));
    assert_eq!(response.header("content-length"), Some(&*wanted.len().to_string()));
    assert!(response.stays_open && !response.truncated);
}

#[test]
fn as_many_as_programs_ask_for_that_fetch_what_has_changed() {
    let stage = Stage::new(&[("a.txt", &TEXT.repeat(1000))]);
    let status = |count: usize| {
        let many: Vec<String> = (0..count).map(|n| format!("{}-{}", n * 200, n * 200)).collect();
        stage.get_with("/a.txt", &format!("Range: bytes={}", many.join(","))).status
    };
    assert_eq!([17, 20, 100, 101].map(status), [206, 206, 206, 200]);
}

#[test]
fn the_last_bytes_of_nothing_are_nothing() {
    let stage = Stage::new(&[("a", "")]);
    for (range, status) in [("bytes=-5", 200), ("bytes=-0", 416), ("bytes=0-", 416), ("bytes=0-,-1", 200)] {
        let response = stage.get_with("/a", &format!("Range: {range}"));
        assert_eq!((response.status, response.header("content-length")), (status, Some("0")), "{range}");
    }
}

#[test]
fn a_part_of_what_is_not_there_any_more_is_all_of_what_is() {
    let stage = Stage::new(&[("a", TEXT)]);
    let response = stage.get("/a");
    let (tag, date) = (response.header("etag").unwrap(), response.header("last-modified").unwrap());
    for (value, status) in [
        (tag.to_owned(), 206),
        (format!("W/{tag}"), 200),
        ("\"x\"".to_owned(), 200),
        (date.to_owned(), 206),
        ("Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 200),
        ("nonsense".to_owned(), 200),
    ] {
        let fields = ["Range: bytes=0-3".to_owned(), format!("If-Range: {value}")];
        assert_eq!(stage.ask("GET", "/a", &fields).status, status, "{value}");
    }
    // The other conditions take precedence.
    let fields = ["Range: bytes=0-3".to_owned(), format!("If-None-Match: {tag}")];
    assert_eq!(stage.ask("GET", "/a", &fields).status, 304);
}

#[test]
fn a_large_file_and_its_parts_are_sent_without_a_copy_and_whole() {
    let text = TEXT.repeat(100_000);
    let stage = Stage::new(&[("a", &text)]);
    assert!(stage.get("/a").text() == text);
    let response = stage.get_with("/a", "Range: bytes=1000-2000999,3000000-3500000");
    let body = response.text();
    assert!(body.contains(&text[1000..2_001_000]) && body.contains(&text[3_000_000..3_500_001]));
    assert_eq!(response.header("content-length"), Some(&*body.len().to_string()));
    assert!(!response.truncated);
}
