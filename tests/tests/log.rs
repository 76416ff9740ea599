//! The log where nobody reads it. Linux only.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use basehttp_tests::PATIENCE;
use basehttp_tests::child::LimitedServer;
use basehttp_tests::client::Client;

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let server = LimitedServer::start_unheard(env!("CARGO_BIN_EXE_limited"), &[]);
    let mut clients: Vec<_> = (0..4).map(|_| server.connect().unwrap()).collect();
    // 4 MB of lines: more than a pipe holds, and more than the server keeps.
    let path = format!("/logged/{}", "x".repeat(1000));
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    for _ in 0..1000 {
        for client in &mut clients {
            assert_eq!(client.ask(&request).text(), path);
        }
    }
    server.end();
}

/// Lines of more than a pipe holds.
const COUNT: usize = 256;

/// The server is idle when its log is read again: nobody else makes it look.
#[test]
fn the_rest_of_a_log_that_was_not_read_does_not_wait_for_the_next_request() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_limited"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let port: u16 = port.trim().parse().unwrap();
    let mut client = Client::over(std::net::TcpStream::connect(("127.0.0.1", port)).unwrap());
    // 256 KiB: more than a pipe holds, and less than the server keeps.
    let request = format!("GET /logged/{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(1000));
    for _ in 0..COUNT {
        assert_eq!(client.ask(&request).status, 200);
    }
    let (lines, read) = mpsc::channel();
    let errors = BufReader::new(child.stderr.take().unwrap());
    let reader = thread::spawn(move || {
        let all = errors.lines().take(COUNT).map(|line| line.unwrap().contains("/logged/")).filter(|it| *it);
        let _ = lines.send(all.count());
    });
    let count = read.recv_timeout(PATIENCE);
    let _ = child.kill();
    child.wait().unwrap();
    reader.join().unwrap();
    assert_eq!(count, Ok(COUNT));
}
