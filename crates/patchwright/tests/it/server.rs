//! `up` on this machine: a ranked answer, a console one can sign in to, and a clean end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::run::{Bench, PROGRAM, code, err, heeding};

struct Up {
    child: Child,
    address: String,
    link: String,
    talk: Option<std::thread::JoinHandle<String>>,
}

impl Up {
    fn start(bench: &Bench) -> Self {
        let mut child = bench
            .heeding(&["up", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut link = None;
        let mut line = String::new();
        while link.is_none() {
            line.clear();
            assert!(talk.read_line(&mut line).unwrap() > 0, "it ended before it printed a link");
            link = line.split("Sign in (works once, for 30 minutes): ").nth(1).map(|l| l.trim().to_owned());
        }
        let link = link.unwrap();
        let address = link.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let rest = std::thread::spawn(move || {
            let mut sink = String::new();
            drop(talk.read_to_string(&mut sink));
            sink
        });
        Self { child, address, link, talk: Some(rest) }
    }

    /// One HTTP/1.1 request; gives status, headers and body.
    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        text += body;
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }

    /// Signs in with a fresh link; gives the session's cookie.
    fn sign_in(&self, bench: &Bench) -> String {
        self.sign_in_as(bench, "admin")
    }

    fn sign_in_as(&self, bench: &Bench, user: &str) -> String {
        let origin = format!("http://{}", self.address);
        // Nobody has to tell it where the server is.
        let link = bench.ok(&["link", "-q", "--user", user]);
        assert!(link.starts_with(&origin), "{link}");
        let secret = link.trim().rsplit('/').next().unwrap().to_owned();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let body = format!("secret={secret}");
        write!(
            stream,
            "POST /sign-in/link HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
            .lines()
            .find_map(|l| l.strip_prefix("set-cookie: "))
            .and_then(|l| l.split(';').next())
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }

    /// An API token of an account, made on its page.
    fn token(&self, bench: &Bench, user: &str, scopes: &[&str]) -> String {
        let cookie = self.sign_in_as(bench, user);
        let (status, _, page) = self.request("GET", "/settings", &[("Cookie", &cookie)], "");
        assert_eq!(status, 200, "{page}");
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let origin = format!("http://{}", self.address);
        let headers = [
            ("Cookie", cookie.as_str()),
            ("Origin", origin.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let scopes: String = scopes.iter().map(|s| format!("&scope={}", s.replace(':', "%3A"))).collect();
        let form = format!("csrf={csrf}&name=command+line&days=30{scopes}");
        let (status, _, page) = self.request("POST", "/settings/tokens", &headers, &form);
        assert_eq!(status, 200, "{page}");
        page.split("class=\"secret\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    /// A document of the API.
    fn json(&self, path: &str, cookie: &str) -> serde_json::Value {
        let (status, _, body) = self.request("GET", path, &[("Cookie", cookie)], "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body[body.find('{').unwrap()..=body.rfind('}').unwrap()]).unwrap()
    }

    fn stop(mut self) -> (Option<i32>, String) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap().code(), out)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// API tokens of some accounts, each with its scopes. Made on a server that runs for the while.
pub(crate) fn tokens(bench: &Bench, of: &[(&str, &[&str])]) -> Vec<String> {
    let up = Up::start(bench);
    let made = of.iter().map(|(user, scopes)| up.token(bench, user, scopes)).collect();
    assert_eq!(up.stop().0, Some(0));
    made
}

#[test]
fn up_answers_for_this_machine_and_serves_a_console_one_can_sign_in_to() {
    let bench = Bench::new();
    let up = Up::start(&bench);

    let (status, head, _) = up.request("GET", "/", &[], "");
    assert!(status == 303 || status == 302, "without a session the console asks to sign in: {status}");
    assert!(head.contains("location: /sign-in"), "{head}");
    assert_eq!(up.request("GET", "/api/v1/hosts", &[], "").0, 401);

    let path = up.link.split_once(&up.address).unwrap().1.to_owned();
    let (status, _, page) = up.request("GET", &path, &[], "");
    assert_eq!(status, 200);
    let secret = page.split("name=\"secret\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let origin = format!("http://{}", up.address);
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin.as_str())];
    let (status, head, _) = up.request("POST", "/sign-in/link", &form, &format!("secret={secret}"));
    assert_eq!(status, 303, "{head}");
    let cookie = head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let raw = cookie.split_once('=').unwrap();
    assert!(raw.1.len() > 20);

    let again = up.request("POST", "/sign-in/link", &form, &format!("secret={secret}")).0;
    assert_ne!(again, 303, "a link works once");

    // Header names were lowered above, and so was the cookie's value: sign in anew for the exact bytes.
    let cookie = up.sign_in(&bench);

    for page in ["/", "/hosts", "/advisories", "/data", "/settings"] {
        let (status, head, body) = up.request("GET", page, &[("Cookie", &cookie)], "");
        assert_eq!(status, 200, "{page}");
        assert!(head.contains("content-security-policy"), "{page}: {head}");
        assert!(body.contains("<h1"), "{page}");
    }
    let (status, _, hosts) = up.request("GET", "/api/v1/hosts", &[("Cookie", &cookie)], "");
    assert_eq!(status, 200, "a console session may read the API: {hosts}");
    let page: serde_json::Value =
        serde_json::from_str(&hosts[hosts.find('{').unwrap()..=hosts.rfind('}').unwrap()]).unwrap();
    assert_eq!(page["total"], 1, "{page}");

    // The API with a token made on the console's own use case is covered in the web crate.
    let second = bench.run(&["up", "--listen", &up.address]);
    assert_eq!(code(&second), 103, "{}", err(&second));
    assert!(err(&second).contains("--listen"));

    let (code, out) = up.stop();
    assert_eq!(code, Some(0));
    assert!(out.contains("packages"), "{out}");
    let list = bench.ok(&["host", "list", "-o", "csv"]);
    assert_eq!(list.lines().count(), 2, "this machine is known now: {list}");
}

#[test]
fn ctrl_c_ends_with_its_own_code_and_leaves_a_good_installation() {
    let bench = Bench::new();
    let mut up = Up::start(&bench);
    let sent = Command::new("kill").args(["-INT", &up.child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(up.child.wait().unwrap().code(), Some(130));
    let talk = up.talk.take().unwrap().join().unwrap();
    assert!(talk.contains("stopped") && !talk.contains("error") && !talk.contains("hint"), "it was told to: {talk}");
    bench.ok(&["audit", "verify"]);
    bench.ok(&["intel", "verify"]);
}

#[test]
fn a_running_server_takes_over_what_another_process_activates() {
    let bench = Bench::new();
    let up = Up::start(&bench);
    let cookie = up.sign_in(&bench);
    let row = |cve: &str| up.json(&format!("/api/v1/advisories/{cve}"), &cookie);
    assert!(row("CVE-2026-10050")["kev_detail"].is_null());
    let before = row("CVE-2026-10050")["data"]["snapshot"].clone();

    let mirror = bench.file("kev.json", crate::feeds::kev(&crate::feeds::cves(60)));
    bench.sync("cisa-kev", &format!("file://{}", mirror.display()), &[]);
    let mut after = row("CVE-2026-10050");
    for _ in 0..100 {
        if after["data"]["snapshot"] != before {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        after = row("CVE-2026-10050");
    }
    assert!(after["kev_detail"].to_string().contains("Acme"), "{after}");
    // Who brought it is on record once, as the process that did it wrote it.
    let log = bench.ok(&["intel", "list", "-o", "csv"]);
    assert_eq!(log.lines().filter(|l| l.contains("cisa-kev")).count(), 1, "{log}");
    assert!(!log.contains(",unknown,"), "{log}");

    // What was built without the database counts too.
    assert_eq!(code(&bench.run(&["intel", "build", "-q"])), 1, "a live feed goes");
    for _ in 0..300 {
        if row("CVE-2026-10050")["kev_detail"].is_null() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(row("CVE-2026-10050")["kev_detail"].is_null(), "the starter set is in force again");
    let (code, _) = up.stop();
    assert_eq!(code, Some(0));
}

/// What people set with the command line beside a running server holds for the server too: policy, what a host is, settings.
#[test]
fn a_running_server_takes_over_what_people_set_elsewhere() {
    let bench = Bench::new();
    let up = Up::start(&bench);
    let cookie = up.sign_in(&bench);
    let name = || up.json("/api/v1/policy", &cookie)["name"].as_str().unwrap().to_owned();
    assert!(name().starts_with("default "), "{}", name());
    let ours = bench.ok(&["policy", "show"]).replacen("name = \"default\"", "name = \"ours\"", 1);
    let file = bench.file("ours.toml", ours);
    bench.ok(&["policy", "apply", file.to_str().unwrap(), "--reason", "our own words"]);
    let began = std::time::Instant::now();
    while !name().starts_with("ours ") {
        assert!(began.elapsed().as_secs() < 30, "the server still judges by `{}`", name());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let id = up.json("/api/v1/hosts", &cookie)["items"][0]["id"].as_str().unwrap().to_owned();
    let host = || up.json(&format!("/api/v1/hosts/{id}"), &cookie);
    assert_eq!(
        host()["report"]["policy"].as_str().unwrap().split(' ').next(),
        Some("ours"),
        "{}",
        host()["report"]["policy"]
    );
    bench.ok(&["host", "set", &id, "tier=T1"]);
    assert_eq!(host()["row"]["tier"], "T1", "hosts are read from the database each time");
}

/// Sends a signal to a process of ours.
fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// Waits for words in a file that a server writes.
fn said(log: &std::path::Path, words: &str) -> String {
    let began = std::time::Instant::now();
    loop {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        if text.contains(words) {
            return text;
        }
        assert!(began.elapsed().as_secs() < 60, "`{words}` was not said: {text}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_hang_up_without_a_terminal_is_told_and_ends_nothing() {
    if Command::new("setsid").arg("--version").stdout(Stdio::null()).status().is_err() {
        patchwright_testkit::skip::skip("SIGHUP without a terminal", "setsid is not installed");
        return;
    }
    let bench = Bench::new();
    let log = bench.dir.path().join("log");
    let mut command = bench.with(heeding("setsid"), &[PROGRAM, "serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    said(&log, "console: ");
    signal("-HUP", child.id());
    said(&log, "SIGHUP: vulnerability data and policy are followed without it");
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    signal("-TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(said(&log, "stopped").matches("SIGHUP").count() == 1);
}

#[test]
fn a_terminal_that_closes_ends_the_server_in_order() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        patchwright_testkit::skip::skip("a terminal that closes", "python3 is not installed");
        return;
    }
    let bench = Bench::new();
    let log = bench.dir.path().join("log");
    // A terminal of its own: the parent reads until the server is up, then closes it.
    let script = "import os,pty,sys,time\n\
                  open(sys.argv[1],'w').close()\n\
                  pid,fd=pty.fork()\n\
                  if pid==0:\n os.dup2(os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT),2)\n os.execv(sys.argv[2],sys.argv[2:])\n\
                  while b'console: ' not in open(sys.argv[1],'rb').read(): time.sleep(0.02)\n\
                  os.close(fd)\n\
                  print(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))";
    let words = ["-c", script, log.to_str().unwrap(), PROGRAM, "serve", "--listen", "127.0.0.1:0"];
    let output = bench.with(heeding("python3"), &words).output().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "130", "{text}{}", err(&output));
    assert!(text.contains("the terminal closed (SIGHUP): stopping") && text.contains("stopped"), "{text}");
    bench.ok(&["audit", "verify"]);
}
