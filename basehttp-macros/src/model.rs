//! The user's `impl` block as the rest of this crate sees it.
//!
//! Function bodies and the values of constants stay unparsed tokens: the compiler reports nearly all mistakes in them better (`bodies` has
//! the rest).

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative as _;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, Generics, Ident, Lifetime, LitStr, Path, Signature, Token, Type, Visibility, braced, token,
};

use crate::family::{Family, MESSAGE_CLASS, Override, Variable};
use crate::items;
use crate::route::{Route, RouteAttribute, is_route};
use crate::spelling::{self, Name};

/// An `impl` block with `#[http_handler]` on it.
#[derive(Clone)]
pub(crate) struct Handler {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) impl_token: Token![impl],
    pub(crate) generics: Generics,
    pub(crate) trait_: Option<(Path, Token![for])>,
    pub(crate) self_ty: Type,
    pub(crate) brace: token::Brace,
    pub(crate) items: Vec<Item>,
}

#[derive(Clone)]
pub(crate) enum Item {
    Function(Function),
    Const(Const),
    Alias(Alias),
    MacroCall(TokenStream),
    /// An item that this crate does not know.
    Other(TokenStream),
    /// A broken item, and what is wrong with it unless the compiler has reported it.
    Broken(Option<syn::Error>),
}

#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    /// The `#[method("...")]` attributes, which are ours.
    pub(crate) named: Vec<Attribute>,
    /// The `#[route(...)]` attributes.
    pub(crate) routes: Vec<RouteAttribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// A block, or a semicolon, which the compiler refuses.
    pub(crate) body: TokenTree,
    pub(crate) role: Role,
    /// Whether it repeats a function of the source under other `#[cfg]`s.
    pub(crate) is_copy: bool,
}

#[derive(Clone)]
pub(crate) enum Role {
    /// Answers requests of this method.
    Method(String),
    /// Answers requests for its routes.
    Route,
    Override(&'static Override),
    /// An ordinary inherent function.
    Helper,
}

#[derive(Clone)]
pub(crate) struct Const {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) keyword: Token![const],
    pub(crate) ident: Ident,
    pub(crate) colon: Token![:],
    pub(crate) ty: Type,
    pub(crate) eq: Token![=],
    pub(crate) value: TokenStream,
    pub(crate) semi: Token![;],
    /// The class variable that it sets, if any.
    pub(crate) variable: Option<&'static Variable>,
}

#[derive(Clone)]
pub(crate) struct Alias {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) keyword: Token![type],
    pub(crate) ident: Ident,
    pub(crate) eq: Token![=],
    pub(crate) ty: Type,
    pub(crate) semi: Token![;],
}

impl Handler {
    /// Puts a prefix before the patterns of all routes.
    pub(crate) fn prefix_routes(&mut self, prefix: &str) {
        for item in &mut self.items {
            if let Item::Function(function) = item {
                for route in &mut function.routes {
                    *route = RouteAttribute::new(route.attr.clone(), prefix);
                }
            }
        }
    }

    /// Marks the items that belong to the traits of `family`.
    fn sort(&mut self, family: Family) {
        for item in &mut self.items {
            match item {
                Item::Function(function) if function.named.is_empty() && function.routes.is_empty() => {
                    if let Some(overridden) = family.overridden(&function.sig.ident) {
                        function.role = Role::Override(overridden);
                    }
                }
                Item::Const(constant) => constant.variable = family.variable(&constant.ident),
                _ => {}
            }
        }
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.items.iter().filter_map(|item| match item {
            Item::Function(function) => Some(function),
            _ => None,
        })
    }

    /// A lifetime that is not `'static`: a parameter, or `'_` in the type.
    pub(crate) fn borrows(&self) -> Option<Lifetime> {
        let parameter = self.generics.lifetimes().next().map(|parameter| parameter.lifetime.clone());
        parameter.or_else(|| anonymous_lifetime(self.self_ty.to_token_stream()))
    }

    /// The class variables set by constants of the block.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&Const, &'static Variable)> {
        self.items.iter().filter_map(|item| match item {
            Item::Const(constant) => constant.variable.map(|variable| (constant, variable)),
            _ => None,
        })
    }
}

