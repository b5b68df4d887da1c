// Package oidc lets people sign in by their organisation's identity provider: the
// relying party of OpenID Connect Core 1.0 (authorization code with PKCE, RFC 7636)
// and of Back-Channel Logout 1.0.
//
// Promises:
//   - Two factors or nobody: the provider must say (acr, amr of RFC 8176) that two
//     factors of different families were given (CNIL, recommendation of 20 March
//     2025). There is no switch to do without.
//   - Somebody is who the provider's issuer and subject say, never who has an e-mail
//     address. Their roles are those that the configuration gives to their groups,
//     at each sign-in anew, and no other.
//   - An ID token holds only if it is signed with an asymmetric key of the
//     provider's, for this client, now (a minute of skew), with the nonce of this
//     browser's own sign-in; an answer only if it is of the issuer (RFC 9207). What a
//     browser keeps meanwhile is sealed, ends after ten minutes and serves once.
//   - Nothing is asked of hosts that the configuration does not name, nothing that
//     redirects is followed, and each exchange has a bound in time, size and number.
//   - A provider that is down keeps nobody with a local account out.
//   - Errors hold closed words: no token, claim, address or name.
//
// Assumes that the provider gives a code once, and that nodes share a secret. The
// memory of what was used is each node's own: another node refuses a used answer
// because the provider refuses its code, and a logout token sent to two nodes ends
// only sessions that are older than it.
//
// A crash leaves nothing: a sign-in on its way is begun again.
package oidc
