//! Field values with parameters, such as those of `Content-Type` and `Content-Disposition`.

use std::collections::BTreeMap;

use super::grammar::{decimal, is_token_text, percent_decoded, trim_blanks};

/// A parsed field value with parameters (RFC 9110 section 5.6.6): Python's `cgi.parse_header`.
///
/// Names are compared ignoring case, and returned in lower case. Quoted text is opaque: semicolons and names in it have no
/// meaning. A name with an asterisk declares a character set (RFC 8187) and may be split into several pieces (RFC 2231
/// section 3), as mail programs do. Its value has the name without the asterisk, and precedes a parameter that has no
/// asterisk (RFC 6266 section 4.3). Invalid parameters are skipped, so parsing never fails. Of two parameters with the same
/// name the first counts.
///
/// ```
/// use basehttp::Parameters;
///
/// let disposition = Parameters::parse("form-data; name=\"a; b\"; FILENAME=\"x \\\"y\\\".txt\"");
/// assert_eq!(disposition.value(), "form-data");
/// assert_eq!(disposition.get("name"), Some("a; b"));
/// assert_eq!(disposition.get("filename"), Some("x \"y\".txt"));
///
/// let media_type = Parameters::parse("Text/HTML;Charset=\"utf-8\"");
/// assert!(media_type.is("text/html"));
/// assert_eq!(media_type.get("charset"), Some("utf-8"));
///
/// let attachment = Parameters::parse("attachment; filename*=UTF-8''na%C3%AFve.txt; filename=\"naive.txt\"");
/// assert_eq!(attachment.get("filename"), Some("naïve.txt"));
/// ```
#[doc(alias("parse_header"))]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    value: String,
    parameters: Vec<(String, String)>,
}

/// The most parameters that are read: a field of 64 KiB could have ten thousand.
const MOST: usize = 100;

/// The most pieces of one value (RFC 2231 section 3) that are read.
const MOST_PIECES: u64 = 100;

/// A parameter as written in the field.
struct Raw {
    name: String,
    value: Vec<u8>,
    is_quoted: bool,
}

impl Parameters {
    /// Parses a value.
    pub fn parse(value: &str) -> Self {
        Self::parse_bytes(value.as_bytes())
    }

    /// Parses a value that may not be text. Bytes that are not UTF-8 are read as Latin-1.
    pub fn parse_bytes(value: &[u8]) -> Self {
        let (main, mut rest) = split_at_byte(value, b';');
        let mut raw = Vec::new();
        while !rest.is_empty() && raw.len() < MOST {
            let parameter;
            (parameter, rest) = next(rest);
            raw.extend(parameter);
        }
        Self { value: text(trim_blanks(main)), parameters: decode(raw) }
    }

    /// The text before the parameters.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether the value is this one, ignoring case.
    pub fn is(&self, value: &str) -> bool {
        self.value.eq_ignore_ascii_case(value)
    }

    /// The value of the parameter with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All parameters, as names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// The first parameter, if it is valid, and the rest after its semicolon.
fn next(bytes: &[u8]) -> (Option<Raw>, &[u8]) {
    let end = bytes.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(bytes.len());
    let (name, rest) = bytes.split_at(end);
    let name = trim_blanks(name);
    let Some(rest) = rest.strip_prefix(b"=") else {
        return (None, rest.get(1..).unwrap_or_default());
    };
    let rest = rest.trim_ascii_start();
    let (value, is_quoted, rest) = if let Some(quoted) = rest.strip_prefix(b"\"") {
        let (value, rest) = unquote(quoted);
        (value, true, split_at_byte(rest, b';').1)
    } else {
        let (value, rest) = split_at_byte(rest, b';');
        (trim_blanks(value).to_vec(), false, rest)
    };
    (is_token_text(name).then(|| Raw { name: text(name).to_ascii_lowercase(), value, is_quoted }), rest)
}

/// Splits at the first such byte, which is dropped.
fn split_at_byte(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == at).unwrap_or(bytes.len());
    let (before, rest) = bytes.split_at(end);
    (before, rest.get(1..).unwrap_or_default())
}

