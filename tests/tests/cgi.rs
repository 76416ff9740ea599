//! Scripts, as a client sees them: `CGIHTTPRequestHandler`.
#![cfg(target_os = "linux")]

#[path = "cgi/bodies.rs"]
mod bodies;
#[path = "cgi/environment.rs"]
mod environment;
#[path = "cgi/failures.rs"]
mod failures;
#[path = "cgi/languages.rs"]
mod languages;
#[path = "cgi/process.rs"]
mod process;
#[path = "cgi/redirects.rs"]
mod redirects;
#[path = "cgi/responses.rs"]
mod responses;
#[path = "cgi/source.rs"]
mod source;
#[path = "cgi/stage.rs"]
mod stage;

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use basehttp::prelude::*;
use basehttp::testing::TestServer;
use basehttp::{CGIHTTPRequestHandler, Directory};
use basehttp_tests::client::{Client, Response};
use basehttp_tests::log::Log;
use basehttp_tests::{PATIENCE, wait_until};
use proptest::prelude::*;
use tempfile::TempDir;

struct Scripts {
    base: CGIHTTPRequestHandler,
    log: Log,
}

#[http_handler(extends = CGIHTTPRequestHandler, protocol_version = "HTTP/1.1")]
impl Scripts {
    fn log_message(&self, message: std::fmt::Arguments<'_>) {
        self.log.push(message);
    }
}

struct Stage {
    folder: TempDir,
    server: TestServer,
    log: Log,
}

impl Stage {
    /// Shell scripts, by their names. None times out, however long its interpreter takes to start.
    fn new(scripts: &[(&str, &str)]) -> Self {
        Self::within(PATIENCE, scripts)
    }

