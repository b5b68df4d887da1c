package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/contactability"
	"greffe/domain/disclosure"
	"greffe/domain/policy"
	"greffe/projections/decisions"
)

// Contactability decides whether persons may be contacted.
type Contactability interface {
	// Current is as of now, once this node holds everything that decides: ErrStale
	// if that takes too long, ErrHalted if it cannot come.
	Current(ctx context.Context) (decisions.Known, error)
	// KnownAt is as known below a position, or, without one, at an instant;
	// ErrNotFound for the future.
	KnownAt(ctx context.Context, at *domain.Position, by time.Time) (decisions.Known, error)
	// Check answers in the order of the questions, and tells whom each was about.
	Check(ctx context.Context, checks []decisions.Check, known decisions.Known) (decided []contactability.Decision, about [][]domain.ID, err error)
	// Contacts lists contacts that were made and were not allowed, by what was
	// known then. A page may be shorter than asked for, and still have a next one.
	Contacts(ctx context.Context, f ContactFilter, page Page, shows disclosure.Lens) (Found[Breach], error)
}

const (
	maxChecks    = 10_000
	maxCheckLine = 8 << 10
	checkChunk   = 1000
)

func contactabilityRoutes() []Route {
	list := Limits{Timeout: time.Minute, Rate: RateSearch}
	return []Route{
		{http.MethodPost, "/v1/contactability", "contactability.check", "May these persons be contacted, and why",
			Limits{Body: maxStreamBytes, Timeout: time.Minute, Rate: RateIngest}, false, postContactability(),
			[]problem.Code{problem.TooManyEvents, problem.NotFound}},
		{http.MethodGet, "/v1/audit/contacts", "audit.read", "Contacts that were made and were not allowed", list, false, getAuditContacts(), nil},
	}
}

// ContactCheck is one question. Exactly one of subject_id, external_id, email and
// phone says about whom.
type ContactCheck struct {
	SubjectID  *domain.ID  `json:"subject_id,omitempty"`
	ExternalID *ExternalID `json:"external_id,omitempty" doc:"The person in an upstream's own terms."`
	Email      string      `json:"email,omitempty" doc:"The address to be used; everybody who uses it must allow."`
	Phone      string      `json:"phone,omitempty" doc:"The number to be used, international or French national."`
	Channel    string      `json:"channel" doc:"email, sms, phone, postal or social."`
	Purpose    string      `json:"purpose" doc:"Purpose of the policy."`
	Controller string      `json:"controller,omitempty" doc:"On whose behalf; the policy's first if absent."`
	At         time.Time   `json:"at,omitzero" doc:"Instant of the contact, RFC 3339. Without it the answer is no."`
	Offer      string      `json:"offer,omitempty" doc:"similar to what was bought, or other."`
	Sector     string      `json:"sector,omitempty" doc:"Sector of the offer; some are banned."`
	Object     string      `json:"object,omitempty" doc:"Object of the contract that a call is about."`
	Automated  bool        `json:"automated,omitempty" doc:"Channel phone: a machine speaks."`
}

// ContactabilityInput asks about up to 10,000 persons; as NDJSON, one check a
// line, about any number.
type ContactabilityInput struct {
	KnownAt string `query:"known_at" doc:"Answer as known then: a position, or an instant (RFC 3339). Not for an e-mail or phone: who held it then is not kept."`
	Body    struct {
		Checks  []ContactCheck `json:"checks"`
		KnownAt string         `json:"known_at,omitempty" doc:"As the parameter of this name."`
	}
}

// ContactAnswer is the answer to one check. It holds no personal data.
type ContactAnswer struct {
	Allowed    bool             `json:"allowed"`
	Rule       string           `json:"rule,omitempty" doc:"Stable name of the rule that decided."`
	Reason     string           `json:"reason,omitempty" doc:"The rule in a sentence, by Accept-Language fr or en."`
	Article    string           `json:"article,omitempty" doc:"The law or deliberation it follows."`
	Evidence   []domain.ID      `json:"evidence,omitempty" doc:"Events it rests on."`
	Shared     bool             `json:"shared,omitzero" doc:"Of opposition.person: who objected is not the person asked about, but another file with the same address or number; asked by an address or number that several files hold, one of them objected, and not all."`
	ValidUntil *time.Time       `json:"valid_until,omitempty" doc:"From then on time alone could change it; new events can at any time."`
	Position   *domain.Position `json:"position,omitempty" doc:"In a stream: everything below it was known."`
	Policy     int64            `json:"policy,omitzero" doc:"In a stream: the version of the policy that decided."`
	Error      *EventError      `json:"error,omitempty" doc:"In a stream: why the line could not be read; then allowed is false."`
}

