package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/approval"
	"greffe/domain/policy"
	"greffe/eventstore/access"
)

// Erasures is the desk of art. 17 and 18: erasing, and what forbids it.
type Erasures interface {
	// Order makes an erasure durable and returns its operation; one that was
	// ordered before is not ordered again. It is carried out in the background.
	Order(ctx context.Context, o ErasureOrder) (operation domain.ID, err error)
	// Foresee decides as Order does, on the same facts, and orders nothing; what is held
	// is told in the answer. The receipt covers the person.
	Foresee(ctx context.Context, r access.Receipt, o ErasureOrder) (*ErasurePreview, error)
	// Await returns when the operation was dealt with, or ctx ends.
	Await(ctx context.Context, operation domain.ID)
	// Operation tells where it is, or ErrNotFound.
	Operation(ctx context.Context, id domain.ID) (*Operation, error)
	// Place records a hold or a restriction, Release ends one (the zero id: every
	// restriction). ErrNotFound if there is none.
	Place(ctx context.Context, o HoldOrder) (Placed, error)
	Release(ctx context.Context, o HoldOrder) (Placed, error)
	// Merge says that two contacts are one person, or no longer.
	Merge(ctx context.Context, actor, subject, into domain.ID, undo bool) (Placed, error)
	// Since lists the erasures of a person, or of classes of its data, that were ordered
	// from an instant on, in order.
	Since(ctx context.Context, subject domain.ID, at time.Time) ([]RequestErasure, error)
	// Contested lists who was erased and is still sent by a source.
	Contested(ctx context.Context, page Page) (Found[StillHeld], error)
	Holds
}

// ErasureOrder asks for an erasure. With Event, of that event's part of the one
// class in Classes.
type ErasureOrder struct {
	Subject, Event domain.ID
	Actor          domain.ID
	Ground, Reason string
	Classes        []string
	// Alone is how many persons the actor may have ordered to erase within
	// approval.Window for this order to be taken without another's agreement; nil: any
	// number. It is decided with the record: approval_required beyond.
	Alone *int
}

// HoldOrder places or ends a hold or a restriction.
type HoldOrder struct {
	Subject, Actor domain.ID
	Restriction    bool
	Placed         domain.ID // the one to end
	Code           string    // why: a code
	Detail         string    // and in words; sealed
	Reference      string    // of the litigation, the inspection; sealed
	Reviewer       domain.ID // the account that is to look at it again
	ReviewAt       time.Time // when; zero: no date
	WarnedAt       time.Time // of a restriction that is lifted: when the person was told (art. 18(3))
}

// Placed is where a command stands in the ledger.
type Placed struct {
	EventID  domain.ID       `json:"event_id"`
	Position domain.Position `json:"position"`
}

// Operation is an erasure on its way.
type Operation struct {
	ID          domain.ID       `json:"operation"`
	SubjectID   domain.ID       `json:"subject_id"`
	Position    domain.Position `json:"position" doc:"Of the order."`
	State       string          `json:"state" enum:"pending,done"`
	Trouble     string          `json:"trouble,omitempty" doc:"Why it is not done yet; it is taken up again by itself."`
	Certificate *Certificate    `json:"certificate,omitempty"`
}

// Certificate says what an erasure did and what it looked at.
type Certificate struct {
	Number     domain.ID        `json:"number" doc:"Ask by it later whether anything is held still."`
	SubjectID  domain.ID        `json:"subject_id"`
	ErasedAt   time.Time        `json:"erased_at"`
	Position   domain.Position  `json:"position"`
	Whole      bool             `json:"whole" doc:"The person was erased; false: the classes under destroyed alone."`
	Ground     string           `json:"ground"`
	Destroyed  []string         `json:"destroyed" doc:"Classes whose keys and parts were destroyed."`
	Data       []ErasureClass   `json:"data" doc:"Of the classes under destroyed: those of which there was something, and how much. Read from the facts before the order."`
	Empty      []string         `json:"empty" doc:"Of the classes under destroyed: those of which there was nothing. Their keys were closed, so that nothing can come under them."`
	Opposition bool             `json:"opposition" doc:"Somebody had objected: the opposition list keeps a token of each address (art. 21(3))."`
	Epochs     []string         `json:"epochs,omitempty" doc:"Of classes of which only some years or months went: the keys that did, as class/epoch."`
	Kept       []KeptClass      `json:"kept" doc:"Classes that the law lets the controller keep (art. 17(3))."`
	Stores     []StoreResult    `json:"stores"`
	Recipients []RecipientState `json:"recipients" doc:"Who is told (art. 19), and whether it was acknowledged."`
}

// KeptClass is a class that an erasure left.
type KeptClass struct {
	Class  string     `json:"class"`
	Ground string     `json:"ground"`
	Parts  int64      `json:"parts,omitzero" doc:"How much there was of it."`
	Until  *time.Time `json:"until,omitempty" doc:"Absent: as long as what it is kept for goes on."`
}

// StoreResult is what one store answered.
type StoreResult struct {
	Store     string    `json:"store"`
	Result    string    `json:"result" enum:"erased"`
	CheckedAt time.Time `json:"checked_at"`
}

