//! A thread of the crew, as the watchdog and the handlers that run on it see it.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use super::engine::Engine;

/// Whether a thread drives, and whether it is in code of the user.
#[derive(Default)]
pub(super) struct Worker {
    /// Odd while code of the user runs.
    epoch: AtomicU64,
    /// The thread may drive. It loses that to another when it is about to wait, or when the watchdog finds it waiting.
    permit: AtomicBool,
    /// The epoch at which the watchdog saw it last.
    seen: AtomicU64,
    /// It has waited for its own client, which says nothing about the handler.
    waited_for_client: AtomicBool,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Worker>>> = const { RefCell::new(None) };
}

impl Worker {
    /// Makes this the worker of the current thread.
    pub(super) fn install(self: &Arc<Self>) {
        CURRENT.with(|current| *current.borrow_mut() = Some(self.clone()));
    }

    /// The current thread is about to wait: another one drives on.
    pub(super) fn hand_over(engine: &Arc<Engine>) {
        CURRENT.with(|current| {
            if let Some(worker) = &*current.borrow() {
                worker.waited_for_client.store(true, Ordering::Relaxed);
                if worker.lose_permit() {
                    engine.crew.pass_on(engine);
                }
            }
        });
    }

    pub(super) fn grant_permit(&self) {
        self.permit.store(true, Ordering::SeqCst);
    }

    pub(super) fn has_permit(&self) -> bool {
        self.permit.load(Ordering::Acquire)
    }

    /// Takes the permit away. True for the one who did.
    pub(super) fn lose_permit(&self) -> bool {
        self.permit.swap(false, Ordering::SeqCst)
    }

    /// The thread begins something of which it is to be known whether it waits for its client.
    pub(super) fn forget_wait(&self) {
        self.waited_for_client.store(false, Ordering::Relaxed);
    }

    pub(super) fn has_waited_for_client(&self) -> bool {
        self.waited_for_client.load(Ordering::Relaxed)
    }

    /// Code of the user begins. The watchdog sleeps while there is none: publish, fence, look whether it does.
    pub(super) fn enter(&self, engine: &Engine) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        engine.crew.watchdog.rouse();
    }

    /// Code of the user has returned.
    pub(super) fn leave(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    pub(super) fn is_in_user_code(&self) -> bool {
        self.epoch.load(Ordering::SeqCst) % 2 == 1
    }

    /// For the watchdog, once a tick: whether the thread has been in one piece of the user's code since the last look.
    pub(super) fn is_stuck(&self) -> bool {
        let epoch = self.epoch.load(Ordering::SeqCst);
        self.seen.swap(epoch, Ordering::Relaxed) == epoch && epoch % 2 == 1
    }

    /// For the watchdog: whether anything has happened since the last look.
    pub(super) fn is_active(&self) -> bool {
        let epoch = self.epoch.load(Ordering::SeqCst);
        epoch % 2 == 1 || self.seen.load(Ordering::Relaxed) != epoch
    }
}
