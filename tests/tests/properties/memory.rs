//! Over the wire in memory.

use basehttp::testing::{Run, run};
use basehttp_tests::log::Log;
use basehttp_tests::strict::{End, Whole};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestCaseError};

use crate::actor::{Actor, Actor10, Score};
use crate::check::{Outcome, check};
use crate::model::Bounds;
use crate::program::Case;
use crate::second::agrees;
use crate::strategy::case;

/// Cases that failed once are tried first.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/properties/regressions.txt");

/// The number of cases, unless `PROPTEST_CASES` sets another.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = asked.unwrap_or(cases);
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    }
}

/// The input as it arrives, in pieces of about equal length.
fn pieces(input: &[u8], count: usize) -> Vec<Vec<u8>> {
    input.chunks(input.len().div_ceil(count).max(1)).map(<[u8]>::to_vec).collect()
}

pub(crate) fn play(case: &Case) -> (Run, Outcome, Log) {
    let (score, log) = (Score::default(), Log::default());
    for (index, request) in case.requests.iter().enumerate() {
        score.set(format!("/{index}"), request.program.clone());
    }
    let pieces = pieces(&case.input(""), case.pieces);
    let run = if case.speaks_1_1 {
        run(Actor::factory(score.clone(), log.clone()), pieces)
    } else {
        run(Actor10::factory(score.clone(), log.clone()), pieces)
    };
    let last = run.responses.last();
    // The wire records a reset as a truncation.
    let was_reset = last.is_some_and(|last| last.truncated);
    let end = if was_reset { End::Reset } else { End::Closed };
    let mut outcome = Outcome::new(run.output.clone(), end, case, "", &score);
    outcome.stays_open = last.map(|last| last.stays_open);
    (run, outcome, log)
}

fn check_case(case: &Case) -> Result<(), TestCaseError> {
    let (run, outcome, log) = play(case);
    let responses = check(case, Bounds::default(), &outcome).map_err(TestCaseError::fail)?;
    agrees(&outcome.output, &responses).map_err(TestCaseError::fail)?;
    // The library's own response reader sees the same.
    for (strict, own) in responses.iter().zip(&run.responses).filter(|(strict, _)| strict.head.is_some()) {
        prop_assert_eq!(strict.status(), own.status);
        prop_assert_eq!(strict.interim.len(), own.interim.len());
        prop_assert_eq!(strict.whole != Whole::Complete, own.truncated);
        prop_assert!(strict.body == own.body, "another body: {}", own.text());
    }
    prop_assert!(!log.has("stray"));
    Ok(())
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn every_request_has_its_response(case in case()) {
        check_case(&case)?;
    }
}
