//! Files that are compiled into the program: `Assets`.

use std::io;

use basehttp::prelude::*;
use basehttp::testing::{Response, respond};
use basehttp::{Assets, SimpleHTTPRequestHandler};

use crate::stage::Stage;

const TEXT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// More than is sent in one turn.
static LARGE: [u8; 3_000_000] = [b'x'; 3_000_000];

static ASSETS: Assets = Assets::new(&[
    ("/index.html", b"<h1>root</h1>"),
    ("/a.txt", TEXT),
    ("/large.bin", &LARGE),
    ("/app.js", include_bytes!("assets.rs")),
    ("/app.js.gz", b"gzip of app.js, as it were"),
    ("/app.js.br", b"br of app.js"),
    ("/same.js", b"same"),
    ("/same.js.gz", b"same"),
    ("/picture.png", b"png"),
    ("/picture.png.gz", b"gzip of a picture"),
    ("/lonely.css.gz", b"gzip of nothing"),
    ("/noindex.html", b"no index page"),
    ("/docs/index.htm", b"<h1>docs</h1>"),
    ("/docs/a b.html", b"<meta charset=iso-8859-1>"),
    ("/docs/\u{e4}.txt", b"umlaut"),
    ("plain.json", b"{}"),
    ("/plain.json", b"the second one"),
    ("/.hidden", b"is meant"),
    ("/empty.txt", b""),
    ("/drawing.svgz", b"svg"),
    ("/firmware.fw", b"fw"),
]);

static TYPED: Assets = Assets::new(&[("/a.fw", b"1"), ("/a.js", b"2"), ("/a.gz", b"3")])
    .extensions_map(&[(".fw", "x/fw"), (".js", "x/js")]);

/// Has routes, and answers all other paths from the table.
struct App {
    base: BaseHTTPRequestHandler,
    assets: &'static Assets,
}

#[http_handler]
impl App {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&mut self) -> io::Result<()> {
        if self.path() == "/state" {
            self.send_response(200);
            self.end_headers()?;
            return write!(self.wfile, "on");
        }
        if self.assets.serve(self)? { Ok(()) } else { self.send_error((404, "Nothing of that name")) }
    }

    fn do_POST(&self) -> io::Result<()> {
        assert!(!self.assets.serve(self)?, "POST is no way to get a file");
        self.send_response(204);
        self.end_headers()
    }

    fn end_headers(&self) -> io::Result<()> {
        self.send_header("Cache-Control", "no-cache");
        BaseHTTPRequestHandler::end_headers(self)
    }
}

fn request(method: &str, target: &str, fields: &[&str]) -> String {
    let line = format!("{method} {target} HTTP/1.1");
    [&[&*line, "Host: a"], fields, &["", ""]].concat().join("\r\n")
}

fn ask(method: &str, target: &str, fields: &[&str]) -> Response {
    ask_of(&ASSETS, &request(method, target, fields))
}

fn ask_of(assets: &'static Assets, request: &str) -> Response {
    let mut responses = respond(|base| App { base, assets }, request.as_bytes());
    assert_eq!(responses.len(), 1, "{request}");
    responses.remove(0)
}

fn get(target: &str) -> Response {
    ask("GET", target, &[])
}

fn tag(target: &str, accepted: &str) -> String {
    ask("GET", target, &[&format!("Accept-Encoding: {accepted}")]).header("etag").unwrap().to_owned()
}

#[test]
fn what_is_in_the_table_is_sent_with_all_that_belongs_to_it() {
    let response = get("/a.txt");
    assert_eq!((response.status, &*response.body), (200, TEXT));
    for (name, value) in [
        ("content-type", Some("text/plain; charset=utf-8")),
        ("content-length", Some("36")),
        ("accept-ranges", Some("bytes")),
        ("last-modified", None),
        ("content-encoding", None),
        ("vary", None),
        ("cache-control", Some("no-cache")),
        // Another build has the same.
        ("etag", Some("\"6ec2b1dcf6d2252ab9c70ea62669c331\"")),
    ] {
        assert_eq!(response.header(name), value, "{name}");
    }
    assert!(response.stays_open);
    assert_eq!((get("/empty.txt").status, get("/empty.txt").header("content-length")), (200, Some("0")));
    assert!(get("/large.bin").body == LARGE);
}

