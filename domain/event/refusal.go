package event

// Refusal says why an input cannot be taken as it is: a stable code, the name
// of a field of the contract (never an upstream's own name), and a sentence.
type Refusal struct {
	Code  string
	Field string
}

func refuse(code, field string) *Refusal { return &Refusal{Code: code, Field: field} }

func (r *Refusal) Error() string {
	if r.Field == "" {
		return r.Sentence()
	}
	return r.Field + ": " + r.Sentence()
}

// Sentence tells the sender what to do. It never quotes the input.
func (r *Refusal) Sentence() string {
	switch r.Code {
	case "json_invalid":
		return "This is not valid JSON (RFC 8259, no duplicate names). Send one JSON object per event."
	case "utf8_invalid":
		return "The text is not valid UTF-8. Convert it before sending."
	case "json_too_deep":
		return "The JSON is nested more than 32 levels deep. Flatten it."
	case "event_too_large":
		return "One event may have at most 256 KiB. Leave attachments out."
	case "not_an_object":
		return "An event must be a JSON object in CloudEvents 1.0 form."
	case "specversion_unsupported":
		return "Set specversion to \"1.0\"; no other version of CloudEvents is understood."
	case "id_missing":
		return "Give each event an id that is unique for its source; it makes retries safe."
	case "source_missing":
		return "Name the system the event comes from in source."
	case "type_missing":
		return "Set type to a name of the catalogue, such as contact.created."
	case "type_unknown":
		return "This type is not in the catalogue; see /docs for the list."
	case "type_reserved":
		return "Only the ledger itself writes events of this type."
	case "attribute_invalid":
		return "This attribute must be a string of at most 512 bytes."
	case "datacontenttype_unsupported":
		return "Send data as JSON, with datacontenttype application/json."
	case "subject_missing":
		return "Say whom the event is about: the source's own id of the person, in subject."
	case "time_missing":
		return "Say when it happened, in time (RFC 3339)."
	case "time_invalid":
		return "Write the time as RFC 3339, for example 2026-03-02T09:14:07Z."
	case "time_ahead":
		return "The time is more than five minutes ahead of the ledger's clock. Correct the sender's clock."
	case "data_missing":
		return "This type needs a data object."
	case "controller_unknown":
		return "The policy knows no controller of this code. Leave it out for the default, or publish a policy that has it."
	case "purpose_unknown":
		return "The policy knows no purpose of this code. Use one of its codes, or publish a policy that has it."
	case "channel_unknown":
		return "Channels are email, sms, phone, postal and social."
	case "field_required":
		return "This field is required for this type; see /docs."
	case "field_invalid":
		return "This field has not the form the contract asks for; see /docs."
	case "forbidden_content":
		return "The policy's guard holds this event back because of what this field contains. Remove it and send again."
	}
	return "The event cannot be taken; see /docs for this code."
}
