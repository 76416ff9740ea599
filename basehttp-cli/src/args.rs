//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Parser, ValueEnum};
use clap_complete::Shell;

/// The parsed command line. The first options are those of `python -m http.server`, under the same names.
#[derive(Debug, Parser)]
#[command(
    name = "basehttp",
    version,
    about = "Serves the files of a folder over HTTP.",
    after_help = EXAMPLES,
    help_template = "{about}\n\n{usage-heading} basehttp [OPTIONS] [port]\n\n{all-args}{after-help}",
    disable_help_flag = true,
    disable_version_flag = true,
    max_term_width = 80
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Args {
    /// Port to listen on; 0 picks a free one
    #[arg(value_name = "port", default_value = "8000", value_parser = port)]
    pub(crate) port: u16,

    /// Address to bind; repeatable [default: all]
    #[arg(short, long, value_name = "ADDRESS")]
    pub(crate) bind: Vec<String>,

    /// Folder to serve
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub(crate) directory: PathBuf,

    /// HTTP/1.0 or HTTP/1.1
    #[arg(short, long, value_name = "VERSION", default_value = "HTTP/1.1", hide_possible_values = true)]
    pub(crate) protocol: Protocol,

    /// Run the CGI scripts in cgi-bin and htbin
    #[arg(long)]
    pub(crate) cgi: bool,

    /// Largest chunked request body [default: 128M]
    #[arg(long, value_name = "SIZE", requires = "cgi", value_parser = size, default_value = "128M",
          hide_default_value = true)]
    pub(crate) chunked_limit: u64,

    /// Serve HTTPS with this certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Private key, if not in the same file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Not supported: keys must be unencrypted
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_password_file: Option<PathBuf>,

    /// Content type for files of unknown type
    #[arg(long, value_name = "TYPE", value_parser = content_type)]
    pub(crate) content_type: Option<String>,

    /// Set a field in all responses; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,

    #[arg(
        long,
        help = "Require a password; or set BASEHTTP_AUTH",
        value_name = "USER:PASS",
        conflicts_with = "auth_file"
    )]
    pub(crate) auth: Option<String>,

    /// Read passwords from a file, one pair per line
    #[arg(long, value_name = "FILE")]
    pub(crate) auth_file: Option<PathBuf>,

    /// Accept uploads into the served folders
    #[arg(long)]
    pub(crate) upload: bool,

    /// Largest upload [default: 1G]
    #[arg(long, value_name = "SIZE", requires = "upload", value_parser = size, default_value = "1G",
          hide_default_value = true)]
    pub(crate) upload_limit: u64,

    /// Let uploads replace existing files
    #[arg(long, requires = "upload")]
    pub(crate) overwrite: bool,

    /// Accept requests for this host; repeatable
    #[arg(long = "allow-host", value_name = "NAME")]
    pub(crate) allowed_hosts: Vec<String>,

    /// Let pages of other sites read the files
    #[arg(long)]
    pub(crate) cors: bool,

    /// Send index.html for unknown pages
    #[arg(long)]
    pub(crate) spa: bool,

    /// Do not list folders
    #[arg(long)]
    pub(crate) no_listing: bool,

    /// Also serve names that begin with a dot
    #[arg(long)]
    pub(crate) dotfiles: bool,

    /// Follow links that lead out of the folder
    #[arg(long)]
    pub(crate) follow_links: bool,

    /// Log as python, common, combined, json or none
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "python",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) log: LogForm,

    /// Open the page in a browser
    #[arg(long)]
    pub(crate) open: bool,

    /// Show the address as a QR code
    #[arg(long)]
    pub(crate) qr: bool,

    /// Print this help
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,

    /// Print completions for a shell
    #[arg(long, value_name = "SHELL", hide = true)]
    pub(crate) completions: Option<Shell>,

    /// Print the manual page
    #[arg(long, hide = true)]
    pub(crate) man: bool,
}

/// The HTTP version of the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    #[value(name = "HTTP/1.0")]
    Http10,
    #[value(name = "HTTP/1.1")]
    Http11,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    Python,
    Common,
    Combined,
    Json,
    None,
}

const EXAMPLES: &str = "\
Examples:
  basehttp                           the current folder, on port 8000
  basehttp 0 -b 127.0.0.1 --open     this machine only, opened in the browser
  basehttp --upload --auth-file pw   uploads from users who know a password
  basehttp -d dist --spa -H 'Cache-Control: no-store'";

/// Parses `Name: value`, a field that a response may have (RFC 9110 section 5).
fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    let value = value.trim_matches([' ', '\t']);
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} is not a valid field name"));
    }
    if !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
        return Err(format!("the value of {name} may contain only printable ASCII"));
    }
    // These frame the response, which the server does.
    let framing = ["Connection", "Content-Length", "Trailer", "Transfer-Encoding", "Upgrade"];
    if framing.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err(format!("the server sets {name} itself"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535".to_owned())
}

fn content_type(text: &str) -> Result<String, String> {
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match text.split_once('/') {
        Some((kind, rest)) if printable && !kind.is_empty() && !rest.is_empty() && !kind.contains(' ') => {
            Ok(text.to_owned())
        }
        _ => Err("write it as type/subtype, such as text/plain".to_owned()),
    }
}

/// Parses `512`, `64K`, `10M`, `2G`; the units are powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write it as a number of bytes, or with K, M, G or T, such as 500M".to_owned();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_help_fits_a_screen() {
        let help = Args::command().render_help().to_string();
        let lines: Vec<_> = help.lines().collect();
        assert!((24..=40).contains(&lines.len()), "{} lines:\n{help}", lines.len());
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.contains("Examples:"), "{help}");
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("0", 0), ("512", 512), ("64K", 65536), ("1g", 1 << 30), ("2MiB", 2 << 20)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "-1", "+1", "1.5M", "M", "1X", "99999999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers() {
        assert_eq!(header("X-A:  b c "), Ok(("X-A".into(), "b c".into())));
        assert_eq!(header("X-A:"), Ok(("X-A".into(), String::new())));
        for text in [
            "X-A",
            ": a",
            "X A: b",
            "X-A: a\r\nX-B: c",
            "X-A: \u{e9}",
            "content-length: 1",
            "Connection: close",
        ] {
            assert!(header(text).is_err(), "{text}");
        }
    }
}