/// Reads the item under the attribute, for a handler that extends `family`.
///
/// Any item other than an `impl` block is an error with the text `not_an_impl`.
pub(crate) fn parse(item: TokenStream, family: Family, not_an_impl: &str) -> syn::Result<Handler> {
    let is_impl = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        let is_impl = input.peek(Token![impl]) || input.peek(Token![unsafe]) && input.peek2(Token![impl]);
        input.parse::<TokenStream>()?;
        Ok(is_impl)
    };
    if is_impl.parse2(item.clone())? {
        let mut handler: Handler = syn::parse2(item)?;
        handler.sort(family);
        Ok(handler)
    } else {
        Err(syn::Error::new(Span::call_site(), not_an_impl))
    }
}

impl Parse for Handler {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        // The compiler has refused it already.
        input.parse::<Option<Token![unsafe]>>()?;
        let impl_token = input.parse()?;
        let mut generics = if starts_generics(input) { input.parse()? } else { Generics::default() };
        let mut self_ty: Type = input.parse()?;
        let mut trait_ = None;
        if input.peek(Token![for]) {
            let Type::Path(path) = self_ty else {
                return Err(syn::Error::new_spanned(self_ty, "expected a trait"));
            };
            trait_ = Some((path.path, input.parse()?));
            self_ty = input.parse()?;
        }
        generics.where_clause = input.parse()?;
        let content;
        let brace = braced!(content in input);
        attrs.extend(content.call(Attribute::parse_inner)?);
        let items = items::read(&content, OUR_ATTRIBUTES, Item::parse)?;
        let items = items.into_iter().map(|item| item.unwrap_or_else(Item::Broken)).collect();
        Ok(Self { attrs, impl_token, generics, trait_, self_ty, brace, items })
    }
}

