//! The proxies: how each is configured and started.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::referee::Mark;

/// How long a proxy may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to start a proxy.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The program, looked for in PATH.
    program: &'static str,
    arguments: &'static [&'static str],
    /// The file beside this program's scripts that becomes its configuration.
    file: &'static str,
    /// The field with which it marks its requests.
    pub(crate) mark: &'static str,
    /// Whether it speaks HTTP/2 without TLS.
    pub(crate) has_http2: bool,
}

pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "nginx",
        program: "nginx",
        arguments: &["-c", "@file@"],
        file: "nginx.conf",
        mark: EDGE,
        has_http2: true,
    },
    Kind {
        name: "haproxy",
        program: "haproxy",
        arguments: &["-f", "@file@"],
        file: "haproxy.conf",
        mark: EDGE,
        has_http2: true,
    },
    Kind {
        name: "apache",
        program: "apache2",
        arguments: &["-D", "FOREGROUND", "-f", "@file@"],
        file: "apache.conf",
        mark: EDGE,
        has_http2: true,
    },
    Kind {
        name: "varnish",
        program: "varnishd",
        arguments: &[
            "-F",
            "-a",
            "127.0.0.1:@http1@",
            "-a",
            "127.0.0.1:@http2@",
            "-f",
            "@file@",
            "-n",
            "@scratch@/varnish",
            "-s",
            "malloc,16m",
            "-p",
            "feature=+http2",
            "-j",
            "none",
        ],
        file: "varnish.vcl",
        mark: EDGE,
        has_http2: true,
    },
    Kind {
        name: "trafficserver",
        program: "traffic_server",
        arguments: &["--run-root=@scratch@/runroot.yaml"],
        file: "trafficserver.records",
        mark: EDGE,
        has_http2: false,
    },
    Kind {
        name: "squid",
        program: "squid",
        arguments: &["-N", "-f", "@file@"],
        file: "squid.conf",
        mark: EDGE,
        has_http2: false,
    },
    Kind {
        name: "lighttpd",
        program: "lighttpd",
        arguments: &["-D", "-f", "@file@"],
        file: "lighttpd.conf",
        mark: EDGE,
        has_http2: true,
    },
    Kind {
        name: "h2o",
        program: "h2o",
        arguments: &["-c", "@file@"],
        file: "h2o.conf",
        mark: "X-Forwarded-Proto",
        has_http2: true,
    },
    Kind {
        name: "caddy",
        program: "caddy",
        arguments: &["run", "--adapter", "caddyfile", "--config", "@file@"],
        file: "caddy.conf",
        mark: EDGE,
        has_http2: true,
    },
];

const EDGE: &str = "X-Edge";

impl Kind {
    pub(crate) fn mark(&self) -> Mark {
        let value = if self.mark == EDGE { "3f9c1d7a" } else { "http" };
        Mark { name: self.mark, value: value.to_owned() }
    }

    pub(crate) fn is_installed(&self) -> bool {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|folder| folder.join(self.program).is_file())
    }
}

/// A proxy that runs.
pub(crate) struct Edge {
    child: Child,
    pub(crate) http1: u16,
    pub(crate) http2: u16,
}

impl Edge {
    /// Starts a proxy in front of the server at a port.
    pub(crate) fn start(kind: &Kind, configurations: &Path, scratch: &Path, server: u16) -> io::Result<Self> {
        fs::create_dir_all(scratch)?;
        // Some proxies give up root's rights.
        fs::set_permissions(scratch, fs::Permissions::from_mode(0o777))?;
        let (http1, http2) = (free_port()?, free_port()?);
        let mark = kind.mark().value;
        let file = scratch.join(kind.file);
        let filled = |text: &str| {
            let names = [
                ("@scratch@", scratch.display().to_string()),
                ("@file@", file.display().to_string()),
                ("@http1@", http1.to_string()),
                ("@http2@", http2.to_string()),
                ("@server@", server.to_string()),
                ("@mark@", mark.clone()),
                ("@modules@", "/usr/lib/apache2/modules".to_owned()),
            ];
            names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
        };
        fs::write(&file, filled(&fs::read_to_string(configurations.join(kind.file))?))?;
        if kind.name == "trafficserver" {
            lay_out_traffic_server(scratch, &file, &filled)?;
        }
        let log = fs::File::create(scratch.join("log"))?;
        let arguments = kind.arguments.iter().map(|argument| OsString::from(filled(argument)));
        let child = Command::new(kind.program)
            .args(arguments)
            .env("XDG_DATA_HOME", scratch)
            .env("XDG_CONFIG_HOME", scratch)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut edge = Self { child, http1, http2 };
        edge.wait_for_port(scratch)?;
        Ok(edge)
    }

    fn wait_for_port(&mut self, scratch: &Path) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.http1)).is_err() {
            let has_ended = self.child.try_wait()?;
            if has_ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(scratch.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("it does not start: {log}")));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it, with its connections.
    pub(crate) fn stop(&mut self) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).expect("a process"));
        let _ = kill(id, Signal::SIGTERM);
        let deadline = Instant::now() + PATIENCE;
        while self.runs() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.stop();
    }
}

/// It wants a tree of folders of its own.
fn lay_out_traffic_server(scratch: &Path, records: &Path, filled: &dyn Fn(&str) -> String) -> io::Result<()> {
    let etc = scratch.join("etc");
    for folder in ["etc", "var"] {
        fs::create_dir_all(scratch.join(folder))?;
    }
    for entry in fs::read_dir("/etc/trafficserver")? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), etc.join(entry.file_name()))?;
        }
    }
    fs::copy(records, etc.join("records.config"))?;
    fs::write(etc.join("remap.config"), filled("map / http://127.0.0.1:@server@/\n"))?;
    fs::write(etc.join("plugin.config"), filled("header_rewrite.so @scratch@/etc/mark.conf\n"))?;
    fs::write(etc.join("mark.conf"), filled("cond %{SEND_REQUEST_HDR_HOOK}\nset-header X-Edge @mark@\n"))?;
    fs::write(etc.join("storage.config"), "")?;
    let layout = "prefix: @scratch@\nexec_prefix: @scratch@\nbindir: /usr/bin\nsbindir: /usr/sbin\nsysconfdir: @scratch@/etc\n\
        datadir: @scratch@\nincludedir: /usr/include\nlibdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\n\
        localstatedir: @scratch@/var\nruntimedir: @scratch@/var\nlogdir: @scratch@/var\nmandir: /usr/share/man\n\
        infodir: /usr/share/info\ncachedir: @scratch@/var\n";
    fs::write(scratch.join("runroot.yaml"), filled(layout))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
