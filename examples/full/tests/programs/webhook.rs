//! The example `webhook`: as a program, and its handler where the queue has to be full.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::program::*;

/// The example of GitHub's documentation: the right signature is known from there.
const SECRET: &str = "It's a Secret to Everybody";
const BODY: &str = "Hello, World!";
const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

fn signature(body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

fn delivery(id: &str, signature: &str, body: &str) -> String {
    format!(
        "POST /hooks HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-GitHub-Event: issues\r\nX-GitHub-Delivery: {id}\r\n\
         X-Hub-Signature-256: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn start() -> Program {
    Program::listening("webhook", spawn_with("webhook", &["0"], &[("WEBHOOK_SECRET", SECRET)]))
}

#[test]
fn webhook_takes_what_is_signed() {
    let mut hooks = start();
    check(&hooks.exchange(delivery("1", SIGNATURE, BODY)), "HTTP/1.1 202 Accepted", &[]);
    assert!(hooks.line().starts_with("\"issues\" that cannot be read, in delivery \"1\": "));
    let body = r#"{"action": "opened", "repository": {"full_name": "ann/notes"}}"#;
    check(&hooks.exchange(delivery("2", &signature(body), body)), "HTTP/1.1 202 Accepted", &[]);
    assert_eq!(hooks.line(), "\"issues\" \"opened\" of \"ann/notes\"");
    check(&hooks.exchange(delivery("2", &signature(body), body)), "HTTP/1.1 200 OK", &["Already known\n"]);
    let upper = SIGNATURE[7..].to_uppercase();
    check(&hooks.exchange(delivery("3", &format!("sha256={upper}"), BODY)), "HTTP/1.1 202 Accepted", &[]);
    // The one that was known has not come up again.
    assert!(hooks.line().contains("in delivery \"3\""));

    let escape = delivery("escape", SIGNATURE, BODY).replace(": issues", ": \u{9b}31m");
    check(&hooks.exchange(escape), "HTTP/1.1 202 Accepted", &[]);
    assert!(
        hooks.line().ends_with(
            "31m\" that cannot be read, in delivery \"escape\": expected value at line 1 column 1"
        )
    );

    let longest = "x".repeat(60 << 10);
    check(&hooks.exchange(delivery("4", &signature(&longest), &longest)), "HTTP/1.1 202 Accepted", &[]);
    let too_long = format!("{longest}x");
    let refused = hooks.exchange(delivery("5", &signature(&too_long), &too_long));
    check(&refused, "HTTP/1.1 413 Content Too Large", &[]);
    check(&hooks.exchange(request("GET /hooks")), "HTTP/1.1 405 Method Not Allowed", &[]);
    hooks.stop();
}

#[test]
fn webhook_refuses_other_signatures() {
    let hooks = start();
    let (sha1, cut) = (&SIGNATURE[7..47], &SIGNATURE[..SIGNATURE.len() - 2]);
    for wrong in [
        "",
        "sha256=",
        "sha256=x",
        &SIGNATURE[7..],
        &format!("sha1={sha1}"),
        cut,
        &signature("Hello, World?"),
    ] {
        check(&hooks.exchange(delivery("1", wrong, BODY)), "HTTP/1.1 403 Wrong signature", &[]);
    }
    check(&hooks.exchange(delivery("1", SIGNATURE, "Hello, World?")), "HTTP/1.1 403 Wrong signature", &[]);
    for name in ["X-Hub-Signature-256", "X-GitHub-Delivery", "X-GitHub-Event"] {
        let without = delivery("1", SIGNATURE, BODY).replace(name, "X-Other");
        check(&hooks.exchange(without), &format!("HTTP/1.1 400 {name} is missing"), &[]);
    }
    for wrong in ["", &"1".repeat(101)] {
        let refused = hooks.exchange(delivery(wrong, SIGNATURE, BODY));
        check(&refused, "HTTP/1.1 400 X-GitHub-Delivery is empty or too long", &[]);
        let event = delivery("1", SIGNATURE, BODY).replace(": issues", &format!(": {wrong}"));
        check(&hooks.exchange(event), "HTTP/1.1 400 X-GitHub-Event is empty or too long", &[]);
    }
    // A refused delivery is not known.
    check(&hooks.exchange(delivery("1", SIGNATURE, BODY)), "HTTP/1.1 202 Accepted", &[]);
    hooks.stop();

    let ended = spawn("webhook", &["0"]).wait_with_output().unwrap();
    assert!(!ended.status.success());
    assert!(String::from_utf8_lossy(&ended.stderr).contains("WEBHOOK_SECRET"));
}

#[expect(dead_code, reason = "its main function is not called here")]
mod handler {
    use std::time::{Duration, Instant};

    use basehttp::testing::TestServer;

    use super::{BODY, PATIENCE, SIGNATURE, check, delivery};

    include!("../../examples/webhook.rs");

    #[test]
    fn what_has_no_room_is_sent_away() {
        let (queue, deliveries) = sync_channel(2);
        let hooks = Arc::new(Hooks::new(super::SECRET.as_bytes(), queue));
        let quiet = HTTPServer::builder().log_line(|_, _| {});
        let server = TestServer::with(quiet, move |base| Receive { base, hooks: Arc::clone(&hooks) });
        let send = |id: &str| {
            String::from_utf8(server.exchange(delivery(id, SIGNATURE, BODY).as_bytes()).unwrap()).unwrap()
        };
        for id in ["1", "2"] {
            check(&send(id), "HTTP/1.1 202 Accepted", &[]);
        }
        check(&send("3"), "HTTP/1.1 503 Too many deliveries", &["\r\nRetry-After: 60\r\n"]);
        check(&send("1"), "HTTP/1.1 200 OK", &["Already known\n"]);
        assert_eq!(deliveries.recv().unwrap().id, "1");
        check(&send("3"), "HTTP/1.1 202 Accepted", &[]);
        let left: Vec<_> =
            deliveries.try_iter().map(|delivery| (delivery.id, delivery.event, delivery.body)).collect();
        let expected = ["2", "3"].map(|id| (id.to_owned(), "issues".to_owned(), BODY.as_bytes().to_owned()));
        assert_eq!(left, expected);

        // It keeps the last thousand ids.
        for id in 4..=1003 {
            check(&send(&id.to_string()), "HTTP/1.1 202 Accepted", &[]);
            assert_eq!(deliveries.recv().unwrap().id, id.to_string());
        }
        check(&send("4"), "HTTP/1.1 200 OK", &[]);
        check(&send("3"), "HTTP/1.1 202 Accepted", &[]);

        drop(deliveries);
        check(&send("9999"), "HTTP/1.1 500 The worker has ended", &[]);
    }
    #[test]
    fn a_panic_ends_one_delivery() {
        let (queue, deliveries) = sync_channel(3);
        for id in ["1", "2", "3"] {
            let delivery = Delivery { id: id.to_owned(), event: String::new(), body: Vec::new() };
            queue.try_send(delivery).unwrap();
        }
        drop(queue);
        let done = Mutex::new(Vec::new());
        run(deliveries, |delivery| {
            assert_ne!(delivery.id, "2", "this panic is part of the test");
            done.lock().unwrap().push(delivery.id);
        });
        assert_eq!(done.into_inner().unwrap(), ["1", "3"]);
    }
    #[test]
    fn slow_senders_hold_no_thread() {
        let (queue, _deliveries) = sync_channel(1);
        let hooks = Arc::new(Hooks::new(super::SECRET.as_bytes(), queue));
        let builder = HTTPServer::builder().log_line(|_, _| {}).max_threads(1);
        let server = TestServer::with(builder, move |base| Receive { base, hooks: Arc::clone(&hooks) });
        // Bodies of the greatest length, whose last chunk does not come.
        let (size, length) = (4, 60 << 10);
        let chunk = "x".repeat(length);
        let begun = format!(
            "POST /hooks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{chunk}\r\n"
        );
        let senders: Vec<_> = (0..size)
            .map(|_| {
                let mut stream = server.connect().unwrap();
                stream.write_all(begun.as_bytes()).unwrap();
                stream
            })
            .collect();
        let deadline = Instant::now() + PATIENCE;
        while server.handle().stats().bytes_received < size * begun.len() as u64 {
            assert!(Instant::now() < deadline, "{:?}", server.handle().stats());
            thread::sleep(Duration::from_millis(1));
        }
        let answer = server.exchange(delivery("1", SIGNATURE, BODY).as_bytes()).unwrap();
        check(&String::from_utf8(answer).unwrap(), "HTTP/1.1 202 Accepted", &[]);
        drop(senders);
    }
}
