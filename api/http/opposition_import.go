package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"time"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/opposition"
	"greffe/domain/token"
	"greffe/eventstore/ledger"
)

const (
	mediaCSVIn    = "text/csv"
	listChunk     = 1000 // addresses of one fact
	maxProblems   = 1000 // lines told one by one
	maxListName   = 200  // bytes
	maxChannels   = 16
	formClear     = "clear"
	formSHA256    = "sha256"
	formMD5       = "md5"
	maxListedJSON = maxBatchEvents
)

// The codes of addresses. What is unreadable still enters the list, as it came:
// an objection to a mistyped number binds that number.
const (
	codeUnreadable = "address_unreadable"
	codeMissing    = "address_missing"
	codeAmbiguous  = "address_ambiguous"
	codeDigest     = "digest_invalid"
	codeKind       = "kind_missing"
	codeForm       = "form_differs"
	codeLine       = "line_invalid"
)

// OppositionInput is one objection, or a list to import. As NDJSON or CSV the
// body is the addresses alone, one a line, and the query says of which list.
type OppositionInput struct {
	OppositionListQuery
	Body OppositionBody
}

// OppositionListQuery describes a list whose addresses are streamed.
type OppositionListQuery struct {
	List     string `query:"list" doc:"With NDJSON or CSV: name of the list, of no person."`
	Date     string `query:"date" doc:"With NDJSON or CSV: when the list was drawn up, RFC 3339 or YYYY-MM-DD."`
	Purpose  string `query:"purpose" doc:"With NDJSON or CSV: against what; absent: everything."`
	Channels string `query:"channels" doc:"With NDJSON or CSV: comma-separated; absent: every channel."`
	Form     string `query:"form" doc:"With NDJSON or CSV: clear, sha256 or md5."`
	DryRun   bool   `query:"dry_run" doc:"With NDJSON or CSV: say what would be recorded, and record nothing."`
}

// OppositionBody is one objection (subject_id, external_id, email or phone) or
// a list (list, form and addresses).
type OppositionBody struct {
	SubjectID  domain.ID      `json:"subject_id,omitzero"`
	ExternalID *ExternalID    `json:"external_id,omitempty"`
	Email      string         `json:"email,omitempty"`
	Phone      string         `json:"phone,omitempty"`
	Purpose    string         `json:"purpose,omitempty" doc:"Against what; absent or unknown: everything."`
	Channels   []string       `json:"channels,omitempty" doc:"Absent or unknown: every channel."`
	List       *ListInput     `json:"list,omitempty"`
	Form       string         `json:"form,omitempty" enum:"clear,sha256,md5" doc:"Of all addresses of the list; clear if absent."`
	Addresses  []AddressInput `json:"addresses,omitempty" doc:"Of the list, at most 10,000; more as NDJSON or CSV."`
}

// ListInput describes a list.
type ListInput struct {
	Name     string   `json:"name" doc:"Sealed; at most 200 bytes."`
	Date     string   `json:"date,omitempty" doc:"When it was drawn up, RFC 3339 or YYYY-MM-DD; now if absent."`
	Scope    string   `json:"scope,omitempty" doc:"all: against everything."`
	Purpose  string   `json:"purpose,omitempty" doc:"Against what; absent or unknown: everything."`
	Channels []string `json:"channels,omitempty" doc:"Absent or unknown: every channel."`
}

// OppositionList is a list to import, as it is recorded.
type OppositionList struct {
	Name     string
	Date     time.Time // zero: now
	Purpose  string
	Channels []string
	Form     string
}

// ListChunk is up to 1,000 addresses of a list. Digest is of what was sent, so
// that the same chunk is known again whatever the peppers.
type ListChunk struct {
	Tokens []opposition.Keyed
	Count  int
	Digest [32]byte
}

// ImportedChunk says what became of a chunk.
type ImportedChunk struct {
	List     domain.ID
	Event    domain.ID
	Position domain.Position
	Known    bool // it was recorded before
}

// OppositionResult answers an objection or an import.
type OppositionResult struct {
	Status     string          `json:"status" enum:"recorded,known,erased,tried" doc:"tried: with dry_run, nothing was recorded. known: all of it was recorded before. erased: nothing is held of the person and nothing was recorded; give the address."`
	EventID    *domain.ID      `json:"event_id,omitempty" doc:"Of one objection."`
	SubjectID  *domain.ID      `json:"subject_id,omitempty"`
	ListID     *domain.ID      `json:"list_id,omitempty"`
	Lines      int             `json:"lines,omitzero" doc:"Addresses that were sent."`
	Recorded   int             `json:"recorded,omitzero" doc:"Addresses recorded now."`
	Listed     int             `json:"listed,omitzero" doc:"With dry_run: addresses that the list binds already for this use; recorded then counts the others."`
	Known      int             `json:"known,omitzero" doc:"Addresses of parts that were recorded before."`
	Doubled    int             `json:"doubled,omitzero" doc:"Addresses that stood twice in one part of 1,000."`
	Unreadable int             `json:"unreadable,omitzero" doc:"Addresses that are none; recorded as they came."`
	Invalid    int             `json:"invalid,omitzero" doc:"Lines without an address; not recorded."`
	Problems   []ListProblem   `json:"problems,omitempty" doc:"The first 1,000 such lines."`
	Warnings   []event.Warning `json:"warnings,omitempty"`
	Position   domain.Position `json:"position"`
}

