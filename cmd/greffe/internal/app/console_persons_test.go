package app

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"greffe/domain/event"
)

// camille is a contact with a consent whose text is published, its withdrawal by one
// channel, an objection, and another contact of the same name and address.
func camille(t *testing.T, s *consoleSite) (one, other string) {
	t.Helper()
	sent := func(id, subject, typ, at, data string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"shop/web","type":%q,"subject":%q,"time":%q,"data":%s}`, id, typ, subject, at, data)
	}
	const who = `"given_name":"Camille","family_name":"Zqaubertin","emails":["zqcamille@example.org"],"phones":["0639980123"]`
	res := record(t, s.open,
		sent("k1", "K-1", "contact.created", "2026-01-10T09:00:00Z", `{"kind":"client","person":{`+who+`,"birth_date":"1988-04-02"},"collection":{"channel":"web_form","purposes":["prospecting","customer_service"]}}`),
		sent("k2", "K-1", "consent.granted", "2026-01-10T09:00:00Z", `{"purpose":"prospecting","channels":["email","sms"],"method":"web_form","act":"box ticked","prechecked":false,"notice":{"id":"web","version":"1","language":"fr","text":"Zqtexte montré alors."}}`),
		sent("k3", "K-1", "consent.withdrawn", "2026-02-20T09:00:00Z", `{"purpose":"prospecting","channels":["email"],"method":"unsubscribe_link"}`),
		sent("k4", "K-1", "opposition.registered", "2026-03-01T09:00:00Z", `{"purpose":"prospecting","channels":["phone"]}`),
		sent("k5", "K-2", "contact.created", "2026-02-10T09:00:00Z", `{"kind":"prospect","person":{`+who+`,"birth_date":"1988-04-03"}}`))
	return res[0].Subject.String(), res[4].Subject.String()
}

func (s *consoleSite) tells(p shownPage, status int, all ...string) {
	s.Helper()
	for _, text := range all {
		if p.status != status || !strings.Contains(p.text, text) {
			from := max(0, strings.Index(p.text, "<main"))
			s.Errorf("%d to %q, without %q: %.2500s", p.status, p.to, text, p.text[from:])
			return
		}
	}
}

func (s *consoleSite) counted(of event.Type, want int) {
	s.Helper()
	s.ok(s.open.CaughtUp(s.Context()))
	if n := len(s.facts(of)); n != want {
		s.Errorf("%d facts %s, not %d", n, of, want)
	}
}

// TestConsolePerson: a person at a date, the same moment on every tab and its way back,
// the consents as cards with the text as it was shown, the timeline filtered, and who
// looked with the account's name.
func TestConsolePerson(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	one, _ := camille(t, s)
	s.signIn("dpo")
	s.because("rights_request")
	at := "/console/people/" + one
	s.tells(s.get(at), http.StatusOK, `data-for="as_of"`, `data-at="2026-03-01T10:00"`, "Zqaubertin", "Record an objection", "/console/merge/"+one)
	s.tells(s.get(at+"?tab=contact"), http.StatusOK, `href="#rule-1"`, `id="rule-1"`)
	past := s.get(at + "?as_of=2026-02-01")
	s.tells(past, http.StatusOK, "View of the past:", "as known now", "true on 1 February 2026, 23:59", `href="/console/people/`+one+`"`, `tab=consents`, "as_of=2026-02-01T23%3A59", `data-at="2026-02-20T10:00"`)
	if strings.Contains(past.text, "Objections</span>") {
		t.Error("an objection is shown before it was made")
	}
	cards := s.get(at + "?tab=consents")
	s.tells(cards, http.StatusOK, "Zqtexte montré alors.", "Text that came with the consent.", "/receipt/file", "/proof/file", "Withdrawn", "Granted", "box ticked")
	s.tells(s.get(at+"?tab=consents&as_of=2026-02-01"), http.StatusOK, "Granted")
	if strings.Contains(s.get(at+"?tab=consents&as_of=2026-02-01").text, `<span class="badge stop">`) {
		t.Error("a consent is withdrawn before it was")
	}
	proof, _, _ := strings.Cut(cards.text[strings.Index(cards.text, "/console/events/"):], `"`)
	if f := s.get(strings.TrimSuffix(proof, "/receipt/file") + "/proof/file"); f.status != http.StatusOK || !strings.Contains(f.header.Get("Content-Disposition"), ".tlog-proof") {
		t.Errorf("proof: %d %v", f.status, f.header)
	}
	only := s.get(at + "?tab=history&group=opposition")
	s.tells(only, http.StatusOK, "Objection registered", "<option value=\"consent\">", "shop/web")
	if strings.Contains(only.text, "Consent given</strong>") {
		t.Error("the filter keeps what it should not")
	}
	if p := s.get(at + "?tab=history&from=2026-02-25"); !strings.Contains(p.text, "Objection registered") || strings.Contains(p.text, "Consent withdrawn</strong>") {
		t.Error("the period bounds nothing")
	}
	looks := s.get(at + "?tab=accesses&since=month")
	s.tells(looks, http.StatusOK, "Looks by day", "<rect", "Zqstaff", "Show all")
	if p := s.get(at + "?as_of=nonsense"); p.status != http.StatusBadRequest {
		t.Errorf("a date that is none: %d", p.status)
	}
}

