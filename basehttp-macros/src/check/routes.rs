//! Finds the mistakes of routes.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{Error, FnArg, GenericArgument, Ident, PathArguments, ReceiverKind, Type};

use super::extractors;
use crate::family::Family;
use crate::messages;
use crate::model::{Function, Handler, Item, Role};
use crate::parameters::{Argument, Source, arguments, untaken};
use crate::report::Report;
use crate::route::{Route, RouteAttribute};
use crate::spelling;

/// Whether the function can be called for its routes.
pub(super) fn check(function: &Function, family: Family, report: &mut Report) -> bool {
    let ident = &function.sig.ident;
    let name = ident.unraw().to_string();
    let mut refuse = |tokens: TokenStream, message: String| {
        report.error(tokens, message);
        false
    };
    if !function.named.is_empty() {
        let named = &function.named;
        return refuse(quote!(#(#named)*), messages::ROUTE_AND_METHOD.to_owned());
    }
    if family.overridden(ident).is_some() {
        return refuse(ident.to_token_stream(), messages::route_as_override(ident));
    }
    if let spelling::Name::Method(_) = spelling::function_name(&name) {
        return refuse(ident.to_token_stream(), messages::route_as_method(&name));
    }
    let mut sound = true;
    for input in &function.sig.inputs {
        let attrs = if let FnArg::Typed(typed) = input { &*typed.attrs } else { &[] };
        if let Some(cfg) = attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            report.error(cfg, messages::argument_under_cfg(ident));
            return false;
        }
    }
    for RouteAttribute { route, .. } in &function.routes {
        sound &= match route {
            // Without `self`, the first argument may be meant as the receiver.
            Ok(_) if function.sig.receiver().is_none() => true,
            // Other mistakes would only follow from arguments of another framework.
            Ok(route) => check_extractors(function, route, report) && check_route(function, route, report),
            Err(error) => {
                report.push(error.clone());
                false
            }
        };
    }
    sound
}

fn check_extractors(function: &Function, route: &Route, report: &mut Report) -> bool {
    let untaken = untaken(&function.sig, route);
    let mut sound = true;
    for argument in arguments(&function.sig, route) {
        if let Some(message) = extractors::message(&argument, route, &untaken) {
            report.error(argument.arg, message);
            sound = false;
        }
    }
    sound
}

fn check_route(function: &Function, route: &Route, report: &mut Report) -> bool {
    let sig = &function.sig;
    let arguments = arguments(sig, route);
    let untaken = untaken(sig, route);
    let mut sound = true;
    let mut refuse = |tokens: TokenStream, message: String| {
        report.error(tokens, message);
        sound = false;
    };
    let unmet: Vec<&Argument<'_>> = arguments
        .iter()
        .filter(|argument| argument.source.is_none_or(|source| source == Source::Body))
        .collect();
    // The pattern and the function may spell one name in two ways: that is one mistake, reported once.
    let mut told: Vec<String> = Vec::new();
    let nameless: Vec<_> = unmet.iter().filter(|argument| argument.name.is_none()).collect();
    if let (true, [parameter], [argument]) = (route.is_for_get(), &*untaken, &*nameless) {
        let (arg, ty) = (argument.arg.to_token_stream(), messages::type_as_written(argument.ty));
        refuse(arg, messages::argument_without_name(parameter, &ty));
        return false;
    }
    for parameter in untaken {
        let own = route.literal.value();
        if ![format!("{{{parameter}}}"), format!("{{{parameter}..}}")].iter().any(|it| own.contains(it)) {
            refuse(sig.ident.to_token_stream(), messages::prefix_without_argument(parameter, &sig.ident));
            continue;
        }
        let names: Vec<String> =
            unmet.iter().filter_map(|argument| argument.name).map(|name| name.unraw().to_string()).collect();
        let near = spelling::nearest(parameter, names.iter().map(String::as_str));
        let alone =
            (names.len() == 1 && unmet.len() == 1 && route.is_for_get()).then(|| names.first()).flatten();
        let near = near.or(alone.map(String::as_str));
        refuse(
            route.literal.to_token_stream(),
            messages::parameter_without_argument(parameter, &sig.ident, near),
        );
        told.extend(near.map(str::to_owned));
    }
    let body = arguments.iter().find(|argument| argument.source == Some(Source::Body));
    for argument in &arguments {
        let own_name = argument.name.map(|name| name.unraw().to_string());
        let name = own_name.clone().unwrap_or_else(|| "_".to_owned());
        if told.contains(&name) {
            continue;
        }
        match argument.source {
            None => {
                let pattern = route.literal.value();
                let message = match body {
                    Some(body) => {
                        let first = body.name.map(|name| name.unraw().to_string());
                        messages::two_bodies(own_name.as_deref(), first.as_deref(), &pattern)
                    }
                    None if is_body(argument.ty) => messages::body_of_get(own_name.as_deref()),
                    None => {
                        let near = spelling::nearest(&name, route.pattern.names());
                        messages::argument_without_parameter(&name, &pattern, near)
                    }
                };
                refuse(argument.arg.to_token_stream(), message);
            }
            Some(Source::Segment(_) | Source::Rest(_)) if is_option(argument.ty) => {
                refuse(argument.ty.to_token_stream(), messages::option_of_path(&name));
            }
            Some(Source::Segment(_) | Source::Rest(_) | Source::Query(_)) if is_static(argument.ty) => {
                refuse(argument.ty.to_token_stream(), messages::static_argument(&name));
            }
            Some(_) => {}
        }
    }
    if let (Some((limit, _)), None) = (&route.limit, body) {
        refuse(limit.to_token_stream(), messages::route_limit_without_body(&sig.ident));
    }
    sound
}

/// Whether the type can only be a body.
fn is_body(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Json" || segment.ident == "Form")
}

fn is_option(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Option")
}

/// `&'static str`, also in an `Option` or a `Vec`.
fn is_static(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => {
            reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
        }
        Type::Path(path) => path.path.segments.iter().any(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => arguments
                .args
                .iter()
                .any(|argument| matches!(argument, GenericArgument::Type(ty) if is_static(ty))),
            _ => false,
        }),
        _ => false,
    }
}

