//! Predicts which requests have handlers that block, or that are compute-bound: a table of what each kind of request has
//! shown so far, as in a processor's branch predictor.
//!
//! The costs of a wrong guess are asymmetric, and so is the guess. A quick handler on a pool thread costs 30 us of processor
//! time. A handler that blocks on a driver delays every connection by a millisecond or two, until the watchdog makes another
//! thread drive. So a handler runs on a driver only if it is trusted, and a single block ends the trust.

use std::hash::{BuildHasher, RandomState};

use super::sync::{AtomicU32, AtomicUsize, Ordering};

pub(super) struct Predictor {
    /// Pairs of entries; a kind of request is in one of the two, or unknown.
    entries: [AtomicU32; ENTRIES],
    /// Secret, so that a client cannot aim requests at the entry of another path.
    seed: u64,
    /// Runs in the pool of handlers that surely block.
    runs: AtomicUsize,
}

const ENTRIES: usize = 1024;

/// How much of a path distinguishes it from others.
const PATH: usize = 96;

/// Longer segments that contain digits are generated names, which do not recur.
const LONG_SEGMENT: usize = 16;

/// A handler that has never blocked is trusted after this many quick runs.
const NEW_RUNS: u8 = 4;
/// One that has blocked, after this many in a row.
const RUNS: u8 = 64;
/// One that was compute-bound, after this many.
const SHORT_RUNS: u8 = 16;

// The states of a kind of request. Where a state is a range, it counts quick runs.
/// It has never blocked.
const NEW: u8 = 0;
/// It has blocked, or may have.
const WAITED: u8 = 64;
/// It blocked in its last run; the range counts how often in a row.
const WAITING: u8 = 160;
/// From here on only a sample of the runs is measured.
const SURELY: u8 = WAITING + 8;
const SAMPLE: usize = 16;
/// It is compute-bound: it computes for so long that it would delay others on the same thread.
const COMPUTING: u8 = 192;
/// It was trusted, and the watchdog has found a run that has not returned: no request of this kind runs on a driver until
/// the reason is known. The range counts quick runs meanwhile: the reason may be lost to another thread that learns at the
/// same time, and the suspension must still end.
const SUSPENDED: u8 = COMPUTING + SHORT_RUNS;
/// It is trusted, though its last run took long: the next one is measured.
const TRUSTED_BUT_SLOW: u8 = 254;
const TRUSTED: u8 = 255;

/// What is expected of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    /// It has been quick.
    Quick,
    /// It may run on a driver, although it takes some hundred microseconds.
    Slow,
    /// Too little is known of it, or it blocks now and then.
    Uncertain,
    /// It blocked in its last run.
    Waits,
    /// It computes for more than a tick of the watchdog.
    Computes,
}

/// What a run of a handler has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    /// It took less than a hand-over to another thread.
    Quick,
    /// It took longer, and computed.
    Computed,
    /// It computed for longer than others may be delayed.
    ComputedLong,
    /// It took longer than a hand-over, and gave up the processor voluntarily meanwhile.
    Waited,
    /// It waited for its client. Its thread gives up the permit itself for that.
    WaitedForClient,
}

/// A kind of request: its method with the shape of its path, and, for what that has not shown, with only the first segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    path: u64,
    segment: u64,
}

impl Kind {
    /// As two words, both zero for `None`.
    pub(super) fn words(kind: Option<Self>) -> [u64; 2] {
        kind.map_or([0, 0], |kind| [kind.path, kind.segment])
    }

    pub(super) fn of_words([path, segment]: [u64; 2]) -> Option<Self> {
        (path != 0).then_some(Self { path, segment })
    }
}

impl Predictor {
    pub(super) fn new() -> Self {
        Self::with_seed(RandomState::new().hash_one(0))
    }

    fn with_seed(seed: u64) -> Self {
        Self { entries: std::array::from_fn(|_| AtomicU32::new(0)), seed, runs: AtomicUsize::new(0) }
    }

