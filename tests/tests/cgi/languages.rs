//! Scripts as users write them: Python, Perl with CGI.pm.

use std::io::Write as _;
use std::process::Command;

use basehttp_tests::left_out;

use crate::stage::Stage;

const PYTHON: &str = r#"#!/usr/bin/env python3
import warnings
warnings.simplefilter("ignore")
import cgi
form = cgi.FieldStorage()
print("Content-Type: text/plain; charset=utf-8")
print()
print(form.getfirst("spam"), form.getlist("egg"), form["file"].filename, len(form["file"].file.read()))
"#;

const PERL: &str = r#"#!/usr/bin/env perl
use CGI;
my $q = CGI->new;
if ($q->param("to")) { print $q->redirect($q->param("to")); exit; }
print $q->header(-type => "text/plain", -status => "201 Made", -cookie => $q->cookie("a", "b"));
print join(",", map { "$_=" . $q->param($_) } sort $q->param), " ", $q->request_method, " ", $q->path_info, " ", $q->cookie("c"), "\n";
"#;

fn has(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

#[test]
fn python_with_the_cgi_module() {
    if !has("python3", &["-W", "ignore", "-c", "import cgi"]) {
        return left_out("a script with Python's module cgi, which is not there");
    }
    let stage = Stage::new();
    stage.program("cgi-bin/form.py", PYTHON);
    let file = "x".repeat(100_000);
    let part = |name: &str, value: &str| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        part("spam", "lovely"),
        part("egg", "1"),
        part("egg", "2"),
        part("file\"; filename=\"a.bin", &file),
        "--B--\r\n".to_owned(),
    ]
    .concat();
    let response = stage.ask(format!(
        "POST /cgi-bin/form.py HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(response.text(), "lovely ['1', '2'] a.bin 100000\n", "{:?}", stage.log.lines());
}

#[test]
fn perl_with_cgi_pm() {
    if !has("perl", &["-MCGI", "-e", "1"]) {
        // Not `eprintln!`, which the test harness captures. No step of the tests installs it.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: a script with CGI.pm, which is not there");
        return;
    }
    let stage = Stage::new();
    stage.program("cgi-bin/a.pl", PERL);
    let response = stage.ask(
        "POST /cgi-bin/a.pl/x HTTP/1.1\r\nHost: a\r\nCookie: c=d\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 7\r\n\r\ns=1&t=2",
    );
    assert_eq!((response.status, &*response.reason), (201, "Made"), "{:?}", stage.log.lines());
    assert_eq!(response.text(), "s=1,t=2 POST /x d\n");
    assert!(response.header("set-cookie").is_some_and(|cookie| cookie.starts_with("a=b")));
    let response = stage.get("/cgi-bin/a.pl?to=http://host/");
    assert_eq!((response.status, response.header("location")), (302, Some("http://host/")));
}