/// Whether `impl` is followed by generics, and not by a path like `<T as Trait>::Type`.
fn starts_generics(input: ParseStream<'_>) -> bool {
    input.peek(Token![<])
        && (input.peek2(Token![>])
            || input.peek2(Token![#])
            || input.peek2(Token![const])
            || (input.peek2(Ident) || input.peek2(Lifetime))
                && (input.peek3(Token![:]) && !input.peek3(Token![::])
                    || input.peek3(Token![,])
                    || input.peek3(Token![>])
                    || input.peek3(Token![=])))
}

/// Attributes of functions that are ours.
const OUR_ATTRIBUTES: &[&str] = &["method", "route"];

impl Item {
    fn parse(attrs: Vec<Attribute>, is_copy: bool, input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        let vis: Visibility = ahead.parse()?;
        if ahead.peek(Token![const]) && ahead.peek2(Ident) && ahead.peek3(Token![:]) {
            let whole = input.fork();
            // Without a value, the compiler refuses it.
            if let Ok(constant) = Const::parse(attrs.clone(), &whole) {
                input.advance_to(&whole);
                return Ok(Self::Const(constant));
            }
        }
        if ahead.peek(Token![type]) && ahead.peek2(Ident) && ahead.peek3(Token![=]) {
            return Alias::parse(attrs, input).map(Self::Alias);
        }
        if [ahead.peek(Token![fn]), ahead.peek(Token![async]), ahead.peek(Token![unsafe])].contains(&true)
            || [ahead.peek(Token![const]), ahead.peek(Token![extern])].contains(&true) && !ahead.peek2(Ident)
        {
            let function = Function::parse(attrs, input)?;
            return Ok(Self::Function(Function { is_copy, ..function }));
        }
        let is_macro = matches!(vis, Visibility::Inherited)
            && ahead.call(Path::parse_mod_style).is_ok()
            && ahead.peek(Token![!]);
        let rest = items::other_item(input)?;
        // The macro call itself is refused.
        let attrs = attrs.iter().filter(|attr| !(is_macro && is_route(attr)));
        let tokens = quote!(#(#attrs)* #rest);
        Ok(if is_macro { Self::MacroCall(tokens) } else { Self::Other(tokens) })
    }
}

impl Function {
    fn parse(attrs: Vec<Attribute>, input: ParseStream<'_>) -> syn::Result<Self> {
        let (named, attrs): (Vec<_>, Vec<_>) =
            attrs.into_iter().partition(|attr| attr.path().is_ident("method"));
        let (routes, attrs): (Vec<_>, Vec<_>) = attrs.into_iter().partition(is_route);
        let routes: Vec<_> = routes.into_iter().map(|attr| RouteAttribute::new(attr, "")).collect();
        let vis = input.parse()?;
        let sig: Signature = input.parse()?;
        let body = if input.peek(token::Brace) { input.parse()? } else { semicolon(input)? };
        let role = if !routes.is_empty() {
            Role::Route
        } else if let Some(attr) = named.first() {
            Role::Method(attr.parse_args::<LitStr>().map(|name| name.value()).unwrap_or_default())
        } else if let Name::Method(name) = spelling::function_name(&sig.ident.unraw().to_string()) {
            Role::Method(name)
        } else {
            Role::Helper
        };
        Ok(Self { attrs, named, routes, vis, sig, body, role, is_copy: false })
    }

    pub(crate) fn is_override(&self, name: &str) -> bool {
        matches!(self.role, Role::Override(overridden) if overridden.name == name)
    }

    /// The HTTP method that the function answers.
    pub(crate) fn method(&self) -> Option<&str> {
        match &self.role {
            Role::Method(name) => Some(name),
            Role::Route | Role::Override(_) | Role::Helper => None,
        }
    }

    /// Whether it depends on a `#[cfg]`.
    pub(crate) fn is_under_cfg(&self) -> bool {
        self.attrs.iter().any(|attr| attr.path().is_ident("cfg"))
    }

    /// The attribute for generated calls of a deprecated function, which the user cannot avoid.
    pub(crate) fn allows_deprecated(&self) -> Option<TokenStream> {
        let is_deprecation = |attr: &Attribute| {
            let path = attr.path();
            path.is_ident("deprecated")
                || path.is_ident("cfg_attr") && attr.to_token_stream().to_string().contains("deprecated")
        };
        self.attrs.iter().any(is_deprecation).then(|| quote!(#[allow(deprecated)]))
    }

    /// Its valid routes.
    pub(crate) fn sound_routes(&self) -> impl Iterator<Item = (&RouteAttribute, &Route)> {
        self.routes.iter().filter_map(|attribute| Some((attribute, attribute.route.as_ref().ok()?)))
    }
}

fn anonymous_lifetime(tokens: TokenStream) -> Option<Lifetime> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match (token, tokens.peek()) {
            (TokenTree::Punct(quote), Some(TokenTree::Ident(name)))
                if quote.as_char() == '\'' && name == "_" =>
            {
                Some(Lifetime { apostrophe: quote.span(), ident: name.clone() })
            }
            (TokenTree::Group(group), _) => anonymous_lifetime(group.stream()),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn semicolon(input: ParseStream<'_>) -> syn::Result<TokenTree> {
    if input.peek(Token![;]) { input.parse() } else { Err(input.error("expected a function body")) }
}

impl Const {
    fn parse(attrs: Vec<Attribute>, input: ParseStream<'_>) -> syn::Result<Self> {
        let vis = input.parse()?;
        let keyword = input.parse()?;
        let ident = input.parse()?;
        let colon = input.parse()?;
        let ty = input.parse()?;
        let eq = input.parse()?;
        let mut value = TokenStream::new();
        while !input.peek(Token![;]) {
            // Its semicolon is missing, and the value would run to the end of the block.
            if items::begins_item(input) && !input.peek(Token![#]) {
                return Err(input.error("expected `;`"));
            }
            value.extend([input.parse::<TokenTree>()?]);
        }
        let semi = input.parse()?;
        Ok(Self { attrs, vis, keyword, ident, colon, ty, eq, value, semi, variable: None })
    }
}

impl Alias {
    fn parse(attrs: Vec<Attribute>, input: ParseStream<'_>) -> syn::Result<Self> {
        let vis = input.parse()?;
        let keyword = input.parse()?;
        let ident = input.parse()?;
        let eq = input.parse()?;
        let ty = input.parse()?;
        let semi = input.parse()?;
        Ok(Self { attrs, vis, keyword, ident, eq, ty, semi })
    }

    pub(crate) fn is_message_class(&self) -> bool {
        self.ident == MESSAGE_CLASS
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body, .. } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

impl ToTokens for Const {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, keyword, ident, colon, ty, eq, value, semi, variable: _ } = self;
        tokens.extend(quote!(#(#attrs)* #vis #keyword #ident #colon #ty #eq #value #semi));
    }
}

impl ToTokens for Alias {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, keyword, ident, eq, ty, semi } = self;
        tokens.extend(quote!(#(#attrs)* #vis #keyword #ident #eq #ty #semi));
    }
}
