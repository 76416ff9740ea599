//! A script's run, from the request to the end of its reply.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use nix::errno::Errno;

use super::dialogue::{Body, Dialogue, Failure};
use super::environment::{self, Asked};
use super::process::Process;
use super::script::{Found, find};
use super::{CGIRequestHandler, Settings};
use crate::files::refuse;

/// A script to be run.
struct Script {
    file: PathBuf,
    /// The path of a request for it, and what follows.
    name: String,
    rest: String,
    /// Whether it speaks for itself (RFC 3875 section 5).
    is_nph: bool,
}

/// Runs the script that the request names.
pub(super) fn run_cgi<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
    let Some(script) = script_of(handler)? else { return Ok(()) };
    match talk(handler, &script)? {
        Some(path) => redirect(handler, &script, path),
        None => Ok(()),
    }
}

/// None where there is none that can be run, and that is answered.
fn script_of<H: CGIRequestHandler>(handler: &H) -> io::Result<Option<Script>> {
    let Some((directory, rest)) = handler.is_cgi() else {
        return handler.send_error((404, "No such CGI script")).map(|()| None);
    };
    let (path, file, name, rest) = match find(handler.directory(), &directory, &rest) {
        Found::Script { path, file, name, rest } => (path, file, name, rest),
        Found::Folder => return handler.send_error((403, "CGI script is not a plain file")).map(|()| None),
        Found::Error(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return handler.send_error((403, "CGI script is not executable")).map(|()| None);
        }
        Found::Error(error) => return refuse(handler, &error).map(|_| None),
    };
    if !handler.is_executable(&path) {
        return handler.send_error((403, "CGI script is not executable")).map(|()| None);
    }
    let is_nph = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"nph-"));
    Ok(Some(Script { file, name, rest, is_nph }))
}

/// Some is the path that has the reply.
fn talk<H: CGIRequestHandler>(handler: &H, script: &Script) -> io::Result<Option<String>> {
    let settings = &handler.__cgi().settings;
    let body = body_of(handler, settings)?;
    let asked = Asked {
        method: handler.command(),
        name: &script.name,
        rest: &script.rest,
        length: body.len(),
        is_redirected: handler.__cgi().is_redirected(),
    };
    let started = match Process::start(&script.file, environment::of(handler, &asked)) {
        Ok(started) => started,
        Err(error) => return cannot_start(handler, script, &error).map(|()| None),
    };
    let mut dialogue = Dialogue::new(started, body, (&script.name, script.is_nph), settings);
    let held = dialogue.hold(handler);
    let end = dialogue.end(handler);
    let is_silent = dialogue.is_silent();
    let reply = dialogue.reply;
    let fault = match held {
        Err(Failure::Connection(error)) => return Err(error),
        Err(Failure::Reply(fault)) => Some((502, format!("no reply: {fault}"))),
        Err(Failure::Late) if reply.is_complete() || (is_silent && reply.lack().is_none()) => {
            log(handler, script, "does not end after its reply, and is killed");
            None
        }
        Err(Failure::Late) => Some((504, format!("killed after {:?} without a sign", settings.timeout))),
        Ok(()) => {
            let failure = end.status.filter(|status| end.by_itself && !status.success());
            if let Some(status) = failure {
                log(handler, script, &status.to_string());
            }
            match reply.lack() {
                Some(lack) => Some((502, format!("no reply: {lack}"))),
                // What it has said may be half of it.
                None => {
                    failure.and_then(|status| status.signal()).map(|_| (502, "its reply is cut".to_owned()))
                }
            }
        }
    };
    if reply.is_too_long() {
        log(handler, script, "has said more than its Content-Length");
    }
    if let Some((code, fault)) = fault {
        log(handler, script, &fault);
        return fail(handler, code).map(|()| None);
    }
    Ok(reply.into_redirect())
}

/// The body for the script, whose length must be known before it begins.
fn body_of<H: CGIRequestHandler>(handler: &H, settings: &Settings) -> io::Result<Body> {
    // The script before has had it.
    if handler.__cgi().is_redirected() {
        return Ok(Body::None);
    }
    if !handler.has_body() {
        let says_none = handler.request().values("Content-Length").next().is_some();
        return Ok(if says_none { Body::Whole(Vec::new()) } else { Body::None });
    }
    let declared = handler.exchange().declared();
    match declared {
        Some(length) => Ok(Body::Coming(length)),
        None => handler.read_body(settings.chunked_limit).map(Body::Whole),
    }
}

/// RFC 3875 section 6.2.2: as if the client had asked for that path.
fn redirect<H: CGIRequestHandler>(handler: &mut H, script: &Script, path: String) -> io::Result<()> {
    let depth = handler.__cgi().redirects.get();
    if depth >= MOST_REDIRECTS {
        log(handler, script, "redirects in a circle");
        return handler.send_error((502, "Bad reply of CGI script"));
    }
    handler.__base_mut().request_mut().redirect(path);
    handler.__cgi().redirects.set(depth + 1);
    let sent = answer_again(handler);
    handler.__cgi().redirects.set(depth);
    sent
}

fn answer_again<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
    match handler.send_head()? {
        Some(content) if handler.command() != "HEAD" => handler.copyfile(content),
        _ => Ok(()),
    }
}

/// As Apache's `LimitInternalRecursion`: more than anything meant needs.
const MOST_REDIRECTS: u8 = 10;

fn cannot_start<H: CGIRequestHandler>(handler: &H, script: &Script, error: &io::Error) -> io::Result<()> {
    log(handler, script, &format!("cannot be run: {error}"));
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) => {
            handler.send_error((503, "CGI script cannot be run now"))
        }
        _ => handler.send_error((502, "CGI script cannot be run")),
    }
}

/// Answers for the script, or where that is too late, ends the connection so that nobody takes the reply for a whole one.
fn fail<H: CGIRequestHandler>(handler: &H, code: u16) -> io::Result<()> {
    if handler.exchange().reply.is_committed() {
        handler.exchange().cut();
        return Ok(());
    }
    let message = if code == 504 { "CGI script takes too long" } else { "Bad reply of CGI script" };
    handler.send_error((code, message))
}

fn log<H: CGIRequestHandler>(handler: &H, script: &Script, text: &str) {
    handler.log_error(format_args!("{}: {text}", script.name));
}
