//! What the system knows about processes.

use std::fs;

/// The folders of all processes.
fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    let all = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    all.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        .map(|entry| entry.path())
}

/// How many children a process has, zombies included.
pub(crate) fn children(process: u32) -> usize {
    let is_child = |folder: std::path::PathBuf| {
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        // After the name, which may contain anything: the state, and the parent.
        let parent = stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<u32>().ok()?;
        (parent == process).then_some(())
    };
    processes().filter_map(is_child).count()
}

/// How many processes have this text in their environment, whoever is their parent.
pub(crate) fn marked(mark: &str) -> usize {
    let is_marked = |folder: &std::path::PathBuf| {
        fs::read(folder.join("environ")).is_ok_and(|environment| {
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        })
    };
    processes().filter(is_marked).count()
}
