//! Links that break: between the server and its database, and between workers and the registry. Nothing is lost and nothing done twice.

use crate::cluster::free_port;
use crate::server::{events_when_scanned, first_token, line, process};
use crate::services::{notifications, push, registry};
use crate::store::start as start_postgres;
use assay_test::image::{Builder, BuiltImage, Tree};
use real_tests::tool;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One end of a connection, of whichever kind.
trait End: Read + Write + Send + Sized + 'static {
    fn again(&self) -> Self;
    fn close(&self);
}

impl End for TcpStream {
    fn again(&self) -> Self {
        self.try_clone().unwrap()
    }
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl End for UnixStream {
    fn again(&self) -> Self {
        self.try_clone().unwrap()
    }
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

/// What carries connections on, until it is cut.
struct Link<E: End> {
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<E>>>,
}

impl<E: End> Link<E> {
    fn new(
        accept: impl Fn() -> io::Result<E> + Send + 'static,
        connect: impl Fn() -> io::Result<E> + Send + 'static,
    ) -> Self {
        let link = Self { cut: Arc::default(), open: Arc::default() };
        let (cut, open) = (link.cut.clone(), link.open.clone());
        std::thread::spawn(move || {
            while let Ok(near) = accept() {
                if cut.load(Ordering::Relaxed) {
                    near.close();
                    continue;
                }
                let Ok(far) = connect() else {
                    near.close();
                    continue;
                };
                open.lock().unwrap().extend([near.again(), far.again()]);
                for (mut from, mut to) in [(near.again(), far.again()), (far, near)] {
                    std::thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        from.close();
                        to.close();
                    });
                }
            }
        });
        link
    }

    /// Breaks everything that is under way, and lets nothing new through for a while.
    fn cut_for(&self, time: Duration) {
        self.cut.store(true, Ordering::Relaxed);
        self.open.lock().unwrap().drain(..).for_each(|end| end.close());
        std::thread::sleep(time);
        self.cut.store(false, Ordering::Relaxed);
    }
}

fn images() -> Vec<BuiltImage> {
    let image = |number| {
        let tree = Tree::new().file("etc/number", format!("{number}"));
        Builder::new().layer(tree, "COPY . /").build()
    };
    (0..6).map(image).collect()
}

#[test]
fn links_that_break_lose_nothing() {
    let (Some(docker_registry), Some(skopeo), Some(postgres)) =
        (tool("docker-registry"), tool("skopeo"), start_postgres())
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // PostgreSQL by way of a socket of ours.
    let near = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    let far = postgres.socket();
    let database_link =
        Link::new(move || near.accept().map(|(stream, _)| stream), move || UnixStream::connect(&far));
    let database = format!("postgres://assay@localhost/postgres?host={}", folder.path().display());
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let serve = ["serve", "--data", "data", "--database", &database, "--listen", &listen, "--workers", "0"];
    let token = first_token(folder.path(), &serve);
    let telling = notifications(&listen, &token);
    let (_registry, behind) = registry(&docker_registry, folder.path(), "", &telling);
    // The registry tells of itself by the name it was asked by, so images are pushed by way of the link as well.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("localhost:{}", listener.local_addr().unwrap().port());
    let registry_link = Link::new(
        move || listener.accept().map(|(stream, _)| stream),
        move || TcpStream::connect(behind.as_str()),
    );
    let mut server = process(folder.path(), &[&serve[..], &["--registry", &host]].concat());
    line(&mut server, "note: listening on ");
    let worker = ["worker", "--database", &database, "--registry", &host, "--lease", "2", "--workers", "1"];
    let _workers = [process(folder.path(), &worker), process(folder.path(), &worker)];

    let images = images();
    for (number, image) in images.iter().enumerate() {
        push(&skopeo, folder.path(), image, &format!("{host}/team/app:build-{number}"), &[]);
        // Sometimes before the event is taken, sometimes amid the scan.
        std::thread::sleep(Duration::from_millis(70 * u64::try_from(number).unwrap()));
        match number % 3 {
            0 => database_link.cut_for(Duration::from_secs(2)),
            1 => registry_link.cut_for(Duration::from_secs(2)),
            _ => {}
        }
    }
    for image in &images {
        // That the registry could not be asked for signatures meanwhile is told as well.
        let mut kinds = events_when_scanned(port, image, &token);
        kinds.retain(|kind| kind != "evidence-failing");
        assert_eq!(kinds, ["tag-seen", "scanned"]);
    }
}
