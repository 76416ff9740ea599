//! Files that the server sends for a handler: `WFile::send_file`.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use basehttp::prelude::*;
use basehttp_tests::client::Client;

use crate::act::{Act, Act10, GET, GET10, HEAD, Stage, say};

/// A file with these bytes, which no other process can find.
fn file(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Arc::new(file)
}

/// More bytes than any buffer holds; no two neighbours are equal.
fn many() -> Vec<u8> {
    (0..=250).cycle().take(3_000_000).collect()
}

fn send(act: &Act, declared: Option<u64>, file: &Arc<File>, len: u64) -> std::io::Result<()> {
    act.send_response(200);
    if let Some(length) = declared {
        act.send_header("Content-Length", length);
    }
    act.end_headers()?;
    act.wfile.send_file(file, 0..len)
}

/// After each of them something is left to be sent: a turn still ends after this many.
#[test]
fn more_files_than_a_turn_has_requests_are_sent_one_after_the_other() {
    let file = file(b"hello");
    let (run, log) = Act::run(GET.repeat(200), move |act| send(act, Some(5), &file, 5));
    assert_eq!(run.responses.len(), 200);
    assert!(run.responses.iter().all(|response| response.text() == "hello" && !response.truncated));
    assert_eq!(log.lines().len(), 200, "{:?}", log.lines());
}

#[test]
fn a_file_is_counted_or_sent_in_a_chunk_and_the_connection_goes_on() {
    for declared in [Some(5), None] {
        let file = file(b"hello");
        let (run, _) = Act::run([GET, GET].concat(), move |act| send(act, declared, &file, 5));
        for response in &run.responses {
            assert_eq!((response.status, &*response.text()), (200, "hello"));
            assert!(!response.truncated && response.stays_open);
            let framing = response.header("transfer-encoding").or(response.header("content-length"));
            assert_eq!(framing, Some(if declared.is_some() { "5" } else { "chunked" }));
        }
        assert_eq!(run.responses.len(), 2);
    }
}

#[test]
fn an_old_client_gets_a_file_up_to_the_end_of_the_connection() {
    let old = file(b"hello");
    let (run, _) = Act10::run(GET10, move |act| {
        act.send_response(200);
        act.end_headers()?;
        act.wfile.send_file(&old, 1..4)
    });
    assert_eq!((&*run.responses[0].text(), run.responses[0].stays_open), ("ell", false));
    let oldest = file(b"hello");
    let (run, _) = Act::run("GET /\r\n", move |act| send(act, Some(5), &oldest, 5));
    assert_eq!(run.output, b"hello");
}

#[test]
fn a_response_to_head_has_no_file() {
    let file = file(b"hello");
    let (run, log) = Act::run([HEAD, HEAD].concat(), move |act| send(act, Some(5), &file, 5));
    assert_eq!(run.responses.len(), 2);
    assert!(run.output.ends_with(b"Content-Length: 5\r\n\r\n"));
    assert_eq!(log.lines().len(), 2, "{:?}", log.lines());
}

#[test]
fn bytes_and_pieces_of_files_come_in_the_order_in_which_they_were_written() {
    for declared in [true, false] {
        let file = file(b"0123456789");
        let (run, _) = Act::run([GET, GET].concat(), move |act| {
            act.send_response(200);
            if declared {
                act.send_header("Content-Length", 20_017);
            }
            act.end_headers()?;
            act.wfile.write_all(b"a")?;
            act.wfile.send_file(&file, 2..5)?;
            act.wfile.send_file(&file, 7..7)?;
            write!(act.wfile, "b{}", 1)?;
            act.wfile.send_file(&file, 0..10)?;
            // Without the file, this would bypass the buffer.
            act.wfile.write_all(&vec![b'x'; 20_000])?;
            act.wfile.write_all(b"e")
        });
        for response in &run.responses {
            assert_eq!(response.text(), format!("a234b10123456789{}e", "x".repeat(20_000)));
        }
        assert_eq!(run.responses.len(), 2);
    }
}

#[test]
fn more_of_a_file_than_was_declared_is_a_mistake_and_nothing_of_it_is_sent() {
    let file = file(b"hello");
    let (run, log) = Act::run(GET, move |act| send(act, Some(4), &file, 5));
    assert_eq!(run.responses[0].status, 500);
    assert!(log.lines().iter().any(|line| line.contains("Content-Length")), "{:?}", log.lines());
}

#[test]
fn the_pieces_that_wait_are_bounded() {
    let file = file(b"hello");
    let (run, _) = Act::run(GET, move |act| {
        act.send_response(200);
        act.end_headers()?;
        while act.wfile.send_file(&file, 0..1).is_ok() {}
        Ok(())
    });
    assert_eq!(run.responses[0].text(), "h".repeat(256));
}

#[test]
fn a_file_arrives_whole_however_slowly_it_is_taken() {
    let all = many();
    let file = file(&all);
    let len = all.len() as u64;
    let stage = Stage::new(move |act| match act.path() {
        "/file" => send(act, Some(len), &file, len),
        _ => say(act, "behind it"),
    });
    let mut client = Client::new(&stage.server);
    client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n").send(GET);
    // Others are served meanwhile.
    assert_eq!(Client::new(&stage.server).ask(GET).text(), "behind it");
    let response = client.response();
    assert!(response.body == all);
    assert_eq!(client.response().text(), "behind it");
}

#[cfg(unix)]
#[test]
fn a_file_goes_over_a_unix_socket() {
    let all = many();
    let file = file(&all);
    let len = all.len() as u64;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let deed = move |act: &Act| send(act, Some(len), &file, len);
    let mut server =
        HTTPServer::bind_unix(&path, Act::factory(deed, basehttp_tests::log::Log::default())).unwrap();
    let handle = server.handle();
    let thread = std::thread::spawn(move || server.serve_forever());
    let mut client = Client::over(std::os::unix::net::UnixStream::connect(&path).unwrap());
    assert!(client.ask(GET).body == all);
    handle.shutdown();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_file_that_has_become_shorter_cuts_the_response_and_the_log_tells_it() {
    let all = many();
    for declared in [Some(all.len() as u64 + 7), None] {
        let file = file(&all);
        let len = all.len() as u64 + 7;
        let stage = Stage::new(move |act| match act.path() {
            "/file" => send(act, declared, &file, len),
            _ => say(act, "the server goes on"),
        });
        let mut client = Client::new(&stage.server);
        client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut got = Vec::new();
        let end = client.stream().read_to_end(&mut got);
        assert!(end.is_err(), "no orderly end of what is not whole");
        assert!(!got.ends_with(b"0\r\n\r\n"));
        assert_eq!(Client::new(&stage.server).ask(GET).text(), "the server goes on");
        let (log, _) = stage.end();
        assert_eq!(
            log.iter().filter(|line| *line == "do_GET: the file ended 7 bytes early").count(),
            1,
            "{log:?}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_cuts_the_response_and_the_log_tells_it() {
    // A folder can be opened, but not read.
    let folder = tempfile::tempdir().unwrap();
    let file = Arc::new(File::open(folder.path()).unwrap());
    let stage = Stage::new(move |act| send(act, Some(5), &file, 5));
    let mut client = Client::new(&stage.server);
    client.send(GET);
    assert!(client.stream().read_to_end(&mut Vec::new()).is_err());
    let (log, _) = stage.end();
    let told = "do_GET: the last 5 bytes of the file cannot be read: is a directory";
    assert!(log.iter().any(|line| line == told), "{log:?}");
}
