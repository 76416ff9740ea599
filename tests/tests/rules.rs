//! The rules of the engine, from the wire: each module tests one rule. Threads and descriptors are counted as Linux reports
//! them; tests that count them run only there.

#[path = "rules/rule_01_one_hand.rs"]
mod rule_01_one_hand;
#[cfg(target_os = "linux")]
#[path = "rules/rule_02_wake_ups.rs"]
mod rule_02_wake_ups;
#[path = "rules/rule_03_hints.rs"]
mod rule_03_hints;
#[path = "rules/rule_04_end_of_input.rs"]
mod rule_04_end_of_input;
#[path = "rules/rule_05_one_request.rs"]
mod rule_05_one_request;
#[path = "rules/rule_06_budget.rs"]
mod rule_06_budget;
#[path = "rules/rule_07_deadlines.rs"]
mod rule_07_deadlines;
#[path = "rules/rule_08_bound.rs"]
mod rule_08_bound;
#[path = "rules/rule_10_waiting_handler.rs"]
mod rule_10_waiting_handler;
#[path = "rules/rule_11_shutdown.rs"]
mod rule_11_shutdown;
#[path = "rules/rule_12_closing.rs"]
mod rule_12_closing;
#[cfg(target_os = "linux")]
#[path = "rules/rule_13_idle.rs"]
mod rule_13_idle;
#[path = "rules/stage.rs"]
mod stage;
