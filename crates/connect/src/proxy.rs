//! Which proxy a request goes through, for words about it: where the proxy does not answer, the publisher's name misleads.

/// Variables that name a proxy, for addresses of a scheme; the first that is set counts.
const FOR_HTTPS: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const FOR_HTTP: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Host and port of the proxy for an address with the variable that names it, without account and password.
pub(crate) fn of(url: &str, get: impl Fn(&str) -> Option<String>) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let host = url.host_str()?.to_lowercase();
    let names = if url.scheme() == "https" { FOR_HTTPS } else { FOR_HTTP };
    let set = |name: &str| get(name).filter(|value| !value.trim().is_empty());
    let (name, value) = names.iter().find_map(|name| Some((name, set(name)?)))?;
    let except = set("NO_PROXY").or_else(|| set("no_proxy")).unwrap_or_default();
    let spared = except
        .split(',')
        .map(|part| part.trim().trim_start_matches('.').to_lowercase())
        .any(|part| part == "*" || !part.is_empty() && (host == part || host.ends_with(&format!(".{part}"))));
    if spared {
        return None;
    }
    let full = if value.contains("://") { value } else { format!("http://{value}") };
    let proxy = reqwest::Url::parse(full.trim()).ok()?;
    let port = proxy.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port} ({name})", proxy.host_str()?))
}

/// The same by the environment of this process.
pub(crate) fn of_process(url: &str) -> Option<String> {
    of(url, |name| std::env::var(name).ok())
}

/// Why no connection came about, with the proxy named where there is one.
pub(crate) fn why(url: &str, why: String) -> String {
    match of_process(url) {
        Some(proxy) => format!("the proxy {proxy} cannot be used: {why}"),
        None => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_of_an_address() {
        let with = |url: &str, set: &[(&str, &str)]| {
            of(url, |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        let https = "https://www.example.org/feed.json";
        assert_eq!(with(https, &[]), None);
        assert_eq!(with(https, &[("HTTP_PROXY", "http://p:1")]), None);
        let proxy = [("HTTPS_PROXY", "http://ana:secret@proxy.lan:3128/")];
        assert_eq!(with(https, &proxy).as_deref(), Some("proxy.lan:3128 (HTTPS_PROXY)"));
        assert_eq!(with(https, &[("all_proxy", "10.0.0.1:8080")]).as_deref(), Some("10.0.0.1:8080 (all_proxy)"));
        for (except, spared) in [("example.org", true), (".example.org", true), ("x, *", true), ("ample.org", false)] {
            assert_eq!(with(https, &[proxy[0], ("no_proxy", except)]).is_none(), spared, "{except}");
        }
    }
}
