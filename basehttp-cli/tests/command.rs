//! The command `basehttp` as a program: it is started, receives requests over a socket, and is ended.

#[path = "command/auth.rs"]
mod auth;
#[path = "command/end.rs"]
mod end;
#[path = "command/log.rs"]
mod log;
#[path = "command/options.rs"]
mod options;
#[path = "command/program.rs"]
mod program;
#[cfg(unix)]
#[path = "command/scripts.rs"]
mod scripts;
#[path = "command/upload.rs"]
mod upload;
#[path = "command/wrong.rs"]
mod wrong;
