//! Finds calls in function bodies that are certainly wrong and for which the compiler's advice would mislead: it suggests removing the
//! message of `send_error(404, "no")`, and takes Python's `super()` for a module.
//!
//! Each is corrected in the tokens that the compiler sees, so that it is reported only once. Bodies stay unparsed. Code that depends on
//! the user's struct, such as a field `headers` of its own, is left to the compiler.

use std::iter;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, ReturnType, Token, Type};

use crate::args::Args;
use crate::family::{Family, Level};
use crate::messages;
use crate::model::{Function, Handler, Item};
use crate::report::Report;

/// Reports and corrects the wrong calls in the bodies of `handler`.
pub(crate) fn mend(handler: &mut Handler, args: &Args, report: &mut Report) {
    let field = match &args.base {
        Some(member) => member.to_token_stream().to_string(),
        None => "base".to_owned(),
    };
    let own_class =
        handler.items.iter().any(|item| matches!(item, Item::Alias(alias) if alias.is_message_class()));
    // A function with the wrong arguments is reported itself; its calls are right for it.
    let takes_more = |function: &&Function| {
        let overridden = Family::Cgi.overridden(&function.sig.ident);
        overridden.is_some_and(|overridden| function.sig.inputs.len() != overridden.arguments + 1)
    };
    let other: Vec<String> =
        handler.functions().filter(takes_more).map(|function| function.sig.ident.to_string()).collect();
    let mut again = Report::new();
    for item in &mut handler.items {
        if let Item::Function(function) = item
            && let TokenTree::Group(body) = &function.body
        {
            let end = answers_nothing(function).then_some(End);
            // The mistakes of a repeated function have been reported.
            let report = if function.is_copy { &mut again } else { &mut *report };
            let mut look = Look { args, field: &field, own_class, other: &other, report };
            if let Some(tokens) = look.at(body.stream(), end) {
                function.body = group(body, tokens).into();
            }
        }
    }
    again.finish();
}

/// Marks the tokens of a body whose value is a `Result<(), _>`.
#[derive(Clone, Copy)]
struct End;

fn answers_nothing(function: &Function) -> bool {
    let ReturnType::Type(_, ty) = &function.sig.output else { return false };
    let Type::Path(path) = &**ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    last.ident == "Result" && last.arguments.to_token_stream().to_string().replace(' ', "").starts_with("<()")
}

struct Look<'a> {
    args: &'a Args,
    /// The field with the base.
    field: &'a str,
    /// Whether the block sets its own `MessageClass`.
    own_class: bool,
    /// Functions of the block with the name of an override and other arguments.
    other: &'a [String],
    report: &'a mut Report,
}

/// A wrong call, and its replacement.
struct Found {
    /// The number of its tokens.
    count: usize,
    instead: TokenStream,
}

