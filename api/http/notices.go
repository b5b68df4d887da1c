package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
)

// Notices keeps the texts people are informed with (mentions d'information, art.
// 13 and 14), by id, version and language.
type Notices interface {
	// Publish makes a notice known; made is false when it was already, with the
	// same text. ErrConflict: that version has another text in that language.
	Publish(ctx context.Context, actor domain.ID, n NoticeInput) (out *Notice, made bool, err error)
	// List lists notices in the order of publication, without their texts.
	List(ctx context.Context, f NoticeFilter, page Page) (items []Notice, next string, err error)
	// Get is one with its text, or ErrNotFound.
	Get(ctx context.Context, id, version, language string) (*Notice, error)
}

// NoticeInput is a notice to publish.
type NoticeInput struct {
	ID            string    `json:"id" doc:"Your name of the notice, such as web-form."`
	Version       string    `json:"version"`
	Language      string    `json:"language" doc:"BCP 47, such as fr."`
	Text          string    `json:"text" doc:"The text as people are shown it, at most 256 KiB."`
	Purposes      []string  `json:"purposes,omitempty" doc:"Purposes of the policy it informs of."`
	EffectiveFrom time.Time `json:"effective_from,omitzero" doc:"From when it is shown; now if absent."`
}

// Notice is a published notice.
type Notice struct {
	Notice        domain.ID       `json:"notice" doc:"Stands as the code \"notice\" in facts that name this id, version and language."`
	ID            string          `json:"id"`
	Version       string          `json:"version"`
	Language      string          `json:"language"`
	SHA256        string          `json:"sha256" doc:"Of the text in UTF-8, in hexadecimal."`
	Purposes      []string        `json:"purposes,omitempty"`
	EffectiveFrom time.Time       `json:"effective_from"`
	Published     time.Time       `json:"published"`
	Position      domain.Position `json:"position"`
	Text          string          `json:"text,omitempty" doc:"Absent in lists."`
}

// NoticeFilter selects notices; zero members select all.
type NoticeFilter struct{ ID, Version, Language string }

// NoticesQuery asks for a page of notices.
type NoticesQuery struct {
	ID       string `query:"id" doc:"Versions and languages of this notice only."`
	Version  string `query:"version" doc:"This version only."`
	Language string `query:"language" doc:"This language only."`
	Paging
}

// NoticeQuery names one notice.
type NoticeQuery struct {
	ID       string `path:"id" doc:"Your name of the notice."`
	Version  string `path:"version" doc:"Its version."`
	Language string `path:"language" doc:"Its language."`
}

type noticeBody struct{ Body NoticeInput }

const (
	maxNoticeText = 256 << 10
	maxNoticeName = 128
)

func noticeRoutes() []Route {
	read := Limits{Timeout: 30 * time.Second, Rate: RateRead}
	return []Route{
		{http.MethodGet, "/v1/notices", "notices.read", "Notices by id, version and language", read, false, listNotices(), nil},
		{http.MethodGet, "/v1/notices/{id}/{version}/{language}", "notices.read", "One notice with its text", read, false, getNotice(), nil},
		{http.MethodPost, "/v1/notices", "notices.write", "Publish a notice; a version never changes its text",
			Limits{Body: 2 << 20, Timeout: 30 * time.Second, Rate: RateChange}, true, postNotice(), writing()},
	}
}

func listNotices() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, _ *Call, in *NoticesQuery) (*List[Notice], error) {
		page, err := in.page(false)
		if err != nil {
			return nil, err
		}
		items, next, err := a.services.Notices.List(ctx, NoticeFilter{in.ID, in.Version, strings.ToLower(in.Language)}, page)
		if err != nil {
			return nil, err
		}
		if items == nil {
			items = []Notice{}
		}
		return &List[Notice]{items, next}, nil
	})
}

func getNotice() endpoint {
	return plain(http.StatusOK, func(ctx context.Context, a *API, c *Call, in *NoticeQuery) (*Notice, error) {
		if c.r.URL.RawPath != "" { // names with a slash come escaped, and are routed so
			for _, s := range []*string{&in.ID, &in.Version, &in.Language} {
				plain, err := url.PathUnescape(*s)
				if err != nil {
					return nil, ErrNotFound
				}
				*s = plain
			}
		}
		return a.services.Notices.Get(ctx, in.ID, in.Version, in.Language)
	})
}

func postNotice() endpoint {
	e := plain(http.StatusCreated, func(ctx context.Context, a *API, c *Call, in *noticeBody) (answer, error) {
		if err := in.Body.Check(c.rules, a.cfg.Now()); err != nil {
			return answer{}, err
		}
		out, made, err := a.services.Notices.Publish(ctx, c.principal.Account, in.Body)
		if err != nil {
			return answer{}, err
		}
		if !made {
			return answer{status: http.StatusOK, body: out}, nil
		}
		return answer{status: http.StatusCreated, body: out}, nil
	})
	e.out = typeOf[*Notice]()
	return e
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)

// Check refuses what is no notice under a policy, and completes what is: the
// language in lower case, an effect from now on. The error names the field.
func (n *NoticeInput) Check(rules *policy.Policy, now time.Time) error {
	for _, f := range []struct {
		name, value string
		most        int
	}{{"id", n.ID, maxNoticeName}, {"version", n.Version, maxNoticeName}, {"language", n.Language, maxNoticeName}, {"text", n.Text, maxNoticeText}} {
		switch {
		case strings.TrimSpace(f.value) == "":
			return problem.At(problem.FieldRequired, f.name)
		case len(f.value) > f.most, !utf8.ValidString(f.value), f.name != "text" && strings.ContainsFunc(f.value, unicode.IsControl):
			return problem.At(problem.FieldInvalid, f.name)
		}
	}
	if !languageTag.MatchString(n.Language) {
		return problem.At(problem.FieldInvalid, "language")
	}
	n.Language = strings.ToLower(n.Language)
	for _, p := range n.Purposes {
		if !rules.Purpose(p) {
			return problem.At(problem.FieldInvalid, "purposes")
		}
	}
	if n.EffectiveFrom.IsZero() {
		n.EffectiveFrom = now.UTC()
	}
	if y := n.EffectiveFrom.Year(); y < 1900 || y > 9000 {
		return problem.At(problem.FieldInvalid, "effective_from")
	}
	return nil
}
