//! Uploads.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

#[cfg(unix)]
use crate::program::command_with_descriptors;
use crate::program::{Program, Response, folder, names, unnamed, wait_until};

const BOUNDARY: &str = "----boundary-of-a-test";

/// A form with files, as browsers send it.
pub(crate) fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, content) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    form
}

/// An upload, with additional fields, each with its line end.
pub(crate) fn request(path: &str, fields: &str, form: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{fields}\r\n",
        form.len()
    )
    .into_bytes();
    request.extend_from_slice(form);
    request
}

/// What the folder contains at first.
const BEFORE: [&str; 3] = [".hidden", "a.txt", "sub"];

#[test]
fn files_go_into_the_folder_that_is_listed() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    let content: Vec<u8> = (0..=255).cycle().take(700_000).collect();
    // Content that looks like the end of the form.
    let tricky = format!("--{BOUNDARY}\n--{BOUNDARY}--\r\n--\r\n--{}\r", &BOUNDARY[..10]);
    let files = form(&[("big.bin", &content), ("empty", b""), ("tricky", tricky.as_bytes())]);
    let response = program.ask(request("/sub/", "", &files));
    assert_eq!(
        (response.status, &*response.body),
        (201, &*format!("700000 big.bin\n0 empty\n{} tricky\n", tricky.len()))
    );
    let sub = folder.path().join("sub");
    assert_eq!(names(&sub), ["b.unheardof", "big.bin", "c.txt", "empty", "tricky"]);
    assert!(fs::read(sub.join("big.bin")).unwrap() == content);
    assert_eq!(fs::read(sub.join("tricky")).unwrap(), tricky.as_bytes());
    // Other users of the machine may read it, as any file that a program creates.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mask = Command::new("sh").args(["-c", "umask"]).output().unwrap().stdout;
        if String::from_utf8_lossy(&mask).trim() == "0022" {
            assert_eq!(fs::metadata(sub.join("empty")).unwrap().permissions().mode() & 0o777, 0o644);
        }
    }
    assert_eq!(names(folder.path()), BEFORE);
    // Its type follows from its name, whatever its content is.
    for path in ["/sub/tricky", "/", "/nothing"] {
        assert_eq!(program.get(path).fields("X-Content-Type-Options"), ["nosniff"], "{path}");
    }
}

#[test]
fn the_page_has_a_form_that_works_without_scripts() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    let page = program.get("/sub/");
    assert!(
        page.body.contains("<form") && page.body.contains("type=\"file\"") && page.body.contains("c.txt")
    );
    let nonce = page.body.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(page.field("Content-Security-Policy").unwrap().contains(&format!("script-src 'nonce-{nonce}'")));
    assert!(!program.get("/sub/").body.contains(nonce));
    let fields = "Accept: text/html,application/xhtml+xml\r\nOrigin: http://localhost:1\r\nSec-Fetch-Site: same-origin\r\n";
    let response = program.ask(request("/sub/", fields, &form(&[("d", b"d")])));
    assert_eq!((response.status, response.field("Location")), (303, Some("./")));
    assert_eq!(fs::read(folder.path().join("sub/d")).unwrap(), b"d");
    // JSON for other programs.
    let response =
        program.ask(request("/sub/", "Accept: application/json\r\n", &form(&[("e \u{e9}", b"e")])));
    assert_eq!((response.status, response.field("Content-Type")), (201, Some("application/json")));
    assert_eq!(response.body, "{\"files\":[{\"name\":\"e \u{e9}\",\"size\":1}]}");
    let (_, _, log) = program.stop();
    assert!(log.contains("] uploaded d (1 bytes)"), "{log}");
}

#[test]
fn in_chunks_and_after_100_continue() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    let files = form(&[("chunked", b"in pieces")]);
    let mut chunked = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    .into_bytes();
    for byte in &files {
        chunked.extend_from_slice(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n']);
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(program.ask(chunked).status, 201);
    assert_eq!(fs::read(folder.path().join("chunked")).unwrap(), b"in pieces");
    let files = form(&[("continued", b"later")]);
    let mut stream = program.connect();
    let whole = request("/", "Expect: 100-continue\r\n", &files);
    let (head, body) = whole.split_at(whole.len() - files.len());
    stream.write_all(head).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body).unwrap();
    assert_eq!(Response::read(stream).status, 201);
}

