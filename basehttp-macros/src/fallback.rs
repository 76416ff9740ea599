//! The expansion of a block with mistakes: all that is sound, so that the mistakes are the only errors.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse_quote;

use crate::args::{Args, RoutesArgs};
use crate::check::{self, Flaws};
use crate::expand;
use crate::lifetimes;
use crate::model::{Function, Handler, Item, Role};
use crate::override_types;

/// Expands the block with its mistakes repaired, as far as the rest of the user's program can tell.
pub(crate) fn expand(mut handler: Handler, mut args: Args, flaws: &Flaws) -> TokenStream {
    let original = handler.clone();
    repair(&mut handler, flaws, &args.krate);
    args.variables.retain(|setting| !handler.variables().any(|(constant, _)| constant.ident == setting.name));

    if handler.borrows().is_some() {
        own(&mut handler);
    }

    let Some((path, _)) = handler.trait_.take() else { return expand::expand(&handler, &args) };
    if check::handler_trait(&path).is_some() {
        return expand::expand(&handler, &args);
    }
    let block = expand::plain(&original);
    if !original.functions().any(|function| function.method().is_some()) {
        return block;
    }
    handler.items.clear();
    let traits = expand::traits(&handler, &args);
    quote!(#block #traits)
}

/// Does the same for a block of further routes.
pub(crate) fn expand_routes(mut block: Handler, mut args: RoutesArgs, flaws: &Flaws) -> TokenStream {
    let is_guard = |item: &Item| matches!(item, Item::Function(function) if args.guard.as_ref() == Some(&function.sig.ident));
    if block.items.iter().enumerate().any(|(index, item)| is_guard(item) && flaws.unsound.contains(&index)) {
        args.guard = None;
    }
    repair(&mut block, flaws, &args.krate);
    if block.borrows().is_some() {
        own(&mut block);
    }
    block.trait_ = None;
    expand::expand_routes(&block, &args)
}

/// Removes what cannot stay, and makes helpers of functions that cannot be called.
fn repair(handler: &mut Handler, flaws: &Flaws, krate: &TokenStream) {
    let mut index = 0;
    handler.items.retain_mut(|item| {
        if let Item::Function(function) = item {
            if flaws.unsound.contains(&index) {
                demote(function);
            } else if let Role::Override(overridden) = function.role {
                override_types::mend(function, overridden, krate);
            }
        }
        index += 1;
        !flaws.unwanted.contains(&(index - 1))
    });
}

/// Removes what the compiler would report about the lifetimes of a handler that borrows: `'_` where a bound needs a name, and a constant
/// of type `&str` that no longer means `&'static str`.
fn own(handler: &mut Handler) {
    let anonymous = handler.self_ty.to_token_stream();
    // `Hello<'_>` as `Hello<'__borrowed>`.
    let named = lifetimes::rename(anonymous.clone(), &|name| (name == "_").then_some("__borrowed"));
    if named.to_string() != anonymous.to_string() {
        handler.generics.params.insert(0, parse_quote!('__borrowed));
        handler.self_ty = parse_quote!(#named);
    }
    for item in &mut handler.items {
        if let Item::Const(constant) = item
            && let Some(variable) = constant.variable
        {
            let ty = variable.ty();
            constant.ty = parse_quote!(#ty);
        }
    }
}

/// Makes a function a helper that causes no warnings.
fn demote(function: &mut Function) {
    function.role = Role::Helper;
    function.routes.clear();
    function.attrs.insert(0, parse_quote!(#[allow(non_snake_case, dead_code)]));
}
