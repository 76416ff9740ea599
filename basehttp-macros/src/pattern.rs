//! The pattern of a route: `/users/{id}?{sort}`.

use crate::messages;

/// A parsed pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) segments: Vec<Segment>,
    pub(crate) query: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// This decoded text.
    Literal(String),
    /// `{name}`: any text in one segment.
    Parameter(String),
    /// `{name..}`: all segments from here on.
    Rest(String),
}

/// A parameter of the query: `{name}`, or `key={name}` if the key is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) name: String,
}

/// The number for which a `Rank` has room (`handler/route.rs` of the runtime crate).
const MOST_SEGMENTS: usize = 64;

impl Pattern {
    /// Parses a pattern, or returns what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (path, query) = match split_query(text) {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        let Some(path) = path.strip_prefix('/') else { return Err(messages::pattern_without_slash(text)) };
        if let Some((_, fragment)) = path.split_once('#') {
            return Err(messages::pattern_fragment(fragment));
        }
        let texts: Vec<&str> = path.split('/').collect();
        let last = texts.len() - 1;
        let mut segments = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            if text.is_empty() && index < last {
                return Err(messages::pattern_empty_segment(&text_without_empty(&texts)));
            }
            if matches!(*text, "." | "..") {
                return Err(messages::pattern_dots(text, &resolved(&texts)));
            }
            let segment = segment(text)?;
            if matches!(segment, Segment::Rest(_)) && index < last {
                return Err(messages::pattern_rest_not_last(text, segment.name().unwrap_or_default()));
            }
            segments.push(segment);
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(messages::pattern_too_long(MOST_SEGMENTS));
        }
        let query = query.map_or(Ok(Vec::new()), keys)?;
        let pattern = Self { segments, query };
        match pattern.twice() {
            Some(name) => Err(messages::parameter_twice(name)),
            None => Ok(pattern),
        }
    }

    /// The names of all parameters, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let of_path = self.segments.iter().filter_map(Segment::name);
        of_path.chain(self.query.iter().map(|key| &*key.name))
    }

    fn twice(&self) -> Option<&str> {
        let names: Vec<&str> = self.names().collect();
        let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
        twice.map(|(_, name)| *name)
    }

    /// Whether both match the same paths: they differ only in the names of their parameters.
    pub(crate) fn has_shape_of(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&Segment, &Segment)| match (one, other) {
            (Segment::Literal(one), Segment::Literal(other)) => one == other,
            (Segment::Parameter(_), Segment::Parameter(_)) | (Segment::Rest(_), Segment::Rest(_)) => true,
            _ => false,
        };
        self.segments.len() == other.segments.len() && self.segments.iter().zip(&other.segments).all(is_same)
    }

    /// The path as written, without the query.
    pub(crate) fn path(&self) -> String {
        self.segments.iter().fold(String::new(), |path, segment| path + "/" + &segment.as_written())
    }

    /// A path that it matches.
    pub(crate) fn example(&self) -> String {
        let mut number = 0;
        let segment = |segment: &Segment| match segment {
            Segment::Literal(text) => format!("/{text}"),
            Segment::Parameter(_) | Segment::Rest(_) => {
                number += 1;
                format!("/{number}")
            }
        };
        self.segments.iter().map(segment).collect()
    }
}

impl Segment {
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Parameter(name) | Self::Rest(name) => Some(name),
        }
    }

    fn as_written(&self) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Parameter(name) => format!("{{{name}}}"),
            Self::Rest(name) => format!("{{{name}..}}"),
        }
    }
}

/// The path and the query. A question mark in braces stays in the path, which reports it.
fn split_query(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mark = text.char_indices().find(|(_, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        *c == '?' && depth == 0
    });
    let (place, _) = mark?;
    Some((&text[..place], &text[place + 1..]))
}

fn text_without_empty(texts: &[&str]) -> String {
    let texts: Vec<&str> = texts.iter().copied().filter(|text| !text.is_empty()).collect();
    format!("/{}", texts.join("/"))
}

/// The path that clients send for one with dots.
fn resolved(texts: &[&str]) -> String {
    let mut left: Vec<&str> = Vec::new();
    for text in texts {
        match *text {
            "." => {}
            ".." => drop(left.pop()),
            text => left.push(text),
        }
    }
    format!("/{}", left.join("/"))
}

fn segment(text: &str) -> Result<Segment, String> {
    if let Some(inside) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))
        && !inside.contains(['{', '}'])
    {
        return parameter(inside);
    }
    if text.contains(['{', '}']) {
        return Err(messages::pattern_braces(text));
    }
    // The syntax of other frameworks.
    if let Some(name) = text.strip_prefix(':').filter(|name| is_name(name)) {
        return Err(messages::pattern_of_another_kind(text, &format!("{{{name}}}")));
    }
    if let Some(inside) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        let name = inside.rsplit(':').next().unwrap_or(inside);
        let meant = match name.strip_suffix("..") {
            Some(rest) => format!("{{{rest}..}}"),
            None => format!("{{{name}}}"),
        };
        return Err(messages::pattern_of_another_kind(text, &meant));
    }
    if let Some(name) = text.strip_prefix('*') {
        let name = if is_name(name) { name } else { "path" };
        return Err(messages::pattern_of_another_kind(text, &format!("{{{name}..}}")));
    }
    if let Some(decoded) = decoded(text) {
        return Err(messages::pattern_encoded(text, &decoded));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(messages::pattern_control(c));
    }
    Ok(Segment::Literal(text.to_owned()))
}

