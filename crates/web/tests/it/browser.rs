//! A real browser (Chromium through its WebDriver) on the console: signing in under the real cookie and origin rules, the
//! script's enhancements, contrast and width. Skipped, and saying so, where no `chromedriver` is installed.

use std::process::Stdio;
use std::time::Duration;

use patchwright_web::{WebOptions, link_path, serve};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::house::House;

/// A WebDriver session (W3C WebDriver, sections 6 to 13; only what is needed here).
struct Driver {
    _process: Child,
    _profile: TempDir,
    address: String,
    session: String,
}

/// Whether an HTTP answer has arrived whole.
fn complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| answer.len() - at - 4);
    length.is_some_and(|length| body >= length)
}

impl Driver {
    /// Starts a browser, or says why not.
    async fn start() -> Option<Self> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = loop {
            let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.ok()?.ok()??;
            if let Some(rest) = line.split("successfully on port ").nth(1) {
                break rest.trim_end_matches('.').to_owned();
            }
        };
        // The pipe stays open and is read, or the driver would block on it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let profile = TempDir::new().unwrap();
        let mut driver =
            Self { _process: process, address: format!("127.0.0.1:{port}"), session: String::new(), _profile: profile };
        let args = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--user-data-dir={}", driver._profile.path().display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": args}, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let made = driver.call("POST", "/session", &wanted).await;
        driver.session = made["sessionId"].as_str()?.to_owned();
        Some(driver)
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" || method == "DELETE" { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let talk = async {
            let mut stream = TcpStream::connect(&self.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let mut part = [0_u8; 16_384];
            // The driver keeps connections open: the length says where the answer ends.
            while !complete(&answer) {
                let n = stream.read(&mut part).await.unwrap();
                if n == 0 {
                    break;
                }
                answer.extend_from_slice(&part[..n]);
            }
            String::from_utf8(answer).unwrap()
        };
        let answer = tokio::time::timeout(Duration::from_secs(60), talk).await.expect("the driver answers");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let value: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        value["value"].clone()
    }

    async fn on(&self, method: &str, path: &str, body: Value) -> Value {
        let value = self.call(method, &format!("/session/{}{path}", self.session), &body).await;
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }

    async fn go(&self, url: &str) {
        self.on("POST", "/url", json!({"url": url})).await;
    }

    async fn run(&self, script: &str) -> Value {
        self.on("POST", "/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Waits until a script answers true.
    async fn until(&self, script: &str) {
        for _ in 0..100 {
            if self.run(script).await == Value::Bool(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never true: {script}; at {}", self.run("return location.href + '\\n' + document.body.innerText").await);
    }

    async fn click(&self, selector: &str) {
        let element = self.on("POST", "/element", json!({"using": "css selector", "value": selector})).await;
        let id = element.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.on("POST", &format!("/element/{id}/click"), json!({})).await;
    }

    /// Types keys; control keys are the private-use characters of WebDriver, section 17.4.2.
    async fn keys(&self, keys: &str, control: bool) {
        let mut actions = Vec::new();
        if control {
            actions.push(json!({"type": "keyDown", "value": "\u{E009}"}));
        }
        for key in keys.chars() {
            actions.push(json!({"type": "keyDown", "value": key.to_string()}));
            actions.push(json!({"type": "keyUp", "value": key.to_string()}));
        }
        if control {
            actions.push(json!({"type": "keyUp", "value": "\u{E009}"}));
        }
        self.on("POST", "/actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})).await;
    }

    async fn width(&self, width: u32) {
        let view = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false}});
        self.on("POST", "/goog/cdp/execute", view).await;
    }
}

/// Texts whose contrast with the paper behind them is under WCAG 2.2, 1.4.3 (4.5:1; large text is not treated apart).
const LOW_CONTRAST: &str = r#"
  const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (css) => { paint.clearRect(0, 0, 1, 1); paint.fillStyle = css; paint.fillRect(0, 0, 1, 1); return [...paint.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (el) => { for (let at = el; at; at = at.parentElement) { const c = rgba(getComputedStyle(at).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255]; };
  const bad = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const el = node.parentElement;
    if (!node.data.trim() || !el.checkVisibility() || el.closest('.vh, .skip, script')) continue;
    const [a, b] = [light(rgba(getComputedStyle(el).color)), light(behind(el))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.add(ratio.toFixed(2) + ' ' + el.className + ': ' + node.data.trim().slice(0, 40));
  }
  return [...bad];
"#;

/// What makes a page wider than its window, outside of boxes that scroll by themselves (WCAG 2.2, 1.4.10).
const TOO_WIDE: &str = r#"
  const wide = innerWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll('body *')].filter((el) => el.getBoundingClientRect().right > wide + 0.5 && !el.closest('.scroll, nav, .vh, pre'))
    .map((el) => el.tagName + '.' + el.className + ' to ' + Math.round(el.getBoundingClientRect().right) + ': ' + el.innerText?.slice(0, 40)).concat(['page is ' + document.documentElement.scrollWidth]);
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_browser_signs_in_finds_and_reads() {
    let Some(driver) = Driver::start().await else {
        println!("skipped: no working chromedriver is installed");
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let house = House::with(WebOptions { public_origin: origin.clone(), secure_cookies: false }).await;
    let id = house.host("web-01").await;
    house.host("db-02").await;
    let server = tokio::spawn(serve(listener, house.router.clone(), std::future::pending()));

    // The link, its button, the cookie: under the browser's own rules for Origin and SameSite.
    driver.go(&format!("{origin}{}", link_path(&house.link().await))).await;
    driver.click("button.primary").await;
    driver.until("return document.querySelector('h1').innerText === 'What needs patching first?'").await;
    assert_eq!(driver.run("return document.cookie").await, "", "the session is out of reach for scripts");

    // Ctrl-K, typing, Enter.
    driver.keys("k", true).await;
    driver.until("return document.querySelector('dialog.palette')?.open === true").await;
    driver.keys("web-0", false).await;
    driver.until("return document.querySelector('.palette li.at')?.innerText.includes('web-01') === true").await;
    driver.keys("\u{E007}", false).await;
    driver.until(&format!("return location.pathname === '/hosts/{id}'")).await;

    // Rows by j and k, the filter by /.
    driver.go(&format!("{origin}/hosts?sort=name")).await;
    driver.keys("jj", false).await;
    driver.until("return document.querySelector('tr.at .name').innerText === 'web-01' && document.activeElement.innerText === 'web-01'").await;
    driver.keys("k", false).await;
    driver.until("return document.querySelector('tr.at .name').innerText === 'db-02'").await;
    driver.keys("/", false).await;
    driver.until("return document.activeElement.matches('[data-filter]')").await;

    // A heading orders the table inside a page, and turns the order round; the address says which.
    driver.width(1280).await;
    driver.go(&format!("{origin}/hosts/{id}?tab=packages")).await;
    for (address, aria) in [("sort=findings", "descending"), ("sort=-findings", "ascending")] {
        driver.click("th.num > a").await;
        driver
            .until(&format!(
                "return location.search.endsWith('{address}') && document.querySelector('table.rows th.num').ariaSort === '{aria}'"
            ))
            .await;
    }

    // A change elsewhere is announced quietly.
    driver.until("return performance.getEntriesByType('resource').length > 0").await;
    for _ in 0..50 {
        house.env.event("hosts", "web-03: 1 package");
        if driver.run("return !document.querySelector('[data-fresh]').hidden").await == Value::Bool(true) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    driver.until("return document.querySelector('[data-fresh]').innerText.includes('hosts changed')").await;

    // The switch of light and dark is a form like any other.
    for theme in ["dark", "light"] {
        driver.go(&format!("{origin}/hosts")).await;
        driver.click(".me summary").await;
        driver.click(&format!(".theme button[value={theme}]")).await;
        driver
            .until(&format!(
                "return document.documentElement.dataset.theme === '{theme}' && location.pathname === '/hosts'"
            ))
            .await;
        for path in [
            "/".to_owned(),
            "/hosts".to_owned(),
            "/advisories".to_owned(),
            "/findings".to_owned(),
            "/findings?group=host&q=package:libssl3".to_owned(),
            "/findings?q=ownr:x".to_owned(),
            "/data".to_owned(),
            "/findings/bulk?kind=tag&value=pci".to_owned(),
            "/findings/defer?q=package:libssl3".to_owned(),
            "/findings/not-affected?q=package:libssl3".to_owned(),
            "/exceptions".to_owned(),
            "/settings?tab=tokens".to_owned(),
            "/settings?tab=audit".to_owned(),
            "/api".to_owned(),
            format!("/hosts/{id}"),
            format!("/hosts/{id}?tab=findings&sort=-epss"),
            format!("/hosts/{id}?tab=packages&sort=findings"),
            format!("/hosts/{id}?tab=state"),
            format!("/hosts/{id}?tab=policy"),
            "/nowhere".to_owned(),
        ] {
            driver.width(1280).await;
            driver.go(&format!("{origin}{path}")).await;
            assert_eq!(driver.run(LOW_CONTRAST).await, json!([]), "{theme} {path}");
            for width in [360, 768, 1024] {
                driver.width(width).await;
                assert_eq!(driver.run(TOO_WIDE).await, json!([]), "{path} in a window of {width} pixels");
            }
        }
    }

    // The two checks can fail: a pale word and a wide box are found.
    driver.run("const p = document.querySelector('main').appendChild(document.createElement('p')); p.textContent = 'pale'; p.style.color = '#ddd'; p.style.width = '1900px'").await;
    assert!(driver.run(LOW_CONTRAST).await.to_string().contains("pale"));
    assert!(driver.run(TOO_WIDE).await.to_string().contains("pale"));

    // Nothing that the browser had to block or could not run.
    let log = driver.on("POST", "/se/log", json!({"type": "browser"})).await;
    let bad: Vec<&Value> = log
        .as_array()
        .unwrap()
        .iter()
        .filter(|l| {
            l["level"] == "SEVERE"
                && !["/nowhere", "q=ownr"].iter().any(|known| l["message"].as_str().unwrap_or_default().contains(known))
        })
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
    driver.call("DELETE", &format!("/session/{}", driver.session), &Value::Null).await;
    server.abort();
}
