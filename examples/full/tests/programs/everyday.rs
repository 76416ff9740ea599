//! What most programs need: forms, JSON, messages, passwords and cookies, graceful shutdown.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{PATIENCE, Program, check, read_head, request, spawn};

fn post(path: &str, media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// For a server that answers under its own names only.
fn own(request: &str) -> String {
    request.replace("\r\nHost: a\r\n", "\r\nHost: localhost\r\n")
}

#[test]
fn form_greets() {
    let form = Program::start("form", &["0"]);
    let get = |target: &str| form.exchange(request(&format!("GET {target}")));
    let typed = |media_type: &str, body: &str| form.exchange(post("/hello", media_type, body));
    let ask = |body: &str| typed("application/x-www-form-urlencoded; charset=UTF-8", body);
    check(&get("/"), "HTTP/1.1 200 OK", &["<form method=\"post\" action=\"/hello\">"]);
    check(&get("/hello?name=Ann%20Lee"), "HTTP/1.1 200 OK", &["Hello, Ann Lee!\n"]);
    check(&get("/hello"), "HTTP/1.1 400 Bad parameter name: it is missing", &[]);
    check(
        &get("/hello?name=Ann&age=x"),
        "HTTP/1.1 400 Bad parameter age: invalid digit found in string",
        &[],
    );
    check(&ask("name=Ann+Lee%C3%A9&age=30"), "HTTP/1.1 200 OK", &["Hello, Ann Leeé!\nYou are 30.\n"]);
    check(&ask("age=30"), "HTTP/1.1 400 Bad form: missing field `name`", &[]);
    check(&ask("name=%ff"), "HTTP/1.1 400 Bad form: it is not UTF-8", &[]);
    check(&ask(&"x".repeat(16 * 1024 + 1)), "HTTP/1.1 413 Content Too Large", &[]);
    let accept = "\r\nAccept: application/x-www-form-urlencoded\r\n";
    let wanted = "HTTP/1.1 415 Send application/x-www-form-urlencoded";
    check(&typed("text/plain", "name=a"), wanted, &[accept]);
}

#[test]
fn json_sums() {
    let sums = Program::start("json", &["0"]);
    let ask = |body: &str| sums.exchange(post("/sum", "application/json", body));
    let answer = ask(r#"{"numbers": [1, 2, 3.5]}"#);
    check(
        &answer,
        "HTTP/1.1 200 OK",
        &["\r\nContent-Type: application/json\r\n", r#"{"sum":6.5,"count":3}"#],
    );
    check(&ask("{\"numbers\":\n [1,, 2]}"), "HTTP/1.1 400 Bad JSON: expected value at line 2 column 5", &[]);
    let unknown = "HTTP/1.1 400 Bad JSON: unknown field `number`, expected `numbers` at line 1 column 9";
    check(&ask(r#"{"number": []}"#), unknown, &[]);
    check(&ask(&" ".repeat(64 * 1024 + 1)), "HTTP/1.1 413 Content Too Large", &[]);
}

#[test]
fn events_reach_all_who_wait() {
    let events = Program::start("events", &["0"]);
    check(&events.exchange(own(&request("GET /"))), "HTTP/1.1 200 OK", &["new EventSource('/events')"]);
    let mut streams: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = BufReader::new(events.connect());
            stream.get_mut().write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let head = read_head(&mut stream);
            assert!(head.contains("\r\nContent-Type: text/event-stream\r\n"), "{head}");
            stream
        })
        .collect();
    let mut poll = events.connect();
    poll.write_all(own(&request("GET /next")).as_bytes()).unwrap();
    // The polling request may still be on its way, so messages are sent until it has got one.
    let polled = std::thread::spawn(move || {
        let mut answer = String::new();
        poll.read_to_string(&mut answer).unwrap();
        answer
    });
    let mut count = 0;
    while count == 0 || !polled.is_finished() {
        check(&events.exchange(own(&post("/", "text/plain", "one\ntwo"))), "HTTP/1.1 204 No Content", &[]);
        count += 1;
        std::thread::yield_now();
    }
    check(&polled.join().unwrap(), "HTTP/1.1 200 OK", &["one\ntwo"]);
    for stream in &mut streams {
        let mut text = Vec::new();
        let wanted = b"data: one\ndata: two\n\n";
        while !text.windows(wanted.len()).any(|window| window == wanted) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
    }
    // No kind of line end in an event creates a line of its own.
    let forged = "news\rid: 99\rdata: forged\r\rretry: 1\r\nend";
    check(&events.exchange(own(&post("/", "text/plain", forged))), "HTTP/1.1 204 No Content", &[]);
    let wanted = b"data: news\ndata: id: 99\ndata: data: forged\ndata: \ndata: retry: 1\ndata: end\n\n";
    let mut text = Vec::new();
    while !text.ends_with(wanted) {
        let mut byte = [0];
        streams[0].read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    for foreign in ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        let answer = events.exchange(own(&post("/", "text/plain", "forged")).replacen(
            "\r\n",
            &format!("\r\n{foreign}\r\n"),
            1,
        ));
        assert!(answer.starts_with("HTTP/1.1 403 "), "{foreign}: {answer}");
    }
    for line in ["GET /", "GET /events", "GET /next"] {
        check(&events.exchange(request(line)), "HTTP/1.1 421 This server does not answer for that host", &[]);
    }
    let mut invalid = events.connect();
    invalid.write_all(b"POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n\xff").unwrap();
    let mut answer = String::new();
    invalid.read_to_string(&mut answer).unwrap();
    check(&answer, "HTTP/1.1 400 Bad text: byte 0 is not UTF-8", &[]);
}

#[test]
fn events_answers_each_of_many_polls() {
    let events = Program::start("events", &["0"]);
    for round in ["one", "two"] {
        // Every other client leaves.
        let mut waiting: Vec<_> = (0..100)
            .filter_map(|number| {
                let mut poll = events.connect();
                poll.write_all(own(&request("GET /next")).as_bytes()).unwrap();
                (number % 2 == 0).then_some(poll)
            })
            .collect();
        // A poll that has arrived in the meantime gets this message or a later one.
        while !waiting.is_empty() {
            check(&events.exchange(own(&post("/", "text/plain", round))), "HTTP/1.1 204 No Content", &[]);
            waiting.retain_mut(|poll| {
                poll.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
                if let Err(error) = poll.peek(&mut [0]) {
                    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
                    return true;
                }
                poll.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut answer = String::new();
                poll.read_to_string(&mut answer).unwrap();
                check(&answer, "HTTP/1.1 200 OK", &[round]);
                false
            });
        }
    }
}

#[test]
fn websocket_wants_one_key_of_16_bytes() {
    let shout = Program::start("websocket", &["0"]);
    let status = |keys: &str| {
        let mut stream = BufReader::new(shout.connect());
        let fields = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
        stream.get_mut().write_all(format!("GET /shout HTTP/1.1\r\n{fields}{keys}\r\n").as_bytes()).unwrap();
        read_head(&mut stream)[9..12].to_owned()
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(status(key), "101");
    let [empty, short] = ["", "dGhlIHNhbXBsZSBub25j"].map(|key| format!("Sec-WebSocket-Key: {key}\r\n"));
    for wrong in ["", &empty, &short, &key.replace("==", ""), &key.repeat(2)] {
        assert_eq!(status(wrong), "400", "{wrong}");
    }
}

#[test]
fn compare_tells_what_differs() {
    let (form, echo) = (Program::start("form", &["0"]), Program::start("echo", &["0"]));
    let folder = std::env::temp_dir().join(format!("basehttp-compare-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("head"), "HEAD / HTTP/1.0\r\n\r\n").unwrap();
    std::fs::write(folder.join("version"), "GET / HTTP/9.9\r\n\r\n").unwrap();
    let compare = |arguments: &[&str]| {
        let output = spawn("compare", arguments).wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let [form, echo] = [form.port, echo.port].map(|port| format!("127.0.0.1:{port}"));
    assert_eq!(compare(&[&form, &form]), (Some(0), "no differences\n".to_owned()));
    let (code, told) = compare(&[&form, &echo]);
    assert!(code == Some(1) && told.contains("GET, HTTP/1.0\n"), "{told}");
    // Deliberate differences are not reported.
    let told = compare(&["--undocumented", &form, &echo, folder.to_str().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(told.0, Some(0), "{}", told.1);
    assert_eq!(compare(&["--nothing", &form, &echo]).0, Some(2));
}

#[test]
fn login_asks_and_remembers() {
    let login = Program::start("login", &["0"]);
    let ask = |fields: &str| {
        login.exchange(request("GET /").replace("Host: a\r\n", &format!("Host: a\r\n{fields}")))
    };
    check(&ask(""), "HTTP/1.1 401 Unauthorized", &["\r\nWWW-Authenticate: Basic realm=\"example\""]);
    for wrong in ["Basic YW5uOndyb25n", "Basic ?", "Bearer YW5uOnNlY3JldA==", "Basic"] {
        check(&ask(&format!("Authorization: {wrong}\r\n")), "HTTP/1.1 401 Unauthorized", &[]);
    }
    let right = "Authorization: basic YW5uOnNlY3JldA==\r\n";
    check(
        &ask(right),
        "HTTP/1.1 200 OK",
        &["\r\nSet-Cookie: visits=1; HttpOnly; SameSite=Lax; Path=/\r\n", "Visit 1\n"],
    );
    check(&ask(&format!("{right}Cookie: a=b; visits=41\r\n")), "HTTP/1.1 200 OK", &["Visit 42\n"]);
    check(&ask(&format!("{right}Cookie: visits=x\r\n")), "HTTP/1.1 200 OK", &["Visit 1\n"]);
}

#[cfg(unix)]
#[test]
fn signals_let_running_requests_end() {
    let mut worker = Program::start("signals", &["0"]);
    check(&worker.exchange(request("GET /health")), "HTTP/1.1 200 OK", &["ok"]);
    let mut slow = worker.connect();
    slow.write_all(request("GET /slow").as_bytes()).unwrap();
    // The server answers an earlier request before it reads a later one of the same thread. So the slow one has begun, or
    // waits in the system's queue, which is served too.
    check(&worker.exchange(request("GET /health")), "HTTP/1.1 200 OK", &["ok"]);
    let told = Command::new("kill").args(["-TERM", &worker.child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let mut answer = String::new();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.read_to_string(&mut answer).unwrap();
    check(&answer, "HTTP/1.1 200 OK", &["done"]);
    assert!(worker.line().ends_with(" cut"));
    assert!(worker.child.wait().unwrap().success());
}

#[test]
fn replica_says_that_it_ends_before_it_does() {
    let replica = Program::start("replica", &["0", "--notice", "600"]);
    let ask =
        |line: &str, fields: &str| replica.exchange(format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    check(&ask("GET /healthz", ""), "HTTP/1.1 200 OK", &["ready\n"]);
    let told = "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
    check(&ask("GET /", told), "HTTP/1.1 200 OK", &["\r\n\r\n192.0.2.7 by https\n"]);
    check(&ask("POST /", "Content-Length: 0\r\n"), "HTTP/1.1 200 OK", &["\r\n\r\n0 bytes\n"]);
    let told = Command::new("kill").args(["-TERM", &replica.child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let end = Instant::now() + PATIENCE;
    while !ask("GET /healthz", "").starts_with("HTTP/1.1 503 Shutting down\r\n") {
        assert!(Instant::now() < end, "it does not say that it ends");
    }
    check(&ask("GET /", ""), "HTTP/1.1 200 OK", &["\r\nConnection: close\r\n", "127.0.0.1 by http\n"]);
}

#[test]
fn replica_learns_of_its_client_by_the_proxy_protocol() {
    let replica = Program::start("replica", &["0", "--proxy-protocol"]);
    let told = format!("PROXY TCP4 192.0.2.7 10.0.0.1 4660 80\r\n{}", request("GET /"));
    check(&replica.exchange(told), "HTTP/1.1 200 OK", &["\r\n\r\n192.0.2.7 by http\n"]);
    check(&replica.exchange(request("GET /")), "HTTP/1.1 400 Bad Request", &[]);
    let log = replica.stop();
    assert!(log.contains("must begin with a PROXY header: there is none"), "{log}");
}

#[test]
fn multipart_reads_a_form_with_files() {
    let form = Program::start("multipart", &["0"]);
    let ask = |body: &str| form.exchange(post("/", "multipart/form-data; boundary=x", body));
    check(&form.exchange(request("GET /")), "HTTP/1.1 200 OK", &["multipart/form-data"]);
    let note = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n";
    let file = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n{}\r\n",
        "y".repeat(200_000)
    );
    let told = "\r\nnote: \"hello\"\nfile: a file \"a.txt\" of 200000 bytes\n";
    check(&ask(&format!("{note}{file}--x--\r\n")), "HTTP/1.1 200 OK", &[told]);
    let long = note.replace("hello", &"z".repeat(70_000));
    check(&ask(&format!("{long}--x--\r\n")), "HTTP/1.1 413 The text is too long", &[]);
    check(&ask(&file.replace('y', &"y".repeat(50))), "HTTP/1.1 413 Content Too Large", &[]);
    for cut in ["", "--x", note, "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhal"] {
        check(&ask(cut), "HTTP/1.1 400 Bad Request", &[]);
    }
    check(&form.exchange(post("/", "text/plain", note)), "HTTP/1.1 415 Unsupported Media Type", &[]);
    check(&form.exchange(post("/", "multipart/form-data", note)), "HTTP/1.1 415 Unsupported Media Type", &[]);
    let halves = request("POST /").replace(
        "\r\n\r\n",
        "\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n--x",
    );
    check(&form.exchange(halves), "HTTP/1.1 400 Incomplete request body", &[]);
}

#[test]
fn metrics_tell_what_was_asked() {
    let site = Program::start("metrics", &["0"]);
    check(&site.exchange(request("GET /hello/Ann")), "HTTP/1.1 200 OK", &["Hello, Ann!\n"]);
    check(&site.exchange(request("GET /none")), "HTTP/1.1 404 Not Found", &[]);
    let parts = [
        "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
        "\n# TYPE site_greetings_total counter\nsite_greetings_total 1\n",
        "\n# TYPE http_responses_total counter\nhttp_responses_total{status=\"1xx\"} 0\nhttp_responses_total{status=\"2xx\"} 1\n",
        "\nhttp_responses_total{status=\"4xx\"} 1\n",
        "\nhttp_route_responses_total{method=\"GET\",route=\"/hello/{name}\",status=\"2xx\"} 1\n",
        "\nhttp_connections_accepted_total 3\n",
        "\nhttp_handler_seconds_bucket{le=\"0.0001\"} ",
        "\nhttp_handler_seconds_bucket{le=\"+Inf\"} 2\n",
        "\nhttp_handler_seconds_count 2\n",
        "\nhttp_route_seconds_bucket{method=\"GET\",route=\"/hello/{name}\",le=\"+Inf\"} 1\n",
        "\nhttp_route_seconds_count{method=\"GET\",route=\"/hello/{name}\"} 1\n",
    ];
    check(&site.exchange(request("GET /metrics")), "HTTP/1.1 200 OK", &parts);
}

#[test]
fn site_has_files_and_more() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let site = Program::start("site", &["0", folder]);
    let ask = |path: &str| site.exchange(request(&format!("GET {path}")));
    check(&ask("/"), "HTTP/1.1 200 OK", &["href=\"site.rs\""]);
    check(&ask("/site.rs"), "HTTP/1.1 200 OK", &["//! The files of a folder"]);
    check(&ask("/nothing"), "HTTP/1.1 404 File not found", &[]);
    check(&ask("/home"), "HTTP/1.1 308 Permanent Redirect", &["\r\nLocation: /\r\n"]);
    check(&ask("/api/visits"), "HTTP/1.1 200 OK", &["{\"visits\":3}"]);
    check(&ask("/api/squares?to=x"), "HTTP/1.1 400 Bad parameter to: invalid digit found in string", &[]);
    check(
        &site.exchange(request("POST /api/visits")),
        "HTTP/1.1 405 Method Not Allowed",
        &["\r\nAllow: GET, HEAD"],
    );
    check(&ask("/api/squares?to=3"), "HTTP/1.1 200 OK", &["squares.csv", "\r\n\r\n1,1\n2,4\n3,9\n"]);
    let long = ask("/api/squares?to=100000");
    check(&long, "HTTP/1.1 200 OK", &["\r\nTransfer-Encoding: chunked\r\n", "100000,10000000000\n"]);
}

#[test]
fn database_keeps_notes() {
    let notes = Program::start("database", &["0"]);
    check(&notes.exchange(request("GET /notes")), "HTTP/1.1 200 OK", &["\r\nContent-Length: 0\r\n"]);
    let writers: Vec<_> = (0..8)
        .map(|number| {
            let mut stream = notes.connect();
            let text = format!("it's note {number}'); DROP TABLE notes; --");
            stream.write_all(post("/notes", "text/plain", &text).as_bytes()).unwrap();
            stream
        })
        .collect();
    for mut stream in writers {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        check(&answer, "HTTP/1.1 201 Created", &[]);
    }
    let answer = notes.exchange(request("GET /notes"));
    check(&answer, "HTTP/1.1 200 OK", &["1 it's note ", "8 it's note ", "DROP TABLE"]);
    assert_eq!(answer.matches("it's note").count(), 8, "{answer}");
    check(
        &notes.exchange(post("/notes", "text/plain", &"x".repeat(4097))),
        "HTTP/1.1 413 Content Too Large",
        &[],
    );
    check(&notes.exchange(request("GET /notes/8")), "HTTP/1.1 200 OK", &["\r\n\r\nit's note "]);
    for missing in ["/notes/9", "/notes/x", "/"] {
        check(&notes.exchange(request(&format!("GET {missing}"))), "HTTP/1.1 404 Not Found", &[]);
    }
}
