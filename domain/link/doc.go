// Package link makes the one-click links of mails: to withdraw (retrait) and
// object (opposition) without an account (art. 7(3), 21(4) GDPR; CPCE L34-5;
// RFC 8058), or to confirm a consent that was asked for (double opt-in).
//
// A token says for whom and for what, sealed, so that whoever holds it needs no
// account, and nobody can read anything from it or make one:
//
//	token   = base64url( version(1)=1 ‖ nonce(12) ‖ AES-256-GCM(K_seal, nonce, plain, AAD version) )
//	plain   = kind(1) ‖ expires, seconds since 1970 (5, big endian) ‖ channels(1) ‖ flags(1) ‖ subject(16)
//	          ‖ len(purpose)(1) ‖ purpose ‖ len(controller)(1) ‖ controller ‖ [request(16) ‖ notice(16)]
//	nonce   = first 12 bytes of HMAC-SHA256(K_nonce, plain)
//	K_seal, K_nonce = HKDF-SHA256(secret, info "greffe/link/1/seal", "greffe/link/1/nonce")
//
// channels is a bit for each of policy.ChannelCodes in their order, 0 for every
// channel; request and notice stand in confirmations only. The nonce depends on
// the plaintext alone: the same link is the same token, and two different ones
// never share a nonce but by a collision of 96 bits, which reveals nothing as
// long as fewer than 2^32 links are made.
//
// Promised: Open gives back what Seal was given or ErrLink, and takes the same
// work for any text of a length. Assumed: the secret is 32 random bytes that
// never change. There is no I/O, so a crash leaves nothing.
package link
