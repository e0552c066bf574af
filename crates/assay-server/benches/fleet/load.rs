//! Load as a cluster makes it, open loop: requests come when they come, whether or not those before were answered, and their time
//! counts from when they should have been sent.

use crate::quantiles;
use crate::server::Running;
use assay_model::Digest;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Semaphore};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Connections that are kept open, as API servers keep them: a request waits for one, and its time runs.
const CONNECTIONS: usize = 32;
/// As many as answers that come as late as they may take.
const COLD_CONNECTIONS: usize = 400;
/// Time that the API server gives for images nobody knows.
const COLD: Duration = Duration::from_secs(2);

pub(crate) type Connection = TlsStream<TcpStream>;
type Idle = Arc<Mutex<Vec<Connection>>>;

/// Images that are run often, and asked about for as long as their verdicts hold.
const POPULAR: usize = 200;

/// Asks about images whose verdicts are stored, at so many requests a second; puts into words how long answers took.
pub(crate) async fn warm(server: &Running, digests: &[Digest], rate: u32, seconds: u32) -> String {
    let popular = &digests[..digests.len().min(POPULAR)];
    let about = |number: u32| body(popular[number as usize % popular.len()]);
    // Once each, one after the other.
    let mut connection = connect(server).await.unwrap();
    for number in 0..u32::try_from(popular.len()).unwrap() {
        drop(ask(&mut connection, post(VALIDATE, &about(number)).as_bytes()).await.unwrap());
    }
    told(&send(server, VALIDATE, (0..rate * seconds).map(about).collect(), rate, CONNECTIONS).await, rate)
}

/// Asks about images of the whole fleet: most pods are of few images, and one in five is of any, which nobody asked about before.
pub(crate) async fn mixed(server: &Running, digests: &[Digest], rate: u32, seconds: u32) -> String {
    let bodies = (0..rate * seconds).map(|number| {
        let among = if number % 5 == 0 { digests.len() } else { digests.len().min(POPULAR) };
        body(digests[(number as usize).wrapping_mul(7919) % among])
    });
    told(&send(server, VALIDATE, bodies.collect(), rate, CONNECTIONS).await, rate)
}

const VALIDATE: &str = "/admission/validate?timeout=10s";

fn body(digest: Digest) -> String {
    review(&format!("registry.example/team/app@{digest}"), "prod")
}

fn told((times, allowed, failed): &(Vec<Duration>, usize, usize), rate: u32) -> String {
    format!(
        "{} requests at {rate}/s: {}, {allowed} allowed, {failed} without an answer",
        times.len(),
        quantiles(times)
    )
}

/// Asks about images that nobody knows and that cannot be fetched, with little time.
pub(crate) async fn cold(server: &Running, rate: u32, seconds: u32) -> String {
    let bodies = (0..rate * seconds)
        .map(|number| review(&format!("registry.example/cold/app-{number}@sha256:{number:064x}"), "prod"));
    let path = format!("/admission/validate?timeout={}s", COLD.as_secs());
    let (times, allowed, failed) = send(server, &path, bodies.collect(), rate, COLD_CONNECTIONS).await;
    let late = times.iter().filter(|time| **time > COLD).count();
    format!(
        "{} requests at {rate}/s with {} s each: {}, {allowed} allowed, {failed} without an answer, {late} late",
        times.len(),
        COLD.as_secs(),
        quantiles(&times)
    )
}

fn review(image: &str, namespace: &str) -> String {
    let pod = serde_json::json!({
        "metadata": { "name": "p" }, "spec": { "containers": [{ "name": "c", "image": image }] } });
    serde_json::json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "operation": "CREATE",
            "namespace": namespace, "userInfo": { "username": "anna" }, "object": pod,
        },
    })
    .to_string()
}

/// Sends every body when its time has come; returns sorted times, how many were allowed, and how many got no answer.
async fn send(
    server: &Running,
    path: &str,
    bodies: Vec<String>,
    rate: u32,
    connections: usize,
) -> (Vec<Duration>, usize, usize) {
    let idle: Idle = Arc::default();
    for _ in 0..connections {
        let connection = connect(server).await.unwrap();
        idle.lock().await.push(connection);
    }
    let seats = Arc::new(Semaphore::new(connections));
    let allowed = Arc::new(AtomicUsize::new(0));
    let server = Arc::new((server.address, server.connector.clone()));
    let begun = Instant::now();
    let mut answers = Vec::new();
    for (number, body) in (0_u32..).zip(bodies) {
        let due = begun + Duration::from_secs(1) * number / rate;
        tokio::time::sleep_until(due.into()).await;
        let (idle, allowed, server, seats) = (idle.clone(), allowed.clone(), server.clone(), seats.clone());
        let request = post(path, &body);
        answers.push(tokio::spawn(async move {
            let _seat = seats.acquire_owned().await.map_err(std::io::Error::other)?;
            let kept = idle.lock().await.pop();
            let mut connection = match kept {
                Some(connection) => connection,
                None => open(server.0, &server.1).await?,
            };
            let answer = ask(&mut connection, request.as_bytes()).await?;
            let took = due.elapsed();
            if answer.contains("\"allowed\":true") {
                allowed.fetch_add(1, Ordering::Relaxed);
            }
            idle.lock().await.push(connection);
            Ok::<_, std::io::Error>(took)
        }));
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    for answer in answers {
        match answer.await.unwrap() {
            Ok(took) => times.push(took),
            Err(_) => failed += 1,
        }
    }
    times.sort_unstable();
    (times, allowed.load(Ordering::Relaxed), failed)
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) async fn connect(server: &Running) -> std::io::Result<Connection> {
    open(server.address, &server.connector).await
}

async fn open(
    address: std::net::SocketAddr,
    connector: &tokio_rustls::TlsConnector,
) -> std::io::Result<Connection> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Asks the API.
pub(crate) async fn get(connection: &mut Connection, path: &str, token: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    ask(connection, request.as_bytes()).await
}

/// Sends one request and reads one answer, on a connection that stays open.
async fn ask(connection: &mut Connection, request: &[u8]) -> std::io::Result<String> {
    connection.write_all(request).await?;
    connection.flush().await?;
    let mut answer = Vec::new();
    let mut part = vec![0; 1 << 16];
    loop {
        let count = connection.read(&mut part).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&part[..count]);
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.trim().parse().ok())
            .unwrap();
        if answer.len() >= end + 4 + length {
            if !head.starts_with("http/1.1 200") {
                return Err(std::io::Error::other(head));
            }
            return Ok(String::from_utf8_lossy(&answer[end + 4..]).into_owned());
        }
    }
}
