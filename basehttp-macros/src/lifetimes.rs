//! Lifetimes in tokens.

use std::mem;

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

/// Renames the lifetimes for which `rename` returns a name. Names have no apostrophe.
pub(crate) fn rename(tokens: TokenStream, rename: &impl Fn(&Ident) -> Option<&'static str>) -> TokenStream {
    let mut after_quote = false;
    let renamed = tokens.into_iter().map(|token| {
        let in_lifetime = mem::replace(&mut after_quote, false);
        match token {
            TokenTree::Ident(name) if in_lifetime => match rename(&name) {
                Some(other) => Ident::new(other, name.span()).into(),
                None => name.into(),
            },
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), self::rename(group.stream(), rename));
                inside.set_span(group.span());
                inside.into()
            }
            token => {
                after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
                token
            }
        }
    });
    renamed.collect()
}
