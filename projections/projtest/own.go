package projtest

import (
	"slices"

	"greffe/domain"
	"greffe/domain/casefile"
	"greffe/domain/event"
	"greffe/domain/part"
)

// own gives one of the ledger's own facts its data.
func (w *World) own(f *event.Fact) {
	set := func(name string, v any) { f.Codes = f.Codes.With(name, v) }
	f.Actor = pick(w, w.accounts...)
	switch f.Type {
	case event.IngestQuarantined, event.IngestReleased:
		f.Source = pick(w, w.sources...)
		w.parts(f, part.QuarantineOwner(w.id()), "quarantine")
		if f.Type == event.IngestQuarantined && w.chance(60) {
			f.Subject = w.person(false)
		}
	case event.PolicyPublished:
		set("version", int64(1+w.rng.IntN(9)))
	case event.ProducerRegistered:
		f.Source = pick(w, w.sources...)
	case event.ExportProduced:
		set("count", int64(w.rng.IntN(100)))
	case event.AccountCreated, event.AccountDisabled, event.AccountTokenMade, event.AccountTokenEnded:
		account := pick(w, w.accounts...)
		set("account", account.String())
		w.parts(f, part.AccountOwner(account), "accounts")
	case event.NoticePublished:
		set("notice", w.id().String())
	case event.OppositionListed:
		set("list", w.id().String())
		set("count", int64(1+w.rng.IntN(9)))
		w.parts(f, part.LedgerOwner(), "opposition")
	case event.NotificationSent:
		set("recipient", "mailer")
		set("outcome", pick(w, "taken", "dead"))
		set("up_to", int64(w.rng.IntN(900)))
	case event.HoldReviewed, event.HoldPlaced, event.HoldReleased, event.RestrictionLifted, event.ConsentExpired, event.OppositionLifted:
		w.about(f)
	case event.ErasureOrdered, event.ErasureStaged, event.ErasureContested, event.SubjectErased, event.PartRedacted, event.NotificationTaken:
		w.erasure(f)
	case event.RetentionRun:
		set("date", w.now.Format("2006-01-02"))
		w.run = f.ID
	case event.RetentionArchived, event.RetentionAsked, event.RetentionGeneralised:
		f.Subject = w.people[0]
		set("run", w.run.String())
		set("classes", []string{"billing"})
	}
	if f.Type.Step() {
		w.step(f)
	}
}

// step puts a step into a file of its desk that was opened before; a desk that has
// none is given its first.
func (w *World) step(f *event.Fact) {
	desk, _ := casefile.DeskOf(f.Type)
	opening := map[casefile.Desk]event.Type{casefile.Request: event.RequestReceived, casefile.Activity: event.ActivityRecorded,
		casefile.DPIA: event.DPIAScreened, casefile.Breach: event.BreachOpened, casefile.Review: event.ReviewPlanned}[desk]
	if open := w.files[desk]; len(open) > 0 && (f.Type != opening || w.chance(40)) {
		f.Codes = f.Codes.With(casefile.CodeCase, pick(w, open...).String())
	} else {
		if f.Type = opening; desk == casefile.Request {
			f.Codes = f.Codes.With("right", "access")
		}
		w.opened(f)
	}
	id, _ := casefile.CaseOf(f)
	w.parts(f, part.CaseOwner(id), "requests")
}

func (w *World) opened(f *event.Fact) {
	desk, _ := casefile.DeskOf(f.Type)
	w.files[desk] = append(w.files[desk], f.ID)
}

// about gives a command about somebody its data.
func (w *World) about(f *event.Fact) {
	f.Subject = w.person(false)
	ended := func(placed event.Type) string {
		for i := len(w.marks) - 1; i >= 0; i-- {
			if m := w.marks[i]; m.Type == placed && !w.erased[m.Subject] {
				f.Subject = m.Subject
				return m.ID.String()
			}
		}
		return w.id().String()
	}
	switch f.Type {
	case event.HoldPlaced:
		w.marks = append(w.marks, f)
	case event.HoldReleased:
		f.Codes = f.Codes.With("hold", ended(event.HoldPlaced))
	case event.RestrictionLifted:
		if id := ended(event.RestrictionPlaced); w.chance(60) {
			f.Codes = f.Codes.With("restriction", id)
		}
	case event.OppositionLifted:
		f.Codes = f.Codes.With("entry", w.earlier(f.Subject).String()).With("reason", "person_request")
	case event.ConsentExpired:
		f.Codes = f.Codes.With("grant", w.earlier(f.Subject).String()).With("purpose", "prospecting")
	}
}

