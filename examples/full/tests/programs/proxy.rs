//! The forward proxy, with curl and Python's urllib as its clients.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

use crate::program::*;

/// Runs a client. `None` if it is not installed, which is reported, and is a failure where all clients are installed.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            assert!(std::env::var_os("FAULTS_NEED_ALL").is_none(), "{program} is not installed");
            // Bypasses the capture of the test's output, which would hide that a part was skipped.
            let _ = writeln!(io::stderr(), "proxy: {program} is not installed, so it is not tested with it");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A proxy that may connect to one of the other examples.
fn before(origin: &Program) -> Program {
    Program::start("proxy", &["0", &origin.port.to_string()])
}

/// An origin with a single response, and the request that it got.
fn origin(answer: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            asked.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    (port, answering)
}

#[test]
fn curl_goes_through_it() {
    let store = Program::start("store", &["0", "30"]);
    let proxy = before(&store);
    let through = format!("http://127.0.0.1:{}", proxy.port);
    let url = format!("http://127.0.0.1:{}/a", store.port);
    let curl = |arguments: &[&str]| run("curl", &[&["-s", "-S", "-x", &through], arguments].concat());
    let Some(put) = curl(&["-T", "Cargo.toml", &url]) else { return };
    text(put);
    let wanted = std::fs::read_to_string("Cargo.toml").unwrap();
    assert_eq!(text(curl(&[&url]).unwrap()), wanted);
    // By CONNECT.
    assert_eq!(text(curl(&["-p", &url]).unwrap()), wanted);
    let head = text(curl(&["-I", &url]).unwrap());
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("\r\nVia: 1.0 basehttp\r\n"), "{head}");
    assert_eq!(head.matches("\r\nDate: ").count(), 1, "{head}");
    // Several through one tunnel.
    assert_eq!(text(curl(&["-p", &url, &url, &url]).unwrap()), wanted.repeat(3));
    let status = ["-o", "/dev/null", "-w", "%{http_code} %{http_connect}"];
    assert_eq!(text(curl(&[&status[..], &[&url.replace("/a", "/b")]].concat()).unwrap()), "404 000");
    let refused = curl(&[&status[..], &["-p", "http://127.0.0.1:1/"]].concat()).unwrap();
    assert!(String::from_utf8_lossy(&refused.stdout).ends_with(" 403"), "{refused:?}");
}

#[test]
fn python_goes_through_it() {
    let state = Program::start("state", &["0"]);
    let proxy = before(&state);
    let program = format!(
        "import urllib.request as u\n\
         opener = u.build_opener(u.ProxyHandler({{'http': 'http://127.0.0.1:{}'}}))\n\
         answer = opener.open('http://127.0.0.1:{}/')\n\
         print(answer.status, answer.read().decode(), end='')\n\
         import http.client as c\n\
         tunnel = c.HTTPConnection('127.0.0.1', {0})\n\
         tunnel.set_tunnel('127.0.0.1', {1})\n\
         for _ in range(2):\n    \
             tunnel.request('GET', '/')\n    \
             print(tunnel.getresponse().read().decode(), end='')\n",
        proxy.port, state.port
    );
    let Some(output) = run("python3", &["-c", &program]) else { return };
    let text = text(output);
    assert!(text.starts_with("200 ") && text.contains("Visit 1, number 1 of"), "{text}");
    assert!(text.contains("Visit 2, number 1 of") && text.contains("Visit 3, number 2 of"), "{text}");
}

#[test]
fn fields_of_one_hop_stay_there() {
    let answer = "HTTP/1.1 200 Fine\r\nConnection: X-Own\r\nX-Own: 1\r\nKeep-Alive: 5\r\nX-Kept: \u{e9}\r\n\r\nto the end";
    let (port, answering) = origin(answer);
    let proxy = Program::start("proxy", &["0", &port.to_string()]);
    let request = format!(
        "GET http://127.0.0.1:{port}?q HTTP/1.1\r\nHost: other\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n\
         Proxy-Authorization: x\r\nTE: trailers\r\nX-Kept: 1\r\n\r\n"
    );
    let answer = proxy.exchange(request);
    check(&answer, "HTTP/1.1 200 Fine", &["\r\nX-Kept: ", "to the end"]);
    assert!(!answer.contains("X-Own") && !answer.contains("Keep-Alive"), "{answer}");
    let asked = answering.join().unwrap();
    let wanted = format!(
        "GET /?q HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nX-Kept: 1\r\nVia: 1.1 basehttp\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(asked, wanted);
}

#[test]
fn what_has_no_answer_has_an_error() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = Program::start("proxy", &["0", &closed.to_string()]);
    let answer = |line: &str| proxy.exchange(request(line));
    check(&answer(&format!("GET http://127.0.0.1:{closed}/")), "HTTP/1.1 502 Bad Gateway", &[]);
    check(&answer(&format!("CONNECT 127.0.0.1:{closed}")), "HTTP/1.1 502 Bad Gateway", &[]);
    check(&answer("CONNECT 127.0.0.1:25"), "HTTP/1.1 403 Forbidden", &["port 25"]);
    check(&answer("GET /"), "HTTP/1.1 400 Bad Request", &["a whole URL"]);
    check(&answer("GET https://a/"), "HTTP/1.1 501 Not Implemented", &["CONNECT"]);

    for broken in
        ["220 mail.example.org\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"]
    {
        let (port, answering) = origin(broken);
        let proxy = Program::start("proxy", &["0", &port.to_string()]);
        let answer = proxy.exchange(request(&format!("GET http://127.0.0.1:{port}/")));
        check(&answer, "HTTP/1.1 502 Bad Gateway", &["the origin sent"]);
        answering.join().unwrap();
    }
}

#[test]
fn a_tunnel_has_two_halves() {
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = origin.local_addr().unwrap().port();
    let proxy = Program::start("proxy", &["0", &port.to_string()]);
    let mut client: TcpStream = proxy.connect();
    write!(client, "CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\nquestion").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let (mut far, _) = origin.accept().unwrap();
    let mut asked = String::new();
    far.read_to_string(&mut asked).unwrap();
    assert_eq!(asked, "question");
    far.write_all(b"answer").unwrap();
    drop(far);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    check(&answer, "HTTP/1.1 200 Connection established", &["\r\n\r\nanswer"]);
}
