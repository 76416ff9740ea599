//! Gives generated tokens the user's spans, where the compiler then shows errors.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// The spans of the first and the last token.
pub(super) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let Some(first) = tokens.next() else { return (Span::call_site(), Span::call_site()) };
    (first.span(), tokens.last().unwrap_or(first).span())
}

/// Generated tokens with the user's spans: the compiler shows them from `first` to `last`.
pub(super) fn spanned(tokens: TokenStream, first: Span, last: Span) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let count = tokens.len();
    for (index, token) in tokens.iter_mut().enumerate() {
        let span = if index + 1 == count { last } else { first };
        if let TokenTree::Group(group) = token {
            let mut inside = Group::new(group.delimiter(), spanned(group.stream(), span, span));
            inside.set_span(span);
            *group = inside;
        } else {
            token.set_span(span);
        }
    }
    tokens.into_iter().collect()
}
