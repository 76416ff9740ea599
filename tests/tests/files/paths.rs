//! Which files exist, and which do not.

use std::fs;

use basehttp::{Directory, FileHandler};
use proptest::prelude::*;

use crate::stage::Stage;

const SECRET: &str = "nobody is to see this";

#[test]
fn files_folders_and_what_is_neither() {
    let stage = Stage::new(&[
        ("a.html", "page"),
        ("sub/index.html", "index"),
        ("sub/b", "b"),
        ("old/index.htm", "htm"),
    ]);
    for (target, status, body) in [
        ("/a.html", 200, "page"),
        ("/a.html?query", 200, "page"),
        ("/a%2ehtml", 200, "page"),
        ("/./sub/../a.html", 200, "page"),
        ("/sub/", 200, "index"),
        ("/sub/b", 200, "b"),
        ("//sub//b", 200, "b"),
        ("http://a/sub/b", 200, "b"),
        ("/old/", 200, "htm"),
    ] {
        let response = stage.get(target);
        assert_eq!((response.status, &*response.text()), (status, body), "{target}");
        let head = stage.ask("HEAD", target, &[]);
        assert_eq!(head.header("content-length"), Some(&*body.len().to_string()));
    }
    for target in ["/a.html/", "/b", "/sub/b/c", "/a%00", "/%ff", "/.hidden", "/sub/.git/config"] {
        let response = stage.get(target);
        assert_eq!((response.status, &*response.reason), (404, "File not found"), "{target}");
        assert!(response.text().contains("File not found"));
    }
    let long = format!("/{}", "x".repeat(5000));
    assert_eq!(stage.get(&long).status, 404);
}

#[test]
fn a_folder_has_a_slash_at_its_end() {
    let stage = Stage::new(&[("sub/b", "b"), ("a b/c", "c")]);
    for (target, location) in [
        ("/sub", "/sub/"),
        ("/sub?a=b", "/sub/?a=b"),
        ("//sub", "/sub/"),
        ("/a%20b", "/a%20b/"),
        ("http://a/sub?c", "http://a/sub/?c"),
    ] {
        let response = stage.get(target);
        assert_eq!((response.status, response.header("location")), (301, Some(location)), "{target}");
        assert_eq!(response.header("content-length"), Some("0"));
    }
}

#[cfg(unix)]
#[test]
fn a_redirect_does_not_lead_to_another_host_by_a_backslash() {
    let stage = Stage::new(&[("\\host/b", "b")]);
    let response = stage.get("/\\host");
    assert_eq!((response.status, response.header("location")), (301, Some("/%5Chost/")));
    assert_eq!(stage.get("/%5chost/b").text(), "b");
}

#[test]
fn other_methods_are_not_there() {
    let stage = Stage::new(&[("a", "a")]);
    let response = stage.ask("POST", "/a", &[]);
    assert_eq!((response.status, response.header("allow")), (501, Some("GET, HEAD")));
}

#[test]
fn what_begins_with_a_dot_is_served_where_that_is_said() {
    let stage =
        Stage::new(&[(".env", SECRET), (".git/config", SECRET), (".well-known/a", "known"), ("a", "a")]);
    assert_eq!(stage.get("/.well-known/a").text(), "known");
    let listing = stage.get("/").text().into_owned();
    assert!(listing.contains(".well-known") && !listing.contains(".env") && !listing.contains(".git"));
    let files = stage.files.clone().dotfiles(true);
    let responses = basehttp::testing::respond(
        move |base| FileHandler::new(base, &files),
        b"GET /.env HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(responses[0].text(), SECRET);
    assert!(responses[1].text().contains(".git"));
}

#[test]
fn settings_that_a_directory_has() {
    let stage = Stage::new(&[("a", "a"), ("sub/b", "b")]);
    let ask = |files: Directory, target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        basehttp::testing::respond(move |base| FileHandler::new(base, &files), request.as_bytes()).remove(0)
    };
    assert_eq!(ask(stage.files.clone().listing(false), "/").status, 404);
    let whole = ask(stage.files.clone().max_ranges(0), "/a");
    assert_eq!(whole.header("accept-ranges"), None);
    let cached = ask(stage.files.clone().cache_control("max-age=60").unwrap(), "/a");
    assert_eq!(cached.header("cache-control"), Some("max-age=60"));
    assert!(stage.files.clone().cache_control("a\r\nb: c").is_err());
    assert!(ask(stage.files.clone().max_entries(1), "/").text().contains("And 1 more"));
    let error = Directory::open(stage.path("nothing")).unwrap_err().to_string();
    assert!(error.contains("nothing"), "{error}");
    let error = Directory::open(stage.path("a")).unwrap_err();
    assert!(error.to_string().contains(stage.path("a").to_str().unwrap()), "{error}");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_devices() {
    use std::os::unix::fs::symlink;

    let stage = Stage::new(&[("a", "a"), ("sub/b", "b")]);
    fs::write(stage.outside().join("secret"), SECRET).unwrap();
    for (to, name) in
        [("a", "in"), ("../a", "sub/up"), ("../secret", "out"), ("/dev/zero", "zero"), ("loop", "loop")]
    {
        symlink(to, stage.path(name)).unwrap();
    }
    nix_mkfifo(&stage.path("pipe"));
    for (target, status) in
        [("/in", 200), ("/sub/up", 200), ("/out", 404), ("/zero", 404), ("/loop", 404), ("/pipe", 404)]
    {
        assert_eq!(stage.get(target).status, status, "{target}");
    }
    let listing = stage.get("/").text().into_owned();
    assert!(
        listing.contains("href=\"in\"") && !listing.contains("href=\"out\"") && !listing.contains("pipe"),
        "{listing}"
    );
    let files = stage.files.clone().follow_links_outside(true);
    let response = basehttp::testing::respond(
        move |base| FileHandler::new(base, &files),
        b"GET /out HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(response[0].text(), SECRET);
}

#[cfg(unix)]
fn nix_mkfifo(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()));
}

