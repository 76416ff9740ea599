//! Failing scripts, failing clients, and the end of the server.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use basehttp::HTTPServer;
use basehttp_tests::client::Client;
use basehttp_tests::wait_until;

use crate::stage::Stage;

const GET: &str = "GET /cgi-bin/script HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn what_cannot_be_started_is_502() {
    let stage = Stage::new();
    stage.program("cgi-bin/script", "#!/no/such/interpreter\n");
    assert_eq!(stage.response().status, 502);
    stage.program("cgi-bin/script", "no interpreter at all");
    assert_eq!(stage.response().status, 502);
    assert_eq!(stage.log.count("cannot be run:"), 2, "{:?}", stage.log.lines());
}

#[test]
fn a_crash_is_told() {
    let stage = Stage::with("exit 7");
    assert_eq!(stage.response().status, 502);
    assert!(stage.log.has("/cgi-bin/script: exit status: 7") && stage.log.has("it wrote nothing"));
    // If there is a response, an exit status is only logged.
    let stage = Stage::with("echo A: b; echo; echo body; exit 7");
    assert_eq!(stage.response().text(), "body\n");
    assert!(stage.log.has("exit status: 7"));
    // A signal comes in the middle.
    let stage = Stage::with("echo A: b; echo; echo body; kill -SEGV $$");
    let response = stage.response();
    // If the shell takes time before it ends, its output is sent by then.
    assert!(response.status == 502 || response.truncated, "{response:?}");
    assert!(stage.log.has("signal: 11"));
    let stage = Stage::with("echo A: b; echo; head -c 200000 /dev/zero; kill -SEGV $$");
    let response = stage.response();
    assert!(response.truncated && !response.stays_open);
}

#[test]
fn complaints_go_to_the_log() {
    let stage = Stage::with("echo oh dear >&2; echo A: b; echo; printf 'no end\\033' >&2");
    assert_eq!(stage.response().status, 200);
    assert!(stage.log.has("/cgi-bin/script: oh dear") && stage.log.has("no end\u{1b}"));
}

#[test]
fn a_flood_of_complaints_is_dammed() {
    let mut stage = Stage::with("yes oh dear | head -n 200000 >&2; echo A: b; echo; echo body");
    assert_eq!(stage.response().text(), "body\n");
    assert_eq!((stage.log.count("oh dear"), stage.log.count("more bytes are left out")), (100, 1));
    // Error output is not progress.
    stage.timeout = Some(Duration::from_millis(200));
    stage.script("cgi-bin/script", "exec yes >&2");
    assert_eq!(stage.response().status, 504);
}

#[test]
fn a_script_that_does_not_go_on_is_killed() {
    let mut stage = Stage::with("echo $$ >pid; sleep 1000");
    stage.timeout = Some(Duration::from_millis(200));
    for (script, status) in [
        ("sleep 1000", 504),
        ("echo A: b; sleep 1000", 504),
        ("trap '' TERM HUP INT; while :; do sleep 1000; done", 504),
        // It has sent all its output.
        ("echo A: b; echo; echo body; exec >&- 2>&-; sleep 1000", 200),
    ] {
        stage.script("cgi-bin/script", &format!("echo $$ >pid; {script}"));
        let response = stage.response();
        assert_eq!(response.status, status, "{script}");
        let process = fs::read_to_string(stage.path("cgi-bin/pid")).unwrap();
        assert!(!fs::exists(format!("/proc/{}", process.trim())).unwrap(), "{script}");
    }
    assert!(stage.log.has("killed after 200ms without progress"));
    // A response that has begun is cut.
    stage.script("cgi-bin/script", "echo A: b; echo; head -c 100000 /dev/zero; sleep 1000");
    let response = stage.response();
    assert!(response.status == 200 && response.truncated && !response.stays_open, "{response:?}");
    // A head that trickles in is not progress, nor is a body that is not read.
    stage.script("cgi-bin/script", "while :; do echo A: b; sleep 0.01; done");
    assert_eq!(stage.response().status, 504);
    stage.script("cgi-bin/script", "echo A: b; echo; exec yes");
    assert_eq!(stage.request("HEAD", "/cgi-bin/script", "").status, 200);
}

#[test]
fn a_script_that_takes_no_input_is_killed() {
    let mut stage = Stage::with("sleep 1000");
    stage.timeout = Some(Duration::from_millis(200));
    let mut request = b"POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    request.resize(request.len() + 1_000_000, b'x');
    assert_eq!(stage.ask(request).status, 504);
}

