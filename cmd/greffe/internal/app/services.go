package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/cursor"
	"greffe/domain/event"
	"greffe/domain/token"
	"greffe/eventstore/access"
	"greffe/eventstore/ledger"
	"greffe/projections"
	"greffe/projections/audit"
	"greffe/projections/crm"
	"greffe/projections/dossier"
	"greffe/projections/index"
)

// services puts the rooms behind the API's desks.
func (a *App) services() (httpapi.Services, error) {
	links, err := a.links()
	if err != nil {
		return httpapi.Services{}, err
	}
	desk, signing, err := a.ingest()
	if err != nil {
		return httpapi.Services{}, err
	}
	passkeys, err := a.passkeys()
	if err != nil {
		return httpapi.Services{}, err
	}
	provider, err := a.provider()
	if err != nil {
		return httpapi.Services{}, err
	}
	registers := newRegisterDesk(a)
	a.auth = auth.New(auth.Config{Directory: a.Accounts, Current: a.directoryIsCurrent, Now: a.cfg.Now, Signing: signing, People: a.People})
	return httpapi.Services{
		Ledger:         a.Ledger,
		Journal:        a.Journal,
		Nodes:          node{a},
		Tokens:         a.Tokens,
		People:         a.People,
		StaffNames:     staffNames{a},
		Directory:      a.Accounts,
		Habilitations:  habilitations{a},
		Auth:           a.auth,
		Provider:       provider,
		Labels:         labels{a},
		Search:         search{a},
		Standings:      standings{a},
		Dossier:        &files{a.Dossier, a},
		Evidence:       evidence{a},
		Verifications:  verifications{a},
		Audit:          auditDesk{a},
		Quarantine:     quarantineDesk{a},
		Operations:     operations{a},
		Producers:      producerDesk{a},
		Contactability: decisionDesk{a},
		Ingest:         desk,
		Copies:         copiesDesk{a},
		Keys:           keyDesk{a},
		Erasures:       erasures{a},
		Approvals:      approvalDesk{a},
		Notices:        noticeDesk{a},
		Consents:       consentDesk{a},
		Links:          links,
		Opposition:     oppositionDesk{a},
		Changes:        changesDesk{a},
		Retention:      retentionDesk{a},
		Requests:       requestDesk{a},
		Screenings:     a.screenings(),
		Policies:       policies{a},
		Statistics:     statisticsDesk{a},
		Inspections:    inspectionDesk{a},
		Verifiers:      &verifierDesk{a: a},
		Breaches:       a.Breaches(),
		Reviews:        a.Reviews(),
		Minimisation:   minimisationDesk{a},
		Activities:     registers,
		DPIAs:          registers,
		Answers:        answerDesk{a},
		Passkeys:       passkeys,
		Denials:        a.Denials,
		Watch:          watchDesk{a},
	}, nil
}

// known translates what rooms do not know into what the API calls not found.
func known(err error) error {
	switch {
	case errors.Is(err, dossier.ErrUnknown), errors.Is(err, index.ErrUnknown), errors.Is(err, crm.ErrUnknown), errors.Is(err, ledger.ErrNotHeld):
		return errors.Join(httpapi.ErrNotFound, err)
	case errors.Is(err, crm.ErrCursor):
		return errors.Join(httpapi.ErrCursor, err)
	}
	return err
}

// directoryIsCurrent is nil while revocations reach this node.
func (a *App) directoryIsCurrent(ctx context.Context) error {
	if _, err := a.log.Head(ctx); err != nil {
		return err
	}
	return a.runner.Halted(a.Accounts.Name())
}

type node struct{ a *App }

func (n node) WaitFor(ctx context.Context, at domain.Position) error {
	head, err := n.a.Ledger.Head(ctx)
	if err != nil {
		return err
	}
	if at >= head {
		return httpapi.ErrStale
	}
	if err = n.a.runner.WaitFor(ctx, at, n.a.ownModels()...); err == nil {
		err = n.a.auditSeen(ctx, at)
	}
	var halted *projections.HaltError
	if errors.As(err, &halted) {
		return errors.Join(httpapi.ErrHalted, err)
	}
	return err
}

