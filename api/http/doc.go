// Package httpapi is the HTTP surface (design §7), built from ONE table of routes
// (routes.go): method, path, permission, access class, limits, types. The router,
// the OpenAPI document, the documentation and the tests are made of that table.
//
// Promises:
//   - Nothing is answered to a caller without a token that holds and the
//     permission the table names, but what the table marks as open.
//   - A route that gives out personal data can only be written with opening or
//     finding; both record the access and wait until it is durable before a byte
//     leaves. If the journal fails, hangs or panics the answer is 503
//     access_not_recorded without data (design §2, promise 2).
//   - An answer never repeats a value of the request in an error, and no log line
//     holds a query, a header or a body.
//   - Bodies are bounded before they are read, decompressed or parsed; streams
//     are worked off in chunks, so memory does not grow with what is sent.
//   - A stream that lacks its last line {"end":…} is void.
//
// Assumed: TLS is ended in front or the network is private; the address of the
// peer is that of the TCP connection. Idempotency-Key answers are kept in memory
// for 24 hours (at most 10,000), so a restart forgets them; events need none, as
// their own ids make retries safe. A crash during a request leaves its writes
// whole or absent; sending it again is safe.
package httpapi