/// As an absolute link that leads inside, which the system by itself would refuse.
#[cfg(unix)]
#[test]
fn an_absolute_link_into_the_folder_is_followed_and_listed() {
    use std::os::unix::fs::symlink;

    let stage = Stage::new(&[("a", "abc"), ("sub/b", "b")]);
    fs::write(stage.outside().join("secret"), SECRET).unwrap();
    symlink(stage.path("a"), stage.path("in")).unwrap();
    symlink(stage.path("sub"), stage.path("folder")).unwrap();
    symlink(stage.outside().join("secret"), stage.path("out")).unwrap();
    assert_eq!(stage.get("/in").text(), "abc");
    assert_eq!(stage.get("/folder/b").text(), "b");
    assert_eq!(stage.get("/out").status, 404);
    let mut entries = stage.files.read_dir(".".as_ref()).unwrap().0;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name.to_str().unwrap(), entry.is_directory, entry.is_link))
        .collect();
    let wanted = [("a", false, false), ("folder", true, true), ("in", false, true), ("sub", true, false)];
    assert_eq!(told, wanted);
    assert_eq!(entries[2].size, 3, "that of the file, and not of the link");
}

/// A renamed folder is the same folder, whatever is in its old place.
#[cfg(unix)]
#[test]
fn a_folder_that_is_renamed_is_served_and_listed_on() {
    let stage = Stage::new(&[("a", "old"), ("sub/b", "b")]);
    fs::rename(stage.path(""), stage.outside().join("elsewhere")).unwrap();
    fs::create_dir(stage.path("")).unwrap();
    fs::write(stage.path("a"), "new one").unwrap();
    assert_eq!(stage.get("/a").text(), "old");
    assert_eq!(stage.files.open_file("a").unwrap().metadata().unwrap().len(), 3);
    assert!(stage.files.open_file("sub").is_err() && stage.files.open_file("../root/a").is_err());
    let anywhere = stage.files.clone().follow_links_outside(true);
    assert_eq!(anywhere.open_file("a").unwrap().metadata().unwrap().len(), 3);
    let listing = stage.get("/").text().into_owned();
    assert!(listing.contains("href=\"sub/\""), "{listing}");
}

#[cfg(unix)]
#[test]
fn an_index_page_that_is_none_is_not_there() {
    let stage = Stage::new(&[("sub/b", "b"), ("deep/index.html/c", "c"), ("deep/index.htm", "htm")]);
    std::os::unix::fs::symlink("index.html", stage.path("sub/index.html")).unwrap();
    let response = stage.get("/sub/");
    assert_eq!((response.status, response.text().contains("href=\"b\"")), (200, true));
    assert_eq!(stage.get("/deep/").text(), "htm");
}

/// Root may read everything, so another user serves.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_must_not_be_read_is_403() {
    use std::os::unix::fs::PermissionsExt;

    use basehttp_tests::child::Launch;

    let folder = tempfile::tempdir().unwrap();
    for (name, mode) in [("a", 0o000), ("b", 0o444), ("", 0o755)] {
        let path = folder.path().join(name);
        if !name.is_empty() {
            fs::write(&path, name).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let launch = Launch::of(env!("CARGO_BIN_EXE_limited")).variable("LIMITED_FOLDER", folder.path());
    let server = launch.unprivileged().start();
    let ask = |path: &str| {
        server.connect().unwrap().ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).status_line
    };
    assert_eq!(ask("/b"), "HTTP/1.1 200 OK");
    assert_eq!(ask("/a"), "HTTP/1.1 403 No permission to read file");
}

fn target() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", "..", ".", "%2e", "%2f", "%5c", "\\", "%00", "%", "out", "up", "root", "secret", "sub", "?",
        "#", "%c0%ae", "%25", "%252e", "//", "~", "proc", "self", "C:", ":", "%3a", "$DATA", "NUL", "%20",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_from_outside_is_ever_sent(targets in prop::collection::vec(target(), 1..40)) {
        let stage = Stage::new(&[("a", "a"), ("sub/b", "b")]);
        fs::write(stage.outside().join("secret"), SECRET).unwrap();
        #[cfg(unix)]
        for (to, name) in [("..", "up"), ("../secret", "out"), ("../..", "sub/up"), ("/", "sub/root"), ("/proc/self/cwd", "sub/proc")] {
            std::os::unix::fs::symlink(to, stage.path(name)).unwrap();
        }
        for target in targets {
            let response = stage.get(&target);
            prop_assert!(!response.text().contains(SECRET), "{}", target);
            prop_assert!(response.status != 500, "{}", target);
        }
    }
}