// RecipientState is how far a recipient is.
type RecipientState struct {
	Name  string `json:"name"`
	State string `json:"state" enum:"staged,acknowledged,expired,not_held" doc:"not_held: the recipient never had the person, so there is nobody to tell it of."`
}

// StillHeld is an erased person whom a source sends on.
type StillHeld struct {
	SubjectID domain.ID       `json:"subject_id"`
	Source    domain.ID       `json:"source"`
	Position  domain.Position `json:"position" doc:"Of the first that came after the erasure."`
}

func erasureRoutes() []Route {
	erase := Limits{Body: 64 << 10, Timeout: time.Minute, Rate: RateChange}
	change := Limits{Body: 64 << 10, Timeout: 30 * time.Second, Rate: RateChange}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	codes := writing(problem.Held, problem.Erased)
	return append([]Route{
		{post, "/v1/subjects/{id}/erasure", "subjects.erase", "Erase a person, or classes of its data (art. 17)", erase, true, postErasure(), codes},
		{get, "/v1/subjects/{id}/erasure/preview", "subjects.erase", "What an erasure would destroy and keep now, and what forbids it", read, false, previewErasure().of(One), []problem.Code{problem.Erased, problem.FieldInvalid}},
		{post, "/v1/events/{id}/redaction", "subjects.erase", "Destroy one part of one event, for what it says", erase, true, postRedaction(), codes},
		{get, "/v1/operations/{id}", "subjects.erase", "An erasure on its way, and its certificate", read, false, getOperation(), nil},
		{post, "/v1/subjects/{id}/hold", "subjects.hold", "Forbid to destroy anything of a person", change, true, postHold(false), codes},
		{del, "/v1/subjects/{id}/hold/{placed}", "subjects.hold", "End a hold", change, true, deleteHold(), codes},
		{post, "/v1/subjects/{id}/restriction", "subjects.restrict", "Restrict processing to storage (art. 18)", change, true, postHold(true), codes},
		{del, "/v1/subjects/{id}/restriction/{placed}", "subjects.restrict", "End a restriction, the person having been told (art. 18(3))", change, true, deleteRestriction(), codes},
		{post, "/v1/subjects/{id}/merge", "subjects.merge", "Say that two contacts are one person", change, true, postMerge(false), codes},
		{del, "/v1/subjects/{id}/merge/{into}", "subjects.merge", "Say that they are not", change, true, postMerge(true), codes},
		{get, "/v1/erasures/contested", "subjects.erase", "Erased persons whom a source still sends", read, false, listContested(), nil},
	}, holdRoutes()...)
}

// ErasureInput is the body of an erasure.
type ErasureInput struct {
	ID   domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Body struct {
		Reason  string   `json:"reason,omitempty" doc:"In words; sealed." maxLength:"4000"`
		Ground  string   `json:"ground" doc:"Why, by article." enum:"art17.1.a,art17.1.b,art17.1.c,art17.1.d,art17.1.e,art17.1.f,art5.1.c,art5.1.e"`
		Classes []string `json:"classes,omitempty" doc:"Retention classes to destroy; absent: everything that art. 17(3) does not let the controller keep, by the policy."`
	}
}

// Grounds are the reasons to erase: art. 17(1), minimisation, end of the term.
func Grounds() []string {
	return []string{"art17.1.a", "art17.1.b", "art17.1.c", "art17.1.d", "art17.1.e", "art17.1.f", "art5.1.c", "art5.1.e"}
}

func checkErasure(p *policy.Policy, ground string, classes []string) error {
	if !slices.Contains(Grounds(), ground) {
		return problem.At(problem.FieldInvalid, "ground")
	}
	for _, class := range classes {
		if !p.HasClass(class) || slices.Contains([]string{"access", "accounts", "opposition"}, class) {
			return problem.At(problem.FieldInvalid, "classes")
		}
	}
	return nil
}

// patience bounds how long a request waits for the certificate.
const patience = 20 * time.Second

func postErasure() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ErasureInput) (answer, error) {
		if err := checkErasure(c.rules, in.Body.Ground, in.Body.Classes); err != nil {
			return answer{}, err
		}
		return a.erase(ctx, c, ErasureOrder{Subject: in.ID, Actor: c.principal.Account, Ground: in.Body.Ground, Reason: in.Body.Reason, Classes: in.Body.Classes})
	})
	e.out = typeOf[Operation]()
	return e
}

// RedactionInput is the body of a redaction.
type RedactionInput struct {
	ID   domain.ID `path:"id" doc:"The event."`
	Body struct {
		Class  string `json:"class" doc:"The retention class whose part goes."`
		Reason string `json:"reason,omitempty" doc:"In words; sealed." maxLength:"4000"`
	}
}

