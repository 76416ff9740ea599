//! The curve up to 128 cores, for one shard and for shards of a few permits each.

use std::fmt::Write as _;
use std::{fs, io};

use crate::check::HANDLERS;
use crate::costs::Costs;
use crate::model::{Load, Outcome, Scenario, simulate};

const CORES: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 96, 128];

/// Permits of a shard. The first stands for one shard with all permits.
const PERMITS: [Option<usize>; 6] = [None, Some(1), Some(2), Some(4), Some(8), Some(16)];

/// Connections for each core.
const CONNECTIONS: usize = 64;

/// From a response to the next request, if the client does not think.
const ROUND_TRIP: f64 = 50_000.0;

/// The load at which delays are measured.
const LOAD: f64 = 0.7;

/// Prints the tables; draws the curves into a file if one is named.
pub fn curve(costs: &Costs, picture: Option<&str>) -> io::Result<()> {
    println!("Thousand requests/s, {CONNECTIONS} connections for each core, which send again at once:\n");
    let mut panels = Vec::new();
    for handler in HANDLERS {
        let table: Vec<Vec<f64>> = PERMITS
            .iter()
            .map(|&permits| {
                CORES.iter().map(|&cores| saturated(costs, cores, permits, handler).rate / 1000.0).collect()
            })
            .collect();
        println!("{}", rows(handler, &table));
        panels.push((handler, table));
    }
    if let Some(picture) = picture {
        fs::write(picture, svg(&panels))?;
    }
    println!(
        "At {:.0} % of that, clients that think, connections dealt out by a hash, handlers of 8 us and one in",
        100.0 * LOAD
    );
    println!("two hundred of 400 us: p50 / p99 in us, and what part of the turns a neighbour gave:\n");
    println!("| permits | {} |", CORES_OF_DELAYS.map(|cores| format!("{cores} cores")).join(" | "));
    println!("|---|{}", "--:|".repeat(CORES_OF_DELAYS.len()));
    for permits in PERMITS {
        let cells = CORES_OF_DELAYS.map(|cores| {
            let Outcome { p50, p99, stolen, .. } = thoughtful(costs, cores, permits);
            format!("{p50:.0} / {p99:.0}, {:.0} %", 100.0 * stolen)
        });
        println!("| {} | {} |", name(permits), cells.join(" | "));
    }
    println!("\nOne queue with one mutex, tasks that do nothing: {}", queue_alone(costs));
    Ok(())
}

const CORES_OF_DELAYS: [usize; 4] = [2, 8, 32, 64];

fn scenario(cores: usize, permits: Option<usize>, handler: u32) -> Scenario {
    let permits = permits.unwrap_or(cores).min(cores);
    Scenario {
        cores,
        shards: cores.div_ceil(permits),
        permits,
        connections: CONNECTIONS * cores,
        batch: 1,
        handler: f64::from(handler) * 1000.0,
        rare: None,
        load: Load::Remote { round_trip: ROUND_TRIP, thought: 0.0 },
        steals: true,
        time: 16_000_000,
    }
}

fn saturated(costs: &Costs, cores: usize, permits: Option<usize>, handler: u32) -> Outcome {
    simulate(costs, &scenario(cores, permits, handler))
}

fn thoughtful(costs: &Costs, cores: usize, permits: Option<usize>) -> Outcome {
    const HANDLER: u32 = 8;
    const RARE: (usize, f64) = (200, 400_000.0);
    let io = costs.io(1);
    let request = io.server_read + io.server_write + costs.turn + costs.request + costs.poll_event;
    let whole = request + f64::from(HANDLER) * 1000.0 + RARE.1 / RARE.0 as f64;
    // At this load, a client's time from request to request is that of all requests of its core.
    let cycle = whole * CONNECTIONS as f64 / LOAD;
    let thought = cycle - ROUND_TRIP - whole;
    let scenario = Scenario {
        rare: Some(RARE),
        load: Load::Remote { round_trip: ROUND_TRIP, thought },
        time: 200_000_000,
        ..scenario(cores, permits, HANDLER)
    };
    simulate(costs, &scenario)
}

