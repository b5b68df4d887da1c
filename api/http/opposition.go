package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/policy"
	"greffe/domain/token"
	"greffe/eventstore/access"
	list "greffe/projections/opposition"
)

// Opposition is the opposition list (art. 21; liste d'opposition).
type Opposition interface {
	// Current returns when the list on this node holds everything that is in the
	// log: ErrStale if that takes too long, ErrHalted if it cannot come.
	Current(ctx context.Context) error
	Page(ctx context.Context, f list.Filter, page Page) (Found[OppositionEntry], error)
	// ByAddress tells what binds each address, given by its tokens, in order.
	ByAddress(ctx context.Context, addresses [][]token.Token) ([]list.Standing, error)
	// Object records one objection. It needs no read model.
	Object(ctx context.Context, actor domain.ID, o Objection) (Objected, error)
	// Import records a chunk of a list, or finds that it was recorded before. It
	// needs no read model.
	Import(ctx context.Context, actor domain.ID, l OppositionList, chunk ListChunk) (ImportedChunk, error)
	// Lift ends an entry, or one address of an imported one. ErrNotFound if there
	// is no such entry or address.
	Lift(ctx context.Context, actor domain.ID, l Lift) (Lifted, error)
}

// Objection is one objection that somebody took in by hand. Exactly one of
// Subject, External and Address says whose.
type Objection struct {
	Subject  domain.ID
	External *ExternalID
	Kind     token.Kind
	Address  string
	Purpose  string   // "": every purpose
	Channels []string // none: every channel
}

// Objected says what became of an objection.
type Objected struct {
	Event, Subject domain.ID
	Position       domain.Position
	Erased         bool // nothing was recorded: nothing of the person is held
}

// Lift ends an entry. Tokens, with an imported entry, say of which address.
type Lift struct {
	Entry  domain.ID
	Reason string
	Detail string
	Tokens []opposition.Keyed
}

// Lifted says what became of a lift.
type Lifted struct {
	Event    domain.ID
	Position domain.Position
	Warnings []event.Warning
}

func oppositionRoutes() []Route {
	stream := Limits{Body: maxStreamBytes, Timeout: time.Minute, Rate: RateIngest}
	check := Limits{Body: 4 << 20, Timeout: time.Minute, Rate: RateIngest}
	lists := Limits{Timeout: time.Minute, Rate: RateSearch}
	change := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	return []Route{
		{http.MethodGet, "/v1/opposition", "opposition.read", "The opposition list: scopes and provenance, no address", lists, false, listOpposition(), nil},
		{http.MethodPost, "/v1/opposition", "opposition.write", "Record an objection, or import a list", stream, false, postOpposition(), writing()},
		{http.MethodPost, "/v1/opposition/check", "contactability.check", "Which of these addresses are on the list", check, false, checkOpposition(), nil},
		{http.MethodPost, "/v1/opposition/{event}/lift", "opposition.lift", "End an entry, with a reason", change, true, liftOpposition(), writing()},
	}
}

// OppositionQuery asks for a page of the list.
type OppositionQuery struct {
	Paging
	Since   domain.Position `query:"since" doc:"Entries recorded at or after this position."`
	Origin  string          `query:"origin" doc:"own, request, address, list or carried."`
	ListID  domain.ID       `query:"list" doc:"Entries of one imported list, by its id."`
	Channel string          `query:"channel" doc:"Entries that bind this channel."`
	Purpose string          `query:"purpose" doc:"Entries that bind this purpose."`
}

// OppositionEntry is one entry of the list. It shows no address.
type OppositionEntry struct {
	EventID    domain.ID       `json:"event_id"`
	Position   domain.Position `json:"position"`
	Time       time.Time       `json:"time" doc:"Of the objection, or of the list it was on."`
	Recorded   time.Time       `json:"recorded"`
	Origin     string          `json:"origin" enum:"own,request,address,list,carried" doc:"How it came: the person's own, a request of art. 21, an address alone, an imported list, carried over an erasure."`
	SubjectID  *domain.ID      `json:"subject_id,omitempty" doc:"Who objected, if that is known."`
	ListID     *domain.ID      `json:"list_id,omitempty"`
	Addresses  int64           `json:"addresses,omitzero" doc:"Of an imported list: how many stand in this entry."`
	Controller string          `json:"controller,omitempty" doc:"Against whom; absent: every controller."`
	Purpose    string          `json:"purpose,omitempty" doc:"Against what; absent: every purpose."`
	Channels   []string        `json:"channels,omitempty" doc:"Absent: every channel."`
	Lifts      []LiftItem      `json:"lifts,omitempty" doc:"What ended it."`
	Lifted     int64           `json:"lifted_addresses,omitzero" doc:"Of an imported list: how many were lifted one by one."`
}