/// Reports two routes for one method and the same paths. For those under `#[cfg]` the expansion lets the compiler decide.
pub(super) fn check_conflicts(handler: &Handler, report: &mut Report, unsound: &mut BTreeSet<usize>) {
    let mut seen: Vec<(&RouteAttribute, &Route)> = Vec::new();
    for (index, item) in handler.items.iter().enumerate() {
        let Item::Function(function) = item else { continue };
        if function.is_under_cfg() {
            continue;
        }
        for attribute in &function.routes {
            let Ok(route) = &attribute.route else { continue };
            for (first, other) in &seen {
                let Some(message) = conflict(other, route) else { continue };
                report.push(over_both(first, attribute, &message));
                unsound.insert(index);
                break;
            }
            seen.push((attribute, route));
        }
    }
}

/// Reports two functions of one name, which would have links of one name. For those under `#[cfg]` the compiler decides.
pub(super) fn check_names(handler: &Handler, report: &mut Report, unwanted: &mut BTreeSet<usize>) {
    let mut seen: Vec<&Ident> = Vec::new();
    for (index, item) in handler.items.iter().enumerate() {
        let Item::Function(function @ Function { role: Role::Route, sig, .. }) = item else { continue };
        if function.is_under_cfg() {
            continue;
        }
        if seen.contains(&&sig.ident) {
            report.error(&sig.ident, messages::routes_function_twice(&sig.ident));
            unwanted.insert(index);
        }
        seen.push(&sig.ident);
    }
}

/// Whether the guard, if it is in the block, can be called.
pub(super) fn check_guard(function: &Function, report: &mut Report) -> bool {
    let sig = &function.sig;
    let borrows = matches!(
        sig.receiver().map(|receiver| &receiver.kind),
        Some(ReceiverKind::Reference(..) | ReceiverKind::Typed(..))
    );
    if borrows && sig.inputs.len() == 1 && sig.asyncness.is_none() {
        return true;
    }
    report.error(&sig.ident, messages::guard_form(&sig.ident));
    false
}

/// The error for two routes, if they match the same requests.
pub(crate) fn conflict(first: &Route, second: &Route) -> Option<String> {
    if !first.pattern.has_shape_of(&second.pattern) {
        return None;
    }
    let same = |method: &&str| second.methods.iter().any(|other| other.name == **method);
    let method = first.methods.iter().map(|method| &*method.name).find(same)?;
    let same_query = first.pattern.query == second.pattern.query;
    Some(messages::routes_clash(
        &first.title(method),
        &second.title(method),
        &first.pattern.example(),
        same_query,
    ))
}

/// One error for two places: the compiler shows the lines from one to the other.
pub(crate) fn over_both(first: &RouteAttribute, second: &RouteAttribute, message: &str) -> Error {
    let (first, second) = (&first.attr, &second.attr);
    Error::new_spanned(quote!(#first #second), message)
}