#[test]
fn names_do_no_harm() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    for (told, name) in [
        ("../../up.txt", "up.txt"),
        ("/etc/absolute", "absolute"),
        ("C:\\\\dir\\\\win.txt", "win.txt"),
        (".profile", "profile"),
        ("NUL.txt", "_NUL.txt"),
        ("a\tb", "a_b"),
        ("\u{e9}\u{1f600}", "\u{e9}\u{1f600}"),
    ] {
        let response = program.ask(request("/", "", &form(&[(told, b"x")])));
        assert_eq!((response.status, &*response.body), (201, &*format!("1 {name}\n")), "{told}");
        assert!(folder.path().join(name).is_file(), "{told}");
    }
    for told in ["..", "/", "...", &"n".repeat(300)] {
        let response = program.ask(request("/", "", &form(&[(told, b"x")])));
        assert_eq!(response.status, 400, "{told}: {}", response.body);
    }
    assert_eq!(names(folder.path()).len(), BEFORE.len() + 7);
    let above = names(folder.path().parent().unwrap());
    assert!(!above.contains(&"up.txt".to_owned()));
}

/// A form of one file whose head has this disposition.
fn disposed(disposition: &[u8]) -> Vec<u8> {
    let start = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; ");
    let end = format!("\r\n\r\nx\r\n--{BOUNDARY}--\r\n");
    [start.as_bytes(), disposition, end.as_bytes()].concat()
}

#[test]
fn names_are_found_by_the_grammar() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    let longest = "n".repeat(255);
    for (disposition, name) in [
        (&b"name=\"upload\"; note=\"x; filename=evil.exe \"; filename=\"safe.txt\""[..], "safe.txt"),
        (b"name=\"a\\\"; filename=\\\"evil.txt\"; filename=\"also.txt\"", "also.txt"),
        (b"name=\"my filename\"; filename=\"a\"", "a"),
        (b"name=a; FILENAME=\"b.txt\"", "b.txt"),
        (b"filename*=UTF-8''x.txt; filename=\"y.txt\"", "x.txt"),
        (b"name=a; filename=unquoted.txt", "unquoted.txt"),
        (b"name=a; filename=\"\xe9.txt\"", "\u{e9}.txt"),
        (format!("filename={longest}").as_bytes(), &longest),
    ] {
        let shown = String::from_utf8_lossy(disposition);
        let response = program.ask(request("/sub/", "", &disposed(disposition)));
        assert_eq!((response.status, &*response.body), (201, &*format!("1 {name}\n")), "{shown}");
        assert_eq!(fs::read(folder.path().join("sub").join(name)).unwrap(), b"x", "{shown}");
    }
    for (disposition, reason) in [
        (format!("filename={longest}n"), "A file name is longer than 255 bytes"),
        ("filename=\"\u{ad}\u{2060}\"".to_owned(), "A file has no usable name"),
        ("name=filename".to_owned(), "The form contains no file"),
    ] {
        let response = program.ask(request("/sub/", "", &disposed(disposition.as_bytes())));
        assert_eq!(response.status, 400, "{disposition}");
        assert!(response.body.contains(reason), "{disposition}: {}", response.body);
    }
}

/// Elsewhere a folder with an open file cannot be removed.
#[cfg(unix)]
#[test]
fn a_folder_that_is_removed_during_an_upload_is_not_there() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    let going = folder.path().join("going");
    for files in
        [form(&[("one", &vec![b'x'; 200_000])]), form(&[("one", b"1"), ("two", &vec![b'x'; 200_000])])]
    {
        fs::create_dir(&going).unwrap();
        let whole = request("/going/", "", &files);
        let mut stream = program.connect();
        stream.write_all(&whole[..150_000]).unwrap();
        wait_until("the upload to begin", || unnamed(&going) > 0);
        // A temporary file may be created while the folder is being emptied.
        wait_until("the folder to be removed", || fs::remove_dir_all(&going).is_ok());
        stream.write_all(&whole[150_000..]).unwrap();
        let response = Response::read(stream);
        assert_eq!(response.status, 404, "{}", response.body);
        assert!(!going.exists());
    }
}

