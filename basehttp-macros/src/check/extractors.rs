//! Arguments as other frameworks write them: `Path(id): Path<u32>`, `State(state): State<Db>`.

use syn::ext::IdentExt as _;
use syn::{GenericArgument, Ident, Pat, PathArguments, Type};

use crate::messages;
use crate::parameters::{Argument, Source};
use crate::route::Route;

/// What to write instead of this argument, if it is one of those. `untaken` are the parameters without an argument.
pub(super) fn message(argument: &Argument<'_>, route: &Route, untaken: &[&str]) -> Option<String> {
    let is_foreign = match argument.source {
        None => true,
        // A type of the user's may have the name, and be read from the body.
        Some(Source::Body) => matches!(argument.pattern, Pat::TupleStruct(_)),
        Some(_) => false,
    };
    if !is_foreign {
        return None;
    }
    let (name, inner) = wrapper(argument.ty)?;
    let fields = fields(argument.pattern);
    match (&*name.to_string(), inner) {
        ("Path", Some(inner)) => {
            Some(messages::extractor_of_path(&arguments_of_path(&fields, inner, untaken)))
        }
        ("Query", Some(_)) => {
            let path = route.literal.value();
            let path = path.split('?').next().unwrap_or_default();
            let field = fields.first().map(|field| field.unraw().to_string());
            Some(messages::extractor_of_query(path, field.as_deref().unwrap_or("name")))
        }
        ("State" | "Extension" | "Data", Some(_)) => {
            let field = fields.first().copied().or(argument.name);
            let field = field.map_or_else(|| "state".to_owned(), Ident::to_string);
            Some(messages::extractor_of_state(&field))
        }
        ("HeaderMap", None) => Some(messages::EXTRACTOR_OF_HEADERS.to_owned()),
        _ => None,
    }
}

/// `Path<T>`, and the `T`.
fn wrapper(ty: &Type) -> Option<(&Ident, Option<&Type>)> {
    let ty = if let Type::Reference(reference) = ty { &reference.elem } else { ty };
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let inner = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(inner)) => Some(inner),
            _ => None,
        },
        _ => None,
    };
    Some((&last.ident, inner))
}

/// The names in `Path(id)` and `Path((id, name))`.
fn fields(pattern: &Pat) -> Vec<&Ident> {
    match pattern {
        Pat::Ident(pattern) => vec![&pattern.ident],
        Pat::TupleStruct(pattern) => pattern.elems.iter().flat_map(fields).collect(),
        Pat::Tuple(pattern) => pattern.elems.iter().flat_map(fields).collect(),
        _ => Vec::new(),
    }
}

/// `id: u32, name: String`
fn arguments_of_path(fields: &[&Ident], inner: &Type, untaken: &[&str]) -> String {
    let types: Vec<&Type> = match inner {
        Type::Tuple(tuple) => tuple.elems.iter().collect(),
        inner => vec![inner],
    };
    let names: Vec<String> = if untaken.is_empty() {
        fields.iter().map(|field| field.unraw().to_string()).collect()
    } else {
        untaken.iter().map(|&name| name.to_owned()).collect()
    };
    // A struct with a field for each parameter.
    if names.len() != types.len() {
        let names = if names.is_empty() { vec!["name".to_owned()] } else { names };
        return names.iter().map(|name| format!("{name}: String")).collect::<Vec<_>>().join(", ");
    }
    let pairs =
        names.iter().zip(types).map(|(name, ty)| format!("{name}: {}", messages::type_as_written(ty)));
    pairs.collect::<Vec<_>>().join(", ")
}
