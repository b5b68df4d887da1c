package app

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"greffe/api/auth"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/bundle"
	"greffe/domain/event"
)

// TestConsoleBundle: who may builds a bundle from the page of an inspection, sees it
// verified, and takes it, whole and for this account alone; the ledger knows of it once.
func TestConsoleBundle(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	id := s.inspection().String()
	at, build, file := "/console/inspections/"+id, "/console/bundles/"+id, "/console/bundlefiles/"+id
	s.signIn("dpo")
	s.because("inspection")
	s.shows("/console/inspections/new/open", "eight days after the opening")
	s.shows(at, "Opened on", "Build and verify", build, "A guest’s account, kept to this inspection alone", "Nothing has been consulted", "/console/guests/"+id, "days to answer")
	if p := s.get(file); p.status != http.StatusNotFound {
		t.Errorf("a bundle that nobody built: %d", p.status)
	}
	form := s.filled(build, url.Values{})
	before := len(s.facts(event.ExportProduced))
	for range 2 { // a double click
		if p := s.send(http.MethodPost, build, form, nil); p.status != http.StatusSeeOther || p.to != build {
			t.Fatalf("build: %d %s %.1500s", p.status, p.to, p.text)
		}
	}
	_, lines := s.follow("/console/live/bundles/" + id)
	for until(lines, "data:") != "" {
	}
	s.shows(build, "The bundle is intact", "Signed heads", file, "--lang en --key key.pem greffe-"+id+".zip")
	s.ok(s.open.CaughtUp(t.Context()))
	if p := s.get(at); !strings.Contains(p.text, "it remains to download it") || strings.Contains(p.text, "A bundle was built and verified") {
		t.Errorf("a bundle that nobody took yet: %.2500s", p.main())
	}
	if n := len(s.facts(event.ExportProduced)) - before; n != 1 {
		t.Errorf("%d bundles are on record", n)
	}
	whole := []byte(s.get(file).text)
	src, err := bundle.OpenZip(bytes.NewReader(whole), int64(len(whole)))
	s.ok(err)
	key, err := bundle.ParseKey(s.open.KeyPEM())
	s.ok(err)
	report, err := bundle.Verify(src, bundle.Options{Key: key})
	s.ok(err)
	if report.Verdict != bundle.Intact || report.Inspection.String() != id {
		t.Errorf("the bundle that was given: %+v", report)
	}
	s.ok(s.open.CaughtUp(t.Context()))
	s.shows(at, "Documents built or handed out", "What was consulted", "A bundle was built and verified", "make cross", "greffe-verify --lang en --key key.pem greffe-"+id+".zip", file+"/with/key.pem/content")
	s.signIn("auditor")
	s.because("inspection")
	for _, path := range []string{file, "/console/live/bundles/" + id} { // of the DPO's
		if p := s.get(path); p.status == http.StatusOK {
			t.Errorf("an auditor has %s", path)
		}
	}
	s.now.pass(time.Hour)
}

// TestConsoleBundleAgain: a bundle asks for two factors again when the sign-in is not of
// now, and nothing is built before.
func TestConsoleBundleAgain(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	at := "/console/bundles/" + s.inspection().String()
	s.signIn("dpo")
	s.because("inspection")
	form := s.filled(at, url.Values{"samples": {"true"}})
	for range 4 { // within the idle limit, beyond that of a fresh sign-in
		s.now.pass(s.rules.Sessions().Fresh/4 + time.Minute)
		s.get("/console/people")
	}
	p := s.send(http.MethodPost, at, form, nil)
	if p.status != http.StatusForbidden || !strings.Contains(p.text, `name="again.password"`) || !strings.Contains(p.text, `name="samples" value="true"`) {
		_, main, _ := strings.Cut(p.text, "<main")
		t.Errorf("a sign-in of long ago: %d %.1500s", p.status, main)
	}
	if n := len(s.facts(event.ExportProduced)); n != 0 {
		t.Errorf("%d bundles were built", n)
	}
}

