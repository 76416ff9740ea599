//! Writes the routes of a block as a tree, which the runtime walks along a path.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;

use super::call::call;
use super::cfg::predicates;
use super::spans::spanned;
use crate::check::routes::{conflict, over_both};
use crate::model::{Function, Handler};
use crate::pattern::Segment;
use crate::route::{Route, RouteAttribute};

/// A route of a block.
struct Entry<'a> {
    function: &'a Function,
    attribute: &'a RouteAttribute,
    route: &'a Route,
    /// The `#[cfg]`s under which it exists.
    predicates: Vec<TokenStream>,
}

fn entries(handler: &Handler) -> Vec<Entry<'_>> {
    let entries = handler.functions().flat_map(|function| {
        function.sound_routes().map(move |(attribute, route)| {
            let predicates = predicates(&function.attrs);
            Entry { function, attribute, route, predicates }
        })
    });
    entries.collect()
}

/// The tokens for the routes of a block: a value of type `Routes`, and the functions that it names, which belong in an `impl` block of the
/// handler.
pub(super) struct Written {
    /// An `allow` for the constant with the table: clippy takes a long table for an array on the stack.
    pub(super) lint: Option<TokenStream>,
    pub(super) table: TokenStream,
    pub(super) functions: TokenStream,
}

impl Written {
    pub(super) fn none(krate: &TokenStream) -> Self {
        Self { lint: None, table: quote!(#krate::__private::Routes::NONE), functions: TokenStream::new() }
    }
}

/// `None` if there are no routes. `block` distinguishes the functions of several blocks.
pub(super) fn written(
    handler: &Handler,
    block: &str,
    guard: Option<&Ident>,
    krate: &TokenStream,
) -> Option<Written> {
    let entries = entries(handler);
    if entries.is_empty() {
        return None;
    }
    let mut tree = Tree::default();
    let mut rows = TokenStream::new();
    let mut count: u16 = 0;
    for (number, entry) in (0_u16..).zip(&entries) {
        let pattern = entry.route.pattern.path();
        let function = entry.function.sig.ident.to_string();
        for method in &entry.route.methods {
            let name = &method.name;
            let row = quote!(#krate::__private::RouteRow {
                method: #name, pattern: #pattern, function: #function, call: #number
            });
            rows.extend(under(&entry.predicates, &row, &quote!(#krate::__private::RouteRow::ABSENT)));
            tree.insert(&entry.route.pattern.segments, count, &entry.predicates);
            count += 1;
        }
    }
    let names: Vec<Ident> = (0_u16..)
        .zip(&entries)
        .map(|(number, entry)| {
            let function = entry.function.sig.ident.unraw();
            // With a span of ours, no lint judges the name.
            format_ident!("__route_{block}_{number}_{function}", span = Span::call_site())
        })
        .collect();
    let functions = names.iter().zip(&entries).map(|(name, entry)| {
        let (deprecated, predicates) = (entry.function.allows_deprecated(), &entry.predicates);
        let call = call(name, entry.function, entry.route, guard, krate);
        quote!(#(#[cfg(#predicates)])* #deprecated #call)
    });
    let calls = names.iter().zip(&entries).map(|(name, entry)| {
        under(&entry.predicates, &quote!(Self::#name), &quote!(#krate::__private::absent))
    });
    let root = tree.tokens(krate);
    let table = quote! {
        #krate::__private::Routes {
            table: &#krate::__private::RouteTable { root: #root, rows: &[#rows] },
            calls: &[#(#calls)*],
        }
    };
    let lint = (count > FEW).then(|| quote!(#[allow(clippy::large_stack_arrays)]));
    Some(Written { lint, table, functions: functions.collect() })
}

/// Up to this number of rows, clippy does not warn.
const FEW: u16 = 100;

/// An element of an array, or `otherwise` where its `#[cfg]`s leave it out, so that the others keep their numbers.
fn under(predicates: &[TokenStream], element: &TokenStream, otherwise: &TokenStream) -> TokenStream {
    if predicates.is_empty() {
        return quote!(#element,);
    }
    quote!(#[cfg(all(#(#predicates),*))] #element, #[cfg(not(all(#(#predicates),*)))] #otherwise,)
}

/// A node of the tree.
#[derive(Default)]
struct Tree {
    /// In the order of their bytes, which the runtime's search needs.
    literals: BTreeMap<String, Self>,
    parameter: Option<Box<Self>>,
    rest: Vec<Leaf>,
    here: Vec<Leaf>,
}

struct Leaf {
    row: u16,
    predicates: Vec<TokenStream>,
}

impl Tree {
    fn insert(&mut self, segments: &[Segment], row: u16, predicates: &[TokenStream]) {
        let leaf = || Leaf { row, predicates: predicates.to_vec() };
        let Some((first, others)) = segments.split_first() else {
            self.here.push(leaf());
            return;
        };
        match first {
            Segment::Literal(text) => {
                let next = self.literals.entry(text.clone()).or_default();
                next.insert(others, row, predicates);
            }
            Segment::Parameter(_) => self.parameter.get_or_insert_default().insert(others, row, predicates),
            Segment::Rest(_) => self.rest.push(leaf()),
        }
    }

    /// The `#[cfg]` under which the node has a route.
    fn cfg(&self) -> TokenStream {
        let mut of_leaves = Vec::new();
        if !self.collect(&mut of_leaves) {
            return TokenStream::new();
        }
        quote!(#[cfg(any(#(#of_leaves),*))])
    }

    /// Returns `false` if the node always has a route.
    fn collect(&self, of_leaves: &mut Vec<TokenStream>) -> bool {
        let leaves = self.here.iter().chain(&self.rest);
        for Leaf { predicates, .. } in leaves {
            if predicates.is_empty() {
                return false;
            }
            of_leaves.push(quote!(all(#(#predicates),*)));
        }
        let mut nodes = self.literals.values().chain(self.parameter.as_deref());
        nodes.all(|node| node.collect(of_leaves))
    }

    fn tokens(&self, krate: &TokenStream) -> TokenStream {
        let literals = self.literals.iter().map(|(text, node)| {
            let (cfg, tokens) = (node.cfg(), node.tokens(krate));
            quote!(#cfg #krate::__private::Literal::new(#text, #tokens))
        });
        let literals = (!self.literals.is_empty()).then(|| quote!(literals: &[#(#literals),*],));
        let parameter = self.parameter.as_ref().map(|node| {
            let (cfg, tokens) = (node.cfg(), node.tokens(krate));
            quote!(#cfg parameter: ::core::option::Option::Some(&#tokens),)
        });
        let rest = leaves("rest", &self.rest);
        let here = leaves("here", &self.here);
        quote!(#krate::__private::Node { #literals #parameter #rest #here ..#krate::__private::Node::EMPTY })
    }
}

fn leaves(field: &str, leaves: &[Leaf]) -> Option<TokenStream> {
    let field = format_ident!("{field}");
    let rows = leaves.iter().map(|Leaf { row, predicates }| {
        let cfg = (!predicates.is_empty()).then(|| quote!(#[cfg(all(#(#predicates),*))]));
        quote!(#cfg #row)
    });
    (!leaves.is_empty()).then(|| quote!(#field: &[#(#rows),*],))
}

/// Errors for two routes for one method and the same paths, under the `#[cfg]`s of both: only the compiler knows whether they are opposite.
/// Without `#[cfg]`s, `check` has reported them.
pub(super) fn clashes(handler: &Handler) -> TokenStream {
    let mut seen: Vec<Entry<'_>> = Vec::new();
    let mut clashes = TokenStream::new();
    for entry in entries(handler) {
        for first in &seen {
            let both: Vec<_> = first.predicates.iter().chain(&entry.predicates).collect();
            let Some(message) = conflict(first.route, entry.route).filter(|_| !both.is_empty()) else {
                continue;
            };
            let error = over_both(first.attribute, entry.attribute, &message).to_compile_error();
            clashes.extend(quote!(#[cfg(all(#(#both),*))] #error));
        }
        seen.push(entry);
    }
    clashes
}

/// A constant for each route. Two routes for the same requests in different blocks define it twice, and the compiler shows both patterns.
pub(super) fn marks(handler: &Handler) -> TokenStream {
    let marks = entries(handler).into_iter().flat_map(|entry| {
        let marks = entry.route.methods.iter().map(|method| {
            let name = mark(&method.name, &entry.route.pattern.segments);
            let span = entry.route.literal.span();
            let name = Ident::new(&name, span);
            let mark = spanned(quote!(const #name: () = ();), span, span);
            let predicates = &entry.predicates;
            quote! {
                #(#[cfg(#predicates)])*
                #[doc(hidden)]
                #[allow(non_upper_case_globals, dead_code, clippy::pedantic)]
                #mark
            }
        });
        marks.collect::<Vec<_>>()
    });
    marks.collect()
}

/// An identifier for a method and the shape of a pattern. Each underscore starts an escape, so that the name is unique.
fn mark(method: &str, segments: &[Segment]) -> String {
    let escaped = |text: &str| {
        let escape = |c: char| {
            if c.is_ascii_alphanumeric() { c.to_string() } else { format!("_x{:x}_", u32::from(c)) }
        };
        text.chars().map(escape).collect::<String>()
    };
    let path = segments.iter().map(|segment| match segment {
        Segment::Literal(text) => format!("__{}", escaped(text)),
        Segment::Parameter(_) => "___P".to_owned(),
        Segment::Rest(_) => "___R".to_owned(),
    });
    format!("two_routes_answer_{}{}", escaped(method), path.collect::<String>())
}