// erasure gives a fact about an erasure its data. What says that an order was
// carried out is about one that was not yet, while there is one.
func (w *World) erasure(f *event.Fact) {
	set := func(name string, v any) { f.Codes = f.Codes.With(name, v) }
	if f.Type == event.ErasureOrdered {
		w.order(f)
		return
	}
	if f.Type == event.SubjectErased || f.Type == event.PartRedacted {
		w.carryOut(f)
		return
	}
	f.Subject = w.gone()
	order := w.id()
	for _, o := range w.orders {
		if w.chance(50) || f.Type == event.ErasureStaged {
			f.Subject, order = o.Subject, o.ID
			w.staged[o.ID] = w.staged[o.ID] || f.Type == event.ErasureStaged
			break
		}
	}
	set("order", order.String())
	if f.Type != event.ErasureStaged {
		f.Source = pick(w, w.sources...)
		set("recipient", "source")
	}
}

// earlier is an event about a person that has parts, or one that is not there.
func (w *World) earlier(subject domain.ID) domain.ID {
	for _, f := range w.said {
		if f.Subject == subject {
			return f.ID
		}
	}
	return w.id()
}

// gone is somebody who was erased, if there is one.
func (w *World) gone() domain.ID {
	from := w.rng.IntN(w.known + 1)
	for i := range w.known {
		if p := w.people[(from+i)%w.known]; w.erased[p] {
			return p
		}
	}
	return w.person(false)
}

// order erases a person, some classes, or one part.
func (w *World) order(f *event.Fact) {
	set := func(name string, v any) { f.Codes = f.Codes.With(name, v) }
	f.Subject = w.person(false)
	set("operation", f.ID.String())
	set("ground", "art17.1.b")
	if !w.run.IsZero() {
		set("run", w.run.String())
	}
	switch {
	case w.chance(40):
		set("whole", true)
		set("classes", []string{"contact_details", "identity", "notes"})
		if w.chance(50) {
			set("kept", []string{"contract"})
		}
		w.erased[f.Subject] = true
		w.doom(f.Subject)
	case w.chance(50) || len(w.said) == 0:
		classes := [...][]string{{"identity"}, {"contact_details", "notes"}, {"notes"}, {"commercial", "contract"}}[w.rng.IntN(4)]
		set("classes", classes)
		if slices.Contains(classes, "identity") || slices.Contains(classes, "contact_details") {
			w.doom(f.Subject)
		}
	default:
		of := w.said[w.rng.IntN(len(w.said))]
		if w.erased[of.Subject] {
			set("classes", []string{"notes"})
			break
		}
		f.Subject = of.Subject
		set("event", of.ID.String())
		set("classes", []string{pick(w, of.Parts...).Class})
	}
	w.orders = append(w.orders, f)
}

// carryOut says that an order was, or that a restored ledger's fence knew one.
func (w *World) carryOut(f *event.Fact) {
	set := func(name string, v any) { f.Codes = f.Codes.With(name, v) }
	for i, o := range w.orders {
		if o.Codes.ID("event").IsZero() != (f.Type == event.SubjectErased) {
			continue
		}
		f.Subject = o.Subject
		set("order", o.ID.String())
		if !w.staged[o.ID] { // comes first, always
			f.Type = event.ErasureStaged
			w.staged[o.ID] = true
			return
		}
		w.orders = slices.Delete(w.orders, i, i+1)
		set("operation", o.Codes.String("operation"))
		classes := o.Codes.Strings("classes")
		if f.Type == event.PartRedacted {
			set("event", o.Codes.String("event"))
			set("class", classes[0])
			return
		}
		set("classes", classes)
		if o.Codes.Bool("whole") {
			set("whole", true)
		}
		if slices.Contains(classes, "identity") || slices.Contains(classes, "contact_details") {
			w.doom(f.Subject)
		}
		return
	}
	f.Subject = w.person(false)
	set("order", w.id().String())
	if f.Type == event.PartRedacted {
		set("event", w.id().String())
		set("class", "notes")
		return
	}
	set("restored", true)
	set("whole", true)
	w.erased[f.Subject] = true
	w.doom(f.Subject)
}

// doom has the tokens of all a person said so far destroyed, when Destroy is
// called.
func (w *World) doom(subject domain.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, owner := range w.owners {
		if owner == subject {
			w.doomed = append(w.doomed, id)
		}
	}
}

// Destroy does to the vault that World plays what the erasures so far order: the
// tokens of who was erased are gone. What is built from the facts anew afterwards
// must be what was there before.
func (w *World) Destroy() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.doomed {
		if w.tokens[id] != nil {
			delete(w.tokens, id)
			n++
		}
	}
	w.doomed = nil
	return n
}
