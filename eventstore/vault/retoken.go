package vault

import (
	"errors"

	"greffe/domain"
	"greffe/domain/token"
)

var (
	// ErrRetoken: a change of all tokens began and did not end. Not committed; Retoken
	// without a row goes on with it.
	ErrRetoken = errors.New("the vault's tokens are being rotated; finish that first")
	// ErrTokens: the tokens are not of the generation that was expected, or the
	// change was begun already. Nothing was done.
	ErrTokens = errors.New("the vault's tokens are of another generation")
)

// Retoken is the change of every stored token to the next generation's, which
// nothing but the token is needed for. Its functions give the same for the same
// token however often they are called, from one goroutine at a time.
type Retoken struct {
	Generation int // of the tokens afterwards
	// Row is the key row that holds what the functions need. It is written in the
	// transaction that begins the change. Nil goes on with one that has begun.
	Row *KeyWrite

	Link, Hold func(token.Token) token.Token
	Packed     func([]byte) error // a row's tokens, in place; its error ends the call
	// LinkMAC, HoldMAC and RowMAC make anew the MACs of what was changed; nil keeps them. Of a row there
	// are event, owner, body MAC and the new tokens.
	LinkMAC, HoldMAC func(token.Token, domain.ID) MAC
	RowMAC           func(*Row) MAC
	// Progress, if not nil, is told how many links, markers and rows are done.
	Progress func(done, total int64)
}

// Generation says of which generation the tokens are, from 1, and whether a
// change to the next one began and did not end.
type Generation struct {
	Tokens int
	Under  bool
}
