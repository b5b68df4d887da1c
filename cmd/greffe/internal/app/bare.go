package app

import (
	"bytes"
	"context"
	"errors"
	"time"

	"greffe/domain"
	"greffe/eventstore/embedded"
)

// BareAppend measures the fact log alone: batches of size facts of 600 bytes,
// for about d. It returns facts a second.
func BareAppend(dir string, size int, d time.Duration) (perSecond float64, err error) {
	log, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	facts := make([][]byte, size)
	for i := range facts {
		facts[i] = bytes.Repeat([]byte{'x'}, 600)
	}
	var at domain.Position
	start := time.Now()
	for time.Since(start) < d {
		if err := log.Append(context.Background(), at, facts); err != nil {
			return 0, err
		}
		at += domain.Position(size)
	}
	return float64(at) / time.Since(start).Seconds(), nil
}
