//! The run of a script, from the request to the end of its response.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;

use super::body::{Body, Refusal};
use super::dialogue::Dialogue;
use super::environment::{self, Asked};
use super::process::Process;
use super::response::{ScriptFailure, ScriptResponse};
use super::script::{Found, find};
use crate::files::{FileRequestHandler, refuse};
use crate::handler::{HttpError, RequestHandler};

/// Settings for all scripts.
pub(super) struct Settings {
    pub(super) timeout: Duration,
    pub(super) chunked_limit: u64,
    pub(super) chunked_total: u64,
    pub(super) variables: Vec<(OsString, OsString)>,
}

/// A script to run.
pub(super) struct Script {
    /// Relative to the served folder.
    pub(super) path: PathBuf,
    file: PathBuf,
    /// Its request path, and the rest of the request's path.
    name: String,
    rest: String,
    /// Whether it writes its own status line (RFC 3875 section 5).
    is_nph: bool,
}

/// The script in a folder of scripts. `None` if there is none, which has then been answered.
pub(super) fn script_in<H: FileRequestHandler>(
    handler: &H,
    directory: &str,
    rest: &str,
) -> io::Result<Option<Script>> {
    let (path, file, name, rest) = match find(handler.directory(), directory, rest) {
        Found::Script { path, file, name, rest } => (path, file, name, rest),
        Found::Folder => return handler.send_error((403, "CGI script is not a plain file")).map(|()| None),
        Found::Error(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return is_not_executable(handler).map(|()| None);
        }
        Found::Error(error) => return refuse(handler, &error).map(|_| None),
    };
    let is_nph = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"nph-"));
    Ok(Some(Script { path, file, name, rest, is_nph }))
}

pub(super) fn is_not_executable<H: RequestHandler>(handler: &H) -> io::Result<()> {
    handler.send_error((403, "CGI script is not executable"))
}

/// Runs the script, with this request's `variables`. `Some` is the path of a redirect inside the server.
pub(super) fn talk<H: FileRequestHandler>(
    handler: &H,
    script: &Script,
    settings: &Settings,
    is_redirected: bool,
    variables: impl FnOnce() -> Vec<(OsString, OsString)>,
) -> io::Result<Option<String>> {
    let body = match body_of(handler, settings, is_redirected) {
        Ok(body) => body,
        Err(Refusal::Client(error)) => return Err(error),
        Err(Refusal::Disk(error)) => return cannot_keep(handler, script, &error).map(|()| None),
    };
    let asked = Asked {
        method: handler.command(),
        name: &script.name,
        rest: &script.rest,
        length: body.length,
        is_redirected,
    };
    let mut environment = environment::of(handler, &asked);
    environment::add(&mut environment, settings.variables.iter().cloned().chain(variables()));
    let started = match Process::start(&script.file, environment) {
        Ok(started) => started,
        Err(error) => return cannot_start(handler, script, &error).map(|()| None),
    };
    let response = ScriptResponse::new(format!("{}{}", script.name, script.rest), script.is_nph);
    let mut dialogue = Dialogue::new(started, body.source, &script.name, response, settings.timeout);
    let held = dialogue.hold(handler);
    let end = dialogue.end(handler);
    let is_silent = dialogue.is_silent();
    let response = dialogue.response;
    let fault = match held {
        Err(ScriptFailure::Connection(error)) => return Err(error),
        Err(ScriptFailure::Response(fault)) => Some((502, format!("no response: {fault}"))),
        Err(ScriptFailure::Disk(error)) => {
            Some((500, format!("killed because its input cannot be read: {error}")))
        }
        Err(ScriptFailure::Late) if response.is_complete() || (is_silent && response.lack().is_none()) => {
            log(handler, script, "did not end after its response, and was killed");
            None
        }
        Err(ScriptFailure::Late) => {
            Some((504, format!("killed after {:?} without progress", settings.timeout)))
        }
        Ok(()) => {
            let failure = end.status.filter(|status| end.by_itself && !status.success());
            if let Some(status) = failure {
                log(handler, script, &status.to_string());
            }
            match response.lack() {
                Some(lack) => Some((502, format!("no response: {lack}"))),
                // The response may be incomplete.
                None if failure.is_some_and(|status| status.signal().is_some()) => {
                    Some((502, "its response is cut".to_owned()))
                }
                None if end.status.is_none() && !response.is_complete() => {
                    Some((502, "its exit status is unknown, so its response is cut".to_owned()))
                }
                None => None,
            }
        }
    };
    if response.is_too_long() {
        log(handler, script, "has sent more than its Content-Length");
    }
    if let Some((code, fault)) = fault {
        log(handler, script, &fault);
        return fail(handler, code).map(|()| None);
    }
    Ok(response.into_redirect())
}

/// The body for the script. Its length must be known before the script begins.
fn body_of<H: RequestHandler>(
    handler: &H,
    settings: &Settings,
    is_redirected: bool,
) -> Result<Body, Refusal> {
    // The previous script has consumed it.
    if is_redirected {
        return Ok(Body::NONE);
    }
    if !handler.request().has_body {
        let says_none = handler.request().values("Content-Length").next().is_some();
        return Ok(if says_none { Body::EMPTY } else { Body::NONE });
    }
    let declared = handler.io().declared();
    match declared {
        Some(length) => Ok(Body::coming(length)),
        None => Body::gather(handler, settings.chunked_limit, settings.chunked_total),
    }
}

/// Answers that there is no room for a body. The system's message is for the operator.
fn cannot_keep<H: RequestHandler>(handler: &H, script: &Script, error: &io::Error) -> io::Result<()> {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, ResourceBusy, StorageFull};
    log(handler, script, &format!("the request's body cannot be kept: {error}"));
    match (error.kind(), error.raw_os_error().map(Errno::from_raw)) {
        (StorageFull | QuotaExceeded | FileTooLarge, _) => {
            handler.send_error((507, "No room for the request's body"))
        }
        (ResourceBusy, _) | (_, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)) => {
            handler.send_error(HttpError::from(503).with_header("Retry-After", 1))
        }
        _ => handler.send_error(500),
    }
}

fn cannot_start<H: RequestHandler>(handler: &H, script: &Script, error: &io::Error) -> io::Result<()> {
    log(handler, script, &format!("cannot be run: {error}"));
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) => {
            handler.send_error((503, "CGI script cannot be run now"))
        }
        _ => handler.send_error((502, "CGI script cannot be run")),
    }
}

/// Answers for the script. If the response has begun, cuts the connection, so that the client cannot take it for a complete
/// one.
fn fail<H: RequestHandler>(handler: &H, code: u16) -> io::Result<()> {
    if handler.io().response.is_committed() {
        handler.io().cut();
        return Ok(());
    }
    let message = match code {
        500 => return handler.send_error(500),
        504 => "CGI script takes too long",
        _ => "Bad response of CGI script",
    };
    handler.send_error((code, message))
}

pub(super) fn log<H: RequestHandler>(handler: &H, script: &Script, text: &str) {
    handler.log_error(format_args!("{}: {text}", script.name));
}
