//! Finds the script of a request, and the rest of the path.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::files::{Directory, FileRequestHandler, suffixes};

/// A script, or why none was found.
pub(super) enum Found {
    Script {
        /// Relative to the served folder.
        path: PathBuf,
        /// Its path, with all links resolved.
        file: PathBuf,
        /// The request path of the script, and the rest of the request's path: RFC 3875 sections 4.1.13 and 4.1.5. In
        /// Latin-1.
        name: String,
        rest: String,
    },
    /// The path names a folder, which cannot be run.
    Folder,
    Error(std::io::Error),
}

/// Splits a path into a folder of scripts and the rest.
pub(super) fn split(path: &Path, directories: &[&str]) -> Option<(String, String)> {
    let path = format!("/{}", latin1(path.as_os_str().as_encoded_bytes()));
    directories.iter().find_map(|directory| {
        let directory = directory.trim_end_matches('/');
        let (start, rest) = path.split_at_checked(directory.len())?;
        // If the file system ignores case, this must, too: otherwise another spelling would send the source.
        let is_it = start == directory || (CASE_IS_NOTHING && start.eq_ignore_ascii_case(directory));
        let rest = rest.strip_prefix('/').filter(|_| is_it)?;
        Some((start.to_owned(), rest.to_owned()))
    })
}

const CASE_IS_NOTHING: bool = cfg!(any(target_os = "macos", target_os = "ios"));

/// Descends from the folder of scripts to the first file.
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
            Ok(opened) => {
                return match resolve(files, &path, &opened.metadata) {
                    Ok(file) => Found::Script { path, file, name, rest: after.to_owned() },
                    Err(error) => Found::Error(error),
                };
            }
            Err(error) => return Found::Error(error),
        }
    }
    Found::Folder
}

/// The system runs a path, and reads it again for the interpreter. So the path must still name the file that was opened
/// beneath the root.
fn resolve(files: &Directory, path: &Path, opened: &Metadata) -> io::Result<PathBuf> {
    let file = files.path().join(path).canonicalize()?;
    if identity(&file.metadata()?) == identity(opened) {
        Ok(file)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Whether something that would be sent as a file actually lies in a folder of scripts: through a link from elsewhere, or
/// another spelling on a file system that ignores case.
pub(super) fn is_source<H: FileRequestHandler>(handler: &H, directories: &[&str]) -> bool {
    let Some(path) = handler.translate_path(handler.path()) else { return false };
    // The folder of scripts itself, which is redirected to its slash.
    if split(&path.join(""), directories).is_some() {
        return false;
    }
    let root = handler.directory().path();
    let folders: Vec<_> = directories
        .iter()
        .filter_map(|directory| root.join(directory.trim_start_matches('/')).metadata().ok())
        .map(|found| identity(&found))
        .collect();
    if folders.is_empty() {
        return false;
    }
    let is_script_folder =
        |path: &Path| path.metadata().is_ok_and(|found| folders.contains(&identity(&found)));
    let lies_inside = |path: &Path| {
        root.join(path).canonicalize().is_ok_and(|found| found.ancestors().any(is_script_folder))
    };
    // Also checks the compressed versions that may be sent instead.
    let or_compressed = |path: &Path| {
        let compressed = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            lies_inside(Path::new(&name))
        };
        lies_inside(path) || suffixes().any(compressed)
    };
    or_compressed(&path) || H::index_pages.iter().any(|page| or_compressed(&path.join(page)))
}

/// Two paths with the same identity lead to the same file.
fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

pub(super) fn is_executable(files: &Directory, path: &Path) -> bool {
    /// Execute permission of any user.
    const EXECUTE: u32 = 0o111;
    files
        .open_path(path)
        .is_ok_and(|opened| opened.metadata.is_file() && opened.metadata.permissions().mode() & EXECUTE != 0)
}

/// The relative path that a request path names.
fn path_of(name: &str) -> PathBuf {
    bytes(name.trim_start_matches('/')).into()
}

/// The bytes of Latin-1 text, for the system.
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
