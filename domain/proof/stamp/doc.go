// Package stamp reads time-stamps of RFC 3161 authorities: a statement, signed by a
// third party, that some SHA-256 existed at a time.
//
// Promised: Parse accepts a token only if it is whole (one signer, whose certificate is
// inside and named by the signed attributes: RFC 5035, RFC 5816; its signature holds
// over this content) and in the form that FromResponse gives it, so that no byte of it
// can be changed unseen; of a certificate between the signer's and the root, though,
// Parse needs the key alone and TrustedBy reads the rest. TrustedBy says whether the
// signer led to a root that the reader trusts, and might stamp, at the time of the
// stamp. Revocation is not looked at: one that comes later leaves a stamp standing.
//
// Assumed: who reads knows which authority to trust. The name of an RSA signature's
// algorithm has two spellings and an ECDSA signature two forms, each pair of one
// meaning; that is all the slack.
//
// The package reads ASN.1 itself, by encoding/asn1 and crypto/x509. The known libraries
// for CMS accept what must be refused here: BER and bytes that cannot be read, a token
// without certificate as if it were verified, SHA-1, any content type, any purpose of
// the key, and another certificate than the one that was signed; and they keep state
// in a package variable. There is no I/O and no clock: a crash leaves nothing.
package stamp
