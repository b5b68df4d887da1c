package token

// Token is a blind index of one identifier: equal identifiers give equal tokens
// under the same pepper, and without the pepper nothing can be told of them.
type Token [32]byte
