//! Former defects, each in as few acts as show it.

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

#[test]
fn the_end_that_an_interim_response_announces_is_the_end() {
    let mut case = case(vec![Act::Error(103, None, None), Act::Close(false)]);
    let next = Program {
        acts: vec![Act::Respond(204, None), Act::EndHeaders],
        passes_on: true,
        finish: Finish::Well,
    };
    case.requests.push(Request { program: next, ..case.requests[0].clone() });
    for version in [Version::Http11, Version::Http10] {
        case.requests[0].version = version;
        let (_, outcome, _) = play(&case);
        check(&case, Bounds::default(), &outcome).unwrap();
        assert_eq!(outcome.traces.len(), 1, "the next response would be taken for this one");
    }
}
