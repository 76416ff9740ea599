//! What the command prints when it starts.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::address::{reachable, url};
use crate::args::Args;
use crate::settings::Settings;

/// Prints the folder, the URLs and the warnings; shows the QR code and opens the browser if asked to.
pub(crate) fn greet(args: &Args, settings: &Settings, bound: &[SocketAddr]) {
    let is_tls = args.tls_cert.is_some();
    let addresses = reachable(bound);
    // All listeners have the same port.
    let port = bound.first().map_or(args.port, SocketAddr::port);
    let url_of = |ip: &IpAddr| url(*ip, port, is_tls);
    let is_open = addresses.iter().any(|ip| !ip.is_loopback());
    // Standard output may be closed, or the terminal gone: the server continues all the same.
    let _ = print(&mut io::stdout().lock(), settings, &addresses.iter().map(url_of).collect::<Vec<_>>());
    for warning in warnings(settings, is_tls, is_open) {
        let _ = writeln!(io::stderr(), "basehttp: {warning}");
    }
    // One that a phone can reach, if there is one.
    let best = addresses.iter().find(|ip| !ip.is_loopback()).or(addresses.first()).map(url_of);
    if let Some(best) = best.filter(|_| args.qr) {
        let _ = print_code(&mut io::stdout().lock(), &best);
    }
    if let Some(first) = addresses.first().map(url_of).filter(|_| args.open)
        && let Err(error) = open::that_detached(&first)
    {
        let _ = writeln!(io::stderr(), "basehttp: cannot open a browser: {error}; open {first} yourself");
    }
}

fn print(out: &mut impl Write, settings: &Settings, urls: &[String]) -> io::Result<()> {
    let path = settings.files.path();
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // A folder's name may contain control characters, and this goes to a terminal.
    let shown = path.display().to_string().replace(char::is_control, "?");
    writeln!(out, "Serving {} at", plain(&shown))?;
    for url in urls {
        writeln!(out, "{url}")?;
    }
    writeln!(out, "Press Ctrl-C to stop")?;
    out.flush()
}

/// A path without the prefix `\\?\` that Windows gives to a resolved one, where other programs take it without.
fn plain(path: &str) -> &str {
    let rest = path.strip_prefix(r"\\?\").filter(|rest| rest.get(1..3) == Some(r":\"));
    rest.filter(|_| cfg!(windows)).unwrap_or(path)
}

fn warnings(settings: &Settings, is_tls: bool, is_open: bool) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if is_open && settings.upload.is_some() && settings.auth.is_none() {
        warnings.push("anyone who can reach this port can upload; --auth-file requires a password");
    }
    if settings.spa && !settings.files.metadata(Path::new("index.html")).is_ok_and(|page| page.is_file()) {
        warnings.push("there is no index.html, which --spa sends for unknown pages");
    }
    if is_open && settings.auth.is_some() && !is_tls {
        warnings.push("passwords and files are sent unencrypted; --tls-cert encrypts them");
    }
    warnings
}

/// The colors are inverted: most terminals write light on dark, so the characters drawn are the light modules.
fn print_code(out: &mut impl Write, url: &str) -> io::Result<()> {
    let Ok(code) = QrCode::new(url) else { return Ok(()) };
    let image = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    writeln!(out, "{image}\n{url}")?;
    out.flush()
}
