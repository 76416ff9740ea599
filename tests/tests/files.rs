//! Files of a folder, as a client sees them: `SimpleHTTPRequestHandler`.

#[path = "files/assets.rs"]
mod assets;
#[path = "files/conditions.rs"]
mod conditions;
#[path = "files/family.rs"]
mod family;
#[path = "files/lists.rs"]
mod lists;
#[path = "files/parts.rs"]
mod parts;
#[path = "files/paths.rs"]
mod paths;
#[path = "files/sending.rs"]
mod sending;
#[path = "files/stage.rs"]
mod stage;
#[path = "files/types.rs"]
mod types;
#[cfg(windows)]
#[path = "files/windows.rs"]
mod windows;