#[test]
fn what_is_said_slowly_is_heard_at_once() {
    let stage = Stage::with("echo A: b; echo; echo first; read line <wait; echo second");
    nix::unistd::mkfifo(&stage.path("cgi-bin/wait"), nix::sys::stat::Mode::from_bits_truncate(0o600))
        .unwrap();
    let server = stage.server();
    let mut client = Client::new(&server);
    client.send(GET);
    client.read_up_to(b"first\n");
    fs::write(stage.path("cgi-bin/wait"), "go\n").unwrap();
    client.read_up_to(b"second\n");
    client.read_up_to(b"0\r\n\r\n");
    assert_eq!(client.ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
}

#[test]
fn a_slow_client_gets_all_of_a_flood() {
    const LENGTH: usize = 30 * 1024 * 1024;
    let stage = Stage::with(&format!("echo A: b; echo; head -c {LENGTH} /dev/zero"));
    let server = stage.server();
    let mut stream = server.connect().unwrap();
    stream.write_all(b"GET /cgi-bin/script HTTP/1.0\r\n\r\n").unwrap();
    // Another client is served meanwhile.
    assert_eq!(Client::new(&server).ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let body = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(all.len() - body, LENGTH);
}

#[test]
fn when_the_client_is_gone_so_is_the_script() {
    for script in ["exec yes", "trap '' PIPE; while :; do echo more; done"] {
        let stage = Stage::with(&format!("echo $$ >pid; echo A: b; echo; {script}"));
        let server = stage.server();
        let mut client = Client::new(&server);
        client.send(GET);
        client.read_up_to(b"\r\n\r\n");
        drop(client);
        let process = fs::read_to_string(stage.path("cgi-bin/pid")).unwrap();
        wait_until("the script is reaped", || !fs::exists(format!("/proc/{}", process.trim())).unwrap());
        stage.log.wait_for("the client went away");
    }
}

/// A script that is silent until the test lets it continue, and the file that has its process id.
fn silent() -> (Stage, PathBuf) {
    let mut stage = Stage::with("echo $$ >>pids; read line <wait; echo A: b; echo; echo body");
    nix::unistd::mkfifo(&stage.path("cgi-bin/wait"), nix::sys::stat::Mode::from_bits_truncate(0o600))
        .unwrap();
    // Its own time is not over before the test's.
    stage.timeout = Some(Duration::from_secs(3600));
    let pids = stage.path("cgi-bin/pids");
    (stage, pids)
}

fn wait_for_scripts(pids: &Path, count: usize) -> Vec<String> {
    let lines = || -> Vec<String> {
        fs::read_to_string(pids).unwrap_or_default().lines().map(str::to_owned).collect()
    };
    wait_until("the scripts run", || lines().len() == count);
    lines()
}

fn wait_for_end(processes: &[String]) {
    let is_gone = |process: &String| !fs::exists(format!("/proc/{process}")).unwrap();
    wait_until("the scripts are reaped", || processes.iter().all(is_gone));
}

#[test]
fn when_the_client_of_a_silent_script_is_gone_so_is_the_script() {
    const CLIENTS: usize = 30;
    for request in [GET, "POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"] {
        let (stage, pids) = silent();
        let server = stage.server();
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(&server)).collect();
        for client in &mut clients {
            client.send(request);
        }
        let processes = wait_for_scripts(&pids, CLIENTS);
        drop(clients);
        wait_for_end(&processes);
        wait_until("that is told", || stage.log.count("the client went away") == CLIENTS);
    }
}

#[test]
fn so_is_that_of_a_client_that_cannot_be_asked() {
    // HTTP/1.0 has no interim responses, and there are none in the middle of a response.
    let (stage, pids) = silent();
    let server = stage.server();
    let old = {
        let mut client = Client::new(&server);
        client.send("GET /cgi-bin/script HTTP/1.0\r\n\r\n");
        client
    };
    let mut begun = Client::new(&server);
    stage.script("cgi-bin/begun", "echo $$ >>pids; echo A: b; echo; echo first; read line <wait");
    begun.send("GET /cgi-bin/begun HTTP/1.1\r\nHost: a\r\n\r\n");
    begun.read_up_to(b"first\n");
    let processes = wait_for_scripts(&pids, 2);
    drop((old, begun));
    wait_for_end(&processes);
}

#[test]
fn so_is_that_of_a_reset() {
    let (stage, pids) = silent();
    let server = stage.server();
    let mut client = Client::new(&server);
    client.send("GET /cgi-bin/script HTTP/1.0\r\n\r\n");
    let processes = wait_for_scripts(&pids, 1);
    socket2::SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    wait_for_end(&processes);
}

#[test]
fn a_client_that_ends_its_half_is_answered() {
    let (stage, pids) = silent();
    let server = stage.server();
    let mut client = Client::new(&server);
    client.send(GET).end();
    // Receiving this shows that the script runs. So there are two requests, and both are answered.
    assert_eq!((client.response().status, client.response().status), (100, 100));
    fs::write(stage.path("cgi-bin/wait"), "go\n").unwrap();
    let response = client.response();
    assert_eq!((response.status, &*response.text()), (200, "body\n"));
    client.assert_closed();
    // An HTTP/1.0 client is not asked for it.
    let mut client = Client::new(&server);
    client.send("GET /cgi-bin/script HTTP/1.0\r\n\r\n").end();
    wait_for_scripts(&pids, 2);
    fs::write(stage.path("cgi-bin/wait"), "go\n").unwrap();
    assert_eq!(client.response().text(), "body\n");
}

#[test]
fn a_client_that_ends_its_half_and_goes_later_is_found_out() {
    let (stage, pids) = silent();
    let server = stage.server();
    let mut client = Client::new(&server);
    client.send(GET).end();
    assert_eq!(client.response().status, 100);
    let processes = wait_for_scripts(&pids, 1);
    drop(client);
    wait_for_end(&processes);
}

#[test]
fn a_server_of_one_thread_finds_out_too() {
    let (stage, pids) = silent();
    let mut server = HTTPServer::bind(("127.0.0.1", 0), stage.factory()).unwrap();
    let mut client = TcpStream::connect(server.server_address().to_string()).unwrap();
    client.write_all(GET.as_bytes()).unwrap();
    let serving = std::thread::spawn(move || server.handle_request());
    let processes = wait_for_scripts(&pids, 1);
    drop(client);
    wait_for_end(&processes);
    serving.join().unwrap().unwrap();
}

#[test]
fn a_body_that_ends_early_ends_the_script() {
    let stage = Stage::with("echo $$ >pid; cat; sleep 1000");
    let server = stage.server();
    let mut client = Client::new(&server);
    client.send("POST /cgi-bin/script HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    client.send(vec![b'x'; 70_000]);
    let pid = stage.path("cgi-bin/pid");
    wait_until("the script runs", || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
    drop(client);
    let process = fs::read_to_string(pid).unwrap();
    wait_until("the script is reaped", || !fs::exists(format!("/proc/{}", process.trim())).unwrap());
}

/// Its client gets no whole response, and both the report and the log say why: also if a part of it was sent, and the script
/// has been silent since.
#[test]
fn the_end_of_the_server_ends_scripts() {
    for output in ["", "echo A: b; echo; echo begun;"] {
        let stage = Stage::with(&format!("echo $$ >pid; {output} sleep 1000"));
        let server = stage.server_with(HTTPServer::builder());
        let mut client = Client::new(&server);
        client.send(GET);
        let pid = stage.path("cgi-bin/pid");
        wait_until("the script runs", || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
        if !output.is_empty() {
            client.read_up_to(b"begun");
        }
        server.handle().shutdown_within(Duration::ZERO);
        let process = fs::read_to_string(pid).unwrap();
        wait_until("the script is reaped", || !fs::exists(format!("/proc/{}", process.trim())).unwrap());
        let report = server.handle().wait();
        assert_eq!((report.finished, report.closed_idle, report.cut), (0, 0, 1), "{output:?}");
        stage.log.wait_for("do_GET: cut by the shutdown: its grace period is over");
    }
}

#[test]
fn the_end_of_the_server_waits_for_scripts_that_go_on() {
    let stage = Stage::with("echo $$ >pid; read line <wait; echo A: b; echo; echo body");
    nix::unistd::mkfifo(&stage.path("cgi-bin/wait"), nix::sys::stat::Mode::from_bits_truncate(0o600))
        .unwrap();
    let server = stage.server();
    let mut client = Client::new(&server);
    client.send(GET);
    let pid = stage.path("cgi-bin/pid");
    wait_until("the script runs", || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
    server.handle().shutdown();
    fs::write(stage.path("cgi-bin/wait"), "go\n").unwrap();
    let response = client.response();
    assert_eq!((&*response.text(), response.field("connection")), ("body\n", Some("close")));
}
