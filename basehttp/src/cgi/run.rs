//! A script's run, from the request to the end of its reply.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::errno::Errno;

use super::CGIRequestHandler;
use super::dialogue::{Body, Dialogue, Failure};
use super::environment::environment;
use super::location::{Script, find};
use super::process::Process;
use super::settings::Settings;

/// Runs the script that the request names.
pub(super) fn run_cgi<H: CGIRequestHandler>(handler: &mut H) -> io::Result<()> {
    let script = match find(handler) {
        Ok(script) => script,
        Err(refusal) => return handler.send_error(refusal),
    };
    match talk(handler, &script)? {
        Some(path) => redirect(handler, &script, path),
        None => Ok(()),
    }
}

/// Some is the path that has the reply.
fn talk<H: CGIRequestHandler>(handler: &H, script: &Script) -> io::Result<Option<String>> {
    let scripts = handler.__cgi().settings();
    let settings = scripts.get();
    let body = body_of(handler, settings)?;
    let started = Process::start(script, environment(handler, script, body.len(), settings));
    let started = match started {
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
        Err(Failure::Reply(fault)) => Some((502, fault)),
        Err(Failure::Late) if reply.is_complete() || (is_silent && reply.lack().is_none()) => {
            log(handler, script, "does not end after its reply, and was killed");
            None
        }
        Err(Failure::Late) => {
            Some((504, format!("has done nothing for {:?}, and was killed", settings.timeout)))
        }
        Ok(()) => {
            let failure = end.status.filter(|status| end.by_itself && !status.success());
            if let Some(status) = failure {
                log(handler, script, &told(status));
            }
            match reply.lack() {
                Some(lack) => Some((502, lack.to_owned())),
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
        None => handler.read_body(settings.chunked_body).map(Body::Whole),
    }
}

/// RFC 3875 section 6.2.2: as if the client had asked for that path.
fn redirect<H: CGIRequestHandler>(handler: &mut H, script: &Script, path: String) -> io::Result<()> {
    let depth = handler.__cgi().depth.get();
    if depth >= MOST_REDIRECTS {
        log(handler, script, "redirects in a circle");
        return handler.send_error((502, "Bad reply of CGI script"));
    }
    handler.__base_mut().request_mut().redirect(path);
    handler.__cgi().depth.set(depth + 1);
    let sent = answer_again(handler);
    handler.__cgi().depth.set(depth);
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
    log(handler, script, &format!("cannot be started: {error}"));
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) => {
            handler.send_error((503, "CGI script cannot be started now"))
        }
        _ => handler.send_error((502, "CGI script cannot be started")),
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

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended badly".to_owned(),
    }
}

fn log<H: CGIRequestHandler>(handler: &H, script: &Script, text: &str) {
    handler.log_error(format_args!("CGI script {}: {text}", script.name));
}
