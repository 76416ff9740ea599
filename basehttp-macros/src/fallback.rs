//! What is emitted for a block with mistakes: everything that is sound, so that the mistakes are the only errors.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

use crate::args::Args;
use crate::check::Flaws;
use crate::expand;
use crate::model::{Function, Handler, Item, Role};

/// The block with its mistakes repaired as far as the rest of the user's program can tell.
pub(crate) fn expand(mut handler: Handler, mut args: Args, flaws: &Flaws) -> TokenStream {
    let original = handler.clone();
    let mut index = 0;
    handler.items.retain_mut(|item| {
        if let Item::Function(function) = item
            && flaws.unsound.contains(&index)
        {
            demote(function);
        }
        index += 1;
        !flaws.unwanted.contains(&(index - 1))
    });
    args.variables.retain(|setting| !handler.variables().any(|(constant, _)| constant.ident == setting.name));

    let Some((path, _)) = handler.trait_.take() else { return expand::expand(&handler, &args) };
    if path.segments.last().is_some_and(|segment| segment.ident == "RequestHandler") {
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

/// Makes a function a helper that nothing complains about.
fn demote(function: &mut Function) {
    function.role = Role::Helper;
    function.attrs.insert(0, parse_quote!(#[allow(non_snake_case, dead_code)]));
}
