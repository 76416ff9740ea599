//! Which file is the script, and what of the path is for it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::files::Directory;

/// A script that was found, or why there is none.
pub(super) enum Found {
    Script {
        /// Relative to the folder that is served.
        path: PathBuf,
        /// The path of a request for it, and what followed it: RFC 3875 sections 4.1.13 and 4.1.5. In latin-1.
        name: String,
        rest: String,
    },
    /// What there is cannot be run.
    Folder,
    Error(std::io::Error),
}

/// The folder of scripts that a path is in, and what follows.
pub(super) fn split(path: &Path, directories: &[&str]) -> Option<(String, String)> {
    let path = format!("/{}", latin1(path.as_os_str().as_encoded_bytes()));
    directories.iter().find_map(|directory| {
        let directory = directory.trim_end_matches('/');
        let (start, rest) = path.split_at_checked(directory.len())?;
        // Where the file system does not tell case, neither does this: else another spelling would send the source.
        let is_it = start == directory || (CASE_IS_NOTHING && start.eq_ignore_ascii_case(directory));
        let rest = rest.strip_prefix('/').filter(|_| is_it)?;
        Some((start.to_owned(), rest.to_owned()))
    })
}

const CASE_IS_NOTHING: bool = cfg!(any(target_os = "macos", target_os = "ios"));

/// Goes down from the folder of scripts to the first file.
pub(super) fn find(files: &Directory, directory: &str, rest: &str) -> Found {
    let mut name = directory.trim_end_matches('/').to_owned();
    let mut left = rest;
    while !left.is_empty() {
        let (segment, after) = left.split_at(left.find('/').unwrap_or(left.len()));
        name.push('/');
        name.push_str(segment);
        let path = path_of(&name);
        match files.open_path(&path) {
            Ok(opened) if opened.metadata.is_dir() => left = after.strip_prefix('/').unwrap_or(after),
            Ok(_) => return Found::Script { path, name, rest: after.to_owned() },
            Err(error) => return Found::Error(error),
        }
    }
    Found::Folder
}

pub(super) fn is_executable(files: &Directory, path: &Path) -> bool {
    /// Anybody's permission to execute.
    const EXECUTE: u32 = 0o111;
    files
        .open_path(path)
        .is_ok_and(|opened| opened.metadata.is_file() && opened.metadata.permissions().mode() & EXECUTE != 0)
}

/// The relative path of what a request's path names.
fn path_of(name: &str) -> PathBuf {
    bytes(name.trim_start_matches('/')).into()
}

/// The bytes of text that is latin-1, for the system.
pub(super) fn bytes(text: &str) -> OsString {
    let latin1: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    OsString::from_vec(latin1.unwrap_or_else(|| text.as_bytes().to_vec()))
}

pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_scripts() {
        let directories = ["/cgi-bin", "/sub/dir/cgi-bin/"];
        for (path, wanted) in [
            ("cgi-bin/a.py", Some(("/cgi-bin", "a.py"))),
            ("cgi-bin/", Some(("/cgi-bin", ""))),
            ("cgi-bin/x/a.py/info/", Some(("/cgi-bin", "x/a.py/info/"))),
            ("sub/dir/cgi-bin/a", Some(("/sub/dir/cgi-bin", "a"))),
            ("cgi-bin", None),
            ("cgi-binary/a", None),
            ("sub/cgi-bin/a", None),
            ("./", None),
        ] {
            let found = split(Path::new(path), &directories);
            assert_eq!(found.as_ref().map(|(a, b)| (&**a, &**b)), wanted, "{path}");
        }
    }

    #[test]
    fn bytes_come_back_as_they_were() {
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(bytes(&latin1(&all)).as_encoded_bytes(), all);
        assert_eq!(bytes("\u{2603}").as_encoded_bytes(), "\u{2603}".as_bytes());
    }
}
