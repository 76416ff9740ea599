//! What only Windows has: drives, shares, streams, devices, second names, locks.

use std::fs::{self, File};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use basehttp::prelude::*;
use basehttp::testing::respond;
use basehttp::{Directory, SimpleHTTPRequestHandler};

use crate::stage::{Stage, set_modified};

const SECRET: &str = "nobody is to see this";

/// A folder with files, some of which are hidden, and a secret beside it.
fn stage() -> Stage {
    let files = [
        ("a.txt", "text of a"),
        ("sub/b", "b"),
        (".env", SECRET),
        (".git/config", SECRET),
        (".git/a file with a long name", SECRET),
        ("a folder with a long name/file with a long name.html", "long"),
    ];
    let stage = Stage::new(&files);
    fs::write(stage.outside().join("secret"), SECRET).unwrap();
    stage
}

/// A path as the text of a target, with slashes or with encoded backslashes.
fn encoded(path: &Path, separator: &str) -> String {
    path.to_str().unwrap().replace(' ', "%20").replace('?', "%3f").replace('\\', separator)
}

/// Checks that neither the handler nor its double for other methods finds anything.
fn check_absent(stage: &Stage, target: &str) {
    for method in ["GET", "HEAD"] {
        let response = stage.ask(method, target, &[]);
        assert_eq!(response.status, 404, "{target}: {}", response.text());
        assert!(!response.text().contains(SECRET), "{target}");
    }
}

#[test]
fn no_path_leads_to_a_drive_a_share_a_stream_or_a_device() {
    let stage = stage();
    for target in [
        "/..\\secret",
        "/..%5csecret",
        "/%2e%2e%5csecret",
        "/sub%5c..%5c..%5csecret",
        "/sub/..%5c..%5csecret",
        "/sub%5cb",
        "/C:",
        "/C:/",
        "/c:secret",
        "/C:/windows/win.ini",
        "/C:%5cwindows%5cwin.ini",
        "/%5cwindows%5cwin.ini",
        "/%5c%5c127.0.0.1%5cc$%5csecret",
        "/%5c%5c%3f%5cC:%5cwindows%5cwin.ini",
        "/%5c%5c.%5cC:%5cwindows%5cwin.ini",
        "/%5c%3f%3f%5cC:%5cwindows%5cwin.ini",
        "//127.0.0.1/c$/secret",
        "//%3f/C:/windows/win.ini",
        "/a.txt::$DATA",
        "/a.txt%3a%3a$DATA",
        "/a.txt:",
        "/a.txt:stream",
        "/.env::$DATA",
        "/sub::$INDEX_ALLOCATION/b",
        "/sub:$I30:$INDEX_ALLOCATION/b",
        "/CON",
        "/con",
        "/nul",
        "/NUL.txt",
        "/nul%20.txt",
        "/nul.",
        "/sub/aux",
        "/prn",
        "/COM1",
        "/com9.log",
        "/LPT1",
        "/com%c2%b9",
        "/CONIN$",
        "/conout$",
        "/a.txt.",
        "/a.txt%2e",
        "/a.txt...",
        "/a.txt%20",
        "/a.txt%20.",
        "/sub./b",
        "/sub%20/b",
        "/.env.",
        "/.git%20/config",
        "/.git./config",
        "/a.t*",
        "/a.t%3ft",
        "/a.t%3e",
        "/a.%3c",
        "/a%22txt",
        "/a%7ctxt",
        "/a.txt%01",
        "/%e4",
        "/%ed%a0%80",
    ] {
        check_absent(&stage, target);
    }
    // The whole path of what is there and of what is secret, in each notation.
    for path in [stage.outside().join("secret"), stage.path("a.txt").canonicalize().unwrap()] {
        for separator in ["/", "%5c"] {
            let path = encoded(&path, separator);
            for target in [format!("/{path}"), format!("//{path}"), format!("/%5c%5c%3f%5c{path}")] {
                check_absent(&stage, &target);
            }
        }
    }
    assert_eq!(stage.get("/a.txt").text(), "text of a");
    assert_eq!(stage.get("/...%20..a").status, 404);
}

