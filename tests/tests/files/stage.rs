//! A folder with files, and responses from it.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use basehttp::testing::{Response, respond};
use basehttp::{Directory, FileHandler};
use tempfile::TempDir;

pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) files: Directory,
}

/// Sets a file's modification time.
pub(crate) fn set_modified(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

impl Stage {
    /// A folder with these files, and the folders in their paths. They are from 1990; on the wire in memory it is always
    /// 1994.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            set_modified(&path, UNIX_EPOCH + Duration::from_secs(650_000_000));
        }
        let files = Directory::open(&root).unwrap();
        Self { folder, files }
    }

    /// The parent of the served folder, which contains nothing else.
    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join("root").join(path)
    }

    /// The response to a request with these fields, one per line.
    pub(crate) fn ask(&self, method: &str, target: &str, fields: &[String]) -> Response {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n");
        for field in fields {
            request.push_str(field);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let files = self.files.clone();
        let mut responses = respond(move |base| FileHandler::new(base, &files), request.as_bytes());
        assert_eq!(responses.len(), 1, "{request}");
        responses.remove(0)
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.ask("GET", target, &[])
    }

    pub(crate) fn get_with(&self, target: &str, field: &str) -> Response {
        self.ask("GET", target, &[field.to_owned()])
    }
}
