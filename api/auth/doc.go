// Package auth says who calls, and what they may do.
//
// A token reads greffe_<id>_<secret>: the id is its uuid without dashes, the
// secret 256 random bits in hexadecimal. The ledger keeps only the SHA-256 of
// the whole text. That needs no salt and no slow hash, as nobody can enumerate
// 2^256 secrets; a password would need both. The one exception is the first
// administrator's token, which the operator may choose freely (16 characters or
// more): whoever holds the log could try to guess it, so choose it at random
// (openssl rand -hex 32), make proper tokens with it, and revoke it.
//
// Promises:
//   - Closed by default: a caller without a token that holds has no Principal,
//     and a Principal may do what the policy in force gives to its roles, no more.
//   - A revoked, expired or disabled token stops at once on a node that has
//     applied the fact; a node that no longer follows the log accepts nobody.
//   - Wrong tokens are limited by address. A caller over the limit learns nothing
//     more of a token that can be guessed; random ones go on working, so a noisy
//     neighbour locks nobody out.
//   - Neither a token nor a label is in an error, a log line or a read model.
//
// Accounts and tokens are facts (account.created, account.token_made,
// account.token_revoked), so who could do what on a date is in the log. A crash
// while making a token leaves a token that nobody knows the secret of; make
// another and revoke it.
package auth
