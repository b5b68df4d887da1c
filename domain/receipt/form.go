package receipt

import (
	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain"
)

// The schemas a receipt conforms to (w3id.org/dpv/schema/dpv-27560).
const (
	schemaReceipt = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
	schemaRecord  = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
	version       = 1
)

// context says what the names mean, and which texts are names.
const context = `{"dct":"http://purl.org/dc/terms/","dpv":"https://w3id.org/dpv#","eu-gdpr":"https://w3id.org/dpv/legal/eu/gdpr#",` +
	`"greffe":"urn:greffe:terms:v1#","legal-eu":"https://w3id.org/dpv/legal/eu#","loc":"https://w3id.org/dpv/loc#",` +
	`"pd":"https://w3id.org/dpv/pd#","rdf":"http://www.w3.org/1999/02/22-rdf-syntax-ns#","schema":"https://schema.org/",` +
	`"dct:conformsTo":{"@type":"@id"},"dpv:hasApplicableLaw":{"@type":"@id"},"dpv:hasDataController":{"@type":"@id"},` +
	`"dpv:hasJurisdiction":{"@type":"@id"},"dpv:hasLegalBasis":{"@type":"@id"},"dpv:hasLocation":{"@type":"@id"},` +
	`"dpv:hasPersonalData":{"@type":"@id"},"dpv:hasRecipient":{"@type":"@id"},"dpv:isIndicatedBy":{"@type":"@id"},` +
	`"greffe:evidence":{"@type":"@json"}}`

type receiptForm struct {
	Context     jsontext.Value `json:"@context"`
	ID          string         `json:"@id"`
	Type        string         `json:"@type"`
	Schema      string         `json:"dct:conformsTo"`
	Identifier  string         `json:"dct:identifier"`
	Created     domain.Time    `json:"dct:created"`
	Record      recordForm     `json:"dpv:hasRecordOfActivity"`
	Version     int            `json:"greffe:version"`
	Proof       []byte         `json:"greffe:proof"`
	NoticeProof []byte         `json:"greffe:noticeProof,omitempty"`
}

type recordForm struct {
	ID           string         `json:"@id"`
	Type         string         `json:"@type"`
	Schema       string         `json:"dct:conformsTo"`
	Identifier   string         `json:"dct:identifier"`
	Issued       domain.Time    `json:"dct:issued"` // when the ledger recorded it
	Subject      node           `json:"dpv:hasDataSubject"`
	Controllers  []string       `json:"dpv:hasDataController"`
	Jurisdiction string         `json:"dpv:hasJurisdiction"`
	Law          string         `json:"dpv:hasApplicableLaw"`
	Basis        string         `json:"dpv:hasLegalBasis"`
	Process      processForm    `json:"dpv:hasProcess"`
	Control      controlForm    `json:"dpv:hasConsentControl"`
	Right        rightForm      `json:"dpv:hasRight"`
	Notice       *noticeForm    `json:"dpv:hasNotice,omitempty"`
	Status       statusForm     `json:"dpv:hasConsentStatus"`
	Entities     []entityForm   `json:"dpv:hasEntity"`
	Channels     []string       `json:"greffe:channels"`
	Policy       int64          `json:"greffe:policyVersion"`
	Position     string         `json:"greffe:position"`
	Checkpoint   string         `json:"greffe:checkpoint"`       // origin, size and root that cover it
	Proven       *bool          `json:"greffe:proven,omitempty"` // whether a grant is, art. 7(1)
	Lacks        []string       `json:"greffe:lacks,omitempty"`
	Sealed       string         `json:"greffe:sealed"`
	ErasedBy     string         `json:"greffe:erasedBy,omitempty"`
	Evidence     jsontext.Value `json:"greffe:evidence,omitempty"`
}

type node struct {
	ID   string `json:"@id"`
	Type string `json:"@type"`
}

type processForm struct {
	Type         string        `json:"@type"`
	Purpose      *purposeForm  `json:"dpv:hasPurpose,omitempty"`
	PersonalData []string      `json:"dpv:hasPersonalData"`
	Recipients   []string      `json:"dpv:hasRecipient"`
	Storage      []storageForm `json:"dpv:hasStorageCondition"`
}

type purposeForm struct {
	Type  string `json:"@type"`
	Code  string `json:"dct:identifier"`
	Title []text `json:"dct:title"`
}

type text struct {
	Language string `json:"@language"`
	Value    string `json:"@value"`
}

// storageForm is a duration (27560: retention_period) or a place (storage_locations).
type storageForm struct {
	Type      string   `json:"@type"`
	Length    string   `json:"dpv:hasDuration,omitempty"`
	Reference string   `json:"dct:source,omitempty"`
	Class     string   `json:"greffe:class,omitempty"`
	Phase     string   `json:"greffe:phase,omitempty"`
	Start     string   `json:"greffe:from,omitempty"`
	Exit      string   `json:"greffe:then,omitempty"`
	Places    []string `json:"dpv:hasLocation,omitempty"`
}

type controlForm struct {
	Type string   `json:"@type"`
	At   []string `json:"dpv:isExercisedAt"`
}

type rightForm struct {
	Type  []string `json:"@type"`
	Title []text   `json:"dct:title"`
}

type noticeForm struct {
	ID         string `json:"@id,omitempty"`
	Type       string `json:"@type"`
	Identifier string `json:"dct:identifier,omitempty"`
	Version    string `json:"dct:hasVersion,omitempty"`
	Language   string `json:"dct:language,omitempty"`
	Text       string `json:"dct:description,omitempty"`
	SHA256     string `json:"greffe:sha256,omitempty"` // of Text in UTF-8, hexadecimal
	Position   string `json:"greffe:position,omitempty"`
}

type statusForm struct {
	Type     []string      `json:"@type"`
	By       []string      `json:"dpv:isIndicatedBy"`
	Method   string        `json:"dpv:hasIndicationMethod,omitempty"`
	At       domain.Time   `json:"dpv:isIndicatedAtTime"`
	Duration *durationForm `json:"dpv:hasDuration,omitempty"`
}

type durationForm struct {
	Type  string `json:"@type"`
	Value string `json:"rdf:value"`
}

// entityForm is a controller or a recipient.
type entityForm struct {
	ID         string       `json:"@id"`
	Type       string       `json:"@type"`
	Identifier string       `json:"dct:identifier"`
	Name       string       `json:"dpv:hasName,omitempty"`
	Title      []text       `json:"dct:title,omitempty"`
	Contact    *contactForm `json:"schema:contactPoint,omitempty"`
}

type contactForm struct {
	Type    string `json:"@type"`
	Address string `json:"schema:streetAddress,omitempty"`
	Email   string `json:"schema:email,omitempty"`
	Phone   string `json:"schema:telephone,omitempty"`
	DPO     string `json:"greffe:dpo,omitempty"`
}
