//! The end of a server: the threads that wait for it, and the account of its connections.

use std::sync::atomic::{AtomicBool as Flag, Ordering::SeqCst};
use std::time::Duration;

use super::{explore, thread};
use crate::handler::ShutdownReport;
use crate::server::end::End;
use crate::server::shutdown::Shutdown;
use crate::server::sync::Arc;

fn shutdown() -> Arc<Shutdown> {
    Arc::new(Shutdown::new(1, A_LONG_TIME, Vec::new()))
}

/// `HTTPServer::serve_forever`, without the threads that it starts.
fn serve(shutdown: &Shutdown) -> Option<ShutdownReport> {
    if !shutdown.begin() {
        return None;
    }
    shutdown.wait_for_stop();
    assert!(shutdown.wait_for_end(Duration::ZERO), "there was time enough");
    Some(end(shutdown))
}

fn end(shutdown: &Shutdown) -> ShutdownReport {
    let report = shutdown.close_account();
    shutdown.publish();
    report
}

fn sum(report: ShutdownReport) -> usize {
    report.finished + report.closed_idle + report.cut
}

/// A connection arrives and ends while the server is told to stop. The serving thread and the waiting one notice the end,
/// and get the same report, in which nothing is cut. A connection that ended after the stop is in it; one that ended before
/// is not.
#[test]
fn all_who_wait_for_the_end_get_one_report() {
    explore(3, || {
        let shutdown = shutdown();
        let ended_after = Arc::new(Flag::new(false));
        shutdown.opened();
        let driver = thread::spawn({
            let (shutdown, ended_after) = (shutdown.clone(), ended_after.clone());
            move || {
                ended_after.store(shutdown.is_stopping(), SeqCst);
                shutdown.ended(End::Finished);
                // Stands for the poller, which notices the stop sooner or later.
                shutdown.listener_closed();
            }
        });
        let waiting = thread::spawn({
            let shutdown = shutdown.clone();
            move || {
                shutdown.stop(None);
                shutdown.wait()
            }
        });
        let report = serve(&shutdown).expect("the first");
        driver.join().expect("it does not panic");
        assert_eq!(waiting.join().expect("it does not panic"), report);
        assert_eq!(report.cut, 0);
        assert!(sum(report) == 1 || (sum(report) == 0 && !ended_after.load(SeqCst)), "{report}");
        assert_eq!(shutdown.report(), Some(report));
    });
}

/// After the stop the poller takes a connection that the system had queued: the server waits for that one too.
#[test]
fn one_that_comes_late_is_waited_for() {
    explore(3, || {
        let shutdown = shutdown();
        let poller = thread::spawn({
            let shutdown = shutdown.clone();
            move || {
                shutdown.stop(None);
                // `Poller::stop`: takes what is queued, and then closes the listener.
                shutdown.opened();
                shutdown.opened();
                shutdown.listener_closed();
                let driver = thread::spawn({
                    let shutdown = shutdown.clone();
                    move || shutdown.ended(End::Idle)
                });
                shutdown.turned_away();
                driver.join().expect("it does not panic");
            }
        });
        let report = serve(&shutdown).expect("the first");
        assert_eq!(report, ShutdownReport { closed_idle: 1, ..ShutdownReport::default() });
        poller.join().expect("it does not panic");
    });
}

/// A connection that is open when the account is closed was cut, whenever it ends: it is counted once.
#[test]
fn what_ends_while_the_account_is_closed_is_counted_once() {
    explore(None, || {
        let shutdown = shutdown();
        shutdown.opened();
        shutdown.stop(Some(Duration::ZERO));
        let driver = thread::spawn({
            let shutdown = shutdown.clone();
            move || shutdown.ended(End::Finished)
        });
        let report = shutdown.close_account();
        assert_eq!(sum(report), 1, "{report}");
        driver.join().expect("it does not panic");
        assert_eq!(shutdown.close_account(), report, "it changed after it was given");
    });
}

/// The grace period ends while a thread begins to serve: one of the two makes the report, and the other gets the same.
#[test]
fn a_server_that_was_told_to_end_begins_or_has_ended() {
    explore(None, || {
        let shutdown = shutdown();
        shutdown.opened();
        shutdown.stop(Some(Duration::ZERO));
        let serving = thread::spawn({
            let shutdown = shutdown.clone();
            move || shutdown.begin().then(|| end(&shutdown))
        });
        let waited = shutdown.wait();
        let served = serving.join().expect("it does not panic");
        assert!(served.is_none_or(|served| served == waited), "{served:?} {waited}");
        assert_eq!(waited.cut, 1);
        assert!(!shutdown.begin(), "it does not begin again");
    });
}

/// All connections are cut, and the thread that asked for it is notified when it is done.
#[test]
fn who_cuts_hears_of_it() {
    explore(None, || {
        let shutdown = shutdown();
        let poller = thread::spawn({
            let shutdown = shutdown.clone();
            move || {
                while !shutdown.is_cutting() {
                    thread::yield_now();
                }
                shutdown.shard_is_cut();
            }
        });
        shutdown.cut();
        shutdown.wait_for_cut();
        poller.join().expect("it does not panic");
    });
}

/// Longer than any model waits.
const A_LONG_TIME: Duration = Duration::from_secs(3600);