func (n node) Current(ctx context.Context) error { return n.a.Current(ctx) }

type search struct{ a *App }

func (s search) Find(ctx context.Context, by token.Token, kind httpapi.SearchKind, page httpapi.Page) (httpapi.Found[httpapi.Hit], error) {
	var out httpapi.Found[httpapi.Hit]
	if kind == httpapi.ByExternalID {
		id, err := s.a.External(ctx, by)
		if err != nil || id.IsZero() {
			return out, err
		}
		return hits([]domain.ID{id}), nil
	}
	pages := s.a.pages("search", kind, by)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	ids, next, err := s.a.CRM.Find(ctx, token.Kind(kind), by, int64(from), page.Limit)
	if err != nil {
		return out, known(err)
	}
	out = hits(ids)
	out.Next = pages.at(uint64(next))
	return out, nil
}

func hits(ids []domain.ID) httpapi.Found[httpapi.Hit] {
	out := httpapi.Found[httpapi.Hit]{Subjects: ids}
	for _, id := range ids {
		out.Items = append(out.Items, httpapi.Hit{SubjectID: id})
	}
	return out
}

// pages writes and reads the cursors of one list under one set of filters.
type pages struct {
	key   cursor.Key
	query cursor.Query
}

func (a *App) pages(list string, filters ...any) pages {
	return pages{a.cursors, a.cursors.Query(list, fmt.Sprintf("%q", filters))}
}

// from is where a page begins; "" is the beginning.
func (p pages) from(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	at, err := p.key.Open(p.query, text)
	if err != nil {
		return 0, errors.Join(httpapi.ErrCursor, err)
	}
	return at.Offset, nil
}

// at is the cursor of the page that begins at n; "" for 0, which is the end.
func (p pages) at(n uint64) string {
	if n == 0 {
		return ""
	}
	return p.key.Seal(p.query, cursor.At{Offset: n})
}

// span is where a page begins and where its list ends: at the head as it was when the
// first page was asked for, as reading a list records what a later page would show.
func (a *App) span(ctx context.Context, p pages, text string) (from, until domain.Position, err error) {
	if text == "" {
		until, err = a.Ledger.Head(ctx)
		return 0, until, err
	}
	at, err := p.key.Open(p.query, text)
	if err != nil {
		return 0, 0, errors.Join(httpapi.ErrCursor, err)
	}
	return domain.Position(at.Offset), at.Position, nil
}

// after is the cursor of the page after a row, of a list that ends before until or, the
// newest first, at the beginning; "" if nothing can follow.
func (p pages) after(row, until domain.Position, newest bool) string {
	switch {
	case !newest:
		return p.within(row+1, until)
	case row == 0:
		return ""
	}
	return p.within(0, row)
}

// again is the cursor of the page that begins with a row.
func (p pages) again(row, until domain.Position, newest bool) string {
	if newest {
		return p.within(0, row+1)
	}
	return p.within(row, until)
}

// within is the cursor of the page that begins at n, of a list that ends before until.
func (p pages) within(n, until domain.Position) string {
	return p.key.Seal(p.query, cursor.At{Position: until, Offset: uint64(n)})
}

type auditDesk struct{ a *App }

func (d auditDesk) Events(ctx context.Context, f httpapi.Filter, page httpapi.Page) (out httpapi.Found[httpapi.AuditEvent], err error) {
	pages := d.a.pages("audit/events", f)
	from, err := pages.from(page.Cursor)
	if err != nil {
		return out, err
	}
	q := audit.Filter{Type: event.Type(f.Type), Without: event.Type(f.Without), Subject: f.Subject, Account: f.Account, Source: f.Source, Purpose: f.Purpose,
		Time: audit.Span{From: f.From, To: f.To}, Cursor: max(domain.Position(from), f.Since), Before: f.Before, Newest: f.Newest, Limit: page.Limit}
	if f.Newest { // a page goes on below the last one
		q.Cursor = f.Since
		if from > 0 {
			q.Before = domain.Position(from)
		}
	}
	for e, err := range d.a.Audit.Events(ctx, q) {
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, *shownEvent(&e))
		about(&out.Subjects, e.Subject)
		if len(out.Items) == page.Limit {
			out.Next = pages.at(uint64(e.Position))
			if !f.Newest {
				out.Next = pages.at(uint64(e.Position) + 1)
			}
		}
	}
	return out, nil
}