func postRedaction() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *RedactionInput) (answer, error) {
		if err := checkErasure(c.rules, "art5.1.c", []string{in.Body.Class}); err != nil {
			return answer{}, problem.At(problem.FieldInvalid, "class")
		}
		subject, err := a.services.Dossier.SubjectOf(ctx, in.ID)
		if err != nil {
			return answer{}, err
		}
		if subject.IsZero() {
			return answer{}, ErrNotFound
		}
		return a.erase(ctx, c, ErasureOrder{Subject: subject, Event: in.ID, Actor: c.principal.Account, Ground: "art5.1.c", Reason: in.Body.Reason, Classes: []string{in.Body.Class}})
	})
	e.out = typeOf[Operation]()
	return e
}

// erase orders, waits for the certificate, and answers 202 if it takes longer.
func (a *API) erase(ctx context.Context, c *Call, o ErasureOrder) (answer, error) {
	if rule, asks := c.rules.Approval(string(approval.MassErasure)); asks && !c.agreed {
		o.Alone = &rule.Over
	}
	id, err := a.services.Erasures.Order(ctx, o)
	if err != nil {
		return answer{}, err
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a.services.Erasures.Await(wait, id)
	op, err := a.services.Erasures.Operation(ctx, id)
	if err != nil {
		return answer{}, err
	}
	if op.State == "done" {
		return answer{status: http.StatusOK, body: op}, nil
	}
	return answer{status: http.StatusAccepted, body: op, header: map[string]string{"Location": "/v1/operations/" + id.String()}}, nil
}

// OperationInput names one operation.
type OperationInput struct {
	ID domain.ID `path:"id" doc:"The operation."`
}

func getOperation() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *OperationInput) (*Operation, error) {
		return a.services.Erasures.Operation(ctx, in.ID)
	})
}

// HoldInput is the body of a hold or a restriction.
type HoldInput struct {
	ID   domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Body struct {
		Code   string `json:"code" doc:"Why: litigation, inspection, audit or other; for a restriction art18.1.a to d."`
		Detail string `json:"detail,omitempty" doc:"In words; sealed." maxLength:"4000"`

		Reference string    `json:"reference,omitempty" doc:"Of the litigation or the inspection; sealed." maxLength:"200"`
		Reviewer  domain.ID `json:"reviewer,omitzero" doc:"The account that is to look at it again."`
		ReviewAt  time.Time `json:"review_at,omitzero" doc:"When it is to be looked at again; see GET /v1/holds."`
	}
}

// holdCodes are why a person's data may be kept from erasure, or, by art. 18(1), from
// any other use.
func holdCodes(restriction bool) []string {
	if restriction {
		return []string{"art18.1.a", "art18.1.b", "art18.1.c", "art18.1.d"}
	}
	return []string{"litigation", "inspection", "audit", "other"}
}

func postHold(restriction bool) endpoint {
	known := holdCodes(restriction)
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *HoldInput) (out HoldPlaced, err error) {
		b := &in.Body
		switch {
		case !slices.Contains(known, b.Code):
			return out, problem.At(problem.FieldInvalid, "code")
		case !b.ReviewAt.IsZero() && !b.ReviewAt.After(a.cfg.Now()):
			return out, problem.At(problem.FieldInvalid, "review_at")
		}
		out.Placed, err = a.services.Erasures.Place(ctx, HoldOrder{Subject: in.ID, Actor: c.principal.Account, Restriction: restriction,
			Code: b.Code, Detail: b.Detail, Reference: b.Reference, Reviewer: b.Reviewer, ReviewAt: b.ReviewAt})
		if err == nil {
			out.UnderWay, err = a.services.Erasures.UnderWay(ctx, in.ID)
		}
		return out, err
	})
}

// ReleaseInput names what ends.
type ReleaseInput struct {
	ID     domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Placed domain.ID `path:"placed" doc:"The event that placed it."`
}

func deleteHold() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *ReleaseInput) (Placed, error) {
		return a.services.Erasures.Release(ctx, HoldOrder{Subject: in.ID, Actor: c.principal.Account, Placed: in.Placed})
	})
}

// MergeInput is the body of a merge.
type MergeInput struct {
	ID   domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Body struct {
		Into domain.ID `json:"into" doc:"The other contact."`
	}
}

// UnmergeInput names a merge.
type UnmergeInput struct {
	ID   domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Into domain.ID `path:"into" doc:"The other contact."`
}

func postMerge(undo bool) endpoint {
	if undo {
		return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *UnmergeInput) (Placed, error) {
			return a.services.Erasures.Merge(ctx, c.principal.Account, in.ID, in.Into, true)
		})
	}
	return plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *MergeInput) (Placed, error) {
		if in.Body.Into.IsZero() || in.Body.Into == in.ID {
			return Placed{}, problem.At(problem.FieldInvalid, "into")
		}
		return a.services.Erasures.Merge(ctx, c.principal.Account, in.ID, in.Body.Into, false)
	})
}

// ContestedQuery asks for a page.
type ContestedQuery struct{ Paging }

func listContested() endpoint {
	return finding(access.Reading{Action: "search"}, func(ctx context.Context, a *API, _ *Call, _ *ContestedQuery, page Page) (Found[StillHeld], error) {
		return a.services.Erasures.Contested(ctx, page)
	})
}
