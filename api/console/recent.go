package console

import (
	"container/list"
	"sync"
	"time"
)

// recent remembers, in memory alone, what was said in the last while: at most so many
// values and so much weight, of which the oldest give way. It may be used concurrently;
// the end of the process forgets all.
type recent[K comparable, V any] struct {
	bounds[V]
	now    func() time.Time
	mu     sync.Mutex
	weight int
	of     map[K]*list.Element
	order  *list.List // of *recalled[K, V], the oldest first
}

// bounds are those of a memory.
type bounds[V any] struct {
	lasts    time.Duration
	most     int
	weigh    func(V) int // nil: values weigh nothing
	heaviest int
}

type recalled[K comparable, V any] struct {
	key   K
	value V
	at    time.Time
}

func newRecent[K comparable, V any](now func() time.Time, b bounds[V]) *recent[K, V] {
	return &recent[K, V]{bounds: b, now: now, of: map[K]*list.Element{}, order: list.New()}
}

// find is what was said under a key.
func (r *recent[K, V]) find(key K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	return r.recall(key)
}

// claim remembers a value under a key that has none; one it has is given instead.
func (r *recent[K, V]) claim(key K, value V) (had V, taken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	if had, taken = r.recall(key); !taken {
		r.remember(key, value)
	}
	return had, taken
}

// put remembers a value in the place of the former one.
func (r *recent[K, V]) put(key K, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(r.of[key])
	r.remember(key, value)
	r.forget()
}

// drop forgets a key.
func (r *recent[K, V]) drop(key K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(r.of[key])
}

// The caller of what follows holds the lock.

func (r *recent[K, V]) recall(key K) (value V, ok bool) {
	if e := r.of[key]; e != nil {
		return e.Value.(*recalled[K, V]).value, true
	}
	return value, false
}

func (r *recent[K, V]) remember(key K, value V) {
	r.of[key] = r.order.PushBack(&recalled[K, V]{key, value, r.now()})
	if r.weigh != nil {
		r.weight += r.weigh(value)
	}
	for len(r.of) > r.most {
		r.remove(r.order.Front())
	}
}

// forget drops what is old or too heavy.
func (r *recent[K, V]) forget() {
	for e := r.order.Front(); e != nil; e = r.order.Front() {
		if r.weight <= r.heaviest && r.now().Sub(e.Value.(*recalled[K, V]).at) < r.lasts {
			return
		}
		r.remove(e)
	}
}

func (r *recent[K, V]) remove(e *list.Element) {
	if e == nil {
		return
	}
	x := r.order.Remove(e).(*recalled[K, V])
	delete(r.of, x.key)
	if r.weigh != nil {
		r.weight -= r.weigh(x.value)
	}
}