// TestConsoleMerge: two people side by side, what differs said in words, one fact when they
// are merged, and what came between - a merge, an erasure - is shown and records nothing.
func TestConsoleMerge(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	one, other := camille(t, s)
	s.signIn("dpo")
	s.because("rights_request")
	s.tells(s.get("/console/duplicates"), http.StatusOK, "What they share:", "/console/merge/")
	pair := "/console/merge/" + one + "~" + other
	s.tells(s.get(pair), http.StatusOK, "≠", "different", "shown afterwards", "Do not pass over", "United: every objection")
	form := s.filled(pair, url.Values{"keep": {one}})
	late := s.filled(pair, url.Values{"keep": {other}})
	if p := s.send(http.MethodPost, pair, form, nil); p.to != "/console/people/"+one+"?done=merged" {
		t.Fatalf("merged: %d to %q", p.status, p.to)
	}
	s.counted(event.ContactMerged, 1)
	if p := s.send(http.MethodPost, pair, form, nil); p.to != "/console/people/"+one+"?done=merged" {
		t.Errorf("sent twice: %d to %q", p.status, p.to)
	}
	s.tells(s.send(http.MethodPost, pair, late, nil), http.StatusConflict, "of one person already")
	s.counted(event.ContactMerged, 1)
	s.tells(s.get("/console/people/"+one), http.StatusOK, "/console/merged/"+other+"~"+one+"/undo")
	if p := s.send(http.MethodPost, "/console/merged/"+other+"~"+one+"/undo", s.filled("/console/merged/"+other+"~"+one+"/undo", url.Values{}), nil); p.status != http.StatusSeeOther {
		t.Errorf("undone: %d %.500s", p.status, p.text)
	}
	s.counted(event.ContactUnmerged, 1)
	late = s.filled(pair, url.Values{"keep": {one}})
	erase := "/console/people/" + other + "/erase"
	if p := s.send(http.MethodPost, erase, s.filled(erase, url.Values{"ground": {"art17.1.b"}, "understood": {"yes"}}), nil); p.status != http.StatusSeeOther {
		t.Fatalf("erased: %d %.900s", p.status, p.text)
	}
	s.tells(s.send(http.MethodPost, pair, late, nil), http.StatusGone, `role="alert"`, "erased")
	s.counted(event.ContactMerged, 1)
}

// TestConsoleOpposition: an objection taken in by hand binds at once; a list is tried
// without a fact, then recorded by its confirmation alone; an address is looked for in a
// form's body.
func TestConsoleOpposition(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	one, _ := camille(t, s)
	s.signIn("dpo")
	s.because("rights_request")
	at := "/console/opposition/new/object?subject_id=" + one
	if p := s.send(http.MethodPost, "/console/opposition/new/object", s.filled(at, url.Values{"subject_id": {one}, "purpose": {"prospecting"}, "channels": {"sms"}}), nil); p.to != "/console/people/"+one+"?done=objected" {
		t.Fatalf("objected: %d to %q %.900s", p.status, p.to, p.text)
	}
	s.counted(event.OppositionRegistered, 2)
	const where = "/console/contactability"
	s.tells(s.send(http.MethodPost, where, s.filled(where, url.Values{"whom": {one}, "channel": {"sms"}, "purpose": {"prospecting"}}), nil), http.StatusOK, "opposition.person", "Only the person can take it back", "Objection registered")
	const imp = "/console/opposition/new/import"
	tried := s.upload(imp, s.filled(imp, url.Values{"list": {"Router 2026"}, "purpose": {"prospecting"}, "channels": {"email", "sms"}}), "list.txt", "zqlisted@example.org\nzqcamille@example.org\nnot an address\n\n")
	s.tells(tried, http.StatusOK, "What the import would do", "Nothing was recorded.", "No address", "Confirm the import")
	s.counted(event.OppositionListed, 0)
	form := url.Values{"list": {"Router 2026"}, "purpose": {"prospecting"}, "channels": {"email", "sms"}}
	for _, name := range []string{"csrf", "number", "kept"} {
		_, rest, _ := strings.Cut(tried.text, `name="`+name+`" value="`)
		v, _, _ := strings.Cut(rest, `"`)
		form.Set(name, v)
	}
	if p := s.send(http.MethodPost, imp, form, nil); p.to != "/console/opposition?origin=list&done=imported" {
		t.Fatalf("imported: %d to %q %.900s", p.status, p.to, p.text)
	}
	s.counted(event.OppositionListed, 1)
	again := s.upload(imp, s.filled(imp, url.Values{"list": {"Router 2026"}, "purpose": {"prospecting"}, "channels": {"email", "sms"}}), "list.csv", "email\nzqlisted@example.org\nzqnew@example.org\n")
	s.tells(again, http.StatusOK, "Bound already</span><strong>1</strong>", "To be added</span><strong>1</strong>")
	found := s.send(http.MethodPost, "/console/opposition", s.filled("/console/opposition", url.Values{"whom": {"zqlisted@example.org"}}), nil)
	s.tells(found, http.StatusOK, "is on the opposition list", "Imported list")
	s.tells(s.send(http.MethodPost, "/console/opposition", s.filled("/console/opposition", url.Values{"whom": {"zqfree@example.org"}}), nil), http.StatusOK, "is not on the opposition list")
	if p := s.get("/console/opposition/new/check"); p.status != http.StatusNotFound {
		t.Errorf("the generic check is still there: %d", p.status)
	}
}