    /// The kind of such requests: `/users/17` benefits from what `/users/16` has shown, and to some extent from `/users/me`.
    pub(super) fn kind(&self, command: &str, path: &str) -> Kind {
        // FNV-1a with a secret start: an entry is only a guess, and this runs for every request.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let start = mix(command.bytes().fold(self.seed, mix), b' ');
        let (mut hash, mut segment) = (start, None);
        // The length of the segment so far, and the hash at its start.
        let (mut length, mut before, mut has_digits, mut after_digit) = (0, start, false, false);
        let path = path.bytes().take(PATH).take_while(|byte| !matches!(byte, b'?' | b'#'));
        for (at, byte) in path.enumerate() {
            if byte == b'/' {
                if at > 0 && segment.is_none() {
                    segment = Some(mix(hash, b'/'));
                }
                hash = mix(hash, b'/');
                (length, before, has_digits, after_digit) = (0, hash, false, false);
                continue;
            }
            length += 1;
            let is_digit = byte.is_ascii_digit();
            has_digits |= is_digit;
            if has_digits && length > LONG_SEGMENT {
                hash = mix(before, b'0');
            } else if !(is_digit && after_digit) {
                hash = mix(hash, if is_digit { b'0' } else { byte });
            }
            after_digit = is_digit;
        }
        Kind { path: spread(hash), segment: spread(segment.unwrap_or(hash)) }
    }

    pub(super) fn guess(&self, kind: Kind) -> Guess {
        let state = self.state(kind.path).unwrap_or(NEW);
        match state {
            TRUSTED => Guess::Quick,
            TRUSTED_BUT_SLOW => Guess::Slow,
            SUSPENDED.. => Guess::Uncertain,
            COMPUTING.. => Guess::Computes,
            WAITING.. => Guess::Waits,
            WAITED.. => Guess::Uncertain,
            // Others below the same segment have been quick, and none has blocked.
            _ if kind.segment != kind.path => match self.state(kind.segment) {
                Some(TRUSTED) => Guess::Quick,
                Some(TRUSTED_BUT_SLOW) => Guess::Slow,
                _ => Guess::Uncertain,
            },
            _ => Guess::Uncertain,
        }
    }

    /// Whether the next run of a handler in the pool is measured: as long as little is known, and now and then later.
    pub(super) fn is_doubtful(&self, kind: Kind) -> bool {
        let is_sure = self.state(kind.path).is_some_and(|state| (SURELY..COMPUTING).contains(&state));
        !is_sure || self.runs.fetch_add(1, Ordering::Relaxed).is_multiple_of(SAMPLE)
    }

    /// Records what a run of a handler of this kind has shown.
    pub(super) fn learn(&self, kind: Kind, lesson: Lesson) {
        let has_segment = kind.segment != kind.path;
        let may_wait = |state: u8| (WAITED..COMPUTING).contains(&state);
        // If others below the segment have blocked, a new path has to show as much as one that has.
        let is_suspect = has_segment && self.state(kind.segment).is_some_and(may_wait);
        self.change(kind.path, |old| after(if is_suspect { old.max(WAITED) } else { old }, lesson));
        if has_segment {
            self.change(kind.segment, |old| match lesson {
                // One that computes says nothing about the others.
                Lesson::Computed if may_wait(old) => old,
                _ => after(old, lesson),
            });
        }
    }

    /// A trusted handler took long without being measured. The next one is measured, on the driver.
    pub(super) fn look(&self, kind: Kind) {
        // A new path was trusted because of its segment.
        let is_trusted = |old: u8| old >= SUSPENDED;
        let looked_at = |old: u8| if is_trusted(old) || old < WAITED { TRUSTED_BUT_SLOW } else { old };
        self.change(kind.path, looked_at);
        if kind.segment != kind.path {
            self.change(kind.segment, |old| if is_trusted(old) { TRUSTED_BUT_SLOW } else { old });
        }
    }

    /// The watchdog has found a trusted handler that has not returned. When it returns, the reason is known:
    /// [`learn`](Self::learn), [`look`](Self::look) or [`doubt`](Self::doubt) follows.
    pub(super) fn suspend(&self, kind: Kind) {
        let is_known = WAITED..TRUSTED_BUT_SLOW;
        self.change(kind.path, |old| if is_known.contains(&old) { old } else { SUSPENDED });
        if kind.segment != kind.path {
            self.change(kind.segment, |old| if old >= TRUSTED_BUT_SLOW { SUSPENDED } else { old });
        }
    }

    /// The watchdog has found a trusted handler, and it is unknown whether it blocked, computed, or was preempted. This
    /// halves the trust.
    pub(super) fn doubt(&self, kind: Kind) {
        let is_in_doubt = WAITED..SUSPENDED;
        let doubted = |old| if is_in_doubt.contains(&old) { old } else { WAITED + RUNS / 2 };
        self.change(kind.path, doubted);
        if kind.segment != kind.path {
            self.change(kind.segment, doubted);
        }
    }

