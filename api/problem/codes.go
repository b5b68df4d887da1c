package problem

// Code is the stable name of a problem. Codes are added, never renamed.
type Code string

// The codes, in the order of the documentation.
const (
	BodyMissing          Code = "body_missing"
	JSONInvalid          Code = "json_invalid"
	JSONTooDeep          Code = "json_too_deep"
	UTF8Invalid          Code = "utf8_invalid"
	BodyTooLarge         Code = "body_too_large"
	TooManyEvents        Code = "too_many_events"
	MediaTypeUnsupported Code = "media_type_unsupported"
	EncodingUnsupported  Code = "encoding_unsupported"
	EncodingInvalid      Code = "encoding_invalid"
	NotAcceptable        Code = "not_acceptable"
	FieldUnknown         Code = "field_unknown"
	FieldInvalid         Code = "field_invalid"
	FieldRequired        Code = "field_required"
	ParameterUnknown     Code = "parameter_unknown"
	ParameterInvalid     Code = "parameter_invalid"
	HeaderInvalid        Code = "header_invalid"
	CursorInvalid        Code = "cursor_invalid"
	PolicyInvalid        Code = "policy_invalid"

	TokenMissing     Code = "token_missing"
	TokenInvalid     Code = "token_invalid"
	TokenExpired     Code = "token_expired"
	TokenRevoked     Code = "token_revoked"
	SignatureInvalid Code = "signature_invalid"

	SessionInvalid      Code = "session_invalid"
	CredentialsInvalid  Code = "credentials_invalid"
	SecondFactorMissing Code = "second_factor_missing"
	SignInAgain         Code = "sign_in_again"
	TransportInsecure   Code = "transport_insecure"
	PasswordWeak        Code = "password_weak"
	InvitationInvalid   Code = "invitation_invalid"
	LastFactor          Code = "last_factor"
	SearchesFull        Code = "searches_full"
	LoginTaken          Code = "login_taken"
	PasskeysAway        Code = "passkeys_unavailable"
	CeremonyEnded       Code = "ceremony_ended"
	PasskeyCopied       Code = "passkey_copied"
	ProviderManaged     Code = "provider_managed"
	ProviderInvalid     Code = "provider_invalid"
	ProviderUnavailable Code = "provider_unavailable"
	SignInExpired       Code = "sign_in_expired"
	SignInCancelled     Code = "sign_in_cancelled"
	GroupMissing        Code = "group_missing"
	AccountDisabled     Code = "account_disabled"
	LogoutInvalid       Code = "logout_token_invalid"

	PermissionMissing Code = "permission_missing"
	SourceForbidden   Code = "source_forbidden"
	ActorForbidden    Code = "actor_forbidden"
	OriginForbidden   Code = "origin_forbidden"
	ReasonMissing     Code = "reason_missing"
	ReasonUnknown     Code = "reason_unknown"
	ReasonForbidden   Code = "reason_forbidden"
	OwnAlert          Code = "own_alert"
	TicketMissing     Code = "ticket_missing"
	SubjectForbidden  Code = "subject_forbidden"
	SearchForbidden   Code = "search_forbidden"
	DisclosurePartial Code = "disclosure_partial"
	RevealForbidden   Code = "reveal_forbidden"

	HostUnknown      Code = "host_unknown"
	RouteUnknown     Code = "route_unknown"
	MethodNotAllowed Code = "method_not_allowed"
	NotFound         Code = "not_found"
	Conflict         Code = "conflict"
	KeysByHand       Code = "keys_by_hand"
	ShareRefused     Code = "share_refused"
	PlainRefused     Code = "plain_refused"
	LastAdmin        Code = "last_admin"
	Held             Code = "held"
	Erased           Code = "erased"
	KeyReused        Code = "idempotency_key_reused"
	KeyInProgress    Code = "idempotency_key_in_progress"
	Precondition     Code = "precondition_failed"
	BudgetSpent      Code = "budget_spent"
	NotYet           Code = "not_yet"
	RiskNotNotified  Code = "risk_not_notified"
	HighRiskNotTold  Code = "high_risk_not_told"
	ExemptedAndTold  Code = "exempted_and_told"
	RiskNotUnlikely  Code = "risk_not_unlikely"
	ApprovalRequired Code = "approval_required"
	ApprovalInvalid  Code = "approval_invalid"
	RateLimited      Code = "rate_limited"
	QuotaExceeded    Code = "quota_exceeded"
	RequestTimeout   Code = "request_timeout"

	Internal           Code = "internal"
	Busy               Code = "busy"
	Sealed             Code = "sealed"
	Stale              Code = "stale"
	Timeout            Code = "timeout"
	StateUnknown       Code = "state_unknown"
	AccessNotRecorded  Code = "access_not_recorded"
	Unavailable        Code = "unavailable"
	StorageFull        Code = "storage_full"
	RestoreUnconfirmed Code = "restore_unconfirmed"
	BackupUnconfigured Code = "backup_unconfigured"
)

// Text is a sentence in the two languages the API answers in.
type Text struct{ FR, EN string }

// In picks the language: "fr", else English.
func (t Text) In(lang string) string {
	if lang == "fr" {
		return t.FR
	}
	return t.EN
}

// Entry is what the table knows of a code.
type Entry struct {
	Code   Code
	Status int  // HTTP status
	Retry  int  // seconds after which sending again makes sense; 0: not by itself
	Title  Text // what is the matter
	Action Text // what to do
}

// Lookup finds a code's entry.
func Lookup(c Code) (Entry, bool) {
	for i := range table {
		if table[i].Code == c {
			return table[i], true
		}
	}
	return Entry{}, false
}

// All lists every entry in the order of the documentation.
func All() []Entry { return append([]Entry(nil), table[:]...) }

// Of tokens that are kept to something.
const (
	TypeForbidden       Code = "type_forbidden"
	CertificateRequired Code = "certificate_required"
	NetworkForbidden    Code = "network_forbidden"
)
