package auth

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxBuckets bounds the callers a Limiter remembers.
const maxBuckets = 10_000

// Limiter counts by key: a bucket of burst, refilled at rate per second. Keys
// that are full again are forgotten when room is needed.
type Limiter struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	swept   time.Time
}

// Standing is what a limiter says after one request.
type Standing struct {
	Limit, Left int
	Reset       time.Duration // until the bucket is full again
	Wait        time.Duration // until the next is allowed; 0: this one was
}

// NewLimiter makes a Limiter of perSecond refills and a burst, by a clock.
func NewLimiter(perSecond float64, burst int, now func() time.Time) *Limiter {
	return &Limiter{rate: rate.Limit(perSecond), burst: burst, now: now, buckets: map[string]*rate.Limiter{}}
}

// Take counts one request of key.
func (l *Limiter) Take(key string) Standing {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, now)
	ok := b.AllowN(now, 1)
	left := b.TokensAt(now)
	s := Standing{Limit: l.burst, Left: max(0, int(left)), Reset: l.after(float64(l.burst) - left)}
	if !ok {
		s.Wait = max(l.after(1-left), time.Millisecond)
	}
	return s
}

// Wait is how long key has to wait; 0 if it may go on. It counts nothing.
func (l *Limiter) Wait(key string) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[key]
	if !ok || b.TokensAt(now) >= 1 {
		return 0
	}
	return max(l.after(1-b.TokensAt(now)), time.Millisecond)
}

func (l *Limiter) after(tokens float64) time.Duration {
	return time.Duration(tokens / float64(l.rate) * float64(time.Second))
}

// bucket finds or makes key's bucket. When none can be forgotten, newcomers
// share one, so that a flood of keys cannot buy itself fresh buckets.
func (l *Limiter) bucket(key string, now time.Time) *rate.Limiter {
	if b, ok := l.buckets[key]; ok {
		return b
	}
	if len(l.buckets) >= maxBuckets {
		l.sweep(now)
		if len(l.buckets) >= maxBuckets {
			key = ""
			if b, ok := l.buckets[key]; ok {
				return b
			}
		}
	}
	b := rate.NewLimiter(l.rate, l.burst)
	l.buckets[key] = b
	return b
}

// sweep forgets the buckets that are full again, once a second at most.
func (l *Limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Second {
		return
	}
	l.swept = now
	for k, b := range l.buckets {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, k)
		}
	}
}

// Window is how long an empty bucket takes to fill.
func (l *Limiter) Window() time.Duration { return l.after(float64(l.burst)) }
