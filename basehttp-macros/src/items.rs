//! Reads the items of a block: all complete ones, even if another is incomplete because it is being typed. Without the sound methods an
//! editor would know none, and the compiler would report each as missing.
//!
//! The compiler has parsed the block before and has already reported what is not Rust.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative as _;
use syn::{Attribute, Error, LitStr, Token, Visibility, token};

use crate::cfg_attr;

/// Reads all items of a block, each with `parse`. A broken item becomes an error, or `None` if the compiler has reported it. An item with
/// an attribute of `ours` under a condition is read several times: `parse` gets each list of attributes, and whether it is a repetition.
pub(crate) fn read<T>(
    input: ParseStream<'_>,
    ours: &[&str],
    parse: impl Fn(Vec<Attribute>, bool, ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<Vec<Result<T, Option<Error>>>> {
    let mut items = Vec::new();
    while !input.is_empty() {
        let whole = input.fork();
        match item(&whole, ours, &parse) {
            Ok(read) => {
                input.advance_to(&whole);
                items.extend(read.into_iter().map(Ok));
            }
            Err(error) => {
                let is_told = skip(input)?;
                items.push(Err((!is_told).then_some(error)));
            }
        }
    }
    Ok(items)
}

fn item<T>(
    input: ParseStream<'_>,
    ours: &[&str],
    parse: &impl Fn(Vec<Attribute>, bool, ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<Vec<T>> {
    let attrs = input.call(Attribute::parse_outer)?;
    let mut items = Vec::new();
    let mut end = input.fork();
    for attrs in cfg_attr::branches(attrs, ours) {
        let ahead = input.fork();
        items.push(parse(attrs, !items.is_empty(), &ahead)?);
        end = ahead;
    }
    input.advance_to(&end);
    Ok(items)
}

/// The tokens of any other item, up to a semicolon or through a block: one that only the compiler judges, or a macro call.
pub(crate) fn other_item(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let vis: Visibility = input.parse()?;
    if !begins_known(input) {
        return Err(input.error("expected an item"));
    }
    let mut tokens = vis.to_token_stream();
    tokens.extend([input.parse::<TokenTree>()?]);
    loop {
        if begins_item(input) {
            return Err(input.error("expected the end of an item"));
        }
        let semicolon = input.peek(Token![;]);
        let block = input.peek(token::Brace);
        tokens.extend([input.parse::<TokenTree>()?]);
        if semicolon || block && !input.peek(Token![;]) {
            return Ok(tokens);
        }
    }
}

/// Whether the compiler reads an item here, even one that does not belong in an `impl` block, or a macro call.
fn begins_known(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let is_macro = ahead.call(syn::Path::parse_mod_style).is_ok() && ahead.peek(Token![!]);
    let keywords =
        ["const", "type", "static", "struct", "enum", "mod", "use", "trait", "impl", "extern", "macro"];
    let keyword = input.fork().call(Ident::parse_any);
    is_macro || keyword.is_ok_and(|keyword| keywords.iter().any(|known| keyword == known))
}

/// Whether an item certainly starts here, so that the tokens before it were incomplete.
pub(crate) fn begins_item(input: ParseStream<'_>) -> bool {
    input.peek(Token![#]) && input.peek2(token::Bracket)
        || input.peek(Token![pub])
        || input.peek(Token![fn]) && input.peek2(Ident::peek_any)
        || input.peek(Token![const]) && input.peek2(syn::Ident) && input.peek3(Token![:])
        || input.peek(Token![type]) && input.peek2(syn::Ident)
        || input.peek(Token![extern]) && input.peek2(LitStr)
        || (input.peek(Token![async]) || input.peek(Token![unsafe]) || input.peek(Token![const]))
            && input.peek2(Token![fn])
}

/// Skips to the next item. Returns whether the compiler cannot have accepted this one: tokens with all parts of an item may be newer Rust.
fn skip(input: ParseStream<'_>) -> syn::Result<bool> {
    while input.peek(Token![#]) && input.peek2(token::Bracket) {
        input.parse::<TokenTree>()?;
        input.parse::<TokenTree>()?;
    }
    let vis = input.fork().parse::<Visibility>().is_ok_and(|vis| !matches!(vis, Visibility::Inherited));
    if vis {
        input.parse::<Visibility>()?;
    }
    let mut tokens: Vec<TokenTree> = Vec::new();
    while !input.is_empty() {
        let ends = if tokens.is_empty() {
            vis && input.peek(Token![#])
        } else {
            begins_item(input) && !tokens.iter().all(is_qualifier)
        };
        if ends {
            break;
        }
        let semicolon = input.peek(Token![;]);
        let block = input.peek(token::Brace);
        tokens.push(input.parse()?);
        if semicolon || block && !input.peek(Token![;]) && !input.peek(Token![else]) {
            break;
        }
    }
    let may_begin = tokens.first().is_some_and(|first| {
        let newer = ["default", "gen", "safe", "auto", "union"];
        is_qualifier(first) || matches!(first, TokenTree::Ident(name) if name == "fn" || newer.iter().any(|known| name == known))
    });
    let may_end = match tokens.split_last() {
        Some((TokenTree::Group(group), _)) => group.delimiter() == Delimiter::Brace,
        Some((TokenTree::Punct(punct), _)) => punct.as_char() == ';',
        // Such as `default` before `fn`.
        Some((last @ TokenTree::Ident(name), before)) => {
            name != "fn" && !is_qualifier(last) && before.iter().all(is_qualifier)
        }
        _ => false,
    };
    Ok(!(may_begin && may_end))
}

/// What can precede `fn`.
fn is_qualifier(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(name) => ["const", "async", "unsafe", "extern"].iter().any(|known| name == known),
        token => matches!(token, TokenTree::Literal(_)),
    }
}

#[cfg(test)]
mod tests;
