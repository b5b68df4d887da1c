package httpapi

import (
	"context"

	"greffe/domain"
	answers "greffe/domain/answer"
	"greffe/domain/contact"
	"greffe/eventstore/access"
)

// The requests and the certificate that testAnswers knows.
var (
	unknownRequest = domain.ID{0xa5, 6: 0x80, 8: 0x80} // by nobody known
	goneRequest    = domain.ID{0xa6, 6: 0x80, 8: 0x80} // by somebody who was erased
	alikeRequest   = domain.ID{0xa8, 6: 0x80, 8: 0x80} // somebody else has the person's address
	aCertificate   = domain.ID{0xce, 6: 0x80, 8: 0x80}
	goneSubject    = domain.ID{0xa7, 6: 0x80, 8: 0x80}
)

// testAnswers writes marked documents, only against a receipt that covers the person.
type testAnswers struct {
	data *testData
	last AnswerRequest
}

// Concerns takes every other id for a request of the one person there is.
func (t *testAnswers) Concerns(_ context.Context, request domain.ID) (domain.ID, error) {
	switch request {
	case unknownRequest:
		return domain.ID{}, nil
	case goneRequest:
		return goneSubject, nil
	case aCertificate:
		return domain.ID{}, ErrNotFound
	}
	return person, nil
}

func (t *testAnswers) check(r access.Receipt, request domain.ID) error {
	if r.Event().IsZero() {
		return errNoReceipt
	}
	switch request {
	case unknownRequest:
		return t.data.check(r)
	case goneRequest:
		return t.data.check(r, goneSubject)
	}
	return t.data.check(r, person, merged)
}

func (t *testAnswers) Write(_ context.Context, r access.Receipt, q AnswerRequest) ([]byte, error) {
	t.data.mu.Lock()
	t.last = q
	t.data.mu.Unlock()
	if err := t.check(r, q.Request); err != nil {
		return nil, err
	}
	if q.Letter == answers.Extension {
		return nil, &answers.MissingError{What: "extension"}
	}
	return []byte(marker), nil
}

func (t *testAnswers) asked() AnswerRequest {
	t.data.mu.Lock()
	defer t.data.mu.Unlock()
	return t.last
}

func (t *testAnswers) Checks(_ context.Context, r access.Receipt, request domain.ID) (*AnswerChecks, error) {
	out := &AnswerChecks{Outcome: answers.Held, Included: []domain.ID{person, merged}, Words: []answers.WordsToRead{{Event: anEvent, Path: marker}}, Open: []string{}}
	if request == alikeRequest {
		out.Candidates = []AnswerCandidate{{SubjectID: goneSubject, Likeness: "shared", By: []string{"email"}}}
	}
	return out, t.check(r, request)
}

func (t *testAnswers) Certificate(_ context.Context, number domain.ID) (*answers.ErasureCertificate, answers.Glossary, error) {
	if number != aCertificate {
		return nil, answers.Glossary{}, ErrNotFound
	}
	return &answers.ErasureCertificate{Number: number, Destroyed: []string{"identity"}, Kept: []answers.KeptLine{}, Whole: true, ErasedAt: domain.NewTime(testNow),
		Controllers: []contact.ControllerLine{{Name: "ACME SAS"}}}, answers.Glossary{}, t.data.get().fail
}
