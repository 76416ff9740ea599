//! The process of a script.

use std::fs;
use std::process::{Command, Stdio};

use basehttp_tests::client::Client;
use basehttp_tests::wait_until;

use crate::stage::Stage;

#[test]
fn it_has_its_path_alone_and_its_folder() {
    let stage = Stage::new();
    stage.script("cgi-bin/sub/a", "echo A: b; echo; echo $#; pwd -P; echo $0");
    // In RFC 3875 section 4.4 the arguments would be `x` and `-s`.
    let response = stage.get("/cgi-bin/sub/a/info?x+-s");
    let folder = stage.path("cgi-bin/sub").canonicalize().unwrap();
    assert_eq!(response.text(), format!("0\n{0}\n{0}/a\n", folder.display()));
}

#[test]
fn it_has_three_descriptors() {
    // The descriptors that any program started here has, because others have left them open, and the one that lists them.
    let plain = Command::new("ls").arg("/proc/self/fd").stdin(Stdio::null()).output().unwrap();
    let stage = Stage::with("echo A: b; echo; exec ls /proc/self/fd");
    let server = stage.server();
    let mut client = Client::new(&server);
    // Other connections and files are open meanwhile.
    let others: Vec<Client> = (0..5).map(|_| Client::new(&server)).collect();
    let response = client.ask("GET /cgi-bin/script HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(response.text(), String::from_utf8(plain.stdout).unwrap());
    drop(others);
}

#[test]
fn it_leads_a_group_of_its_own() {
    let stage = Stage::with("echo A: b; echo; echo $$; cut -d' ' -f5 /proc/$$/stat");
    let text = stage.response().text().into_owned();
    let numbers: Vec<&str> = text.lines().collect();
    assert_eq!(numbers[0], numbers[1]);
}

/// Whether nothing is left of it, not even an unreaped process.
fn is_gone(process: &str) -> bool {
    !fs::exists(format!("/proc/{process}")).unwrap()
}

/// Whether it no longer runs. Which process reaps the child of a script is not decided here.
fn has_ended(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.is_empty() || stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

#[test]
fn it_is_reaped_however_it_ends() {
    for end in ["", "exit 3", "kill -9 $$", "exec >&-; exit 1"] {
        let stage = Stage::with(&format!("echo $$ >pid; echo A: b; echo; {end}"));
        stage.response();
        let process = fs::read_to_string(stage.path("cgi-bin/pid")).unwrap();
        assert!(is_gone(process.trim()), "{end}");
    }
    // So does a panicking handler.
    let stage = Stage::with("echo $$ >pid; echo X-Panic: b; echo; sleep 1000");
    assert_eq!(stage.response().status, 500);
    assert!(is_gone(fs::read_to_string(stage.path("cgi-bin/pid")).unwrap().trim()));
    // A bad head ends it at once.
    let stage = Stage::with("echo $$ >pid; echo bad; echo; sleep 1000");
    assert_eq!(stage.response().status, 502);
    assert!(is_gone(fs::read_to_string(stage.path("cgi-bin/pid")).unwrap().trim()));
}

/// Runs a test of this program again, in a process of its own that `env` starts with these options. True in that process.
fn is_apart(test: &str, options: &[&str]) -> bool {
    const MARK: &str = "BASEHTTP_TEST_APART";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("env");
    command.args(options).arg(program).args(["--exact", test]).env(MARK, "1");
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{output:?}");
    false
}

/// The bits of the signals that this process ignores.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

const CUT: &str = "echo A: b; echo; head -c 200000 /dev/zero; kill -KILL $$";

#[test]
fn an_inherited_ignored_sigchld_is_as_the_default() {
    if !is_apart("process::an_inherited_ignored_sigchld_is_as_the_default", &["--ignore-signal=CHLD"]) {
        return;
    }
    let is_ignored = || ignored() >> (nix::sys::signal::Signal::SIGCHLD as i32 - 1) & 1 == 1;
    assert!(is_ignored(), "env has not done what the test needs");
    // From the first script on.
    let stage = Stage::with("echo A: b; echo; echo body; exit 7");
    assert_eq!(stage.response().text(), "body\n");
    assert!(stage.log.has("exit status: 7"), "{:?}", stage.log.lines());
    stage.script("cgi-bin/script", CUT);
    for _ in 0..3 {
        let response = stage.response();
        assert!(response.truncated && !response.stays_open, "{:?}", stage.log.lines());
    }
    assert_eq!(stage.log.count("its response is cut"), 3, "{:?}", stage.log.lines());
    // Nor does a script inherit it.
    stage.script("cgi-bin/script", "echo A: b; echo; exec grep SigIgn /proc/self/status");
    let text = stage.response().text().into_owned();
    let mask = u64::from_str_radix(text.trim_start_matches("SigIgn:").trim(), 16).unwrap();
    assert_eq!(mask >> (nix::sys::signal::Signal::SIGCHLD as i32 - 1) & 1, 0, "{text}");
    assert!(!is_ignored());
}

#[test]
fn where_somebody_else_reaps_a_script_its_response_is_not_taken_for_whole() {
    if !is_apart("process::where_somebody_else_reaps_a_script_its_response_is_not_taken_for_whole", &[]) {
        return;
    }
    // As for a program that is the first process of its system.
    std::thread::spawn(|| {
        loop {
            if nix::sys::wait::wait().is_err() {
                std::thread::yield_now();
            }
        }
    });
    let stage = Stage::with(CUT);
    for _ in 0..20 {
        let response = stage.response();
        assert!(response.truncated && !response.stays_open, "{:?}", stage.log.lines());
    }
    // A response with a length is complete however the script has ended.
    stage.script("cgi-bin/script", "echo Content-Length: 4; echo; printf body");
    for _ in 0..20 {
        assert_eq!(stage.response().text(), "body");
    }
}

#[test]
fn its_children_end_with_it() {
    // One child has the script's output, and one does not. A child may send the end of a script's output.
    let stage = Stage::with("echo A: b; echo; (echo late) &");
    assert_eq!(stage.response().text(), "late\n");
    let stage = Stage::with("echo A: b; echo; sleep 1000 & echo $!; sleep 1000 >/dev/null 2>&1 & echo $!");
    let response = stage.response();
    let text = response.text().into_owned();
    let children: Vec<&str> = text.lines().collect();
    assert_eq!((response.status, children.len()), (200, 2));
    wait_until("the children end", || children.iter().all(|child| has_ended(child)));
}
