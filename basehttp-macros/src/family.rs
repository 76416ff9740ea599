//! The handlers of the runtime crate. Each extends the one before and adds overrides, class variables and methods.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// A handler of the runtime crate, with the ones that it extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Base,
    Files,
    Cgi,
}

/// What a handler adds to the one that it extends.
pub(crate) struct Level {
    pub(crate) family: Family,
    /// The type of the field with the base, which has the functions of the level.
    pub(crate) base: &'static str,
    /// The trait with the overrides.
    pub(crate) handler: &'static str,
    /// The function of the trait, and of the structs that extend `base`, that returns the `base`.
    pub(crate) accessor: &'static str,
    pub(crate) overrides: &'static [Override],
    pub(crate) variables: &'static [Variable],
    /// The feature of the runtime crate that it needs, and whether that is enabled.
    pub(crate) feature: Option<(&'static str, bool)>,
    /// The HTTP methods that it answers.
    pub(crate) methods: &'static [&'static str],
    /// The methods of the level before that it overrides, unless the block does.
    pub(crate) own: &'static [&'static str],
}

/// A method of a handler's trait that a block can override.
pub(crate) struct Override {
    pub(crate) name: &'static str,
    pub(crate) mutable: bool,
    pub(crate) arguments: usize,
    pub(crate) signature: &'static str,
}

/// A constant of a handler's trait, a class variable in Python.
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// A string that the runtime crate checks with the `check_` function of its name.
    Text,
    Responses,
    Timeout,
    Names,
    Pairs,
}

/// The associated type of a handler's trait that a block can set.
pub(crate) const MESSAGE_CLASS: &str = "MessageClass";

impl Family {
    /// The handler whose struct has this name.
    pub(crate) fn named(base: &Ident) -> Option<Self> {
        LEVELS.iter().find(|level| base == level.base).map(|level| level.family)
    }

    /// The feature that it needs, if that is disabled.
    pub(crate) fn missing_feature(self) -> Option<&'static str> {
        self.level().feature.and_then(|(name, is_on)| (!is_on).then_some(name))
    }

    /// The handler whose trait has this name.
    pub(crate) fn of_trait(handler: &Ident) -> Option<Self> {
        LEVELS.iter().find(|level| handler == level.handler).map(|level| level.family)
    }

    /// The names of the handlers that a block can extend.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        LEVELS.iter().filter(|level| level.family != Self::Base).map(|level| level.base)
    }

    /// The trait with a method of this name.
    pub(crate) fn trait_with(method: &str) -> &'static str {
        let has_it = |level: &&&Level| level.overrides.iter().any(|overridden| overridden.name == method);
        LEVELS.iter().find(has_it).map_or(BASE.handler, |level| level.handler)
    }

    /// The handlers that it extends and itself, the base first.
    pub(crate) fn levels(self) -> impl Iterator<Item = &'static Level> {
        LEVELS.into_iter().filter(move |level| level.family <= self)
    }

    pub(crate) fn level(self) -> &'static Level {
        match self {
            Self::Base => &BASE,
            Self::Files => &FILES,
            Self::Cgi => &CGI,
        }
    }

    pub(crate) fn overrides(self) -> impl Iterator<Item = &'static Override> {
        self.levels().flat_map(|level| level.overrides)
    }

    pub(crate) fn variables(self) -> impl Iterator<Item = &'static Variable> {
        self.levels().flat_map(|level| level.variables)
    }

    pub(crate) fn overridden(self, name: &Ident) -> Option<&'static Override> {
        self.overrides().find(|overridden| name == overridden.name)
    }

    pub(crate) fn variable(self, name: &Ident) -> Option<&'static Variable> {
        self.variables().find(|variable| name == variable.name)
    }
}

impl Level {
    pub(crate) fn has_override(&self, name: &Ident) -> bool {
        self.overrides.iter().any(|overridden| name == overridden.name)
    }

    pub(crate) fn has_variable(&self, name: &Ident) -> bool {
        self.variables.iter().any(|variable| name == variable.name)
    }