/// The quoted text, from after its first quote, and the rest after its last. In RFC 9110 section 5.6.4 a backslash escapes
/// any byte. Here it escapes only quotes and backslashes: clients on Windows have sent paths with unescaped backslashes.
fn unquote(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = bytes;
    loop {
        match rest {
            [] | [b'"', ..] => return (value, rest.get(1..).unwrap_or_default()),
            [b'\\', byte @ (b'"' | b'\\'), after @ ..] | [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
        }
    }
}

/// The parameters by name, those with a character set first.
fn decode(raw: Vec<Raw>) -> Vec<(String, String)> {
    let mut extended = Vec::new();
    let mut plain = Vec::new();
    let mut pieces: BTreeMap<String, BTreeMap<u64, Raw>> = BTreeMap::new();
    for parameter in raw {
        let name = parameter.name.clone();
        match name.split_once('*') {
            None => plain.push((name, text(&parameter.value))),
            // RFC 8187 section 3.2.1: never quoted; some clients quote it, which does no harm.
            Some((name, "")) => {
                extended.extend(with_charset(&parameter.value).map(|value| (name.to_owned(), value)));
            }
            Some((name, number)) => {
                let number = number.strip_suffix('*').unwrap_or(number);
                let Some(number) = decimal(number.as_bytes()).filter(|number| *number < MOST_PIECES) else {
                    continue;
                };
                pieces.entry(name.to_owned()).or_default().entry(number).or_insert(parameter);
            }
        }
    }
    extended.extend(pieces.into_iter().filter_map(|(name, pieces)| Some((name, joined(pieces)?))));
    extended.append(&mut plain);
    extended
}

/// RFC 2231 section 4.1: the first piece has the character set, and an asterisk on each shows whether it is encoded.
fn joined(pieces: BTreeMap<u64, Raw>) -> Option<String> {
    let mut pieces =
        (0..).zip(pieces).map_while(|(number, (known, piece))| (known == number).then_some(piece));
    let first = pieces.next()?;
    let is_encoded = |piece: &Raw| piece.name.ends_with('*') && !piece.is_quoted;
    let (charset, start) = match charset(&first.value) {
        Some((charset, start)) if is_encoded(&first) => (Some(charset), percent_decoded(start).into_owned()),
        _ => (None, first.value.clone()),
    };
    let mut bytes = start;
    for piece in pieces {
        if is_encoded(&piece) {
            bytes.extend_from_slice(&percent_decoded(&piece.value));
        } else {
            bytes.extend_from_slice(&piece.value);
        }
    }
    charset.map_or_else(|| Some(text(&bytes)), |charset| decoded(charset, &bytes))
}

/// RFC 8187 section 3.2.1: `charset'language'value-chars`.
fn with_charset(value: &[u8]) -> Option<String> {
    let (charset, value) = charset(value)?;
    decoded(charset, &percent_decoded(value))
}

fn charset(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, value) = (parts.next()?, parts.next()?, parts.next()?);
    Some((charset, value))
}

/// RFC 8187 section 3.2.1 allows UTF-8; its predecessor RFC 5987 also had ISO-8859-1.
fn decoded(charset: &[u8], bytes: &[u8]) -> Option<String> {
    if charset.eq_ignore_ascii_case(b"utf-8") {
        str::from_utf8(bytes).ok().map(str::to_owned)
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") || charset.eq_ignore_ascii_case(b"us-ascii") {
        Some(bytes.iter().copied().map(char::from).collect())
    } else {
        None
    }
}