/// A handler that takes the target for a path as it is.
struct Trusting {
    base: SimpleHTTPRequestHandler,
    path: PathBuf,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Trusting {
    fn translate_path(&self, _path: &str) -> Option<PathBuf> {
        Some(self.path.clone())
    }
}

#[test]
fn a_path_of_an_override_leads_nowhere_else_either() {
    let stage = stage();
    let secret = stage.outside().join("secret");
    let verbatim = secret.canonicalize().unwrap();
    let paths = [
        Path::new("..\\secret"),
        Path::new("sub\\..\\..\\secret"),
        Path::new("sub/../../secret"),
        &secret,
        &verbatim,
        Path::new("\\secret"),
        Path::new("C:secret"),
        Path::new("C:"),
        Path::new("a.txt::$DATA"),
        Path::new("a.txt:stream"),
        Path::new("sub\\..\\a.txt::$DATA"),
        Path::new("NUL"),
        Path::new("sub\\con"),
        Path::new("a.txt."),
        Path::new("a.txt "),
        Path::new(".env"),
        Path::new("sub\\.\\..\\.env"),
        Path::new(".git\\config"),
    ];
    for path in paths {
        for outside in [false, true] {
            let files = stage.files.clone().follow_links_outside(outside);
            assert!(files.open_file(path).is_err(), "{}", path.display());
            let factory =
                |base| Trusting { base: SimpleHTTPRequestHandler::new(base, &files), path: path.to_owned() };
            let responses = respond(factory, b"GET / HTTP/1.0\r\n\r\n");
            assert_eq!(responses[0].status, 404, "{}", path.display());
        }
    }
    assert!(stage.files.open_file("sub\\b").is_ok() && stage.files.open_file(".\\sub/b").is_ok());
}

#[test]
fn upper_and_lower_case_are_the_same_and_hide_the_same() {
    let stage = stage();
    assert_eq!(stage.get("/A.TXT").text(), "text of a");
    assert_eq!(stage.get("/SUB/B").text(), "b");
    for target in ["/.ENV", "/.Git/config", "/.GIT/CONFIG", "/.WELL-KNOWN/../.env"] {
        check_absent(&stage, target);
    }
}

/// The second name of a file or folder, if the file system gives one.
fn short_name(path: &Path) -> Option<String> {
    let mut command = Command::new("cmd");
    command.args(["/d", "/c", "dir", "/a", "/x"]).arg(path.parent()?);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // Its last two columns are the second name and the first one.
    let long = path.file_name()?.to_str()?;
    let before = text.lines().find_map(|line| line.trim_end().strip_suffix(long)?.strip_suffix(' '))?;
    before.split_whitespace().next_back().filter(|name| name.contains('~')).map(str::to_owned)
}

#[test]
fn a_second_name_does_not_reach_what_the_first_one_hides() {
    let stage = stage();
    let long = short_name(&stage.path("a folder with a long name"));
    let (git, env) = (short_name(&stage.path(".git")), short_name(&stage.path(".env")));
    // Where the system has no such names, there is nothing to test.
    let (Some(long), Some(git), Some(env)) = (long, git, env) else {
        eprintln!("SKIPPED: this file system gives no second names");
        return;
    };
    let file = short_name(&stage.path("a folder with a long name/file with a long name.html")).unwrap();
    assert_eq!(stage.get(&format!("/{long}/{file}")).text(), "long");
    for target in [format!("/{git}/config"), format!("/{git}/"), format!("/{git}"), format!("/{env}")] {
        check_absent(&stage, &target);
        check_absent(&stage, &target.to_ascii_lowercase());
    }
    assert!(stage.files.open_file(&env).is_err());
    assert!(stage.files.clone().follow_links_outside(true).open_file(&env).is_err());
    let files = stage.files.clone().dotfiles(true);
    assert!(files.open_file(&env).is_ok());
}

#[test]
fn a_name_with_a_tilde_is_a_name() {
    let stage = Stage::new(&[("a~1", "one"), ("~$letter.docx", "two"), ("x~/b", "three")]);
    assert_eq!(stage.get("/a~1").text(), "one");
    assert_eq!(stage.get("/~$letter.docx").text(), "two");
    assert_eq!(stage.get("/x~/b").text(), "three");
    assert_eq!(stage.get("/b~1").status, 404);
}

#[test]
fn links_lead_out_only_where_that_is_said() {
    let stage = stage();
    fs::create_dir(stage.outside().join("other")).unwrap();
    fs::write(stage.outside().join("other/file"), SECRET).unwrap();
    let junction = |link: &str, to: &Path| {
        let mut command = Command::new("cmd");
        command.args(["/d", "/c", "mklink", "/J"]).arg(stage.path(link)).arg(to);
        let output = command.output().unwrap();
        let made = stage.path(link).symlink_metadata().is_ok_and(|found| found.is_symlink());
        assert!(output.status.success() && made, "{output:?}");
    };
    junction("out", &stage.outside().join("other"));
    junction("in", &stage.path("sub"));
    junction("up", stage.outside());
    assert_eq!(stage.get("/in/b").text(), "b");
    for target in ["/out/file", "/out/", "/up/secret", "/up/root/.env"] {
        check_absent(&stage, target);
    }
    let listing = stage.get("/").text().into_owned();
    assert!(listing.contains("\"in/\"") && !listing.contains("\"out/\""), "{listing}");
    let files = stage.files.clone().follow_links_outside(true);
    let open = |files: &Directory, path: &str| files.open_file(path).and_then(io::read_to_string);
    assert_eq!(open(&files, "out/file").unwrap(), SECRET);
}

#[test]
fn a_file_that_another_program_has_for_itself_is_503_until_it_is_free() {
    let stage = stage();
    let lock = File::options().read(true).share_mode(0).open(stage.path("a.txt")).unwrap();
    assert_eq!(stage.get("/a.txt").status, 503);
    assert_eq!(stage.get("/sub/b").status, 200);
    drop(lock);
    assert_eq!(stage.get("/a.txt").text(), "text of a");
}

/// While it is being sent, its owner may do what he likes with it.
#[test]
fn a_file_that_is_open_here_can_be_written_renamed_and_removed() {
    let stage = stage();
    let open = stage.files.open_file("a.txt").unwrap();
    fs::rename(stage.path("a.txt"), stage.path("b.txt")).unwrap();
    fs::write(stage.path("b.txt"), "another text").unwrap();
    fs::remove_file(stage.path("b.txt")).unwrap();
    assert_eq!(open.metadata().unwrap().len(), 12);
    drop(open);
    assert_eq!(stage.get("/b.txt").status, 404);
}

#[test]
fn a_file_from_before_1970_is_sent_without_a_date() {
    let stage = stage();
    set_modified(&stage.path("a.txt"), UNIX_EPOCH - Duration::from_secs(86_400));
    let response = stage.get("/a.txt");
    assert_eq!((response.status, &*response.text()), (200, "text of a"));
    assert_eq!((response.header("last-modified"), response.header("etag")), (None, None));
    assert_eq!(stage.get("/").status, 200);
}
