//! Reloads certificate files that are replaced while the server runs, once certificate and key match.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::TlsConfig;
use crate::handler::wire::Level;
use crate::sync::{Arc, Condvar, Mutex, PoisonError, lock};

/// Checks the files of a certificate periodically.
pub(in crate::server) struct Watch {
    tls: TlsConfig,
    /// The hash at the last check: files that are being written change until the next one.
    last: u64,
    waiting: Option<Waiting>,
}

/// The files differ from the certificate that is served, and cannot be used yet.
struct Waiting {
    since: Instant,
    /// Whether this was logged.
    is_told: bool,
    /// The hash of the contents that were tried in vain.
    tried: Option<u64>,
    why: String,
}

/// A certificate and its key are replaced one after the other, by hand within a minute. After that, a warning is logged.
const LONG: Duration = Duration::from_secs(60);

/// The thread that checks. It ends when this is dropped.
pub(in crate::server) struct Watching(Arc<End>);

struct End {
    has_come: Mutex<bool>,
    came: Condvar,
}

impl Drop for Watching {
    fn drop(&mut self) {
        *lock(&self.0.has_come) = true;
        self.0.came.notify_all();
    }
}

impl End {
    /// Whether the end comes within this time.
    fn comes_within(&self, time: Duration) -> bool {
        let until = Instant::now().checked_add(time);
        let mut has_come = lock(&self.has_come);
        while !*has_come {
            let left = until.map_or(time, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            has_come = self.came.wait_timeout(has_come, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Watch {
    /// Checks at this interval, on a thread of its own.
    pub(in crate::server) fn start(
        tls: TlsConfig,
        every: Duration,
        tell: impl Fn(&str, Level) + Send + 'static,
    ) -> io::Result<Watching> {
        let mut watch = Self::new(tls);
        let end = Arc::new(End { has_come: Mutex::new(false), came: Condvar::new() });
        let watching = Watching(end.clone());
        let work = move || {
            while !end.comes_within(every) {
                if let Some((line, level)) = watch.look(Instant::now()) {
                    tell(&line, level);
                }
            }
        };
        thread::Builder::new().name("basehttp-watch-tls".to_owned()).spawn(work)?;
        Ok(watching)
    }

    fn new(tls: TlsConfig) -> Self {
        let last = tls.mark();
        Self { tls, last, waiting: None }
    }

    /// Uses the contents of the files for new connections, if they are a different certificate with its key, both complete.
    /// Returns a log line if they are, and one if the two have not matched for long.
    fn look(&mut self, now: Instant) -> Option<(String, Level)> {
        let files = self.tls.shared.files.as_ref()?;
        let name = files.certificate.display();
        let found = files.read().map(|contents| (contents.mark(&self.tls.shared.hasher), contents));
        let outcome: io::Result<bool> = match found {
            // Also if the files were reloaded by a call, or the old ones were put back.
            Ok((mark, _)) if mark == self.tls.mark() => {
                (self.last, self.waiting) = (mark, None);
                return None;
            }
            Ok((mark, contents)) => {
                let is_settled = std::mem::replace(&mut self.last, mark) == mark;
                let waiting = self.waiting.get_or_insert_with(|| Waiting::new(now));
                if is_settled && waiting.tried.replace(mark) != Some(mark) {
                    self.tls.take(files, &contents).map(|()| true)
                } else {
                    Ok(false)
                }
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(true) => {
                self.waiting = None;
                let line = format!("the certificate in {name} has been read again, for new connections");
                return Some((line, Level::Info));
            }
            Ok(false) => {}
            Err(error) => self.waiting.get_or_insert_with(|| Waiting::new(now)).why = error.to_string(),
        }
        let waiting = self.waiting.as_mut()?;
        let time = now.saturating_duration_since(waiting.since);
        if waiting.is_told || time < LONG {
            return None;
        }
        waiting.is_told = true;
        let line = format!(
            "still serving the old certificate of {name}: the files changed {} s ago and cannot be used: {}",
            time.as_secs(),
            waiting.why
        );
        Some((line, Level::Warning))
    }
}

impl Waiting {
    fn new(since: Instant) -> Self {
        Self { since, is_told: false, tried: None, why: "they keep changing".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    /// A certificate and its key.
    fn pair() -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn write(folder: &Path, certificate: Option<&str>, key: Option<&str>) {
        for (name, text) in [("cert.pem", certificate), ("key.pem", key)] {
            if let Some(text) = text {
                fs::write(folder.join(name), text).unwrap();
            }
        }
    }

    #[test]
    fn a_pair_is_taken_when_it_fits_and_has_stood_still_and_told_once() {
        let (first, second) = (pair(), pair());
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), Some(&first.0), Some(&first.1));
        let tls =
            TlsConfig::from_files(folder.path().join("cert.pem"), folder.path().join("key.pem")).unwrap();
        let mut watch = Watch::new(tls.clone());
        let (start, mut seconds) = (Instant::now(), 0);
        let mut look = || {
            seconds += 10;
            watch.look(start + Duration::from_secs(seconds))
        };
        let old = tls.mark();
        assert_eq!(look(), None);
        write(folder.path(), Some(&second.0), None);
        for _ in 0..3 {
            assert_eq!(look(), None);
        }
        write(folder.path(), None, Some(&second.1));
        assert_eq!((look(), tls.mark()), (None, old), "it may be being written");
        let (line, level) = look().unwrap();
        assert!(line.ends_with("cert.pem has been read again, for new connections"), "{line}");
        assert_eq!(level, Level::Info);
        assert!(tls.mark() != old);
        assert_eq!(look(), None);

        // A long failure is reported once, and once more when it is over and begins anew.
        for _ in 0..2 {
            fs::remove_file(folder.path().join("key.pem")).unwrap();
            let told: Vec<_> = (0..20).filter_map(|_| look()).collect();
            assert_eq!(told.len(), 1, "{told:?}");
            let (line, level) = &told[0];
            assert!(
                line.contains("cert.pem: the files changed 60 s ago and cannot be used: cannot read "),
                "{line}"
            );
            assert_eq!(*level, Level::Warning);
            write(folder.path(), None, Some(&second.1));
            assert_eq!(look(), None, "the one that is served is back");
        }

        // Files that do not match are not tried again until they change. The reason is logged.
        write(folder.path(), Some(&first.0), None);
        let told: Vec<_> = (0..20).filter_map(|_| look()).collect();
        assert!(
            matches!(&told[..], [(line, _)] if line.contains("does not match the certificate")),
            "{told:?}"
        );

        // The program reloads them itself.
        write(folder.path(), None, Some(&first.1));
        assert_eq!(look(), None);
        tls.reload().unwrap();
        assert_eq!((look(), look()), (None, None));
    }
}
