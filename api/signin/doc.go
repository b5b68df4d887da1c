// Package signin holds what people meet when they sign in: the WebAuthn
// ceremonies of passkeys, and the pages /signin, /invitation and /me.
//
// Promises of the ceremonies (WebAuthn Level 3):
//   - A passkey is taken only with user verification, so that it is two factors
//     of different families, possession with knowledge or biometrics (CNIL
//     recommendation of 20 March 2025); one touch alone is refused.
//   - A ceremony is of one purpose, one account, one session; it holds for 5
//     minutes, and once. Its state travels sealed with the caller, so any node
//     with the ledger's key can finish what another began, and memory grows only
//     with ceremonies that succeeded.
//   - To begin says nothing of who exists: nobody is named, the device finds
//     its key by itself.
//   - A signature counter that does not grow is a copied key, and is refused.
//   - No error holds a value of the request, a name or a key.
//
// Promises of the pages: plain HTML with one script and one style sheet of their
// own, nothing inline, nothing from elsewhere. They hold nothing personal: the
// script asks the API, which checks and records, and puts what it gets into the
// page as text. They work by keyboard and read aloud, in French and English.
//
// Assumed: clocks of the nodes agree within seconds. That a ceremony was used is
// remembered by the node that finished it; for the others, Proof.Once names it,
// so that whoever starts the session can refuse the second. A crash forgets the
// ceremonies of that node: a captured answer could be shown again within its 5
// minutes, by whoever also broke TLS.
package signin
