//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use clap_complete::Shell;

/// Serves the files of a folder over HTTP.
#[derive(Parser, Debug)]
#[command(name = "basehttp", version, after_help = EXAMPLES, max_term_width = 80)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Args {
    /// The port to listen at; 0 for any that is free
    #[arg(default_value_t = 8000)]
    pub(crate) port: u16,
    /// Listen at this address only [default: all, IPv4 and IPv6]
    #[arg(short, long, value_name = "ADDRESS")]
    pub(crate) bind: Option<String>,
    /// The folder to serve
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub(crate) directory: PathBuf,
    /// HTTP/1.0 or HTTP/1.1
    #[arg(short, long, value_name = "VERSION", default_value = "HTTP/1.1", value_parser = ["HTTP/1.0", "HTTP/1.1"], hide_possible_values = true)]
    pub(crate) protocol: String,
    /// Run the scripts in /cgi-bin and /htbin
    #[arg(long)]
    pub(crate) cgi: bool,
    /// Speak HTTPS, with this certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's key, if it is not in the same file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Not supported: a key with a password is refused
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) tls_password_file: Option<PathBuf>,
    /// Open the page in a browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Print the address as a QR code
    #[arg(long)]
    pub(crate) qr: bool,
    /// Let pages of other sites read the files
    #[arg(long)]
    pub(crate) cors: bool,
    /// Answer unknown pages with /index.html
    #[arg(long)]
    pub(crate) spa: bool,
    #[arg(long, value_name = "USER:PASS", help = "Ask for a user and a password; or set BASEHTTP_AUTH")]
    pub(crate) auth: Option<String>,
    /// Take uploads into the folders that are listed
    #[arg(long)]
    pub(crate) upload: bool,
    /// The most bytes of an upload: 500K, 2G
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = size)]
    pub(crate) upload_limit: u64,
    /// Let uploads replace files that are there
    #[arg(long, requires = "upload")]
    pub(crate) overwrite: bool,
    /// Add a field to every reply
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
    /// The type of files whose type is not known
    #[arg(long, value_name = "TYPE", value_parser = field_value)]
    pub(crate) content_type: Option<String>,
    /// Do not list folders
    #[arg(long)]
    pub(crate) no_listing: bool,
    /// Serve files whose names begin with a dot
    #[arg(long)]
    pub(crate) dotfiles: bool,
    /// common, combined, json or none
    #[arg(long, value_name = "FORMAT", default_value = "common", hide_possible_values = true)]
    pub(crate) log: Format,
    /// Print what a shell needs to complete the options
    #[arg(long, value_name = "SHELL", hide = true)]
    pub(crate) completions: Option<Shell>,
    /// Print the manual page
    #[arg(long, hide = true)]
    pub(crate) man: bool,
}

/// How requests are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Common,
    Combined,
    Json,
    None,
}

const EXAMPLES: &str = "\
Examples:
  basehttp                              this folder, at port 8000
  basehttp 8080 -b 127.0.0.1 -d site    another one, for this machine only
  basehttp --upload --auth me:secret    takes files from who knows the password
  basehttp --tls-cert cert.pem          HTTPS";

/// Bytes, or with K, M or G a thousand and twenty-four times as many, and so on.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a number of bytes, or one with K, M or G: 500K, 2G".to_owned();
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (text.get(..at), 1 << 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 1 << 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 1 << 30),
        _ => (Some(text), 1),
    };
    let number: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// A field as it stands in a reply. The fields that frame it, and those that say where it ends, are the server's.
fn header(text: &str) -> Result<(String, String), String> {
    const RESERVED: [&str; 5] = ["connection", "content-length", "date", "server", "transfer-encoding"];
    let (name, value) = text.split_once(':').ok_or("write 'Name: value', with a colon")?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} cannot be the name of a field"));
    }
    if RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(format!("{name} is for the server to say"));
    }
    Ok((name.to_owned(), field_value(value.trim())?))
}

fn field_value(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err("use letters, digits and signs of ASCII".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn sizes_and_fields() {
        assert_eq!(["1", "500K", "2g", "1M"].map(|text| size(text).unwrap()), [1, 512_000, 2 << 30, 1 << 20]);
        assert!(["", "K", "0", "-1", "1.5G", "99999999999G", "1T"].iter().all(|text| size(text).is_err()));
        assert_eq!(header("X-A: b c"), Ok(("X-A".to_owned(), "b c".to_owned())));
        for wrong in ["X", ": a", "A b: c", "A: b\r\nC: d", "Content-Length: 5", "X: \u{e4}"] {
            assert!(header(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_help_fits_a_screen() {
        Args::command().debug_assert();
        let help = Args::command().render_help().to_string();
        assert!(help.lines().count() <= 45 && help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }
}
