use super::*;

fn costs() -> Costs {
    let io = Io { server_read: 900.0, server_write: 5500.0, client_read: 1300.0, client_write: 7500.0 };
    Costs {
        poll: 300.0,
        poll_event: 160.0,
        poll_wake: 14_000.0,
        wake_call: 2500.0,
        wake_latency: 9000.0,
        lock: 9.0,
        spin: 3000.0,
        transfer: 30.0,
        state: 300.0,
        switch: 2000.0,
        oversleep: 57_000.0,
        pause: 7000.0,
        empty_read: 600.0,
        request: 800.0,
        turn: 1000.0,
        visit: 1000.0,
        usage: 300.0,
        microsecond: 1000.0,
        io: [io; 5],
    }
}

fn scenario(cores: usize, shards: usize) -> Scenario {
    Scenario {
        cores,
        shards,
        permits: cores / shards,
        connections: 64 * cores,
        batch: 1,
        handler: 8000.0,
        rare: None,
        load: Load::Remote { round_trip: 50_000.0, thought: 0.0 },
        steals: true,
        time: 8_000_000,
    }
}

#[test]
fn a_scenario_has_the_same_outcome_every_time() {
    let costs = costs();
    for shards in [1, 2, 8] {
        let outcome = simulate(&costs, &scenario(8, shards));
        assert!(outcome.rate > 0.0);
        assert_eq!(outcome, simulate(&costs, &scenario(8, shards)));
    }
    let local = Scenario { load: Load::Local { apart: false }, steals: false, ..scenario(2, 1) };
    assert_eq!(simulate(&costs, &local), simulate(&costs, &local));
}

#[test]
fn one_core_serves_as_many_requests_as_their_cost_allows() {
    let costs = costs();
    let cost = 900.0 + 5500.0 + 800.0 + 1000.0 + 8000.0;
    let most = 1e9 / cost;
    let rate = simulate(&costs, &scenario(1, 1)).rate;
    assert!((0.9 * most..most).contains(&rate), "{rate} of {most}");
}

#[test]
fn shards_of_one_permit_grow_with_the_cores() {
    let costs = costs();
    let one = simulate(&costs, &scenario(1, 1)).rate;
    let many = simulate(&costs, &scenario(16, 16)).rate;
    assert!(many > 15.0 * one, "{many} against {one}");
}

#[test]
fn a_shard_without_connections_takes_from_its_neighbour() {
    let costs = costs();
    let scenario = scenario(2, 2);
    let mut world = World::new(&costs, &scenario);
    world.connections.iter_mut().for_each(|connection| connection.shard = 0);
    while world.step() {}
    let outcome = world.outcome();
    assert!(outcome.stolen > 0.3 && outcome.idle < 0.1, "{outcome:?}");
}

#[test]
fn whoever_works_is_neither_lost_nor_doubled() {
    let costs = costs();
    for (cores, shards) in [(1, 1), (4, 1), (4, 2), (4, 4), (16, 4)] {
        for thought in [0.0, 300_000.0, 3_000_000.0] {
            let load = Load::Remote { round_trip: 50_000.0, thought };
            let scenario =
                Scenario { load, rare: Some((50, 400_000.0)), time: 60_000_000, ..scenario(cores, shards) };
            let mut world = World::new(&costs, &scenario);
            while world.step() {}
            // None was forgotten: the oldest request is not old.
            let oldest =
                world.connections.iter().filter(|one| !one.is_answered).map(|one| world.now - one.since);
            let oldest = oldest.max().unwrap_or_default();
            assert!(oldest < 20_000_000, "{cores} {shards} {thought}: {oldest}");
        }
    }
}
