//! Finds the mistakes of a block. It leaves to the compiler what the compiler reports as well.

mod extractors;
pub(crate) mod routes;

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Attribute, FnArg, GenericParam, LitStr, Path, Receiver, ReceiverKind, Safety, Type};

use crate::args::{Args, RoutesArgs};
use crate::family::{Family, MESSAGE_CLASS, Override};
use crate::messages;
use crate::misplaced;
use crate::model::{Alias, Const, Function, Handler, Item, Role};
use crate::override_types;
use crate::report::Report;
use crate::spelling::{self, Name};

/// The items of a block that cannot stay as they are, by index.
#[derive(Default)]
pub(crate) struct Flaws {
    /// Valid as inherent functions, but not in the table or as overrides.
    pub(crate) unsound: BTreeSet<usize>,
    /// Not valid at all.
    pub(crate) unwanted: BTreeSet<usize>,
}

pub(crate) fn check(handler: &Handler, args: &Args, report: &mut Report) -> Flaws {
    let mut flaws = Flaws::default();
    check_header(handler, args, report);
    for (index, item) in handler.items.iter().enumerate() {
        let sound = match item {
            Item::Function(function) => {
                let told =
                    function.is_copy && index.checked_sub(1).is_some_and(|one| flaws.unsound.contains(&one));
                let mut again = Report::new();
                let report = if told { &mut again } else { &mut *report };
                let sound = check_function(function, handler, args.family, report);
                again.finish();
                sound
            }
            Item::Const(constant) => check_const(constant, handler, args.family, report),
            Item::Alias(alias) => {
                let sound = check_alias(alias, report);
                if !sound {
                    flaws.unwanted.insert(index);
                }
                sound
            }
            Item::MacroCall(tokens) => {
                report.error(tokens, messages::MACRO_CALL);
                false
            }
            Item::Other(_) => true,
            Item::Broken(error) => {
                if let Some(error) = error {
                    report.push(error.clone());
                }
                false
            }
        };
        if !sound {
            flaws.unsound.insert(index);
        }
    }
    check_repetitions(handler, report, &mut flaws);
    routes::check_conflicts(handler, report, &mut flaws.unsound);
    routes::check_names(handler, report, &mut flaws.unwanted);
    check_settings(handler, args, report);
    if flaws.unsound.is_empty()
        && handler.trait_.is_none()
        && !args.extends
        && args.routes.is_empty()
        && answers_nothing(handler)
    {
        report.error(&handler.self_ty, messages::NO_METHODS);
    } else if let Some(links) = &args.links
        && flaws.unsound.is_empty()
        && handler.trait_.is_none()
        && !has_routes(handler)
    {
        report.error(&links.name, messages::LINKS_WITHOUT_ROUTES);
    }
    flaws
}

/// Checks a block of further routes, in which the server calls only routes.
pub(crate) fn check_routes(block: &Handler, args: &RoutesArgs, report: &mut Report) -> Flaws {
    let mut flaws = Flaws::default();
    if let Some((path, _)) = &block.trait_ {
        report.error(path, messages::ROUTES_OF_A_TRAIT);
    }
    if let Some(lifetime) = block.borrows() {
        report.error(lifetime, messages::LIFETIME);
    }
    for (index, item) in block.items.iter().enumerate() {
        let sound = match item {
            Item::Function(function) if matches!(function.role, Role::Helper) => {
                let is_guard = args.guard.as_ref() == Some(&function.sig.ident);
                let guards = !is_guard || routes::check_guard(function, report);
                guards && check_helper(function, block, Family::Base, report)
            }
            Item::Function(function) if matches!(function.role, Role::Route) => {
                check_function(function, block, Family::Base, report)
            }
            Item::Function(function) => {
                let ident = &function.sig.ident;
                report.error(ident, messages::not_among_routes(&ident.to_string()));
                false
            }
            Item::Const(Const { ident, variable: Some(_), .. }) => {
                report.error(ident, messages::not_among_routes(&ident.to_string()));
                flaws.unwanted.insert(index);
                false
            }
            Item::Alias(alias) if alias.is_message_class() => {
                report.error(&alias.ident, messages::not_among_routes(MESSAGE_CLASS));
                false
            }
            Item::MacroCall(tokens) => {
                report.error(tokens, messages::ROUTES_MACRO_CALL);
                false
            }
            Item::Broken(error) => {
                if let Some(error) = error {
                    report.push(error.clone());
                }
                false
            }
            Item::Const(_) | Item::Alias(_) | Item::Other(_) => true,
        };
        if !sound {
            flaws.unsound.insert(index);
        }
    }
    routes::check_conflicts(block, report, &mut flaws.unsound);
    routes::check_names(block, report, &mut flaws.unwanted);
    if flaws.unsound.is_empty() && block.trait_.is_none() && !has_routes(block) {
        report.error(&block.self_ty, messages::NO_ROUTES);
    }
    flaws
}

