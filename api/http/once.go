package httpapi

import (
	"container/list"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
)

const (
	maxKeys = 10_000
	keyLife = 24 * time.Hour
	maxKey  = 128 // bytes
)

// keyStore remembers answers by Idempotency-Key: in memory, so of this process
// only; the oldest go when there are too many.
type keyStore struct {
	now func() time.Time

	mu    sync.Mutex
	byKey map[[32]byte]*list.Element
	order *list.List // of *kept, oldest first
}

// kept is one key's request and answer.
type kept struct {
	key, body [32]byte
	at        time.Time
	done      bool
	answer    answer
}

func newKeyStore(now func() time.Time) *keyStore {
	return &keyStore{now: now, byKey: map[[32]byte]*list.Element{}, order: list.New()}
}

// once runs a request that carries an Idempotency-Key, or answers as before if
// the same account sent the same key and body to the same route. Only answers
// of success are kept: an error leaves nothing to repeat.
func (a *API) once(c *Call, key string, run func() (answer, error)) (answer, error) {
	if len(key) > maxKey {
		return answer{}, problem.At(problem.HeaderInvalid, "Idempotency-Key")
	}
	if c.r.ContentLength != 0 {
		if _, _, err := c.readBody(c.route.Endpoint.takes...); err != nil {
			return answer{}, err
		}
	}
	id := sha256.Sum256([]byte(c.principal.Account.String() + "\x00" + c.r.Method + "\x00" + c.r.URL.Path + "\x00" + key))
	k, err := a.keys.begin(id, sha256.Sum256(slices.Concat([]byte(c.r.URL.RawQuery+"\x00"), c.body)))
	if err != nil {
		return answer{}, err
	}
	if k.done {
		c.w.Header().Set("Idempotency-Replayed", "true")
		return k.answer, nil
	}
	finished := false
	defer func() {
		if !finished {
			a.keys.forget(k)
		}
	}()
	ans, err := run()
	if err != nil {
		return answer{}, err
	}
	if ans.body != nil { // as bytes, so that nothing can change it any more
		if ans.bytes, err = json.Marshal(ans.body); err != nil {
			return answer{}, err
		}
		ans.body, ans.media = nil, mediaJSON
	}
	finished = true
	a.keys.finish(k, ans)
	return ans, nil
}

// begin finds the answer of a key, or takes the key.
func (s *keyStore) begin(key, body [32]byte) (kept, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for e := s.order.Front(); e != nil; e = s.order.Front() {
		if k := e.Value.(*kept); now.Sub(k.at) < keyLife && s.order.Len() < maxKeys {
			break
		}
		s.drop(e)
	}
	if e, ok := s.byKey[key]; ok {
		k := e.Value.(*kept)
		switch {
		case k.body != body:
			return kept{}, problem.At(problem.KeyReused, "Idempotency-Key")
		case !k.done:
			return kept{}, problem.At(problem.KeyInProgress, "Idempotency-Key")
		}
		return *k, nil
	}
	k := &kept{key: key, body: body, at: now}
	s.byKey[key] = s.order.PushBack(k)
	return *k, nil
}

func (s *keyStore) finish(k kept, ans answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byKey[k.key]; ok {
		held := e.Value.(*kept)
		held.done, held.answer = true, ans
	}
}

func (s *keyStore) forget(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byKey[k.key]; ok {
		s.drop(e)
	}
}

func (s *keyStore) drop(e *list.Element) {
	delete(s.byKey, e.Value.(*kept).key)
	s.order.Remove(e)
}
