//! The log in its formats.

use serde_json::Value;

use crate::program::{Program, folder};

/// Sends some requests, and returns their log lines.
fn lines(form: &[&str]) -> Vec<String> {
    let folder = folder();
    let program = Program::start(folder.path(), form);
    assert_eq!(
        program.get_with("/a.txt?q=\"1\"", "Referer: http://r/\r\nUser-Agent: x\\\"y\r\n").status,
        200
    );
    assert_eq!(program.get("/nothing").status, 404);
    assert_eq!(program.ask("HEAD /a.txt HTTP/1.0\r\n\r\n").status, 200);
    assert_eq!(program.ask("GET / HTTP/1.1\r\n\r\n").status, 400);
    let (status, _, log) = program.stop();
    assert_eq!(status.code(), Some(0));
    let own = |line: &&str| !line.starts_with("basehttp: ");
    log.lines().filter(own).map(str::to_owned).collect()
}

/// A line without its time, which is in brackets.
fn without_time(line: &str) -> String {
    let (before, rest) = line.split_once('[').unwrap_or_else(|| panic!("no time: {line}"));
    let (time, after) = rest.split_once(']').unwrap();
    let date = time.split([':', ' ']).next().unwrap();
    assert_eq!(date.len(), "22/Nov/2026".len(), "{line}");
    format!("{before}[]{after}")
}

#[test]
fn as_python_has_it_by_default() {
    for form in [&[][..], &["--log", "python"]] {
        let lines: Vec<_> = lines(form).iter().map(|line| without_time(line)).collect();
        assert_eq!(
            lines,
            [
                "127.0.0.1 - - [] \"GET /a.txt?q=\"1\" HTTP/1.1\" 200 -",
                "127.0.0.1 - - [] code 404, message File not found",
                "127.0.0.1 - - [] \"GET /nothing HTTP/1.1\" 404 -",
                "127.0.0.1 - - [] \"HEAD /a.txt HTTP/1.0\" 200 -",
                "127.0.0.1 - - [] code 400, message No Host header (missing-host)",
                "127.0.0.1 - - [] \"GET / HTTP/1.1\" 400 -",
            ]
        );
    }
}

#[test]
fn common_and_combined() {
    let common = lines(&["--log", "common"]);
    assert_eq!(common.len(), 4, "{common:?}");
    assert!(common[0].contains(" +") || common[0].contains(" -"), "{}", common[0]);
    let shown: Vec<_> = common.iter().map(|line| without_time(line)).collect();
    assert_eq!(shown[0], "127.0.0.1 - - [] \"GET /a.txt?q=\\x221\\x22 HTTP/1.1\" 200 9");
    assert!(shown[1].starts_with("127.0.0.1 - - [] \"GET /nothing HTTP/1.1\" 404 "), "{}", shown[1]);
    assert_eq!(shown[2], "127.0.0.1 - - [] \"HEAD /a.txt HTTP/1.0\" 200 -");
    let combined: Vec<_> = lines(&["--log", "combined"]).iter().map(|line| without_time(line)).collect();
    assert_eq!(combined.len(), 4, "{combined:?}");
    assert_eq!(
        combined[0],
        "127.0.0.1 - - [] \"GET /a.txt?q=\\x221\\x22 HTTP/1.1\" 200 9 \"http://r/\" \"x\\x5c\\x22y\""
    );
    assert!(combined[2].ends_with("200 - \"-\" \"-\""), "{}", combined[2]);
}

#[test]
fn json() {
    let lines = lines(&["--log", "json"]);
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(values.len(), 4, "{lines:?}");
    let first = &values[0];
    assert_eq!(first["client"], "127.0.0.1");
    assert_eq!((&first["method"], &first["path"]), (&"GET".into(), &"/a.txt?q=\"1\"".into()));
    assert_eq!((&first["status"], &first["size"]), (&200.into(), &9.into()));
    assert_eq!((&first["referer"], &first["user_agent"]), (&"http://r/".into(), &"x\\\"y".into()));
    assert!(first["time"].as_str().unwrap().ends_with('Z'), "{first}");
    assert_eq!(values[1]["reason"], "code 404, message File not found");
    assert!(values[3]["reason"].as_str().unwrap().contains("code 400"), "{}", values[3]);
}

#[test]
fn none() {
    assert_eq!(lines(&["--log", "none"]), Vec::<String>::new());
}

#[test]
fn who_it_was_and_what_else_there_is_to_say() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--log", "json", "--auth", "ann:pw"]);
    // ann:pw, ann:no
    assert_eq!(program.get_with("/a.txt", "Authorization: Basic YW5uOnB3\r\n").status, 200);
    assert_eq!(program.get_with("/a.txt", "Authorization: Basic YW5uOm5v\r\n").status, 401);
    let (_, _, log) = program.stop();
    let values: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(values.len(), 3, "{log}");
    assert_eq!(values[0]["user"], "ann");
    assert_eq!(values[1]["message"], "wrong user name or password for 'ann'");
    assert_eq!((&values[2]["status"], &values[2]["user"]), (&401.into(), &Value::Null));
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{Shutdown, SocketAddr};
    use std::thread;

    use crate::program::{PATIENCE, Signal, command, connect, folder, kill, wait_until};

    /// On Windows it stops its thread: nothing says whether a pipe has room.
    #[test]
    fn a_log_that_nobody_reads_stops_nobody() {
        /// More lines than fit into a pipe and the queue.
        const MANY: usize = 6000;
        let folder = folder();
        let mut child = command()
            .args(["0", "-b", "127.0.0.1", "--log", "combined", "-d"])
            .arg(folder.path())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("Ctrl-C") {
            output.read_line(&mut greeting).unwrap();
        }
        let url = greeting.lines().nth(1).unwrap();
        let address: SocketAddr = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
        let mut stream = connect(address);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let writing = thread::spawn(move || {
            writer
                .write_all("HEAD /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(MANY).as_bytes())
                .unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut responses = String::new();
        stream.read_to_string(&mut responses).unwrap();
        writing.join().unwrap();
        assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), MANY);
        kill(child.id(), Signal::SIGINT);
        wait_until("the end of the program", || child.try_wait().unwrap().is_some());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("Served 6000 requests"), "{rest}");
    }
}
