//! Standard output and standard error, and what is known of the terminal behind them.

use crate::command::Global;
use crate::environment::variable;
use assay_engine::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The width of output that goes to no terminal.
const WIDTH_ELSEWHERE: u16 = 120;

/// Writes a note or error for people; there is nobody left to tell when that fails.
pub(crate) fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes a note unless the user wants none.
pub(crate) fn note(global: &Global, text: &str) {
    if !global.quiet {
        stderr(&format!("note: {text}\n"));
    }
}

/// Writes results. A reader that has gone away (`| head`) is no error.
pub(crate) fn stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Returns the width of the terminal results go to; `COLUMNS` overrides it.
pub(crate) fn width() -> u16 {
    let asked = variable("COLUMNS").and_then(|text| text.parse().ok());
    let seen = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    asked.or_else(seen).unwrap_or(WIDTH_ELSEWHERE)
}

/// Returns whether results may be coloured (<https://no-color.org/>).
pub(crate) fn color() -> bool {
    variable("NO_COLOR").is_none()
        && variable("TERM").as_deref() != Some("dumb")
        && io::stdout().is_terminal()
}

/// Shows how far a scan is, on a terminal only.
pub(crate) struct ProgressLine {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressLine {
    /// Starts showing `progress`.
    pub(crate) fn start(global: &Global, label: &str, progress: &Arc<Progress>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        if global.quiet || !io::stderr().is_terminal() {
            return Self { stop, thread: None };
        }
        let (progress, stopped) = (Arc::clone(progress), Arc::clone(&stop));
        let label = assay_report::escape::terminal(label).into_owned();
        let thread = std::thread::spawn(move || {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            while !stopped.load(Ordering::Relaxed) {
                bar.set_message(format!("{label}  {}", describe(&progress)));
                bar.tick();
                std::thread::park_timeout(Duration::from_millis(100));
            }
            bar.finish_and_clear();
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn describe(progress: &Progress) -> String {
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    match load(&progress.layers) {
        0 if load(&progress.files) > 0 => format!("{} files", load(&progress.files)),
        0 => "opening".to_owned(),
        layers => format!(
            "{} of {layers} layers, {} of {} MB",
            load(&progress.layers_done),
            megabytes(load(&progress.bytes_read)),
            megabytes(load(&progress.bytes)),
        ),
    }
}
