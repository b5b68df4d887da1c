package rights

import "slices"

// Right is what a person asks for.
type Right string

// The rights. Those of art. 15 to 22 that an upstream can name keep its words.
const (
	Access              Right = "access"               // art. 15
	Rectification       Right = "rectification"        // art. 16
	Erasure             Right = "erasure"              // art. 17
	Restriction         Right = "restriction"          // art. 18
	Recipients          Right = "recipients"           // art. 19: to whom it was passed on
	Portability         Right = "portability"          // art. 20
	Objection           Right = "objection"            // art. 21(2): prospecting; at once, no reason needed
	ObjectionProcessing Right = "objection_processing" // art. 21(1): weighed
	AutomatedDecision   Right = "automated_decision"   // art. 22
	ConsentWithdrawal   Right = "consent_withdrawal"   // art. 7(3)
	PostMortem          Right = "post_mortem"          // LIL 85 II: the heirs
	Directives          Right = "directives"           // LIL 85 I: by the dead person's directives, or to give them
	Other               Right = "other"                // the words have to be read
)

// Rights lists them in the order of the law.
func Rights() []Right {
	return []Right{Access, Rectification, Erasure, Restriction, Recipients, Portability, Objection, ObjectionProcessing,
		AutomatedDecision, ConsentWithdrawal, PostMortem, Directives, Other}
}

// Channels are the ways by which a request comes in.
func Channels() []string {
	return []string{"email", "sms", "phone", "postal", "social", "web_form", "store", "other"}
}

// Origins say which entrance of the ledger a request was taken in by; an upstream's
// event names none.
const (
	OriginDesk = "desk"
	OriginForm = "form"
	OriginFile = "file"
)

// Requester says as what somebody asks.
type Requester string

// The requesters. Who acts for another proves it when the identity is verified.
const (
	InPerson   Requester = "person"
	Proxy      Requester = "proxy"      // with a mandate (décret 2019-536 art. 77)
	Guardian   Requester = "guardian"   // of a minor or a protected adult
	Heir       Requester = "heir"       // LIL 85 II
	Designated Requester = "designated" // by the dead person's directives, LIL 85 I
)

// Requesters lists them.
func Requesters() []Requester { return []Requester{InPerson, Proxy, Guardian, Heir, Designated} }

// HeirGround is what the heirs may exercise the rights of a dead person for, where
// there are no directives (LIL 85 II).
type HeirGround string

// The grounds.
const (
	ForEstate HeirGround = "estate" // to settle the succession
	ForDeath  HeirGround = "death"  // to have the death taken into account: close accounts, object, update
)

// HeirGrounds lists them.
func HeirGrounds() []HeirGround { return []HeirGround{ForEstate, ForDeath} }

// Means is how an identity was verified, proportionately (art. 12(6)). None is a
// document that is kept.
type Means string

// The means. A title of identity is looked at on reasonable doubt only, and goes back.
const (
	ByAccount       Means = "account_login"
	ByCustomerNo    Means = "customer_number"
	ByKnownAddress  Means = "known_address" // the request came from an address that is held, or a reply sent there
	ByCallback      Means = "callback"      // to a number that is held
	BySharedDetails Means = "shared_details"
	BySignature     Means = "electronic_signature"
	ByIDSeen        Means = "id_seen" // looked at, not copied
	ByAppearance    Means = "in_person"
)

// AllMeans lists them.
func AllMeans() []Means {
	return []Means{ByAccount, ByCustomerNo, ByKnownAddress, ByCallback, BySharedDetails, BySignature, ByIDSeen, ByAppearance}
}

// Standing is the proof of who acts for another; like an identity, it is seen and not
// kept.
type Standing string

// The proofs: décret 2019-536 art. 77 (mandate) and 124 (acte de notoriété, livret de
// famille).
const (
	Mandate        Standing = "mandate"
	CourtOrder     Standing = "court_order"
	ParentalTie    Standing = "parental_authority"
	NotarialDeed   Standing = "notarial_deed" // acte de notoriété
	FamilyBook     Standing = "family_book"   // livret de famille
	WrittenOrders  Standing = "directives"    // specific ones, given to the controller
	CertifiedParty Standing = "certified_party"
)

