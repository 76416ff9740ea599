//! The command `basehttp`, as somebody uses it who has only its help.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_basehttp"));
    command.args(arguments).env_remove("BASEHTTP_AUTH").stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// What it says when it does not begin: its status, and its standard error.
fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = output(arguments);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The command with a folder of its own.
struct Served {
    child: Child,
    port: u16,
    said: Vec<String>,
    output: BufReader<std::process::ChildStdout>,
    folder: TempDir,
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for (name, text) in
        [("a.txt", "hello"), ("index.htm_", "x"), ("page", "unknown type"), (".hidden", "dot")]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn serve(arguments: &[&str]) -> Served {
    serve_in(folder(), arguments, &[])
}

fn serve_in(folder: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Served {
    let path = folder.path().to_str().unwrap().to_owned();
    let mut command = command(&["0", "--bind", "127.0.0.1", "--directory", &path]);
    command.args(arguments).envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = Vec::new();
    let port = loop {
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "it has ended: {said:?}");
        said.push(line.trim_end().to_owned());
        let url = line.trim_end().strip_suffix('/').filter(|url| url.starts_with("http"));
        if let Some((_, port)) = url.and_then(|url| url.rsplit_once(':')) {
            break port.parse().unwrap();
        }
    };
    Served { child, port, said, output, folder }
}

impl Served {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request, with its fields, and reads all that comes.
    fn ask(&self, request: &str, body: &[u8]) -> String {
        let mut stream = self.connect();
        let (line, fields) = request.split_once('\n').unwrap_or((request, ""));
        let fields: String = fields.lines().map(|field| format!("{field}\r\n")).collect();
        let head = format!("{line} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{fields}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // It may have refused already.
        let _ = stream.write_all(body);
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn status(&self, request: &str) -> String {
        self.ask(request, b"").split(' ').nth(1).unwrap_or_default().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Ends it, and gives what it has said at the end and its log.
    fn end(mut self) -> (String, String) {
        self.signal(Signal::SIGINT);
        let mut last = String::new();
        self.output.read_to_string(&mut last).unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(self.child.wait().unwrap().success());
        (last, log)
    }

    /// Uploads one file.
    fn upload(&self, target: &str, name: &str, content: &[u8], fields: &str) -> String {
        let start = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: x/y\r\n\r\n"
        );
        let body = [start.as_bytes(), content, b"\r\n--b--\r\n"].concat();
        let request = format!(
            "POST {target}\nContent-Type: multipart/form-data; boundary=b\nContent-Length: {}{fields}",
            body.len()
        );
        self.ask(&request, &body)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // After `end` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_says_where_it_serves_and_what_it_has_served() {
    let served = serve(&[]);
    assert!(served.said[0].contains(served.folder.path().to_str().unwrap()), "{:?}", served.said);
    assert!(served.ask("GET /a.txt", b"").ends_with("\r\n\r\nhello"));
    assert_eq!(served.status("GET /none"), "404");
    assert_eq!(served.status("GET /.hidden"), "404");
    let (last, log) = served.end();
    assert!(last.starts_with("served 3 replies: 1 x 2xx, 2 x 4xx; 5 bytes of files"), "{last}");
    assert!(log.contains("\"GET /a.txt HTTP/1.1\" 200 -"), "{log}");
}

#[test]
fn all_addresses_one_a_line() {
    let folder = folder();
    let mut child =
        command(&["0", "-d", folder.path().to_str().unwrap()]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.nth(1).unwrap().unwrap();
    let port: u16 = first.trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(first, format!("http://127.0.0.1:{port}/"));
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    if TcpListener::bind("[::1]:0").is_ok() {
        TcpStream::connect(("::1", port)).unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_it_cannot_do_it_says_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (status, text) = refusal(&[&port, "--bind", "127.0.0.1"]);
    assert!(status == Some(1) && text.contains("taken by another program"), "{text}");
    let (status, text) = refusal(&["0", "--directory", "no such folder"]);
    assert!(status == Some(1) && text.contains("no such folder"), "{text}");
    let (status, text) = refusal(&["0", "--bind", "203.0.113.1"]);
    assert!(status == Some(1) && text.contains("not an address of this machine"), "{text}");
    for (arguments, says) in [
        (&["--directry", "x"][..], "--directory"),
        (&["eighty"], "PORT"),
        (&["70000"], "65535"),
        (&["--protocol", "HTTP/2"], "HTTP/1.0, HTTP/1.1"),
        (&["-H", "no colon"], "Name: value"),
        (&["-H", "Content-Length: 5"], "for the server to say"),
        (&["--overwrite"], "--upload"),
        (&["--upload", "--upload-limit", "much"], "500K, 2G"),
        (&["--log", "xml"], "common"),
    ] {
        let (status, text) = refusal(arguments);
        assert!(status == Some(2) && text.contains(says), "{arguments:?}: {text}");
    }
    let (status, text) = refusal(&["0", "--auth", "nobody"]);
    assert!(status == Some(1) && text.contains("USER:PASS"), "{text}");
    let (status, text) = refusal(&["0", "--tls-cert", "a.pem", "--tls-password-file", "b"]);
    assert!(status == Some(1) && text.contains("openssl pkey -in a.pem"), "{text}");
    let (status, text) = refusal(&["0", "--tls-cert", "none.pem"]);
    assert!(status == Some(1) && text.contains("none.pem"), "{text}");
}

#[test]
fn help_completions_and_the_manual_page() {
    let text = |arguments: &[&str]| String::from_utf8(output(arguments).stdout).unwrap();
    assert!(text(&["--help"]).contains("Examples:"));
    assert!(text(&["--version"]).starts_with("basehttp "));
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&["--completions", shell]).contains("upload-limit"), "{shell}");
    }
    assert!(text(&["--man"]).contains(".TH basehttp"));
}

#[test]
fn a_password_comes_before_everything() {
    for served in
        [serve(&["--auth", "me:secret"]), serve_in(folder(), &[], &[("BASEHTTP_AUTH", "me:secret")])]
    {
        let reply = served.ask("GET /a.txt", b"");
        assert!(
            reply.starts_with("HTTP/1.1 401 ") && reply.contains("WWW-Authenticate: Basic realm="),
            "{reply}"
        );
        assert!(!reply.contains("hello"));
        // me:wrong and me:secret
        assert_eq!(served.status("GET /none\nAuthorization: Basic bWU6d3Jvbmc="), "401");
        assert_eq!(served.status("GET /a.txt\nAuthorization: Basic bWU6c2VjcmV0"), "200");
        let (_, log) = served.end();
        assert!(log.contains("wrong password or user: me"), "{log}");
    }
}

#[test]
fn uploads_come_whole_or_not_at_all() {
    let served = serve(&["--upload", "--upload-limit", "100K"]);
    let page = served.ask("GET /", b"");
    assert!(page.contains("<input type=\"file\"") && page.contains("script-src 'nonce-"), "{page}");
    assert!(served.upload("/sub/", "new.bin", b"\x00\xffdata", "").starts_with("HTTP/1.1 303 "));
    assert_eq!(fs::read(served.path("sub/new.bin")).unwrap(), b"\x00\xffdata");
    let as_json = served.upload("/sub/", "more.txt", b"more", "\nAccept: application/json");
    assert!(
        as_json.starts_with("HTTP/1.1 201 ") && as_json.ends_with("{\"files\":[\"more.txt\"]}"),
        "{as_json}"
    );
    for (target, name, fields, status) in [
        ("/sub/", "new.bin", "", "409"),
        ("/none/", "x", "", "404"),
        ("/a.txt", "x", "", "404"),
        ("/../", ".htaccess", "", "400"),
        ("/sub/", "con.txt", "", "400"),
        ("/sub/", "x", "\nOrigin: https://evil.example", "403"),
        ("/sub/", "x", "\nSec-Fetch-Site: cross-site", "403"),
    ] {
        let reply = served.upload(target, name, b"other", fields);
        assert_eq!(reply.split(' ').nth(1), Some(status), "{target} {name} {fields}");
    }
    assert!(served.upload("/sub/", "../../up.txt", b"up", "").contains(" 303 "));
    assert!(served.upload("/sub/", "own.txt", b"own", "\nOrigin: http://here").contains(" 303 "));
    assert_eq!(served.upload("/sub/", "large", &vec![b'x'; 110_000], "").split(' ').nth(1), Some("413"));
    assert_eq!(served.status("POST /sub/\nContent-Length: 0"), "415");
    assert_eq!(served.names("sub"), ["more.txt", "new.bin", "own.txt", "up.txt"]);
    assert_eq!(fs::read(served.path("sub/new.bin")).unwrap(), b"\x00\xffdata");
}

#[test]
fn an_upload_that_is_cut_off_leaves_nothing() {
    let served = serve(&["--upload"]);
    let mut stream = served.connect();
    let head = "POST /sub/ HTTP/1.1\r\nHost: here\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n";
    let part = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"half\"\r\n\r\n";
    stream.write_all([head, part, &"x".repeat(200_000)].concat().as_bytes()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    // It is being written.
    while served.names("sub").is_empty() {
        assert!(Instant::now() < deadline, "nothing is written");
        thread::sleep(Duration::from_millis(5));
    }
    drop(stream);
    while !served.names("sub").is_empty() {
        assert!(Instant::now() < deadline, "{:?} is left", served.names("sub"));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn uploads_replace_files_where_that_is_said() {
    let served = serve(&["--upload", "--overwrite"]);
    assert!(served.upload("/", "a.txt", b"another", "").contains(" 303 "));
    assert_eq!(fs::read(served.path("a.txt")).unwrap(), b"another");
    let served = serve(&[]);
    let reply = served.upload("/", "a.txt", b"another", "");
    assert!(reply.starts_with("HTTP/1.1 405 Uploads are off"), "{reply}");
}

/// Only root can make a disk so small.
#[test]
fn a_full_disk_is_507_and_keeps_no_part() {
    let folder = folder();
    let mount = |program: &str, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let small = folder.path().join("sub").to_str().unwrap().to_owned();
    if !mount("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs", &small]) {
        eprintln!("command: no small disk can be made here, so none is filled");
        return;
    }
    let served = serve_in(folder, &["--upload"], &[]);
    let reply = served.upload("/sub/", "large", &vec![b'x'; 500_000], "");
    let left = served.names("sub");
    let fits = served.upload("/sub/", "small", b"x", "");
    drop(served);
    assert!(mount("umount", &[&small]));
    assert!(reply.starts_with("HTTP/1.1 507 "), "{reply}");
    assert!(left.is_empty(), "{left:?}");
    assert!(fits.contains(" 303 "), "{fits}");
}

#[test]
fn fields_types_and_pages_of_applications() {
    let served = serve(&[
        "--cors",
        "-H",
        "X-One: 1",
        "-H",
        "X-Two: 2",
        "--content-type",
        "text/plain",
        "--spa",
        "--no-listing",
    ]);
    let reply = served.ask("GET /page", b"");
    for field in ["Access-Control-Allow-Origin: *", "X-One: 1", "X-Two: 2", "Content-Type: text/plain\r\n"] {
        assert!(reply.contains(field), "{field} is not in {reply}");
    }
    assert!(served.ask("OPTIONS /a.txt", b"").contains("Access-Control-Allow-Methods"));
    assert_eq!(served.status("GET /"), "404", "there is no list");
    fs::write(served.path("index.html"), "the application").unwrap();
    for (target, found) in [("/", true), ("/some/page", true), ("/none.js", false), ("/a.txt", false)] {
        let reply = served.ask(&format!("GET {target}"), b"");
        assert_eq!(reply.ends_with("the application"), found, "{target}");
    }
}

#[test]
fn versions_dotfiles_and_scripts() {
    let served = serve(&["--protocol", "HTTP/1.0", "--dotfiles"]);
    assert!(served.ask("GET /.hidden", b"").starts_with("HTTP/1.0 200 OK"));
    let folder = folder();
    fs::create_dir(folder.path().join("cgi-bin")).unwrap();
    let script = folder.path().join("cgi-bin/run");
    fs::write(&script, "#!/bin/sh\necho 'Content-Type: text/plain'; echo; cat\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let served = serve_in(folder, &["--cgi"], &[]);
    let reply = served.ask("POST /cgi-bin/run\nContent-Length: 2", b"hi");
    assert!(reply.starts_with("HTTP/1.1 200 Script output follows") && reply.ends_with("hi"), "{reply}");
}

#[test]
fn logs_in_all_forms() {
    let log = |form: &str| {
        let served = serve(&["--log", form]);
        served.ask("GET /a.txt\nUser-Agent: a \"b\"\nReferer: http://r/", b"");
        served.ask("GET /none", b"");
        served.end().1
    };
    assert!(log("common").contains("] \"GET /a.txt HTTP/1.1\" 200 -\n"));
    let combined = log("combined");
    assert!(combined.contains("\"GET /none HTTP/1.1\" 404 - \"-\" \"-\"\n"), "{combined}");
    assert!(combined.contains("200 - \"http://r/\" \"a \\"), "{combined}");
    assert_eq!(log("none"), "");
    let json = log("json");
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["path"] == "/none" && line["status"] == 404), "{json}");
    assert!(
        lines.iter().any(|line| line["message"].as_str().is_some_and(|text| text.contains("404"))),
        "{json}"
    );
}

#[test]
fn the_first_signal_drains_and_the_second_one_does_not() {
    let mut served = serve(&["--upload"]);
    // A client that is in the middle of an upload.
    let mut stream = served.connect();
    let head = "POST / HTTP/1.1\r\nHost: here\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all([head, &"x".repeat(100_000)].concat().as_bytes()).unwrap();
    assert_eq!(served.status("GET /a.txt"), "200");
    served.signal(Signal::SIGINT);
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", served.port)).is_ok() {
        assert!(Instant::now() < deadline, "it takes connections for ever");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(served.child.try_wait().unwrap().is_none(), "it waits for the upload");
    served.signal(Signal::SIGINT);
    assert_eq!(served.child.wait().unwrap().code(), Some(130));
}

#[test]
fn names_with_anything_in_them_can_be_followed() {
    let folder = folder();
    let name = "it's \"100%\" <b>\u{1f600}\n#?.txt";
    fs::write(folder.path().join("sub").join(Path::new(name)), "odd").unwrap();
    let served = serve_in(folder, &[], &[]);
    let page = served.ask("GET /sub/", b"");
    let link = page
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|link| link.contains("100"))
        .unwrap();
    assert!(served.ask(&format!("GET /sub/{link}"), b"").ends_with("odd"), "{link}");
    assert!(!page.contains("<b>"));
}
