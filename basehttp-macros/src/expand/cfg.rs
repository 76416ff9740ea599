//! The `#[cfg]`s of the block's items in the expansion.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::Attribute;

/// The `#[cfg]` for code that exists only if none of the items with these attributes does. `None` if one of them always exists.
pub(super) fn unless_any<'a>(items: impl Iterator<Item = &'a [Attribute]>) -> Option<TokenStream> {
    let mut others = Vec::new();
    for attrs in items {
        let predicates = predicates(attrs);
        if predicates.is_empty() {
            return None;
        }
        others.push(quote!(all(#(#predicates),*)));
    }
    Some(if others.is_empty() { TokenStream::new() } else { quote!(#[cfg(not(any(#(#others),*)))]) })
}

pub(super) fn cfgs(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
}

pub(super) fn predicates(attrs: &[Attribute]) -> Vec<TokenStream> {
    cfgs(attrs)
        .iter()
        .filter_map(|attr| attr.meta.require_list().ok())
        .map(|list| match list.tokens.clone().into_iter().collect::<Vec<_>>().split_last() {
            Some((TokenTree::Punct(comma), predicate)) if comma.as_char() == ',' => {
                predicate.iter().cloned().collect()
            }
            _ => list.tokens.clone(),
        })
        .collect()
}
