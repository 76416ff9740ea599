//! `--cgi`: the user that scripts are told, and where their input is stored.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;

use crate::program::{Program, Response, command, folder, names, wait_until};

fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join("cgi-bin").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
}

/// A script that prints the variables about its user, and counts those that could leak the password.
const WHO: &str = "printf 'A: b\\n\\n'; echo \"${AUTH_TYPE-none} ${REMOTE_USER-nobody}\"; env | grep -ci 'secret\\|authorization'";

fn basic(pair: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(pair))
}

#[test]
fn a_script_is_told_who_has_come_with_the_right_password() {
    let folder = folder();
    script(folder.path(), "who", WHO);
    script(folder.path(), "on", "printf 'Location: /cgi-bin/who\\n\\n'");
    let long = "x".repeat(120);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("ann:secret\n{long}:secret\nzo\u{eb}:secret\n")).unwrap();
    let file = file.path().to_str().unwrap();
    let start = |version| Program::start(folder.path(), &["--cgi", "-p", version, "--auth-file", file]);
    let program = start("HTTP/1.0");
    let claims = "Remote-User: eve\r\nAuth-Type: none\r\nX-Remote-User: eve\r\nRemote_User: eve\r\n";
    for user in ["ann", &long, "zo\u{eb}"] {
        let fields = basic(&format!("{user}:secret")) + claims;
        for path in ["/cgi-bin/who", "/cgi-bin/on"] {
            assert_eq!(program.get_with(path, &fields).body, format!("Basic {user}\n0\n"), "{path}");
        }
        let posted = program.ask(format!("POST /cgi-bin/who HTTP/1.0\r\n{fields}Content-Length: 0\r\n\r\n"));
        assert_eq!(posted.body, format!("Basic {user}\n0\n"));
    }
    // Two requests on one connection have two users.
    let asked = |user: &str, more: &str| {
        let pair = basic(&format!("{user}:secret"));
        format!("GET /cgi-bin/who HTTP/1.1\r\nHost: 127.0.0.1\r\n{pair}{more}\r\n")
    };
    let program = start("HTTP/1.1");
    let responses = program.ask(asked("ann", "") + &asked("zo\u{eb}", "Connection: close\r\n"));
    let at = |text: &str| responses.body.find(text);
    assert!(at("Basic ann\n") < at("Basic zo\u{eb}\n") && at("Basic ann\n").is_some(), "{responses:?}");
    for wrong in [basic("ann:guess"), claims.to_owned()] {
        assert_eq!(program.get_with("/cgi-bin/who", &wrong).status, 401);
    }
}

#[test]
fn pages_of_other_sites_run_no_scripts_with_the_users_password() {
    let folder = folder();
    script(folder.path(), "who", WHO);
    let program = Program::start(folder.path(), &["--cgi", "--cors", "-p", "HTTP/1.0", "--auth", "ann:pw"]);
    let post = |fields: &str| {
        let basic = basic("ann:pw");
        let request = format!(
            "POST /cgi-bin/who HTTP/1.0\r\nHost: localhost:1\r\n{basic}{fields}Content-Length: 0\r\n\r\n"
        );
        program.ask(request).status
    };
    assert_eq!(post("Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"), 403);
    assert_eq!(post("Origin: http://localhost:1\r\n"), 200);
    assert_eq!(post(""), 200);
}

#[test]
fn without_a_password_a_script_is_told_of_nobody() {
    let folder = folder();
    script(folder.path(), "who", WHO);
    let program = Program::start(folder.path(), &["--cgi", "-p", "HTTP/1.0"]);
    let fields = basic("ann:secret") + "Remote-User: eve\r\n";
    assert_eq!(program.get_with("/cgi-bin/who", &fields).body, "none nobody\n0\n");
}

/// A request with a chunked body.
fn chunked(path: &str, length: usize) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunk = format!("{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length));
    [head, chunk].concat().into_bytes()
}

const LENGTH: &str = "printf 'A: b\\n\\n'; echo \"$CONTENT_LENGTH\"; exec wc -c";

/// Starts the command with `--cgi` through `env` or a shell. With HTTP/1.0, responses are not chunked.
fn started_by(starter: &str, arguments: &[&str], folder: &Path) -> Program {
    let mut outer = Command::new(starter);
    outer.args(arguments).arg(command().get_program());
    outer
        .args(["0", "-b", "127.0.0.1", "--cgi", "-p", "HTTP/1.0", "-d"])
        .arg(folder)
        .env_remove("BASEHTTP_AUTH");
    outer.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Program::of(outer)
}

