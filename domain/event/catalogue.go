package event

// The catalogue of types. The names are API; types are added, never renamed.
const (
	ContactCreated       Type = "contact.created"
	ContactChanged       Type = "contact.changed"
	ContactMerged        Type = "contact.merged"
	ContactUnmerged      Type = "contact.unmerged"
	ContactRekeyed       Type = "contact.rekeyed"
	ContactDeleted       Type = "contact.deleted"
	InteractionRecorded  Type = "interaction.recorded"
	ContractStarted      Type = "contract.started"
	ContractChanged      Type = "contract.changed"
	ContractEnded        Type = "contract.ended"
	InvoiceIssued        Type = "invoice.issued"
	RecruitmentClosed    Type = "recruitment.closed"
	NoticeServed         Type = "notice.served"
	ConsentRequested     Type = "consent.requested"
	ConsentGranted       Type = "consent.granted"
	ConsentRefused       Type = "consent.refused"
	ConsentWithdrawn     Type = "consent.withdrawn"
	OppositionRegistered Type = "opposition.registered"
	AccessRecorded       Type = "access.recorded"
	RequestReceived      Type = "request.received"
	PersonDeceased       Type = "person.deceased"
	RestrictionPlaced    Type = "restriction.placed"

	IngestQuarantined   Type = "ingest.quarantined"
	IngestReleased      Type = "ingest.released"
	PolicyPublished     Type = "policy.published"
	ExportProduced      Type = "export.produced"
	AccountCreated      Type = "account.created"
	AccountDisabled     Type = "account.disabled"
	AccountTokenMade    Type = "account.token_made"
	AccountTokenEnded   Type = "account.token_revoked"
	AccountTokenUsed    Type = "account.token_used" // on a day, told once
	ProducerRegistered  Type = "producer.registered"
	ProducerGapDetected Type = "producer.gap_detected"

	NoticePublished   Type = "notice.published"
	ConsentExpired    Type = "consent.expired"
	OppositionLifted  Type = "opposition.lifted"
	OppositionListed  Type = "opposition.listed" // a part of a list that was imported
	RestrictionLifted Type = "restriction.lifted"
	HoldPlaced        Type = "hold.placed"
	HoldReleased      Type = "hold.released"

	ErasureOrdered     Type = "erasure.ordered"
	ErasureStaged      Type = "erasure.staged"    // opposition tokens and recipients' messages carried over
	ErasureContested   Type = "erasure.contested" // a source still sends the person it was told to erase
	SubjectErased      Type = "subject.erased"    // every store was checked
	PartRedacted       Type = "part.redacted"     // one part was destroyed, for what it said
	NotificationSent   Type = "notification.sent" // a recipient's delivery was given up (dead letter) or taken by webhook
	NotificationTaken  Type = "notification.acknowledged"
	ScreeningPerformed Type = "screening.performed"
	RecheckPerformed   Type = "recheck.performed" // past uses were decided again as known at their time
	KeyRotated         Type = "key.rotated"
	RestorePerformed   Type = "restore.performed"
	RestoreConfirmed   Type = "restore.confirmed"
	InspectionOpened   Type = "inspection.opened"
	InspectionClosed   Type = "inspection.closed"
)