    fn pair(&self, hash: u64) -> &[AtomicU32] {
        let pair = usize::try_from((hash >> 24) % (ENTRIES as u64 / 2)).unwrap_or(0);
        self.entries.get(2 * pair..2 * pair + 2).unwrap_or_default()
    }

    /// The state of a kind of request, if it is known.
    fn state(&self, hash: u64) -> Option<u8> {
        let tag = tag(hash);
        self.pair(hash).iter().find_map(|entry| {
            let found = Entry::from(entry.load(Ordering::Relaxed));
            if found.tag != tag || found.age == 0 {
                return None;
            }
            if found.age < Entry::FRESH {
                entry.store(Entry { age: Entry::FRESH, ..found }.into(), Ordering::Relaxed);
            }
            Some(found.state)
        })
    }

    /// If two threads learn at once, one lesson may be lost; it will come again.
    fn change(&self, hash: u64, change: impl Fn(u8) -> u8) {
        let (tag, pair) = (tag(hash), self.pair(hash));
        let found = |entry: &AtomicU32| Entry::from(entry.load(Ordering::Relaxed));
        if let Some(entry) = pair.iter().find(|entry| found(entry).tag == tag && found(entry).age > 0) {
            let old = found(entry);
            let new = Entry { state: change(old.state), age: Entry::FRESH, ..old };
            if new != old {
                entry.store(new.into(), Ordering::Relaxed);
            }
            return;
        }
        // An entry that is not asked for ages with every newcomer, so a flood of paths that occur once does not evict the
        // others.
        match pair.iter().find(|entry| found(entry).age == 0) {
            Some(entry) => entry.store(Entry { tag, age: 1, state: change(NEW) }.into(), Ordering::Relaxed),
            None => pair.iter().for_each(|entry| {
                let old = found(entry);
                entry.store(Entry { age: old.age.saturating_sub(1), ..old }.into(), Ordering::Relaxed);
            }),
        }
    }
}

/// The next state.
fn after(old: u8, lesson: Lesson) -> u8 {
    let one_more = |from: u8, runs: u8| if old + 1 >= from + runs { TRUSTED } else { old + 1 };
    match (lesson, old) {
        (Lesson::Waited, WAITING..COMPUTING) => (old + 1).min(SURELY),
        (Lesson::Waited, _) => WAITING,
        (Lesson::Quick | Lesson::Computed, SUSPENDED..TRUSTED_BUT_SLOW) => old + 1,
        (Lesson::Quick, TRUSTED_BUT_SLOW..) => TRUSTED,
        (Lesson::Quick | Lesson::WaitedForClient, NEW..WAITED) => one_more(NEW, NEW_RUNS),
        (Lesson::Quick | Lesson::Computed, WAITING..COMPUTING) => WAITED,
        (Lesson::Quick | Lesson::Computed, WAITED..WAITING) => one_more(WAITED, RUNS),
        (Lesson::Quick | Lesson::Computed, COMPUTING..SUSPENDED) => one_more(COMPUTING, SHORT_RUNS),
        // Computing is not blocking: in the pool such handlers would only contend with each other.
        (Lesson::Computed, NEW..WAITED | TRUSTED_BUT_SLOW..) => TRUSTED_BUT_SLOW,
        // It may also block, so it stays where it is.
        (Lesson::ComputedLong, WAITED..COMPUTING) | (Lesson::WaitedForClient, _) => old,
        (Lesson::ComputedLong, _) => COMPUTING,
    }
}

/// The entry of a kind of request, in one word, so that a thread never reads half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tag: u16,
    /// 0 marks a free entry.
    age: u8,
    state: u8,
}

impl Entry {
    /// An entry in use survives this many newcomers.
    const FRESH: u8 = 15;
}

impl From<u32> for Entry {
    fn from(word: u32) -> Self {
        let [high, low, age, state] = word.to_be_bytes();
        Self { tag: u16::from_be_bytes([high, low]), age, state }
    }
}

impl From<Entry> for u32 {
    fn from(entry: Entry) -> Self {
        let [high, low] = entry.tag.to_be_bytes();
        u32::from_be_bytes([high, low, entry.age, entry.state])
    }
}

/// Makes every bit of a hash depend on every byte: the last byte in FNV affects only few bits.
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

fn tag(hash: u64) -> u16 {
    let [high, low, ..] = hash.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
