//! The source of a script is never sent, and only executable files are run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::LazyLock;

use proptest::prelude::*;

use crate::stage::Stage;

const SECRET: &str = "TOP SECRET";

/// With scripts that would reveal their secret only if sent as files, and links of all kinds to them.
static HOUSE: LazyLock<Stage> = LazyLock::new(|| {
    let stage = Stage::new();
    for path in ["cgi-bin/a.py", "cgi-bin/index.html", "cgi-bin/sub/b.sh", "htbin/c"] {
        stage.script(path, &format!(": {SECRET}; echo A: b; echo; echo ran"));
    }
    stage.file("cgi-bin/data.txt", SECRET);
    stage.file("page.txt", "page");
    for (to, name) in [
        ("cgi-bin", "alias"),
        ("cgi-bin/a.py", "a.txt"),
        ("../cgi-bin", "deep/up"),
        ("cgi-bin/sub", "sub"),
        ("page.txt", "link.txt"),
    ] {
        fs::create_dir_all(stage.path(name).parent().unwrap()).unwrap();
        symlink(to, stage.path(name)).unwrap();
    }
    fs::create_dir_all(stage.path("shop")).unwrap();
    symlink("../cgi-bin/a.py", stage.path("shop/index.html")).unwrap();
    fs::write(stage.path("compressed.txt"), "page").unwrap();
    symlink("cgi-bin/a.py", stage.path("compressed.txt.gz")).unwrap();
    stage
});

#[test]
fn links_into_a_script_folder_show_nothing() {
    for path in [
        "/alias/a.py",
        "/alias/",
        "/alias",
        "/alias/data.txt",
        "/a.txt",
        "/deep/up/a.py",
        "/sub/b.sh",
        "/shop/",
        "/shop/index.html",
        "/./alias/sub/b.sh",
    ] {
        let response = HOUSE.get(path);
        assert_eq!(response.status, 404, "{path}: {}", response.text());
    }
    assert_eq!(
        (HOUSE.get("/link.txt").text(), HOUSE.get("/page.txt").text()),
        ("page".into(), "page".into())
    );
}

#[test]
fn a_link_beside_a_file_that_would_be_sent_in_its_place_shows_nothing() {
    let now = std::fs::File::options().write(true).open(HOUSE.path("cgi-bin/a.py")).unwrap();
    // Only a twin that is not older than the file is sent in its place.
    now.set_modified(std::time::SystemTime::now()).unwrap();
    let response = HOUSE.request("GET", "/compressed.txt", "Accept-Encoding: gzip\r\n");
    assert_eq!((response.status, response.header("content-encoding")), (404, None), "{}", response.text());
}

#[test]
fn what_cannot_be_run() {
    for (path, status) in [
        ("/cgi-bin/nothing", 404),
        ("/cgi-bin/sub/nothing", 404),
        ("/cgi-bin/a.py/../nothing", 404),
        ("/cgi-bin/.hidden", 404),
        ("/cgi-bin/%00", 404),
        ("/cgi-bin/data.txt", 403),
        ("/cgi-bin/data.txt/info", 403),
        ("/cgi-bin/sub", 403),
        ("/cgi-bin/", 403),
        ("/cgi-bin", 301),
        ("/htbin/c/info", 200),
        ("/cgi-bin/index.html", 200),
    ] {
        assert_eq!(HOUSE.get(path).status, status, "{path}");
    }
}

#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let stage = Stage::new();
    fs::write(stage.outside().join("evil"), "#!/bin/sh\necho A: b; echo; echo ran").unwrap();
    fs::set_permissions(stage.outside().join("evil"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../../evil", stage.path("cgi-bin/evil")).unwrap();
    symlink("/bin/ls", stage.path("cgi-bin/ls")).unwrap();
    assert_eq!((stage.get("/cgi-bin/evil").status, stage.get("/cgi-bin/ls").status), (404, 404));
    nix::unistd::mkfifo(&stage.path("cgi-bin/pipe"), nix::sys::stat::Mode::from_bits_truncate(0o755))
        .unwrap();
    assert_eq!(stage.get("/cgi-bin/pipe").status, 404);
}

fn target() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "//",
        "cgi-bin",
        "CGI-BIN",
        "cgi%2dbin",
        "%63gi-bin",
        "a.py",
        "a.py",
        "A.PY",
        "a%2epy",
        "sub",
        "b.sh",
        "alias",
        "htbin",
        "c",
        "data.txt",
        "index.html",
        "shop",
        "deep",
        "up",
        "..",
        ".",
        "%2e%2e",
        "%2e",
        "%2f",
        "%2F",
        "%5c",
        "\\",
        "%00",
        "%20",
        "?",
        "#",
        "~",
        ".gz",
        "http://a/",
        ";",
        ":",
        "%",
    ]);
    prop::collection::vec(piece, 1..9).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn no_spelling_shows_the_source(target in target(), head in any::<bool>()) {
        let response = HOUSE.request(if head { "HEAD" } else { "GET" }, &target, "");
        prop_assert!(!response.text().contains(SECRET), "{target}");
        if !head && response.status == 200 && response.reason != "Script output follows" {
            prop_assert!(!response.text().contains("#!"), "{target}");
        }
    }
}
