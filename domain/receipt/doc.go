// Package receipt writes consent receipts: what a person consented to, refused or
// withdrew, as a record of ISO/IEC TS 27560:2023 in the W3C's Data Privacy Vocabulary
// (JSON-LD; w3id.org/dpv/guides/consent-27560), with the notice that was shown, its
// hash, and the proof that all of it stood in the ledger (art. 7(1) GDPR: the
// controller shall be able to demonstrate).
//
// Promised: a receipt has one form, a pure function of two proofs (of the consent, and
// of the notice if it was published) and of the controller's own terms. What it says of
// the consent is what the proved fact and the disclosed part say, and nothing else; a
// notice's text stands in it only if a proof carries it. Verify makes it again from its
// own proofs and compares each byte. It also holds for a person who was erased: what was
// sealed is then told to be erased, and the proof of the fact still verifies.
//
// Not proved, as the ledger's facts do not hold it: the terms (names and addresses of
// controllers, durations, recipients, places), which are what the policy of that
// version says, and the reason why a part is not disclosed.
//
// Terms that DPV has no word for are in the namespace urn:greffe:terms:v1#. There is no
// I/O here; a crash leaves nothing.
package receipt
