//! The entries of a folder.

use std::ffi::OsString;
use std::time::SystemTime;

/// A file or folder in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name, without the folders above it.
    pub name: OsString,
    /// Whether it is a folder.
    pub is_directory: bool,
    /// Whether the name is a symbolic link to it.
    pub is_link: bool,
    /// The size in bytes.
    pub size: u64,
    /// When it was last modified, if the system knows.
    pub modified: Option<SystemTime>,
}
