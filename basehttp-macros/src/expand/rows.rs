//! The dispatch table.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Error;

use super::cfg::{cfgs, predicates, unless_any};
use super::family::family_row;
use super::outcome::{answer, return_span};
use super::spans::spanned;
use crate::args::Args;
use crate::messages;
use crate::model::{Function, Handler};

/// The table, in the order of the source. `do_GET` also answers HEAD, unless another function does.
pub(super) fn rows(handler: &Handler, args: &Args) -> Vec<TokenStream> {
    let mut rows = Vec::new();
    for function in handler.functions() {
        let Some(method) = function.method() else { continue };
        let cfgs = cfgs(&function.attrs);
        let row = row(method, function, args);
        rows.push(quote!(#(#cfgs)* #row));
        if method == "GET" && args.head {
            rows.extend(head_row(function, handler, args));
        }
    }
    for level in args.family.levels() {
        rows.extend(level.methods.iter().filter_map(|method| family_row(level, method, handler, args)));
    }
    rows
}

fn row(method: &str, function: &Function, args: &Args) -> TokenStream {
    let krate = &args.krate;
    let ident = &function.sig.ident;
    let name = ident.to_string();
    // The compiler reports a wrong return type there.
    let (first, last) = return_span(function);
    let handler = Ident::new("__handler", last);
    let answer = answer(&spanned(quote!(Self::#ident(#handler)), first, last), function, krate);
    let deprecated = function.allows_deprecated();
    quote! {
        #deprecated
        #krate::__private::Method::new(
            #method,
            #name,
            |#handler: &mut Self| #answer,
        )
    }
}

/// The row for HEAD of a function for GET: it exists if the function does and no function answers HEAD.
fn head_row(get: &Function, handler: &Handler, args: &Args) -> Option<TokenStream> {
    let others = handler.functions().filter(|function| function.method() == Some("HEAD"));
    let no_other = unless_any(others.map(|function| &*function.attrs))?;
    let own = cfgs(&get.attrs);
    let row = row("HEAD", get, args);
    Some(quote!(#(#own)* #no_other #row))
}

/// Errors for two functions for one method, under the `#[cfg]`s of both: only the compiler knows whether they are opposite. Without
/// `#[cfg]`s, `check` has reported them.
pub(super) fn clashes(handler: &Handler) -> TokenStream {
    let mut seen: Vec<(&str, &Function)> = Vec::new();
    let mut clashes = TokenStream::new();
    for function in handler.functions() {
        let Some(method) = function.method() else { continue };
        for (_, first) in seen.iter().filter(|(name, _)| *name == method) {
            let both: Vec<_> = [first, function].iter().flat_map(|one| predicates(&one.attrs)).collect();
            let message = messages::method_twice(method, &first.sig.ident);
            let error = Error::new_spanned(&function.sig.ident, message).to_compile_error();
            clashes.extend(quote!(#[cfg(all(#(#both),*))] #error));
        }
        seen.push((method, function));
    }
    clashes
}