#[test]
fn head_is_get_without_the_body() {
    for target in ["/a.txt", "/large.bin", "/", "/docs"] {
        let (get, head) = (get(target), ask("HEAD", target, &[]));
        assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{target}");
        assert!(head.body.is_empty() && head.stays_open, "{target}");
    }
}

#[test]
fn paths_and_the_files_they_lead_to() {
    for (target, status, text) in [
        ("/", 200, "<h1>root</h1>"),
        ("/?a=b", 200, "<h1>root</h1>"),
        ("http://a/", 200, "<h1>root</h1>"),
        ("/index.html", 200, "<h1>root</h1>"),
        ("/a.txt?v=1#part", 200, "0123456789abcdefghijklmnopqrstuvwxyz"),
        ("/%61.tx%74", 200, "0123456789abcdefghijklmnopqrstuvwxyz"),
        ("/docs/", 200, "<h1>docs</h1>"),
        ("/docs/index.htm", 200, "<h1>docs</h1>"),
        ("/docs/a%20b.html", 200, "<meta charset=iso-8859-1>"),
        ("/docs/%C3%a4.txt", 200, "umlaut"),
        ("/plain.json", 200, "{}"),
        ("/.hidden", 200, "is meant"),
        ("/state", 200, "on"),
        ("/docs", 301, ""),
        ("/docs?a", 301, ""),
    ] {
        let response = get(target);
        assert_eq!((response.status, &*response.text()), (status, text), "{target}");
    }
    assert_eq!(get("/docs?a").header("location"), Some("/docs/?a"));
    for target in [
        "/else",
        "/a.txt/",
        "/index.html/",
        "/A.TXT",
        "/docs//index.htm",
        "/docs/./index.htm",
        "/docs/../a.txt",
        "/docs/%2e%2e/a.txt",
        "/../a.txt",
        "/./",
        "/a.txt%00",
        "/%2561.txt",
        "/docs/%E4.txt",
        "/docs/else/",
        "/docs%2F",
        "/doc",
        "/no",
        "/lonely.css",
        "/%",
        "/%ff",
    ] {
        let response = ask("GET", target, &["Accept-Encoding: gzip, br"]);
        assert_eq!((response.status, response.header("etag")), (404, None), "{target}");
        assert!(response.text().contains("Nothing of that name"), "the handler's: {target}");
    }
}

#[test]
fn other_methods_are_the_handlers() {
    assert_eq!(ask("POST", "/a.txt", &["Content-Length: 0"]).status, 204);
    let response = ask("DELETE", "/a.txt", &[]);
    assert_eq!((response.status, response.header("allow")), (501, Some("GET, HEAD, POST")));
}

#[test]
fn conditions() {
    let tag = tag("/a.txt", "identity");
    let weak = format!("W/{tag}");
    for (fields, status) in [
        (vec![format!("If-None-Match: {tag}")], 304),
        (vec![format!("If-None-Match: {weak}")], 304),
        (vec![format!("If-None-Match: \"x\", {weak}")], 304),
        (vec!["If-None-Match: *".to_owned()], 304),
        (vec!["If-None-Match: \"x\"".to_owned()], 200),
        (vec![format!("If-Match: {tag}")], 200),
        (vec![format!("If-Match: {weak}")], 412),
        (vec!["If-Match: *".to_owned()], 200),
        (vec!["If-Match: \"x\"".to_owned()], 412),
        // It has no date.
        (vec!["If-Modified-Since: Sun, 06 Nov 2044 08:49:37 GMT".to_owned()], 200),
        (vec!["If-Unmodified-Since: Sun, 06 Nov 1904 08:49:37 GMT".to_owned()], 200),
    ] {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        for method in ["GET", "HEAD"] {
            let response = ask(method, "/a.txt", &fields);
            assert_eq!(response.status, status, "{method} {fields:?}");
            if status == 304 {
                assert_eq!(response.header("etag"), Some(&*tag));
                assert_eq!(response.header("cache-control"), Some("no-cache"));
                assert_eq!((response.header("content-length"), &*response.body), (None, &b""[..]));
            }
        }
    }
    // A missing file has no state.
    assert_eq!(ask("GET", "/else", &["If-None-Match: *"]).status, 404);
}

