package receipt

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/domain/consent"
	"greffe/domain/event"
	"greffe/domain/policy"
	"greffe/domain/proof"
)

const (
	urn        = "urn:uuid:"
	party      = "greffe:controller/"
	toldOf     = "greffe:recipient/"
	place      = "loc:"
	marketing  = "dpv:DirectMarketing"
	otherwise  = "dpv:Purpose"
	controller = "dpv:DataController"
	duration   = "dpv:StorageDuration"
)

// What became of what was sealed.
const (
	sealedOpened   = "opened"   // greffe:evidence holds it
	sealedErased   = "erased"   // greffe:erasedBy says by which event
	sealedWithheld = "withheld" // not disclosed here
	sealedNone     = "none"     // the event had nothing to seal
)

// form is the receipt of verified proofs.
func (r *Receipt) form(s *Said) (*receiptForm, error) {
	f := s.Consent.Fact
	given, err := r.Consent.Encode()
	if err != nil {
		return nil, err
	}
	out := &receiptForm{Context: jsontext.Value(context), ID: urn + f.ID.String() + "#receipt", Type: "dpv:ConsentReceipt", Schema: schemaReceipt,
		Identifier: f.ID.String(), Created: r.Made, Version: version, Proof: given}
	if r.Notice != nil {
		if out.NoticeProof, err = r.Notice.Encode(); err != nil {
			return nil, err
		}
	}
	out.Record = recordForm{ID: urn + f.ID.String(), Type: "dpv:ConsentRecord", Schema: schemaRecord, Identifier: f.ID.String(),
		Issued: f.Recorded, Subject: node{urn + f.Subject.String(), "dpv:DataSubject"}, Jurisdiction: "loc:EU", Law: "legal-eu:law-GDPR",
		Basis: "eu-gdpr:A6-1-a", Process: r.Terms.process(f), Control: r.Terms.control(), Right: rightForm{[]string{"dpv:DataSubjectRight", "eu-gdpr:A7-3"},
			texts("Droit de retirer son consentement", "Right to withdraw consent")},
		Notice: r.notice(s), Status: status(s), Channels: f.Codes.Strings("channels"), Policy: f.Policy,
		Position: strconv.FormatUint(r.Consent.Index, 10), Checkpoint: s.Consent.Head.Text()}
	rec := &out.Record
	if f.Type == event.ConsentGranted {
		rec.Proven = &s.Proven
	}
	for _, c := range r.Terms.Controllers {
		rec.Controllers = append(rec.Controllers, party+c.Code)
	}
	rec.Entities = r.Terms.entities()
	if act, _ := consent.ActOf(0, f); !s.Proven {
		rec.Lacks = act.Lacks
	}
	switch {
	case r.Consent.Opened != nil:
		rec.Sealed, rec.Evidence = sealedOpened, event.Plaintext(s.Consent.Fields)
	case !r.ErasedBy.IsZero():
		rec.Sealed, rec.ErasedBy = sealedErased, urn+r.ErasedBy.String()
	case len(f.Parts) == 0:
		rec.Sealed = sealedNone
	default:
		rec.Sealed = sealedWithheld
	}
	return out, nil
}

// status is the consent event (27560 §6.3.7). A grant that cannot prove itself is no
// ground for anything: its status is unknown.
func status(s *Said) statusForm {
	f := s.Consent.Fact
	out := statusForm{By: []string{"dpv:DataSubject"}, Method: f.Codes.String("method"), At: f.Time}
	if slices.ContainsFunc(s.Consent.Fields, func(x event.Field) bool {
		return x.Path == "consent.guardian" || strings.HasPrefix(x.Path, "consent.guardian.")
	}) {
		out.By = append(out.By, "dpv:ParentOfDataSubject")
	}
	switch {
	case f.Type == event.ConsentRefused:
		out.Type = []string{"dpv:ConsentRefused"}
	case f.Type == event.ConsentWithdrawn:
		out.Type = []string{"dpv:ConsentWithdrawn"}
	case !s.Proven:
		out.Type = []string{"dpv:ConsentUnknown"}
	default:
		out.Type = []string{"dpv:ConsentGiven", "dpv:ExpressedConsent"}
	}
	if f.Type == event.ConsentGranted {
		out.Duration = &durationForm{"dpv:UntilEventDuration", "consent.withdrawn"}
		if until := f.Codes.String("expires_at"); until != "" {
			out.Duration = &durationForm{"dpv:UntilTimeDuration", until}
		}
	}
	return out
}