/// Decodes bytes as UTF-8, or else as Latin-1.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filename(value: &str) -> Option<String> {
        Parameters::parse(value).get("filename").map(str::to_owned)
    }

    #[test]
    fn what_stands_in_quotes_is_opaque() {
        for (value, name) in [
            (
                "form-data; name=\"upload\"; note=\"x; filename=evil.exe \"; filename=\"safe.txt\"",
                Some("safe.txt"),
            ),
            ("form-data; name=\"a\\\"; filename=\\\"evil.txt\"; filename=\"safe.txt\"", Some("safe.txt")),
            ("form-data; name=\"my filename\"; filename=\"a\"", Some("a")),
            ("form-data; name=\"filename=evil\"", None),
            ("form-data; name=\"a\"; filename=\"C:\\Users\\ann\\b.txt\"", Some("C:\\Users\\ann\\b.txt")),
            ("form-data; filename=\"a\\\\b\"", Some("a\\b")),
            ("form-data; filename=\"a;b=c\"", Some("a;b=c")),
            // The quoted string is not closed.
            ("form-data; filename=\"a", Some("a")),
            ("form-data; filename=\"a\\", Some("a\\")),
        ] {
            assert_eq!(filename(value).as_deref(), name, "{value}");
        }
    }

    #[test]
    fn names_are_whole_and_in_any_case() {
        for (value, name) in [
            ("form-data; FILENAME=\"a.txt\"", Some("a.txt")),
            ("form-data;filename=a.txt", Some("a.txt")),
            ("form-data; filename = a b.txt ;", Some("a b.txt")),
            ("form-data; filename= \"a\" ; x", Some("a")),
            ("form-data; xfilename=a; filenamex=b", None),
            ("form-data; filename", None),
            ("form-data; =a; filename=b; filename=c", Some("b")),
            ("form-data; file name=a", None),
            ("filename=a", None),
            ("", None),
            (";;;", None),
        ] {
            assert_eq!(filename(value).as_deref(), name, "{value}");
        }
    }

    #[test]
    fn other_character_sets_and_pieces() {
        for (value, name) in [
            ("a; filename*=UTF-8''x.txt; filename=\"a.txt\"", Some("x.txt")),
            ("a; filename=\"a.txt\"; filename*=utf-8'en'%e2%82%ac%20rates", Some("\u{20ac} rates")),
            ("a; filename*=iso-8859-1''%e9", Some("\u{e9}")),
            ("a; filename*=\"UTF-8''%e2%82%ac\"", Some("\u{20ac}")),
            // The declared character set is wrong or unknown.
            ("a; filename*=UTF-8''%ff; filename=b", Some("b")),
            ("a; filename*=koi8-r''%ff; filename=b", Some("b")),
            ("a; filename*=x.txt; filename=b", Some("b")),
            ("a; filename*=UTF-8''%4; filename=b", Some("%4")),
            ("a; filename*0=\"a;\"; filename*1=b", Some("a;b")),
            ("a; filename*1=b; filename*0=a", Some("ab")),
            ("a; filename*0*=UTF-8''%e2%82; filename*1*=%ac; filename*2=\"%20\"", Some("\u{20ac}%20")),
            ("a; filename*0=a; filename*2=c", Some("a")),
            ("a; filename*1=b; filename=c", Some("c")),
            ("a; filename*99999999999=b", None),
            ("a; filename**=b", None),
            // Only what has an asterisk and no quotes is encoded.
            ("a; filename*0=a; filename*1=%41", Some("a%41")),
            ("a; filename*0=\"UTF-8''%41\"", Some("UTF-8''%41")),
            ("a; filename*0*=\"UTF-8''%41\"; filename*1*=\"%41\"", Some("UTF-8''%41%41")),
        ] {
            assert_eq!(filename(value).as_deref(), name, "{value}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_latin_1() {
        let value = Parameters::parse_bytes(b"form-data; filename=\"\xe9.txt\"; name=\"\xc3\xa9\"");
        assert_eq!((value.get("filename"), value.get("name")), (Some("\u{e9}.txt"), Some("\u{e9}")));
    }

    #[test]
    fn a_value_is_compared_in_any_case_and_whole() {
        let value = Parameters::parse("Text/HTML; charset=utf-8");
        assert!(value.is("text/html") && value.is("TEXT/html"));
        assert!(!value.is("text") && !value.is("text/htm") && !value.is("Text/HTML; charset=utf-8"));
    }

    #[test]
    fn a_value_has_not_any_number_of_pieces() {
        let pieces: Vec<_> = (0..=MOST_PIECES).map(|number| format!("; filename*{number}=x")).collect();
        assert_eq!(filename(&format!("a{}", pieces.concat())), Some("x".repeat(100)));
        let last = format!("; f*{}=y", MOST_PIECES - 1);
        let before: Vec<_> = (0..MOST_PIECES - 1).map(|number| format!("; f*{number}=x")).collect();
        let joined = format!("{}y", "x".repeat(99));
        assert_eq!(Parameters::parse(&format!("a{}{last}", before.concat())).get("f"), Some(&*joined));
    }

    #[test]
    fn a_field_has_not_any_number() {
        let value = Parameters::parse(&"a;b=c".repeat(10_000));
        assert_eq!(value.iter().count(), MOST);
    }

    /// A value quoted according to the grammar.
    fn written(value: &str) -> String {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_quoted_is_read(one in "\\PC*", two in "[ -~]*") {
            let value = format!("form-data; name={}; filename={}", written(&one), written(&two));
            let value = Parameters::parse(&value);
            prop_assert_eq!(value.value(), "form-data");
            prop_assert_eq!(value.get("name"), Some(&*one));
            prop_assert_eq!(value.get("filename"), Some(&*two));
        }

        #[test]
        fn nothing_is_refused(value in prop::collection::vec(any::<u8>(), 0..200)) {
            Parameters::parse_bytes(&value);
        }
    }
}
