//! Over a real socket: events, and a shutdown that ends open streams.

use std::time::Duration;

use patchwright_web::{WebOptions, router, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::house::{House, ORIGIN};

async fn read_until(stream: &mut TcpStream, mark: &str) -> String {
    let mut text = String::new();
    let mut part = [0_u8; 4096];
    let read = async {
        while !text.contains(mark) {
            let n = stream.read(&mut part).await.unwrap();
            assert!(n > 0, "the connection ended before `{mark}`: {text}");
            text.push_str(&String::from_utf8_lossy(&part[..n]));
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.unwrap_or_else(|_| panic!("no `{mark}` came"));
    text
}

#[tokio::test]
async fn events_reach_an_open_page_and_missed_ones_a_returning_one() {
    let house = House::new().await;
    let browser = house.sign_in().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let app = router(house.env.clone(), WebOptions { public_origin: ORIGIN.to_owned(), secure_cookies: false });
    let server = tokio::spawn(serve(listener, app, async move {
        stopped.await.unwrap();
    }));
    let open = |last: Option<u64>| {
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        format!("GET /events HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n{last}\r\n", browser.cookie)
    };

    let mut live = TcpStream::connect(address).await.unwrap();
    live.write_all(open(None).as_bytes()).await.unwrap();
    read_until(&mut live, "text/event-stream").await;
    house.env.event("hosts", "web-01: 12 packages");
    let text = read_until(&mut live, "hosts changed").await;
    assert!(text.contains("event: changed") && !text.contains("web-01"), "{text}");
    let id: u64 = text.split("id: ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();

    house.env.event("feeds", "epss: 5 records");
    read_until(&mut live, "a feed was fetched").await;
    let mut back = TcpStream::connect(address).await.unwrap();
    back.write_all(open(Some(id)).as_bytes()).await.unwrap();
    let text = read_until(&mut back, "a feed was fetched").await;
    assert!(!text.contains("hosts changed"), "{text}");

    let mut restarted = TcpStream::connect(address).await.unwrap();
    restarted.write_all(open(Some(id + 1_000)).as_bytes()).await.unwrap();
    read_until(&mut restarted, "event: missed").await;

    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), server).await;
    ended.expect("open streams do not hold the shutdown up").unwrap().unwrap();
}
