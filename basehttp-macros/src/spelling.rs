//! Near misses: the known name that the user probably meant.

/// One edit that turns one word into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Insert,
    Remove,
    Replace,
    Swap,
}

/// The meaning of a function's name for `#[http_handler]`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `do_GET`, `do_SPAM`: a method of this name.
    Method(String),
    /// `do_get`, `doGET`, `do_GTE`: probably this known method.
    NearMiss(&'static str),
    /// `do_Spam`: spelled neither as a method nor as a Rust function.
    Unclear(String),
    /// `do_GET_users`, `do_GET_USERS`: an everyday method, and a path.
    Path(&'static str, String),
    /// Any other name, `do_work` too.
    Helper,
}

/// Classifies a function's name, without its attributes.
pub(crate) fn function_name(function: &str) -> Name {
    if let Some(meant) = misspelled_prefix(function) {
        return Name::NearMiss(meant);
    }
    let Some(rest) = function.strip_prefix("do_") else { return Name::Helper };
    let (upper, lower) = (rest.chars().any(char::is_uppercase), rest.chars().any(char::is_lowercase));
    if upper && !lower && METHODS.contains(&rest) {
        return Name::Method(rest.to_owned());
    }
    if let Some(meant) = near_method(rest) {
        return Name::NearMiss(meant);
    }
    if let Some((method, path)) = method_and_path(rest) {
        return Name::Path(method, path.to_owned());
    }
    match (upper, lower) {
        (true, false) => Name::Method(rest.to_owned()),
        (true, true) => Name::Unclear(rest.to_owned()),
        (false, _) => Name::Helper,
    }
}

/// The common HTTP method that `name` spells in another case.
pub(crate) fn miscased_method(name: &str) -> Option<&'static str> {
    EVERYDAY.iter().copied().find(|method| method.eq_ignore_ascii_case(name) && *method != name)
}

/// The known method that `name` misspells, as an identifier.
pub(crate) fn misspelled_method(name: &str) -> Option<&'static str> {
    if METHODS.contains(&name) { None } else { near_method(name) }
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// The name among `known` that is one edit from `name`, or spells it in another case.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .find(|known| *known != name && (known.eq_ignore_ascii_case(name) || edit(known, name).is_some()))
}

/// The override that `name` misspells; of several, one that `fits` the function's arguments. A plural or another addition is a name of
/// its own: `send_headers` can be a helper. So can anything close to a short name.
pub(crate) fn near_override(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
    fits: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    let is_near =
        |known: &&str| known.len() >= 9 && edit(known, name).is_some_and(|edit| edit != Edit::Insert);
    known.into_iter().filter(is_near).min_by_key(|known| !fits(known))
}

/// The name among `known` that differs only in case and underscores: `log_message` for `logMessage`.
pub(crate) fn recased(name: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    let folded = fold(name);
    known.into_iter().find(|known| *known != name && fold(known) == folded)
}

/// The method in a name such as `handle_POST`, which other frameworks use.
pub(crate) fn handled_method(name: &str) -> Option<&'static str> {
    let rest = name.strip_prefix("handle_")?;
    EVERYDAY.iter().copied().find(|method| *method == rest || method.to_ascii_lowercase() == rest)
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

fn method_and_path(rest: &str) -> Option<(&'static str, &str)> {
    let (method, path) = rest.split_once('_').filter(|(_, path)| !path.is_empty())?;
    EVERYDAY.iter().find(|known| **known == method).map(|known| (*known, path))
}

/// `Do_GET`, `doGET`, `doGet`, `od_GET`, and `GET` alone.
fn misspelled_prefix(function: &str) -> Option<&'static str> {
    if function.starts_with("do_") || !function.chars().any(char::is_uppercase) {
        return None;
    }
    let folded = fold(function);
    METHODS.iter().copied().find(|method| match function.strip_suffix(method).map(str::to_ascii_lowercase) {
        Some(prefix) if prefix.is_empty() => EVERYDAY.contains(method),
        Some(prefix) => prefix == "do_" || edit("do_", &prefix).is_some(),
        None => folded.strip_prefix("do").is_some_and(|rest| spells(rest, method)),
    })
}

/// The known method that `rest`, the part after `do_`, misspells. A replaced letter counts only in long names: `do_SET`, `do_READ` and
/// `do_WATCH` are methods of their own.
fn near_method(rest: &str) -> Option<&'static str> {
    let name = rest.to_ascii_uppercase();
    let same = METHODS.iter().find(|method| spells(&name, method));
    same.or_else(|| {
        METHODS.iter().find(|method| match edit(method, &name) {
            None => false,
            Some(Edit::Replace) => method.len() >= 6,
            Some(_) => method.len() >= 6 || EVERYDAY.contains(method),
        })
    })
    .copied()
}

/// Whether `name`, in any case, is the method as an identifier can spell it: with underscores for hyphens, or without them.
fn spells(name: &str, method: &str) -> bool {
    ["_", ""].iter().any(|hyphen| method.replace('-', hyphen).eq_ignore_ascii_case(name))
}

