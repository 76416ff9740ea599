//! The folders whose files are run as scripts.

use std::path::{Path, PathBuf};

/// The paths of the folders, relative to the served folder. Empty if no file is run.
#[derive(Clone, Copy)]
pub(crate) struct ScriptFolders(pub(crate) &'static [&'static str]);

impl ScriptFolders {
    /// Whether a path, relative to the served folder, leads into one of them by its name.
    pub(crate) fn are_named_by(self, path: &Path) -> bool {
        // Some systems ignore case.
        let path = PathBuf::from(path.as_os_str().to_ascii_lowercase());
        self.0.iter().any(|folder| path.starts_with(folder.trim_start_matches('/')))
    }

    /// Whether a folder is in one of them, after links are resolved.
    pub(crate) fn contain(self, path: &Path, root: &Path) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let Ok(path) = path.canonicalize() else { return true };
        let scripts =
            self.0.iter().filter_map(|folder| root.join(folder.trim_start_matches('/')).canonicalize().ok());
        scripts.into_iter().any(|folder| path.starts_with(folder))
    }
}
