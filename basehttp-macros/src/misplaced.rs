//! Names from Python's documentation that have no effect in this block, and what to write instead.
//!
//! Most of them could be helpers. A function or a constant that the block mentions or that other code can see is one; the author of any
//! other expects it to be called.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, Ident, ReturnType, Visibility};

use crate::family::{Family, MESSAGE_CLASS};
use crate::messages;
use crate::model::{Const, Function, Handler, Item};
use crate::spelling;

/// The advice for this function, unless it is a helper.
pub(crate) fn function(function: &Function, handler: &Handler, family: Family) -> Option<String> {
    let ident = &function.sig.ident;
    let name = ident.to_string();
    if let Some(known) = spelling::recased(&name, family.overrides().map(|overridden| overridden.name)) {
        // Python's other libraries spell like this: `logMessage`, `setUp`.
        let certain = name.contains(char::is_uppercase);
        if certain || is_idle(ident, &function.vis, handler) {
            return Some(messages::misspelled_override(&name, known));
        }
    }
    if let Some((_, place)) = OBJECTS.iter().find(|(known, _)| *known == name) {
        return Some(messages::misplaced(&name, place));
    }
    if function.sig.receiver().is_none() || !is_idle(ident, &function.vis, handler) {
        return None;
    }
    // Under the function's `#[cfg]` the block may extend another handler, by a `#[cfg_attr]` that is not seen here.
    let level = Family::Cgi.levels().find(|level| level.family > family && level.has_override(ident));
    if let Some(level) = level.filter(|_| !function.is_under_cfg()) {
        return Some(messages::misplaced(&name, &messages::place_in_family(level.base)));
    }
    if let Some((_, place)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
        return Some(messages::misplaced_or_helper(&name, place));
    }
    let method = spelling::handled_method(&name)?;
    let answered = handler.functions().any(|function| function.method() == Some(method));
    (!answered && could_answer(function)).then(|| messages::handled_method(&name, method))
}

/// The advice for this constant, unless the block uses it.
pub(crate) fn constant(constant: &Const, handler: &Handler, family: Family) -> Option<String> {
    let place = setting(&constant.ident, family)?;
    is_idle(&constant.ident, &constant.vis, handler).then(|| messages::misplaced(&constant.ident, &place))
}

/// The place for a class variable of Python's that handlers of `family` do not have.
pub(crate) fn setting(ident: &Ident, family: Family) -> Option<String> {
    if ident == MESSAGE_CLASS {
        return Some(messages::PLACE_OF_MESSAGE_CLASS.to_owned());
    }
    if let Some(level) = Family::Cgi.levels().find(|level| level.family > family && level.has_variable(ident))
    {
        return Some(messages::place_in_family(level.base));
    }
    if SETTINGS.iter().any(|known| ident == known) {
        return Some(messages::place_in_server(ident));
    }
    VARIABLES.iter().find(|(known, _)| ident == known).map(|(_, place)| (*place).to_owned())
}

/// Whether it is private and the block does not mention it.
fn is_idle(ident: &Ident, vis: &Visibility, handler: &Handler) -> bool {
    let is_private = matches!(vis, Visibility::Inherited);
    let mentioned = handler.items.iter().any(|item| match item {
        Item::Function(function) => mentions(function.body.to_token_stream(), ident),
        Item::Const(constant) => mentions(constant.value.clone(), ident),
        Item::MacroCall(tokens) | Item::Other(tokens) => mentions(tokens.clone(), ident),
        Item::Alias(_) | Item::Broken(_) => false,
    });
    is_private && !mentioned
}

fn mentions(tokens: TokenStream, ident: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => name == *ident,
        TokenTree::Group(group) => mentions(group.stream(), ident),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Whether it has the signature of a `do_*` method.
fn could_answer(function: &Function) -> bool {
    let sig = &function.sig;
    let outcome = match &sig.output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => mentions(ty.to_token_stream(), &quote::format_ident!("Result")),
    };
    outcome && matches!(sig.inputs.first(), Some(FnArg::Receiver(_))) && sig.inputs.len() == 1
}

/// Names that every Python class has, and no helper.
const OBJECTS: &[(&str, &str)] = &[
    ("__init__", CONSTRUCTOR),
    ("__new__", CONSTRUCTOR),
    (
        "__del__",
        "code for the end of a connection goes into `fn finish(&mut self) -> io::Result<()>` or into an `impl Drop`",
    ),
];

const CONSTRUCTOR: &str = "the closure given to the server makes the handler, `|base| Hello { base }`; code for the start of a connection goes \
    into `fn setup(&mut self) -> io::Result<()>`";

/// Methods of Python's servers.
const FUNCTIONS: &[(&str, &str)] = &[
    ("handle_error", "the server reports failures; write `HTTPServer::builder().handle_error(|error| ...)`"),
    (
        "verify_request",
        "the server accepts or refuses clients; write `HTTPServer::builder().verify_request(|client| ...)`",
    ),
    ("handle_timeout", "it belongs to the server; write `HTTPServer::builder().handle_timeout(|| ...)`"),
    ("process_request", EACH_REQUEST),
    ("process_request_thread", EACH_REQUEST),
    ("finish_request", EACH_REQUEST),
    ("get_request", EACH_REQUEST),
    ("shutdown_request", CLOSING),
    ("close_request", CLOSING),
    ("server_bind", LISTENING),
    ("server_activate", LISTENING),
    ("server_close", "dropping the server closes it"),
    ("service_actions", "the server has no such hook; do periodic work in a thread of your own"),
    ("serve_forever", SERVING),
    ("handle_request", SERVING),
];

const EACH_REQUEST: &str = "the server passes connections to handlers itself; code for every request goes into `fn handle_one_request(&mut \
    self) -> io::Result<()>`";

