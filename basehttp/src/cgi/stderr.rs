//! A script's standard error, on its way to the log.

/// Splits it into lines, up to a number and a length.
#[derive(Debug)]
pub(super) struct StderrLines {
    line: Vec<u8>,
    left: u32,
    lost: u64,
}

/// How many bytes of a line are logged.
const LONGEST: usize = 1000;

impl StderrLines {
    pub(super) fn new(lines: u32) -> Self {
        Self { line: Vec::new(), left: lines, lost: 0 }
    }

    /// Takes more bytes, and passes complete lines to `tell`.
    pub(super) fn take(&mut self, mut data: &[u8], tell: &dyn Fn(&str)) {
        while !data.is_empty() && self.left > 0 {
            let end = memchr::memchr(b'\n', data);
            let (piece, rest) = data.split_at(end.map_or(data.len(), |end| end + 1));
            data = rest;
            let room = (LONGEST + 1).saturating_sub(self.line.len());
            let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
            self.line.extend_from_slice(piece.get(..room).unwrap_or(piece));
            if end.is_some() {
                self.tell_line(tell);
            }
        }
        self.lost += data.len() as u64;
    }

    /// Logs a last line without an end, and how much was left out.
    pub(super) fn end(&mut self, tell: &dyn Fn(&str)) {
        if !self.line.is_empty() {
            self.tell_line(tell);
        }
        if self.lost > 0 {
            tell(&format!("{} more bytes are left out", self.lost));
        }
    }

    fn tell_line(&mut self, tell: &dyn Fn(&str)) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let text = String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line));
        let dots = if line.len() > LONGEST { "..." } else { "" };
        tell(&format!("{text}{dots}"));
        self.line.clear();
        self.left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn told(lines: u32, pieces: &[&[u8]]) -> Vec<String> {
        let told: RefCell<Vec<String>> = RefCell::default();
        let tell = |line: &str| told.borrow_mut().push(line.to_owned());
        let mut stderr = StderrLines::new(lines);
        for piece in pieces {
            stderr.take(piece, &tell);
        }
        stderr.end(&tell);
        told.into_inner()
    }

    #[test]
    fn lines_are_told_whole_and_as_many_as_are_wanted() {
        assert_eq!(told(9, &[b"a\nb", b"c\r\n\nd"]), ["a", "bc", "", "d"]);
        assert_eq!(told(2, &[b"a\nb\nc\n", b"d"]), ["a", "b", "3 more bytes are left out"]);
        assert_eq!(told(0, &[b"abc"]), ["3 more bytes are left out"]);
        assert_eq!(told(9, &[]), [""; 0]);
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = told(9, &[&[b'a'; 900], &[b'a'; 900], b"\nb\n"]);
        assert_eq!(long, [format!("{}...", "a".repeat(1000)), "b".to_owned()]);
        assert_eq!(told(9, &[&[b'a'; 1000], b"\n"]), ["a".repeat(1000)]);
    }
}
