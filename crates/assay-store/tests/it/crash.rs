//! Workers are killed with SIGKILL at random points, many times: no job is lost, and no result is there twice.
//!
//! The workers are this test's own program, started again with an address in its environment.

use crate::fixture::{fresh, run};
use assay_store::{Address, Moment, NewJob, Store, Terms};
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const KILLS: u64 = 30;
const JOBS_PER_KILL: u64 = 6;
const WORKERS: usize = 3;
const VARIABLE: &str = "ASSAY_TEST_WORKER";

/// A short lease, so that a test need not wait for it; all processes are on one machine and so have one clock.
const TERMS: Terms = Terms { lease: Duration::from_millis(400), per_registry: 100 };

fn now() -> Moment {
    Moment(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

/// What a killed process does: nothing when this is an ordinary run of the tests.
#[test]
fn worker() {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let address: Address =
        text.strip_prefix("file:").map_or_else(|| text.parse().unwrap(), |path| Address::File(path.into()));
    run(async {
        let store = Store::open(&address).await.unwrap();
        let name = format!("worker {}", std::process::id());
        loop {
            store.recover(now()).await.unwrap();
            let Some(job) = store.claim(&name, &TERMS, now()).await.unwrap() else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            tokio::time::sleep(Duration::from_millis(8)).await;
            store.heartbeat(&job, &TERMS, now()).await.unwrap();
            let mut work = store.begin().await.unwrap();
            work.record("result", None, &serde_json::json!({ "job": job.name }), now()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(4)).await;
            if work.complete(&job, now()).await.unwrap() {
                work.commit().await.unwrap();
            }
        }
    });
}

fn start(address: &Address) -> Child {
    let text = match address {
        Address::File(path) => format!("file:{}", path.display()),
        Address::Postgres(url) => url.clone(),
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::worker", "--nocapture"])
        .env(VARIABLE, text)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_workers_lose_no_job_and_double_no_result() {
    run(async {
        for fresh in fresh().await {
            let store = Store::open(&fresh.address).await.unwrap();
            let mut random = u64::try_from(now().0).unwrap();
            println!("on {}, seed {random}", fresh.address);
            let mut next = move |below: u64| {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % below
            };
            let mut workers: Vec<Child> = (0..WORKERS).map(|_| start(&fresh.address)).collect();
            let mut asked = BTreeSet::new();
            for kill in 0..KILLS {
                for number in 0..JOBS_PER_KILL {
                    let job = NewJob {
                        kind: "scan".to_owned(),
                        name: format!("{kill}/{number}"),
                        registry: "registry.example".to_owned(),
                        payload: String::new(),
                        priority: 0,
                        max_attempts: 1000,
                    };
                    store.enqueue(&job, now()).await.unwrap();
                    asked.insert(job.name);
                }
                tokio::time::sleep(Duration::from_millis(20 + next(120))).await;
                let victim = usize::try_from(next(WORKERS as u64)).unwrap();
                // SIGKILL: nothing of the process gets to tidy up.
                workers[victim].kill().unwrap();
                workers[victim].wait().unwrap();
                workers[victim] = start(&fresh.address);
            }
            let done = wait_until_done(&store, asked.len()).await;
            for worker in &mut workers {
                worker.kill().unwrap();
                worker.wait().unwrap();
            }
            assert!(done, "jobs were lost: {:?}", store.depths().await.unwrap());
            let results: Vec<String> = store
                .events(None, 0, 100_000)
                .await
                .unwrap()
                .into_iter()
                .map(|event| {
                    let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap();
                    detail["job"].as_str().unwrap().to_owned()
                })
                .collect();
            let distinct: BTreeSet<String> = results.iter().cloned().collect();
            assert_eq!(distinct, asked);
            assert_eq!(results.len(), asked.len(), "a result is there twice");
            let again = attempts(&fresh.address).await;
            println!("{} jobs, {KILLS} kills, {again} attempts more than jobs", asked.len());
            assert!(again > 0, "no worker was ever killed while it had a job: the test tested nothing");
            store.close().await;
        }
    });
}

async fn wait_until_done(store: &Store, jobs: usize) -> bool {
    // Far more than it takes: only a lost job lasts that long.
    for _ in 0..1200 {
        let depths = store.depths().await.unwrap();
        if depths.iter().all(|depth| depth.state == "done" && depth.jobs == i64::try_from(jobs).unwrap()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// Returns how many times a job was taken up again.
async fn attempts(address: &Address) -> i64 {
    let url = match address {
        Address::Postgres(url) => url.clone(),
        Address::File(path) => {
            let path = path.display().to_string();
            format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
        }
    };
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let row =
        sqlx::query("SELECT CAST(SUM(attempt - 1) AS BIGINT) FROM jobs").fetch_one(&pool).await.unwrap();
    sqlx::Row::get(&row, 0)
}
