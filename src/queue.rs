//! What the threads of a call hand to the one that made it. All the room is taken beforehand.

use crate::error::{Error, Result};
use crate::memory::ask;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Values on their way, no more at a time than there is room for.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    most: usize,
    /// Something has come, or a sender has ended.
    came: Condvar,
    /// There is room again, or nobody receives any more.
    went: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    n_ended: usize,
    is_closed: bool,
}

/// What waiting for a value came to.
pub enum Received<T> {
    One(T),
    /// None in that time.
    Nothing,
    /// All senders have ended, and nothing is left.
    Over,
}

impl<T> Queue<T> {
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn new(most: usize) -> Result<Self> {
        let bytes = most.saturating_mul(size_of::<T>());
        let mut waiting = VecDeque::new();
        ask(bytes)?;
        waiting
            .try_reserve_exact(most)
            .map_err(|reason| Error::no_memory(bytes, reason))?;
        Ok(Queue {
            state: Mutex::new(State {
                waiting,
                n_ended: 0,
                is_closed: false,
            }),
            most,
            came: Condvar::new(),
            went: Condvar::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One for each thread that sends, kept until it has sent all.
    pub fn sender(&self) -> Sender<'_, T> {
        Sender(self)
    }

    /// The other end, for what `n_senders` threads send. When it is dropped nobody waits for room
    /// any more.
    pub fn receiver(&self, n_senders: usize) -> Receiver<'_, T> {
        Receiver {
            queue: self,
            n_senders,
        }
    }
}

pub struct Sender<'a, T>(&'a Queue<T>);

impl<T> Sender<'_, T> {
    /// Waits for room, and says whether somebody receives.
    pub fn send(&self, value: T) -> bool {
        let mut state = self.0.state();
        while state.waiting.len() == self.0.most && !state.is_closed {
            let waited = self.0.went.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return false;
        }
        state.waiting.push_back(value);
        drop(state);
        self.0.came.notify_one();
        true
    }
}

impl<T> Drop for Sender<'_, T> {
    fn drop(&mut self) {
        self.0.state().n_ended += 1;
        self.0.came.notify_one();
    }
}

pub struct Receiver<'a, T> {
    queue: &'a Queue<T>,
    n_senders: usize,
}

impl<T> Receiver<'_, T> {
    /// The next value, if there is one by then.
    pub fn receive(&self, patience: Duration) -> Received<T> {
        let mut state = self.queue.state();
        if state.waiting.is_empty() && state.n_ended < self.n_senders {
            let waited = self.queue.came.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        match state.waiting.pop_front() {
            Some(value) => {
                drop(state);
                self.queue.went.notify_one();
                Received::One(value)
            }
            None if state.n_ended < self.n_senders => Received::Nothing,
            None => Received::Over,
        }
    }

    /// The next value, if there is one now.
    pub fn try_receive(&self) -> Option<T> {
        match self.receive(Duration::ZERO) {
            Received::One(value) => Some(value),
            Received::Nothing | Received::Over => None,
        }
    }
}

impl<T> Drop for Receiver<'_, T> {
    fn drop(&mut self) {
        self.queue.state().is_closed = true;
        self.queue.went.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::beside;

    #[test]
    fn all_that_is_sent_arrives() {
        let queue = Queue::new(2).unwrap();
        let send = || {
            let sender = queue.sender();
            assert!((1..=100).all(|i| sender.send(i)));
        };
        let sum = beside(3, &send, |n| {
            let receiver = queue.receiver(n);
            let mut sum = 0;
            loop {
                match receiver.receive(Duration::from_millis(5)) {
                    Received::One(i) => sum += i,
                    Received::Nothing => {}
                    Received::Over => return sum,
                }
            }
        });
        assert_eq!(sum, 3 * 5050);
    }

    #[test]
    fn nobody_waits_for_room_when_nobody_receives() {
        let queue = Queue::new(1).unwrap();
        let send = || {
            let sender = queue.sender();
            while sender.send(0) {}
        };
        beside(2, &send, |n| drop(queue.receiver(n)));
    }
}
