//! Telling of events: from where on, by whom, how often it is tried, and nothing twice.

use crate::fixture::{at, digest, on_each, place};
use assay_store::{Alert, Batch, News, NewsState, Pace, Service, Store};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(60);
const PACE: Pace = Pace { repeat: Duration::from_secs(1000), window: Duration::from_secs(100), most: 10 };

async fn happen(store: &Store, second: i64) -> i64 {
    let mut work = store.begin().await.unwrap();
    work.record("tag-moved", None, &serde_json::json!({}), at(second)).await.unwrap();
    work.commit().await.unwrap();
    store.events(None, 0, 1000).await.unwrap().last().unwrap().id
}

fn news(subject: &str, state: NewsState, bundle: &str) -> News {
    let text = str::to_owned;
    News { subject: text(subject), state, bundle: text(bundle), at: at(1), body: format!("about {subject}") }
}

/// Takes up news with one more event; says whether that was ours to do.
async fn take_up(store: &Store, owner: &str, news: &[News], second: i64) -> bool {
    let after = happen(store, second).await;
    let mut work = store.begin().await.unwrap();
    let ours = work.take_up("s", owner, after, news, (&PACE, at(second))).await.unwrap();
    work.commit().await.unwrap();
    ours
}

async fn next(store: &Store, second: i64) -> Option<Batch> {
    let mut work = store.begin().await.unwrap();
    let batch = work.next_message("s", &PACE, at(second)).await.unwrap();
    work.commit().await.unwrap();
    batch
}

async fn taken(store: &Store, owner: &str, batch: &Batch, second: i64) -> bool {
    let mut work = store.begin().await.unwrap();
    let ours = work.message_taken("s", owner, batch, at(second)).await.unwrap();
    work.commit().await.unwrap();
    ours
}

fn subjects(batch: &Batch) -> Vec<&str> {
    batch.news.iter().map(|news| news.subject.as_str()).collect()
}

#[test]
fn one_process_tells_at_a_time_and_from_where_the_last_stopped() {
    on_each(async |store| {
        let before = happen(&store, 1).await;
        let claim =
            async |owner: &str, second| store.claim_sink("s", owner, LEASE, at(second)).await.unwrap();
        // What happened before anybody wanted to know is not told.
        assert_eq!(claim("a", 2).await, Some(before));
        assert_eq!(claim("b", 3).await, None);
        assert_eq!(claim("a", 3).await, Some(before));
        assert!(take_up(&store, "a", &[], 4).await);
        assert_eq!(claim("a", 4).await, Some(before + 1));
        // The first falls silent, and comes back.
        assert_eq!(claim("b", 64).await, Some(before + 1));
        assert!(!take_up(&store, "a", &[news("x", NewsState::Happened, "b")], 66).await);
        assert_eq!(next(&store, 66).await, None);
        assert!(take_up(&store, "b", &[], 67).await);
        // Never backwards.
        let mut work = store.begin().await.unwrap();
        assert!(!work.take_up("s", "b", before, &[], (&PACE, at(68))).await.unwrap());
        work.commit().await.unwrap();
        let last = store.events(None, 0, 100).await.unwrap().last().unwrap().id;
        assert_eq!(store.claim_sink("other", "b", LEASE, at(67)).await.unwrap(), Some(last));
    });
}

#[test]
fn who_does_not_listen_is_tried_ever_more_seldom() {
    on_each(async |store| {
        let claim = async |second| store.claim_sink("s", "a", LEASE, at(second)).await.unwrap();
        assert_eq!(claim(0).await, Some(0));
        let mut now = 0;
        for wait in [5, 10, 20, 40] {
            store.sink_failed("s", "a", "503\0", at(now)).await.unwrap();
            assert_eq!(claim(now + wait - 1).await, None);
            now += wait;
            assert_eq!(claim(now).await, Some(0));
        }
        assert!(take_up(&store, "a", &[news("x", NewsState::Happened, "b")], now).await);
        let batch = next(&store, now).await.unwrap();
        assert!(taken(&store, "a", &batch, now).await);
        let after = claim(now).await.unwrap();
        store.sink_failed("s", "a", "503", at(now)).await.unwrap();
        assert_eq!(claim(now + 5).await, Some(after));
        let sinks = store.sinks(0, 10).await.unwrap();
        assert_eq!((sinks.len(), sinks[0].id, sinks[0].name.as_str()), (1, 1, "s"));
        assert_eq!((sinks[0].failures, sinks[0].retry_at), (1, Some(at(now + 5))));
        assert_eq!((sinks[0].error.as_deref(), sinks[0].pending, sinks[0].alerts), (Some("503"), 0, 0));
        assert_eq!(store.sinks(1, 10).await.unwrap(), []);
        // Another process's failure is no business of this one's, and neither is what it told.
        store.sink_failed("s", "b", "503", at(now + 5)).await.unwrap();
        assert_eq!(claim(now + 6).await, Some(after));
        assert!(!taken(&store, "b", &batch, now).await);
    });
}

