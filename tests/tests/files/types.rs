//! The media types of files.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::Path;

use basehttp::SimpleHTTPRequestHandler;
use basehttp::prelude::*;
use basehttp::testing::respond;

use crate::stage::Stage;

#[test]
fn what_says_itself_how_it_is_encoded_is_believed() {
    let latin1 = "<!DOCTYPE html><meta charset=iso-8859-1><p>caf\u{e9}";
    let stage = Stage::new(&[
        ("own.html", latin1),
        ("other.html", "<p>caf\u{e9}"),
        ("a.xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>"),
        ("a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("a.txt", "text"),
        ("empty.html", ""),
    ]);
    for (path, media_type) in [
        ("/own.html", "text/html"),
        ("/other.html", "text/html; charset=utf-8"),
        ("/empty.html", "text/html; charset=utf-8"),
        ("/a.xml", "text/xml"),
        ("/a.svg", "image/svg+xml"),
        ("/a.txt", "text/plain; charset=utf-8"),
    ] {
        for method in ["GET", "HEAD"] {
            let response = stage.ask(method, path, &[]);
            assert_eq!(
                (response.status, response.header("content-type")),
                (200, Some(media_type)),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn players_get_the_types_that_they_take() {
    let stage =
        Stage::new(&[("a.m3u8", "#EXTM3U"), ("a.ts", "G"), ("a.m4a", "x"), ("a.mp4", "x"), ("a.svgz", "x")]);
    for (path, media_type, coding) in [
        ("/a.m3u8", "application/vnd.apple.mpegurl", None),
        ("/a.ts", "video/mp2t", None),
        ("/a.m4a", "audio/mp4", None),
        ("/a.mp4", "video/mp4", None),
        ("/a.svgz", "image/svg+xml", Some("gzip")),
    ] {
        let response = stage.get(path);
        assert_eq!(
            (response.header("content-type"), response.header("content-encoding")),
            (Some(media_type), coding),
            "{path}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_in_a_file_of_which_the_system_does_not_say_it_is_sent() {
    let mut stage = Stage::new(&[("empty", "")]);
    assert_eq!(stage.get("/empty").header("content-length"), Some("0"));
    stage.files = basehttp::Directory::open("/proc/self").unwrap();
    let response = stage.get("/status");
    assert_eq!(
        (response.status, response.header("last-modified"), response.header("etag")),
        (200, None, None)
    );
    assert!(response.text().starts_with("Name:"), "{}", response.text());
    assert_eq!(response.header("content-length"), Some(&*response.body.len().to_string()));
    let part = stage.get_with("/status", "Range: bytes=0-3");
    assert_eq!((part.status, &part.body[..5]), (200, &b"Name:"[..]));
    // Not every such file can be read.
    assert_eq!(stage.get("/mem").status, 500);
}

#[test]
fn what_a_handler_says_of_a_page_is_the_last_word() {
    struct Transcoded {
        base: SimpleHTTPRequestHandler,
    }

    #[http_handler(extends = SimpleHTTPRequestHandler)]
    impl Transcoded {
        fn guess_type(&self, path: &Path) -> Cow<'static, str> {
            if path.ends_with("old.html") {
                return "text/html; charset=utf-8".into();
            }
            SimpleHTTPRequestHandler::guess_type(self, path)
        }
    }

    let page = "<meta charset=iso-8859-1>";
    let stage = Stage::new(&[("old.html", page), ("other.html", page)]);
    let factory = |base| Transcoded { base: SimpleHTTPRequestHandler::new(base, &stage.files) };
    for (path, media_type) in [("/old.html", "text/html; charset=utf-8"), ("/other.html", "text/html")] {
        let responses = respond(factory, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
        assert_eq!(responses[0].header("content-type"), Some(media_type), "{path}");
    }
}

#[test]
fn what_is_compressed_by_itself_is_not_sent_compressed_once_more() {
    let mut stage = Stage::new(&[("a.svgz", "1"), ("a.svgz.gz", "2"), ("a.svg", "3"), ("a.svg.gz", "4")]);
    stage.files = stage.files.clone().precompressed(true);
    for (path, body) in [("/a.svgz", "1"), ("/a.svg", "4")] {
        let response = stage.get_with(path, "Accept-Encoding: gzip");
        assert_eq!((&*response.text(), response.header("content-encoding")), (body, Some("gzip")), "{path}");
    }
}

#[test]
fn a_folder_with_more_is_shown_by_pages() {
    let names: Vec<String> = (1..=70).map(|number| format!("f{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (&**name, "x")).collect();
    let mut stage = Stage::new(&files);
    std::fs::File::create(stage.path("f7 & more")).unwrap().write_all(b"y").unwrap();
    stage.files = stage.files.clone().max_entries(30);
    for sort in ["", "sort=size&order=desc", "sort=name&order=desc"] {
        let (mut query, mut seen) = (format!("?{sort}"), Vec::new());
        loop {
            let response = stage.get_with(&format!("/{query}"), "Accept: application/json");
            let list: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            let entries = list["entries"].as_array().unwrap();
            assert!(entries.len() <= 30);
            seen.extend(entries.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()));
            assert_eq!(list["more"], 71 - seen.len(), "{query}");
            let Some(next) = list["next"].as_str() else { break };
            query = next.to_owned();
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 71, "{sort}");
    }
    let first = stage.get_with("/", "Accept: text/html").text().into_owned();
    assert!(first.contains("And 41 more, by name"), "{first}");
}