func (d auditDesk) Accesses(ctx context.Context, f httpapi.Filter, page httpapi.Page) (out httpapi.Found[httpapi.AuditAccess], err error) {
	pages := d.a.pages("audit/accesses", f)
	from, until, err := d.a.span(ctx, pages, page.Cursor)
	if err != nil {
		return out, err
	}
	if f.Before > 0 {
		until = min(until, f.Before)
	}
	q := audit.AccessFilter{Subject: f.Subject, Account: f.Account, Source: f.Source,
		Reason: f.Reason, Action: f.Action, WithoutCase: f.WithoutCase, MinCount: f.MinCount,
		Time: audit.Span{From: f.From, To: f.To}, Cursor: max(from, f.Since), Before: until, Newest: f.Newest, Limit: page.Limit}
	for x, err := range d.a.Audit.Accesses(ctx, q) {
		if err != nil {
			return out, err
		}
		if len(out.Subjects)+len(x.Subjects) > access.MaxSubjects && len(out.Items) > 0 {
			out.Next = pages.again(x.Position, until, f.Newest)
			return out, nil
		}
		item, err := d.access(ctx, &x)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, *item)
		for _, s := range x.Subjects {
			about(&out.Subjects, s)
		}
		if len(out.Items) == page.Limit {
			out.Next = pages.after(x.Position, until, f.Newest)
		}
	}
	return out, nil
}

func (d auditDesk) Summary(ctx context.Context, f httpapi.Filter) (*httpapi.AuditSummary, error) {
	s, err := d.a.Audit.Summary(ctx, audit.Span{From: f.From, To: f.To})
	if err != nil {
		return nil, err
	}
	out := &httpapi.AuditSummary{Events: s.Events, ByType: s.ByType, ByMonth: s.ByMonth, BySource: s.BySource, ByPurpose: s.ByPurpose, AccessesByReason: s.AccessesByReason,
		AccessesByAccount: s.AccessesByAccount, UnprovenBySource: s.UnprovenBySource, WarningsByRule: s.WarningsByRule, Consents: []httpapi.ConsentCount{}, Contacts: []httpapi.ContactCount{}}
	for _, c := range s.SortedConsents() {
		out.Consents = append(out.Consents, httpapi.ConsentCount{Month: c.Month, Purpose: c.Purpose, Type: string(c.Type), Count: s.Consents[c]})
	}
	contacts, err := d.a.CRM.Summary(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range contacts {
		out.Contacts = append(out.Contacts, httpapi.ContactCount{Kind: c.Kind, Year: int64(c.Year), Count: c.N})
	}
	return out, nil
}

// about adds a person to those whom a page says something of.
func about(subjects *[]domain.ID, id domain.ID) {
	if !id.IsZero() && !slices.Contains(*subjects, id) {
		*subjects = append(*subjects, id)
	}
}

func present(id domain.ID) *domain.ID {
	if id.IsZero() {
		return nil
	}
	return &id
}

type operations struct{ a *App }

func (o operations) Duplicates(ctx context.Context, page httpapi.Page) (out httpapi.Found[httpapi.DuplicateGroup], err error) {
	groups, next, err := o.a.CRM.Duplicates(ctx, page.Cursor, page.Limit)
	if err != nil {
		return out, known(err)
	}
	out.Next = next
	for _, g := range groups {
		by := make([]string, len(g.Reasons))
		for i, r := range g.Reasons {
			by[i] = string(r)
		}
		out.Items = append(out.Items, httpapi.DuplicateGroup{Subjects: g.Subjects, Likeness: string(g.Likeness), By: by})
		for _, s := range g.Subjects {
			about(&out.Subjects, s)
		}
	}
	return out, nil
}

// External is the person of an external id's token, zero if nobody is known by it.
func (a *App) External(ctx context.Context, t token.Token) (domain.ID, error) {
	ids, err := a.vault.Links(ctx, []token.Token{t})
	if err != nil {
		return domain.ID{}, err
	}
	return ids[0], nil
}