    /// The struct with the handler's `MessageClass`.
    pub(crate) fn base_type(&self, krate: &TokenStream) -> TokenStream {
        let base = format_ident!("{}", self.base);
        quote!(#krate::#base<<Self as #krate::RequestHandler>::MessageClass>)
    }
}

impl Variable {
    pub(crate) fn ty(&self) -> TokenStream {
        match self.kind {
            Kind::Text => quote!(&'static str),
            Kind::Responses => quote!(&'static [(u16, &'static str, &'static str)]),
            Kind::Timeout => quote!(::core::option::Option<::core::time::Duration>),
            Kind::Names => quote!(&'static [&'static str]),
            Kind::Pairs => quote!(&'static [(&'static str, &'static str)]),
        }
    }
}

const fn text(name: &'static str) -> Variable {
    Variable { name, kind: Kind::Text }
}

const fn shared(name: &'static str, arguments: usize, signature: &'static str) -> Override {
    Override { name, mutable: false, arguments, signature }
}

const fn exclusive(name: &'static str, arguments: usize, signature: &'static str) -> Override {
    Override { name, mutable: true, arguments, signature }
}

const LEVELS: [&Level; 3] = [&BASE, &FILES, &CGI];

const BASE: Level = Level {
    family: Family::Base,
    base: "BaseHTTPRequestHandler",
    handler: "RequestHandler",
    accessor: "__base",
    overrides: &[
        exclusive("setup", 0, "fn setup(&mut self) -> io::Result<()>"),
        exclusive("finish", 0, "fn finish(&mut self) -> io::Result<()>"),
        exclusive("handle", 0, "fn handle(&mut self) -> io::Result<()>"),
        exclusive("handle_one_request", 0, "fn handle_one_request(&mut self) -> io::Result<()>"),
        exclusive("parse_request", 0, "fn parse_request(&mut self) -> io::Result<bool>"),
        exclusive("handle_expect_100", 0, "fn handle_expect_100(&mut self) -> io::Result<bool>"),
        shared("send_error", 1, "fn send_error(&self, code: impl ResponseCode) -> io::Result<()>"),
        shared("send_response", 1, "fn send_response(&self, code: impl ResponseCode)"),
        shared("send_response_only", 1, "fn send_response_only(&self, code: impl ResponseCode)"),
        shared("send_header", 2, "fn send_header(&self, keyword: &str, value: impl Display)"),
        shared("end_headers", 0, "fn end_headers(&self) -> io::Result<()>"),
        shared("flush_headers", 0, "fn flush_headers(&self) -> io::Result<()>"),
        shared("log_request", 2, "fn log_request(&self, code: Option<HTTPStatus>, size: Option<u64>)"),
        shared("log_error", 1, "fn log_error(&self, message: fmt::Arguments<'_>)"),
        shared("log_message", 1, "fn log_message(&self, message: fmt::Arguments<'_>)"),
        shared("version_string", 0, "fn version_string(&self) -> Cow<'_, str>"),
        shared(
            "date_time_string",
            1,
            "fn date_time_string(&self, timestamp: Option<SystemTime>) -> HttpDate",
        ),
        shared("log_date_time_string", 0, "fn log_date_time_string(&self) -> String"),
        shared("address_string", 0, "fn address_string(&self) -> Cow<'_, str>"),
    ],
    variables: &[
        text("server_version"),
        text("sys_version"),
        text("protocol_version"),
        text("default_request_version"),
        text("error_message_format"),
        text("error_content_type"),
        Variable { name: "responses", kind: Kind::Responses },
        Variable { name: "timeout", kind: Kind::Timeout },
    ],
    feature: None,
    methods: &[],
    own: &[],
};

const FILES: Level = Level {
    family: Family::Files,
    base: "SimpleHTTPRequestHandler",
    handler: "FileRequestHandler",
    accessor: "__files",
    overrides: &[
        shared("directory", 0, "fn directory(&self) -> &Directory"),
        exclusive("send_head", 0, "fn send_head(&mut self) -> io::Result<Option<Content>>"),
        exclusive(
            "list_directory",
            1,
            "fn list_directory(&mut self, path: &Path) -> io::Result<Option<Content>>",
        ),
        shared("translate_path", 1, "fn translate_path(&self, path: &str) -> Option<PathBuf>"),
        shared("guess_type", 1, "fn guess_type(&self, path: &Path) -> Cow<'static, str>"),
        shared("copyfile", 1, "fn copyfile(&self, source: Content) -> io::Result<()>"),
    ],
    variables: &[
        Variable { name: "index_pages", kind: Kind::Names },
        Variable { name: "extensions_map", kind: Kind::Pairs },
    ],
    feature: Some(("files", cfg!(feature = "files"))),
    methods: &["GET", "HEAD"],
    own: &["server_version"],
};

const CGI: Level = Level {
    family: Family::Cgi,
    base: "CGIHTTPRequestHandler",
    handler: "CGIRequestHandler",
    accessor: "__cgi",
    overrides: &[
        shared("is_cgi", 0, "fn is_cgi(&self) -> Option<(String, String)>"),
        shared("is_executable", 1, "fn is_executable(&self, path: &Path) -> bool"),
        shared("is_python", 1, "fn is_python(&self, path: &Path) -> bool"),
        shared("cgi_variables", 0, "fn cgi_variables(&self) -> Vec<(OsString, OsString)>"),
        exclusive("run_cgi", 0, "fn run_cgi(&mut self) -> io::Result<()>"),
    ],
    variables: &[Variable { name: "cgi_directories", kind: Kind::Names }],
    feature: Some(("cgi", cfg!(feature = "cgi"))),
    methods: &["POST"],
    own: &["send_head"],
};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use quote::ToTokens;
    use syn::Signature;

    use super::*;

    /// Compares the tables above with the traits. A package of this crate alone has no traits to compare with.
    #[test]
    fn tables_are_those_of_the_traits() {
        let folder = format!("{}/../basehttp", env!("CARGO_MANIFEST_DIR"));
        if !Path::new(&folder).exists() {
            return;
        }
        for (level, file) in [(&BASE, "handler"), (&FILES, "files"), (&CGI, "cgi")] {
            let text = fs::read_to_string(format!("{folder}/src/{file}/mod.rs")).expect("the trait's file");
            let (_, text) =
                text.split_once(&format!("pub trait {}", level.handler)).expect("the trait is in this file");
            let (text, _) = text.split_once("\n}\n").expect("it ends");
            let lines = || {
                text.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.contains(" __"))
            };
            let methods: Vec<&str> = lines()
                .filter(|line| line.starts_with("fn "))
                .map(|line| line.trim_end_matches(" {"))
                .collect();
            let signatures: Vec<&str> =
                level.overrides.iter().map(|overridden| overridden.signature).collect();
            assert_eq!(signatures, methods);
            for overridden in level.overrides {
                let sig: Signature = syn::parse_str(overridden.signature).expect("a signature");
                let receiver = sig.receiver().expect("a method").to_token_stream().to_string();
                assert_eq!(sig.ident, overridden.name);
                assert_eq!(sig.inputs.len() - 1, overridden.arguments, "{}", overridden.name);
                assert_eq!(receiver.contains("mut"), overridden.mutable, "{}", overridden.name);
            }
            let constants = lines()
                .filter_map(|line| line.strip_prefix("const "))
                .filter_map(|line| line.split(':').next());
            assert!(level.variables.iter().map(|variable| variable.name).eq(constants));
        }
    }
}
