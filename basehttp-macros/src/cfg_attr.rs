//! `#[cfg_attr(x, ...)]` with a `cfg` or an attribute of ours in it. The compiler would expand it too late for the attribute, so it is
//! rewritten with `#[cfg]`s alone.

use std::iter;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

/// The attributes of an item as several lists, exactly one of which applies: one under `#[cfg(x)]` and one under its opposite for each
/// `cfg_attr` with an attribute of `ours`. Without such a `cfg_attr` there is one list.
pub(crate) fn branches(attrs: Vec<Attribute>, ours: &[&str]) -> Vec<Vec<Attribute>> {
    let attrs: Vec<Attribute> = attrs.into_iter().flat_map(|attr| split(attr, ours)).collect();
    let own =
        |attr: &Attribute| conditional(attr).filter(|(_, metas)| metas.iter().all(|meta| is_own(meta, ours)));
    let Some((predicate, _)) = attrs.iter().find_map(own) else { return vec![attrs] };
    let (condition, _) = positive(&predicate);
    let branch = |holds: bool| {
        let cfg: Attribute =
            if holds { parse_quote!(#[cfg(#condition)]) } else { parse_quote!(#[cfg(not(#condition))]) };
        let rest = attrs.iter().flat_map(|attr| {
            match own(attr).map(|(predicate, metas)| (positive(&predicate), metas)) {
                Some(((same, wanted), metas)) if same.to_string() == condition.to_string() => {
                    let metas = if wanted == holds { metas } else { Vec::new() };
                    metas.into_iter().map(|meta| parse_quote!(#[#meta])).collect()
                }
                _ => vec![attr.clone()],
            }
        });
        iter::once(cfg).chain(rest).collect()
    };
    [branch(true), branch(false)].into_iter().flat_map(|attrs| branches(attrs, ours)).collect()
}

/// Splits a `cfg_attr` with a `cfg` or one of `ours` in it into several attributes.
fn split(attr: Attribute, ours: &[&str]) -> Vec<Attribute> {
    let Some((predicate, metas)) = conditional(&attr) else { return vec![attr] };
    let mut pairs = Vec::new();
    flatten(&predicate, metas, &mut pairs);
    if !pairs.iter().any(|(_, meta)| meta.path().is_ident("cfg") || is_own(meta, ours)) {
        return vec![attr];
    }
    let single = |(predicate, meta): (TokenStream, Meta)| match &meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let other = &list.tokens;
            parse_quote!(#[cfg(any(not(#predicate), #other))])
        }
        _ => parse_quote!(#[cfg_attr(#predicate, #meta)]),
    };
    pairs.into_iter().map(single).collect()
}

/// Collects the attributes in a `cfg_attr`, also in a nested one, with their conditions.
fn flatten(predicate: &TokenStream, metas: Vec<Meta>, pairs: &mut Vec<(TokenStream, Meta)>) {
    for meta in metas {
        let inner = match &meta {
            Meta::List(list) if list.path.is_ident("cfg_attr") => first_and_rest(list.tokens.clone()),
            _ => None,
        };
        match inner {
            Some((inner, metas)) => flatten(&quote!(all(#predicate, #inner)), metas, pairs),
            None => pairs.push((predicate.clone(), meta)),
        }
    }
}

/// The condition of a `cfg_attr`, and its attributes.
fn conditional(attr: &Attribute) -> Option<(TokenStream, Vec<Meta>)> {
    let list = attr.meta.require_list().ok().filter(|list| list.path.is_ident("cfg_attr"))?;
    first_and_rest(list.tokens.clone())
}

fn first_and_rest(tokens: TokenStream) -> Option<(TokenStream, Vec<Meta>)> {
    let mut metas = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens).ok()?.into_iter();
    let predicate = metas.next()?.to_token_stream();
    Some((predicate, metas.collect()))
}

fn is_own(meta: &Meta, ours: &[&str]) -> bool {
    // `basehttp::route` too.
    let last = meta.path().segments.last();
    ours.iter().any(|name| {
        meta.path().is_ident(name) || *name == "route" && last.is_some_and(|last| last.ident == "route")
    })
}

/// `x` and `false` for `not(x)`, so that both count as one condition.
fn positive(predicate: &TokenStream) -> (TokenStream, bool) {
    match syn::parse2::<Meta>(predicate.clone()) {
        Ok(Meta::List(list)) if list.path.is_ident("not") => {
            let (condition, wanted) = positive(&list.tokens);
            (condition, !wanted)
        }
        _ => (predicate.clone(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(attrs: &TokenStream) -> Vec<String> {
        let attrs = Attribute::parse_outer.parse2(attrs.clone()).expect("attributes");
        let text = |attrs: &Vec<Attribute>| quote!(#(#attrs)*).to_string();
        branches(attrs, &["method"]).iter().map(text).collect()
    }

    #[track_caller]
    fn are(attrs: &TokenStream, branches: &[TokenStream]) {
        let branches: Vec<String> = branches.iter().map(ToString::to_string).collect();
        assert_eq!(all(attrs), branches);
    }

    #[test]
    fn what_is_not_ours_stays() {
        for attrs in [
            quote!(),
            quote!(#[cfg(x)] #[method("A")]),
            quote!(#[cfg_attr(x, deprecated, doc = "y")]),
            quote!(#[cfg_attr(x, cfg_attr(y, deprecated))]),
            quote!(#[cfg_attr]),
        ] {
            are(&attrs, std::slice::from_ref(&attrs));
        }
    }

    #[test]
    fn a_conditional_cfg_is_a_cfg() {
        are(&quote!(#[cfg_attr(x, cfg(y))]), &[quote!(#[cfg(any(not(x), y))])]);
        are(
            &quote!(#[cfg_attr(x, deprecated, cfg_attr(y, cfg(z)))]),
            &[quote!(#[cfg_attr(x, deprecated)] #[cfg(any(not(all(x, y)), z))])],
        );
    }

    #[test]
    fn an_attribute_of_ours_makes_two_branches() {
        are(
            &quote!(#[inline] #[cfg_attr(x, method("A"), deprecated)]),
            &[
                quote!(#[cfg(x)] #[inline] #[method("A")] #[cfg_attr(x, deprecated)]),
                quote!(#[cfg(not(x))] #[inline] #[cfg_attr(x, deprecated)]),
            ],
        );
        are(
            &quote!(#[cfg_attr(x, method("A"))] #[cfg_attr(not(x), method("B"))]),
            &[quote!(#[cfg(x)] #[method("A")]), quote!(#[cfg(not(x))] #[method("B")])],
        );
        assert_eq!(all(&quote!(#[cfg_attr(x, method("A"))] #[cfg_attr(y, method("B"))])).len(), 4);
    }
}