// The desks of the DPO. A desk's first event opens a file, the others name it with
// the code "case" (domain/casefile).
const (
	RequestVerified   Type = "request.verified"   // identity: by what means, never the document
	RequestExtended   Type = "request.extended"   // art. 12(3)
	RequestAssigned   Type = "request.assigned"   // to an account
	RequestTasked     Type = "request.tasked"     // a system of the register is to be searched
	RequestSearched   Type = "request.searched"   // and was
	RequestNoted      Type = "request.noted"      // a note, or a file
	RequestAnswered   Type = "request.answered"   // what was decided and said
	RequestRefused    Type = "request.refused"    // grounds and remedies, art. 12(4)
	RequestDispatched Type = "request.dispatched" // proof that it was sent
	RequestWithdrawn  Type = "request.withdrawn"  // by the person
	RequestClosed     Type = "request.closed"
	RequestReminded   Type = "request.reminded"

	ActivityRecorded Type = "activity.recorded" // art. 30: an entry, or a new state of it
	ActivityEnded    Type = "activity.ended"
	ActivityReminded Type = "activity.reminded"

	DPIAScreened   Type = "dpia.screened"
	DPIADocumented Type = "dpia.documented" // where the assessment is
	DPIAClosed     Type = "dpia.closed"
	DPIAReminded   Type = "dpia.reminded"

	BreachOpened       Type = "breach.opened"
	BreachNoted        Type = "breach.noted"        // what became known
	BreachScoped       Type = "breach.scoped"       // whom it may concern
	BreachAssessed     Type = "breach.assessed"     // the risk, and what follows
	BreachNotified     Type = "breach.notified"     // to the authority, art. 33
	BreachCommunicated Type = "breach.communicated" // to the persons, art. 34
	BreachActed        Type = "breach.acted"        // containment, corrective action
	BreachClosed       Type = "breach.closed"
	BreachReminded     Type = "breach.reminded"

	ReviewPlanned  Type = "review.planned"
	ReviewNoted    Type = "review.noted"  // a finding
	ReviewActed    Type = "review.acted"  // an action, its due date, its end
	ReviewClosed   Type = "review.closed" // with its conclusion, and the next one's date
	ReviewReminded Type = "review.reminded"
)

// Retention, minimisation and statistics.
const (
	RetentionRun         Type = "retention.run"         // one run's report
	RetentionArchived    Type = "retention.archived"    // classes of a person left the active base
	RetentionAsked       Type = "retention.asked"       // whether to go on: once, then it waits
	RetentionGeneralised Type = "retention.generalised" // what is left of a person says less
	RetentionDestroyed   Type = "retention.destroyed"   // keys that are no person's: the access journal's, a file's
	HoldReviewed         Type = "hold.reviewed"
	MinimisationAudited  Type = "minimisation.audited"
	StatisticsReleased   Type = "statistics.released"
	PolicyScheduled      Type = "policy.scheduled" // to be published at a date
	PolicyUnscheduled    Type = "policy.unscheduled"
)

// Accounts, sessions, approvals and the watch over reads.
const (
	AccountChanged           Type = "account.changed" // its roles, portfolio or state, all of them anew
	AccountInvited           Type = "account.invited"
	AccountCredentialSet     Type = "account.credential_set" // password, totp, passkey, recovery; the secret is a part
	AccountCredentialRemoved Type = "account.credential_removed"
	AccountSessionStarted    Type = "account.session_started"
	AccountSessionEnded      Type = "account.session_ended" // one, or all of an account
	AccountLocked            Type = "account.locked"        // until a time, after wrong passwords or codes
	AccountSearchSaved       Type = "account.search_saved"  // anew, or under another name; what it asks is a part
	AccountSearchRemoved     Type = "account.search_removed"
	AccessDenied             Type = "access.denied"      // counts, by account, route and code
	ApprovalRequested        Type = "approval.requested" // a second person is asked
	ApprovalDecided          Type = "approval.decided"
	ApprovalUsed             Type = "approval.used"
	WatchAlerted             Type = "watch.alerted" // unusual reads by an account
	WatchClosed              Type = "watch.closed"  // somebody looked, and found what
)

// What access.recorded says of who asks whether somebody may be contacted, and is shown
// nothing of them: the action, and the ledger's own reason where none is given. Every
// other reason is one of the policy's.
const (
	Decides  = "contactability"
	ToDecide = "contact_decision"
)

// Bundles is the action of access.recorded by which the bundle of an inspection was made:
// about everybody, and nobody in clear.
const Bundles = "bundle"

