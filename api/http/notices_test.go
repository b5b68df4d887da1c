package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestNoticesArePublishedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withConsents(newTestConsents(nil)))
	key := "Bearer " + w.token(authRequest("dpo"))
	post := func(body string) reply { return w.call(http.MethodPost, "/v1/notices", body, "Authorization", key) }
	const good = `{"id":"web-form","version":"3","language":"fr-FR","text":"J'accepte","purposes":["prospecting"],"effective_from":"2026-01-01T00:00:00Z"}`
	var n Notice
	first := post(good)
	if err := json.Unmarshal([]byte(first.body), &n); err != nil || first.status != http.StatusCreated || n.Language != "fr-fr" || n.ID != "web-form" || n.Position != 7 {
		t.Fatalf("%d %s %v", first.status, first.body, err)
	}
	if again := post(good); again.status != http.StatusOK || again.body != first.body {
		t.Errorf("again: %d %s", again.status, again.body)
	}
	if other := post(strings.Replace(good, "J'accepte", "J'accepte tout", 1)); other.status != http.StatusConflict || other.code(t) != "conflict" {
		t.Errorf("another text: %d %s", other.status, other.body)
	}
	if list := w.call(http.MethodGet, "/v1/notices?id=web-form", ""); list.status != http.StatusOK || strings.Count(list.body, `"version"`) != 1 {
		t.Errorf("list: %d %s", list.status, list.body)
	}
	if list := w.call(http.MethodGet, "/v1/notices?id=other", ""); !strings.HasPrefix(list.body, `{"items":[]`) {
		t.Errorf("none: %s", list.body)
	}
}

func TestNoticesThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withConsents(newTestConsents(nil)))
	key := "Bearer " + w.token(authRequest("dpo"))
	for name, c := range map[string]struct{ body, code, field string }{
		"no id":              {`{"version":"3","language":"fr","text":"x"}`, "field_required", "id"},
		"blank version":      {`{"id":"a","version":" ","language":"fr","text":"x"}`, "field_required", "version"},
		"no language":        {`{"id":"a","version":"3","text":"x"}`, "field_required", "language"},
		"no text":            {`{"id":"a","version":"3","language":"fr"}`, "field_required", "text"},
		"a sentence for tag": {`{"id":"a","version":"3","language":"en français","text":"x"}`, "field_invalid", "language"},
		"a line break":       {`{"id":"a\nb","version":"3","language":"fr","text":"x"}`, "field_invalid", "id"},
		"a long id":          {`{"id":"` + strings.Repeat("a", 129) + `","version":"3","language":"fr","text":"x"}`, "field_invalid", "id"},
		"a long text":        {`{"id":"a","version":"3","language":"fr","text":"` + strings.Repeat("a", maxNoticeText+1) + `"}`, "field_invalid", "text"},
		"unknown purpose":    {`{"id":"a","version":"3","language":"fr","text":"x","purposes":["` + marker + `"]}`, "field_invalid", "purposes"},
		"far away":           {`{"id":"a","version":"3","language":"fr","text":"x","effective_from":"0001-01-02T00:00:00Z"}`, "field_invalid", "effective_from"},
		"unknown field":      {`{"id":"a","version":"3","language":"fr","text":"x","` + marker + `":1}`, "field_unknown", ""},
	} {
		got := w.call(http.MethodPost, "/v1/notices", c.body, "Authorization", key)
		if got.code(t) != c.code || c.field != "" && !strings.Contains(got.body, `"`+c.field+`"`) || strings.Contains(got.body, marker) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := w.call(http.MethodPost, "/v1/notices", `{}`, "Authorization", "Bearer "+w.token(authRequest("agent"))); got.code(t) != "permission_missing" {
		t.Errorf("an agent publishes: %s", got.body)
	}
}

func TestOneNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withConsents(newTestConsents(nil)))
	for path, want := range map[string]string{
		"/v1/notices/web-form/3/fr":                  `"id":"web-form","version":"3","language":"fr"`,
		"/v1/notices/forms%2Fnewsletter/2026%2F1/fr": `"id":"forms/newsletter","version":"2026/1","language":"fr"`,
		"/v1/notices/caf%C3%A9/3/fr":                 `"id":"café"`,
	} {
		if got := w.call(http.MethodGet, path, ""); got.status != http.StatusOK || !strings.Contains(got.body, want) || !strings.Contains(got.body, `"text":"text"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := w.call(http.MethodGet, "/v1/notices/none/3/fr", ""); got.status != http.StatusNotFound || got.code(t) != "not_found" {
		t.Errorf("none: %d %s", got.status, got.body)
	}
}