/// What others have measured on real machines, with only the lock of the simulation: threads that put into one queue what they
/// take from it.
fn queue_alone(costs: &Costs) -> String {
    let times = [2, 8, 64]
        .map(|cores| format!("{:.2} us at {cores} cores", crate::lock::queue_alone(costs, cores) / 1000.0));
    format!("{} a task.", times.join(", "))
}

fn name(permits: Option<usize>) -> String {
    permits.map_or("one shard".to_owned(), |permits| format!("{permits} a shard"))
}

fn rows(handler: u32, table: &[Vec<f64>]) -> String {
    let mut text = format!(
        "| handler of {handler} us, cores: | {} |\n",
        CORES.map(|cores| cores.to_string()).join(" | ")
    );
    let _ = writeln!(text, "|---|{}", "--:|".repeat(CORES.len()));
    for (permits, rates) in PERMITS.iter().zip(table) {
        let cells: Vec<_> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
        let _ = writeln!(text, "| {} | {} |", name(*permits), cells.join(" | "));
    }
    text
}

/// A panel for each handler, both axes by powers of two.
fn svg(panels: &[(u32, Vec<Vec<f64>>)]) -> String {
    const COLOURS: [&str; PERMITS.len()] = ["#000", "#c33", "#e80", "#2a2", "#06c", "#a3a"];
    const WIDTH: f64 = 300.0;
    const HEIGHT: f64 = 240.0;
    let mut svg = String::from(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 760 660' font-family='sans-serif' font-size='11'>\
         <rect width='760' height='660' fill='#fff'/>\n",
    );
    for (index, (handler, table)) in panels.iter().enumerate() {
        let (left, top) = (50.0 + 360.0 * (index % 2) as f64, 40.0 + 310.0 * (index / 2) as f64);
        let least = table.iter().flatten().copied().fold(f64::INFINITY, f64::min).log2().floor();
        let most = table.iter().flatten().copied().fold(0.0, f64::max).log2().ceil();
        let x = |cores: usize| left + WIDTH * (cores as f64).log2() / 7.0;
        let y = |rate: f64| top + HEIGHT * (1.0 - (rate.log2() - least) / (most - least));
        let _ = writeln!(
            svg,
            "<text x='{left}' y='{}'>handler of {handler} us: thousand requests/s by cores</text>",
            top - 8.0
        );
        let _ = writeln!(
            svg,
            "<rect x='{left}' y='{top}' width='{WIDTH}' height='{HEIGHT}' fill='none' stroke='#999'/>"
        );
        for cores in CORES {
            let _ = writeln!(
                svg,
                "<text x='{:.0}' y='{}' text-anchor='middle'>{cores}</text>",
                x(cores),
                top + HEIGHT + 14.0
            );
        }
        for power in (least as i32)..=(most as i32) {
            let rate = 2f64.powi(power);
            let _ = writeln!(
                svg,
                "<text x='{}' y='{:.0}' text-anchor='end'>{rate:.0}</text>",
                left - 4.0,
                y(rate) + 4.0
            );
        }
        for (line, rates) in table.iter().enumerate() {
            let points: Vec<_> = CORES
                .iter()
                .zip(rates)
                .map(|(&cores, &rate)| format!("{:.1},{:.1}", x(cores), y(rate)))
                .collect();
            let colour = COLOURS[line];
            let _ = writeln!(svg, "<polyline points='{}' fill='none' stroke='{colour}'/>", points.join(" "));
            let at = top + HEIGHT - 80.0 + 13.0 * line as f64;
            let _ = writeln!(
                svg,
                "<text x='{}' y='{at}' fill='{colour}'>{}</text>",
                left + 220.0,
                name(PERMITS[line])
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}
