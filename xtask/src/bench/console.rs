//! Pages of the console over a large fleet: a data folder is filled host by host, the server is started on it, and each page is asked for
//! by a signed-in browser's request on loopback.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::sh::{Attempt, Failure, capture, command};

use super::{Findings, Measure, Setting, fleet};

/// DESIGN 12: server time of a page, 95 of 100.
const PAGE_MS_MAX: f64 = 150.0;
const HOSTS: u32 = 100_000;
/// Reading a fleet takes minutes; nobody waits longer than this.
const READY: Duration = Duration::from_secs(1_800);

/// What people open: a name for the table, and the address.
const PAGES: &[(&str, &str)] = &[
    ("Today", "/"),
    ("Hosts", "/hosts"),
    ("Hosts, by name, page 200", "/hosts?sort=name&after=19900"),
    ("Hosts with a package", "/hosts?q=package:openssl"),
    ("Hosts, overdue", "/hosts?q=is:overdue"),
    ("Advisories", "/advisories"),
    ("Advisories, by hosts", "/advisories?sort=hosts"),
    ("Findings by patch", "/findings"),
    ("Findings of a zone", "/findings?q=zone:zone-1%20and%20urgency:critical&group=vuln"),
    ("Search", "/search?q=openssl"),
];

/// The bench. `PATCHWRIGHT_BENCH_HOSTS` makes the fleet smaller, `PATCHWRIGHT_BENCH_DATA` keeps the filled folder for another run.
pub(crate) fn run(setting: &Setting) -> Result<Findings, Failure> {
    let hosts = match std::env::var("PATCHWRIGHT_BENCH_HOSTS") {
        Ok(text) => text.parse().map_err(|_| Failure::new("PATCHWRIGHT_BENCH_HOSTS has to be a number"))?,
        Err(_) => HOSTS,
    };
    let kept = std::env::var_os("PATCHWRIGHT_BENCH_DATA").map(PathBuf::from);
    let data = kept.unwrap_or_else(|| setting.work.join("data"));
    let mut findings = Findings::default();
    if !data.join("patchwright.db").exists() {
        let began = Instant::now();
        fill(setting, &data, hosts)?;
        findings.measures.push(Measure::shown("hosts reported one by one", began.elapsed().as_secs_f64(), "s"));
    }
    let server = Server::start(setting, &data)?;
    let took = server.wait()?;
    findings.measures.push(Measure::shown("hosts", f64::from(hosts), "hosts"));
    findings.measures.push(Measure::shown("fleet read after the start", took.as_secs_f64(), "s"));
    let mut pages: Vec<(String, String)> = PAGES.iter().map(|(n, a)| ((*n).to_owned(), (*a).to_owned())).collect();
    pages.extend(server.details()?);
    let mut raw = serde_json::Map::new();
    for (name, address) in &pages {
        let first = server.get(address)?;
        let mut times: Vec<f64> = Vec::new();
        for _ in 0..setting.runs {
            times.push(server.get(address)?);
        }
        times.sort_by(f64::total_cmp);
        let p95 = times.get((times.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(f64::MAX);
        findings.measures.push(Measure::shown(format!("{name}: first"), first, "ms"));
        findings.measures.push(Measure::at_most(format!("{name}: p95"), p95, "ms", PAGE_MS_MAX));
        raw.insert(address.clone(), serde_json::json!(times));
    }
    findings.measures.push(Measure::shown("server: memory", server.memory_mb()?, "MB"));
    findings.raw = raw.into();
    Ok(findings)
}

fn fill(setting: &Setting, data: &Path, hosts: u32) -> Result<(), Failure> {
    let shared = std::env::var_os("PATCHWRIGHT_SHARED").map_or_else(|| setting.root.join("../shared"), PathBuf::from);
    if !shared.join("feeds").is_dir() {
        return Err(Failure::new(format!(
            "there is no {}\n\nhint: name the folder that holds feeds/debian with PATCHWRIGHT_SHARED",
            shared.join("feeds").display()
        )));
    }
    let mut program = command(fleet::program(setting)?);
    program.arg("--shared").arg(shared).arg("--hosts").arg(hosts.to_string()).arg("--seed").arg(data);
    let done = program.status().attempt(|| "fill the data folder".into())?;
    if done.success() { Ok(()) } else { Err(Failure::new(format!("filling the data folder ended with {done}"))) }
}

struct Server {
    child: Child,
    origin: String,
    jar: PathBuf,
}

impl Server {
    fn start(setting: &Setting, data: &Path) -> Result<Self, Failure> {
        let child = command(&setting.binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--offline", "--quiet", "--data-dir"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .attempt(|| "start the server".into())?;
        let mut server = Self { child, origin: String::new(), jar: setting.work.join("cookies") };
        let link = server.link(setting, data)?;
        let (origin, secret) = link.rsplit_once("/sign-in/").unwrap_or((link.as_str(), ""));
        origin.clone_into(&mut server.origin);
        let secret = format!("secret={}", secret.rsplit('/').next().unwrap_or_default());
        let sent = server.curl(&["-X", "POST", "-H", &format!("Origin: {origin}"), "-d", &secret], "/sign-in/link")?;
        if !sent.starts_with('3') {
            return Err(Failure::new(format!("signing in was answered with {sent}")));
        }
        Ok(server)
    }

    /// An address to sign in at; the command waits for no server, so it is asked until one has announced itself.
    fn link(&mut self, setting: &Setting, data: &Path) -> Result<String, Failure> {
        let began = Instant::now();
        loop {
            let link = capture(command(&setting.binary).args(["link", "-q", "--data-dir"]).arg(data));
            match link {
                Ok(link) if link.contains("127.0.0.1:") && !link.contains(":8470/") => {
                    return Ok(link.trim().to_owned());
                }
                Ok(_) | Err(_) if began.elapsed() < Duration::from_secs(30) => {}
                Ok(link) => {
                    return Err(Failure::new(format!("the server did not announce itself; `link` says {link}")));
                }
                Err(failure) => return Err(failure),
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::new(format!("the server ended with {status}")));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// `STATUS MILLISECONDS` of a request.
    fn curl(&self, more: &[&str], path: &str) -> Result<String, Failure> {
        let mut words = command("curl");
        words.args(["-s", "-o", "/dev/null", "-w", "%{http_code} %{time_total}", "-b"]).arg(&self.jar);
        words.arg("-c").arg(&self.jar).args(more).arg(format!("{}{path}", self.origin));
        capture(&mut words)
    }

    fn get(&self, path: &str) -> Result<f64, Failure> {
        let answer = self.curl(&[], path)?;
        let (status, seconds) = answer.split_once(' ').unwrap_or((answer.as_str(), ""));
        if status != "200" {
            return Err(Failure::new(format!("{path} was answered with {status}")));
        }
        let seconds: f64 = seconds.trim().parse().map_err(|_| Failure::new(format!("curl said `{answer}`")))?;
        Ok(seconds * 1_000.0)
    }

    /// Waits until the fleet is read.
    fn wait(&self) -> Result<Duration, Failure> {
        let began = Instant::now();
        while began.elapsed() < READY {
            if self.curl(&[], "/")?.starts_with("200") {
                return Ok(began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Err(Failure::new("the fleet was not read in time"))
    }

    /// Pages of one host and of one vulnerability that many hosts have.
    fn details(&self) -> Result<Vec<(String, String)>, Failure> {
        let text = |path: &str| {
            let url = format!("{}{path}", self.origin);
            capture(command("curl").args(["-s", "-b"]).arg(&self.jar).arg(url))
        };
        let field = |path: &str, field: &str| -> Result<String, Failure> {
            let value: serde_json::Value = serde_json::from_str(&text(path)?).attempt(|| format!("read {path}"))?;
            let found = value.pointer(&format!("/items/0/{field}")).and_then(|v| v.as_str());
            found.map(str::to_owned).ok_or_else(|| Failure::new(format!("{path} has nothing")))
        };
        let host = field("/api/v1/hosts?limit=1", "id")?;
        let vuln = field("/api/v1/advisories?limit=1&sort=hosts", "vuln")?;
        Ok(vec![
            ("A host".to_owned(), format!("/hosts/{host}")),
            ("A vulnerability on most hosts".to_owned(), format!("/advisories/{vuln}")),
        ])
    }

    fn memory_mb(&self) -> Result<f64, Failure> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(&path).attempt(|| format!("read {path}"))?;
        let kb = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.split_whitespace().next());
        Ok(kb.and_then(|n| n.parse::<f64>().ok()).unwrap_or_default() / 1_000.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
