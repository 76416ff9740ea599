//! What was wrong once, in as few acts as show it.

use basehttp_tests::strict::Version;

use crate::check::check;
use crate::memory::play;
use crate::model::Bounds;
use crate::program::{Act, Case, Finish, Program, Request, Upload};

fn case(acts: Vec<Act>) -> Case {
    let request = Request {
        method: "GET",
        version: Version::Http11,
        connection: None,
        upload: Upload::None,
        expects: false,
        program: Program { acts, passes_on: false, finish: Finish::Well },
    };
    Case { speaks_1_1: true, requests: vec![request], pieces: 1 }
}

#[test]
fn the_end_of_a_tunnel_is_no_fault_however_often_it_is_read() {
    let case =
        case(vec![Act::Respond(101, None), Act::EndHeaders, Act::Read(1), Act::Read(300), Act::ReadAll]);
    let (_, outcome, _) = play(&case);
    let errors: Vec<_> = outcome.traces[0].came.iter().map(|came| came.error).collect();
    assert_eq!(errors, [None; 5]);
    check(&case, Bounds::default(), &outcome).unwrap();
}