// LiftItem is the end of an entry.
type LiftItem struct {
	EventID domain.ID `json:"event_id"`
	Time    time.Time `json:"time"`
	Reason  string    `json:"reason"`
}

// OppositionEntryOf describes an entry for the answer.
func OppositionEntryOf(e *list.Lifted) OppositionEntry {
	out := OppositionEntry{EventID: e.Event, Position: e.Position, Time: e.Time, Recorded: e.Recorded, Origin: string(e.Origin),
		Addresses: e.Count, Controller: e.Controller, Purpose: e.Purpose, Channels: e.Channels, Lifted: e.Single}
	subject, of := e.Subject, e.List
	out.SubjectID, out.ListID = present(&subject), present(&of)
	for _, l := range e.Lifts {
		out.Lifts = append(out.Lifts, LiftItem{l.Event, l.Time, l.Reason})
	}
	return out
}

func listOpposition() endpoint {
	return finding(access.Reading{Action: "search", Categories: []string{"opposition"}}, func(ctx context.Context, a *API, _ *Call, in *OppositionQuery, page Page) (Found[OppositionEntry], error) {
		f := list.Filter{Since: in.Since, Origin: list.Origin(in.Origin), List: in.ListID, Channel: in.Channel, Purpose: in.Purpose}
		if f.Origin != "" && !slices.Contains(list.Origins(), f.Origin) {
			return Found[OppositionEntry]{}, problem.At(problem.ParameterInvalid, "origin")
		}
		if err := a.services.Opposition.Current(ctx); err != nil {
			return Found[OppositionEntry]{}, err
		}
		return a.services.Opposition.Page(ctx, f, page)
	})
}

// CheckInput asks of addresses whether they are on the list.
type CheckInput struct {
	Body struct {
		Addresses  []AddressInput `json:"addresses" doc:"At most 10,000."`
		Channel    string         `json:"channel,omitempty" doc:"For which use; absent: any."`
		Purpose    string         `json:"purpose,omitempty"`
		Controller string         `json:"controller,omitempty"`
	}
}

// AddressInput is one address: exactly one of email, phone, sha256 and md5.
type AddressInput struct {
	Email  string `json:"email,omitempty"`
	Phone  string `json:"phone,omitempty"`
	SHA256 string `json:"sha256,omitempty" doc:"Hexadecimal, of the normalised address (e-mail in lower case, phone as E.164)."`
	MD5    string `json:"md5,omitempty" doc:"Hexadecimal, of the normalised address."`
	Kind   string `json:"kind,omitempty" enum:"email,phone" doc:"Of a digest."`
}

// Checked answers for one address.
type Checked struct {
	Bound   bool           `json:"bound" doc:"True also if the address cannot be read."`
	Entries []CheckedEntry `json:"entries,omitempty" doc:"That bind it now."`
	Error   string         `json:"error,omitempty" doc:"Why the address cannot be read: address_missing, address_ambiguous, digest_invalid, kind_missing."`
}

// CheckedEntry names an entry that binds.
type CheckedEntry struct {
	EventID  domain.ID       `json:"event_id"`
	Position domain.Position `json:"position"`
	Origin   string          `json:"origin"`
	ListID   *domain.ID      `json:"list_id,omitempty"`
}

// CheckResult answers in the order of the addresses. Everything recorded below
// Position is taken into account.
type CheckResult struct {
	Position domain.Position `json:"position"`
	Results  []Checked       `json:"results"`
}