// ContactAnswers answers in the order of the checks. Everything below position was
// known; give it as known_at to replay.
type ContactAnswers struct {
	Position domain.Position `json:"position"`
	Policy   int64           `json:"policy,omitzero" doc:"The version of the policy that decided; GET /v1/policy/versions/{version}."`
	Results  []ContactAnswer `json:"results"`
}

func postContactability() endpoint {
	e := decision(http.StatusOK, contactable)
	e.takes, e.gives = []string{mediaJSON, mediaNDJSON}, []string{mediaJSON, mediaNDJSON}
	e.in, e.out, e.item = typeOf[ContactabilityInput](), typeOf[ContactAnswers](), typeOf[ContactAnswer]()
	return e
}

// knownAtQuery is the part of the input that is not in the body.
type knownAtQuery struct {
	KnownAt string `query:"known_at"`
}

func contactable(ctx context.Context, a *API, c *Call, in *knownAtQuery) (answer, error) {
	if isNDJSON(c) {
		src, _, err := c.openBody(mediaNDJSON)
		if err != nil {
			return answer{}, err
		}
		known, err := a.knownAt(ctx, in.KnownAt) // so that what stands still is a 503 and no broken stream
		if err != nil {
			return answer{}, err
		}
		return answer{media: mediaNDJSON, stream: func(c *Call) error {
			defer src.Close()
			return a.checkStream(c, src, in.KnownAt, known)
		}}, nil
	}
	var whole ContactabilityInput
	if err := c.bindBody(&whole.Body); err != nil {
		return answer{}, err
	}
	if len(whole.Body.Checks) > maxChecks {
		return answer{}, problem.At(problem.TooManyEvents, "checks")
	}
	at := in.KnownAt
	if at == "" {
		at = whole.Body.KnownAt
	}
	checks := make([]decisions.Check, len(whole.Body.Checks))
	for i := range checks {
		var err error
		if checks[i], err = a.check(c, &whole.Body.Checks[i], at != "", "checks."+strconv.Itoa(i)+"."); err != nil {
			return answer{}, err
		}
	}
	known, err := a.knownAt(ctx, at)
	if err != nil {
		return answer{}, err
	}
	decided, err := a.judge(ctx, c, checks, known)
	if err != nil {
		return answer{}, err
	}
	lang := problem.Language(c.r)
	out := ContactAnswers{Position: known.Below, Policy: known.Policy, Results: make([]ContactAnswer, len(decided))}
	for i := range decided {
		out.Results[i] = answerOf(&decided[i], lang)
	}
	return answer{status: http.StatusOK, body: out}, nil
}

func isNDJSON(c *Call) bool {
	return bytes.HasPrefix([]byte(c.r.Header.Get("Content-Type")), []byte(mediaNDJSON))
}

// knownAt reads known_at; "" is now, waited for.
func (a *API) knownAt(ctx context.Context, text string) (decisions.Known, error) {
	desk := a.services.Contactability
	if text == "" {
		return desk.Current(ctx)
	}
	var at *domain.Position
	p, err := domain.ParsePosition(text)
	by, timeErr := time.Parse(time.RFC3339Nano, text)
	switch {
	case err == nil:
		at = &p
	case timeErr != nil:
		return decisions.Known{}, problem.At(problem.ParameterInvalid, "known_at")
	}
	known, err := desk.KnownAt(ctx, at, by)
	if errors.Is(err, ErrNotFound) {
		err = problem.At(problem.ParameterInvalid, "known_at")
	}
	return known, err
}

