//! The folder that is served, and what of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder whose files are served, with the settings for that. Cheap to clone: handlers share it.
#[derive(Clone, Debug)]
pub struct Directory {
    root: Arc<PathBuf>,
}

impl Directory {
    /// The folder at `path`.
    ///
    /// # Errors
    /// The system's error with the path in its text.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { root: Arc::new(path.as_ref().to_owned()) })
    }
}
