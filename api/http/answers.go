package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"time"

	files "greffe/api/answer"
	"greffe/api/problem"
	"greffe/domain"
	answers "greffe/domain/answer"
	"greffe/domain/contact"
	"greffe/eventstore/access"
)

// Answers writes what persons are given who use a right: answers, letters and
// certificates. Whatever opens something asks for the receipt of an access to the
// request's person, if one is known, and to everybody merged with it.
type Answers interface {
	// Concerns is the person that a request is about, zero if nobody is known; or
	// ErrNotFound.
	Concerns(ctx context.Context, request domain.ID) (subject domain.ID, err error)
	// Write writes a document. ErrNotFound; *answers.MissingError if it would state what
	// has not happened.
	Write(ctx context.Context, r access.Receipt, q AnswerRequest) ([]byte, error)
	// Checks says what somebody should look at before the answer is sent.
	Checks(ctx context.Context, r access.Receipt, request domain.ID) (*AnswerChecks, error)
	// Certificate answers by the number of one; it opens nothing of anybody.
	Certificate(ctx context.Context, number domain.ID) (*answers.ErasureCertificate, answers.Glossary, error)
}

// AnswerRequest asks for a document about a request.
type AnswerRequest struct {
	Request  domain.ID
	Portable bool          // the data of art. 20
	Letter   answers.Model // a letter; "": the answer of art. 15
	LiftOn   time.Time     // of the letter before a restriction is lifted
	Format   files.Format
	Language answers.Lang
}

// AnswerChecks is what the law leaves to people: who else may be the same person, and
// which words name others (art. 15(4)).
type AnswerChecks struct {
	Outcome    answers.Outcome         `json:"outcome" doc:"held, nothing_held or erased."`
	Included   []domain.ID             `json:"included" doc:"Contacts that the answer holds: the person, and those confirmed to be the same by a merge."`
	Candidates []AnswerCandidate       `json:"candidates" doc:"Contacts that may be the same person. None is in the answer before it is confirmed (POST /v1/subjects/{id}/merge)."`
	Masked     []answers.ProtectedLine `json:"masked" doc:"What the answer withholds of other people."`
	Words      []answers.WordsToRead   `json:"words" doc:"Free text to be read before it is sent: names of others are found by people alone."`
	Open       []string                `json:"open" doc:"What is missing for a complete answer: identity_not_verified, searches_open, register_empty, automated_unstated."`
}

// AnswerCandidate is a contact that may be the same person.
type AnswerCandidate struct {
	SubjectID domain.ID `json:"subject_id"`
	Likeness  string    `json:"likeness" enum:"probable,shared" doc:"probable: the same name and address. shared: an address alone, as families and offices share; it proves nothing."`
	By        []string  `json:"by" doc:"email, phone, name."`
}

// AnswerQuery asks for the answer to a request.
type AnswerQuery struct {
	ID       domain.ID `path:"id" doc:"The request."`
	Format   string    `query:"format" doc:"json, html or pdf; json if absent."`
	Language string    `query:"language" doc:"fr or en; by Accept-Language if absent."`
}

// PortableQuery asks for portable data.
type PortableQuery struct {
	ID     domain.ID `path:"id" doc:"The request."`
	Format string    `query:"format" doc:"json or csv; json if absent."`
}

// RequestLetterQuery asks for a letter.
type RequestLetterQuery struct {
	ID       domain.ID `path:"id" doc:"The request."`
	Model    string    `path:"model" doc:"acknowledgement, identity_request, extension, refusal, nothing_held, access, portability, rectification, erasure, restriction, restriction_lifting, objection, consent_withdrawal."`
	Format   string    `query:"format" doc:"pdf, html or txt; pdf if absent."`
	Language string    `query:"language" doc:"fr or en; by Accept-Language if absent."`
	LiftOn   time.Time `query:"lift_on" doc:"restriction_lifting: when the restriction is to be lifted; in 14 days if absent."`
}

// CertificateQuery names a certificate.
type CertificateQuery struct {
	Number   domain.ID `path:"number" doc:"The number that the person was given."`
	Format   string    `query:"format" doc:"json, html, pdf or txt; json if absent."`
	Language string    `query:"language" doc:"fr or en; by Accept-Language if absent."`
}