    /// Scripts that are killed after `timeout`.
    fn within(timeout: Duration, scripts: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("cgi-bin/deep")).unwrap();
        fs::write(folder.path().join("page.html"), "a page").unwrap();
        for (name, text) in scripts {
            let path = folder.path().join("cgi-bin").join(name);
            let is_python = path.extension().is_some_and(|extension| extension == "py");
            let interpreter = if is_python { "/usr/bin/env python3" } else { "/bin/sh" };
            fs::write(&path, format!("#!{interpreter}\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let (files, log) = (Directory::open(folder.path()).unwrap(), Log::default());
        let lines = log.clone();
        let server = TestServer::new(move |base| Scripts {
            base: CGIHTTPRequestHandler::new(base, &files)
                .timeout(timeout)
                .chunked_limit(100_000)
                .variable("SITE", "of mine"),
            log: lines.clone(),
        });
        Self { folder, server, log }
    }

    fn get(&self, target: &str) -> Response {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: example.org:80\r\n\r\n"))
    }

    fn ask(&self, request: &str) -> Response {
        Client::new(&self.server).ask(request)
    }

    /// Ends the server, and with it all connections.
    fn end(self) -> Vec<String> {
        drop(self.server);
        self.log.lines()
    }
}

const HELLO: &str = "echo 'Content-Type: text/plain'; echo; echo hello";

fn children() -> Vec<String> {
    let ours = format!("{}", std::process::id());
    let is_child =
        |stat: &str| stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(&ours);
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let stats = processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter(|stat| is_child(stat)).collect()
}

#[test]
fn a_response_is_what_the_script_says() {
    let stage = Stage::new(&[
        ("hello", HELLO),
        ("deep/hello", HELLO),
        (
            "made",
            "printf 'Status: 201 Made here\\r\\nX-A: b\\r\\nContent-Type: text/x\\r\\n\\r\\n'; printf body",
        ),
        ("away", "echo 'Location: https://example.com/'; echo"),
        ("inside", "echo 'Location: /page.html'; echo; echo ignored"),
        ("other", "echo 'Location: /cgi-bin/env?redirected'; echo"),
        (
            "env",
            "echo 'Content-Type: text/plain'; echo; echo \"$REQUEST_METHOD $QUERY_STRING $CONTENT_LENGTH\"",
        ),
        ("circle", "echo 'Location: /cgi-bin/circle'; echo"),
        ("nph-own", "printf 'HTTP/1.0 203 Own words\\r\\nA: b\\r\\n\\r\\n'; printf own"),
        ("long", "echo 'Content-Type: text/plain'; echo; head -c 3000000 /dev/zero | tr '\\0' x"),
    ]);
    let hello = stage.get("/cgi-bin/hello");
    assert_eq!(
        (hello.status_line.as_str(), hello.text().as_str()),
        ("HTTP/1.1 200 Script output follows", "hello\n")
    );
    assert_eq!(stage.get("/cgi-bin/deep/hello/more?x").text(), "hello\n");
    let made = stage.get("/cgi-bin/made");
    assert_eq!((made.status_line.as_str(), made.field("x-a")), ("HTTP/1.1 201 Made here", Some("b")));
    let away = stage.get("/cgi-bin/away");
    assert_eq!((away.status, away.field("location")), (302, Some("https://example.com/")));
    assert_eq!(stage.get("/cgi-bin/inside").text(), "a page");
    let post = "POST /cgi-bin/other HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(stage.ask(post).text(), "GET redirected \n");
    assert_eq!(stage.get("/cgi-bin/circle").status, 502);
    let own = stage.get("/cgi-bin/nph-own");
    assert_eq!((own.status_line.as_str(), own.text().as_str()), ("HTTP/1.1 203 Own words", "own"));
    assert_eq!(stage.get("/cgi-bin/long").body.len(), 3_000_000);
    let mut client = Client::new(&stage.server);
    client.send("HEAD /cgi-bin/long HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_to_head().status, 200);
    assert_eq!(client.ask("GET /cgi-bin/hello HTTP/1.1\r\nHost: a\r\n\r\n").text(), "hello\n");
    assert_eq!(stage.get("/page.html").text(), "a page");
}

#[test]
fn the_environment_has_the_request_and_nothing_smuggled() {
    let stage =
        Stage::new(&[("env", "echo 'Content-Type: text/plain'; echo; env | sort; ls -l /proc/self/fd; pwd")]);
    let text = stage
        .ask(
            "POST /cgi-bin/env/a%20b/../c?q=%20&r HTTP/1.1\r\nHost: example.org:81\r\nContent-Length: 2\r\nContent-Type: x/y\r\n\
             Accept: a\r\nAccept: b\r\nCookie: c=1\r\nCookie: d=2\r\nX-Own: yes\r\nX_Own: smuggled\r\nProxy: evil\r\n\
             Authorization: Basic dXNlcjpwYXNz\r\nConnection: close\r\n\r\nhi",
        )
        .text();
    for line in [
        "GATEWAY_INTERFACE=CGI/1.1",
        "REQUEST_METHOD=POST",
        "SCRIPT_NAME=/cgi-bin/env",
        "PATH_INFO=/c",
        "QUERY_STRING=q=%20&r",
        "CONTENT_LENGTH=2",
        "CONTENT_TYPE=x/y",
        "HTTP_ACCEPT=a,b",
        "HTTP_COOKIE=c=1; d=2",
        "HTTP_X_OWN=yes",
        "REMOTE_ADDR=127.0.0.1",
        "SERVER_NAME=example.org",
        "SERVER_PROTOCOL=HTTP/1.1",
        "SITE=of mine",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    for name in
        ["HTTP_PROXY", "HTTP_AUTHORIZATION", "REMOTE_USER", "AUTH_TYPE", "HTTP_CONNECTION", "CARGO", "HOME"]
    {
        assert!(!text.lines().any(|line| line.starts_with(&format!("{name}="))), "{name} is in {text}");
    }
    // Anything above comes from the shell, or from the process that started the test.
    let is_pipe = |number: u32| text.lines().any(|line| line.contains(&format!(" {number} -> pipe:")));
    assert!((0..3).all(is_pipe), "{text}");
    assert!(!text.contains("socket:") && !text.contains("eventpoll"), "{text}");
    assert!(text.trim_end().ends_with("/cgi-bin"), "{text}");
}

#[test]
fn bodies_go_in_whole_in_whatever_way_they_come() {
    let stage = Stage::new(&[
        ("echo", "echo 'Content-Type: text/plain'; echo; exec cat"),
        ("deaf", "exec <&-; echo 'Content-Type: text/plain'; echo; echo 'I do not read'"),
        ("count", "echo 'Content-Type: text/plain'; echo; echo $CONTENT_LENGTH; exec wc -c"),
    ]);
    let body: String = (b'a'..=b'z').cycle().map(char::from).take(2_000_000).collect();
    let post = |name: &str| {
        format!("POST /cgi-bin/{name} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    assert!(stage.ask(&post("echo")).text() == body, "larger than any pipe, both ways at once");
    assert_eq!(stage.ask(&post("deaf")).text(), "I do not read\n");
    let chunked = |count: usize| {
        let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
        format!(
            "POST /cgi-bin/count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            chunk.repeat(count)
        )
    };
    assert_eq!(stage.ask(&chunked(50)).text().split_whitespace().collect::<Vec<_>>(), ["50000", "50000"]);
    assert_eq!(stage.ask(&chunked(101)).status, 413, "more than the script can be told the length of");
}

#[test]
fn a_script_that_makes_no_response_is_502_and_the_log_says_why() {
    let stage = Stage::new(&[
        ("silent", "exit 3"),
        ("crash", "kill -SEGV $$"),
        ("broken", "echo 'this is no head'; echo; echo body"),
        ("half", "echo 'Content-Type: text/plain'"),
        ("splits", "printf 'A: b\\rSet-Cookie: c\\n\\n'"),
        (
            "complains",
            "echo 'all is \u{1b}[31mlost' >&2; echo 'Content-Type: text/plain'; echo; echo x; exit 1",
        ),
        ("chatty", "i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done; echo 'A: b'; echo"),
    ]);
    let no_interpreter = stage.folder.path().join("cgi-bin/no-interpreter");
    fs::write(&no_interpreter, "#!/no/such/program\n").unwrap();
    fs::set_permissions(&no_interpreter, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["silent", "crash", "broken", "half", "splits", "no-interpreter"] {
        assert_eq!(stage.get(&format!("/cgi-bin/{name}")).status, 502, "{name}");
    }
    assert_eq!(stage.get("/cgi-bin/complains").text(), "x\n");
    assert_eq!(stage.get("/cgi-bin/chatty").status, 200);
    let log = stage.end();
    for line in [
        "/cgi-bin/silent: no response: it wrote nothing",
        "/cgi-bin/silent: exit status: 3",
        "/cgi-bin/broken: no response: bad header line in its head: \"this is no head\"",
        "/cgi-bin/half: no response: its head is incomplete",
        "/cgi-bin/complains: exit status: 1",
        "/cgi-bin/chatty: line 99",
        "/cgi-bin/chatty: 3600 more bytes are left out",
    ] {
        assert!(log.iter().any(|found| found == line), "{line} is not in {log:?}");
    }
    assert!(log.iter().any(|line| line.starts_with("/cgi-bin/crash: signal: 11")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("line 100")), "{log:?}");
}

#[test]
fn a_script_that_takes_too_long_is_killed_with_all_that_it_has_started() {
    let stage = Stage::within(
        Duration::from_millis(1500),
        &[
            ("sleeps", "sleep 600"),
            ("begins", "echo 'Content-Type: text/plain'; echo; echo begun; sleep 600"),
            ("leaves", "sleep 600 & echo 'Content-Type: text/plain'; echo; echo left"),
            (
                "slow",
                "echo 'Content-Type: text/plain'; echo; for i in 1 2 3 4 5; do echo $i; sleep 0.4; done",
            ),
        ],
    );
    assert_eq!(stage.get("/cgi-bin/sleeps").status, 504);
    let mut client = Client::new(&stage.server);
    client.send("GET /cgi-bin/begins HTTP/1.1\r\nHost: a\r\n\r\n");
    // It is sent before the script continues, and no end follows.
    let mut got = Vec::new();
    if let Err(error) = client.stream().read_to_end(&mut got) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    let got = String::from_utf8_lossy(&got).into_owned();
    assert!(got.contains("begun") && !got.ends_with("0\r\n\r\n"), "{got}");
    assert_eq!(stage.get("/cgi-bin/leaves").text(), "left\n");
    assert_eq!(stage.get("/cgi-bin/slow").text(), "1\n2\n3\n4\n5\n", "one that goes on has time");
    let log = stage.end();
    for name in ["sleeps", "begins"] {
        let line = format!("/cgi-bin/{name}: killed after 1.5s");
        assert!(log.iter().any(|found| found.contains(&line)), "{line}: {log:?}");
    }
    wait_until("no process is left", || children().is_empty());
}

#[test]
fn a_script_ends_with_its_client() {
    let stage = Stage::new(&[("endless", "echo 'Content-Type: text/plain'; echo; exec yes")]);
    let mut client = Client::new(&stage.server);
    client.send("GET /cgi-bin/endless HTTP/1.1\r\nHost: a\r\n\r\n");
    client.stream().read_exact(&mut [0; 10_000]).unwrap();
    drop(client);
    stage.log.wait_for("the client went away");
    drop(stage);
    wait_until("no process is left", || children().is_empty());
}

#[test]
fn what_is_not_there_or_may_not_be_run() {
    let stage = Stage::new(&[("hello", HELLO)]);
    fs::write(stage.folder.path().join("cgi-bin/data"), "secret").unwrap();
    fs::write(stage.folder.path().join("outside"), "#!/bin/sh\n").unwrap();
    std::os::unix::fs::symlink("/bin/ls", stage.folder.path().join("cgi-bin/link")).unwrap();
    for (target, status) in [
        ("/cgi-bin/none", 404),
        ("/cgi-bin/data", 403),
        ("/cgi-bin/", 403),
        ("/cgi-bin/deep/", 403),
        ("/cgi-bin/link", 404),
        ("/cgi-bin", 301),
    ] {
        assert_eq!(stage.get(target).status, status, "{target}");
    }
    let post = stage.ask("POST /page.html HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!((post.status, post.status_line.contains("Can only POST to CGI scripts")), (501, true));
    let put = stage.ask("PUT /cgi-bin/hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(put.field("allow"), Some("GET, HEAD, POST"));
}

#[test]
fn scripts_of_other_languages() {
    let stage = Stage::new(&[(
        "form.py",
        "import os, sys, urllib.parse\nform = urllib.parse.parse_qs(sys.stdin.read())\nprint('Content-Type: text/plain')\nprint()\n\
         print(os.environ['REQUEST_METHOD'], form['name'][0])",
    )]);
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        return basehttp_tests::left_out("a script in Python: there is no python3");
    }
    let post = "POST /cgi-bin/form.py HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nname=J%C3%A9";
    let response = Client::new(&stage.server).ask(post);
    assert_eq!((response.status, response.text().as_str()), (200, "POST J\u{e9}\n"));
}

fn spelling() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "//",
        ".",
        "..",
        "cgi-bin",
        "%63gi-bin",
        "cgi%2dbin",
        "CGI-BIN",
        "source",
        "%73ource",
        "%2f",
        "%2e",
        "%5c",
        "\\",
        "?",
        "#",
        ";",
        "%00",
        "%20",
        "deep",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_source_of_a_script_is_never_sent(targets in prop::collection::vec(spelling(), 30)) {
        let stage = Stage::new(&[("source", "# the source\necho 'Content-Type: text/plain'; echo; echo run")]);
        let mut client = Client::new(&stage.server);
        for target in targets {
            let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let Ok(response) = client.send(&request).try_response() else {
                client = Client::new(&stage.server);
                continue;
            };
            prop_assert!(!String::from_utf8_lossy(&response.body).contains("the source"), "{}", target);
            if response.field("connection") == Some("close") {
                client = Client::new(&stage.server);
            }
        }
    }
}
