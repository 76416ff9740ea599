//! User names and passwords.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::program::{Program, command, folder};

fn basic(pair: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(pair))
}

fn check(program: &Program, pair: &str) {
    let refused = program.get("/a.txt");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.field("WWW-Authenticate"), Some("Basic realm=\"basehttp\", charset=\"UTF-8\""));
    assert!(!refused.body.contains("text of a"));
    assert_eq!(program.get_with("/a.txt", &basic(pair)).body, "text of a");
    let user = pair.split(':').next().unwrap();
    for wrong in [format!("{user}:"), format!("{pair}x"), format!(":{pair}"), user.to_owned(), String::new()]
    {
        assert_eq!(program.get_with("/a.txt", &basic(&wrong)).status, 401, "{wrong:?}");
    }
}

#[test]
fn on_the_command_line_in_a_file_and_in_the_environment() {
    let folder = folder();
    check(&Program::start(folder.path(), &["--auth", "ann:sec:ret"]), "ann:sec:ret");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "# users\nann:one\r\n\nzo\u{eb}:two three\n").unwrap();
    let program = Program::start(folder.path(), &["--auth-file", file.path().to_str().unwrap()]);
    check(&program, "ann:one");
    check(&program, "zo\u{eb}:two three");
    let mut command = command();
    command.args(["0", "-b", "127.0.0.1", "-d"]).arg(folder.path()).env("BASEHTTP_AUTH", "ann:hidden");
    let program = Program::of(command);
    check(&program, "ann:hidden");
    // Other users of the machine can see the arguments.
    #[cfg(target_os = "linux")]
    {
        let shown = fs::read(format!("/proc/{}/cmdline", program.id())).unwrap();
        let shown = String::from_utf8_lossy(&shown);
        assert!(shown.contains("\0-b\x00127.0.0.1\0") && !shown.contains("hidden"), "{shown}");
    }
}

#[test]
fn before_anything_else_of_a_request() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--auth", "ann:x", "--upload", "--spa"]);
    let head = |line: &str, more: &str| {
        format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
    };
    for request in [
        head("GET /nothing", ""),
        head("HEAD /", ""),
        head("SPAM /", ""),
        head("OPTIONS /", "Origin: http://localhost\r\n"),
        head("POST /", "Content-Length: 3\r\nExpect: 100-continue\r\n"),
        head("GET /", "Expect: what\r\n"),
    ] {
        let response = program.ask(&request);
        assert_eq!(response.status, 401, "{request}");
        assert!(response.field("WWW-Authenticate").is_some(), "{request}");
    }
    // A malformed request is refused without asking for a password.
    assert_eq!(program.ask("GET /\u{1}\r\n\r\n").status, 400);
    let (_, _, log) = program.stop();
    assert!(log.contains("code 401"), "{log}");
}

#[test]
fn browsers_may_ask_first_what_they_may_send() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--auth", "ann:x", "--cors"]);
    let asked = "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://b\r\nConnection: close\r\n\r\n";
    assert_eq!(program.ask(asked).status, 204);
    let response = program.get_with("/", "Origin: http://b\r\n");
    assert_eq!((response.status, response.field("Access-Control-Allow-Origin")), (401, Some("*")));
}

#[test]
fn failed_tries_are_told_without_the_password() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--auth", "ann:right"]);
    assert_eq!(program.get_with("/", &basic("ann\n127.0.0.1 - - forged:guess")).status, 401);
    assert_eq!(program.get("/").status, 401);
    let (_, _, log) = program.stop();
    let told: Vec<_> = log.lines().filter(|line| line.contains("wrong user name or password")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("'ann\\x0a127.0.0.1 - - forged'"), "{log}");
    assert!(!log.contains("guess") && !log.contains("right"), "{log}");
}
