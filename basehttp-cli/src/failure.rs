//! Errors that end the command before it serves, and their exit codes.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Where to find the options.
const HINT: &str = "`basehttp --help` lists the options";

/// What is wrong and what to do about it, in one or two lines.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The arguments are wrong.
    Usage(String),
    /// Any other error.
    Other(String),
}

impl CommandError {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }

    #[expect(clippy::needless_pass_by_value, reason = "`map_err` passes a value")]
    pub(crate) fn of_system(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }

    /// Shortens clap's message, which fills a screen, to what matters.
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
            "the given options also need".clone_into(&mut told);
        }
        // clap lists missing or conflicting values in lines of their own.
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

    /// As is usual for commands: 2 for wrong arguments, 1 for any other error.
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
