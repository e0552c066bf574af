//! Clients that are slow on purpose hold nobody up, and not for long.

use crate::fixture::{BUILT, PATIENCE, World, database, run, token};
use assay_server::listen::{Patience, answer};
use assay_store::Role;
use assay_test::registry::Content;
use axum::Router;
use axum::routing::get;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

async fn world() -> World {
    World::start(Content::new(), &database(&[], BUILT), None).await
}

/// Sends a byte of a text ten times a second, until the server has enough; returns when that was, and what it said.
async fn drip(world: &World, text: &str) -> (Duration, String) {
    // The server's time begins when it takes the connection, which may be before that is known here.
    let begun = Instant::now();
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let send = async {
        for byte in text.bytes().chain(std::iter::repeat(b'x')) {
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut said = Vec::new();
    tokio::select! {
        _ = reading.read_to_end(&mut said) => {}
        () = send => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("the server waits for ever"),
    }
    (begun.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_head_that_never_ends_is_not_waited_for() {
    run(async {
        let world = world().await;
        let (took, said) = drip(&world, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await;
        assert!(took >= PATIENCE.head && took < PATIENCE.head * 3, "{took:?} {said}");
        // And who says nothing at all.
        let mut silent = TcpStream::connect(world.address).await.unwrap();
        let begun = Instant::now();
        assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
        assert!(begun.elapsed() < PATIENCE.head * 3);
    });
}

/// Sends a body that never ends; returns what was said at last, and after how long.
async fn endless(world: &World, head: &str) -> (String, Duration) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let mut said = Vec::new();
    let send = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let mut bytes = [0; 4096];
            if let Ok(Ok(read)) =
                tokio::time::timeout(Duration::from_millis(10), stream.read(&mut bytes)).await
            {
                if read == 0 {
                    break;
                }
                said.extend_from_slice(&bytes[..read]);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(50), send).await.expect("the server waits for ever");
    (String::from_utf8_lossy(&said).into_owned(), begun.elapsed())
}

#[test]
fn a_body_that_never_ends_is_not_waited_for() {
    run(async {
        let world = world().await;
        let head = |path: &str, role| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: 10000\r\n\r\n",
                token(role).reveal()
            )
        };
        // The last two read their bodies themselves, or look as if they did.
        let (one, two, three) = (
            head("/api/v1/tokens", Role::Admin),
            head("/api/v1/builds", Role::Developer),
            head("/webhooks/sbom", Role::Viewer),
        );
        let (one, two, three) =
            tokio::join!(endless(&world, &one), endless(&world, &two), endless(&world, &three));
        for (said, took) in [one, two, three] {
            assert!(said.starts_with("HTTP/1.1 408") && said.contains("too-slow"), "{said}");
            assert!(took >= Duration::from_secs(29), "{took:?}");
        }
    });
}

#[test]
fn what_takes_no_body_reads_none() {
    run(async {
        let world = world().await;
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        let head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        // Nothing of the body is waited for.
        let mut answer = [0; 64];
        let read =
            tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    });
}

#[test]
fn slow_clients_that_fill_every_place_are_gone_in_time_for_others() {
    run(async {
        let world = world().await;
        let mut slow = Vec::new();
        for _ in 0..PATIENCE.connections {
            let mut stream = TcpStream::connect(world.address).await.unwrap();
            stream.write_all(b"GET / HT").await.unwrap();
            slow.push(stream);
        }
        let begun = Instant::now();
        assert_eq!(world.ask("GET", "/healthz", None, "").await.0, 200);
        let waited = begun.elapsed();
        assert!(waited > PATIENCE.head / 2, "there are more places than there should be: {waited:?}");
        assert!(waited < PATIENCE.head * 3, "{waited:?}");
    });
}

#[test]
fn an_answer_that_nobody_takes_is_given_up_and_one_that_is_taken_slowly_is_not() {
    run(async {
        let router = Router::new().route("/", get(async || vec![b'x'; 32 << 20]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let patience = Patience { answer: Duration::from_secs(1), ..PATIENCE };
        let until = async move {
            let _ = stopped.await;
        };
        let server = tokio::spawn(answer(listener, None, router, patience, until));
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut steady = TcpStream::connect(address).await.unwrap();
        steady.write_all(request).await.unwrap();
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(request).await.unwrap();
        let begun = Instant::now();
        let (mut taken, mut bytes) = (0, vec![0; 1 << 20]);
        loop {
            let read = steady.read(&mut bytes).await.unwrap();
            if read == 0 {
                break;
            }
            taken += read;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(taken > 32 << 20, "{taken}");
        assert!(begun.elapsed() > Duration::from_millis(1500), "it was too quick to tell anything");
        // The other one holds its connection no more: what the server ends for does not wait for it.
        let _ = stop.send(());
        tokio::time::timeout(Duration::from_secs(10), server)
            .await
            .expect("it waits for who takes nothing")
            .unwrap();
        drop(idle);
    });
}