// answerRoutes: an answer and portable data are copies of everything, so they need what
// an export of the person needs.
func answerRoutes() []Route {
	copies := Limits{Timeout: time.Minute, Rate: RateSearch}
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	get := http.MethodGet
	conflict := []problem.Code{problem.NotYet}
	return []Route{
		{get, "/v1/requests/{id}/answer", "subjects.export", "The answer of article 15: data, purposes, recipients, durations, source, accesses", copies, false, getAnswer().of(One), conflict},
		{get, "/v1/requests/{id}/answer/checks", "subjects.export", "What to look at before an answer is sent: probable duplicates, words about others", copies, false, getAnswerChecks(), conflict},
		{get, "/v1/requests/{id}/portability", "subjects.export", "The data of article 20, for another controller", copies, false, getPortable().of(One), conflict},
		{get, "/v1/requests/{id}/letters/{model}", "requests.read", "A letter to the person, filled in", read, false, getLetter().of(One), conflict},
		{get, "/v1/certificates/{number}", "requests.read", "Do you hold anything? By the number of an erasure's certificate", read, false, getCertificate(), nil},
	}
}

func mediaOf(formats ...files.Format) (out []string) {
	for _, f := range formats {
		out = append(out, f.Media())
	}
	return out
}

// formatOf is the format asked for, the first if none is.
func formatOf(asked string, known ...files.Format) (files.Format, error) {
	if asked == "" {
		return known[0], nil
	}
	if !slices.Contains(known, files.Format(asked)) {
		return "", problem.At(problem.ParameterInvalid, "format")
	}
	return files.Format(asked), nil
}

func languageOf(c *Call, asked string) (answers.Lang, error) {
	switch asked {
	case "":
		return answers.Lang(pageLanguage(c.r)), nil
	case "fr", "en":
		return answers.Lang(asked), nil
	}
	return "", problem.At(problem.ParameterInvalid, "language")
}

// aboutRequest is the access to a request and to the person it is about. Somebody who
// was erased has no data to be opened: then it is to what is kept of the request.
func (a *API) aboutRequest(ctx context.Context, c *Call, action string, request domain.ID, classes ...string) (access.Reading, error) {
	subject, err := a.services.Answers.Concerns(ctx, request)
	if err != nil {
		return access.Reading{}, err
	}
	c.under(request)
	if subject.IsZero() {
		return access.Reading{Action: action, Categories: []string{"requests"}}, nil
	}
	below, err := a.knownBelow(ctx, "")
	if err != nil {
		return access.Reading{}, err
	}
	reading, err := a.aboutPerson(ctx, c, action, subject, below)
	if errors.Is(err, contact.ErrErased) {
		return access.Reading{Action: action, Categories: []string{"requests"}, Subjects: []domain.ID{subject}, Count: 1}, nil
	}
	if len(classes) > 0 {
		reading.Categories = classes
	}
	return reading, err
}

// aboutCopy is aboutRequest for everything that is held, archives included (art.
// 15(3)): it asks for the permission to read them.
func aboutCopy[In any](id func(in *In) domain.ID) func(context.Context, *API, *Call, *In) (access.Reading, error) {
	return func(ctx context.Context, a *API, c *Call, in *In) (access.Reading, error) {
		if err := c.principal.May(c.rules, "subjects.archived"); err != nil {
			return access.Reading{}, err
		}
		r, err := a.aboutRequest(ctx, c, "export", id(in))
		r.Archived = true
		return r, err
	}
}

// written makes an endpoint whose answer is one file that somebody may read.
func written[In any](reads func(context.Context, *API, *Call, *In) (access.Reading, error), ask func(c *Call, in *In) (AnswerRequest, error), formats ...files.Format) endpoint {
	e := opening(func(ctx context.Context, a *API, c *Call, in *In) (access.Reading, error) {
		if _, err := ask(c, in); err != nil {
			return access.Reading{}, err
		}
		return reads(ctx, a, c, in)
	}, func(ctx context.Context, a *API, c *Call, r access.Receipt, in *In) (answer, error) {
		q, err := ask(c, in)
		if err != nil {
			return answer{}, err
		}
		b, err := a.services.Answers.Write(ctx, r, q)
		var missing *answers.MissingError
		switch {
		case errors.As(err, &missing):
			return answer{}, &problem.Error{Code: problem.NotYet, Field: missing.What, Cause: err}
		case err != nil:
			return answer{}, err
		}
		return filed(b, q.name(), q.Format, q.Language), nil
	})
	e.out, e.gives = nil, mediaOf(formats...)
	return e
}