/// The one edit that turns `from` into `to`.
fn edit(from: &str, to: &str) -> Option<Edit> {
    let (mut from, mut to) = (from.as_bytes(), to.as_bytes());
    while let ([a, from_rest @ ..], [b, to_rest @ ..]) = (from, to)
        && a == b
    {
        (from, to) = (from_rest, to_rest);
    }
    while let ([from_rest @ .., a], [to_rest @ .., b]) = (from, to)
        && a == b
    {
        (from, to) = (from_rest, to_rest);
    }
    match (from, to) {
        ([], [_]) => Some(Edit::Insert),
        ([_], []) => Some(Edit::Remove),
        ([_], [_]) => Some(Edit::Replace),
        ([a, b], [c, d]) if a == d && b == c => Some(Edit::Swap),
        _ => None,
    }
}

const EVERYDAY: &[&str] = &["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// IANA's HTTP method registry, the common methods first. `M-SEARCH` of service discovery comes before `SEARCH`, which is a part of it.
const METHODS: &[&str] = &[
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "M-SEARCH",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_methods() {
        for name in
            ["GET", "POST", "SPAM", "SET", "READ", "WATCH", "BATCH", "MKCOL", "PURGE", "X_1", "UNLINK"]
        {
            assert_eq!(function_name(&format!("do_{name}")), Name::Method(name.to_owned()));
        }
    }

    #[test]
    fn near_misses() {
        for name in [
            "do_get", "do_Get", "do_gET", "Do_GET", "DO_GET", "doGET", "doGet", "DoGet", "GET", "od_GET",
            "d_GET", "do__GET", "do_GTE", "do_GETT", "do_gte", "do_EGT",
        ] {
            assert_eq!(function_name(name), Name::NearMiss("GET"), "{name}");
        }
        assert_eq!(function_name("do_PSOT"), Name::NearMiss("POST"));
        assert_eq!(function_name("do_OPTION"), Name::NearMiss("OPTIONS"));
        assert_eq!(function_name("do_DELATE"), Name::NearMiss("DELETE"));
        assert_eq!(function_name("do_propfind"), Name::NearMiss("PROPFIND"));
        assert_eq!(function_name("do_M_SEARCH"), Name::NearMiss("M-SEARCH"));
        for name in ["do_MSEARCH", "do_m_search", "do_msearch", "doMSEARCH", "do_MSearch"] {
            assert_eq!(function_name(name), Name::NearMiss("M-SEARCH"), "{name}");
        }
        assert_eq!(function_name("do_VERSIONCONTROL"), Name::NearMiss("VERSION-CONTROL"));
        assert_eq!(function_name("do_VERSION_CONTROL"), Name::NearMiss("VERSION-CONTROL"));
    }

    #[test]
    fn helpers() {
        for name in [
            "do_work",
            "do_",
            "do_it",
            "do_2",
            "get",
            "post",
            "handle_GET",
            "do_read",
            "do_set",
            "dotrace",
            "path",
        ] {
            assert_eq!(function_name(name), Name::Helper, "{name}");
        }
        assert_eq!(function_name("do_Spam"), Name::Unclear("Spam".to_owned()));
    }

    #[test]
    fn methods_for_paths() {
        assert_eq!(function_name("do_GET_users"), Name::Path("GET", "users".to_owned()));
        assert_eq!(function_name("do_POST_USERS"), Name::Path("POST", "USERS".to_owned()));
        assert_eq!(function_name("do_get_users"), Name::Helper);
        assert_eq!(function_name("do_COPY_ALL"), Name::Method("COPY_ALL".to_owned()));
    }

    #[test]
    fn overrides() {
        let known = ["setup", "log_message", "send_header", "end_headers"];
        let any = |_: &str| true;
        assert_eq!(near_override("log_mesage", known, any), Some("log_message"));
        assert_eq!(near_override("log_messgae", known, any), Some("log_message"));
        for name in ["send_headers", "setups", "stup", "log_message", "send"] {
            assert_eq!(near_override(name, known, any), None, "{name}");
        }
        assert_eq!(near_override("end_header", known, |name| name == "end_headers"), Some("end_headers"));
        assert_eq!(near_override("end_header", known, |name| name == "send_header"), Some("send_header"));
        assert_eq!(recased("logMessage", known), Some("log_message"));
        assert_eq!(recased("set_up", known), Some("setup"));
        assert_eq!(recased("log_message", known), None);
    }

    #[test]
    fn edits() {
        assert_eq!(edit("GET", "GET"), None);
        assert_eq!(edit("GET", "GTE"), Some(Edit::Swap));
        assert_eq!(edit("GET", "GEET"), Some(Edit::Insert));
        assert_eq!(edit("GET", "GE"), Some(Edit::Remove));
        assert_eq!(edit("GET", "SET"), Some(Edit::Replace));
        assert_eq!(edit("GET", "PUT"), None);
    }
}