// ListProblem is a line that is not as it should be. It never holds the line.
type ListProblem struct {
	Line    int    `json:"line" doc:"From 1; of JSON, the place in addresses."`
	Code    string `json:"code" enum:"address_unreadable,address_missing,address_ambiguous,digest_invalid,kind_missing,form_differs,line_invalid"`
	Entered bool   `json:"entered" doc:"It is on the list all the same."`
}

func postOpposition() endpoint {
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *OppositionListQuery) (answer, error) {
		src, media, err := c.openBody(mediaJSON, mediaNDJSON, mediaCSVIn)
		if err != nil {
			return answer{}, err
		}
		if media == mediaJSON {
			defer src.Close()
			raw, err := readBatch(src, c.r.ContentLength)
			if err != nil {
				return answer{}, err
			}
			return oppositionJSON(ctx, a, c, in, raw)
		}
		l, warnings, err := listOf(c, &ListInput{Name: in.List, Date: in.Date, Purpose: in.Purpose, Channels: fieldsOf(in.Channels)}, in.Form)
		if err != nil {
			_ = src.Close()
			return answer{}, err
		}
		return answer{media: mediaJSON, stream: func(c *Call) error {
			defer src.Close()
			im := newImporting(a, c, l, warnings)
			im.dry = in.DryRun
			return streamList(a, c, im, src, media)
		}}, nil
	})
	e.in, e.out = typeOf[OppositionInput](), typeOf[OppositionResult]()
	e.takes, e.gives = []string{mediaJSON, mediaNDJSON, mediaCSVIn}, []string{mediaJSON}
	return e
}

func oppositionJSON(ctx context.Context, a *API, c *Call, query *OppositionListQuery, raw []byte) (answer, error) {
	if *query != (OppositionListQuery{}) {
		return answer{}, problem.New(problem.ParameterUnknown)
	}
	var b OppositionBody
	if err := decodeStrict(raw, &b); err != nil {
		return answer{}, err
	}
	if b.List == nil {
		out, err := objection(ctx, a, c, &b)
		return answer{status: http.StatusOK, body: out}, err
	}
	if len(b.Addresses) == 0 || len(b.Addresses) > maxListedJSON {
		return answer{}, problem.At(problem.FieldInvalid, "addresses")
	}
	if !b.SubjectID.IsZero() || b.ExternalID != nil || b.Email != "" || b.Phone != "" || b.Purpose != "" || b.Channels != nil {
		return answer{}, problem.At(problem.FieldInvalid, "list")
	}
	l, warnings, err := listOf(c, b.List, b.Form)
	if err != nil {
		return answer{}, err
	}
	im := newImporting(a, c, l, warnings)
	for i := range b.Addresses {
		if err := im.take(ctx, i+1, &b.Addresses[i]); err != nil {
			return answer{}, err
		}
	}
	out, err := im.end(ctx)
	return answer{status: http.StatusOK, body: out}, err
}

func objection(ctx context.Context, a *API, c *Call, b *OppositionBody) (*OppositionResult, error) {
	if b.Form != "" || b.Addresses != nil {
		return nil, problem.At(problem.FieldRequired, "list")
	}
	o := Objection{Subject: b.SubjectID, External: b.ExternalID, Kind: token.KindEmail, Address: b.Email}
	given := 0
	for _, is := range []bool{!b.SubjectID.IsZero(), b.ExternalID != nil, b.Email != "", b.Phone != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, problem.At(problem.FieldRequired, "subject_id|external_id|email|phone")
	}
	if b.Phone != "" {
		o.Kind, o.Address = token.KindPhone, b.Phone
	}
	if x := b.ExternalID; x != nil && (x.Source == "" || x.Subject == "" || len(x.Source) > maxIdentifier || len(x.Subject) > maxIdentifier) {
		return nil, problem.At(problem.FieldInvalid, "external_id")
	}
	if x := b.ExternalID; x != nil && len(c.principal.Sources) > 0 {
		if !c.principal.MayWrite(a.services.Ledger.Peppers().SourceID(x.Source)) {
			return nil, problem.At(problem.SourceForbidden, "external_id")
		}
	}
	out := &OppositionResult{Status: "recorded"}
	if o.Address != "" {
		normal, ok := ledger.Normal(o.Kind, o.Address)
		if normal == "" || len(o.Address) > maxIdentifier {
			return nil, problem.At(problem.FieldInvalid, string(o.Kind))
		}
		if !ok {
			out.Warnings = append(out.Warnings, event.Warning{Field: string(o.Kind), Rule: codeUnreadable})
		}
	}
	var warnings []event.Warning
	o.Purpose, o.Channels, warnings = widest(c.rules, b.Purpose, b.Channels)
	out.Warnings = append(out.Warnings, warnings...)
	done, err := a.services.Opposition.Object(ctx, c.principal.Account, o)
	if err != nil {
		return nil, err
	}
	if done.Erased {
		out.Status = "erased"
	}
	out.EventID, out.SubjectID, out.Position = present(&done.Event), present(&done.Subject), done.Position
	return out, nil
}

