//! The poller gives hints; only a read or write decides. The server finds an end of input that comes with the last bytes,
//! and also what is left after a read that filled its buffer.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::show;
use socket2::SockRef;

use crate::stage::{GET, Stage, post, say};

/// A server whose deadlines do not make up for a forgotten event.
fn patient() -> Stage {
    let hour = Duration::from_secs(3600);
    let builder =
        HTTPServer::builder().idle_timeout(hour).head_timeout(hour).read_timeout(hour).write_timeout(hour);
    Stage::with(builder, |act| {
        let body = if act.command() == "POST" { act.read_body(1 << 20)? } else { Vec::new() };
        let sum = body.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        say(act, &format!("{} {sum}", body.len()))
    })
}

/// Whether what is written waits for more. Other systems than Linux send it as it comes.
#[cfg(target_os = "linux")]
fn cork(stream: &TcpStream, hold: bool) {
    SockRef::from(stream).set_tcp_cork(hold).unwrap();
}

#[cfg(not(target_os = "linux"))]
fn cork(_stream: &TcpStream, _hold: bool) {}

/// Sends bytes and the end of the input in one segment, where the system allows that.
fn burst(client: &Client, bytes: &[u8]) {
    let mut stream = client.stream();
    cork(stream, true);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

fn check_bursts(input: &[u8], statuses: &[&str]) {
    let stage = patient();
    for _ in 0..50 {
        // Some in a crowd, so that there are several events in one poll.
        let clients: Vec<_> = (0..4).map(|_| stage.client()).collect();
        for client in &clients {
            burst(client, input);
        }
        for mut client in clients {
            let output = show(&client.rest().expect("an orderly close"));
            let found: Vec<_> = output.split("HTTP/1.1 ").skip(1).map(|response| &response[..3]).collect();
            assert_eq!(found, statuses, "{output}");
        }
    }
    stage.wait_until_empty();
}

#[test]
fn rule_03_a_request_and_the_end_in_one_burst_are_answered_and_freed() {
    check_bursts(GET.as_bytes(), &["200"]);
}

#[test]
fn rule_03_two_requests_and_the_end_in_one_burst_are_answered_and_freed() {
    check_bursts([GET, &post("hello")].concat().as_bytes(), &["200", "200"]);
}

#[test]
fn rule_03_part_of_a_request_and_the_end_in_one_burst_are_answered_and_freed() {
    check_bursts(b"GET / HTTP/1.1\r\nHo", &["400"]);
    check_bursts(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", &["400"]);
}

#[test]
fn rule_03_a_burst_that_fills_the_buffer_and_the_end_are_answered_and_freed() {
    for size in [4096, 8192] {
        check_bursts(&request_of(size, 0), &["200"]);
        check_bursts(&request_of(size, 1000), &["200"]);
    }
}

#[test]
fn rule_03_the_end_alone_frees_the_connection() {
    check_bursts(b"", &[]);
}

/// A request with a head of this length minus that of the body.
fn request_of(size: usize, body: usize) -> Vec<u8> {
    let start = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\nX: ");
    let padding = size - body - start.len() - 4;
    format!("{start}{}\r\n\r\n{}", "x".repeat(padding), "y".repeat(body)).into_bytes()
}

#[test]
fn rule_03_input_of_any_length_around_that_of_a_buffer_is_neither_lost_nor_waited_for() {
    let stage = patient();
    let mut client = stage.client();
    for buffer in [1024, 2048, 4096, 8192, 16_384, 32_768, 65_000] {
        for size in buffer - 2..=buffer + 2 {
            for body in [0, 1, size / 2, size - 100] {
                // The connection is new, or it has been used: its buffers differ.
                for client in [&mut client, &mut stage.client()] {
                    let response = client.ask(request_of(size, body));
                    assert_eq!(response.text(), format!("{body} {}", body * usize::from(b'y')), "{size}");
                }
            }
        }
    }
    assert_eq!(client.ask(GET).text(), "0 0");
}

#[test]
fn rule_03_a_head_and_a_body_that_each_fill_the_buffer_are_taken_apart() {
    let stage = patient();
    for split in [4095, 4096, 4097] {
        let mut client = stage.client();
        let request = request_of(4096 + 4096, 4096);
        // The server has read all that there is before the rest arrives.
        client.send(&request[..split]);
        assert_eq!(stage.client().ask(GET).status, 200);
        client.send(&request[split..]);
        assert_eq!(client.response().text(), format!("4096 {}", 4096 * u32::from(b'y')));
    }
}

/// Sends bytes with an urgent one before the byte at `at`, which the system takes out: all in one segment, or in three.
fn send_urgent(client: &Client, bytes: &[u8], at: usize, is_burst: bool) {
    let mut stream = client.stream();
    let socket = SockRef::from(stream);
    cork(stream, is_burst);
    stream.write_all(&bytes[..at]).unwrap();
    assert_eq!(socket.send_out_of_band(b"!").unwrap(), 1);
    stream.write_all(&bytes[at..]).unwrap();
    cork(stream, false);
}

/// The system ends a read before urgent data, so the read is short although more has arrived, without another event.
fn check_urgent(input: &str, bodies: &[&str]) {
    let stage = patient();
    for is_burst in [true, false] {
        let mut kept = stage.client();
        for at in 0..=input.len() {
            let mut fresh = stage.client();
            for client in [&mut kept, &mut fresh] {
                send_urgent(client, input.as_bytes(), at, is_burst);
                for body in bodies {
                    assert_eq!(client.response().text(), *body, "at {at}");
                }
            }
        }
    }
}

#[test]
fn rule_03_urgent_data_anywhere_in_a_head_hides_nothing() {
    check_urgent(GET, &["0 0"]);
}

#[test]
fn rule_03_urgent_data_anywhere_in_requests_and_bodies_hides_nothing() {
    check_urgent(&[GET, &post("hello"), GET, &post("")].concat(), &["0 0", "5 532", "0 0", "0 0"]);
    check_urgent(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        &["5 532"],
    );
}

#[test]
fn rule_03_urgent_data_in_a_long_body_hides_nothing() {
    let stage = patient();
    let body = "a".repeat(300_000);
    let request = post(&body);
    for at in [100, 5000, 16_384, 65_536, 65_600, 299_999] {
        let mut client = stage.client();
        send_urgent(&client, request.as_bytes(), at, false);
        assert_eq!(client.response().text(), "300000 29100000", "at {at}");
    }
}
