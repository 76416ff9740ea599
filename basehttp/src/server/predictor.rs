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
mod tests {
    use super::*;

    fn learn(predictor: &Predictor, kind: Kind, lesson: Lesson, times: u8) {
        (0..times).for_each(|_| predictor.learn(kind, lesson));
    }

    #[test]
    fn trust_takes_some_quick_runs_and_one_wait_ends_it() {
        let predictor = Predictor::new();
        let kind = predictor.kind("GET", "/");
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
        learn(&predictor, kind, Lesson::Quick, NEW_RUNS - 1);
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
        learn(&predictor, kind, Lesson::Quick, 1);
        assert_eq!(predictor.guess(kind), Guess::Quick);
        learn(&predictor, kind, Lesson::Waited, 1);
        assert_eq!(predictor.guess(kind), Guess::Waits);
        learn(&predictor, kind, Lesson::Quick, RUNS);
        assert_eq!(predictor.guess(kind), Guess::Uncertain, "the first of them has ended the waiting");
        learn(&predictor, kind, Lesson::Quick, 1);
        assert_eq!(predictor.guess(kind), Guess::Quick);
        predictor.doubt(kind);
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
        learn(&predictor, kind, Lesson::Quick, RUNS / 2);
        assert_eq!(predictor.guess(kind), Guess::Quick);
    }

    #[test]
    fn a_kind_is_suspended_while_a_run_that_was_found_goes_on() {
        let predictor = Predictor::new();
        let kind = predictor.kind("GET", "/");
        learn(&predictor, kind, Lesson::Quick, NEW_RUNS);
        predictor.suspend(kind);
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
        learn(&predictor, kind, Lesson::Quick, RUNS / 2);
        assert_eq!(predictor.guess(kind), Guess::Uncertain, "others say nothing of that run");
        predictor.look(kind);
        assert_eq!(predictor.guess(kind), Guess::Slow, "it was preempted");
        predictor.suspend(kind);
        predictor.doubt(kind);
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
        learn(&predictor, kind, Lesson::Quick, RUNS / 2);
        assert_eq!(predictor.guess(kind), Guess::Quick);
        predictor.suspend(kind);
        predictor.learn(kind, Lesson::ComputedLong);
        assert_eq!(predictor.guess(kind), Guess::Computes);
    }

    #[test]
    fn nothing_is_suspended_for_ever() {
        let predictor = Predictor::new();
        let kind = predictor.kind("GET", "/");
        learn(&predictor, kind, Lesson::Quick, NEW_RUNS);
        // The lesson of that run was learned before.
        predictor.look(kind);
        predictor.suspend(kind);
        learn(&predictor, kind, Lesson::Quick, RUNS);
        assert_eq!(predictor.guess(kind), Guess::Quick);
    }

    #[test]
    fn to_compute_is_not_to_wait() {
        let predictor = Predictor::new();
        let kind = predictor.kind("GET", "/sum");
        predictor.learn(kind, Lesson::Computed);
        assert_eq!(predictor.guess(kind), Guess::Slow);
        predictor.learn(kind, Lesson::ComputedLong);
        assert_eq!(predictor.guess(kind), Guess::Computes);
        learn(&predictor, kind, Lesson::Computed, SHORT_RUNS);
        assert_eq!(predictor.guess(kind), Guess::Quick);
        // A handler that sometimes computes and sometimes blocks is not trusted for the computing.
        predictor.learn(kind, Lesson::Waited);
        predictor.learn(kind, Lesson::ComputedLong);
        predictor.learn(kind, Lesson::Computed);
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
    }

    #[test]
    fn paths_of_one_shape_are_of_one_kind() {
        let predictor = Predictor::new();
        let kind = |path| predictor.kind("GET", path);
        for (one, other) in [
            ("/users/16", "/users/1789?x"),
            ("/item7", "/item123"),
            ("/f/0c4a1fe2-16b3-4d1c-a8f1-6f0a5c6c2b52/x", "/f/7d5be0f0a9c94f0fb3f9d0a6f1b0f7c1/x"),
            ("/#a", "/#b"),
        ] {
            assert_eq!(kind(one), kind(other), "{one} {other}");
        }
        for (one, other) in [
            ("/users/16", "/users/16/posts"),
            ("/a", "/b"),
            ("/a", "/a/"),
            ("/", "/x"),
            ("/blocking", "/blocking/x"),
        ] {
            assert_ne!(kind(one).path, kind(other).path, "{one} {other}");
        }
        assert_ne!(predictor.kind("GET", "/"), predictor.kind("POST", "/"));
        assert_eq!(kind("/a/b").segment, kind("/a/c/d?e").segment);
        assert_eq!(kind("/a").segment, kind("/a").path);
        // The end of a very long path makes no difference.
        let long = "/a".repeat(PATH);
        assert_eq!(kind(&long), kind(&format!("{long}/b")));
    }

