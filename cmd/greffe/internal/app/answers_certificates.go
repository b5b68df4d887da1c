package app

import (
	"context"
	"fmt"
	"slices"

	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/answer"
	"greffe/domain/contact"
	"greffe/domain/erasure"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/eventstore/eraser"
	"greffe/eventstore/vault"
)

// Certificate implements httpapi.Answers.
func (d answerDesk) Certificate(ctx context.Context, number domain.ID) (*answer.ErasureCertificate, answer.Glossary, error) {
	words := d.glossary()
	if err := d.a.indexed(ctx, d.a.Changes.Name()); err != nil {
		return nil, words, err
	}
	at, f, err := d.a.Dossier.Fact(ctx, number)
	if err == nil && !isErasure(f.Type) {
		err = httpapi.ErrNotFound
	}
	if err != nil {
		return nil, words, known(err)
	}
	c, err := d.certificate(ctx, at, f, answer.FR)
	if err != nil {
		return nil, words, err
	}
	later, err := d.later(ctx, f.Subject, at)
	if err != nil {
		return nil, words, err
	}
	c.Now(d.a.cfg.Now(), later)
	for _, x := range words.Rules.Controllers() {
		c.Controllers = append(c.Controllers, contact.ControllerLine{Code: x.Code, Name: x.Name, Address: x.Address, Email: x.Email, Phone: x.Phone, DPO: x.DPO})
	}
	return c, words, nil
}

// certificate reads one from the fact that certifies an erasure, and whom was told.
func (d answerDesk) certificate(ctx context.Context, at domain.Position, f *event.Fact, lang answer.Lang) (*answer.ErasureCertificate, error) {
	c := eraser.CertificateOf(at, f)
	out := &answer.ErasureCertificate{Number: c.Number, Position: c.Position, ErasedAt: c.Erased, Whole: c.Whole, Destroyed: c.Destroyed, Epochs: erasure.Names(c.Epochs), Kept: []answer.KeptLine{},
		Stores: c.Stores, CheckedAt: domain.NewTime(c.Checked)}
	if c.Checked.IsZero() {
		out.CheckedAt = domain.Time{}
	}
	for _, k := range c.Kept {
		out.Kept = append(out.Kept, answer.KeptLine{Class: k.Class, Ground: k.Ground, Until: k.Until})
	}
	order := f.Codes.ID("order")
	if order.IsZero() {
		return out, nil
	}
	out.Operation = order
	if _, o, err := d.a.Dossier.Fact(ctx, order); err == nil {
		out.Ground = o.Codes.String("ground")
	}
	told, err := (erasures(d)).certificate(ctx, order, &c)
	if err != nil {
		return nil, err
	}
	rules, _ := d.a.Ledger.Policy()
	for _, r := range told.Recipients {
		name := r.Name
		if x, ok := rules.Recipient(r.Name); ok {
			if name = x.FR; lang == answer.EN {
				name = x.EN
			}
		}
		out.Recipients = append(out.Recipients, answer.ToldRecipient{Name: name, State: r.State})
	}
	return out, nil
}

// certificates are those of a person, in order: of parts, and of the whole.
func (d answerDesk) certificates(ctx context.Context, subject domain.ID, lang answer.Lang) (out []answer.ErasureCertificate, err error) {
	err = d.destructions(ctx, subject, func(p domain.Position, f *event.Fact) error {
		if !isErasure(f.Type) {
			return nil
		}
		c, err := d.certificate(ctx, p, f, lang)
		if err == nil {
			out = append(out, *c)
		}
		return err
	})
	return out, err
}

// later is what was destroyed of a person after a position.
func (d answerDesk) later(ctx context.Context, subject domain.ID, after domain.Position) (out []answer.LaterErasure, err error) {
	err = d.destructions(ctx, subject, func(p domain.Position, f *event.Fact) error {
		if p <= after || f.Type != event.SubjectErased { // a part alone ends no class
			return nil
		}
		out = append(out, answer.LaterErasure{At: f.Recorded, Number: f.ID, Classes: f.Codes.Strings("classes"), Epochs: slices.Clone(f.Codes.Strings("epochs")),
			Whole: f.Codes.Bool("whole"), Kept: f.Codes.Strings("kept")})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, d.emptied(ctx, subject, out)
}

// emptied takes the epochs away of classes whose last key went: they are gone as a whole.
func (d answerDesk) emptied(ctx context.Context, subject domain.ID, later []answer.LaterErasure) error {
	if !slices.ContainsFunc(later, func(l answer.LaterErasure) bool { return len(l.Epochs) > 0 }) {
		return nil
	}
	owner := part.SubjectOwner(subject)
	rows, err := d.a.vault.Keys(ctx, []part.Owner{owner})
	if err != nil {
		return fmt.Errorf("what is left: %w", err)
	}
	left, _, err := d.a.Ledger.Keyring().Named(owner, rows[0])
	if err != nil {
		return fmt.Errorf("what is left: %w", err)
	}
	for i := range later {
		later[i].Epochs = slices.DeleteFunc(later[i].Epochs, func(name string) bool {
			class := erasure.Named([]string{name})[0].Class
			return !slices.ContainsFunc(left, func(k vault.ClassEpoch) bool { return k.Class == class })
		})
	}
	return nil
}

// destructions calls fn for the facts that say what was destroyed of a person.
func (d answerDesk) destructions(ctx context.Context, subject domain.ID, fn func(domain.Position, *event.Fact) error) error {
	places, err := d.a.Index.Destructions(ctx, subject)
	if err != nil {
		return err
	}
	for _, p := range places {
		f, err := d.a.Dossier.At(ctx, p)
		if err != nil {
			return fmt.Errorf("what was destroyed: %w", err)
		}
		if err := fn(p, f); err != nil {
			return err
		}
	}
	return nil
}