// TestConsoleQuarantine: what was set aside is grouped by reason; a correction is tried
// without a fact, comes back with what is still wrong, and is recorded once it is right;
// who may not correct sees no content.
func TestConsoleQuarantine(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	const bad = `{"specversion":"1.0","id":"q1","source":"crm/eu","type":"contact.exploded","subject":"Q-1","time":"` + past + `","data":{"kind":"client","person":{"given_name":"Zqheld"}}}`
	record(t, s.open, bad)
	s.signIn("dpo")
	s.because("rights_request")
	list := s.get("/console/quarantine")
	s.tells(list, http.StatusOK, "Type not in the catalogue", "reason=type_unknown")
	_, rest, _ := strings.Cut(list.text, `<a href="/console/quarantine/`)
	id, _, _ := strings.Cut(rest, `"`)
	at := "/console/quarantine/" + id
	s.tells(s.get("/console/quarantine?reason=type_unknown"), http.StatusOK, at)
	if p := s.get("/console/quarantine?reason=field_required"); p.status != http.StatusOK || strings.Contains(p.text, at) {
		t.Errorf("of another reason: %d %s", p.status, p.main())
	}
	s.tells(s.get(at), http.StatusOK, "contact.exploded", "Zqheld", "<code>type</code>")
	s.tells(s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {strings.Replace(bad, "exploded", "burst", 1)}, "do": {"try"}}), nil), http.StatusOK, "would be set aside again", "contact.burst")
	good := strings.Replace(bad, "exploded", "created", 1)
	s.tells(s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {good}, "do": {"try"}}), nil), http.StatusOK, "would be taken in")
	s.tells(s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {"{"}, "do": {"repair"}}), nil), http.StatusBadRequest, `role="alert"`)
	s.counted(event.ContactCreated, 1)
	if p := s.send(http.MethodPost, at, s.filled(at, url.Values{"raw": {good}, "do": {"repair"}}), nil); !strings.HasSuffix(p.to, "?done=repaired") {
		t.Fatalf("repaired: %d to %q %.900s", p.status, p.to, p.text)
	}
	s.counted(event.ContactCreated, 2)
	s.tells(s.get(at), http.StatusOK, "Ended:")
	s.saysNot(s.get(at), "Zqheld", "Repair and record")
	s.tells(s.get("/console/quarantine"), http.StatusOK, "Nothing is in quarantine")
	s.signIn("admin")
	if p := s.get(at); p.status != http.StatusForbidden || strings.Contains(p.text, "Zqheld") {
		t.Errorf("an administrator is shown what was held: %d", p.status)
	}
}

