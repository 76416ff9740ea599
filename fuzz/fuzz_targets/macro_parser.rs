//! The attributes `#[http_handler]` and `#[http_routes]`, outside a compiler. The first line of the input has the arguments, the
//! rest is the block.
//!
//! 1. It never panics, whatever the tokens are.
//! 2. From a block that syn accepts, it makes a file that syn accepts.
//! 3. The file contains all functions of the block, also when mistakes are reported.
#![no_main]

/// In a module with the folder's path, each file finds its own modules.
#[path = "../../basehttp-macros/src"]
mod macros {
    pub(crate) mod args;
    pub(crate) mod bodies;
    pub(crate) mod cfg_attr;
    pub(crate) mod check;
    pub(crate) mod expand;
    pub(crate) mod fallback;
    pub(crate) mod family;
    pub(crate) mod items;
    pub(crate) mod lifetimes;
    pub(crate) mod messages;
    pub(crate) mod misplaced;
    pub(crate) mod model;
    pub(crate) mod override_types;
    pub(crate) mod parameters;
    pub(crate) mod pattern;
    pub(crate) mod pipeline;
    pub(crate) mod report;
    pub(crate) mod route;
    pub(crate) mod spelling;
}

// They name each other through `crate`.
use macros::{
    args, bodies, cfg_attr, check, expand, fallback, family, items, lifetimes, messages, misplaced, model,
    override_types, parameters, pattern, pipeline, report, route, spelling,
};

use libfuzzer_sys::fuzz_target;
use proc_macro2::TokenStream;
use syn::visit::Visit;

fuzz_target!(|text: &str| check_text(text));

/// The compiler refuses deeper nesting, and syn is recursive.
const DEEPEST: usize = 60;

fn check_text(text: &str) {
    let (arguments, block) = text.split_once('\n').unwrap_or(("", text));
    if depth(text) > DEEPEST {
        return;
    }
    let (Ok(arguments), Ok(block)) = (arguments.parse::<TokenStream>(), block.parse::<TokenStream>()) else {
        return;
    };
    check_expansion(&pipeline::run(arguments.clone(), block.clone()), block.clone());
    check_expansion(&pipeline::run_routes(arguments, block.clone()), block.clone());
    pipeline::stray_route(&block);
}

fn check_expansion(expansion: &TokenStream, block: TokenStream) {
    let Ok(block) = syn::parse2::<syn::ItemImpl>(block) else { return };
    // `impl Trait + {}` is a block for `syn`, but an error for the compiler, whatever it expands to.
    if !matches!(*block.self_ty, syn::Type::Path(_)) {
        return;
    }
    let file = match syn::parse2::<syn::File>(expansion.clone()) {
        Ok(file) => file,
        Err(error) => panic!("not a file: {error}\n{expansion}"),
    };
    let mut functions = Functions::default();
    functions.visit_file(&file);
    for item in &block.items {
        if let syn::ImplItem::Fn(function) = item {
            let name = function.sig.ident.to_string();
            // Of two functions with one name the first stays. It need not have a body, and is then not a function for `syn`.
            let stands = || expansion.to_string().contains(&format!("fn {name} "));
            assert!(functions.0.contains(&name) || stands(), "{name} is lost\n{expansion}");
        }
    }
}

/// An upper bound of the nesting: every kind of bracket, and prefix operators.
fn depth(text: &str) -> usize {
    let opening = text.matches(['(', '[', '{', '<']).count();
    let prefixes = text.matches(['&', '*', '-', '!', '|', '?', '=', '.']).count();
    opening.max(prefixes / 4)
}

#[derive(Default)]
struct Functions(Vec<String>);

impl<'a> Visit<'a> for Functions {
    fn visit_signature(&mut self, signature: &'a syn::Signature) {
        self.0.push(signature.ident.to_string());
        syn::visit::visit_signature(self, signature);
    }
}
