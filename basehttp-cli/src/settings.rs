//! What all handlers share.

use basehttp::Directory;

use crate::args::Args;
use crate::auth::Auth;
use crate::failure::CommandError;
use crate::log::Log;
use crate::summary::Summary;

/// The settings of the command, and what is counted.
pub(crate) struct Settings {
    pub(crate) files: Directory,
    pub(crate) cgi: bool,
    /// Bytes that a script's input may have whose length is not declared.
    #[cfg(unix)]
    pub(crate) chunked_limit: u64,
    pub(crate) cors: bool,
    pub(crate) spa: bool,
    pub(crate) auth: Option<Auth>,
    pub(crate) upload: Option<UploadRules>,
    /// For all responses, in place of what the handler says.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) log: Log,
    pub(crate) summary: Summary,
}

/// What is taken from clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadRules {
    /// Bytes that the body of a request may have.
    pub(crate) limit: u64,
    /// Whether a file that is there already may be replaced.
    pub(crate) overwrite: bool,
}

impl Settings {
    pub(crate) fn new(args: &Args) -> Result<Self, CommandError> {
        if args.tls_password_file.is_some() {
            return Err(password(args));
        }
        if args.cgi && cfg!(not(unix)) {
            return Err(CommandError::usage(
                "--cgi is for unix: this system cannot run scripts as RFC 3875 asks",
            ));
        }
        let files = Directory::open(&args.directory).map_err(CommandError::of_system)?;
        let mut headers = args.headers.clone();
        // What strangers put there is what its name says, and no page because it looks like one.
        if args.upload && !has(&headers, NO_SNIFFING.0) {
            headers.push((NO_SNIFFING.0.to_owned(), NO_SNIFFING.1.to_owned()));
        }
        let rules = UploadRules { limit: args.upload_limit, overwrite: args.overwrite };
        Ok(Self {
            files: files
                .listing(!args.no_listing)
                .dotfiles(args.dotfiles)
                .follow_links_outside(args.follow_links)
                // What is sent in place of a file has replaced it.
                .precompressed(!args.upload || args.overwrite),
            cgi: args.cgi,
            #[cfg(unix)]
            chunked_limit: args.chunked_limit,
            cors: args.cors,
            spa: args.spa,
            auth: Auth::new(args.auth.as_deref(), args.auth_file.as_deref())?,
            upload: args.upload.then_some(rules),
            headers,
            content_type: args.content_type.clone(),
            log: Log::new(args.log).map_err(CommandError::of_system)?,
            summary: Summary::default(),
        })
    }

    /// Whether there is a field of this name for all responses.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        has(&self.headers, name)
    }
}

/// The field that keeps browsers from guessing the type of a file.
const NO_SNIFFING: (&str, &str) = ("X-Content-Type-Options", "nosniff");

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn password(args: &Args) -> CommandError {
    let key = args.tls_key.as_ref().or(args.tls_cert.as_ref());
    let shown =
        |path: Option<&std::path::PathBuf>| path.map_or("FILE".into(), |path| path.display().to_string());
    CommandError::usage(format!(
        "a key with a password is not read; write one without, and give that to --tls-key:\n  \
         openssl pkey -in '{}' -passin 'file:{}' -out key.pem && chmod 600 key.pem",
        shown(key),
        shown(args.tls_password_file.as_ref())
    ))
}
