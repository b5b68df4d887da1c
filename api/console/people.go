package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// peoplePage is the search for people. What was searched for is in no address.
type peoplePage struct {
	By, Text, Source string
	Searched         bool
	Hits             []hit
	Next             string
	Problem          string
	Nobody           string // what to try where nobody was found
	CSRF             string
	Quiet            bool // part of another page
}

type hit struct {
	ID, Href, Short string
	Name            string
	Note            string // what sets the file apart, where nothing of it is shown
	Values          []pair
}

// Called is the name of somebody found, or what stands for it.
func (h hit) Called() string { return cmp.Or(h.Name, h.Short) }

func (c *Console) people(_ context.Context, v *visit) error {
	v.show(http.StatusOK, "people", v.words.t("people"), &peoplePage{By: "email", CSRF: v.csrf})
	return nil
}

// findPeople searches, and shows what is known of the first who were found.
func (c *Console) findPeople(ctx context.Context, v *visit) error {
	in := v.r.PostForm
	p := &peoplePage{By: in.Get("by"), Text: strings.TrimSpace(in.Get("text")), Source: strings.TrimSpace(in.Get("source")), Searched: true, CSRF: v.csrf}
	ask := map[string]any{"limit": 20}
	switch p.By {
	case "email", "phone", "name":
		ask[p.By] = p.Text
	case "external_id":
		ask[p.By] = map[string]string{"source": p.Source, "subject": p.Text}
	default:
		return &refused{Status: http.StatusBadRequest, Code: "form"}
	}
	if c := in.Get("cursor"); c != "" {
		ask["cursor"] = c
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	answer, err := v.ask(ctx, &request{method: http.MethodPost, path: "/v1/subjects/search", body: body, media: "application/json", accept: "application/json"})
	if err != nil {
		return err
	}
	found, err := answer.value()
	var no *refused
	if errors.As(err, &no) && (no.Code == "search_forbidden" || no.Field != "" && no.Status == http.StatusBadRequest && no.Field != "X-Greffe-Reason") {
		p.Problem = v.why(no)
		v.show(no.Status, "people", v.words.t("people"), p)
		return nil
	}
	if err != nil {
		return err
	}
	p.Next, p.Nobody = found.text("next"), v.words.t("nobody")
	if p.By == "name" {
		p.Nobody = v.words.t("nobody_name")
	}
	items := found.at("items").list
	if len(items) == 1 && p.Next == "" {
		v.leave(Root + "/people/" + items[0].text("subject_id"))
		return nil
	}
	for _, it := range items {
		p.Hits = append(p.Hits, v.hit(ctx, it.text("subject_id")))
	}
	v.show(http.StatusOK, "people", v.words.t("people"), p)
	return nil
}

// hit is somebody found, with a name if the visitor may see one.
func (v *visit) hit(ctx context.Context, id string) hit {
	h := hit{ID: id, Href: Root + "/people/" + id, Short: short(id)}
	if s, err := v.get(ctx, "/v1/subjects/"+id+"?classes=identity,contact_details"); err == nil {
		h.Name = name(s)
		for _, part := range []string{"person.birth_date", "person.emails", "person.phones", "person.postal_address.postal_code", "person.postal_address.city", "company", "kind", "last_activity_at"} {
			if w := s.at(part); !w.empty() {
				h.Values = append(h.Values, pair{Label: v.words.label(last(part)), Name: last(part), Value: v.words.cell(last(part), w)})
			}
		}
	} else {
		h.Note = v.footprint(ctx, id)
	}
	return h
}

// mostRecords is how many records of a file are counted to set it apart from others.
const mostRecords = 100

// footprint is how much is recorded about somebody and since when, for who is shown
// neither name nor address: two files of one name are told apart by it. It opens nothing;
// that it was looked at is recorded.
func (v *visit) footprint(ctx context.Context, id string) string {
	if !v.allowed(eventsOp) {
		return ""
	}
	answer, err := v.get(ctx, v.c.spec[eventsOp].path+"?"+url.Values{"subject_id": {id}, "limit": {strconv.Itoa(mostRecords)}}.Encode())
	items := answer.at("items").list
	if err != nil || len(items) == 0 {
		return ""
	}
	key := "footprint"
	if answer.text("next") != "" {
		key = "footprint_more"
	}
	return v.words.say(key, "n", itoa(len(items)), "first", v.words.dated(items[0].at("time")).Text, "last", v.words.dated(items[len(items)-1].at("time")).Text)
}

// calledOf looks up what persons of a list are called, at most most of them, for who may
// read about them; the others stay their ids.
func (v *visit) calledOf(ctx context.Context, ids []string, most int) map[string]string {
	out := map[string]string{}
	for _, id := range ids {
		if _, known := out[id]; !known && len(out) < most {
			out[id] = v.nameOf(ctx, id)
		}
	}
	return out
}

// name is how a person is called, as far as the visitor sees it.
func name(s value) string {
	return strings.TrimSpace(s.text("person.given_name") + " " + s.text("person.family_name"))
}