func checkOpposition() endpoint {
	return decision(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *CheckInput) (*CheckResult, error) {
		b := &in.Body
		if len(b.Addresses) == 0 || len(b.Addresses) > maxBatchEvents {
			return nil, problem.At(problem.FieldInvalid, "addresses")
		}
		head, err := a.services.Ledger.Head(ctx)
		if err != nil {
			return nil, err
		}
		if err := a.services.Opposition.Current(ctx); err != nil {
			return nil, err
		}
		out := &CheckResult{Position: head, Results: make([]Checked, len(b.Addresses))}
		tokens := make([][]token.Token, len(b.Addresses))
		peppers := a.services.Ledger.Peppers()
		for i := range b.Addresses {
			read, code := readAddress(peppers, &b.Addresses[i])
			out.Results[i] = Checked{Bound: code != "" && code != codeUnreadable, Error: code}
			if code == codeUnreadable {
				out.Results[i].Error = ""
			}
			for _, k := range read.keyed {
				tokens[i] = append(tokens[i], k.Token)
			}
		}
		standings, err := a.services.Opposition.ByAddress(ctx, tokens)
		if err != nil {
			return nil, err
		}
		q := opposition.Question{Channel: b.Channel, Purpose: b.Purpose, Controller: b.Controller, At: a.cfg.Now()}
		for i := range standings {
			bindingEntries(&out.Results[i], &standings[i], q)
		}
		return out, nil
	})
}

// bindingEntries lists each entry that binds by itself.
func bindingEntries(out *Checked, s *list.Standing, q opposition.Question) {
	for i := range s.Entries {
		e := &s.Entries[i]
		if binds, _ := opposition.Binding([]opposition.Entry{e.Entry}, s.Lifts, s.Renewals, q); binds == nil {
			continue
		}
		of := e.List
		out.Bound = true
		out.Entries = append(out.Entries, CheckedEntry{e.Event, e.Position, string(e.Origin), present(&of)})
	}
}

// LiftInput ends an entry.
type LiftInput struct {
	Event domain.ID `path:"event" doc:"The event that made the entry."`
	Body  struct {
		Reason  string        `json:"reason" enum:"person_request,recorded_by_mistake,wrong_person,address_reassigned,court_order"`
		Detail  string        `json:"detail,omitempty" doc:"Words; sealed. At most 2,000 bytes."`
		Address *AddressInput `json:"address,omitempty" doc:"Of an imported list: which address."`
	}
}

// LiftResult answers a lift.
type LiftResult struct {
	EventID  domain.ID       `json:"event_id"`
	Position domain.Position `json:"position"`
	Warnings []event.Warning `json:"warnings,omitempty"`
}

const maxDetail = 2000

func liftOpposition() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *LiftInput) (*LiftResult, error) {
		b := &in.Body
		switch {
		case b.Reason == "":
			return nil, problem.At(problem.FieldRequired, "reason")
		case !slices.Contains(opposition.LiftReasons(), b.Reason):
			return nil, problem.At(problem.FieldInvalid, "reason")
		case len(b.Detail) > maxDetail:
			return nil, problem.At(problem.FieldInvalid, "detail")
		}
		l := Lift{Entry: in.Event, Reason: b.Reason, Detail: b.Detail}
		if b.Address != nil {
			read, code := readAddress(a.services.Ledger.Peppers(), b.Address)
			if code != "" && code != codeUnreadable {
				return nil, problem.At(problem.FieldInvalid, "address")
			}
			l.Tokens = read.keyed
		}
		if err := a.services.Opposition.Current(ctx); err != nil {
			return nil, err
		}
		done, err := a.services.Opposition.Lift(ctx, c.principal.Account, l)
		if err != nil {
			return nil, err
		}
		return &LiftResult{done.Event, done.Position, done.Warnings}, nil
	})
}

// widest reads purpose and channels of an objection: what the policy does not
// know widens it to all, and is told (design §4.1).
func widest(rules *policy.Policy, purpose string, channels []string) (string, []string, []event.Warning) {
	var warnings []event.Warning
	if purpose != "" && !rules.Purpose(purpose) {
		purpose, warnings = "", append(warnings, event.Warning{Field: "purpose", Rule: "purpose_unknown"})
	}
	if slices.ContainsFunc(channels, func(c string) bool { return !rules.Channel(c) }) {
		channels, warnings = nil, append(warnings, event.Warning{Field: "channels", Rule: "channel_unknown"})
	}
	channels = slices.Clone(channels)
	slices.Sort(channels)
	return purpose, slices.Compact(channels), warnings
}
