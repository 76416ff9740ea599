//! A log that is not read. Linux only.

#![cfg(target_os = "linux")]

use basehttp_tests::child::{Errors, Launch};
use basehttp_tests::wait_until;

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let server = Launch::of(env!("CARGO_BIN_EXE_limited")).errors(Errors::Unheard).start();
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

/// The server is idle when its log is read again: no event makes it try.
#[test]
fn the_rest_of_a_log_that_was_not_read_does_not_wait_for_the_next_request() {
    let mut server = Launch::of(env!("CARGO_BIN_EXE_limited")).errors(Errors::Unheard).start();
    let mut client = server.connect().unwrap();
    // 256 KiB: more than a pipe holds, and less than the server keeps.
    let request = format!("GET /logged/{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(1000));
    for _ in 0..COUNT {
        assert_eq!(client.ask(&request).status, 200);
    }
    server.hear();
    let count = || server.log.lines().iter().filter(|line| line.contains("/logged/")).count();
    wait_until("all lines have come", || count() == COUNT);
    server.end();
}
