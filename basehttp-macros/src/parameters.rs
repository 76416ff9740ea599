//! Maps the arguments of a function to parts of a request: segments of the path, keys of the query, the body.

use proc_macro2::Ident;
use syn::ext::IdentExt as _;
use syn::{FnArg, Pat, Signature, Type};

use crate::pattern::{Pattern, Segment};
use crate::route::Route;

/// The part of a request that an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// The segment of this number.
    Segment(usize),
    /// All segments from this one on.
    Rest(usize),
    /// The values of this key of the query.
    Query(&'a str),
    Body,
}

/// An argument of a function.
pub(crate) struct Argument<'a> {
    /// `None` for a pattern that is not a name.
    pub(crate) name: Option<&'a Ident>,
    pub(crate) pattern: &'a Pat,
    pub(crate) arg: &'a FnArg,
    pub(crate) ty: &'a Type,
    /// `None` if the pattern has nothing for it.
    pub(crate) source: Option<Source<'a>>,
}

/// The arguments after `self`, with their sources.
pub(crate) fn arguments<'a>(sig: &'a Signature, route: &'a Route) -> Vec<Argument<'a>> {
    let mut has_body = route.is_for_get();
    let typed = sig.inputs.iter().filter_map(|arg| match arg {
        FnArg::Typed(typed) => Some((arg, typed)),
        FnArg::Receiver(_) => None,
    });
    let argument = |(arg, typed): (&'a FnArg, &'a syn::PatType)| {
        let name = match &*typed.pat {
            Pat::Ident(pattern) if pattern.subpat.is_none() => Some(&pattern.ident),
            _ => None,
        };
        let mut source = name.and_then(|name| source(&route.pattern, &name.unraw().to_string()));
        if source.is_none() && !has_body {
            has_body = true;
            source = Some(Source::Body);
        }
        Argument { name, pattern: &typed.pat, arg, ty: &typed.ty, source }
    };
    typed.map(argument).collect()
}

/// The parameter of this name. A leading underscore marks an unused argument.
fn source<'a>(pattern: &'a Pattern, name: &str) -> Option<Source<'a>> {
    let of = |name: &str| {
        let segments = pattern.segments.iter().enumerate();
        let in_path = segments.filter(|(_, segment)| segment.name() == Some(name)).map(|(index, segment)| {
            if matches!(segment, Segment::Rest(_)) { Source::Rest(index) } else { Source::Segment(index) }
        });
        let in_query = pattern.query.iter().filter(|key| key.name == name).map(|key| Source::Query(&key.key));
        in_path.chain(in_query).next()
    };
    of(name).or_else(|| of(name.strip_prefix('_')?))
}

/// The parameters of the pattern without an argument.
pub(crate) fn untaken<'a>(sig: &Signature, route: &'a Route) -> Vec<&'a str> {
    let names: Vec<String> = sig.inputs.iter().filter_map(name_of).collect();
    let is_taken = |parameter: &&str| {
        names.iter().any(|name| name == parameter || name.strip_prefix('_') == Some(parameter))
    };
    route.pattern.names().filter(|name| !is_taken(name)).collect()
}

fn name_of(arg: &FnArg) -> Option<String> {
    match arg {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(pattern) => Some(pattern.ident.unraw().to_string()),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}
