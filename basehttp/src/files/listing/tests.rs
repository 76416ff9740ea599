use std::ffi::OsString;
use std::time::{Duration, UNIX_EPOCH};

use super::folder::Stamp;
use super::lists::Lists;
use super::order::sort;
use super::*;

fn entry(name: &str, is_directory: bool, size: u64, seconds: u64) -> Entry {
    let modified = Some(UNIX_EPOCH + Duration::from_secs(seconds));
    Entry { name: OsString::from(name), is_directory, is_link: false, size, modified }
}

fn listing(target: &str, entries: &[Entry], more: usize) -> Listing {
    let order = Order::of(query_of(target));
    let mut folder = Lists::default().begin(usize::MAX, Stamp::NONE);
    (folder.more, folder.order) = (more, order);
    folder.last = entries.last().map(|entry| entry.name.clone());
    assert!(entries.iter().all(|entry| folder.push(entry.clone())));
    sort(&mut folder.entries, order);
    Listing::new(target, order, Arc::new(folder))
}

fn page(target: &str, entries: &[Entry]) -> String {
    String::from_utf8(listing(target, entries, 0).html()).unwrap()
}

#[test]
fn the_title_is_what_was_asked_for_and_the_links_are_relative() {
    let html = page("/a%20%3Cb%3E/?c=d&e", &[entry("x y.txt", false, 5, 0), entry("sub", true, 0, 0)]);
    assert_eq!(html.matches("Directory listing for /a &lt;b&gt;/?c=d&amp;e<").count(), 2, "{html}");
    assert!(html.contains("<a href=\"x%20y.txt\"><bdi>x y.txt</bdi></a>"), "{html}");
    assert!(html.contains("<a href=\"sub/\"><bdi>sub</bdi>/</a>"));
    assert!(html.contains("<a href=\"../\">top</a> / <span aria-current=\"page\">a &lt;b&gt;</span>"));
    assert!(html.contains("<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00</time>"));
    assert!(!page("/", &[]).contains("href=\"../\""));
    assert!(page("/", &[]).contains("This folder is empty."));
}

#[test]
fn a_path_is_shown_as_it_is_called_however_it_was_sent() {
    // Encoded, raw as it arrives from the wire (in Latin-1), and as a handler may have set it.
    for path in ["/d%C3%A9j%C3%A0/", "/d\u{c3}\u{a9}j\u{c3}\u{a0}/", "/d\u{e9}j\u{e0}/"] {
        let listing = listing(path, &[], 0);
        let html = String::from_utf8(listing.html()).unwrap();
        assert!(html.contains("Directory listing for /d\u{e9}j\u{e0}/<"), "{html}");
        assert!(html.contains("<span aria-current=\"page\">d\u{e9}j\u{e0}</span>"), "{html}");
        assert!(listing.json().starts_with("{\"path\":\"/d\u{e9}j\u{e0}/\""), "{}", listing.json());
    }
}

#[test]
fn the_query_says_the_order() {
    let entries = [
        entry("b", false, 1, 30),
        entry("a", false, 3, 10),
        entry("c", false, 2, 20),
        entry("z", true, 9, 99),
    ];
    for (query, wanted) in [
        ("", "zabc"),
        ("sort=name&order=desc", "zcba"),
        ("sort=size", "zbca"),
        ("sort=size&order=desc", "zacb"),
        ("sort=date", "zacb"),
        ("order=desc&sort=date", "zbca"),
        ("sort=nothing", "zabc"),
    ] {
        let listing = listing(&format!("/?{query}"), &entries, 0);
        let names: Vec<&str> =
            listing.folder.entries.iter().map(|entry| entry.name.to_str().unwrap()).collect();
        assert_eq!(names.concat(), wanted, "{query}");
    }
    let html = page("/?sort=size", &entries);
    assert!(
        html.contains("<th scope=\"col\" aria-sort=\"ascending\"><a href=\"?sort=size&amp;order=desc\">Size")
    );
    assert!(html.contains("<h1>Directory listing for /</h1>"));
}

