//! Feeds over a network that is not plain: proxies, a body without end, a kill in the middle of a download.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::feeds::{cves, kev};
use crate::run::{Bench, code, err, out};

/// A server on loopback: each connection's request head goes to `answer`, with its number.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

fn serve(answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, answer) = (asked.clone(), Arc::new(answer));
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (mut stream, log, answer) = (stream.unwrap(), log.clone(), answer.clone());
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0_u8; 1];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                log.lock().unwrap().push(head.clone());
                answer(number, &head, &mut stream);
            });
        }
    });
    Server { address, asked }
}

fn good(stream: &mut TcpStream, headers: &str, body: &str) {
    drop(write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    ));
}

/// `feed sync cisa-kev --from URL` with the network allowed.
fn sync(bench: &Bench, url: &str) -> Command {
    let mut command = bench.command(&["feed", "sync", "cisa-kev", "--from", url, "-o", "csv"]);
    command.env("PATCHWRIGHT_OFFLINE", "0");
    for name in
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"]
    {
        command.env_remove(name);
    }
    command
}

#[test]
fn a_feed_comes_through_a_proxy_that_alone_knows_the_publisher() {
    let b = Bench::new();
    let origin = serve(|_, head, stream| {
        assert!(head.starts_with("GET /kev.json "), "{head}");
        good(stream, "", &kev(&cves(2_000)));
    });
    let to = origin.address.clone();
    // Forwards requests for the one name it knows, as a proxy of a company does.
    let proxy = serve(move |_, head, stream| {
        let Some(path) = head.strip_prefix("GET http://feeds.example.test").and_then(|rest| rest.split(' ').next())
        else {
            drop(stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            return;
        };
        let mut onward = TcpStream::connect(&to).unwrap();
        write!(onward, "GET {path} HTTP/1.1\r\nHost: feeds.example.test\r\nConnection: close\r\n\r\n").unwrap();
        drop(std::io::copy(&mut onward, stream));
    });
    let through = format!("http://{}", proxy.address);
    let output = sync(&b, "http://feeds.example.test/kev.json").env("HTTP_PROXY", &through).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("cisa-kev,loaded,2000,0,"), "{}", out(&output));
    assert_eq!(origin.asked.lock().unwrap().len(), 1);

    // For https the proxy is asked for a tunnel to the publisher, and its refusal is said.
    let output = sync(&b, "https://feeds.example.test/kev.json").env("HTTPS_PROXY", &through).output().unwrap();
    assert_eq!(code(&output), 102, "{}", err(&output));
    assert!(err(&output).contains("hint: "), "{}", err(&output));
    let asked = proxy.asked.lock().unwrap();
    assert!(asked.last().unwrap().starts_with("CONNECT feeds.example.test:443 "), "{asked:?}");
    assert!(b.ok(&["explain", "CVE-2026-10050", "-q"]).contains("Known to be exploited"), "what was loaded stays");
}

