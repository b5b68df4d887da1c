package part

import (
	"fmt"
	"strings"

	"greffe/domain"
)

// OwnerKind says whose key a class key is.
type OwnerKind byte

// The kinds of owners. Zero is invalid on purpose.
const (
	Subject    OwnerKind = 1 // a person whose data is held
	Account    OwnerKind = 2 // a person or service that acts
	Quarantine OwnerKind = 3 // one quarantined input
	Ledger     OwnerKind = 4 // the ledger itself; its uuid is zero
	Delivery   OwnerKind = 5 // messages to recipients about one erasure, until they are taken
	Case       OwnerKind = 6 // the words of one file of a desk: a rights request, a breach
)

// Owner is whose keys these are.
type Owner struct {
	Kind OwnerKind
	ID   domain.ID
}

// LedgerOwner owns the access journal, peppers, policy texts and the like.
func LedgerOwner() Owner { return Owner{Kind: Ledger} }

// SubjectOwner owns a person's parts.
func SubjectOwner(id domain.ID) Owner { return Owner{Kind: Subject, ID: id} }

// AccountOwner owns what is known of who acts.
func AccountOwner(id domain.ID) Owner { return Owner{Kind: Account, ID: id} }

// QuarantineOwner owns one quarantined input.
func QuarantineOwner(id domain.ID) Owner { return Owner{Kind: Quarantine, ID: id} }

// DeliveryOwner owns what recipients are told of one erasure.
func DeliveryOwner(id domain.ID) Owner { return Owner{Kind: Delivery, ID: id} }

// CaseOwner owns the words of one file of a desk, which may outlive whom it is about.
func CaseOwner(id domain.ID) Owner { return Owner{Kind: Case, ID: id} }

// String is "subject/<uuid>", "account/<uuid>", "quarantine/<uuid>",
// "delivery/<uuid>", "case/<uuid>" or "ledger".
func (o Owner) String() string {
	switch o.Kind {
	case Subject:
		return "subject/" + o.ID.String()
	case Account:
		return "account/" + o.ID.String()
	case Quarantine:
		return "quarantine/" + o.ID.String()
	case Delivery:
		return "delivery/" + o.ID.String()
	case Case:
		return "case/" + o.ID.String()
	case Ledger:
		return "ledger"
	}
	return "invalid"
}

// ParseOwner reads what String writes.
func ParseOwner(s string) (Owner, error) {
	if s == "ledger" {
		return LedgerOwner(), nil
	}
	kind, rest, _ := strings.Cut(s, "/")
	id, err := domain.ParseID(rest)
	if err != nil {
		return Owner{}, fmt.Errorf("owner: %w", err)
	}
	switch kind {
	case "subject":
		return SubjectOwner(id), nil
	case "account":
		return AccountOwner(id), nil
	case "quarantine":
		return QuarantineOwner(id), nil
	case "delivery":
		return DeliveryOwner(id), nil
	case "case":
		return CaseOwner(id), nil
	}
	return Owner{}, fmt.Errorf("owner: unknown kind")
}

// The epochs a class can have: one key for all time, per year, per month.
const EpochWhole = "whole"

// KeyID names one class key. Epoch is "whole", "2026" or "2026-03".
type KeyID struct {
	Owner Owner
	Class string
	Epoch string
}

// String is owner/class/epoch.
func (k KeyID) String() string { return k.Owner.String() + "/" + k.Class + "/" + k.Epoch }

// Validate reports a key id that cannot be written.
func (k KeyID) Validate() error {
	switch {
	case k.Owner.Kind < Subject || k.Owner.Kind > Case:
		return fmt.Errorf("key id: owner kind %d is unknown", k.Owner.Kind)
	case k.Owner.Kind == Ledger != k.Owner.ID.IsZero():
		return fmt.Errorf("key id: only the ledger's owner id is zero")
	case k.Class == "" || len(k.Class) > 255:
		return fmt.Errorf("key id: class must have 1 to 255 bytes")
	case k.Epoch == "" || len(k.Epoch) > 255:
		return fmt.Errorf("key id: epoch must have 1 to 255 bytes")
	}
	return nil
}

func (k KeyID) size() int { return 1 + 16 + 1 + len(k.Class) + 1 + len(k.Epoch) }

func (k KeyID) append(b []byte) []byte {
	b = append(b, byte(k.Owner.Kind))
	b = append(b, k.Owner.ID[:]...)
	b = append(b, byte(len(k.Class)))
	b = append(b, k.Class...)
	b = append(b, byte(len(k.Epoch)))
	return append(b, k.Epoch...)
}

func readKeyID(b []byte) (KeyID, int, error) {
	var k KeyID
	if len(b) < 18 {
		return k, 0, ErrFormat
	}
	k.Owner = Owner{Kind: OwnerKind(b[0]), ID: domain.ID(b[1:17])}
	at := 17
	for _, into := range []*string{&k.Class, &k.Epoch} {
		if at >= len(b) || at+1+int(b[at]) > len(b) {
			return k, 0, ErrFormat
		}
		end := at + 1 + int(b[at])
		*into = string(b[at+1 : end])
		at = end
	}
	if k.Validate() != nil {
		return k, 0, ErrFormat
	}
	return k, at, nil
}
