//go:build cgo

package annoy

import (
	"context"
	"sync"
	"sync/atomic"
)

// A lock is a sync.RWMutex whose callers wait in the order in which they came, and no longer than a
// context lasts. A filter may search its own index even if a call waits to change the index: while
// a search with a filter runs, others may share the lock in spite of waiting calls.
//
// A call that wants to share counts itself in sharing and then looks at pending. A call that waits
// counts itself in pending and then looks at sharing. So if two calls meet, at least one sees the
// other. A call that meets nobody takes two atomic operations.
type lock struct {
	sharing atomic.Int64 // calls that share it, or try to
	asking  atomic.Int64 // those of them that ask a filter
	pending atomic.Int64 // calls that wait, and that which has it alone

	mu      sync.Mutex // for what follows
	alone   bool
	waiting []*waiter
}

type waiter struct {
	alone bool
	turn  chan struct{} // closed when it has come
}

func (l *lock) RLock()   { l.share(context.Background()) }
func (l *lock) RUnlock() { l.leave() }
func (l *lock) Lock()    { l.take(context.Background()) }

// share waits until nobody has the lock alone, or came before to have it so. RUnlock ends it.
func (l *lock) share(ctx context.Context) error {
	l.sharing.Add(1)
	if l.pending.Load() == 0 {
		return nil
	}
	l.leave()
	l.mu.Lock()
	if !l.alone && (len(l.waiting) == 0 || l.asking.Load() > 0) {
		l.sharing.Add(1)
		l.mu.Unlock()
		return nil
	}
	l.pending.Add(1)
	return l.wait(ctx, &waiter{turn: make(chan struct{})})
}

func (l *lock) leave() {
	if l.sharing.Add(-1) == 0 && l.pending.Load() > 0 {
		l.mu.Lock()
		l.grant()
		l.mu.Unlock()
	}
}

// take waits until the lock is free. Unlock ends it.
func (l *lock) take(ctx context.Context) error {
	l.mu.Lock()
	l.pending.Add(1)
	if !l.alone && len(l.waiting) == 0 && l.sharing.Load() == 0 {
		l.alone = true
		l.mu.Unlock()
		return nil
	}
	return l.wait(ctx, &waiter{alone: true, turn: make(chan struct{})})
}

func (l *lock) Unlock() {
	l.mu.Lock()
	l.alone = false
	l.pending.Add(-1)
	l.grant()
	l.mu.Unlock()
}

// wait takes mu over. The one that waits is pending already.
func (l *lock) wait(ctx context.Context, w *waiter) error {
	l.waiting = append(l.waiting, w)
	l.grant()
	l.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	for i, other := range l.waiting {
		if other == w {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			l.pending.Add(-1)
			l.grant()
			l.mu.Unlock()
			return ended(ctx)
		}
	}
	l.mu.Unlock()
	return nil // its turn has just come
}

// grant gives turns to those that wait, as far as may be. With mu held.
func (l *lock) grant() {
	for len(l.waiting) > 0 && !l.alone {
		w := l.waiting[0]
		if w.alone && l.sharing.Load() > 0 {
			return
		}
		l.waiting = l.waiting[1:]
		if w.alone {
			l.alone = true
		} else {
			l.sharing.Add(1)
			l.pending.Add(-1)
		}
		close(w.turn)
	}
}