#[test]
fn what_is_there_stays_unless_told() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    for files in [
        form(&[("a.txt", b"other")]),
        form(&[("new", b"n"), ("a.txt", b"other")]),
        form(&[("twice", b"1"), ("twice", b"2")]),
        form(&[("sub", b"a folder")]),
    ] {
        assert_eq!(program.ask(request("/", "", &files)).status, 409);
        assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"text of a");
        assert_eq!(names(folder.path()), BEFORE);
    }
    let program = Program::start(folder.path(), &["--upload", "--overwrite"]);
    assert_eq!(program.ask(request("/", "", &form(&[("a.txt", b"other")]))).status, 201);
    assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"other");
    assert_eq!(program.ask(request("/", "", &form(&[("sub", b"a folder")]))).status, 409);
    assert_eq!(names(folder.path()), BEFORE);
}

#[test]
fn what_is_there_is_not_replaced_by_something_that_is_sent_in_its_place() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    assert_eq!(program.ask(request("/", "", &form(&[("a.txt.gz", b"other")]))).status, 201);
    let response = program.get_with("/a.txt", "Accept-Encoding: gzip\r\n");
    assert_eq!((&*response.body, response.field("content-encoding")), ("text of a", None));
}

#[test]
fn larger_ones_are_refused() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload", "--upload-limit", "100K"]);
    assert_eq!(program.ask(request("/", "", &form(&[("small", &vec![b'x'; 90_000])]))).status, 201);
    let files = form(&[("large", &vec![b'x'; 110_000])]);
    // Before the body is sent.
    let whole = request("/", "Expect: 100-continue\r\n", &files);
    let head = &whole[..whole.len() - files.len()];
    assert_eq!(program.ask(head).status, 413);
    // And when the length is not declared.
    let mut chunked = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n{:x}\r\n",
        files.len()
    )
    .into_bytes();
    chunked.extend_from_slice(&files);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    assert_eq!(program.ask(chunked).status, 413);
    assert_eq!(names(folder.path()), [".hidden", "a.txt", "small", "sub"]);
}

#[test]
fn half_an_upload_leaves_nothing() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    let whole = request("/", "", &form(&[("first", b"complete"), ("second", &vec![b'x'; 300_000])]));
    for shutdown in [Some(Shutdown::Write), None] {
        let mut stream = program.connect();
        stream.write_all(&whole[..200_000]).unwrap();
        wait_until("the upload to begin", || unnamed(folder.path()) == 2);
        match shutdown {
            Some(half) => stream.shutdown(half).unwrap(),
            None => drop(stream),
        }
        wait_until("the upload to be given up", || names(folder.path()) == BEFORE);
    }
    // The server continues.
    assert_eq!(program.get("/a.txt").status, 200);
}

#[test]
fn what_is_no_form_of_files() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload"]);
    let typed = |media_type: &str, body: &str| {
        let length = body.len();
        program.ask(format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{media_type}\r\n{body}"
        ))
    };
    for media_type in ["", "Content-Type: text/plain\r\n", "Content-Type: multipart/form-data\r\n"] {
        assert_eq!(typed(media_type, "x").status, 415, "{media_type}");
    }
    let multipart = format!("Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n");
    let endless_head = format!("--{BOUNDARY}\r\nX: {}", "x".repeat(1_000_000));
    let field =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--{BOUNDARY}--\r\n");
    let cut = String::from_utf8(form(&[("cut", b"content")])).unwrap();
    for body in ["", "nothing of it", &endless_head, &field, &cut[..cut.len() - 20]] {
        let response = typed(&multipart, body);
        assert_eq!(response.status, 400, "{:?}: {}", &body[..body.len().min(60)], response.body);
    }
    assert_eq!(program.ask(request("/", "", &form(&[("", b"")]))).status, 400);
    assert_eq!(program.ask(request("/nothing/", "", &form(&[("x", b"x")]))).status, 404);
    assert_eq!(program.ask(request("/../", "", &form(&[("a.txt", b"x")]))).status, 409);
    assert_eq!(program.ask(request("/a.txt", "", &form(&[("x", b"x")]))).status, 405);
    assert_eq!(names(folder.path()), BEFORE);
}