#[test]
fn as_json_where_that_is_preferred() {
    for (accept, json) in [
        ("application/json", true),
        ("application/json, text/html;q=0.9", true),
        ("text/html, application/json", false),
        ("*/*", false),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false),
        ("application/*", true),
        ("application/json;q=0", false),
        ("", false),
    ] {
        assert_eq!(prefers_json(&[accept.as_bytes()]), json, "{accept}");
    }
    let listing = listing("/d%C3%A4/", &[entry("\"a\"", false, 5, 0), entry("s", true, 4096, 0)], 3);
    let json: serde_json::Value = serde_json::from_str(&listing.json()).unwrap();
    assert_eq!(json["path"], "/d\u{e4}/");
    assert_eq!(json["more"], 3);
    // Folders first.
    let (folder, file) = (&json["entries"][0], &json["entries"][1]);
    assert_eq!(
        (&file["name"], &file["href"], &file["size"]),
        (&"\"a\"".into(), &"%22a%22".into(), &5.into())
    );
    assert_eq!(file["modified"], "1970-01-01T00:00:00Z");
    assert_eq!((&folder["type"], folder["size"].is_null()), (&"directory".into(), true));
}

#[test]
fn what_is_not_shown_is_said() {
    let entries = [entry("a", false, 1, 0), entry("x&y", false, 1, 0)];
    let listing = listing("/?sort=size&order=desc", &entries, 12_345);
    let html = String::from_utf8(listing.html()).unwrap();
    let next = "?sort=size&amp;order=desc&amp;after=x%26y";
    assert!(
        html.contains(&format!("And 12345 more, by name: <a href=\"{next}\">the next ones</a>.")),
        "{html}"
    );
    let json: serde_json::Value = serde_json::from_str(&listing.json()).unwrap();
    assert_eq!((&json["more"], &json["next"]), (&12_345.into(), &"?sort=size&order=desc&after=x%26y".into()));
    assert!(!page("/", &entries).contains("more"));
}

#[test]
fn a_path_that_leads_around_costs_nothing() {
    for target in ["/a/./b//c/../", "/a/%2e/b/x/y/%2E%2e/.%2e/", "//a//b//"] {
        let html = page(target, &[]);
        assert!(html.contains("<h1>Directory listing for /a/b/</h1>"), "{html}");
        let above =
            "<a href=\"../../\">top</a> / <a href=\"../\">a</a> / <span aria-current=\"page\">b</span>";
        assert!(html.contains(above), "{html}");
        let json: serde_json::Value = serde_json::from_str(&listing(target, &[], 0).json()).unwrap();
        assert_eq!(json["path"], "/a/b/");
    }
    let usual = page("/", &[]).len();
    for around in ["./", "/", "a/../"] {
        assert_eq!(page(&format!("/{}", around.repeat(13_000)), &[]).len(), usual, "{around}");
    }
    // Such a folder hardly exists, but an override may claim it.
    let deep = page(&format!("/{}", "a/".repeat(30_000)), &[]);
    assert!(deep.len() < 200_000 && deep.contains("top</a> / \u{2026} / <a"), "{}", deep.len());
    assert!(!page(&format!("/{}", "a/".repeat(64)), &[]).contains("\u{2026} / "));
}

#[test]
fn of_what_was_asked_for_some_is_shown() {
    let html = page(&format!("/?{}", "\u{e4}".repeat(60_000)), &[]);
    assert!(html.len() < 10_000 && html.contains("\u{e4}\u{2026}</h1>"), "{}", html.len());
    let html = page(&format!("/?{}", "x".repeat(998)), &[]);
    assert!(html.contains("x</h1>"), "all of it fits");
}

#[test]
fn what_is_shared_and_what_is_not_are_the_whole_together() {
    let entries = [entry("a", false, 5, 0), entry("s", true, 0, 0)];
    let listing = listing("/b/", &entries, 7).with("<p>extra</p>");
    let lines = listing.folder.clone().form(Form::Html, page::row, page::end).unwrap();
    assert_eq!([&listing.html_top(), lines.as_bytes()].concat(), listing.html());
    let lines = listing.folder.clone().form(Form::Json, json_row, json_end).unwrap();
    assert_eq!([&listing.json_top(), lines.as_bytes()].concat(), listing.json().into_bytes());
    let again = listing.folder.clone().form(Form::Json, json_row, json_end).unwrap();
    assert_eq!(lines.as_bytes().as_ptr(), again.as_bytes().as_ptr(), "one copy");
}
