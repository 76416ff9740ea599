use std::path::{Path, PathBuf};

use basehttp::prelude::*;
use basehttp::SimpleHTTPRequestHandler;

struct Files {
    base: SimpleHTTPRequestHandler,
}

#[http_handler(extends = SimpleHTTPRequestHandler)]
impl Files {
    const index_page: &[&str] = &["start.html"];

    fn translate_pth(&self, path: &str) -> Option<PathBuf> {
        Some(path.into())
    }

    fn list_direktory(&mut self, _path: &Path) {}
}

fn main() {}