#[test]
fn parts() {
    let tag = tag("/a.txt", "identity");
    let of_tag = format!("If-Range: {tag}");
    let of_weak = format!("If-Range: W/{tag}");
    for (fields, status, text, content_range) in [
        (&["Range: bytes=0-3"][..], 206, "0123", Some("bytes 0-3/36")),
        (&["Range: bytes=-2"], 206, "yz", Some("bytes 34-35/36")),
        (&["Range: bytes=30-99"], 206, "uvwxyz", Some("bytes 30-35/36")),
        (&["Range: bytes=36-"], 416, "", Some("bytes */36")),
        (&["Range: bytes=0-0", &of_tag], 206, "0", Some("bytes 0-0/36")),
        (&["Range: bytes=0-0", &of_weak], 200, "0123456789abcdefghijklmnopqrstuvwxyz", None),
        (&["Range: bytes=0-0", "If-Range: \"x\""], 200, "0123456789abcdefghijklmnopqrstuvwxyz", None),
        (
            &["Range: bytes=0-0", "If-Range: Sun, 06 Nov 1994 08:49:37 GMT"],
            200,
            "0123456789abcdefghijklmnopqrstuvwxyz",
            None,
        ),
    ] {
        let response = ask("GET", "/a.txt", fields);
        assert_eq!((response.status, &*response.text()), (status, text), "{fields:?}");
        assert_eq!(response.header("content-range"), content_range, "{fields:?}");
        let head = ask("HEAD", "/a.txt", fields);
        assert_eq!((head.status, head.header("content-range")), (200, None), "only GET has ranges");
    }
    let part = ask("GET", "/large.bin", &["Range: bytes=100-2000099"]);
    assert!(part.status == 206 && part.body == LARGE[100..2_000_100]);
}

#[test]
fn several_parts() {
    let response = ask("GET", "/large.bin", &["Range: bytes=-4, 0-1, 1000-200999"]);
    let media_type = response.header("content-type").unwrap();
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range: &str, count: usize| {
        let body = "x".repeat(count);
        format!(
            "--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {range}/3000000\r\n\r\n{body}\r\n"
        )
    };
    let parts = [part("2999996-2999999", 4), part("0-1", 2), part("1000-200999", 200_000)].concat();
    assert_eq!(response.status, 206);
    assert!(response.text() == format!("\r\n{parts}--{boundary}--\r\n"));
    let many = |count: usize| {
        let ranges: Vec<String> = (0..count).map(|n| format!("{0}-{0}", n * 20_000)).collect();
        ask("GET", "/large.bin", &[&format!("Range: bytes={}", ranges.join(","))]).status
    };
    assert_eq!([100, 101].map(many), [206, 200]);
    // All of them are large: there is room for the pieces.
    let ranges: Vec<String> = (0..100).map(|n| format!("{}-{}", n * 30_000, n * 30_000 + 20_000)).collect();
    let response = ask("GET", "/large.bin", &[&format!("Range: bytes={}", ranges.join(","))]);
    assert!(response.status == 206 && response.body.len() > 2_000_000 && !response.truncated);
}