#[test]
fn the_length_of_a_body_in_chunks_has_an_option() {
    let folder = folder();
    script(folder.path(), "length", LENGTH);
    let program = Program::start(folder.path(), &["--cgi", "-p", "HTTP/1.0", "--chunked-limit", "2M"]);
    assert_eq!(program.ask(chunked("/cgi-bin/length", 2 << 20)).body, "2097152\n2097152\n");
    assert_eq!(program.ask(chunked("/cgi-bin/length", (2 << 20) + 1)).status, 413);
    // The default is larger than that.
    let program = Program::start(folder.path(), &["--cgi", "-p", "HTTP/1.0"]);
    assert_eq!(program.ask(chunked("/cgi-bin/length", 5_000_000)).body, "5000000\n5000000\n");
}

#[test]
fn a_long_body_is_in_a_file_without_a_name_and_a_short_one_is_in_none() {
    let (folder, temporary) = (folder(), tempfile::tempdir().unwrap());
    script(folder.path(), "wait", "echo $$ >pid; read line <go; printf 'A: b\\n\\n'; exec wc -c");
    let go = folder.path().join("cgi-bin/go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    let place = format!("TMPDIR={}", temporary.path().display());
    let program = started_by("env", &[&place], folder.path());
    let pid = folder.path().join("cgi-bin/pid");
    // Its descriptors that lead into that folder.
    let kept = |program: &Program| {
        let links = fs::read_dir(format!("/proc/{}/fd", program.id())).unwrap().filter_map(Result::ok);
        let links = links.filter_map(|link| fs::read_link(link.path()).ok());
        links.filter(|link| link.starts_with(temporary.path())).count()
    };
    let asked = |length: usize, files: usize| {
        let mut stream = program.connect();
        stream.write_all(&chunked("/cgi-bin/wait", length)).unwrap();
        wait_until("the script runs", || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
        assert_eq!(names(temporary.path()), [""; 0], "{length}");
        if cfg!(target_os = "linux") {
            assert_eq!(kept(&program), files, "{length}");
        }
        fs::remove_file(&pid).unwrap();
        stream
    };
    let stream = asked(1 << 20, 0);
    fs::write(&go, "go\n").unwrap();
    assert_eq!(Response::read(stream).body, "1048576\n");
    let stream = asked(5_000_000, 1);
    fs::write(&go, "go\n").unwrap();
    assert_eq!(Response::read(stream).body, "5000000\n");
    wait_until("the file is closed", || !cfg!(target_os = "linux") || kept(&program) == 0);
    // Also if the server is killed.
    let stream = asked(5_000_000, 1);
    program.signal(Signal::SIGKILL);
    program.wait();
    assert_eq!(names(temporary.path()), [""; 0]);
    drop(stream);
    // Ends the script that remains.
    fs::write(&go, "go\n").unwrap();
}

#[test]
fn where_there_is_no_room_for_a_long_body_a_short_one_goes_on() {
    let folder = folder();
    script(folder.path(), "length", LENGTH);
    let nowhere = started_by("env", &["TMPDIR=/nonexistent"], folder.path());
    assert_eq!(nowhere.ask(chunked("/cgi-bin/length", 1 << 20)).body, "1048576\n1048576\n");
    assert_eq!(nowhere.ask(chunked("/cgi-bin/length", 3 << 20)).status, 500);
    nowhere.wait_for_log("the request's body cannot be kept");
    // Stands for a full disk, without root: a file may have half a megabyte.
    let full = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\"";
    let full = started_by("/bin/sh", &["-c", full], folder.path());
    assert_eq!(full.ask(chunked("/cgi-bin/length", 1 << 20)).body, "1048576\n1048576\n");
    assert_eq!(full.ask(chunked("/cgi-bin/length", 3 << 20)).status, 507);
}

#[test]
fn whoever_starts_it_a_killed_script_has_no_whole_response() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = folder();
    script(folder.path(), "cut", "printf 'A: b\\n\\nhalf'; kill -KILL $$");
    let program = started_by("env", &["--ignore-signal=CHLD"], folder.path());
    let mut stream = program.connect();
    stream.write_all(b"GET /cgi-bin/cut HTTP/1.0\r\n\r\n").unwrap();
    let mut response = String::new();
    // The connection is reset if the output was sent before the script ended.
    let end = stream.read_to_string(&mut response);
    assert!(end.is_err() || response.starts_with("HTTP/1.0 502 "), "{response}");
    program.wait_for_log("its response is cut");
}