#[test]
fn news_is_told_once_and_a_message_stays_the_same_until_it_is_taken() {
    on_each(async |store| {
        store.claim_sink("s", "a", LEASE, at(0)).await.unwrap();
        let x = news("x\0", NewsState::Happened, "one");
        assert!(
            take_up(&store, "a", &[x.clone(), x.clone(), news("y", NewsState::Happened, "two")], 10).await
        );
        let first = next(&store, 10).await.unwrap();
        assert_eq!(subjects(&first), ["x\u{fffd}", "y"]);
        // What comes meanwhile does not change it.
        assert!(take_up(&store, "a", &[news("z", NewsState::Happened, "one"), x.clone()], 11).await);
        assert_eq!(next(&store, 12).await.unwrap(), first);
        assert!(taken(&store, "a", &first, 13).await);
        // Of the same bundle is not spoken again until the window is over; of others is.
        assert_eq!(store.pending_count("s").await.unwrap(), 1);
        assert_eq!(next(&store, 112).await, None);
        assert!(take_up(&store, "a", &[news("w", NewsState::Happened, "three")], 112).await);
        let other = next(&store, 112).await.unwrap();
        assert_eq!(subjects(&other), ["w"]);
        assert!(taken(&store, "a", &other, 112).await);
        assert_eq!(subjects(&next(&store, 113).await.unwrap()), ["z"]);
        // What was told is no news, until that is long ago.
        assert!(take_up(&store, "a", std::slice::from_ref(&x), 200).await);
        assert_eq!(store.pending_count("s").await.unwrap(), 1);
        assert!(take_up(&store, "a", &[x], 1014).await);
        assert_eq!(store.pending_count("s").await.unwrap(), 2);
        assert_eq!(store.forget_told(at(13)).await.unwrap(), 0);
        assert_eq!(store.forget_told(at(14)).await.unwrap(), 4, "x, y and their bundles");
    });
}

#[test]
fn what_was_over_before_it_was_told_is_not_told_and_what_comes_back_is() {
    on_each(async |store| {
        store.claim_sink("s", "a", LEASE, at(0)).await.unwrap();
        let (fires, clears) = (news("x", NewsState::Firing, "x"), news("x", NewsState::Cleared, "x"));
        assert!(take_up(&store, "a", &[fires.clone(), clears.clone()], 1).await);
        assert!(take_up(&store, "a", std::slice::from_ref(&clears), 2).await);
        assert_eq!(next(&store, 2).await, None);
        // It is told, and ends while the message is on its way.
        assert!(take_up(&store, "a", std::slice::from_ref(&fires), 3).await);
        let first = next(&store, 3).await.unwrap();
        assert!(take_up(&store, "a", std::slice::from_ref(&clears), 4).await);
        assert!(taken(&store, "a", &first, 5).await);
        let second = next(&store, 105).await.unwrap();
        assert_eq!((second.news.len(), second.news[0].state), (1, NewsState::Cleared));
        assert!(taken(&store, "a", &second, 105).await);
        // It is so again, well before what was told is forgotten.
        assert!(take_up(&store, "a", std::slice::from_ref(&fires), 106).await);
        let third = next(&store, 205).await.unwrap();
        assert_eq!(third.news[0].state, NewsState::Firing);
        assert_ne!(third.message, first.message);
        assert!(taken(&store, "a", &third, 205).await);
        // What lasts longer than what was told is remembered has an end all the same, when somebody keeps it as an alert.
        let alert = Alert {
            subject: "x".to_owned(),
            digest: None,
            labels: String::new(),
            summary: String::new(),
            starts: at(106),
        };
        let mut work = store.begin().await.unwrap();
        work.raise_alert("s", &alert, at(205)).await.unwrap();
        work.commit().await.unwrap();
        store.forget_told(at(5000)).await.unwrap();
        assert!(take_up(&store, "a", std::slice::from_ref(&clears), 5000).await);
        assert_eq!(next(&store, 5000).await.unwrap().news[0].state, NewsState::Cleared);
    });
}

#[test]
fn what_comes_back_while_it_is_told_to_be_over_is_told() {
    on_each(async |store| {
        store.claim_sink("s", "a", LEASE, at(0)).await.unwrap();
        let (fires, clears) = (news("x", NewsState::Firing, "x"), news("x", NewsState::Cleared, "x"));
        assert!(take_up(&store, "a", std::slice::from_ref(&fires), 1).await);
        let begun = next(&store, 1).await.unwrap();
        assert!(taken(&store, "a", &begun, 1).await);
        assert!(take_up(&store, "a", &[clears], 2).await);
        let over = next(&store, 101).await.unwrap();
        assert_eq!(over.news[0].state, NewsState::Cleared);
        assert!(take_up(&store, "a", &[fires], 102).await);
        assert!(taken(&store, "a", &over, 103).await);
        assert_eq!(next(&store, 203).await.unwrap().news[0].state, NewsState::Firing);
    });
}

