//! File names that clients choose.

/// The maximum length in most file systems, in bytes.
const LONGEST: usize = 255;

/// Whether Windows reserves a name for a device. What follows the first dot does not matter.
fn is_device(stem: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let is_port = |port: &str| {
        let number = stem.split_at_checked(port.len()).filter(|(start, _)| start.eq_ignore_ascii_case(port));
        // Superscript digits too.
        number.is_some_and(|(_, number)| number.chars().count() == 1)
    };
    DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem)) || is_port("COM") || is_port("LPT")
}

/// Whether a name has the form of those that Windows makes beside long ones: `LONGNA~1.TXT`.
fn is_short_form(name: &str) -> bool {
    let (stem, suffix) = name.split_once('.').unwrap_or((name, ""));
    let number = stem.rsplit_once('~').map(|(_, number)| number);
    let is_number =
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    is_number && stem.chars().count() <= 8 && suffix.chars().count() <= 3
}

/// Makes a safe file name from a client's: the last part of a path, not hidden, and with nothing that a system or a page could
/// misinterpret.
///
/// # Errors
/// Why there is no such name.
pub(crate) fn safe(told: &str) -> Result<String, &'static str> {
    // Some clients send the path that the file has on their machine, also in Windows' notation.
    let last = told.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = last.chars().filter(|c| !is_unseen(*c));
    let name: String = shown.map(|c| if is_safe(c) { c } else { '_' }).collect();
    // Windows removes a dot or a blank at the end. A dot at the beginning hides the file; behind a character that shows nothing,
    // it would only look so.
    let seen = name.trim_start_matches(|c: char| c == '.' || is_nothing_alone(c));
    let (unseen, _) = name.split_at(name.len() - seen.len());
    let after_dots = unseen.rfind('.').map_or(0, |dot| dot + 1);
    let name = name.split_at(after_dots).1.trim_start_matches(|c: char| is_nothing_alone(c) && !is_filler(c));
    let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace());
    if name.chars().all(is_nothing_alone) {
        return Err("A file has no usable name");
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    // On Windows it may be another name of a file that is there, even of a hidden one.
    let short = if cfg!(windows) && is_short_form(name) { name.replace('~', "_") } else { name.to_owned() };
    let name = if is_device(stem) { format!("_{name}") } else { short };
    if name.len() > LONGEST { Err("A file name is longer than 255 bytes") } else { Ok(name) }
}

/// Windows allows none of `<>:"|?*`.
fn is_safe(c: char) -> bool {
    !c.is_control() && !"<>:\"|?*".contains(c)
}

/// Whether a character reverses the text, or is invisible and meaningless: Unicode's format characters, except the two joiners
/// (U+200C, U+200D), which many languages and emoji need.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Whether a character is blank, or visible only beside another.
fn is_nothing_alone(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200c}' | '\u{200d}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}

/// The fillers with which a syllable of old Korean may begin.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks() {
        for (told, name) in [
            ("a.txt", Some("a.txt")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\ann\\a b.txt", Some("a b.txt")),
            ("/", None),
            ("", None),
            (".", None),
            ("..", None),
            ("...", None),
            (". .", None),
            (".htaccess", Some("htaccess")),
            ("a\0b\r\nc", Some("a_b__c")),
            ("a<b>:\"|?*", Some("a_b______")),
            ("file.txt. .", Some("file.txt")),
            ("NUL", Some("_NUL")),
            ("con.tar.gz", Some("_con.tar.gz")),
            ("Com1 .txt", Some("_Com1 .txt")),
            ("console.log", Some("console.log")),
            ("COM\u{b9}.txt", Some("_COM\u{b9}.txt")),
            ("conin$", Some("_conin$")),
            ("COM12", Some("COM12")),
            ("a:stream", Some("a_stream")),
            ("gpj\u{202e}exe", Some("gpjexe")),
            ("a\u{61c}\u{ad}\u{2060}\u{200b}b", Some("ab")),
            // Persian, Hindi and emoji of families need the joiners.
            ("\u{645}\u{6cc}\u{200c}\u{62e}.txt", Some("\u{645}\u{6cc}\u{200c}\u{62e}.txt")),
            ("\u{1f468}\u{200d}\u{1f469}", Some("\u{1f468}\u{200d}\u{1f469}")),
            ("\u{a0}a\u{a0}", Some("a")),
            ("\u{3164}.txt", Some("txt")),
            ("\u{200d}\u{2800}.\u{feff}.htaccess", Some("htaccess")),
            ("\u{115f}\u{1161}.txt", Some("\u{115f}\u{1161}.txt")),
            ("\u{115f}.htaccess", Some("htaccess")),
            (".\u{1160}\u{200d}.\u{115f}.\u{115f}\u{1161}", Some("\u{115f}\u{1161}")),
            ("\u{2764}\u{fe0f}", Some("\u{2764}\u{fe0f}")),
            ("\u{e9}\u{1f600}.png", Some("\u{e9}\u{1f600}.png")),
        ] {
            assert_eq!(safe(told).ok().as_deref(), name, "{told:?}");
        }
        for (told, is_short) in [
            ("GIT~1", true),
            ("env~2.txt", true),
            ("LONGNA~1.TXT", true),
            ("~$letter.docx", false),
            ("a~b", false),
            ("LONGNAM~1.TXT", false),
            ("notes~", false),
            ("A~1.html", false),
        ] {
            assert_eq!(is_short_form(told), is_short, "{told}");
            let is_kept = safe(told).as_deref() == Ok(told);
            assert_eq!(is_kept, !is_short || cfg!(not(windows)), "{told}");
        }
        for nothing in [
            "\u{a0}",
            "\u{61c}",
            "\u{ad}",
            "\u{2060}",
            "\u{200d}\u{200c}",
            "\u{3164}",
            "\u{2800}.",
            "\u{e0041}",
            "\u{fff0}",
            "\u{e0080}",
        ] {
            assert_eq!(safe(nothing), Err("A file has no usable name"), "{nothing:?}");
        }
        let long =
            |name: &str| safe(&[name, &"a".repeat(LONGEST - name.len())].concat()).map(|name| name.len());
        assert_eq!((long(""), long("\u{e9}")), (Ok(LONGEST), Ok(LONGEST)));
        let reason = Err("A file name is longer than 255 bytes");
        assert_eq!((long("NUL."), safe(&"a".repeat(LONGEST + 1)).map(|name| name.len())), (reason, reason));
    }
}
