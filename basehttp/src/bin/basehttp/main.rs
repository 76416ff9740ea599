//! The command `basehttp`: serves the files of a folder, as `python -m http.server` does.

#![forbid(unsafe_code)]

mod address;
mod args;
mod auth;
mod handler;
mod log;
mod site;
mod upload;

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use basehttp::prelude::*;
use basehttp::{Directory, ServerBuilder, ServerHandle, TlsConfig};
use clap::{CommandFactory, Parser};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use signal_hook::consts::{SIGINT, SIGTERM};

use args::Args;
use auth::Credentials;
use handler::Files;
#[cfg(unix)]
use handler::Scripts;
use site::{Served, Site, Upload};

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(shell) = args.completions {
        clap_complete::generate(shell, &mut Args::command(), "basehttp", &mut io::stdout());
        return ExitCode::SUCCESS;
    }
    let result =
        if args.man { clap_mangen::Man::new(Args::command()).render(&mut io::stdout()) } else { run(&args) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("basehttp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    let site = Arc::new(site(args)?);
    let mut builder = HTTPServer::builder();
    if let Some(tls) = tls(args)? {
        builder = builder.tls(tls);
    }
    let mut server = match (args.cgi, args.protocol.as_str()) {
        (false, "HTTP/1.0") => bind(args, builder, &site, Files::<10>::new),
        (false, _) => bind(args, builder, &site, Files::<11>::new),
        #[cfg(unix)]
        (true, "HTTP/1.0") => bind(args, builder, &site, Scripts::<10>::new),
        #[cfg(unix)]
        (true, _) => bind(args, builder, &site, Scripts::<11>::new),
        #[cfg(not(unix))]
        (true, _) => Err(wrong("--cgi works on unix only")),
    }?;
    end_on_signals(server.handle())?;
    announce(args, &server, &site)?;
    server.serve_forever()?;
    say(&site.served)
}

/// Makes the settings of what was asked for.
fn site(args: &Args) -> io::Result<Site> {
    let files = Directory::open(&args.directory)?.dotfiles(args.dotfiles).listing(!args.no_listing);
    let upload = Upload { limit: args.upload_limit, overwrite: args.overwrite };
    Ok(Site {
        files,
        credentials: Credentials::find(args.auth.as_deref())?,
        cors: args.cors,
        spa: args.spa,
        upload: args.upload.then_some(upload),
        headers: args.header.clone(),
        content_type: args.content_type.clone(),
        log: args.log,
        served: Served::default(),
    })
}

fn tls(args: &Args) -> io::Result<Option<TlsConfig>> {
    if args.tls_password_file.is_some() {
        let key = args.tls_key.as_ref().or(args.tls_cert.as_ref());
        let key = key.map_or("KEY".to_owned(), |path| path.display().to_string());
        return Err(wrong(&format!(
            "a key with a password is not supported: write it to a file without one, with `openssl pkey -in {key} -out \
             key.pem`, and give that as --tls-key"
        )));
    }
    let Some(cert) = &args.tls_cert else { return Ok(None) };
    TlsConfig::from_files(cert, args.tls_key.as_ref().unwrap_or(cert)).map(Some)
}

fn wrong(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn bind<H: RequestHandler<MessageClass = Headers> + Send>(
    args: &Args,
    builder: ServerBuilder,
    site: &Arc<Site>,
    make: fn(BaseHTTPRequestHandler, &Arc<Site>) -> H,
) -> io::Result<HTTPServer> {
    let site = site.clone();
    let factory = move |base| make(base, &site);
    match &args.bind {
        None => builder.from_listener(address::listen_everywhere(args.port)?, factory),
        Some(host) => builder.bind((host.as_str(), args.port), factory).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => error,
            _ => address::advice(&error, &format!("{host}, port {}", args.port), args.port),
        }),
    }
}

/// The first signal has the server end in good order, the second one ends it at once.
fn end_on_signals(handle: ServerHandle) -> io::Result<()> {
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, is_second.clone())?;
        signal_hook::flag::register(signal, is_second.clone())?;
    }
    wait_for_signal(move || handle.shutdown())
}

#[cfg(unix)]
fn wait_for_signal(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            then();
        }
    })?;
    Ok(())
}

/// Without a way to wait for one, it is looked ten times a second.
#[cfg(not(unix))]
fn wait_for_signal(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    let has_come = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, has_come.clone())?;
    }
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while !has_come.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(100));
        }
        then();
    })?;
    Ok(())
}

/// Says where the folder can be found.
fn announce(args: &Args, server: &HTTPServer, site: &Site) -> io::Result<()> {
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let port = server.server_port();
    let ip = server.server_address().ip();
    let urls = ip.map(|ip| address::urls(scheme, SocketAddr::new(ip, port))).unwrap_or_default();
    say(&format!("Serving {} (Ctrl-C ends it)", site.files.path().display()))?;
    for url in &urls {
        say(url)?;
    }
    if args.qr
        && let Some(url) = urls.last()
    {
        let code = QrCode::new(url).map_err(io::Error::other)?;
        say(&code.render::<Dense1x2>().quiet_zone(true).build())?;
    }
    if args.open
        && let Some(url) = urls.first()
    {
        open::that_detached(url)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot open a browser: {error}")))?;
    }
    Ok(())
}

/// To standard output, whoever reads it.
fn say(text: &impl Display) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
