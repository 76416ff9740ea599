//! A handler that executes a program, and records the result of each act.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use basehttp::prelude::*;
use basehttp_tests::log::Log;

use crate::program::{Act, Finish, Program, path_of, written};

/// The result of an act: the number of bytes, if it concerns bytes, or the kind of error. What was written before an error
/// counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) count: usize,
    pub(crate) error: Option<io::ErrorKind>,
}

/// The results for a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// In the order of the acts; shorter if an error was passed on.
    pub(crate) came: Vec<Came>,
    /// What was read of the request's body.
    pub(crate) read: Vec<u8>,
}

/// The programs by the paths of their requests, and their results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score(Arc<Mutex<Pages>>);

#[derive(Debug, Default)]
struct Pages {
    programs: HashMap<String, Program>,
    traces: HashMap<String, Trace>,
    /// Paths that were not asked for, or asked for twice.
    strays: Vec<String>,
}

impl Score {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, path: String, program: Program) {
        self.pages().programs.insert(path, program);
    }

    fn take(&self, path: &str) -> Option<Program> {
        let mut pages = self.pages();
        let program = pages.programs.remove(path);
        if program.is_none() {
            pages.strays.push(path.to_owned());
        }
        program
    }

    fn note(&self, path: &str, trace: &Trace) {
        self.pages().traces.insert(path.to_owned(), trace.clone());
    }

    /// The results for a request; `None` if it was not handled.
    pub(crate) fn trace(&self, path: &str) -> Option<Trace> {
        let mut pages = self.pages();
        pages.programs.remove(path);
        pages.traces.remove(path)
    }

    pub(crate) fn take_strays(&self) -> Vec<String> {
        std::mem::take(&mut self.pages().strays)
    }
}

macro_rules! actors {
    ($($(#[$docs:meta])* $name:ident $version:literal)*) => {$(
        $(#[$docs])*
        pub(crate) struct $name {
            base: BaseHTTPRequestHandler,
            score: Score,
            log: Log,
        }

        #[http_handler]
        impl $name {
            const protocol_version: &str = $version;

            fn do_GET(&self) -> io::Result<()> {
                self.play()
            }

            fn do_POST(&self) -> io::Result<()> {
                self.play()
            }

            fn do_SPAM(&self) -> io::Result<()> {
                self.play()
            }

            fn do_CONNECT(&self) -> io::Result<()> {
                self.play()
            }

            fn log_message(&self, message: fmt::Arguments<'_>) {
                self.log.push(message);
            }

            fn play(&self) -> io::Result<()> {
                let path = match self.command() {
                    "CONNECT" => path_of(self.path()),
                    _ => self.path().to_owned(),
                };
                let Some(program) = self.score.take(&path) else {
                    return Err(io::Error::other("a stray request"));
                };
                // Recorded at once: a panic ends it, and the client may look before it has ended.
                let mut trace = Trace::default();
                let mut outcome = Ok(());
                for act in &program.acts {
                    let (count, result) = self.perform(act, &mut trace);
                    trace.came.push(Came { count, error: result.as_ref().err().map(io::Error::kind) });
                    if result.is_err() && program.passes_on {
                        outcome = result;
                        break;
                    }
                }
                self.score.note(&path, &trace);
                match program.finish {
                    _ if outcome.is_err() => outcome,
                    Finish::Well => Ok(()),
                    Finish::WithError => Err(io::Error::other("on purpose")),
                    // The panic hook would report it.
                    Finish::WithPanic => resume_unwind(Box::new("on purpose")),
                }
            }

            fn perform(&self, act: &Act, trace: &mut Trace) -> (usize, io::Result<()>) {
                let given: usize = trace.came.iter().map(|came| came.count).sum();
                match act {
                    Act::Respond(code, None) => self.send_response(*code),
                    Act::Respond(code, Some(text)) => self.send_response((*code, text)),
                    Act::RespondOnly(code, None) => self.send_response_only(*code),
                    Act::RespondOnly(code, Some(text)) => self.send_response_only((*code, text)),
                    Act::Header(name, value) => self.send_header(name, value),
                    Act::EndHeaders => return (0, self.end_headers()),
                    Act::FlushHeaders => return (0, self.flush_headers()),
                    Act::Error(code, None, _) => return (0, self.send_error(*code)),
                    Act::Error(code, Some(text), None) => return (0, self.send_error((*code, text))),
                    Act::Error(code, Some(text), Some(explain)) => {
                        return (0, self.send_error((*code, text, explain)));
                    }
                    Act::Write(len) => {
                        let bytes = written(given, *len);
                        let mut count = 0;
                        loop {
                            match self.wfile.write(&bytes[count..]) {
                                Err(error) => return (count, Err(error)),
                                Ok(more) => count += more,
                            }
                            if count == bytes.len() {
                                return (count, Ok(()));
                            }
                        }
                    }
                    Act::WriteAll(len) => {
                        let result = self.wfile.write_all(&written(given, *len));
                        return (if result.is_ok() { *len } else { 0 }, result);
                    }
                    Act::Trailer(name, value) => return (0, self.wfile.send_trailer(name, value)),
                    Act::Flush => return (0, self.wfile.flush()),
                    Act::Read(len) => {
                        let mut buffer = vec![0; *len];
                        let mut filled = 0;
                        while filled < *len {
                            match self.rfile.read(&mut buffer[filled..]) {
                                Ok(0) => break,
                                Ok(count) => filled += count,
                                Err(error) => return (0, Err(error)),
                            }
                        }
                        trace.read.extend_from_slice(&buffer[..filled]);
                    }
                    Act::ReadAll => return (0, self.rfile.read_to_end(&mut trace.read).map(drop)),
                    Act::Close(close) => self.set_close_connection(*close),
                }
                (0, Ok(()))
            }
        }

        impl $name {
            pub(crate) fn factory(
                score: Score,
                log: Log,
            ) -> impl Fn(BaseHTTPRequestHandler) -> Self + Send + Sync + 'static {
                move |base| Self { base, score: score.clone(), log: log.clone() }
            }
        }
    )*};
}

actors! {
    Actor "HTTP/1.1"
    Actor10 "HTTP/1.0"
}
