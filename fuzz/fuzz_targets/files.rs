//! The handler of files, on a folder with links, pipes and secrets.
//!
//! 1. It never sends what is outside the folder, what a link leads to there, or what begins with a dot.
//! 2. There is no panic, and no request ends with 500.
//! 3. A redirect stays on this server.
#![no_main]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;

use basehttp::testing::run;
use basehttp::{Directory, FileHandler};
use basehttp_fuzz::show;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| check(input));

/// Everything that must not be sent contains it.
const SECRET: &str = "nobody is to see this";

static FILES: LazyLock<Directory> = LazyLock::new(|| {
    let outside = std::env::temp_dir().join(format!("basehttp-fuzz-files-{}", std::process::id()));
    build(&outside).expect("a folder")
});

fn build(outside: &Path) -> std::io::Result<Directory> {
    let root = outside.join("root");
    fs::create_dir_all(root.join("sub/.git"))?;
    for (path, text) in [
        ("root/a.txt", "a text"),
        ("root/a.txt.gz", "a compressed text"),
        ("root/index.html", "an index"),
        ("root/sub/b", "another"),
        ("root/.env", SECRET),
        ("root/sub/.git/config", SECRET),
        ("secret", SECRET),
    ] {
        fs::write(outside.join(path), text)?;
    }
    for (to, name) in [
        ("..", "up"),
        ("../secret", "out"),
        ("../..", "sub/up"),
        ("/", "sub/root"),
        ("/proc/self/root", "sub/proc"),
        ("/dev/zero", "zero"),
        ("loop", "loop"),
        ("a.txt", "in"),
    ] {
        symlink(to, root.join(name))?;
    }
    Directory::open(root)
}

fn check(input: &[u8]) {
    let run = run(|base| FileHandler::new(base, &FILES), [input]);
    let told = || format!("input: {}\noutput: {}\nlog: {}", show(input), show(&run.output), run.log);
    assert!(!has(&run.output, SECRET.as_bytes()), "a secret\n{}", told());
    // As in a host's `/etc/passwd`.
    assert!(!has(&run.output, b"root:x:0:"), "from outside\n{}", told());
    assert!(!run.log.contains("panicked"), "a panic\n{}", told());
    for response in &run.responses {
        assert!(response.status != 500, "a failure\n{}", told());
        if let Some(location) = response.header("location") {
            let is_elsewhere = location.starts_with("//") || location.contains('\\');
            assert!(!is_elsewhere, "to {location}\n{}", told());
        }
    }
}

fn has(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