// TestConsoleGuest: administration invites an inspector, whose link is shown once; the
// guest starts at the one inspection, sees until when and what is recorded, and no other.
func TestConsoleGuest(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	id := s.inspection()
	at := "/console/inspections/" + id.String()
	s.signIn("admin")
	form := s.filled("/console/guests/"+id.String(), url.Values{"label": {"Zqinspector"}, "login": {"zqinspector"}, "until": {s.now.read().AddDate(0, 0, 5).Format(time.DateOnly)}})
	p := s.send(http.MethodPost, "/console/guests/"+id.String(), form, nil)
	if p.status != http.StatusOK || !strings.Contains(p.text, "/invitation#") || !strings.Contains(p.text, "shown this once") {
		_, main, _ := strings.Cut(p.text, "<main")
		t.Fatalf("the invitation: %d %.1500s", p.status, main)
	}
	made := s.facts(event.AccountCreated)
	if last := made[len(made)-1]; last.Codes.String("kind") != "guest" || last.Codes.ID("inspection") != id {
		t.Errorf("the account: %v", last.Codes)
	}
	if p := s.send(http.MethodPost, "/console/guests/"+id.String(), form, nil); p.status != http.StatusConflict && !strings.Contains(p.to, "/console/guests/") || len(s.facts(event.AccountCreated)) != len(made) {
		t.Errorf("sent again: %d", p.status)
	}
	guest, err := s.open.People.Create(t.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Guest, Label: "Zqguest", Login: "zqguest", Roles: []string{"inspector"}, Inspection: id, Until: s.now.read().Add(72 * time.Hour)})
	s.ok(err)
	s.cookies[auth.CookieNameLocal] = s.enter(guest.Account).Cookie
	delete(s.cookies, "greffe_reason")
	if p := s.get("/console"); p.status != http.StatusSeeOther || p.to != at {
		t.Errorf("the guest starts at %d %s", p.status, p.to)
	}
	if p := s.get(at); p.status != http.StatusBadRequest || !strings.Contains(p.text, "Why do you look") {
		t.Errorf("without a reason: %d", p.status)
	}
	if r := s.send(http.MethodPost, "/console/reason", s.filled(at, url.Values{"reason": {"inspection"}, "back": {at}}), nil); r.to != at {
		t.Errorf("the reason leads to %d %s", r.status, r.to)
	}
	text := s.shows(at, "You are a guest of this inspection", "Your account ends on", "is recorded", `<a href="`+at+`" aria-current="page">`, "/console/reads",
		"Check it yourself, offline", "Ask whoever invited you", "make cross", "./greffe-verify --lang en --key key.pem greffe-"+id.String()+".zip", `.\greffe-verify.exe --lang en`)
	if strings.Contains(text, "5. Close") || strings.Contains(text, "/console/bundles") {
		t.Error("the guest is offered the work of the DPO")
	}
	s.shows("/console/reads?period=7d", "Reads")
	s.ok(s.open.CaughtUp(t.Context()))
	s.shows(at, "<td class=\"number\">")
	other := s.inspection().String()
	if p := s.get("/console/inspections/" + other); p.status != http.StatusForbidden {
		t.Errorf("another inspection: %d", p.status)
	}
}

