package app

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	httpapi "greffe/api/http"
	"greffe/domain"
)

// do carries out a deed, and plans what follows from it.
func (c *company) do(d int, x *deed) {
	who, known := c.ids[x.who]
	if !known {
		return
	}
	var done bool
	switch x.what {
	case "request":
		done = c.request(who, x)
	case "hold", "restrict":
		done = c.place(who, x)
	case "release", "lift":
		c.free(who, x)
	default:
		c.step(who, x)
	}
	c.tally[x.what]++
	if !done {
		return
	}
	for _, t := range x.then {
		c.crowd.act(d+t.after, x.who, t.what, x.arg)
	}
}

// request takes one in at the desk, or through a system.
func (c *company) request(who domain.ID, x *deed) bool {
	if c.crowd.chance(50) {
		raw := c.event("request.received", x.who, c.clock.read(), fmt.Sprintf(`{"right":%q,"channel":"email","message":"Bonjour"}`, x.arg))
		res, err := c.Record(c.t.Context(), [][]byte{raw})
		c.ok(err)
		c.ref["request "+x.who] = res[0].Event
		return !res[0].Event.IsZero() && res[0].Status == "recorded"
	}
	var out httpapi.OpenedRequest
	code := c.send("POST", "/v1/requests", fmt.Sprintf(`{"right":%q,"channel":"email","subject_id":%q,"message":"Bonjour"}`, x.arg, who), &out)
	c.ref["request "+x.who] = out.ID
	return code == http.StatusCreated
}

// step takes a step of somebody's request.
func (c *company) step(who domain.ID, x *deed) {
	at := "/v1/requests/" + c.ref["request "+x.who].String() + "/"
	take := func(step, body string) bool { return c.send("POST", at+step, body, nil)/100 == 2 }
	switch x.what {
	case "verify":
		if !take("verify", fmt.Sprintf(`{"means":"known_address","subject_id":%q}`, who)) {
			take("verify", `{"means":"known_address"}`)
		}
	case "withdraw":
		take("withdraw", `{"channel":"email"}`)
	case "extend":
		take("extend", `{"ground":"complex","reasons":"Les archives sont à l'extérieur."}`)
		take("dispatch", `{"of":"extension","by":"email","proof":"m-1"}`)
	case "answer":
		letter := "answer"
		if x.arg == "erasure" && c.send("POST", "/v1/subjects/"+who.String()+"/erasure", `{"ground":"art17.1.b"}`, nil)/100 != 2 {
			letter = "refusal"
			take("refuse", `{"grounds":["art17.3.e"],"remedies":["cnil","court"],"reasons":"Un litige est en cours."}`)
		} else if !take("answer", `{"outcome":"granted","words":"C'est fait."}`) {
			take("answer", `{"outcome":"nothing_held","words":"Rien n'est détenu."}`)
		}
		take("dispatch", fmt.Sprintf(`{"of":%q,"by":"email","proof":"m-2"}`, letter))
		take("close", `{}`)
	}
}

func (c *company) place(who domain.ID, x *deed) bool {
	path := map[string]string{"hold": "hold", "restrict": "restriction"}[x.what]
	var out httpapi.Placed
	code := c.send("POST", "/v1/subjects/"+who.String()+"/"+path, fmt.Sprintf(`{"code":%q}`, x.arg), &out)
	c.ref[path+" "+x.who] = out.EventID
	return code/100 == 2
}

func (c *company) free(who domain.ID, x *deed) {
	path := map[string]string{"release": "hold", "lift": "restriction"}[x.what]
	query := ""
	if x.what == "lift" {
		query = "?warned_at=" + strings.ReplaceAll(c.clock.read().Add(-48*time.Hour).Format(time.RFC3339), "+", "%2B")
	}
	c.send("DELETE", "/v1/subjects/"+who.String()+"/"+path+"/"+c.ref[path+" "+x.who].String()+query, "", nil)
}
