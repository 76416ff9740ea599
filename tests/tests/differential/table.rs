//! Deliberate divergences, by name, and how often each occurred.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use basehttp_tests::show;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};

/// A deliberate divergence.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Why we differ.
    pub(crate) why: &'static str,
    /// The section that decides, or `none`.
    pub(crate) rfc: &'static str,
    /// An input that shows it.
    pub(crate) example: &'static [u8],
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Both have understood the same.
    Accepted,
    /// Both refuse it, or both want more.
    Refused,
    /// They differ, in the way that has this name.
    Named(&'static str),
}

/// Compares many inputs, those that have failed once first, and prints the table with its counts.
pub(crate) fn run<T: Strategy<Value = Vec<u8>>>(
    title: &str,
    seeds: &'static str,
    cases: u32,
    rows: &[Row],
    inputs: T,
    compare: impl Fn(&[u8]) -> Result<Verdict, String>,
) {
    for row in rows {
        let found = compare(row.example);
        let wanted = Ok(Verdict::Named(row.name));
        assert_eq!(found, wanted, "the example of its row: {}", show(row.example));
    }
    let counts = Mutex::new(BTreeMap::new());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions");
    let path: &'static str = Box::leak(format!("{folder}/differential-{seeds}.txt").into_boxed_str());
    let persistence = FileFailurePersistence::Direct(path);
    let config = Config {
        // More, if the environment says so.
        cases: Config::default().cases.max(cases),
        failure_persistence: Some(Box::new(persistence)),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&inputs, |input| {
        let verdict =
            compare(&input).map_err(|what| TestCaseError::fail(format!("{what}\n{}", show(&input))))?;
        let name = match verdict {
            Verdict::Accepted => "(both accept)",
            Verdict::Refused => "(both refuse)",
            Verdict::Named(name) => name,
        };
        assert!(name.starts_with('(') || rows.iter().any(|row| row.name == name), "no row {name}");
        *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(0_u32) += 1;
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{title}: {error}");
    }
    tell(title, rows, &counts.into_inner().unwrap_or_else(PoisonError::into_inner));
}

fn tell(title: &str, rows: &[Row], counts: &BTreeMap<&str, u32>) {
    let total: u32 = counts.values().sum();
    let mut text = format!("{title}: {total} inputs\n");
    for name in ["(both accept)", "(both refuse)"] {
        let _ = writeln!(text, "{:>8} {name}", counts.get(name).unwrap_or(&0));
    }
    for Row { name, why, rfc, .. } in rows {
        let _ = writeln!(text, "{:>8} {name}: {why} ({rfc})", counts.get(name).unwrap_or(&0));
    }
    // The harness captures what `eprintln!` prints in a test that passes.
    let _ = io::stderr().write_all(text.as_bytes());
}
