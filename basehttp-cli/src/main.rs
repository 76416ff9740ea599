//! The command `basehttp`: serves the files of a folder, as `python -m http.server` does.
#![forbid(unsafe_code)]

mod address;
mod args;
mod auth;
mod failure;
mod greeting;
mod handler;
mod log;
mod names;
mod record;
mod scripts;
mod settings;
mod signals;
mod summary;
mod upload;

use std::io::{self, Write as _};
use std::iter;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use basehttp::{CrossOriginProtection, HTTPServer, ServerBuilder, TlsConfig};
use clap::{CommandFactory as _, Parser as _};

use args::{Args, Protocol};
use failure::CommandError;
use handler::Files;
use settings::Settings;

fn main() -> ExitCode {
    let outcome = match Args::try_parse() {
        Ok(args) => run(&args),
        Err(error) if !error.use_stderr() => {
            // `--help` or `--version`.
            let _ = error.print();
            Ok(())
        }
        Err(error) => Err(CommandError::of_arguments(&error)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "basehttp: {failure}");
            failure.code()
        }
    }
}

fn run(args: &Args) -> Result<(), CommandError> {
    if let Some(shell) = args.completions {
        // Written to memory first: `generate` panics if standard output fails.
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Args::command(), "basehttp", &mut script);
        return print(&script);
    }
    if args.man {
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page).map_err(CommandError::of_system)?;
        return print(&page);
    }
    let settings = Arc::new(Settings::new(args)?);
    match args.protocol {
        Protocol::Http10 => serve::<0>(args, &settings),
        Protocol::Http11 => serve::<1>(args, &settings),
    }
}

/// Writes to standard output. A reader that stops early, such as `head`, is not an error.
fn print(text: &[u8]) -> Result<(), CommandError> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::of_system(error)),
        _ => Ok(()),
    }
}

/// Protects the server from pages of other sites. Their uploads and calls of scripts are refused, since a browser sends the user's
/// password along. On loopback addresses, all their requests are: any page in this machine's browser could send some, and could
/// read the files under a name that resolves to it (DNS rebinding).
fn guarded(builder: ServerBuilder, args: &Args, is_loopback: bool) -> ServerBuilder {
    let mut hosts = args.allowed_hosts.clone();
    if is_loopback {
        hosts.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        hosts.extend(args.bind.clone());
    }
    builder
        .allowed_hosts(hosts)
        .loopback_guard(is_loopback && !args.cors)
        .cross_origin_protection(CrossOriginProtection::new())
}

/// How often to check whether the certificate was renewed. A check reads two small files.
const LOOK_AT_TLS: Duration = Duration::from_secs(2);

/// Serves until a signal arrives, with responses of HTTP/1.`MINOR`.
fn serve<const MINOR: u8>(args: &Args, settings: &Arc<Settings>) -> Result<(), CommandError> {
    let mut builder = HTTPServer::builder();
    if let Some(certificate) = &args.tls_cert {
        let key = args.tls_key.as_ref().unwrap_or(certificate);
        let tls = TlsConfig::from_files(certificate, key).map_err(CommandError::of_system)?;
        builder = builder.tls(tls).watch_tls(LOOK_AT_TLS);
    }
    let (first, further) = address::listen(&args.bind, args.port)?;
    let addresses = iter::once(&first).chain(&further).map(TcpListener::local_addr);
    let addresses: Vec<_> = addresses.collect::<Result<_, _>>().map_err(CommandError::of_system)?;
    let is_loopback = addresses.iter().all(|address| address.ip().to_canonical().is_loopback());
    let builder = guarded(builder, args, is_loopback);
    let builder = further.into_iter().fold(builder, ServerBuilder::also_from_listener);
    let shared = settings.clone();
    let mut server = builder
        .from_listener(first, move |base| Files::<MINOR>::new(base, shared.clone()))
        .map_err(CommandError::of_system)?;
    signals::watch(server.handle()).map_err(CommandError::of_system)?;
    greeting::greet(args, settings, &addresses);
    let outcome = server.serve_forever();
    settings.log.close();
    let _ = writeln!(io::stdout(), "{}", settings.summary);
    outcome.map_err(CommandError::of_system)
}
