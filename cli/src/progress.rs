//! A bar for long calls, and Ctrl-C for them.

use annoy_rs::{Cancel, Stage, Work};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::{Arc, OnceLock};

fn cancelled() -> &'static Arc<Cancel> {
    static CANCEL: OnceLock<Arc<Cancel>> = OnceLock::new();
    CANCEL.get_or_init(|| Arc::new(Cancel::new()))
}

/// The first Ctrl-C ends the call that runs, which leaves everything as it was; the second the
/// process.
pub fn listen() -> Result<()> {
    let mut is_second = false;
    ctrlc::set_handler(move || {
        if is_second {
            std::process::exit(130);
        }
        is_second = true;
        cancelled().cancel();
    })
    .context("cannot listen to Ctrl-C")
}

/// Makes long calls with a bar on standard error, where that is a terminal.
pub struct Progress {
    threads: Option<usize>,
    is_quiet: bool,
}

impl Progress {
    pub fn new(threads: Option<usize>, is_quiet: bool) -> Self {
        Progress { threads, is_quiet }
    }

    pub fn threads(&self) -> Option<usize> {
        self.threads
    }

    /// A bar over what cannot say how long it is (`None`), or can.
    pub fn bar(&self, what: &str, total: Option<u64>) -> ProgressBar {
        // indicatif draws nothing where standard error is no terminal.
        let target = match self.is_quiet {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(total, target);
        let style = match total {
            Some(_) => "{msg:>16} {wide_bar} {percent:>3} %  {per_sec:>12}  {eta:>4} left",
            None => "{msg:>16} {human_pos} rows  {per_sec}",
        };
        bar.set_style(ProgressStyle::with_template(style).expect("a template that is one"));
        bar.set_message(what.to_owned());
        bar
    }

    /// Makes a call.
    pub fn run<T>(&self, call: impl FnOnce(&mut Work<'_>) -> annoy_rs::Result<T>) -> Result<T> {
        let mut bar: Option<(Stage, u64, ProgressBar)> = None;
        let mut tell = |stage: Stage, done: u64, total: u64| {
            if bar.as_ref().is_none_or(|(of, _, _)| *of != stage) {
                if let Some((_, _, old)) = bar.take() {
                    old.finish_and_clear();
                }
                bar = Some((stage, total, self.bar(name(stage), Some(total))));
            }
            if let Some((_, known, bar)) = &mut bar {
                if *known != total {
                    *known = total;
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
        };
        let mut work = Work {
            n_threads: self.threads,
            cancel: Some(cancelled()),
            progress: Some(&mut tell),
        };
        let result = call(&mut work);
        if let Some((_, _, bar)) = bar {
            bar.finish_and_clear();
        }
        Ok(result?)
    }

    /// Whether Ctrl-C was pressed between two calls.
    ///
    /// # Errors
    /// [`annoy_rs::Error::Cancelled`].
    pub fn go_on(&self) -> Result<()> {
        match cancelled().is_cancelled() {
            true => Err(annoy_rs::Error::Cancelled.into()),
            false => Ok(()),
        }
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Add => "adding",
        Stage::Build => "trees",
        Stage::Search => "searching",
        Stage::Save => "saving",
        Stage::Verify => "verifying",
        Stage::Graph => "graph",
        Stage::Scan => "scan",
    }
}
