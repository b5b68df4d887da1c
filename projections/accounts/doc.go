// Package accounts is the read model of account.* facts: who may call this
// ledger, with which token, in which roles.
//
// It promises: what it answers is the fold of the facts below Next, no more and
// no less; a position that does not follow is refused, and an account fact that
// makes no sense halts it, naming the position, as skipping a revocation would
// leave a door open. Lookups are answered from memory in constant time; there
// are as many accounts as a company has systems and staff.
//
// It holds no secret and nothing personal: a token is known by the SHA-256 of its
// text, which for a random token of 256 bits cannot be turned back; an account's
// label is sealed in the vault and only pointed to. Of a name that nobody has, whose
// password was tried, there is an id that derives from it by a key, for a day or two.
//
// Rows and checkpoint are written in one SQLite transaction. A crash leaves the
// fold at an earlier position, from which the runner goes on; the file can be
// deleted and is rebuilt from the log.
package accounts
