// Package webhook pushes the change feed to recipients that gave an address, in
// the form of Standard Webhooks (https://www.standardwebhooks.com):
//
//	POST <address>
//	webhook-id         <recipient>.<first>-<last>: the same for every repetition of a batch
//	webhook-timestamp  seconds since 1970, of this attempt
//	webhook-signature  v1,<base64 of HMAC-SHA256(key, id "." timestamp "." body)>
//	{"type":"greffe.changes","timestamp":"…","data":{"recipient":"crm","changes":[…]}}
//
// The changes are those of GET /v1/changes, at most 100, in the order of the
// ledger. The key is the recipient's (greffe changes secret RECIPIENT).
//
// Promised: at least once and in order; the next batch is not sent before the one
// ahead was answered 2xx with a whole answer, or was given up. A receiver tells
// repetitions by webhook-id, and by each change's id where a batch was cut anew
// after a restart. A 2xx counts as acknowledgement if the policy says that the
// recipient does not acknowledge by itself; from one that does, it only means
// that the batch arrived, and after a restart what it did not acknowledge comes
// again. Recipients do not wait for one another: each has its own loop, one
// request at a time, one batch in memory, and none while it waits to try again.
//
// Not 2xx, a redirect, a cut or slow answer (30 s for all of it) are failures:
// tried again after 5 s, doubling with jitter up to 6 h, later if Retry-After asks
// (24 h at most). After an hour of failing a fact says so; what was recorded more
// than 7 days ago is given up once the recipient has failed for 7 days without a
// break: a dead letter, a fact as well. It stays on GET /v1/changes.
//
// Addresses come from the operator of the service alone. They must be https, but
// for loopback. This machine and private networks are refused unless the operator
// says that recipients are there (Target.Private, --webhook-allow-private): what
// answers inside a house often asks for no credentials. Link-local addresses and
// others where clouds hand out credentials, multicast and reserved ones are refused
// in any case, also when an IPv6 address stands for them. All this is looked at in
// the address connected to, after the name was resolved, at every connection. No
// proxy is used, no redirect followed, and the answer's content is neither kept nor
// logged.
//
// A crash repeats at most the batch under way.
package webhook