fn parameter(inside: &str) -> Result<Segment, String> {
    if let Some(name) = inside.strip_prefix('*').filter(|name| is_name(name)) {
        return Err(messages::pattern_of_another_kind(&format!("{{{inside}}}"), &format!("{{{name}..}}")));
    }
    if let Some(name) = inside.strip_suffix("..").map(|name| name.trim_end_matches('.')) {
        if inside.ends_with("...") {
            return Err(messages::pattern_of_another_kind(
                &format!("{{{inside}}}"),
                &format!("{{{name}..}}"),
            ));
        }
        return check_name(name).map(|()| Segment::Rest(name.to_owned()));
    }
    if let Some((name, _)) = inside.split_once(':') {
        return Err(messages::pattern_typed(inside, name.trim()));
    }
    if let Some(name) = inside.strip_suffix('?').filter(|name| is_name(name)) {
        return Err(messages::option_of_path(name));
    }
    check_name(inside).map(|()| Segment::Parameter(inside.to_owned()))
}

fn keys(query: &str) -> Result<Vec<Key>, String> {
    let keys = query.split('&').map(|part| {
        let (key, braced) = match part.split_once('=') {
            Some((key, braced)) => (Some(key), braced),
            None => (None, part),
        };
        let inside = braced.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let Some(name) = inside.filter(|name| !name.contains(['{', '}'])) else {
            let is_torn = part.matches('{').count() != part.matches('}').count();
            return Err(if is_torn { messages::pattern_braces(part) } else { messages::pattern_query(part) });
        };
        if key.is_some_and(|key| key.is_empty() || key.contains(['{', '}', '%', '#'])) {
            return Err(messages::pattern_query(part));
        }
        if let Some((name, _)) = name.split_once(':') {
            return Err(messages::pattern_typed(braced.trim_matches(['{', '}']), name.trim()));
        }
        check_name(name)?;
        Ok(Key { key: key.unwrap_or(name).to_owned(), name: name.to_owned() })
    });
    keys.collect()
}

fn check_name(name: &str) -> Result<(), String> {
    if is_name(name) {
        return Ok(());
    }
    let identifier: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let identifier = identifier.trim_matches('_');
    Err(messages::parameter_name(name, if is_name(identifier) { identifier } else { "name" }))
}

/// Whether it can be the name of an argument, perhaps a raw one.
fn is_name(name: &str) -> bool {
    use syn::ext::IdentExt as _;
    use syn::parse::Parser as _;

    name != "_" && name != "self" && syn::Ident::parse_any.parse_str(name).is_ok_and(|ident| ident == name)
}

/// The literal without percent-encoding, if it has some.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    let mut is_encoded = false;
    while let [byte, after @ ..] = rest {
        let encoded = match (byte, after) {
            (b'%', [high, low, ..]) => {
                let digits = [*high, *low];
                std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok())
            }
            _ => None,
        };
        bytes.push(encoded.unwrap_or(*byte));
        is_encoded |= encoded.is_some();
        rest = if encoded.is_some() { &after[2..] } else { after };
    }
    is_encoded.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let pattern =
            Pattern::parse("/users/{id}/files/{path..}?{sort}&page-size={page_size}").expect("it is one");
        assert_eq!(
            pattern.segments,
            [
                Segment::Literal("users".into()),
                Segment::Parameter("id".into()),
                Segment::Literal("files".into()),
                Segment::Rest("path".into())
            ]
        );
        let keys: Vec<_> = pattern.query.iter().map(|key| (&*key.key, &*key.name)).collect();
        assert_eq!(keys, [("sort", "sort"), ("page-size", "page_size")]);
        assert_eq!(pattern.path(), "/users/{id}/files/{path..}");
        assert_eq!(pattern.example(), "/users/1/files/2");
        for text in ["/", "/a/", "/a b", "/100%", "/caf\u{e9}", "/{type}", "/a.b-c_d~e", "/a:b", "/x?{a}"] {
            assert!(Pattern::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_says_what_would_be_one() {
        for (text, fix) in [
            ("", "`/`"),
            ("users", "`/users`"),
            ("?{q}", "`/?{q}`"),
            ("/a//b", "`/a/b`"),
            ("/{id", "closed"),
            ("/a{id}", "whole segment"),
            ("/{a}{b}", "whole segment"),
            ("/:id", "`{id}`"),
            ("/<id>", "`{id}`"),
            ("/<int:id>", "`{id}`"),
            ("/<path..>", "`{path..}`"),
            ("/*", "`{path..}`"),
            ("/*file", "`{file..}`"),
            ("/{*file}", "`{file..}`"),
            ("/{file...}", "`{file..}`"),
            ("/{id:u32}", "`{id}`"),
            ("/{}", "name"),
            ("/{user-id}", "`{user_id}`"),
            ("/{path..}/x", "last"),
            ("/{a}/{a}", "`{a}`"),
            ("/{a}?{a}", "`{a}`"),
            ("/a%20b", "`a b`"),
            ("/a/../b", "`/b`"),
            ("/a/./b", "`/a/b`"),
            ("/..", "`/`"),
            ("/{id?}", "two routes"),
            ("/{0}", "`{name}`"),
            ("/a?{b", "closed"),
            ("http://a/b", "`/b`"),
            ("/a#b", "`#b`"),
            ("/a?b", "`?{b}`"),
            ("/a?b=1", "`?{b}`"),
            ("/a?", "`?{name}`"),
            ("/a?{b:u32}", "`{b}`"),
        ] {
            let message = Pattern::parse(text).expect_err(text);
            assert!(message.contains(fix), "{text}: {message}");
        }
    }
}
