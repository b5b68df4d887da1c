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

	IngestQuarantined  Type = "ingest.quarantined"
	IngestReleased     Type = "ingest.released"
	PolicyPublished    Type = "policy.published"
	ExportProduced     Type = "export.produced"
	AccountCreated     Type = "account.created"
	AccountDisabled    Type = "account.disabled"
	AccountTokenMade   Type = "account.token_made"
	AccountTokenEnded  Type = "account.token_revoked"
	ProducerRegistered Type = "producer.registered"
)

// Known reports whether this program understands facts of type t.
func (t Type) Known() bool {
	switch t {
	case IngestQuarantined, IngestReleased, PolicyPublished, ExportProduced,
		AccountCreated, AccountDisabled, AccountTokenMade, AccountTokenEnded, ProducerRegistered:
		return true
	}
	return t.Upstream()
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

// kind says how one field of an event's data is understood.
type kind byte

const (
	sealed     kind = iota // personal or free: goes to a part under the policy's class
	enum                   // one of values, else the fallback, else refused
	enums                  // a list of them
	purpose                // a purpose of the policy
	purposes               // a list of them
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
