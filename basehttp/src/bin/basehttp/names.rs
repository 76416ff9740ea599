//! Names of files that clients choose.

/// The longest that file systems take, less what a temporary name could need.
const LONGEST: usize = 240;

/// The names that Windows keeps for devices, whatever follows the first dot.
const DEVICES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
    "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// A name for a file that a client calls so: of a path its last part, nothing hidden, nothing that a system or a page could
/// take for something else. None where nothing is left.
pub(crate) fn safe(told: &str) -> Option<String> {
    // Some clients send the path that the file has with them, Windows' among them.
    let last = told.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    // A dot or a blank at the end is left out by Windows; one at the beginning hides the file.
    let name = name.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is_device = DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem));
    Some(if is_device { format!("_{name}") } else { name.to_owned() })
}

/// Windows takes none of `<>:"|?*`; some characters are not seen, or turn the line around.
fn is_safe(c: char) -> bool {
    !c.is_control()
        && !"<>:\"|?*".contains(c)
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
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
            ("a:stream", Some("a_stream")),
            ("gpj\u{202e}exe", Some("gpj_exe")),
            ("\u{e9}\u{1f600}.png", Some("\u{e9}\u{1f600}.png")),
        ] {
            assert_eq!(safe(told).as_deref(), name, "{told:?}");
        }
        assert_eq!(safe(&"a".repeat(LONGEST)).map(|name| name.len()), Some(LONGEST));
        assert_eq!(safe(&"a".repeat(LONGEST + 1)), None);
    }
}
