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
fn an_entry_ages_with_each_newcomer_until_there_is_something_new_about_it() {
    let predictor = Predictor::new();
    // Of the same pair.
    let meet = |tag: u16| predictor.change(u64::from(tag) << 48, |state| state);
    let is_known = |tag: u16| {
        predictor.pair(u64::from(tag) << 48).iter().any(|entry| {
            let entry = Entry::from(entry.load(Ordering::Relaxed));
            entry.tag == tag && entry.age > 0
        })
    };
    for tag in [1, 2, 1, 2] {
        meet(tag);
    }
    for newcomer in 1..u16::from(Entry::FRESH) {
        meet(100 + newcomer);
        assert!(is_known(1) && is_known(2) && !is_known(100 + newcomer), "{newcomer}");
    }
    meet(200);
    assert!(!is_known(1) && !is_known(2) && !is_known(200));
    meet(200);
    assert!(is_known(200));
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
