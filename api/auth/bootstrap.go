package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"greffe/domain"
	"greffe/eventstore/ledger"
	"greffe/projections/accounts"
)

// ErrWeakToken: the first administrator's token has fewer than 16 characters,
// more than 512 bytes, or white space.
var ErrWeakToken = errors.New("the first administrator's token must have 16 characters or more, 512 bytes at most, and no white space")

// Bootstrap makes the first administrator's account, if no administrator's
// account exists. given is the operator's own choice of token; if it is empty one
// is made and returned, to be printed once. made is "" otherwise. The directory
// must have applied the whole log before.
func (d *Desk) Bootstrap(ctx context.Context, given string) (made string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.ContainsFunc(d.Directory.List(), func(g accounts.Grant) bool { return slices.Contains(g.Account.Roles, roleAdmin) }) {
		return "", nil
	}
	if given != "" && !chosen(given) {
		return "", ErrWeakToken
	}
	id, text, err := newToken(d.Rand)
	if err != nil {
		return "", err
	}
	account, err := domain.RandomID(d.Rand)
	if err != nil {
		return "", fmt.Errorf("first account: %w", err)
	}
	sum := digest(text)
	if given != "" {
		sum, text = digest(given), ""
	}
	first, err := d.made(account, domain.ID{}, id, sum, Request{}) // without an end, or nobody could let anybody in
	if err != nil {
		return "", fmt.Errorf("first account: %w", err)
	}
	_, err = d.write(ctx, []ledger.Own{created(account, domain.ID{}, []string{roleAdmin}, "first administrator", true), first})
	if err != nil {
		return "", fmt.Errorf("first account: %w", err)
	}
	return text, nil
}

func chosen(s string) bool {
	if len(s) > maxToken || utf8.RuneCountInString(s) < minChosen {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