const CLOSING: &str = "the server closes the connection itself; code that runs before goes into `fn finish(&mut self) -> \
    io::Result<()>`";

const LISTENING: &str =
    "`HTTPServer::bind` does this; pass a socket with options of your own to `HTTPServer::from_listener`";

const SERVING: &str = "call it on the server: `HTTPServer::bind(address, |base| ...)?.serve_forever()`";

/// Class variables of Python's servers and stream handlers.
const VARIABLES: &[(&str, &str)] = &[
    ("daemon_threads", GRACE),
    ("block_on_close", GRACE),
    ("address_family", "the address decides; `HTTPServer::bind(\"[::1]:8000\", ...)` listens on IPv6"),
    ("disable_nagle_algorithm", "the server disables it for all connections; remove this"),
    (
        "wbufsize",
        "responses are always buffered; `HTTPServer::builder().response_buffer(...)` sets the size, and \
         `self.wfile.flush()` sends the buffer",
    ),
    ("rbufsize", "`rfile` is always buffered; remove this"),
    ("weekdayname", NAMES),
    ("monthname", NAMES),
];

const GRACE: &str =
    "`HTTPServer::builder().shutdown_grace(...)` sets how long handlers may run on at shutdown";

const NAMES: &str = "dates have English names; override `log_date_time_string` to change them";

/// Settings of the server's builder that have the name of a class variable of Python's, or could have it.
const SETTINGS: &[&str] = &[
    "request_queue_size",
    "allow_reuse_address",
    "allow_reuse_port",
    "idle_timeout",
    "handshake_timeout",
    "head_timeout",
    "read_timeout",
    "write_timeout",
    "body_timeout",
    "response_timeout",
    "queue_timeout",
    "max_connections",
    "max_threads",
    "max_requests_per_connection",
    "shutdown_grace",
    "allowed_hosts",
    "trusted_proxies",
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use quote::quote;

    use crate::pipeline;

    fn mistakes(item: &proc_macro2::TokenStream) -> usize {
        let block = quote!(impl Hello { fn do_GET(&self) {} #item });
        pipeline::run(quote!(), block).to_string().matches("compile_error").count()
    }

    /// The command has scripts only on unix.
    #[test]
    fn an_override_of_another_family_may_be_under_a_cfg() {
        let override_of_cgi = quote!(
            fn cgi_variables(&self) -> Vec<(OsString, OsString)> {
                Vec::new()
            }
        );
        assert_eq!(mistakes(&override_of_cgi), 1);
        assert_eq!(mistakes(&quote!(#[cfg(unix)] #override_of_cgi)), 0);
    }

    #[test]
    fn names_of_python_are_mistakes() {
        for item in [
            quote!(
                fn __init__(&mut self) {}
            ),
            quote!(
                fn __del__(self) {}
            ),
            quote!(
                fn logMessage(&self) {}
            ),
            quote!(
                fn setUp(&mut self) {}
            ),
            quote!(
                fn set_up(&mut self) {}
            ),
            quote!(
                fn handle_error(&self, request: &str) {}
            ),
            quote!(
                fn serve_forever(&self) {}
            ),
            quote!(
                fn translate_path(&self, path: &str) -> String {
                    path.to_owned()
                }
            ),
            quote!(
                fn handle_POST(&self) -> io::Result<()> {
                    Ok(())
                }
            ),
            quote!(
                fn handle_post(&mut self) {}
            ),
            quote!(
                const wbufsize: i32 = 0;
            ),
            quote!(
                const request_queue_size: u32 = 5;
            ),
            quote!(
                const cgi_directories: u8 = 5;
            ),
            quote!(
                const MessageClass: u8 = 5;
            ),
        ] {
            assert_eq!(mistakes(&item), 1, "{item}");
        }
    }

    #[test]
    fn helpers_are_none() {
        for item in [
            quote!(
                fn handle_error(&self) {}
                fn do_POST(&self) {
                    self.handle_error()
                }
            ),
            quote!(
                pub fn handle_error(&self) {}
            ),
            quote!(
                fn handle_error() {}
            ),
            quote!(
                fn handle_post(&self) {}
                fn do_POST(&self) {
                    (|| self.handle_post())()
                }
            ),
            quote!(
                fn handle_POST(&self) {}
                #[method("POST")]
                fn post(&self) {}
            ),
            quote!(
                fn handle_post(&self) -> u64 {
                    5
                }
            ),
            quote!(
                fn handle_post(&self, id: u64) {}
            ),
            quote!(
                fn handle_get(&self) {}
            ),
            quote!(
                fn get(&self) {}
            ),
            quote!(
                const wbufsize: i32 = 0;
                fn do_POST(&self) {
                    println!("{}", Self::wbufsize)
                }
            ),
            quote!(
                const REQUEST_QUEUE_SIZE: u32 = 5;
            ),
            quote!(
                pub const idle_timeout: u32 = 5;
            ),
        ] {
            assert_eq!(mistakes(&item), 0, "{item}");
        }
    }

    /// A package of this crate alone has no builder to compare with.
    #[test]
    fn settings_are_those_of_the_builder() {
        let folder = format!("{}/../basehttp", env!("CARGO_MANIFEST_DIR"));
        if !Path::new(&folder).exists() {
            return;
        }
        let text = fs::read_to_string(format!("{folder}/src/server/config.rs")).expect("the builder");
        let others = ["handle_error", "verify_request", "handle_timeout", "response_buffer"];
        for name in super::SETTINGS.iter().chain(&others) {
            let has_it = ["(", "<"].iter().any(|next| text.contains(&format!("pub fn {name}{next}")));
            assert!(has_it, "{name}");
        }
    }
}
