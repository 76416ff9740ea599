//! Overrides that take one type although their callers pass several. The compiler's error would name type parameters that the user's
//! signature does not have.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, Generics, Pat, Signature, Type, TypeParamBound, parse_quote};

use crate::family::Override;
use crate::messages;
use crate::model::Function;
use crate::report::Report;

/// Reports the arguments that take only one type. The function stays an override, and [`mend`] repairs it.
pub(crate) fn check(function: &Function, overridden: &Override, report: &mut Report) {
    for (index, bound) in generic_arguments(overridden) {
        if let Some((pattern, ty)) = concrete(&function.sig, index) {
            let name = match pattern {
                Pat::Ident(pattern) => pattern.ident.to_string(),
                _ => pattern.to_token_stream().to_string(),
            };
            report.error(ty, messages::override_of_one_type(&name, &bound));
        }
    }
}

/// Gives the function the signature that its callers need, and an empty body, because its own is written for other types.
pub(crate) fn mend(function: &mut Function, overridden: &Override, krate: &TokenStream) {
    for (index, bound) in generic_arguments(overridden) {
        if concrete(&function.sig, index).is_none() {
            continue;
        }
        let Some(FnArg::Typed(argument)) = function.sig.inputs.iter_mut().nth(index) else { continue };
        let bound =
            if bound == "Display" { quote!(::core::fmt::Display) } else { quote!(#krate::ResponseCode) };
        *argument.ty = parse_quote!(impl #bound);
        function.sig.generics = Generics::default();
        function.body = parse_quote!({ loop {} });
        function.attrs.insert(0, parse_quote!(#[allow(unused_variables, unused_mut, clippy::empty_loop)]));
    }
}

/// The positions of the generic arguments: `impl ResponseCode`, `impl Display`.
fn generic_arguments(overridden: &Override) -> Vec<(usize, String)> {
    let Ok(sig) = syn::parse_str::<Signature>(overridden.signature) else { return Vec::new() };
    let bound = |argument: &FnArg| match argument {
        FnArg::Typed(argument) => match &*argument.ty {
            Type::ImplTrait(ty) => ty.bounds.first().map(|bound| bound.to_token_stream().to_string()),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    };
    let arguments = sig.inputs.iter().enumerate();
    arguments.filter_map(|(index, argument)| Some((index, bound(argument)?))).collect()
}

/// The argument at this position, unless its type is an `impl Trait`, or a macro call, whose result is unknown here.
fn concrete(sig: &Signature, index: usize) -> Option<(&Pat, &Type)> {
    let Some(FnArg::Typed(argument)) = sig.inputs.iter().nth(index) else { return None };
    let is_trait = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Trait(_));
    match &*argument.ty {
        Type::ImplTrait(ty) if ty.bounds.iter().any(is_trait) => None,
        Type::Macro(_) | Type::Group(_) | Type::Verbatim(_) => None,
        ty => Some((&argument.pat, ty)),
    }
}
