//! Why the command ends before it serves, and the code that tells it.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Where to look.
const HINT: &str = "`basehttp --help` tells what there is";

/// What is wrong and what to do, in a line or two.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The command was called in a way that cannot be meant.
    Usage(String),
    /// Everything else.
    Other(String),
}

impl CommandError {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }

    #[expect(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
    pub(crate) fn of_system(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }

    /// Of what is on the command line: what clap says takes a screen, and the first lines of it are enough.
    pub(crate) fn of_arguments(error: &clap::Error) -> Self {
        if let (Some(ContextValue::String(argument)), Some(source)) =
            (error.get(ContextKind::InvalidArg), error.source())
        {
            return Self::Usage(format!("{argument}: {source}\n  {HINT}"));
        }
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let mut told = first.strip_prefix("error: ").unwrap_or(first).to_owned();
        if error.kind() == ErrorKind::MissingRequiredArgument {
            "what was given also needs".clone_into(&mut told);
        }
        // Where values are missing, or exclude each other, they are told in lines of their own.
        for line in text.lines().skip(1).take_while(|line| line.starts_with("  ") && !line.contains("tip:")) {
            told.push(' ');
            told.push_str(line.trim());
        }
        let suggested =
            error.get(ContextKind::SuggestedArg).or_else(|| error.get(ContextKind::SuggestedValue));
        let meant = match suggested {
            Some(ContextValue::String(meant)) => format!("did you mean '{meant}'? "),
            Some(ContextValue::Strings(all)) if !all.is_empty() => {
                format!("did you mean '{}'? ", all.join("' or '"))
            }
            _ => String::new(),
        };
        Self::Usage(format!("{told}\n  {meant}{HINT}"))
    }

    /// As programs of the system have it: 2 for a wrong call, 1 for the rest.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Other(_) => ExitCode::from(1),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Other(text) => f.write_str(text),
        }
    }
}