    #[test]
    fn what_is_known_of_a_segment_holds_for_a_new_path_until_one_has_waited() {
        let predictor = Predictor::new();
        learn(&predictor, predictor.kind("GET", "/posts/one"), Lesson::Quick, NEW_RUNS);
        let new = predictor.kind("GET", "/posts/two");
        assert_eq!(predictor.guess(new), Guess::Quick);
        predictor.learn(new, Lesson::Waited);
        assert_eq!(predictor.guess(new), Guess::Waits);
        assert_eq!(predictor.guess(predictor.kind("GET", "/posts/three")), Guess::Uncertain);
        assert_eq!(predictor.guess(predictor.kind("GET", "/posts/one")), Guess::Quick, "that one is known");
    }

    #[test]
    fn a_flood_of_new_paths_takes_no_trust_away() {
        // With this seed no two of them have the same tag.
        let predictor = Predictor::with_seed(1);
        let home = predictor.kind("GET", "/");
        learn(&predictor, home, Lesson::Quick, NEW_RUNS);
        for number in 0..100_000_u32 {
            // Letters, since all numbers are the same kind.
            let name: String = number.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            let kind = predictor.kind("GET", &format!("/{name}"));
            assert_ne!(predictor.guess(kind), Guess::Quick);
            predictor.learn(kind, Lesson::Waited);
            assert_eq!(predictor.guess(home), Guess::Quick, "after {number}");
        }
    }

    #[test]
    fn paths_that_differ_in_a_letter_are_different_entries() {
        for seed in 0..100 {
            let predictor = Predictor::with_seed(seed);
            let entries = (b'a'..=b'z').map(|letter| {
                let kind = predictor.kind("GET", &format!("/{}", char::from(letter)));
                (predictor.pair(kind.path).as_ptr(), tag(kind.path))
            });
            assert_eq!(entries.collect::<std::collections::HashSet<_>>().len(), 26, "{seed}");
        }
    }

    #[test]
    fn a_new_path_that_waits_is_not_trusted_for_its_segment_for_long() {
        let predictor = Predictor::new();
        learn(&predictor, predictor.kind("GET", "/api/one"), Lesson::Quick, NEW_RUNS);
        let new = predictor.kind("GET", "/api/two");
        assert_eq!(predictor.guess(new), Guess::Quick);
        predictor.look(new);
        assert_eq!(predictor.guess(new), Guess::Slow, "it runs there once more, and is looked at");
        assert_eq!(predictor.guess(predictor.kind("GET", "/api/three")), Guess::Slow);
        predictor.learn(new, Lesson::Waited);
        assert_eq!(predictor.guess(new), Guess::Waits);
        // Below a segment in which one has blocked, a few quick runs are not enough.
        let third = predictor.kind("GET", "/api/three");
        learn(&predictor, third, Lesson::Quick, NEW_RUNS);
        assert_eq!(predictor.guess(third), Guess::Uncertain);
        learn(&predictor, third, Lesson::Quick, RUNS);
        assert_eq!(predictor.guess(third), Guess::Quick);
    }

    #[test]
    fn entries_are_whole_words() {
        let entry = Entry { tag: 0xABCD, age: 7, state: 200 };
        assert_eq!(Entry::from(u32::from(entry)), entry);
    }

    #[test]
    fn only_a_sample_of_what_surely_blocks_is_measured() {
        let predictor = Predictor::new();
        let kind = predictor.kind("GET", "/");
        let doubtful = |runs: usize| (0..runs).filter(|_| predictor.is_doubtful(kind)).count();
        assert_eq!(doubtful(2 * SAMPLE), 2 * SAMPLE, "nothing is known of it");
        learn(&predictor, kind, Lesson::Waited, SURELY - WAITING);
        assert_eq!(doubtful(2 * SAMPLE), 2 * SAMPLE);
        learn(&predictor, kind, Lesson::Waited, 1);
        assert_eq!(doubtful(2 * SAMPLE), 2);
        learn(&predictor, kind, Lesson::Quick, 1);
        assert_eq!(doubtful(2 * SAMPLE), 2 * SAMPLE);
    }