// Known reports whether this program understands facts of type t.
func (t Type) Known() bool {
	switch t {
	case IngestQuarantined, IngestReleased, PolicyPublished, ExportProduced,
		AccountCreated, AccountDisabled, AccountTokenMade, AccountTokenEnded, AccountTokenUsed, ProducerRegistered, ProducerGapDetected,
		NoticePublished, ConsentExpired, OppositionLifted, OppositionListed, RestrictionLifted, HoldPlaced, HoldReleased,
		ErasureOrdered, ErasureStaged, ErasureContested, SubjectErased, PartRedacted, NotificationSent, NotificationTaken,
		ScreeningPerformed, RecheckPerformed, KeyRotated, RestorePerformed, RestoreConfirmed,
		InspectionOpened, InspectionClosed,
		RetentionRun, RetentionArchived, RetentionAsked, RetentionGeneralised, RetentionDestroyed, HoldReviewed,
		MinimisationAudited, StatisticsReleased, PolicyScheduled, PolicyUnscheduled,
		AccountChanged, AccountInvited, AccountCredentialSet, AccountCredentialRemoved, AccountSessionStarted, AccountSessionEnded,
		AccountLocked, AccountSearchSaved, AccountSearchRemoved, AccessDenied, ApprovalRequested, ApprovalDecided, ApprovalUsed, WatchAlerted, WatchClosed:
		return true
	}
	return t.Step() || t.Upstream()
}

// Step reports whether facts of type t are written at a desk of the DPO: steps of a
// file, and reminders of it. A file goes on after the erasure of whom it is about.
func (t Type) Step() bool {
	switch t {
	case RequestVerified, RequestExtended, RequestAssigned, RequestTasked, RequestSearched, RequestNoted, RequestAnswered,
		RequestRefused, RequestDispatched, RequestWithdrawn, RequestClosed, RequestReminded,
		ActivityRecorded, ActivityEnded, ActivityReminded,
		DPIAScreened, DPIADocumented, DPIAClosed, DPIAReminded,
		BreachOpened, BreachNoted, BreachScoped, BreachAssessed, BreachNotified, BreachCommunicated, BreachActed, BreachClosed, BreachReminded,
		ReviewPlanned, ReviewNoted, ReviewActed, ReviewClosed, ReviewReminded:
		return true
	}
	return false
}

// Upstream reports whether upstream systems may send events of type t.
func (t Type) Upstream() bool { return catalogue[t] != nil }

// Protective reports whether an event of type t protects the person, so that
// it is never quarantined whole: what is understood applies at once, in its
// widest reading (design §4.1).
func (t Type) Protective() bool {
	switch t {
	case ConsentWithdrawn, ConsentRefused, OppositionRegistered, RestrictionPlaced, RequestReceived:
		return true
	}
	return false
}

// Unlisted stands for a reason or a portfolio that the policy does not list.
const Unlisted = "unlisted"

// kind says how one field of an event's data is understood.
type kind byte

const (
	sealed     kind = iota // personal or free: goes to a part under the policy's class
	enum                   // one of values, else the fallback, else refused
	enums                  // a list of them
	purpose                // a purpose of the policy
	purposes               // a list of them
	portfolio              // a portfolio of the policy, else "unlisted"
	channel                // a channel of the policy
	channels               // a list of them
	reason                 // a reason code of the policy, else "unlisted"
	categories             // retention classes of the policy
	flag                   // a JSON boolean
	instant                // RFC 3339, kept to the microsecond
	count                  // an integer from 0
	link                   // {"source","subject"}: another contact
	linked                 // a list of subjects of the event's own source
	nested                 // contact fields, under "set"
	unsets                 // paths of contact fields
	slots                  // hours of the week, see Slot
	address                // {"email","phone"} of somebody not known
)

// field describes one path of an event's data.
type field struct {
	path     string
	sealed   string // the policy's path: with the type's noun before it
	kind     kind
	values   []string
	fallback string // for enum: stands for a code not listed
	required bool
}

// shape is what the catalogue knows of one type's data. noun prefixes the
// policy's path of sealed fields; contact fields have none.
type shape struct {
	noun       string
	fields     []field
	contact    bool // of a contact's fields, the company's own among them
	noSubject  bool // the event may be about nobody known
	dataNeeded bool
	inner      *shape // of the object under a nested field

	byPath  map[string]*field
	objects map[string]string // paths that hold fields below them → the same and a dot
}