impl Look<'_> {
    /// The tokens with their calls corrected, if any was wrong.
    fn at(&mut self, tokens: TokenStream, end: Option<End>) -> Option<TokenStream> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut mended: Vec<TokenTree> = Vec::with_capacity(tokens.len());
        let mut any = false;
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            let rest = tokens.get(index..).unwrap_or_default();
            let before = index.checked_sub(1).and_then(|before| tokens.get(before));
            // There, `self` is of another type.
            if let Some(count) = foreign(rest, before) {
                mended.extend(rest.iter().take(count).cloned());
                index += count;
                continue;
            }
            let found = self.call(rest, before).or_else(|| {
                let returned = end.is_some() && is_ident(before, "return");
                let is_value = returned || end.is_some() && begins_statement(before);
                is_value.then(|| self.last_write(rest, returned)).flatten()
            });
            if let Some(Found { count, instead }) = found {
                // Its arguments can contain more wrong calls.
                let inside = self.at(instead.clone(), None);
                mended.extend(inside.unwrap_or(instead));
                any = true;
                index += count;
                continue;
            }
            index += 1;
            if let TokenTree::Group(inner) = token
                && let Some(tokens) = self.at(inner.stream(), None)
            {
                mended.push(group(inner, tokens).into());
                any = true;
            } else {
                mended.push(token.clone());
            }
        }
        any.then(|| mended.into_iter().collect())
    }

    fn call(&mut self, tokens: &[TokenTree], before: Option<&TokenTree>) -> Option<Found> {
        match tokens.first()? {
            TokenTree::Ident(name) if name == "super" => self.parent(tokens),
            // After a dot, `self` is not the handler.
            TokenTree::Ident(name) if name == "self" && !is_punct(before, '.') => self
                .through_the_field(tokens)
                .or_else(|| self.method(tokens))
                .or_else(|| self.read(tokens))
                .or_else(|| self.header(tokens))
                .or_else(|| self.lines(tokens, before)),
            TokenTree::Ident(name) if name == "Self" || is_handler(name) => self.associated(tokens),
            _ => None,
        }
    }

    /// `super().end_headers()`, `super(Hello, self).end_headers()`, `super.end_headers()`.
    fn parent(&mut self, tokens: &[TokenTree]) -> Option<Found> {
        let skipped = usize::from(parentheses(tokens.get(1)).is_some());
        let rest = tokens.get(1 + skipped..)?;
        let (name, arguments) = method_call(rest)?;
        let (inside, separator) = (arguments.stream(), comma(arguments));
        let krate = &self.args.krate;
        let count = 1 + skipped + 3;
        let (message, instead) = if let Some(level) = self.parent_with(name) {
            let base = format_ident!("{}", level.base, span = name.span());
            (
                messages::super_call(level.base, name, &inside),
                quote!(#krate::#base::#name(self #separator #inside)),
            )
        } else if name == "__init__" {
            (messages::SUPER_INIT.to_owned(), quote!({}))
        } else if name.to_string().starts_with("do_") {
            (messages::super_method(self.args.family.level().base, name), quote!(::core::todo!()))
        } else {
            (messages::super_variable(name, &inside), quote!(self.#name(#inside)))
        };
        self.report.error(joined(tokens, count), message);
        Some(Found { count, instead })
    }

    /// The parent whose function of this name a block would call.
    fn parent_with(&self, name: &Ident) -> Option<&'static Level> {
        let text = name.to_string();
        let method = text.strip_prefix("do_");
        let has_it = |level: &&Level| {
            level.has_override(name)
                || level.own.contains(&&*text)
                || method.is_some_and(|method| {
                    level.methods.contains(&method) || method == "HEAD" && level.methods.contains(&"GET")
                })
        };
        self.args.family.levels().filter(has_it).last()
    }

    /// `self.base.send_response(200)`, which would skip the overrides.
    fn through_the_field(&mut self, tokens: &[TokenTree]) -> Option<Found> {
        self.is_field(tokens)?;
        let (name, arguments) = method_call(tokens.get(3..)?)?;
        let inside = arguments.stream();
        let (message, instead) = if self.args.family.overridden(name).is_some() {
            (messages::call_on_base(name, &inside), quote!(self.#name(#inside)))
        } else {
            let level = self.parent_with(name).filter(|_| name.to_string().starts_with("do_"))?;
            let krate = &self.args.krate;
            let base = format_ident!("{}", level.base, span = name.span());
            (messages::parent_on_base(level.base, name), quote!(#krate::#base::#name(self)))
        };
        self.report.error(joined(tokens.get(2..)?, 3), message);
        Some(Found { count: 6, instead })
    }

    /// `self.send_error(404, "no")`, `self.log_message("%s", path)`.
    fn method(&mut self, tokens: &[TokenTree]) -> Option<Found> {
        let (name, arguments) = method_call(tokens.get(1..)?)?;
        let mended = self.arguments(name, arguments, 0)?;
        Some(Found { count: 4, instead: quote!(self.#name(#mended)) })
    }

    /// `BaseHTTPRequestHandler::send_error(self, 404, "no")`.
    fn associated(&mut self, tokens: &[TokenTree]) -> Option<Found> {
        let colons = is_punct(tokens.get(1), ':') && is_punct(tokens.get(2), ':');
        let (path, TokenTree::Ident(name), Some(arguments)) =
            (tokens.get(..3)?, tokens.get(3)?, parentheses(tokens.get(4)))
        else {
            return None;
        };
        if !colons {
            return None;
        }
        // The type of another variable is unknown here.
        if !is_ident(arguments.stream().into_iter().next().as_ref(), "self") {
            return None;
        }
        let path: TokenStream = path.iter().cloned().collect();
        let mended = self.arguments(name, arguments, 1)?;
        Some(Found { count: 5, instead: quote!(#path #name(self, #mended)) })
    }

    /// The corrected arguments, without the first `skipped`, if they are certainly wrong.
    fn arguments(&mut self, name: &Ident, arguments: &Group, skipped: usize) -> Option<TokenStream> {
        if self.other.iter().any(|other| name == other) {
            return None;
        }
        let is_code = ["send_error", "send_response", "send_response_only"].iter().any(|known| name == known);
        let is_log = ["log_message", "log_error"].iter().any(|known| name == known);
        if !is_code && !is_log {
            return None;
        }
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        let arguments = parse.parse2(arguments.stream()).ok()?;
        // `message="no"` is a keyword argument of Python.
        let value = |argument: Expr| match argument {
            Expr::Assign(assign) => *assign.right,
            argument => argument,
        };
        let arguments: Vec<Expr> = arguments.into_iter().skip(skipped).map(value).collect();
        if is_log {
            return self.message(name, &arguments);
        }
        let tuple = quote!(#(#arguments),*);
        (2..=3).contains(&arguments.len()).then(|| {
            self.report.error(&tuple, messages::code_and_message(name, &tuple));
            quote!((#tuple))
        })
    }

    /// The message and its parts as one argument, if they are string literals or parts of a format.
    fn message(&mut self, name: &Ident, arguments: &[Expr]) -> Option<TokenStream> {
        let (first, others) = arguments.split_first()?;
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = first else {
            let inside = formatted(first).filter(|_| others.is_empty())?;
            self.report.error(first, messages::formatted(&inside));
            return Some(quote!(::core::format_args!(#inside)));
        };
        let python = text.token().to_string();
        let rust = rust_format(&python);
        let parts: Vec<String> = iter::once(rust.clone())
            .chain(others.iter().map(|other| other.to_token_stream().to_string()))
            .collect();
        self.report.error(quote!(#(#arguments),*), messages::parts_of_message(name, &parts.join(", ")));
        // The error translates Python's `%s`; other mistakes in the format are unknown here.
        Some(if rust == python && others.is_empty() {
            quote!(::core::format_args!(#first))
        } else {
            quote!({
                let _ = (#(&#others,)*);
                ::core::format_args!("")
            })
        })
    }

    /// `self.rfile.read(10)`, which is Python's `read`.
    fn read(&mut self, tokens: &[TokenTree]) -> Option<Found> {
        let skipped = if self.is_field(tokens).is_some() { 2 } else { 0 };
        if !is_punct(tokens.get(skipped + 1), '.') || !is_ident(tokens.get(skipped + 2), "rfile") {
            return None;
        }
        let (name, arguments) = method_call(tokens.get(skipped + 3..)?)?;
        if name != "read" || !is_length(&arguments.stream()) {
            return None;
        }
        let inside = arguments.stream();
        let limit = if inside.is_empty() { quote!(usize::MAX) } else { inside.clone() };
        self.report.error(joined(tokens.get(skipped + 2..)?, 4), messages::read_of_a_length(&inside));
        Some(Found { count: skipped + 6, instead: quote!(self.read_body(#limit)) })
    }

    /// `self.headers()["X"]`, `self.headers().get("X", "")`.
    fn header(&mut self, tokens: &[TokenTree]) -> Option<Found> {
        let (name, arguments) = method_call(tokens.get(1..)?)?;
        if self.own_class || name != "headers" || !arguments.stream().is_empty() {
            return None;
        }
        if let TokenTree::Group(index) = tokens.get(4)? {
            let inside = index.stream();
            if index.delimiter() != Delimiter::Bracket {
                return None;
            }
            self.report.error(index, messages::header_by_index(&inside));
            return Some(Found {
                count: 5,
                instead: quote!(self.headers().get(#inside).unwrap_or_default()),
            });
        }
        let (get, arguments) = method_call(tokens.get(4..)?)?;
        let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
        let values: Vec<Expr> = parse.parse2(arguments.stream()).ok()?.into_iter().collect();
        let [field, other] = &*values else { return None };
        if get != "get" {
            return None;
        }
        self.report.error(other, messages::header_or(&field.to_token_stream(), &other.to_token_stream()));
        Some(Found { count: 7, instead: quote!(self.headers().get(#field).unwrap_or(#other)) })
    }

    /// `for line in self.rfile`.
    fn lines(&mut self, tokens: &[TokenTree], before: Option<&TokenTree>) -> Option<Found> {
        let skipped = if self.is_field(tokens).is_some() { 2 } else { 0 };
        let rfile = tokens.get(skipped + 2).filter(|name| is_ident(Some(name), "rfile"))?;
        let body = tokens.get(skipped + 3);
        let is_loop = is_ident(before, "in")
            && is_punct(tokens.get(skipped + 1), '.')
            && matches!(body, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace);
        is_loop.then(|| {
            self.report.error(rfile, messages::LINES);
            Found { count: skipped + 3, instead: quote!(self.rfile.lines()) }
        })
    }

    /// `self.wfile.write(..)` as the value of a function that returns `Result<(), _>`.
    fn last_write(&mut self, tokens: &[TokenTree], returned: bool) -> Option<Found> {
        let skipped = if self.is_field(tokens).is_some() { 2 } else { 0 };
        let is_it = is_ident(tokens.first(), "self")
            && is_punct(tokens.get(skipped + 1), '.')
            && is_ident(tokens.get(skipped + 2), "wfile");
        let (name, arguments) = method_call(tokens.get(skipped + 3..).filter(|_| is_it)?)?;
        let next = tokens.get(skipped + 6);
        let is_all = next.is_none() || returned && is_punct(next, ';');
        if name != "write" || !is_all {
            return None;
        }
        let inside = arguments.stream();
        self.report.error(name, messages::WRITE_OF_A_PART);
        let path: TokenStream = tokens.iter().take(skipped + 4).cloned().collect();
        let write_all = Ident::new("write_all", name.span());
        Some(Found { count: skipped + 6, instead: quote!(#path #write_all(#inside)) })
    }

    /// `self.base`, followed by a dot.
    fn is_field(&self, tokens: &[TokenTree]) -> Option<()> {
        let field = tokens.get(2)?;
        let is_it = is_ident(tokens.first(), "self")
            && is_punct(tokens.get(1), '.')
            && matches!(field, TokenTree::Ident(_) | TokenTree::Literal(_))
            && field.to_string() == self.field
            && is_punct(tokens.get(3), '.');
        is_it.then_some(())
    }
}

/// The number of tokens of an item in which `self` has another type: an `impl`, a `trait`, a `macro_rules!`.
fn foreign(tokens: &[TokenTree], before: Option<&TokenTree>) -> Option<usize> {
    let first = tokens.first();
    let is_item = (is_ident(first, "impl") || is_ident(first, "trait")) && begins_statement(before);
    let is_macro = is_ident(first, "macro_rules") && is_punct(tokens.get(1), '!');
    if !is_item && !is_macro {
        return None;
    }
    let is_block =
        |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    tokens.iter().position(is_block).map(|last| last + 1)
}

/// The struct or the trait of a handler of the runtime crate.
fn is_handler(name: &Ident) -> bool {
    Family::named(name).or_else(|| Family::of_trait(name)).is_some()
}

fn begins_statement(before: Option<&TokenTree>) -> bool {
    match before {
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        before => before.is_none() || is_punct(before, ';'),
    }
}

/// `.name(arguments)`
fn method_call(tokens: &[TokenTree]) -> Option<(&Ident, &Group)> {
    let (true, TokenTree::Ident(name)) = (is_punct(tokens.first(), '.'), tokens.get(1)?) else { return None };
    Some((name, parentheses(tokens.get(2))?))
}

fn parentheses(token: Option<&TokenTree>) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => Some(group),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

fn comma(arguments: &Group) -> Option<Token![,]> {
    (!arguments.stream().is_empty()).then(Default::default)
}

/// The tokens for the compiler to underline.
fn joined(tokens: &[TokenTree], count: usize) -> TokenStream {
    tokens.iter().take(count).cloned().collect()
}

/// The group with other tokens.
fn group(like: &Group, tokens: TokenStream) -> Group {
    let mut group = Group::new(like.delimiter(), tokens);
    group.set_span(like.span());
    group
}

/// Whether it is empty, a number or a cast with `as`, and so not a buffer.
fn is_length(arguments: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = arguments.clone().into_iter().collect();
    match &*tokens {
        [] => true,
        [TokenTree::Literal(literal)] => {
            literal.to_string().starts_with(|first: char| first.is_ascii_digit())
        }
        [.., keyword, _] => is_ident(Some(keyword), "as"),
        [_] => false,
    }
}

/// The arguments of a `format!`, or of a reference to one.
fn formatted(value: &Expr) -> Option<TokenStream> {
    match value {
        Expr::Reference(reference) => formatted(&reference.expr),
        Expr::Macro(call) if call.mac.path.is_ident("format") => Some(call.mac.tokens.clone()),
        _ => None,
    }
}

/// The literal with `{}` for each `%s`, `%d`, `%5.2f` of Python.
fn rust_format(literal: &str) -> String {
    let mut format = String::new();
    let mut rest = literal;
    while let Some((text, after)) = rest.split_once('%') {
        format += text;
        let mut letters =
            after.trim_start_matches(|c: char| c.is_ascii_digit() || "-+ #.".contains(c)).chars();
        rest = match letters.next() {
            Some(letter) if letter.is_ascii_alphabetic() => {
                format += "{}";
                letters.as_str()
            }
            Some('%') => {
                format.push('%');
                letters.as_str()
            }
            _ => {
                format.push('%');
                after
            }
        };
    }
    format + rest
}

#[cfg(test)]
mod tests;
