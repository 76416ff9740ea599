//! The command `basehttp` as what it is, a program: started, talked to over a socket, and ended.
#![cfg(unix)]

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
#[path = "command/scripts.rs"]
mod scripts;
#[path = "command/upload.rs"]
mod upload;
#[path = "command/wrong.rs"]
mod wrong;
