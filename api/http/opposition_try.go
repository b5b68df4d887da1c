package httpapi

import (
	"context"
	"slices"

	"greffe/domain/opposition"
	"greffe/domain/token"
)

// try counts a chunk: which addresses are bound already for all that the list forbids,
// and which would be added.
func (im *importing) try(ctx context.Context) error {
	if err := im.a.services.Opposition.Current(ctx); err != nil {
		return err
	}
	tokens := make([][]token.Token, len(im.chunk))
	for i, x := range im.chunk {
		for _, k := range x.keyed {
			tokens[i] = append(tokens[i], k.Token)
		}
	}
	standings, err := im.a.services.Opposition.ByAddress(ctx, tokens)
	if err != nil {
		return err
	}
	uses := im.uses()
	for i := range standings {
		free := slices.ContainsFunc(uses, func(q opposition.Question) bool {
			var told Checked
			bindingEntries(&told, &standings[i], q)
			return !told.Bound
		})
		if free {
			im.out.Recorded++
		} else {
			im.out.Listed++
		}
	}
	im.chunk = im.chunk[:0]
	clear(im.seen)
	return nil
}

// uses are those that the list forbids: each of its purposes by each of its channels, of
// the policy where it names none.
func (im *importing) uses() (out []opposition.Question) {
	channels, purposes := im.list.Channels, []string{im.list.Purpose}
	if len(channels) == 0 {
		for _, c := range im.c.rules.Channels() {
			channels = append(channels, c.Code)
		}
	}
	if im.list.Purpose == "" {
		purposes = nil
		for _, p := range im.c.rules.Purposes() {
			purposes = append(purposes, p.Code)
		}
	}
	for _, p := range purposes {
		for _, c := range channels {
			out = append(out, opposition.Question{Channel: c, Purpose: p, At: im.a.cfg.Now()})
		}
	}
	return out
}