fn check_header(handler: &Handler, args: &Args, report: &mut Report) {
    if let Some((path, _)) = &handler.trait_ {
        if means_handler(handler, path) {
            report.error(
                path,
                messages::trait_impl(handler.self_ty.to_token_stream(), handler_trait(path), args.extends),
            );
        } else {
            report.error(path, messages::OTHER_TRAIT_IMPL);
        }
    }
    if let Some(lifetime) = handler.borrows() {
        report.error(lifetime, messages::LIFETIME);
    }
}

/// Whether an `impl` of the trait `path` was meant as a handler.
fn means_handler(handler: &Handler, path: &Path) -> bool {
    handler_trait(path).is_some() || handler.functions().any(|function| function.method().is_some())
}

/// The handler of the runtime crate that the trait belongs to, if any.
pub(crate) fn handler_trait(path: &Path) -> Option<Family> {
    path.segments.last().and_then(|segment| Family::of_trait(&segment.ident))
}

fn has_routes(block: &Handler) -> bool {
    block.functions().any(|function| matches!(function.role, Role::Route))
}

fn answers_nothing(handler: &Handler) -> bool {
    !handler.functions().any(|function| {
        function.method().is_some()
            || matches!(function.role, Role::Route)
            || ["handle", "handle_one_request", "parse_request"].iter().any(|name| function.is_override(name))
    })
}

/// Whether the function is valid for its role.
fn check_function(function: &Function, handler: &Handler, family: Family, report: &mut Report) -> bool {
    match &function.role {
        Role::Method(name) => {
            let named = check_name(function, name, family, report);
            let callable = check_signature(function, handler, report);
            named && callable
        }
        Role::Route => {
            let sound = routes::check(function, family, report);
            check_signature(function, handler, report) && sound
        }
        Role::Override(overridden) => check_override(function, overridden, report),
        Role::Helper => check_helper(function, handler, family, report),
    }
}

fn check_name(function: &Function, name: &str, family: Family, report: &mut Report) -> bool {
    let ident = &function.sig.ident;
    let Some((attr, others)) = function.named.split_first() else {
        if spelling::is_token(name) {
            return true;
        }
        report.error(ident, messages::not_a_token(name));
        return false;
    };
    for other in others {
        report.error(other, messages::METHOD_ATTRIBUTE_TWICE);
    }
    if family.overridden(ident).is_some() {
        report.error(ident, messages::override_as_method(ident));
        return false;
    }
    check_method_attribute(attr, report) && others.is_empty()
}

fn check_method_attribute(attr: &Attribute, report: &mut Report) -> bool {
    let Ok(literal) = attr.parse_args::<LitStr>() else {
        report.error(attr, messages::METHOD_FORM);
        return false;
    };
    let name = literal.value();
    if name.is_empty() {
        report.error(literal, messages::METHOD_EMPTY);
    } else if !spelling::is_token(&name) {
        report.error(literal, messages::not_a_token(&name));
    } else if let Some(meant) = spelling::miscased_method(&name) {
        report.error(literal, messages::miscased_method(&name, meant));
    } else {
        return true;
    }
    false
}

fn check_signature(function: &Function, handler: &Handler, report: &mut Report) -> bool {
    let sig = &function.sig;
    let ident = &sig.ident;
    let mut sound = true;
    let mut refuse = |tokens: TokenStream, message: String| {
        report.error(tokens, message);
        sound = false;
    };
    if let Some(token) = sig.asyncness {
        refuse(token.to_token_stream(), messages::async_function(ident));
    }
    if let Safety::Unsafe(token) = sig.safety {
        refuse(token.to_token_stream(), messages::unsafe_function(ident));
    }
    if let Some(abi) = &sig.abi {
        refuse(abi.to_token_stream(), messages::foreign_function(ident));
    }
    if sig.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_))) {
        refuse(sig.generics.to_token_stream(), messages::generic_function(ident));
    }
    let is_route = matches!(function.role, Role::Route);
    for input in sig.inputs.iter().filter(|_| is_route) {
        if let FnArg::Typed(typed) = input
            && matches!(&*typed.ty, Type::ImplTrait(_))
        {
            refuse(typed.ty.to_token_stream(), messages::generic_function(ident));
        }
    }
    match sig.receiver() {
        None if is_route => refuse(ident.to_token_stream(), messages::route_receiver(ident)),
        None => refuse(ident.to_token_stream(), messages::no_receiver(ident)),
        Some(receiver) => {
            if !borrows(receiver, &handler.self_ty) {
                refuse(receiver.to_token_stream(), messages::owned_receiver(ident));
            }
            if sig.inputs.len() > 1 && !is_route {
                let extra = sig.inputs.iter().skip(1);
                refuse(quote!(#(#extra),*), messages::extra_arguments(ident));
            }
        }
    }
    sound
}

/// `&self`, `&mut self`, and their long forms.
fn borrows(receiver: &Receiver, self_ty: &Type) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) => {
                let of = reference.elem.to_token_stream().to_string();
                of == "Self" || of == self_ty.to_token_stream().to_string()
            }
            _ => false,
        },
        _ => false,
    }
}

