//! What all handlers share.

use basehttp::Directory;

use crate::args::Args;
use crate::auth::Auth;
use crate::failure::CommandError;
use crate::log::Log;
use crate::summary::Summary;

/// The settings of the command, its log and its counters.
pub(crate) struct Settings {
    pub(crate) files: Directory,
    pub(crate) cgi: bool,
    /// The maximum length of a script's input if that is not declared, in bytes.
    #[cfg(unix)]
    pub(crate) chunked_limit: u64,
    pub(crate) cors: bool,
    pub(crate) spa: bool,
    pub(crate) auth: Option<Auth>,
    pub(crate) upload: Option<UploadRules>,
    /// Fields of all responses, which replace the handler's.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) log: Log,
    pub(crate) summary: Summary,
}

/// Which uploads are accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadRules {
    /// The maximum length of a request's body, in bytes.
    pub(crate) limit: u64,
    /// Whether an existing file may be replaced.
    pub(crate) overwrite: bool,
}

impl Settings {
    pub(crate) fn new(args: &Args) -> Result<Self, CommandError> {
        if args.tls_password_file.is_some() {
            return Err(password(args));
        }
        if args.cgi && cfg!(not(unix)) {
            return Err(CommandError::usage(
                "--cgi works only on Unix: this system cannot run scripts as RFC 3875 requires",
            ));
        }
        let files = Directory::open(&args.directory).map_err(CommandError::of_system)?;
        let mut headers = args.headers.clone();
        // The type of an uploaded file follows from its name. A file must not become a page because it looks like one.
        if args.upload && !has(&headers, NO_SNIFFING.0) {
            headers.push((NO_SNIFFING.0.to_owned(), NO_SNIFFING.1.to_owned()));
        }
        let rules = UploadRules { limit: args.upload_limit, overwrite: args.overwrite };
        Ok(Self {
            files: files
                .listing(!args.no_listing)
                .dotfiles(args.dotfiles)
                .follow_links_outside(args.follow_links)
                // Otherwise an uploaded `x.gz` would be sent instead of `x`, and so replace it.
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

    /// Whether the settings contain a field of this name.
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
    // Never to the name of the key itself: openssl empties the file before it reads it.
    let key = shown(key);
    CommandError::usage(format!(
        "encrypted keys are not supported; write an unencrypted copy, and pass it to --tls-key:\n  \
         (umask 077; openssl pkey -in '{key}' -passin 'file:{}' -out '{key}.plain')",
        shown(args.tls_password_file.as_ref())
    ))
}