#[test]
fn compressed_files_are_sent_to_who_accepts_them() {
    for (target, accepted, coding, body) in [
        ("/app.js", "", None, &include_bytes!("assets.rs")[..]),
        ("/app.js", "deflate", None, include_bytes!("assets.rs")),
        ("/app.js", "gzip", Some("gzip"), b"gzip of app.js, as it were"),
        ("/app.js", "gzip, br, zstd", Some("br"), b"br of app.js"),
        ("/app.js", "gzip, br;q=0.5", Some("gzip"), b"gzip of app.js, as it were"),
        ("/app.js", "zstd", None, include_bytes!("assets.rs")),
        ("/app.js.gz", "gzip", None, b"gzip of app.js, as it were"),
        ("/picture.png", "gzip", None, b"png"),
        ("/drawing.svgz", "identity", Some("gzip"), b"svg"),
    ] {
        let response = ask("GET", target, &[&format!("Accept-Encoding: {accepted}")]);
        assert_eq!(
            (response.status, response.header("content-encoding")),
            (200, coding),
            "{target} {accepted}"
        );
        assert!(response.body == body, "{target} {accepted}");
        let varies = (target == "/app.js").then_some("Accept-Encoding");
        assert_eq!(response.header("vary"), varies, "{target} {accepted}");
        let is_js = response.header("content-type") == Some("text/javascript; charset=utf-8");
        assert_eq!(is_js, target == "/app.js", "the type is that of the file itself: {target} {accepted}");
    }
    let tags = ["identity", "gzip", "br"].map(|accepted| tag("/app.js", accepted));
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2]);
    let of_its_own = tag("/app.js.gz", "identity").replace('"', "");
    assert_eq!(tags[1], format!("\"{of_its_own}-gzip\""), "made of what is sent");
    assert_ne!(tag("/same.js", "identity"), tag("/same.js", "gzip"), "two codings are two representations");
}

#[test]
fn conditions_and_parts_are_those_of_the_compressed_file() {
    let tags = ["identity", "gzip"].map(|accepted| tag("/app.js", accepted));
    let none_match = tags.clone().map(|tag| format!("If-None-Match: {tag}"));
    let of_tag = tags.map(|tag| format!("If-Range: {tag}"));
    let gzip = "Accept-Encoding: gzip";
    let response = ask("GET", "/app.js", &[gzip, &none_match[1]]);
    assert_eq!((response.status, response.header("vary")), (304, Some("Accept-Encoding")));
    assert_eq!(ask("GET", "/app.js", &[gzip, &none_match[0]]).status, 200);
    assert_eq!(ask("GET", "/app.js", &[&none_match[0]]).status, 304);
    let response = ask("GET", "/app.js", &[gzip, "Range: bytes=0-3", &of_tag[1]]);
    assert_eq!((response.status, &*response.text()), (206, "gzip"));
    assert_eq!(response.header("content-range"), Some("bytes 0-3/26"));
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    let response = ask("GET", "/app.js", &[gzip, "Range: bytes=0-3", &of_tag[0]]);
    assert_eq!((response.status, response.body.len()), (200, 26), "that was a part of another one");
}

#[test]
fn types_are_those_of_the_file_handler_or_ones_own() {
    for (target, media_type) in [
        ("/docs/a%20b.html", "text/html"),
        ("/", "text/html; charset=utf-8"),
        ("/plain.json", "application/json"),
        ("/app.js.gz", "application/gzip"),
        ("/firmware.fw", "application/octet-stream"),
    ] {
        assert_eq!(get(target).header("content-type"), Some(media_type), "{target}");
    }
    for (target, media_type) in [("/a.fw", "x/fw"), ("/a.js", "x/js"), ("/a.gz", "application/gzip")] {
        let response = ask_of(&TYPED, &request("GET", target, &[]));
        assert_eq!(response.header("content-type"), Some(media_type), "{target}");
    }
}