/// Checks the receiver and the number of arguments. The compiler compares the types with the trait, with clear errors.
fn check_override(function: &Function, overridden: &Override, report: &mut Report) -> bool {
    let sig = &function.sig;
    let receiver = sig.receiver().map(|receiver| &receiver.kind);
    let same_receiver = match receiver {
        Some(ReceiverKind::Reference(_, _, mutability)) => mutability.is_some() == overridden.mutable,
        Some(ReceiverKind::Typed(..)) => true,
        _ => false,
    };
    let arguments = sig.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))).count();
    if !same_receiver || arguments != overridden.arguments {
        let inputs = &sig.inputs;
        let tokens = if inputs.is_empty() { sig.ident.to_token_stream() } else { inputs.to_token_stream() };
        report.error(tokens, messages::wrong_override(overridden));
        return false;
    }
    if let Some(token) = sig.asyncness {
        report.error(token, messages::async_function(&sig.ident));
        return false;
    }
    override_types::check(function, overridden, report);
    true
}

fn check_helper(function: &Function, handler: &Handler, family: Family, report: &mut Report) -> bool {
    let ident = &function.sig.ident;
    let name = ident.unraw().to_string();
    let message = match spelling::function_name(&name) {
        Name::NearMiss(meant) => {
            let spelled = name
                .strip_prefix("do_")
                .filter(|rest| spelling::is_token(rest) && *rest == rest.to_uppercase());
            Some(messages::near_method(&name, meant, spelled))
        }
        Name::Unclear(rest) => Some(messages::unclear_method(&name, &rest)),
        Name::Path(method, path) => {
            let upper = path == path.to_uppercase();
            Some(messages::method_for_a_path(&name, method, &path, upper))
        }
        Name::Method(_) | Name::Helper => {
            let known = family.overrides().map(|overridden| overridden.name);
            let meant = spelling::near_override(&name, known, |known| has_form(function, known, family));
            let misspelled = meant.map(|meant| messages::misspelled_override(&name, meant));
            misspelled.or_else(|| misplaced::function(function, handler, family))
        }
    };
    if let Some(message) = &message {
        report.error(ident, message);
    }
    message.is_none()
}

/// Whether the function takes as many arguments as the override `known`.
fn has_form(function: &Function, known: &str, family: Family) -> bool {
    let Some(overridden) = family.overrides().find(|overridden| overridden.name == known) else {
        return false;
    };
    let sig = &function.sig;
    let receivers = sig.inputs.iter().filter(|input| matches!(input, FnArg::Receiver(_))).count();
    sig.inputs.len() - receivers == overridden.arguments
}

fn check_const(constant: &Const, handler: &Handler, family: Family, report: &mut Report) -> bool {
    let name = constant.ident.to_string();
    if constant.variable.is_some() {
        return true;
    }
    let known = family.variables().map(|variable| variable.name);
    // `const TIMEOUT` or `const PROTOCOL_VERSION: u8` is the user's own constant.
    let own = name == name.to_uppercase() && !(name.contains('_') && is_text(&constant.ty));
    let meant = spelling::nearest(&name, known).filter(|_| !own);
    let misspelled = meant.map(|meant| messages::misspelled_variable(&name, meant));
    let message = misspelled.or_else(|| misplaced::constant(constant, handler, family));
    if let Some(message) = &message {
        report.error(&constant.ident, message);
    }
    message.is_none()
}

fn is_text(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if reference.elem.to_token_stream().to_string() == "str")
}

fn check_alias(alias: &Alias, report: &mut Report) -> bool {
    let misspelled = spelling::nearest(&alias.ident.to_string(), [MESSAGE_CLASS]).is_some();
    if misspelled {
        report.error(&alias.ident, messages::misspelled_message_class(&alias.ident));
    }
    !misspelled
}

/// Reports two functions for one method. For those under `#[cfg]` the expansion lets the compiler decide.
fn check_repetitions(handler: &Handler, report: &mut Report, flaws: &mut Flaws) {
    let mut seen: Vec<(&str, &Ident)> = Vec::new();
    for (index, item) in handler.items.iter().enumerate() {
        let Item::Function(function) = item else { continue };
        let Some(method) = function.method() else { continue };
        if function.is_under_cfg() {
            continue;
        }
        let ident = &function.sig.ident;
        let same_function = seen.iter().any(|(_, first)| *first == ident);
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == method && !name.is_empty()) {
            report.error(ident, messages::method_twice(method, first));
            flaws.unsound.insert(index);
        } else if same_function {
            report.error(ident, messages::function_twice(ident));
        }
        if same_function {
            flaws.unwanted.insert(index);
        }
        seen.push((method, ident));
    }
}

fn check_settings(handler: &Handler, args: &Args, report: &mut Report) {
    for setting in &args.variables {
        if handler.variables().any(|(constant, _)| constant.ident == setting.name) {
            report.error(&setting.name, messages::variable_twice(&setting.name));
        }
    }
}
