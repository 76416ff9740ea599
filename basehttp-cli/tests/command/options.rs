//! What each option does.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::program::{Program, Response, command, connect, folder, run, wait_until};

#[test]
fn help_version_completions_and_man_page() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    let of_python = [
        "[port]",
        "-b, --bind",
        "-d, --directory",
        "-p, --protocol",
        "--cgi",
        "--tls-cert",
        "--tls-key",
        "--tls-password-file",
        "--content-type",
        "-H, --header",
    ];
    for option in
        of_python.iter().chain(&["--auth", "--upload", "--spa", "--cors", "--qr", "--open", "--log"])
    {
        assert!(help.contains(option), "{option}");
    }
    assert!(!help.contains("--man") && help.contains("Examples:"), "{help}");
    let (code, version, _) = run(&["--version"]);
    assert_eq!((code, version), (Some(0), format!("basehttp {}\n", env!("CARGO_PKG_VERSION"))));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, script, errors) = run(&["--completions", shell]);
        assert!(code == Some(0) && script.contains("upload-limit"), "{shell}: {errors}");
    }
    let (code, page, _) = run(&["--man"]);
    assert!(code == Some(0) && page.contains(".TH basehttp") && page.contains("upload"), "{page}");
}

#[test]
fn a_folder_is_served_and_told() {
    let folder = folder();
    let program = Program::start(folder.path(), &[]);
    let told = folder.path().canonicalize().unwrap();
    let url = format!("http://127.0.0.1:{}/", program.port);
    let told = told.to_str().unwrap();
    // Windows resolves to a form that few programs take.
    let told = told.strip_prefix(r"\\?\").unwrap_or(told);
    assert_eq!(program.greeting, [&format!("Serving {told} at"), &url, "Press Ctrl-C to stop"]);
    let response = program.get("/a.txt");
    assert_eq!((response.status, &*response.body), (200, "text of a"));
    assert!(response.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", response.head);
    assert!(response.field("Server").unwrap().starts_with("basehttp/"), "{}", response.head);
    let list = program.get("/").body;
    assert!(list.contains("a.txt") && !list.contains("<form") && !list.contains("hidden"), "{list}");
    assert_eq!(program.get("/.hidden").status, 404);
    let posted =
        program.ask("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((posted.status, posted.field("Allow")), (405, Some("OPTIONS, GET, HEAD")));
    let options = program.ask("OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!((options.status, options.field("Allow")), (204, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn without_a_directory_it_is_the_current_one() {
    let folder = folder();
    let mut command = command();
    command.args(["0", "--bind", "localhost"]).current_dir(folder.path());
    let program = Program::of(command);
    let url = &program.greeting[1];
    // Either address of the name.
    let address: SocketAddr = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    assert!(address.ip().is_loopback());
    let mut stream = connect(address);
    stream.write_all(b"GET /a.txt HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(Response::read(stream).body, "text of a");
}

#[test]
fn without_an_address_it_is_all_of_them() {
    let folder = folder();
    let mut command = command();
    command.args(["0", "--directory"]).arg(folder.path());
    let program = Program::of(command);
    assert_eq!(program.greeting[1], format!("http://127.0.0.1:{}/", program.port));
    assert_eq!(program.get("/a.txt").status, 200);
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        let of_ipv6 = format!("http://[::1]:{}/", program.port);
        assert!(program.greeting.contains(&of_ipv6), "{:?}", program.greeting);
        let mut stream = connect(SocketAddr::from((Ipv6Addr::LOCALHOST, program.port)));
        stream.write_all(b"GET /a.txt HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!(Response::read(stream).status, 200);
    }
    let (_, _, log) = program.stop();
    // Not as ::ffff:127.0.0.1.
    assert!(log.contains("\n127.0.0.1 - - [") || log.starts_with("127.0.0.1 - - ["), "{log}");
}

#[test]
fn several_addresses_are_served_at_one_port() {
    let folder = folder();
    let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    for hosts in [["127.0.0.1", "::1"], ["0.0.0.0", "::"]] {
        if !has_ipv6 {
            eprintln!("skipped: this machine has no IPv6");
            continue;
        }
        let mut command = command();
        command.args(["0", "-b", hosts[0], "-b", hosts[1], "-d"]).arg(folder.path());
        let program = Program::of(command);
        for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            let address = SocketAddr::from((ip, program.port));
            let url = format!("http://{address}/");
            assert_eq!(program.greeting.iter().filter(|line| **line == url).count(), 1);
            let mut stream = connect(address);
            stream.write_all(b"GET /a.txt HTTP/1.0\r\n\r\n").unwrap();
            assert_eq!(Response::read(stream).body, "text of a");
        }
        // Other hosts are refused if all addresses are loopback.
        let foreign = "GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n";
        assert_eq!(program.ask(foreign).status, if hosts[1] == "::1" { 421 } else { 200 });
    }
}

#[test]
fn the_protocol_is_that_of_the_responses() {
    let folder = folder();
    for (version, says) in [("HTTP/1.0", "HTTP/1.0 200 OK"), ("HTTP/1.1", "HTTP/1.1 200 OK")] {
        let program = Program::start(folder.path(), &["--protocol", version]);
        let head = program.get("/a.txt").head;
        assert!(head.starts_with(says), "{head}");
    }
}

#[cfg(unix)]
fn script(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    let path = folder.join("cgi-bin/who.sh");
    fs::create_dir(folder.join("cgi-bin")).unwrap();
    let text =
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s %s' \"$REMOTE_ADDR\" \"$REQUEST_METHOD\"\n";
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn scripts_run_where_that_is_wanted() {
    use std::os::unix::fs::symlink;

    let folder = folder();
    script(folder.path());
    let plain = Program::start(folder.path(), &[]);
    assert!(plain.get("/cgi-bin/who.sh").body.starts_with("#!/bin/sh"));
    let mut command = command();
    command.args(["0", "--cgi", "--upload", "--spa", "-d"]).arg(folder.path());
    let program = Program::of(command);
    assert_eq!(program.get("/cgi-bin/who.sh").body, "127.0.0.1 GET");
    assert_eq!(program.get("/cgi-bin/none").status, 404);
    let posted = program.ask("POST /cgi-bin/who.sh HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(posted.body, "127.0.0.1 POST");
    assert_eq!(program.get("/a.txt").body, "text of a");
    // No upload adds a script.
    let form = crate::upload::form(&[("x.sh", b"#!/bin/sh\n")]);
    symlink("cgi-bin", folder.path().join("other")).unwrap();
    fs::create_dir(folder.path().join("cgi-bin/sub")).unwrap();
    for path in ["/cgi-bin/", "/cgi-bin", "/sub/../cgi-bin/", "/other/", "/other/sub/"] {
        let response = program.ask(crate::upload::request(path, "", &form));
        assert!(matches!(response.status, 403 | 404), "{path}: {}", response.status);
    }
    assert_eq!(crate::program::names(&folder.path().join("cgi-bin")), ["sub", "who.sh"]);
    assert!(crate::program::names(&folder.path().join("cgi-bin/sub")).is_empty());
}

#[test]
fn fields_are_added_and_replaced() {
    let folder = folder();
    let fields =
        ["-H", "X-One: 1", "--header", "x-two:  a b ", "-H", "Server: mine", "-H", "Cache-Control: no-store"];
    let program = Program::start(folder.path(), &fields);
    for path in ["/a.txt", "/", "/nothing"] {
        let response = program.get(path);
        assert_eq!(response.fields("X-One"), ["1"], "{path}");
        assert_eq!(response.fields("X-Two"), ["a b"], "{path}");
        assert_eq!(response.fields("Server"), ["mine"], "{path}");
        assert_eq!(response.fields("Cache-Control"), ["no-store"], "{path}");
    }
}

#[test]
fn a_type_for_what_is_not_known() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--content-type", "text/x-mine"]);
    assert_eq!(program.get("/sub/b.unheardof").field("Content-Type"), Some("text/x-mine"));
    assert_eq!(program.get("/sub/c.txt").field("Content-Type"), Some("text/plain; charset=utf-8"));
    let program = Program::start(folder.path(), &[]);
    assert_eq!(program.get("/sub/b.unheardof").field("Content-Type"), Some("application/octet-stream"));
}

#[test]
fn other_sites_may_read() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--cors"]);
    for path in ["/a.txt", "/nothing"] {
        assert_eq!(program.get(path).field("Access-Control-Allow-Origin"), Some("*"), "{path}");
    }
    let asked = "OPTIONS /a.txt HTTP/1.1\r\nHost: localhost\r\nOrigin: http://b\r\nAccess-Control-Request-Method: GET\r\n\
                 Access-Control-Request-Headers: range\r\nConnection: close\r\n\r\n";
    let response = program.ask(asked);
    assert_eq!(response.status, 204);
    assert_eq!(response.field("Access-Control-Allow-Methods"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(response.field("Access-Control-Allow-Headers"), Some("*, Authorization"));
    let program = Program::start(folder.path(), &[]);
    assert_eq!(program.get("/a.txt").field("Access-Control-Allow-Origin"), None);
}

#[test]
fn pages_of_a_program_are_its_index() {
    let folder = folder();
    fs::write(folder.path().join("index.html"), "the program").unwrap();
    let program = Program::start(folder.path(), &["--spa"]);
    for path in ["/", "/user/17", "/user/17/?a=b", "/about"] {
        let response = program.get(path);
        assert_eq!((response.status, &*response.body), (200, "the program"), "{path}");
        assert_eq!(response.field("Content-Type"), Some("text/html; charset=utf-8"), "{path}");
    }
    assert_eq!(program.get("/a.txt").body, "text of a");
    assert!(program.get("/sub/").body.contains("c.txt"));
    // A missing script is a 404. A page with a dot in its name is a page.
    assert_eq!(program.get("/missing.js").status, 404);
    assert_eq!(program.get_with("/user/j.doe", "Accept: text/html,*/*;q=0.8\r\n").body, "the program");
    assert_eq!(Program::start(folder.path(), &[]).get("/about").status, 404);
    let (_, _, log) = program.stop();
    assert!(!log.contains("index.html"), "{log}");
}

#[test]
fn a_missing_index_of_a_program_is_told() {
    let folder = folder();
    let told = |folder: &Path| {
        Program::start(folder, &["--spa"]).stop().2.contains("there is no index.html, which --spa")
    };
    assert!(told(folder.path()));
    fs::create_dir(folder.path().join("index.html")).unwrap();
    assert!(told(folder.path()), "a folder is no page");
    fs::remove_dir(folder.path().join("index.html")).unwrap();
    fs::write(folder.path().join("index.html"), "the program").unwrap();
    assert!(!told(folder.path()));
}

#[test]
fn what_is_shown_of_a_folder() {
    let folder = folder();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("o.txt"), "outside").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path().join("o.txt"), folder.path().join("out.txt")).unwrap();
    let program = Program::start(folder.path(), &["--no-listing"]);
    assert_eq!((program.get("/").status, program.get("/sub/").status), (404, 404));
    assert_eq!((program.get("/a.txt").status, program.get("/out.txt").status), (200, 404));
    let program = Program::start(folder.path(), &["--dotfiles", "--follow-links"]);
    assert_eq!(program.get("/.hidden").body, "h");
    assert!(program.get("/").body.contains(".hidden"));
    #[cfg(unix)]
    assert_eq!(program.get("/out.txt").body, "outside");
}

#[test]
fn a_code_for_telephones() {
    let folder = folder();
    let program = Program::start(folder.path(), &["--qr"]);
    let url = program.greeting[1].clone();
    let (_, rest, _) = program.stop();
    assert!(rest.lines().filter(|line| line.contains('\u{2588}')).count() > 8, "{rest}");
    assert!(rest.contains(&url), "{rest}");
}

#[cfg(unix)]
#[test]
fn a_browser_is_opened() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, tools) = (folder(), tempfile::tempdir().unwrap());
    let (browser, heard) = (tools.path().join("xdg-open"), tools.path().join("heard"));
    fs::write(&browser, "#!/bin/sh\necho \"$1\" > \"$HEARD\"\n").unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = command();
    command.args(["0", "-b", "127.0.0.1", "--open", "-d"]).arg(folder.path());
    command.env("PATH", tools.path()).env("HEARD", &heard).env_remove("BROWSER");
    let program = Program::of(command);
    wait_until("a browser", || fs::read_to_string(&heard).is_ok_and(|text| text.ends_with('\n')));
    assert_eq!(fs::read_to_string(&heard).unwrap().trim_end(), program.greeting[1]);
}

#[test]
fn over_tls() {
    let (folder, keys) = (folder(), tempfile::tempdir().unwrap());
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (keys.path().join("cert.pem"), keys.path().join("key.pem"));
    let both = keys.path().join("both.pem");
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::write(&both, made.cert.pem() + &made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for arguments in [
        vec!["--tls-cert".to_owned(), text(&certificate), "--tls-key".to_owned(), text(&key)],
        vec!["--tls-cert".to_owned(), text(&both)],
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let program = Program::start(folder.path(), &arguments);
        assert_eq!(program.greeting[1], format!("https://127.0.0.1:{}/", program.port));
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(config.clone(), name).unwrap();
        let mut stream = StreamOwned::new(client, program.connect());
        stream.write_all(b"GET /a.txt HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!(Response::read(stream).body, "text of a");
    }
}

#[test]
fn a_renewed_certificate_is_read_again() {
    let (folder, keys) = (folder(), tempfile::tempdir().unwrap());
    let (certificate, key) = (keys.path().join("cert.pem"), keys.path().join("key.pem"));
    let make = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (first, second) = (make(), make());
    fs::write(&certificate, first.cert.pem()).unwrap();
    fs::write(&key, first.signing_key.serialize_pem()).unwrap();
    let arguments = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let program = Program::start(folder.path(), &arguments);
    let is_served = |made: &rcgen::CertifiedKey<rcgen::KeyPair>| {
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(client, program.connect());
        stream.write_all(b"GET /a.txt HTTP/1.0\r\n\r\n").is_ok() && Response::read(stream).body == "text of a"
    };
    assert!(is_served(&first));
    fs::write(&certificate, second.cert.pem()).unwrap();
    assert!(is_served(&first), "the new one has no key yet");
    fs::write(&key, second.signing_key.serialize_pem()).unwrap();
    wait_until("the new certificate", || is_served(&second));
    let (_, _, log) = program.stop();
    assert!(log.contains("has been read again, for new connections"), "{log}");
}

#[test]
fn for_this_machine_alone_means_for_its_own_pages() {
    let folder = folder();
    let ask = |program: &Program, fields: &str| {
        program.ask(format!("GET /a.txt HTTP/1.1\r\nConnection: close\r\n{fields}\r\n")).status
    };
    let program = Program::start(folder.path(), &[]);
    assert_eq!(ask(&program, "Host: rebound.example\r\n"), 421);
    assert_eq!(ask(&program, "Host: localhost\r\nOrigin: http://evil.example\r\n"), 403);
    let program = Program::start(folder.path(), &["--allow-host", "box.lan", "--cors"]);
    assert_eq!(ask(&program, "Host: box.lan:8000\r\n"), 200);
    assert_eq!(ask(&program, "Host: localhost\r\nOrigin: http://elsewhere.example\r\n"), 200);
    assert_eq!(ask(&program, "Host: rebound.example\r\n"), 421);
}