// standings are the proofs that each requester can give.
func standings(r Requester) []Standing {
	switch r {
	case Proxy:
		return []Standing{Mandate, CourtOrder}
	case Guardian:
		return []Standing{ParentalTie, CourtOrder}
	case Heir:
		return []Standing{NotarialDeed, FamilyBook}
	case Designated:
		return []Standing{WrittenOrders, CertifiedParty}
	}
	return nil
}

// Standings lists all proofs.
func Standings() []Standing {
	return []Standing{Mandate, CourtOrder, ParentalTie, NotarialDeed, FamilyBook, WrittenOrders, CertifiedParty}
}

// Outcome is what an answer says.
type Outcome string

// The outcomes. Partly names grounds and remedies as a refusal does.
const (
	Granted     Outcome = "granted"
	Partly      Outcome = "partly"
	NothingHeld Outcome = "nothing_held" // also said within the month (art. 12(4); SAN-2021-021)
)

// Outcomes lists them.
func Outcomes() []Outcome { return []Outcome{Granted, Partly, NothingHeld} }

// Ground is why a request is refused, wholly or in part.
type Ground string

// Remedy is where a person can turn (art. 12(4), 77, 79).
type Remedy string

// The remedies. A refusal that does not name both is none.
const (
	CNIL  Remedy = "cnil"
	Court Remedy = "court"
)

// Remedies lists them.
func Remedies() []Remedy { return []Remedy{CNIL, Court} }

// ExtensionGround is why a month is not enough (art. 12(3)).
type ExtensionGround string

// The grounds of an extension.
const (
	Complex  ExtensionGround = "complex"
	Numerous ExtensionGround = "numerous"
)

// ExtensionGrounds lists them.
func ExtensionGrounds() []ExtensionGround { return []ExtensionGround{Complex, Numerous} }

// NoteKind is what a note is.
type NoteKind string

// The kinds of notes.
const (
	NoteWords         NoteKind = "note"
	NoteFile          NoteKind = "attachment"
	NoteIdentityAsked NoteKind = "identity_asked"
	NoteReply         NoteKind = "reply"     // of the person
	NoteRecipients    NoteKind = "notified"  // art. 19: recipients were told
	NoteCompleted     NoteKind = "completed" // a statement that completes data (art. 16)
)

// NoteKinds lists those that are given by word.
func NoteKinds() []NoteKind {
	return []NoteKind{NoteWords, NoteIdentityAsked, NoteReply, NoteRecipients, NoteCompleted}
}

// Letter is what was sent to a person.
type Letter string

// The letters.
const (
	LetterAcknowledgement Letter = "acknowledgement"
	LetterIdentity        Letter = "identity_request"
	LetterExtension       Letter = "extension"
	LetterAnswer          Letter = "answer"
	LetterRefusal         Letter = "refusal"
	LetterLifting         Letter = "restriction_lifting" // art. 18(3): before it is lifted
	LetterOther           Letter = "other"
)

// Letters lists them.
func Letters() []Letter {
	return []Letter{LetterAcknowledgement, LetterIdentity, LetterExtension, LetterAnswer, LetterRefusal, LetterLifting, LetterOther}
}

// Dispatches are the ways by which a letter goes out.
func Dispatches() []string {
	return []string{"email", "registered_letter", "post", "portal", "hand", "sms", "phone"}
}

// Finding is what the search of one system gave.
type Finding string

// The findings.
const (
	Found         Finding = "found"
	NothingThere  Finding = "nothing_held"
	NotApplicable Finding = "not_applicable"
)

// Findings lists them.
func Findings() []Finding { return []Finding{Found, NothingThere, NotApplicable} }

func known[T comparable](list []T, v T) bool { return slices.Contains(list, v) }