#[test]
fn many_that_wait_do_not_hide_one_whose_time_has_come() {
    on_each(async |store| {
        store.claim_sink("s", "a", LEASE, at(0)).await.unwrap();
        let happened = |subject: &str, bundle: &str| news(subject, NewsState::Happened, bundle);
        assert!(take_up(&store, "a", &[happened("first", "loud")], 1).await);
        let batch = next(&store, 1).await.unwrap();
        assert!(taken(&store, "a", &batch, 1).await);
        let mut many: Vec<News> = (0..600).map(|number| happened(&number.to_string(), "loud")).collect();
        many.push(happened("quiet", "other"));
        assert!(take_up(&store, "a", &many, 2).await);
        let batch = next(&store, 3).await.unwrap();
        assert_eq!(subjects(&batch), ["quiet"]);
        assert!(taken(&store, "a", &batch, 3).await);
        assert_eq!(next(&store, 4).await, None);
        assert_eq!(next(&store, 101).await.unwrap().news.len(), 10);
    });
}

#[test]
fn alerts_are_told_again_by_their_labels_until_they_end() {
    on_each(async |store| {
        let alert = |subject: &str, labels: &str, image: Option<u8>, second| Alert {
            subject: subject.to_owned(),
            digest: image.map(|number| digest(number).to_string()),
            labels: labels.to_owned(),
            summary: format!("about {subject}"),
            starts: at(second),
        };
        let mut work = store.begin().await.unwrap();
        work.see(&digest(1), &place(None), at(0)).await.unwrap();
        for (subject, labels, image, second) in [
            ("a", "{1}", Some(1), 5),
            ("b", "{1}", Some(1), 3),
            ("c", "{2}", None, 4),
            ("d", "{3}", Some(9), 1),
        ] {
            work.raise_alert("s", &alert(subject, labels, image, second), at(10)).await.unwrap();
        }
        work.raise_alert("other", &alert("a", "{1}", None, 1), at(1)).await.unwrap();
        // Told once more, it begins no later.
        work.raise_alert("s", &alert("c", "{2}", None, 9), at(10)).await.unwrap();
        work.commit().await.unwrap();
        let due = async |second| {
            let due = store.alerts_to_repeat("s", at(second), 10).await.unwrap();
            due.into_iter().map(|alert| (alert.labels, alert.starts)).collect::<Vec<_>>()
        };
        assert_eq!(due(9).await, []);
        let all = [("{1}".to_owned(), at(3)), ("{2}".to_owned(), at(4)), ("{3}".to_owned(), at(1))];
        assert_eq!(due(10).await, all);
        assert_eq!(store.alerts_of_nothing("s", 10).await.unwrap(), [alert("d", "{3}", Some(9), 1)]);
        let mut work = store.begin().await.unwrap();
        work.repeat_alert("s", "{1}", at(20)).await.unwrap();
        work.end_alert("s", "d").await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(due(19).await, [all[1].clone()]);
        assert_eq!(store.alerts_labelled("s", "{1}").await.unwrap(), ["a", "b"]);
        assert_eq!(store.alert("s", "a").await.unwrap(), Some(alert("a", "{1}", Some(1), 5)));
        assert_eq!(store.alert("s", "d").await.unwrap(), None);
    });
}

#[test]
fn a_condition_is_told_when_it_begins_and_when_it_is_over() {
    on_each(async |store| {
        let detail = serde_json::json!({ "feed": "osv" });
        for (second, want) in [(1, true), (2, false)] {
            let mut work = store.begin().await.unwrap();
            let begins =
                work.begin_condition("feed-stale osv", "feed-stale", &detail, at(second)).await.unwrap();
            work.commit().await.unwrap();
            assert_eq!(begins, want);
        }
        let known = store.conditions().await.unwrap();
        assert_eq!((known.len(), known[0].since, known[0].seen), (1, at(1), at(2)));
        for want in [true, false] {
            let mut work = store.begin().await.unwrap();
            assert_eq!(work.end_condition("feed-stale osv", at(3)).await.unwrap(), want);
            work.commit().await.unwrap();
        }
        let events = store.events(None, 0, 10).await.unwrap();
        let told: Vec<(&str, &str)> =
            events.iter().map(|event| (event.kind.as_str(), event.detail.as_str())).collect();
        let detail = r#"{"feed":"osv"}"#;
        assert_eq!(told, [("feed-stale", detail), ("feed-stale-cleared", detail)]);
    });
}

#[test]
fn what_runs_an_image_or_an_index_with_it_is_known() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        for number in [1, 2, 3] {
            work.see(&digest(number), &place(None), at(0)).await.unwrap();
        }
        let child = assay_store::Child { digest: digest(1), platform: String::new() };
        work.set_children(&digest(2), &[child]).await.unwrap();
        for (name, number) in [("api", 1), ("web", 2), ("old", 1), ("old", 3)] {
            work.deploy(&Service { environment: "production", name }, &digest(number), at(1)).await.unwrap();
        }
        work.commit().await.unwrap();
        let running = store.services_running(&digest(1)).await.unwrap();
        let names: Vec<&str> = running.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["api", "web"]);
    });
}