func listOf(c *Call, in *ListInput, form string) (l OppositionList, warnings []event.Warning, err error) {
	l = OppositionList{Name: in.Name, Form: form}
	if form == "" {
		l.Form = formClear
	}
	switch {
	case in.Name == "":
		return l, nil, problem.At(problem.FieldRequired, "list")
	case len(in.Name) > maxListName, in.Scope != "" && in.Scope != "all", len(in.Channels) > maxChannels:
		return l, nil, problem.At(problem.FieldInvalid, "list")
	case !slices.Contains([]string{formClear, formSHA256, formMD5}, l.Form):
		return l, nil, problem.At(problem.FieldInvalid, "form")
	}
	if in.Date != "" {
		if l.Date, err = time.Parse(time.RFC3339, in.Date); err != nil {
			l.Date, err = time.Parse(time.DateOnly, in.Date)
		}
		if err != nil || l.Date.Year() < 1990 || l.Date.After(c.cfg.Now().Add(24*time.Hour)) {
			return l, nil, problem.At(problem.FieldInvalid, "date")
		}
	}
	l.Purpose, l.Channels, warnings = widest(c.rules, in.Purpose, in.Channels)
	if in.Scope == "all" {
		l.Purpose, l.Channels = "", nil
	}
	return l, warnings, nil
}

// importing takes a list address by address and records it chunk by chunk.
type importing struct {
	a    *API
	c    *Call
	list OppositionList
	out  OppositionResult

	chunk []address
	seen  map[[32]byte]bool // digests of chunk
	last  bool              // Position is that of a chunk
	dry   bool              // nothing is recorded
}

func newImporting(a *API, c *Call, l OppositionList, warnings []event.Warning) *importing {
	return &importing{a: a, c: c, list: l, out: OppositionResult{Warnings: warnings}, seen: map[[32]byte]bool{}}
}

func (im *importing) take(ctx context.Context, line int, in *AddressInput) error {
	im.out.Lines++
	read, code := readAddress(im.a.services.Ledger.Peppers(), in)
	if len(read.keyed) > 0 && read.form != im.list.Form {
		read.keyed, code = nil, codeForm
	}
	if code != "" {
		im.problem(line, code, len(read.keyed) > 0)
	}
	if len(read.keyed) == 0 {
		return nil
	}
	if im.seen[read.digest] {
		im.out.Doubled++
		return nil
	}
	im.seen[read.digest] = true
	if im.chunk = append(im.chunk, read); len(im.chunk) < listChunk {
		return nil
	}
	return im.flush(ctx)
}

func (im *importing) problem(line int, code string, entered bool) {
	if entered {
		im.out.Unreadable++
	} else {
		im.out.Invalid++
	}
	if len(im.out.Problems) < maxProblems {
		im.out.Problems = append(im.out.Problems, ListProblem{line, code, entered})
	}
}

func (im *importing) flush(ctx context.Context) error {
	if len(im.chunk) == 0 {
		return nil
	}
	if im.dry {
		return im.try(ctx)
	}
	sorted := slices.Clone(im.chunk)
	slices.SortFunc(sorted, func(a, b address) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	h, chunk := sha256.New(), ListChunk{Count: len(sorted)}
	for _, x := range sorted {
		h.Write(x.digest[:])
		chunk.Tokens = append(chunk.Tokens, x.keyed...)
	}
	h.Sum(chunk.Digest[:0])
	done, err := im.a.services.Opposition.Import(ctx, im.c.principal.Account, im.list, chunk)
	if err != nil {
		return im.partly(err)
	}
	im.out.ListID = &done.List
	if done.Known {
		im.out.Known += chunk.Count
	} else {
		im.out.Recorded += chunk.Count
	}
	im.out.Position, im.last = max(im.out.Position, done.Position), true
	im.chunk = im.chunk[:0]
	clear(im.seen)
	return nil
}

// partly says that some of the list is recorded: sending it again is safe.
func (im *importing) partly(err error) error {
	if im.out.Recorded == 0 {
		return err
	}
	return &problem.Error{Code: problem.StateUnknown, Cause: err}
}

// end records what is left and gives the answer.
func (im *importing) end(ctx context.Context) (*OppositionResult, error) {
	if err := im.flush(ctx); err != nil {
		return nil, err
	}
	if !im.last {
		head, err := im.a.services.Ledger.Head(ctx)
		if err != nil {
			return nil, fmt.Errorf("head: %w", err)
		}
		im.out.Position = max(head, 1) - 1
	}
	im.out.Status = "recorded"
	if im.dry {
		im.out.Status = "tried"
	}
	if im.out.Recorded == 0 && im.out.Known > 0 {
		im.out.Status = "known"
	}
	return &im.out, nil
}
