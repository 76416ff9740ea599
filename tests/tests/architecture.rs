//! The rules of the code's structure: who may import whom, and how long a file may be. Checked in the sources.

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/imports.rs"]
mod imports;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use imports::{Crate, Imports};

/// The crates that are published, and the root of each.
const PACKAGES: [(&str, &str); 3] =
    [("basehttp", "lib.rs"), ("basehttp-cli", "main.rs"), ("basehttp-macros", "lib.rs")];

/// A source file of the crate, its path from `src`, and its lines without comments and without its tests.
struct Source {
    path: String,
    code: Vec<(usize, String)>,
    lines: usize,
}

impl Source {
    fn top(&self) -> &str {
        top(&self.path)
    }

    /// The lines that contain one of the words.
    fn naming(&self, words: &[&str]) -> Vec<String> {
        let has = |line: &str| words.iter().any(|word| contains(line, word));
        let lines = self.code.iter().filter(|(_, line)| has(line));
        lines.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim())).collect()
    }
}

/// The top-level module: `proto` of `proto/head.rs`.
fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// Whether a line contains a word, or a path, that is not part of a longer one.
fn contains(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The texts of the files of a package, by their paths from `src`.
fn texts(package: &str) -> BTreeMap<String, String> {
    let root = root().join(package).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    assert!(found.len() > 5, "{}", root.display());
    let text = |file: PathBuf| {
        let path = file.strip_prefix(&root).expect("a file below").to_string_lossy().replace('\\', "/");
        (path, fs::read_to_string(&file).expect("a readable file"))
    };
    found.into_iter().map(text).collect()
}

fn sources(package: &str) -> Vec<Source> {
    texts(package).into_iter().map(|(path, text)| read(path, &text)).collect()
}

fn read(path: String, text: &str) -> Source {
    let mut code = Vec::new();
    let tests_file = path.ends_with("tests.rs") || path.contains("/tests/");
    for (number, line) in text.lines().enumerate() {
        // The tests of a file are at its end.
        if tests_file || line.starts_with("mod tests {") {
            break;
        }
        let line = line.split("//").next().unwrap_or_default();
        code.push((number + 1, line.to_owned()));
    }
    Source { path, code, lines: text.lines().count() }
}

fn report(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

const SOCKETS: &[&str] = &[
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixListener",
    "UnixStream",
    "UnixDatagram",
    "mio",
    "socket2",
    "Shutdown",
];
const THREADS: &[&str] = &["thread", "JoinHandle", "Condvar", "mpsc"];

/// The imports of the library from modules to others that they may not see, however their paths are spelled.
fn imports(is_wrong: impl Fn(&str, &str) -> bool) -> Vec<String> {
    static ALL: LazyLock<Imports> = LazyLock::new(|| Crate::read(&texts("basehttp"), "lib.rs").imports());

    assert!(ALL.len() > 50, "{} imports", ALL.len());
    let wrong = ALL.keys().filter(|(from, to)| is_wrong(top(from), top(to)));
    wrong.map(|(from, to)| format!("{from} imports {to}")).collect()
}

#[test]
fn proto_sees_nothing_of_ours_but_proto() {
    let mut found = imports(|from, to| from == "proto" && to != "proto");
    for source in sources("basehttp").iter().filter(|source| source.top() == "proto") {
        for (number, line) in &source.code {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                if !rest.starts_with("proto::") {
                    found.push(format!("{}:{number}: {}", source.path, line.trim()));
                }
            }
        }
        found.extend(source.naming(&["basehttp"]));
    }
    report("proto imports what is not proto", &found);
}

#[test]
fn proto_has_no_io_no_clock_and_no_threads() {
    let words = [SOCKETS, THREADS, &["io", "fs", "Instant", "now", "Mutex", "println", "eprintln"]].concat();
    let found: Vec<_> = sources("basehttp")
        .iter()
        .filter(|source| source.top() == "proto")
        .flat_map(|source| source.naming(&words))
        .collect();
    report("proto names what is outside", &found);
}

#[test]
fn handler_does_not_see_the_server() {
    let mut found = imports(|from, to| from == "handler" && ["server", "testing"].contains(&to));
    for source in sources("basehttp").iter().filter(|source| source.top() == "handler") {
        found.extend(source.naming(&["crate::server", "server::", "crate::testing"]));
    }
    report("handler imports server or testing", &found);
}

#[test]
fn the_family_sees_the_handlers_and_not_the_server() {
    let mut found = imports(|from, to| match from {
        "files" => ["server", "testing", "cgi"].contains(&to),
        "cgi" => ["server", "testing"].contains(&to),
        _ => false,
    });
    for source in sources("basehttp").iter().filter(|source| matches!(source.top(), "files" | "cgi")) {
        let below: &[&str] = if source.top() == "files" { &["crate::cgi"] } else { &[] };
        found.extend(source.naming(&[&["crate::server", "server::", "crate::testing"], below].concat()));
    }
    report("a handler of files or scripts imports server or testing", &found);
}

#[test]
fn the_command_uses_the_public_api_alone() {
    let command = sources("basehttp-cli");
    assert!(command.len() > 5, "{}", command.len());
    let hidden = ["basehttp::__private", "__base", "__base_mut", "__files", "__cgi", "#[path"];
    let found: Vec<_> = command.iter().flat_map(|source| source.naming(&hidden)).collect();
    report("the command uses what is not public", &found);
}

#[test]
fn nothing_but_server_names_a_socket_or_a_thread() {
    let words = [SOCKETS, THREADS].concat();
    let found: Vec<_> = sources("basehttp")
        .iter()
        .filter(|source| !matches!(source.top(), "server" | "sync" | "testing"))
        .flat_map(|source| source.naming(&words))
        .collect();
    report("a socket or a thread outside of server", &found);
}

/// A build that counts who writes what has to see all of it.
#[test]
fn nothing_but_sync_imports_what_threads_share() {
    let own = ["sync", "testing"];
    let sources = sources("basehttp");
    let others = sources
        .iter()
        .filter(|source| !own.contains(&source.top()) && !source.path.starts_with("server/models"));
    let found: Vec<_> = others
        .flat_map(|source| source.naming(&["std::sync", "sync::atomic", "core::sync"]))
        // A listener for one request has a thread of its own.
        .filter(|line| !line.starts_with("server/one_shot.rs") || !line.contains("mpsc"))
        .collect();
    report("what threads share comes from sync.rs", &found);
}

#[test]
fn no_circle_among_the_files() {
    let mut found = Vec::new();
    for (package, root) in PACKAGES {
        let texts = texts(package);
        let source = Crate::read(&texts, root);
        let read = source.files();
        for path in texts.keys().filter(|path| !read.contains(path.as_str())) {
            let is_of_tests = ["tests.rs", "tests/", "models/"].iter().any(|part| path.contains(part));
            assert!(is_of_tests, "{package}/src/{path} is not a file of the crate");
        }
        found.extend(circles::described(&source.imports(), &texts));
    }
    report("circles of imports", &found);
}

/// A longer file gets a hint. A state machine that is one thing may be longer: a file that was split only to be short is
/// worse than a long one.
const HINT_LINES: usize = 450;
const MOST_LINES: usize = 700;

#[test]
fn files_have_at_most_700_lines() {
    let mut found = Vec::new();
    for (package, _) in PACKAGES {
        for source in sources(package).iter().filter(|source| source.lines > HINT_LINES) {
            let line = format!("{package}/src/{}: {} lines", source.path, source.lines);
            if source.lines > MOST_LINES {
                found.push(line);
            } else {
                eprintln!("hint: more than {HINT_LINES} lines, is it one thing? {line}");
            }
        }
    }
    report("files that are too long", &found);
}

#[test]
fn there_is_no_unsafe_code() {
    let mut found = Vec::new();
    for (package, root) in PACKAGES {
        let sources = sources(package);
        let root = sources.iter().find(|source| source.path == root).expect("the root of the crate");
        if root.naming(&["forbid(unsafe_code)"]).is_empty() {
            found.push(format!("{package}: {} does not forbid it", root.path));
        }
        let code = |line: &str| {
            contains(line, "unsafe {") || contains(line, "unsafe fn") || contains(line, "unsafe impl")
        };
        for source in &sources {
            let lines = source.code.iter().filter(|(_, line)| code(line));
            found.extend(lines.map(|(number, line)| format!("{}:{number}: {line}", source.path)));
        }
    }
    report("unsafe code", &found);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut found = Vec::new();
    for (package, _) in PACKAGES {
        let root = root().join(package).join("src");
        let mut paths = Vec::new();
        files(&root, &mut paths);
        for path in paths {
            let text = fs::read_to_string(&path).expect("a readable file");
            if !text.starts_with("//!") && !path.ends_with("tests.rs") {
                found.push(path.strip_prefix(&root).expect("a file below").display().to_string());
            }
        }
    }
    report("files without a first line that says what they are for", &found);
}