    #[test]
    fn what_makes_a_segment_a_generated_name() {
        let predictor = Predictor::new();
        let kind = |path| predictor.kind("GET", path);
        for (one, other) in [
            // Long, and without digits.
            ("/a_long_name_without_digits", "/a_long_name_with_no_digits"),
            // With digits, and as long as a name may be.
            ("/f/0123456789abcdef", "/f/0123456789abcdeg"),
            ("/a1b", "/a1c"),
            ("/a1", "/a"),
        ] {
            assert_ne!(kind(one), kind(other), "{one} {other}");
        }
        assert_eq!(kind("/f/0123456789abcdefg"), kind("/f/0123456789abcdegh"));
    }

    #[test]
    fn one_that_computes_says_nothing_about_others_that_have_waited() {
        let predictor = Predictor::new();
        let kind = |path| predictor.kind("GET", path);
        predictor.learn(kind("/free/one"), Lesson::Computed);
        assert_eq!(predictor.guess(kind("/free/new")), Guess::Slow);
        predictor.learn(kind("/api/one"), Lesson::Waited);
        learn(&predictor, kind("/api/two"), Lesson::Computed, 2 * RUNS);
        assert_eq!(predictor.guess(kind("/api/two")), Guess::Slow);
        assert_eq!(predictor.guess(kind("/api/new")), Guess::Uncertain);
    }

    #[test]
    fn a_path_that_has_waited_is_not_trusted_for_its_segment() {
        let predictor = Predictor::new();
        let [one, two] = ["/api/one", "/api/two"].map(|path| predictor.kind("GET", path));
        predictor.learn(one, Lesson::Waited);
        predictor.learn(one, Lesson::Quick);
        learn(&predictor, two, Lesson::Quick, RUNS + 1);
        assert_eq!(predictor.guess(predictor.kind("GET", "/api/new")), Guess::Quick);
        assert_eq!(predictor.guess(one), Guess::Uncertain);
    }

    #[test]
    fn a_look_is_for_what_is_trusted_or_new() {
        let predictor = Predictor::new();
        let kind = |path| predictor.kind("GET", path);
        predictor.look(kind("/new"));
        assert_eq!(predictor.guess(kind("/new")), Guess::Slow);
        predictor.learn(kind("/waits"), Lesson::Waited);
        predictor.look(kind("/waits"));
        assert_eq!(predictor.guess(kind("/waits")), Guess::Waits);
        // Its state is the first of those that have waited.
        predictor.learn(kind("/waits"), Lesson::Quick);
        predictor.look(kind("/waits"));
        assert_eq!(predictor.guess(kind("/waits")), Guess::Uncertain);
    }

    #[test]
    fn what_befalls_a_trusted_path_is_true_of_its_segment() {
        for (lose, runs) in
            [(Predictor::suspend as fn(&Predictor, Kind), None), (Predictor::doubt, Some(RUNS / 2))]
        {
            let predictor = Predictor::new();
            let known = predictor.kind("GET", "/posts/one");
            learn(&predictor, known, Lesson::Quick, NEW_RUNS);
            assert_eq!(predictor.guess(predictor.kind("GET", "/posts/two")), Guess::Quick);
            lose(&predictor, known);
            assert_eq!(predictor.guess(predictor.kind("GET", "/posts/two")), Guess::Uncertain);
            assert_eq!(predictor.guess(known), Guess::Uncertain);
            if let Some(runs) = runs {
                learn(&predictor, known, Lesson::Quick, runs - 1);
                assert_eq!(predictor.guess(known), Guess::Uncertain, "half of the trust is gone");
                learn(&predictor, known, Lesson::Quick, 1);
                assert_eq!(predictor.guess(known), Guess::Quick);
            }
        }
    }

    #[test]
    fn no_entry_is_in_two_pairs() {
        let predictor = Predictor::new();
        let first = predictor.entries.as_ptr();
        let places = (0..ENTRIES as u64 / 2).map(|pair| {
            let found = predictor.pair(pair << 24);
            assert_eq!(found.len(), 2);
            (0..ENTRIES).position(|at| std::ptr::eq(first.wrapping_add(at), found.as_ptr()))
        });
        assert!(places.eq((0..ENTRIES).step_by(2).map(Some)));
    }

    #[test]
    fn an_entry_that_newcomers_have_freed_begins_anew() {
        let predictor = Predictor::new();
        let kind = predictor.kind("GET", "/");
        let freed = Entry { tag: tag(kind.path), age: 0, state: TRUSTED };
        predictor.pair(kind.path)[0].store(freed.into(), Ordering::Relaxed);
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
        predictor.learn(kind, Lesson::Quick);
        assert_eq!(predictor.guess(kind), Guess::Uncertain);
        learn(&predictor, kind, Lesson::Quick, NEW_RUNS - 1);
        assert_eq!(predictor.guess(kind), Guess::Quick);
    }
}
