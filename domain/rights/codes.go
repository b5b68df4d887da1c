package rights

// The codes of a request's steps.
const (
	codeRight     = "right"
	codeChannel   = "channel"
	codeReceived  = "received_at"
	codeRequester = "requester"
	codeLanguage  = "language"
	codeOrigin    = "origin"
	codeEffective = "effective" // the objection binds already, by an address
	codePurpose   = "purpose"   // the objection is against this alone
	codeChannels  = "channels"  // the objection is against these ways alone
	codeGround    = "ground"    // of heirs
	codeMeans     = "means"
	codeOn        = "on"
	codeStanding  = "standing"
	codeAssignee  = "assignee"
	codeTask      = "task"
	codeSystem    = "system"
	codeDue       = "due"
	codeFinding   = "finding"
	codeKind      = "kind"
	codeMedia     = "media"
	codeSize      = "bytes"
	codeOutcome   = "outcome"
	codeDigest    = "answer_digest"
	codeFormat    = "answer_format"
	codeGrounds   = "grounds"
	codeRemedies  = "remedies"
	codeCerts     = "certificates"
	codeOf        = "of"
	codeBy        = "by"
	codeSent      = "sent_at"
	codeUntil     = "until"
)

// The sealed fields of a request's steps.
const (
	FieldMessage = "request.message" // what the person wrote; a text
	FieldPerson  = "request.person"  // Person, as a JSON object
	FieldWords   = "request.words"   // of a note, reasons, a proof; a text
	FieldFile    = "request.file"    // File, as a JSON object
	FieldTitle   = "request.title"   // of a task; a text
)