// TestConsoleInspectionAlone: a DPO leads an inspection from its page with nobody's help:
// invites, gives another link, ends a guest; what the guest had is worth nothing then.
func TestConsoleInspectionAlone(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	id := s.inspection()
	at := "/console/guests/" + id.String()
	s.signIn("dpo")
	s.because("inspection")
	invite := func(login string) shownPage {
		return s.send(http.MethodPost, at, s.filled(at, url.Values{"label": {"Zq" + login}, "login": {login}, "until": {s.now.read().AddDate(0, 0, 5).Format(time.DateOnly)}}), nil)
	}
	if p := invite("zqone"); p.status != http.StatusOK || !strings.Contains(p.text, "/invitation#") {
		t.Fatalf("%d %.900s", p.status, p.text)
	}
	made := s.facts(event.AccountCreated)
	last := made[len(made)-1]
	roles := last.Codes.Strings("roles")
	if last.Codes.String("kind") != "guest" || last.Codes.ID("inspection") != id || len(roles) != 1 || roles[0] != "inspector" || last.Actor.IsZero() {
		t.Errorf("the account: %v by %s", last.Codes, last.Actor)
	}
	guest := last.Codes.ID("account")
	s.ok(s.open.CaughtUp(t.Context()))
	s.shows("/console/inspections/"+id.String(), "1 invitation made; the inspector has not chosen a password yet")
	far := s.filled(at, url.Values{"label": {"Zqfar"}, "login": {"zqfar"}, "until": {s.now.read().AddDate(0, 6, 2).Format(time.DateOnly)}})
	if p := s.send(http.MethodPost, at, far, nil); p.status != http.StatusBadRequest || len(s.facts(event.AccountCreated)) != len(made) {
		t.Errorf("a guest for more than six months: %d", p.status)
	}
	text := s.shows(at, "The guests of this inspection", "Zqzqone", "New link", "Invite another inspector")
	number := func(act string) string {
		_, form, _ := strings.Cut(text, at+"/"+guest.String()+"/"+act)
		_, form, _ = strings.Cut(form, `name="number" value="`)
		return form[:32]
	}
	press := func(act string) shownPage {
		return s.send(http.MethodPost, at+"/"+guest.String()+"/"+act, url.Values{"csrf": {s.filled(at, url.Values{}).Get("csrf")}, "number": {number(act)}}, nil)
	}
	if p := press("invitation"); p.status != http.StatusOK || !strings.Contains(p.text, "/invitation#") {
		t.Errorf("a new link: %d %.900s", p.status, p.text)
	}
	session := s.enter(guest)
	if p := press("end"); p.status != http.StatusSeeOther {
		t.Errorf("ended: %d %.900s", p.status, p.text)
	}
	s.shows(at, "Disabled")
	if changed := s.facts(event.AccountChanged); len(changed) != 1 || changed[0].Codes.ID("account") != guest || changed[0].Codes.String("state") != "disabled" {
		t.Errorf("the end is not on record: %v", changed)
	}
	s.signIn("agent")
	if p := s.get(at); p.status != http.StatusForbidden || !strings.Contains(p.text, "inspections.invite") {
		t.Errorf("an agent invites: %d", p.status)
	}
	s.signIn("auditor")
	s.because("inspection")
	if p := s.get(at); p.status != http.StatusForbidden {
		t.Errorf("an auditor invites: %d", p.status)
	}
	s.shows("/console/inspections/"+id.String(), "ask the data protection officer", "/console/bundles/"+id.String(), "what it finds reveals what is written there")
	s.shows("/console/bundles/"+id.String(), "the data protection officer alone can put them")
	s.cookies[auth.CookieNameLocal] = session.Cookie
	if p := s.get("/console/inspections/" + id.String()); p.status == http.StatusOK {
		t.Error("a guest whose account was ended goes on")
	}
}

// TestConsoleAuditorsBundle: an auditor builds and takes a bundle, without persons in clear.
func TestConsoleAuditorsBundle(t *testing.T) {
	t.Parallel()
	s := openConsole(t)
	id := s.inspection().String()
	build := "/console/bundles/" + id
	s.signIn("auditor")
	s.because("inspection")
	if p := s.send(http.MethodPost, build, s.filled(build, url.Values{"samples": {"true"}}), nil); p.status != http.StatusForbidden || len(s.facts(event.ExportProduced)) != 0 {
		t.Fatalf("with persons: %d, %d bundles", p.status, len(s.facts(event.ExportProduced)))
	}
	if p := s.send(http.MethodPost, build, s.filled(build, url.Values{}), nil); p.status != http.StatusSeeOther {
		t.Fatalf("build: %d %.1500s", p.status, p.text)
	}
	_, lines := s.follow("/console/live/bundles/" + id)
	for until(lines, "data:") != "" {
	}
	s.shows(build, "The bundle is intact")
	if n := len(s.facts(event.ExportProduced)); n != 1 {
		t.Errorf("%d bundles are on record", n)
	}
}
