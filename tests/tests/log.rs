//! The log where nobody reads it. Linux only.

#![cfg(target_os = "linux")]

use basehttp_tests::child::{Errors, Launch};

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