/// A mirror is asked whether anything changed, with what that mirror itself said; another server is asked for the whole.
#[test]
fn a_mirror_is_asked_what_changed_since_its_own_last_answer() {
    let b = Bench::new();
    let serve_kev = |tag: &'static str| {
        serve(move |_, head, stream| {
            if head.to_lowercase().contains(&format!("if-none-match: \"{tag}\"")) {
                drop(stream.write_all(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"));
            } else {
                good(stream, &format!("ETag: \"{tag}\"\r\n"), &kev(&cves(2_000)));
            }
        })
    };
    let (first, second) = (serve_kev("a"), serve_kev("b"));
    let run = |server: &Server| {
        let output = sync(&b, &format!("http://{}/kev.json", server.address)).output().unwrap();
        assert_eq!(code(&output), 0, "{}", err(&output));
        let asked = server.asked.lock().unwrap().last().unwrap().to_lowercase();
        (out(&output), asked.contains("if-none-match"))
    };
    assert!(!run(&first).1, "nothing is known of it");
    let (again, conditional) = run(&first);
    assert!(conditional && again.contains("cisa-kev,unchanged,2000,"), "{again}");
    assert!(!run(&second).1, "what the first server said is nothing to the second");
}

#[test]
fn killed_in_the_middle_of_a_download_the_next_run_asks_for_the_rest() {
    let b = Bench::new();
    let body = kev(&cves(3_000));
    let half = body.len() / 2;
    let server = serve(move |number, head, stream| {
        let tag = "ETag: \"v1\"\r\n";
        if number == 0 {
            drop(write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{tag}\r\n{}", body.len(), &body[..half]));
            std::thread::sleep(Duration::from_secs(60));
            return;
        }
        let from = head.to_lowercase().split("range: bytes=").nth(1).and_then(|r| r.split('-').next()?.parse().ok());
        let from: usize = from.unwrap_or(0);
        let rest = &body[from..];
        drop(write!(
            stream,
            "HTTP/1.1 {}\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\nConnection: close\r\n{tag}\r\n{rest}",
            if from > 0 { "206 Partial Content" } else { "200 OK" },
            rest.len(),
            body.len() - 1,
            body.len()
        ));
    });
    let url = format!("http://{}/kev.json", server.address);
    let mut child = sync(&b, &url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let part = b.data().join("raw/cisa-kev.part");
    for _ in 0..300 {
        if std::fs::metadata(&part).is_ok_and(|m| m.len() >= half as u64) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(std::fs::metadata(&part).unwrap().len(), half as u64);
    child.kill().unwrap();
    child.wait().unwrap();
    b.ok(&["intel", "verify"]);
    let output = sync(&b, &url).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("cisa-kev,loaded,3000,0,"), "nothing lost, nothing twice: {}", out(&output));
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].to_lowercase().contains(&format!("range: bytes={half}-")), "{asked:?}");
}

/// Largest resident size of a process so far, in kB.
fn peak_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// Runs to the end and gives exit code, stderr and the largest resident size seen.
fn watched(mut command: Command) -> (Option<i32>, String, u64) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_kb(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    (status.code(), talk, peak)
}

#[test]
fn a_body_without_end_is_refused_with_memory_flat() {
    let b = Bench::new();
    let server = serve(|number, _, stream| {
        if number == 0 {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\nConnection: close\r\n\r\n{"));
            return;
        }
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
        let block = vec![b' '; 1 << 20];
        for _ in 0..10_000 {
            if stream.write_all(&block).is_err() {
                return;
            }
        }
    });
    let url = format!("http://{}/kev.json", server.address);
    let (code, talk, announced) = watched(sync(&b, &url));
    assert_eq!(code, Some(102), "{talk}");
    let (code, talk, endless) = watched(sync(&b, &url));
    assert_eq!(code, Some(102), "{talk}");
    assert!(talk.contains("sends more than 67108864 bytes") && talk.contains("hint: "), "{talk}");
    assert!(endless < announced + (24 << 10), "{endless} kB after 64 MB of body, {announced} kB without a body");
    b.ok(&["intel", "verify"]);
}

#[test]
fn a_proxy_that_refuses_is_named_in_place_of_the_publisher_alone() {
    let b = Bench::new();
    // Taken and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let output = sync(&b, "https://feeds.example.test/kev.json")
        .env("HTTPS_PROXY", format!("http://ana:secret@{address}"))
        .output()
        .unwrap();
    assert_eq!(code(&output), 102, "{}", err(&output));
    let talk = format!("{}{}", err(&output), out(&output));
    assert!(talk.contains(&format!("the proxy {address} (HTTPS_PROXY)")), "{talk}");
    assert!(!talk.contains("secret"), "{talk}");
    let path = b.run(&["feed", "sync", "cisa-kev", "--from", "/no/such/file"]);
    assert!(err(&path).contains("`file:///no/such/file`"), "{}", err(&path));
}