func (r *Receipt) notice(s *Said) *noticeForm {
	named := s.Consent.Fact.Codes.ID("notice")
	n := &noticeForm{Type: "dpv:ConsentNotice", Identifier: s.NoticeID, Version: s.NoticeVersion, Language: s.NoticeLanguage,
		Text: s.NoticeText, SHA256: s.NoticeSHA256}
	if !named.IsZero() {
		n.ID = urn + named.String()
	}
	if r.Notice != nil {
		n.Position = strconv.FormatUint(r.Notice.Index, 10)
	}
	if *n == (noticeForm{Type: n.Type}) {
		return nil
	}
	return n
}

func (t *Terms) process(f *event.Fact) processForm {
	p := processForm{Type: "dpv:Process", PersonalData: personal(f.Codes.Strings("channels")), Recipients: []string{}, Storage: []storageForm{}}
	if x := t.Purpose; x.Code != "" {
		p.Purpose = &purposeForm{otherwise, x.Code, texts(x.FR, x.EN)}
		if x.Prospecting {
			p.Purpose.Type = marketing
		}
	}
	for _, r := range t.Recipients {
		p.Recipients = append(p.Recipients, toldOf+r.Code)
	}
	for _, d := range t.Retention {
		p.Storage = append(p.Storage, storageForm{duration, d.Length, d.Reference, d.Class, d.Phase, d.Start, d.Exit, nil})
	}
	if len(t.Places) > 0 {
		at := storageForm{Type: "dpv:StorageLocation"}
		for _, x := range t.Places {
			at.Places = append(at.Places, place+x)
		}
		p.Storage = append(p.Storage, at)
	}
	return p
}

// personal is what is used to reach somebody by the channels; none means all.
func personal(channels []string) []string {
	kinds := map[string]string{"email": "pd:EmailAddress", "sms": "pd:TelephoneNumber", "phone": "pd:TelephoneNumber",
		"postal": "pd:PhysicalAddress", "social": "pd:SocialMediaCommunication"}
	out := []string{}
	for _, c := range channels {
		if k := cmp.Or(kinds[c], "pd:Contact"); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		out = append(out, "pd:Contact")
	}
	return out
}

// control is where consent is withdrawn, as easily as it was given (art. 7(3)).
func (t *Terms) control() controlForm {
	c := controlForm{Type: "dpv:WithdrawConsent", At: []string{}}
	for _, x := range t.Controllers {
		if at := cmp.Or(x.Email, x.Phone, x.Address); at != "" {
			c.At = append(c.At, at)
		}
	}
	return c
}

func (t *Terms) entities() []entityForm {
	out := []entityForm{}
	for _, c := range t.Controllers {
		out = append(out, entityForm{ID: party + c.Code, Type: controller, Identifier: c.Code, Name: c.Name,
			Contact: &contactForm{"schema:ContactPoint", c.Address, c.Email, c.Phone, c.DPO}})
	}
	for _, r := range t.Recipients {
		out = append(out, entityForm{ID: toldOf + r.Code, Type: role(r.Kind), Identifier: r.Code, Title: texts(r.FR, r.EN)})
	}
	return out
}

func role(kind string) string {
	if kind == policy.RecipientProcessor {
		return "dpv:DataProcessor"
	}
	return "dpv:ThirdParty"
}

func texts(fr, en string) []text { return []text{{"fr", fr}, {"en", en}} }

// terms reads back what form wrote of the terms.
func (f *recordForm) terms() Terms {
	var t Terms
	for _, e := range f.Entities {
		switch {
		case e.Type == controller && e.Contact != nil:
			t.Controllers = append(t.Controllers, Controller{e.Identifier, e.Name, e.Contact.Address, e.Contact.Email, e.Contact.Phone, e.Contact.DPO})
		case e.Type == role(policy.RecipientProcessor) && len(e.Title) == 2:
			t.Recipients = append(t.Recipients, Recipient{e.Identifier, policy.RecipientProcessor, e.Title[0].Value, e.Title[1].Value})
		case len(e.Title) == 2:
			t.Recipients = append(t.Recipients, Recipient{e.Identifier, policy.RecipientPartner, e.Title[0].Value, e.Title[1].Value})
		}
	}
	if p := f.Process.Purpose; p != nil && len(p.Title) == 2 {
		t.Purpose = Purpose{p.Code, p.Title[0].Value, p.Title[1].Value, p.Type == marketing}
	}
	for _, d := range f.Process.Storage {
		if d.Type == duration {
			t.Retention = append(t.Retention, Retention{d.Class, d.Phase, d.Start, d.Length, d.Exit, d.Reference})
		}
		for _, x := range d.Places {
			t.Places = append(t.Places, strings.TrimPrefix(x, place))
		}
	}
	return t
}

// Head is the signed head that covers the consent.
func (s *Said) Head() proof.Head { return s.Consent.Head }