// TestConsoleTexts: versions of a notice side by side, what unproven consents lack and what
// to do, a source's calendar, and how other systems are read.
func TestConsoleTexts(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	s.signIn("dpo")
	s.because("rights_request")
	for version, text := range map[string]string{"1": "Same line\nFirst words", "2": "Same line\nOther words"} {
		at := "/console/notices/new/publish"
		if p := s.send(http.MethodPost, at, s.filled(at, url.Values{"id": {"web"}, "version": {version}, "language": {"fr"}, "text": {text}}), nil); p.status != http.StatusSeeOther {
			t.Fatalf("published: %d %.900s", p.status, p.text)
		}
	}
	s.counted(event.NoticePublished, 2)
	s.tells(s.get("/console/notices"), http.StatusOK, "/console/notices/web~2~fr", "v1 (fr)")
	s.tells(s.get("/console/notices/web~1~fr?with=2~fr"), http.StatusOK, "First words", "Other words", "line of this text alone", "Put side by side")
	if p := s.get("/console/notices/web~1~fr?with=9~fr"); p.status != http.StatusNotFound {
		t.Errorf("a version that is not there: %d", p.status)
	}
	record(t, s.open, `{"specversion":"1.0","id":"u1","source":"crm/eu","type":"consent.granted","subject":"M-1","time":"`+past+`","data":{"purpose":"prospecting","channels":["email"],"method":"web_form","act":"x"}}`)
	s.tells(s.get("/console/unproven"), http.StatusOK, "Text shown missing", "Publish the text shown", "crm/eu")
	s.tells(s.get("/console/mappings"), http.StatusOK, "POST /v1/ingest/brevo", "How a message is recognised")
	list := s.get("/console/producers").text
	_, rest, _ := strings.Cut(list, `href="/console/producers/`)
	id, _, _ := strings.Cut(rest, `"`)
	s.tells(s.get("/console/producers/"+id), http.StatusOK, `<table class="calendar">`, "nothing on that day", "crm/eu")
	if p := s.get("/console/producers/" + id); strings.Contains(p.text, `class="gap"`) {
		t.Errorf("a gap that there is not: %s", p.main())
	}
	for _, n := range []string{"1", "4"} { // 2 and 3 never came
		record(t, s.open, `{"specversion":"1.0","id":"n`+n+`","source":"crm/eu","type":"interaction.recorded","subject":"M-1","time":"`+past+`","sequence":"`+n+`","data":{"kind":"visit"}}`)
	}
	s.tells(s.get("/console/producers/"+id), http.StatusOK, `<td class="gap">`, "<strong>−2</strong>")
	for _, n := range []string{"2", "3"} {
		record(t, s.open, `{"specversion":"1.0","id":"n`+n+`","source":"crm/eu","type":"interaction.recorded","subject":"M-1","time":"`+past+`","sequence":"`+n+`","data":{"kind":"visit"}}`)
	}
	if p := s.get("/console/producers/" + id); strings.Contains(p.text, `class="gap"`) {
		t.Error("what came after all on the same day is still a gap")
	}
	s.tells(s.get("/console/contacts"), http.StatusOK, "No contact was made that was not allowed")
}

// TestConsoleContactsInParts: a page looks through a part of the period and leads to the
// next; together the parts show what the whole shows, and the whole what was sent.
func TestConsoleContactsInParts(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	record(t, s.open, `{"specversion":"1.0","id":"parts","source":"crm/eu","type":"contact.created","subject":"M-parts","time":"`+past+`","data":{"kind":"prospect","person":{"emails":["in-parts@example.org"]}}}`)
	now := s.open.cfg.Now().Add(time.Second)
	var batch [][]byte
	const sent = 2005
	for len(batch) < sent {
		batch = append(batch, fmt.Appendf(nil, `{"specversion":"1.0","id":"parts-%d","source":"crm/eu","type":"interaction.recorded","subject":"M-parts","time":%q,"data":{"kind":"sent","direction":"out","channel":"email","object":"prospecting"}}`,
			len(batch), now.Format(time.RFC3339)))
	}
	must(s.open.Record(t.Context(), batch))(t)
	s.signIn("dpo")
	s.because("audit")
	found := map[string]bool{}
	where, parts := "/console/contacts?from=2020-01-01", 0
	for ; where != "" && parts < 30; parts++ {
		p := s.get(where)
		s.tells(p, http.StatusOK, "Only a part of the period")
		for _, id := range regexp.MustCompile(`/console/events/[0-9a-f-]{36}`).FindAllString(p.text, -1) {
			found[id] = true
		}
		where = ""
		for _, href := range hrefs(p.text) {
			if strings.Contains(href, "/console/contacts?") && strings.Contains(href, "cursor=") && !strings.Contains(href, "language=") {
				where = href
			}
		}
	}
	if len(found) != sent || parts < 11 {
		t.Errorf("%d contacts were found in %d parts, %d were sent", len(found), parts, sent)
	}
	s.tells(s.get("/console/contacts?from=2020-01-01&whole=1"), http.StatusOK, "<strong>2005</strong> contacts not allowed", "200")
}
