package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// browsing is somebody with an account of their own, in a browser.
type browsing struct {
	*apiFuzz
	cookies map[string]string
	csrf    string
}

// visit tells the part of the story that people tell by cookies: an invitation, an
// authenticator, recovery codes, the own account, sessions that begin and end.
func (f *apiFuzz) visit() {
	f.t.Helper()
	v := &browsing{apiFuzz: f, cookies: map[string]string{}}
	const password = "Vingt-deux chevaux traversent 7 rivières"
	v.say("POST /v1/invitations/accept", `{"secret":"{invitation}","password":"`+password+`"}`)
	offer := v.say("POST /v1/me/totp/options", "")
	seed, at := member(offer, "secret"), time.Now()
	next := func() string { // a code is good once; the service takes the next one too
		code, err := totp.GenerateCode(seed, at)
		if err != nil {
			f.t.Errorf("a code: %v", err)
		}
		at = at.Add(30 * time.Second)
		return code
	}
	v.say("POST /v1/me/totp", fmt.Sprintf(`{"ticket":%q,"code":%q}`, member(offer, "ticket"), next()))
	codes := regexp.MustCompile(`[A-Za-z0-9]{4}(-[A-Za-z0-9]{4})+`).FindAllString(v.say("POST /v1/me/recovery", ""), -1)
	v.say("GET /v1/session", "")
	v.say("GET /v1/me/waiting", "")
	for _, path := range []string{"/v1/me/credentials", "/v1/me/passkeys"} {
		v.say("GET "+path, "")
	}
	kept := v.say("POST /v1/me/searches", `{"name":"lectures","search":{"list":"reads","period":"30d","reason":"customer_call"}}`)
	v.say("GET /v1/me/searches", "")
	if f.known["search"] = member(kept, "id"); f.known["search"] != "" {
		v.say("PATCH /v1/me/searches/{id} id:{search}", `{"name":"lectures du mois"}`)
		v.say("DELETE /v1/me/searches/{id} id:{search}", "")
	}
	v.say("POST /v1/me/passkeys/options", "")
	v.say("POST /v1/session/again", fmt.Sprintf(`{"password":%q,"code":%q}`, password, next()))
	v.say("DELETE /v1/session", "")
	enter := func(second, code string) {
		v.say("POST /v1/session/password", fmt.Sprintf(`{"name":"jvisit","password":%q}`, password))
		v.say("POST /v1/session/"+second, fmt.Sprintf(`{"code":%q}`, code))
	}
	if len(codes) > 1 {
		enter("recovery", codes[0])
		v.cookies = map[string]string{} // another browser
		enter("recovery", codes[1])
		other := regexp.MustCompile(`"id":"([^"]+)","current":false`).FindStringSubmatch(v.say("GET /v1/me/sessions", ""))
		if len(other) > 0 {
			f.known["session"] = other[1]
			v.say("DELETE /v1/me/sessions/{id} id:{session}", "")
		}
		v.say("POST /v1/me/password", `{"password":"`+password+` encore"}`)
	}
	v.say("POST /v1/session/passkey/options", "")
}

// member is the text of a name in JSON.
func member(answer, name string) string {
	if m := regexp.MustCompile(`"` + name + `":"([^"]+)"`).FindStringSubmatch(answer); m != nil {
		return m[1]
	}
	return ""
}

// say sends one request with what the browser holds, and keeps what it is given.
func (v *browsing) say(route, body string) string {
	v.t.Helper()
	name, pairs, _ := strings.Cut(route, " id:")
	method, path, _ := strings.Cut(name, " ")
	op := v.doc.Paths[path][strings.ToLower(method)]
	if op == nil {
		v.t.Errorf("the visit names %s, which the document does not have", name)
		return ""
	}
	c := chapter{body: body}
	if pairs != "" {
		c.query = " id:" + pairs
	}
	r, body := v.chapter(op, c)
	r.Header.Del("Authorization")
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if v.csrf != "" {
		r.Header.Set("X-Greffe-CSRF", v.csrf)
	}
	status, answer := v.send(op, r, body)
	if status >= 300 {
		v.t.Logf("visit: %s: %d %.500s", name, status, answer)
	}
	for _, c := range v.given {
		if v.cookies[c.Name] = c.Value; c.Value == "" || c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	if csrf := member(string(answer), "csrf"); csrf != "" {
		v.csrf = csrf
	}
	return string(answer)
}
