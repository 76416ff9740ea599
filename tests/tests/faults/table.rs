//! Runs the faults, many at a time since most of them wait, and prints the results.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::scene::{Fault, Outcome};

/// How many servers there are at a time.
const AT_A_TIME: usize = 24;

/// Longer than any wait for a condition: beyond it, something without a deadline hangs.
const MOST: Duration = Duration::from_secs(180);

enum End {
    Passed(Outcome),
    LeftOut(String),
    Failed(String),
}

pub(crate) fn run(faults: &[Fault]) -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let parts: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let is_asked =
        |fault: &&Fault| parts.is_empty() || parts.iter().any(|part| fault.name.contains(&***part));
    let faults: Vec<_> = faults.iter().filter(is_asked).copied().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        for fault in faults {
            println!("{}: test", fault.name);
        }
        return ExitCode::SUCCESS;
    }
    print(&faults, &run_all(&faults))
}

fn run_all(faults: &[Fault]) -> Vec<(Option<End>, Duration)> {
    let queue: &'static Mutex<VecDeque<(usize, Fault)>> =
        Box::leak(Box::new(Mutex::new(faults.iter().copied().enumerate().collect())));
    let (tell, told) = channel();
    for _ in 0..AT_A_TIME {
        let tell = tell.clone();
        thread::spawn(move || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some((number, fault)) = next else { return };
                let began = Instant::now();
                // A thread of its own, so that a panic message has the name of the fault.
                let run = thread::Builder::new().name(fault.name.to_owned()).spawn(move || end_of(&fault));
                let end =
                    run.expect("a thread").join().unwrap_or_else(|_| End::Failed("panicked".to_owned()));
                let _ = tell.send((number, end, began.elapsed()));
            }
        });
    }
    let mut ends: Vec<_> = faults.iter().map(|_| (None, Duration::ZERO)).collect();
    for _ in faults {
        let Ok((number, end, time)) = told.recv_timeout(MOST) else { break };
        ends[number] = (Some(end), time);
    }
    ends
}

fn end_of(fault: &Fault) -> End {
    match catch_unwind(|| fault.happen()) {
        Ok(Ok(outcome)) => End::Passed(outcome),
        Ok(Err(reason)) => End::LeftOut(reason),
        Err(panic) => End::Failed(text_of(&*panic)),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn print(faults: &[Fault], ends: &[(Option<End>, Duration)]) -> ExitCode {
    let mut text = format!(
        "\n{:<44} {:>4}  {:<9} {:<9} {:<36} {:>5}  {}\n",
        "fault", "s", "threads", "descr.", "memory, KiB", "lines", "what clients saw"
    );
    // Set where everything that the faults need is installed.
    let needs_all = std::env::var_os("FAULTS_NEED_ALL").is_some();
    let mut failed = 0;
    for (fault, (end, time)) in faults.iter().zip(ends) {
        let row = match end {
            Some(End::Passed(outcome)) => row(outcome),
            Some(End::LeftOut(reason)) if needs_all => format!("FAILED: left out: {reason}"),
            Some(End::LeftOut(reason)) => format!("left out: {reason}"),
            Some(End::Failed(message)) => format!("FAILED: {message}"),
            None => "FAILED: it hangs".to_owned(),
        };
        failed += usize::from(row.starts_with("FAILED"));
        let _ = writeln!(text, "{:<44} {:>4}  {row}", fault.name, time.as_secs());
    }
    let _ = writeln!(text, "\n{} faults, {failed} failed", faults.len());
    let _ = std::io::stderr().write_all(text.as_bytes());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(outcome: &Outcome) -> String {
    let seen: Vec<_> = outcome.seen.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let seen = seen.join(", ");
    let (first, last) = (&outcome.states[0], &outcome.states[outcome.states.len() - 1]);
    let (threads, descriptors, memory) = if outcome.states.len() > 1 {
        let memory: Vec<_> = outcome.states.iter().map(|state| state.memory.to_string()).collect();
        (last.threads.to_string(), last.descriptors.to_string(), memory.join(" "))
    } else {
        ("ended".to_owned(), "ended".to_owned(), format!("{} ended", first.memory))
    };
    let threads = format!("{} {threads}", first.threads);
    let descriptors = format!("{} {descriptors}", first.descriptors);
    format!("{threads:<9} {descriptors:<9} {memory:<36} {:>5}  {seen}", outcome.lines)
}