// name is what the file is called, without its ending.
func (q *AnswerRequest) name() string {
	switch {
	case q.Letter != "":
		return q.Request.String() + "-" + string(q.Letter)
	case q.Portable:
		return q.Request.String() + "-portability"
	}
	return q.Request.String()
}

func getAnswer() endpoint {
	formats := []files.Format{files.JSON, files.HTML, files.PDF}
	return written(aboutCopy(func(in *AnswerQuery) domain.ID { return in.ID }), func(c *Call, in *AnswerQuery) (q AnswerRequest, err error) {
		q.Request = in.ID
		if q.Format, err = formatOf(in.Format, formats...); err == nil {
			q.Language, err = languageOf(c, in.Language)
		}
		return q, err
	}, formats...)
}

func getPortable() endpoint {
	formats := []files.Format{files.JSON, files.CSV}
	return written(aboutCopy(func(in *PortableQuery) domain.ID { return in.ID }), func(_ *Call, in *PortableQuery) (q AnswerRequest, err error) {
		q.Request, q.Portable = in.ID, true
		q.Format, err = formatOf(in.Format, formats...)
		return q, err
	}, formats...)
}

// getLetter opens of the person its name and address alone.
func getLetter() endpoint {
	formats := []files.Format{files.PDF, files.HTML, files.Text}
	return written(func(ctx context.Context, a *API, c *Call, in *RequestLetterQuery) (access.Reading, error) {
		return a.aboutRequest(ctx, c, "read", in.ID, "contact_details", "identity", "requests")
	}, func(c *Call, in *RequestLetterQuery) (q AnswerRequest, err error) {
		q.Request, q.Letter, q.LiftOn = in.ID, answers.Model(in.Model), in.LiftOn
		if !slices.Contains(answers.Models(), q.Letter) {
			return q, ErrNotFound
		}
		if q.Format, err = formatOf(in.Format, formats...); err == nil {
			q.Language, err = languageOf(c, in.Language)
		}
		return q, err
	}, formats...)
}

// ChecksQuery asks what to look at before an answer is sent.
type ChecksQuery struct {
	ID domain.ID `path:"id" doc:"The request."`
}

func getAnswerChecks() endpoint {
	return opening(aboutCopy(func(in *ChecksQuery) domain.ID { return in.ID }), func(ctx context.Context, a *API, c *Call, r access.Receipt, in *ChecksQuery) (*AnswerChecks, error) {
		out, err := a.services.Answers.Checks(ctx, r, in.ID)
		if err != nil {
			return nil, err
		}
		if len(out.Candidates) == 0 {
			return out, nil
		}
		var who []domain.ID
		for _, x := range out.Candidates {
			who = append(who, x.SubjectID)
		}
		return out, a.recordAll(c, access.Reading{Action: "search", Categories: []string{"identity", "contact_details"}}, who, len(who))
	})
}

// getCertificate gives nothing that the certificate's number does not stand for: no
// name, no address; it opens nothing.
func getCertificate() endpoint {
	formats := []files.Format{files.JSON, files.HTML, files.PDF, files.Text}
	e := plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *CertificateQuery) (answer, error) {
		f, err := formatOf(in.Format, formats...)
		if err != nil {
			return answer{}, err
		}
		l, err := languageOf(c, in.Language)
		if err != nil {
			return answer{}, err
		}
		cert, words, err := a.services.Answers.Certificate(ctx, in.Number)
		if err != nil {
			return answer{}, err
		}
		var b []byte
		if f == files.JSON {
			b, err = files.Machine(cert)
		} else {
			b, err = files.Document(cert.Document(l, words), f)
		}
		return filed(b, "certificate-"+in.Number.String(), f, l), err
	})
	e.out, e.gives = reflect.TypeFor[answers.ErasureCertificate](), mediaOf(formats...)
	return e
}

// filed is a file as an answer, with its digest: request.answered takes it.
func filed(b []byte, name string, f files.Format, l answers.Lang) answer {
	sum := sha256.Sum256(b)
	h := map[string]string{"Content-Disposition": `attachment; filename="` + name + "." + string(f) + `"`,
		"Repr-Digest": "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":", "X-Greffe-Answer-Digest": hex.EncodeToString(sum[:])}
	if l != "" {
		h["Content-Language"] = string(l)
	}
	if f == files.HTML {
		h["Content-Security-Policy"] = files.ContentPolicy()
	}
	return answer{status: http.StatusOK, bytes: b, media: f.Media(), header: h}
}