/// With ever fewer descriptors, the last one that an upload needs is that of its file.
#[cfg(unix)]
#[test]
fn an_upload_without_a_descriptor_left_is_told_to_come_back() {
    let folder = folder();
    for limit in (1..=40).rev() {
        let mut command = command_with_descriptors(limit);
        command.args(["0", "-b", "127.0.0.1", "--upload", "--overwrite", "-d"]).arg(folder.path());
        let program = Program::of(command);
        let response = program.ask(request("/", "", &form(&[("x", b"content")])));
        if response.status != 201 {
            assert_eq!(response.status, 503, "{limit}: {}", response.body);
            program.wait_for_log("code 503, message The server has too many open files; try again");
            assert_eq!(names(folder.path()).len(), BEFORE.len() + 1, "no part of it is left");
            return;
        }
    }
    panic!("it needs a descriptor");
}

#[test]
fn pages_of_other_sites_cannot_upload() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--upload", "--cors"]);
    let files = form(&[("evil", b"x")]);
    for fields in [
        "Origin: http://evil.example\r\n",
        "Origin: http://localhost\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\nOrigin: http://localhost:1\r\n",
    ] {
        assert_eq!(program.ask(request("/", fields, &files)).status, 403, "{fields}");
    }
    assert_eq!(names(folder.path()), BEFORE);
    assert_eq!(program.ask(request("/", "Origin: http://localhost:1\r\n", &files)).status, 201);
}

/// The log says what the browser has said. What the library advises is for programmers.
#[test]
fn a_refused_page_is_logged_without_the_names_of_functions() {
    for form_of_log in ["python", "json"] {
        let folder = folder();
        let program = Program::start(folder.path(), &["--upload", "--cors", "--log", form_of_log]);
        for fields in
            ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"]
        {
            assert_eq!(program.ask(request("/", fields, &form(&[("evil", b"x")]))).status, 403, "{fields}");
        }
        let (_, _, log) = program.stop();
        let refused: Vec<_> = log.lines().filter(|line| line.contains("(cross-origin: ")).collect();
        assert_eq!(refused.len(), 3, "{log}");
        for (line, said) in
            refused.iter().zip(["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"])
        {
            assert!(
                line.contains(said) && !line.contains("no origin") && !line.contains("if this"),
                "{line}"
            );
            assert!(line.contains(", Host: localhost:1)"), "{line}");
            assert!(!line.contains("trust_origin") && !line.contains("insecure_bypass"), "{line}");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_uploads_out() {
    let (folder, outside) = (folder(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
    let program = Program::start(folder.path(), &["--upload", "--overwrite"]);
    assert_eq!(program.ask(request("/out/", "", &form(&[("x", b"x")]))).status, 404);
    assert_eq!(names(outside.path()), Vec::<String>::new());
    // A link with that name is replaced, not followed.
    let target = outside.path().join("target");
    fs::write(&target, "before").unwrap();
    std::os::unix::fs::symlink(&target, folder.path().join("link")).unwrap();
    assert_eq!(program.ask(request("/", "", &form(&[("link", b"after")]))).status, 201);
    assert_eq!(fs::read(&target).unwrap(), b"before");
    assert_eq!(fs::read(folder.path().join("link")).unwrap(), b"after");
}

/// A file system of 256 KiB.
#[cfg(unix)]
struct Disk<'a>(&'a Path);

#[cfg(unix)]
impl<'a> Disk<'a> {
    /// `None` if that is not allowed.
    fn mount(path: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(path);
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

#[cfg(unix)]
impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path()) else {
        eprintln!("SKIPPED: a small file system cannot be mounted here");
        return;
    };
    let program = Program::start(disk.0, &["--upload"]);
    let response = program.ask(request("/", "", &form(&[("small", b"s"), ("large", &vec![b'x'; 400_000])])));
    assert_eq!(response.status, 507, "{}", response.body);
    assert!(response.body.contains("The disk is full"), "{}", response.body);
    assert_eq!(names(disk.0), Vec::<String>::new());
    assert_eq!(program.ask(request("/", "", &form(&[("small", b"s")]))).status, 201);
    assert_eq!(names(disk.0), ["small"]);
    drop(program);
}
