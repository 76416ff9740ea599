//! How many requests per second a sharded server answers on how many cores: a simulation with costs measured here.
//!
//! ```text
//! simulate measure > costs              # the costs on this machine
//! simulate check costs [ROUNDS]         # one and two cores, in reality and in the simulation
//! simulate curve costs [PICTURE.svg]    # up to 128 cores
//! ```
//!
//! `measure` and `check` need Linux with two otherwise unused cores, `taskset`, and `bench_server` beside this program.
//! README.md lists the assumptions.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "times and counts are far below 2^52, and never negative"
)]

mod check;
mod client;
mod costs;
mod curve;
mod driver;
mod events;
mod lock;
mod measure;
mod model;
mod threads;

use std::io;
use std::process::ExitCode;

use costs::Costs;

fn main() -> io::Result<ExitCode> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["measure"] => print!("{}", measure::measure()?.to_text()),
        ["check", costs, ref rounds @ ..] if rounds.len() < 2 => {
            let rounds = rounds.first().map_or(Ok(3), |rounds| rounds.parse()).map_err(io::Error::other)?;
            if !check::check(&Costs::load(costs)?, rounds)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        ["curve", costs] => curve::curve(&Costs::load(costs)?, None)?,
        ["curve", costs, picture] => curve::curve(&Costs::load(costs)?, Some(picture))?,
        _ => {
            eprintln!("usage: simulate measure | check COSTS [ROUNDS] | curve COSTS [PICTURE.svg]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