/// Does not support HTTP/1.1.
struct Old {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Old {
    fn do_GET(&self) -> io::Result<()> {
        ASSETS.serve(self).map(drop)
    }
}

#[test]
fn old_clients_and_old_handlers() {
    let response = ask_of(&ASSETS, "GET /a.txt HTTP/1.0\r\nRange: bytes=0-3\r\n\r\n");
    assert_eq!((response.status, &*response.text(), response.stays_open), (206, "0123", false));
    assert!(ask_of(&ASSETS, "GET /large.bin HTTP/1.0\r\n\r\n").body == LARGE);
    let responses = respond(|base| App { base, assets: &ASSETS }, b"GET /a.txt\r\n");
    assert_eq!(responses[0].body, TEXT, "HTTP/0.9");

    let old = |field| respond(|base| Old { base }, request("GET", "/a.txt", &[field]).as_bytes()).remove(0);
    assert_eq!(old("If-None-Match: *").status, 200, "as Python has it");
    let known = format!("If-None-Match: {}", tag("/a.txt", "identity"));
    let response = respond(|base| Old { base }, request("GET", "/a.txt", &[&known]).as_bytes()).remove(0);
    assert_eq!((response.status, response.stays_open), (304, false));
}

#[test]
fn requests_behind_each_other_are_answered_in_order() {
    let requests = [
        request("GET", "/large.bin", &[]),
        request("HEAD", "/large.bin", &[]),
        request("GET", "/a.txt", &["Range: bytes=0-0"]),
        request("GET", "/else", &[]),
    ];
    let responses = respond(|base| App { base, assets: &ASSETS }, requests.concat().as_bytes());
    let sent: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(sent, [200, 200, 206, 404]);
    assert!(responses[0].body == LARGE && responses[2].body == b"0");
}

#[test]
fn a_table_and_a_folder() {
    struct Both {
        base: SimpleHTTPRequestHandler,
    }

    #[http_handler(extends = SimpleHTTPRequestHandler)]
    impl Both {
        fn do_GET(&mut self) -> io::Result<()> {
            if ASSETS.serve(self)? { Ok(()) } else { SimpleHTTPRequestHandler::do_GET(self) }
        }
    }

    let stage = Stage::new(&[("a.txt", "of the folder"), ("b.txt", "of the folder")]);
    let ask = |target: &str| {
        let factory = |base| Both { base: SimpleHTTPRequestHandler::new(base, &stage.files) };
        respond(factory, request("GET", target, &[]).as_bytes()).remove(0).body
    };
    assert_eq!((ask("/a.txt"), ask("/b.txt")), (TEXT.to_vec(), b"of the folder".to_vec()));
}

#[test]
fn it_is_as_from_a_folder() {
    let text = String::from_utf8(TEXT.to_vec()).unwrap();
    let js = include_str!("assets.rs");
    let stage = Stage::new(&[
        ("index.html", "<h1>root</h1>"),
        ("a.txt", &text),
        ("app.js", js),
        ("app.js.gz", "gzip of app.js, as it were"),
        ("app.js.br", "br of app.js"),
        ("docs/index.htm", "<h1>docs</h1>"),
        ("drawing.svgz", "svg"),
    ]);
    let targets = ["/", "/a.txt", "/app.js", "/app.js.gz", "/docs", "/docs/", "/drawing.svgz", "/a.txt/"];
    let fields = [
        "Accept: */*",
        "Accept-Encoding: gzip",
        "Accept-Encoding: br;q=0.1, gzip;q=0.2",
        "Range: bytes=1-3",
        "Range: bytes=5000000-",
        "Range: bytes=9-1",
        "If-None-Match: *",
        "If-Match: \"x\"",
    ];
    let names =
        ["content-type", "content-length", "content-encoding", "content-range", "accept-ranges", "location"];
    for (target, field) in targets.iter().flat_map(|target| fields.map(|field| (target, field))) {
        for method in ["GET", "HEAD"] {
            let of_folder = stage.ask(method, target, &[field.to_owned()]);
            let of_table = ask(method, target, &[field]);
            assert_eq!(of_table.status, of_folder.status, "{method} {target} {field}");
            if of_table.status >= 404 && of_table.status != 416 {
                continue;
            }
            assert!(of_table.body == of_folder.body, "{method} {target} {field}");
            for name in names {
                assert_eq!(
                    of_table.header(name),
                    of_folder.header(name),
                    "{name}: {method} {target} {field}"
                );
            }
            assert_eq!(of_table.header("etag").is_some(), of_folder.header("etag").is_some());
        }
    }
}

#[test]
fn the_table_can_be_looked_at() {
    assert_eq!(TYPED.paths().collect::<Vec<_>>(), ["/a.fw", "/a.js", "/a.gz"]);
    assert_eq!(format!("{TYPED:?}"), "[\"/a.fw\", \"/a.js\", \"/a.gz\"]");
    assert_eq!((ASSETS.get("/a.txt"), ASSETS.get("/docs/")), (Some(TEXT), None));
    assert_eq!(ASSETS.get("/plain.json"), Some(&b"{}"[..]), "the first of two");
}
