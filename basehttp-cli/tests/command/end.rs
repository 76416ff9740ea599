//! How the command ends.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use crate::program::{Program, Response, SIGNALS, Signal, folder, names, unnamed, wait_until};
use crate::upload::{form, request};

/// Sends the start of an upload, which its handler reads. Returns the rest.
fn begin(program: &Program, folder: &Path) -> (TcpStream, Vec<u8>) {
    let content = vec![b'x'; 300_000];
    let whole = request("/", "", &form(&[("late.bin", &content)]));
    let (first, rest) = whole.split_at(200_000);
    let mut stream = program.connect();
    stream.write_all(first).unwrap();
    wait_until("the upload to begin", || unnamed(folder) == 1);
    (stream, rest.to_vec())
}

#[test]
fn the_first_signal_lets_running_requests_end() {
    for signal in SIGNALS {
        let folder = folder();
        let program = Program::start(folder.path(), &["--upload"]);
        assert_eq!(program.get("/a.txt").status, 200);
        assert_eq!(program.get("/nothing").status, 404);
        let (mut stream, rest) = begin(&program, folder.path());
        program.signal(signal);
        program.wait_for_log("again to stop immediately");
        stream.write_all(&rest).unwrap();
        assert_eq!(Response::read(stream).status, 201);
        let (status, output, _) = program.wait();
        assert_eq!(status.code(), Some(0));
        let line = output.lines().last().unwrap();
        assert!(line.starts_with("Served 3 requests in "), "{line}");
        assert!(
            line.contains(": 2 with 2xx, 1 with 4xx; ") && line.ends_with("292.9 KiB uploaded"),
            "{line}"
        );
        assert_eq!(names(folder.path()), [".hidden", "a.txt", "late.bin", "sub"]);
    }
}

#[test]
fn the_second_signal_ends_at_once() {
    for signal in SIGNALS {
        let folder = folder();
        let mut program = Program::start(folder.path(), &["--upload"]);
        let (stream, _) = begin(&program, folder.path());
        program.signal(Signal::SIGINT);
        program.wait_for_log("again to stop immediately");
        assert!(program.is_running());
        program.signal(signal);
        let (status, _, _) = program.wait();
        #[cfg(unix)]
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(signal as i32), "{status}");
        // STATUS_CONTROL_C_EXIT, or the code of the C library's default action.
        #[cfg(windows)]
        assert!(matches!(status.code(), Some(-0x3fff_fec6 | 3)), "{status}");
        drop(stream);
    }
}

#[test]
fn nothing_was_served() {
    let folder = folder();
    let (status, output, _) = Program::start(folder.path(), &[]).stop();
    assert_eq!(status.code(), Some(0));
    assert!(output.starts_with("Served 0 requests in ") && output.ends_with("; 0 B sent\n"), "{output}");
}
