//! Abuse of TLS records by a client: other connections have their turns, and records without data give no time.

use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use basehttp::ServerBuilder;
use basehttp::prelude::*;
use basehttp_tests::client::Client;
use basehttp_tests::wait_until;

use super::records::Records;
use super::{GET, Stage, read_to_its_end};

fn stage(builder: ServerBuilder) -> Stage {
    Stage::with(builder.compute_threads(1))
}

impl Stage {
    fn records(&self) -> Records {
        Records::new(self.identity.roots(), self.server.connect().unwrap())
    }
}

/// The server has closed, with a reset if it left something unread, and has sent nothing before.
fn assert_closed(client: &mut Records) {
    let _ = client.stream().shutdown(Shutdown::Write);
    let rest = read_to_its_end(client);
    assert!(rest.is_empty(), "{}", basehttp_tests::show(&rest));
}

#[test]
fn records_that_carry_nothing_now_and_then_are_taken() {
    let stage = stage(HTTPServer::builder());
    let mut client = stage.records();
    for _ in 0..10 {
        let records = client.barren(30_000);
        client.stream().write_all(&records).unwrap();
        client.write_all(&GET.as_bytes()[..5]).unwrap();
        let records = client.barren(30_000);
        client.stream().write_all(&records).unwrap();
        client.write_all(&GET.as_bytes()[5..]).unwrap();
        assert_eq!(Client::over(&mut client).response().text(), "/ true");
    }
    assert!(stage.log.lines().iter().all(|line| !line.contains("without data")), "{:?}", stage.log.lines());
}

/// In each part of a request: before it, in its head, in its body.
#[test]
fn a_client_that_sends_only_records_without_data_is_closed() {
    let stage = stage(HTTPServer::builder());
    for before in ["", "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"] {
        let mut client = stage.records();
        client.write_all(before.as_bytes()).unwrap();
        let records = client.barren(200_000);
        // The server may close before all of it is written.
        let _ = client.stream().write_all(&records);
        assert_closed(&mut client);
        assert_eq!(stage.client().ask(GET).text(), "/ true");
    }
    wait_until("it is told of each", || stage.log.count("bytes of TLS records without data") == 3);
}

#[test]
fn empty_records_are_no_data_either() {
    let stage = stage(HTTPServer::builder());
    let mut client = stage.records();
    let records: Vec<u8> = (0..10_000).flat_map(|_| client.data(b"")).collect();
    let _ = client.stream().write_all(&records);
    assert_closed(&mut client);
}

/// A flood of records, which is closed again and again, beside a client that sends requests.
#[test]
fn a_flood_of_records_starves_nobody() {
    let stage = stage(HTTPServer::builder());
    let floods: Vec<_> = (0..10)
        .map(|_| {
            let mut client = stage.records();
            let records = client.barren(150_000);
            (client, records)
        })
        .collect();
    let mut client = stage.client();
    thread::scope(|scope| {
        scope.spawn(|| {
            for (client, records) in &floods {
                let _ = client.stream().write_all(records);
            }
        });
        for _ in 0..500 {
            assert_eq!(client.ask(GET).text(), "/ true");
        }
    });
    for (mut client, _) in floods {
        assert_closed(&mut client);
    }
}

/// A head and a body, each byte in a record, over and over, beside a client that sends requests.
#[test]
fn single_bytes_in_records_starve_nobody() {
    let stage = stage(HTTPServer::builder());
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nA: {}\r\nContent-Length: 60000\r\n\r\n{}",
        "a".repeat(50_000),
        "b".repeat(60_000)
    );
    let mut flood = stage.records();
    flood.piece = 1;
    let over = AtomicBool::new(false);
    let mut client = stage.client();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                flood.write_all(request.as_bytes()).unwrap();
                let response = Client::over(&mut flood).response();
                assert_eq!((response.status, response.body.len()), (200, 60_000));
            }
        });
        for _ in 0..300 {
            assert_eq!(client.ask(GET).text(), "/ true");
        }
        over.store(true, Ordering::SeqCst);
    });
}

/// A record without data before each deadline gains no more time than silence does.
#[test]
fn records_without_data_are_silence() {
    const TIME: Duration = Duration::from_millis(300);
    let builder = HTTPServer::builder()
        .idle_timeout(TIME)
        .head_timeout(TIME)
        .read_timeout(TIME)
        .body_timeout(TIME)
        .gather_limit(0);
    let stage = stage(builder);
    let echo = "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab";
    for before in ["", GET, "GET / HT", body, echo] {
        let mut client = stage.records();
        client.write_all(before.as_bytes()).unwrap();
        // It continues until the server has closed; reaching the limit of bytes alone would take an hour.
        basehttp_tests::wait_until("the server closes", || {
            thread::sleep(TIME / 10);
            let record = client.key_update();
            let empty = client.data(b"");
            client.stream().write_all(&[record, empty].concat()).is_err()
        });
    }
}
