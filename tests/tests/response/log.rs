//! `Date`, `Server` and the log lines.

use std::time::{Duration, SystemTime};

use basehttp::HttpDate;
use basehttp::prelude::*;
use basehttp::testing::run;
use basehttp_tests::client::Client;
use basehttp_tests::{show, wait_until};

use crate::act::{Act, GET, Stage, say};

/// A handler with the default log methods.
struct Base {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Base {
    const protocol_version: &str = "HTTP/1.1";

    fn do_GET(&self) -> std::io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }

    fn do_SAY(&self) -> std::io::Result<()> {
        self.log_message(format_args!("said {}", "\x1b[31m a\\b \u{9f}\u{a0}\n"));
        self.log_error(format_args!("wrong"));
        self.log_request(Some(200.into()), Some(17));
        self.log_request(None, None);
        self.send_response(200);
        self.end_headers()
    }
}

fn lines(input: &str) -> Vec<String> {
    let run = run(|base| Base { base }, [input]);
    assert!(run.log.is_empty() || run.log.ends_with('\n'));
    run.log.lines().map(str::to_owned).collect()
}

#[test]
fn the_line_of_python() {
    let lines = lines(GET);
    let [line] = &*lines else { panic!("{lines:?}") };
    // The time on the wire in memory is 08:49:37 GMT.
    let rest = line.strip_prefix("127.0.0.1 - - [").unwrap_or_else(|| panic!("{line}"));
    let (date, rest) = rest.split_once("] ").unwrap_or_else(|| panic!("{line}"));
    assert_eq!(rest, "\"GET / HTTP/1.1\" 200 -");
    let form: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "00/Nov/0000 00:00:00", "{date}");
    assert!(date.contains("/Nov/1994 "), "{date}");
}

#[test]
fn what_a_client_sends_cannot_forge_a_line() {
    let lines = lines("GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("code 400, message Bad request syntax"), "{lines:?}");
    assert!(lines[1].ends_with(r#""GET /\x1b[31m HTTP/1.1" 400 -"#), "{lines:?}");
    assert!(lines.iter().all(|line| line.chars().all(|c| !c.is_control())), "{lines:?}");
}

#[test]
fn a_backslash_is_doubled_and_latin_1_stays() {
    let lines = lines("GET /a\\b?\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(lines[0].contains(r#""GET /a\\b?Ã¤ HTTP/1.1" 200 -"#), "{lines:?}");
}

#[test]
fn messages_of_the_handler() {
    let lines = lines("SAY / HTTP/1.1\r\nHost: a\r\n\r\n");
    let texts: Vec<_> = lines.iter().filter_map(|line| line.split_once("] ")).map(|line| line.1).collect();
    let wanted = [
        "said \\x1b[31m a\\\\b \\x9f\u{a0}\\x0a",
        "wrong",
        "\"SAY / HTTP/1.1\" 200 17",
        "\"SAY / HTTP/1.1\" - -",
        "\"SAY / HTTP/1.1\" 200 -",
    ];
    assert_eq!(texts, wanted);
}

#[test]
fn an_error_is_two_lines() {
    let (_, log) = Act::run(GET, |act| act.send_error((404, "File not found")));
    assert_eq!(log.lines(), ["code 404, message File not found", "\"GET / HTTP/1.1\" 404 -"]);
}

#[test]
fn a_fault_is_logged_with_its_code() {
    let lines = lines("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with("code 400, message No Host header (missing-host)"), "{lines:?}");
    assert!(lines[1].ends_with("\"GET / HTTP/1.1\" 400 -"), "{lines:?}");
}

#[test]
fn an_unknown_method_is_logged() {
    let lines = lines("SPAM / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(lines[0].ends_with("code 501, message Unsupported method ('SPAM')"), "{lines:?}");
    assert!(lines[1].ends_with("\"SPAM / HTTP/1.1\" 501 -"), "{lines:?}");
}

#[test]
fn a_connection_without_a_request_is_not_logged() {
    assert!(lines("").is_empty());
    assert!(lines("\r\n").is_empty());
    let stage = Stage::new(|act| say(act, ""));
    drop(Client::new(&stage.server));
    let client = Client::new(&stage.server);
    client.end();
    drop(client);
    assert_eq!(stage.end(), (Vec::new(), Vec::new()));
}

#[test]
fn date_and_server() {
    let (run, _) = Act::run([GET, "SPAM / HTTP/1.1\r\nHost: a\r\n\r\n"].concat(), |act| say(act, ""));
    assert_eq!(run.responses.len(), 2);
    for response in &run.responses {
        let all = |name| response.headers.get_all(name).collect::<Vec<_>>();
        assert_eq!(all("date"), ["Sun, 06 Nov 1994 08:49:37 GMT"]);
        assert_eq!(all("server").len(), 1);
        assert!(all("server")[0].starts_with("BaseHTTP/"), "{:?}", all("server"));
    }
    let text = show(&run.output);
    assert!(text.starts_with("HTTP/1.1 200 OK\\r\\n\nServer: "), "the order of Python: {text}");
}

#[test]
fn send_response_only_sends_neither_and_logs_nothing() {
    let (run, log) = Act::run(GET, |act| {
        act.send_response_only(200);
        act.end_headers()
    });
    assert_eq!(run.responses[0].header("date"), None);
    assert_eq!(run.responses[0].header("server"), None);
    assert!(log.lines().is_empty(), "{:?}", log.lines());
}

#[test]
fn the_date_on_the_wire_is_now() {
    let stage = Stage::new(|act| say(act, ""));
    let mut client = Client::new(&stage.server);
    // Also when it is kept: the second response has another date than the first.
    let mut last = None;
    for _ in 0..2 {
        wait_until("the date is another one", || {
            let before = SystemTime::now();
            let response = client.ask(GET);
            let date = response.field("date").expect("a date").to_owned();
            let seconds = SystemTime::now().duration_since(before).unwrap_or_default().as_secs();
            // It is that of a second between the two moments.
            let mut moments = (0..=seconds + 1).map(|second| before + Duration::from_secs(second));
            assert!(moments.any(|moment| HttpDate::from(moment) == *date), "{date} {before:?}");
            last.replace(date.clone()) != Some(date)
        });
    }
}