// check reads one question; path is where it stands.
func (a *API) check(c *Call, in *ContactCheck, past bool, path string) (out decisions.Check, err error) {
	given := 0
	for _, s := range []string{in.Email, in.Phone} {
		if len(s) > maxIdentifier {
			return out, problem.At(problem.FieldInvalid, path+"email|phone")
		}
		if s != "" {
			given++
		}
	}
	if given > 0 && past {
		return out, problem.At(problem.FieldInvalid, path+"email|phone")
	}
	if in.SubjectID != nil {
		given++
		if out.Subject = *in.SubjectID; out.Subject.IsZero() {
			return out, problem.At(problem.FieldInvalid, path+"subject_id")
		}
	}
	if x := in.ExternalID; x != nil {
		given++
		if x.Source == "" || x.Subject == "" || len(x.Source) > maxIdentifier || len(x.Subject) > maxIdentifier {
			return out, problem.At(problem.FieldInvalid, path+"external_id")
		}
		out.External = a.services.Ledger.Peppers().External(x.Source, x.Subject)
	}
	if given != 1 {
		return out, problem.At(problem.FieldRequired, path+"subject_id|external_id|email|phone")
	}
	out.Email, out.Phone = in.Email, in.Phone
	out.Query = contactability.Query{Channel: in.Channel, Purpose: in.Purpose, Controller: controllerOf(c.rules, in.Controller), At: in.At,
		Offer: in.Offer, Sector: in.Sector, Object: decisions.Object(in.Object), Automated: in.Automated}
	return out, nil
}

func controllerOf(rules *policy.Policy, code string) string {
	if code == "" {
		return rules.DefaultController()
	}
	return code
}

func answerOf(d *contactability.Decision, lang string) ContactAnswer {
	rule, _ := contactability.Find(d.Rule)
	out := ContactAnswer{Allowed: d.Allowed, Rule: string(d.Rule), Reason: d.Reason(lang), Article: rule.Source(lang), Evidence: d.Evidence, Shared: d.Shared || d.Among}
	if !d.ValidUntil.IsZero() {
		out.ValidUntil = &d.ValidUntil
	}
	return out
}

// checkStream answers line by line. Each chunk is decided as of its own head, so
// that an objection holds for every line after it; with known_at, all as of then.
func (a *API) checkStream(c *Call, src io.Reader, at string, known decisions.Known) error {
	if err := http.NewResponseController(c.w).EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	lines, w := bufio.NewReaderSize(src, 64<<10), newLineWriter(c)
	for first := true; ; first = false {
		raws, readErr := readChecks(lines)
		if len(raws) > 0 {
			if err := a.checkLines(c, w, raws, at, &known, first); err != nil {
				return a.endBroken(c, w, err)
			}
		}
		switch {
		case errors.Is(readErr, io.EOF) && w.count == 0:
			return problem.New(problem.BodyMissing)
		case errors.Is(readErr, io.EOF):
			return w.end(&known.Below)
		case readErr != nil:
			return a.endBroken(c, w, bodyError(readErr))
		}
	}
}

func (a *API) checkLines(c *Call, w *lineWriter, raws [][]byte, at string, known *decisions.Known, first bool) (err error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), c.route.Limits.Timeout)
	defer cancel()
	if !first && at == "" {
		if *known, err = a.services.Contactability.Current(ctx); err != nil {
			return err
		}
	}
	lang := problem.Language(c.r)
	out := make([]ContactAnswer, len(raws))
	var checks []decisions.Check
	var of []int
	for i, raw := range raws {
		var in ContactCheck
		err := decodeStrict(raw, &in)
		var one decisions.Check
		if err == nil {
			one, err = a.check(c, &in, at != "", "")
		}
		if err != nil {
			out[i] = ContactAnswer{Error: lineError(err, lang)}
			continue
		}
		checks, of = append(checks, one), append(of, i)
	}
	decided, err := a.judge(ctx, c, checks, *known)
	if err != nil {
		return err
	}
	for n, i := range of {
		out[i] = answerOf(&decided[n], lang)
	}
	for i := range out {
		out[i].Position, out[i].Policy = &known.Below, known.Policy
		if err := w.add(&out[i]); err != nil {
			return err
		}
	}
	return w.flush()
}

func lineError(err error, lang string) *EventError {
	p := problem.From(err)
	entry, _ := problem.Lookup(p.Code)
	return &EventError{Code: string(p.Code), Field: p.Field, Message: entry.Action.In(lang)}
}

// readChecks gathers a chunk of lines. The error is io.EOF with the last chunk.
// Blank lines are passed over.
func readChecks(r *bufio.Reader) (raws [][]byte, err error) {
	for len(raws) < checkChunk {
		line, err := readLine(r)
		if len(line) > maxCheckLine {
			line = jsontext.Value(`"too long"`) // answered as what it is: no check
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			raws = append(raws, line)
		}
		if err != nil {
			return raws, err
		}
	}
	return raws, nil
}
