//! What an index says while it works.

use super::Index;
use crate::error::{Error, Result};

/// How important a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// A long call failed; the error that it returns says the same.
    Error,
    /// Something that may not be what was meant.
    Warn,
    /// What was done.
    Info,
    /// What is about to be done.
    Debug,
}

/// Receives what an index has to say while it works. Called on the thread that made the call,
/// before anything is changed or when all is done.
pub type Log = Box<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Who hears what.
pub(super) struct Logger {
    log: Option<Log>,
    most: LogLevel,
}

impl Default for Logger {
    fn default() -> Self {
        Logger {
            log: None,
            most: LogLevel::Info,
        }
    }
}

impl Logger {
    pub(super) fn say(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some(log) = self.log.as_ref().filter(|_| level <= self.most) {
            log(level, &text());
        }
    }

    /// Says what a call came to, if it failed. To be cancelled is no failure.
    pub(super) fn heard<R>(&self, call: &str, result: &Result<R>) {
        match result {
            Err(Error::Cancelled) => self.say(LogLevel::Info, || format!("{call}: cancelled")),
            Err(error) => self.say(LogLevel::Error, || format!("{call}: {error}")),
            Ok(_) => {}
        }
    }
}

impl Index {
    /// Sets who hears what the index does; `None` for silence, which is the default.
    pub fn set_log(&mut self, log: Option<Log>) {
        self.log.log = log;
    }

    /// Sets what is told: messages of this level and the more important ones. [`LogLevel::Info`] by
    /// default.
    pub fn set_log_level(&mut self, most: LogLevel) {
        self.log.most = most;
    }
}
