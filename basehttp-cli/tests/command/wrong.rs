//! Errors: each takes one or two lines, and says what to do about it.

use std::fs;
use std::net::TcpListener;

use crate::program::{command, folder, run};

#[test]
fn a_wrong_call_is_told_and_is_2() {
    for (arguments, told) in [
        (&["--corss"][..], "did you mean '--cors'?"),
        (&["99999"], "a port is a number from 0 to 65535"),
        (&["abc"], "a port is a number from 0 to 65535"),
        (&["--overwrite"], "the given options also need --upload"),
        (&["--tls-key", "x"], "the given options also need --tls-cert <FILE>"),
        (&["-1"], "'-1'"),
        (&["8000", "8001"], "'8001'"),
        (&["--log", "jsn"], "did you mean 'json'?"),
        (&["-p", "HTTP/2"], "HTTP/1.0, HTTP/1.1"),
        (&["-d"], "--directory <DIR>"),
        (&["-H", "no colon"], "write it as 'Name: value'"),
        (&["-H", "A: b\nC: d"], "the value of A may contain only printable ASCII"),
        (&["-H", "Content-Length: 5"], "the server sets Content-Length itself"),
        (&["--content-type", "text"], "text/plain"),
        (&["--overwrite"], "--upload"),
        (&["--upload-limit", "5"], "--upload"),
        (&["--upload", "--upload-limit", "much"], "500M"),
        (&["--auth", "ann"], "USER:PASS"),
        (&["--auth", "ann:"], "USER:PASS"),
        (&["--auth", "a:b", "--auth-file", "f"], "--auth-file"),
        (&["--tls-key", "k"], "--tls-cert"),
        (&["--completions", "tcl"], "bash"),
        (
            &["--tls-cert", "c.pem", "--tls-key", "k.pem", "--tls-password-file", "pw"],
            "(umask 077; openssl pkey -in 'k.pem' -passin 'file:pw' -out 'k.pem.plain')",
        ),
    ] {
        let (code, output, errors) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {errors}");
        assert!(errors.starts_with("basehttp: ") && errors.contains(told), "{arguments:?}: {errors}");
        assert!(errors.lines().count() <= 2 && output.is_empty(), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_password_that_is_wrong_is_not_shown() {
    for arguments in [["--auth", "topsecret"], ["--auth", ":topsecret"]] {
        let (code, output, errors) = run(&arguments);
        assert_eq!((code, &*output), (Some(2), ""), "{errors}");
        assert!(errors.contains("--auth") && !errors.contains("topsecret"), "{errors}");
    }
    #[cfg(unix)]
    let pair =
        <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(b"ann:topsecret\xff".to_vec());
    // Half of a surrogate pair.
    #[cfg(windows)]
    let pair: std::ffi::OsString = {
        let half = "ann:topsecret".encode_utf16().chain([0xd800]).collect::<Vec<_>>();
        std::os::windows::ffi::OsStringExt::from_wide(&half)
    };
    let output = command().arg("0").env("BASEHTTP_AUTH", pair).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*errors), (Some(2), "basehttp: BASEHTTP_AUTH is not valid UTF-8\n"));
}

fn fails(arguments: &[&str], told: &[&str]) {
    let (code, _, errors) = run(arguments);
    assert_eq!(code, Some(1), "{arguments:?}: {errors}");
    assert!(errors.lines().count() <= 2, "{errors}");
    for told in told {
        assert!(errors.contains(told), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_folder_that_is_none() {
    fails(&["0", "-d", "/no/such/folder"], &["/no/such/folder", "name another one"]);
    let file = folder();
    let file = file.path().join("a.txt");
    let file = file.to_str().unwrap();
    fails(&["0", "-d", file], &[file, "not a folder"]);
}

#[test]
fn a_port_that_is_taken() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    // Only Linux has more than one such address.
    let free = if cfg!(target_os = "linux") { "127.0.0.2" } else { "127.0.0.1" };
    for address in [&["-b", "127.0.0.1"][..], &[], &["-b", free, "-b", "127.0.0.1"]] {
        let arguments = [&[&*port][..], address].concat();
        let place = address.last().map_or(String::new(), |host| format!(" on {host}"));
        fails(&arguments, &[&format!("port {port} is already in use{place}; "), "0 for a free one"]);
    }
}

#[test]
fn an_address_that_is_another_machines() {
    // An address for documentation (RFC 5737).
    fails(&["0", "-b", "192.0.2.77"], &["192.0.2.77", "leave --bind out"]);
    fails(&["0", "-b", "no such name"], &["no such name", "--bind"]);
}

#[test]
fn certificates_that_are_none() {
    let folder = folder();
    let text = folder.path().join("a.txt");
    fails(&["0", "--tls-cert", "/no/such.pem"], &["/no/such.pem"]);
    fails(&["0", "--tls-cert", text.to_str().unwrap()], &["a.txt"]);
}

#[test]
fn a_file_of_passwords_that_is_none() {
    let folder = folder();
    let path = folder.path().join("pw");
    let shown = path.to_str().unwrap();
    fails(&["0", "--auth-file", shown], &["cannot read", shown]);
    fs::write(&path, "# nobody\n\n").unwrap();
    fails(&["0", "--auth-file", shown], &[shown, "USER:PASS"]);
    fs::write(&path, "ann:a\nbob\n").unwrap();
    let (code, _, errors) = run(&["0", "--auth-file", shown]);
    assert!(code == Some(2) && errors.contains("line 2") && !errors.contains("bob"), "{errors}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_takes_nothing_is_no_panic() {
    for arguments in [&["--help"][..], &["--version"], &["--man"], &["--completions", "bash"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command().args(arguments).stdout(full).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() != Some(101) && !errors.contains("panicked"), "{arguments:?}: {errors}");
    }
}
