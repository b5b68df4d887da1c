package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"greffe/api/auth"
	"greffe/api/page"
	"greffe/api/problem"
	"greffe/api/rightsform"
	"greffe/domain"
	"greffe/domain/policy"
	"greffe/domain/rights"
)

const (
	maxRightsForm = 64 << 10 // bytes
	formPath      = "/rights"
)

// How many requests the form takes. Of one address five at once and then one in two
// minutes; of everybody sixty at once and then one in two seconds, so that a flood
// costs no more than that. Who is refused is told to come back, or to write.
const (
	formEach, formEachBurst = 1.0 / 120, 5
	formAll, formAllBurst   = 0.5, 60
)

// formGate keeps the form from being flooded.
type formGate struct{ each, all *auth.Limiter }

func newFormGate(now func() time.Time) formGate {
	return formGate{auth.NewLimiter(formEach, formEachBurst, now), auth.NewLimiter(formAll, formAllBurst, now)}
}

// wait is how long somebody has to wait who sends a request now.
func (g formGate) wait(from string) time.Duration {
	if s := g.each.Take(from); s.Wait > 0 {
		return s.Wait
	}
	return g.all.Take("").Wait
}

func formRoutes() []Route {
	look := Limits{Timeout: 15 * time.Second, Rate: RateLink}
	send := Limits{Body: maxRightsForm, Timeout: 30 * time.Second, Rate: RateLink}
	return []Route{
		{http.MethodGet, formPath, "", "The public form of rights requests, if it is served; records nothing", look, false, rightsForm(getForm), nil},
		{http.MethodPost, formPath, "", "Take in a request from the public form", send, false, postForm(), nil},
	}
}

func rightsForm(serve func(a *API, c *Call, v rightsform.View) (answer, error)) endpoint {
	return endpoint{class: None, open: true, anySite: true, gives: []string{mediaHTML}, status: http.StatusOK,
		serve: func(a *API, c *Call) (answer, error) {
			if !a.cfg.RightsForm {
				return answer{}, problem.New(problem.RouteUnknown)
			}
			v := rightsform.View{Lang: pageLanguage(c.r)}
			describeForm(&v, c.rules)
			if wait := a.takes(RateLink, c.sender()); wait > 0 {
				return formLater(v, http.StatusTooManyRequests, wait)
			}
			return serve(a, c, v)
		}}
}

func getForm(a *API, _ *Call, v rightsform.View) (answer, error) { return a.askAgain(v, http.StatusOK) }

func postForm() endpoint {
	e := rightsForm((*API).takeForm)
	e.takes = []string{"application/x-www-form-urlencoded"}
	return e
}

// takeForm records what was sent, once however often the same page is sent.
func (a *API) takeForm(c *Call, v rightsform.View) (answer, error) {
	form, err := readRightsForm(c)
	if err != nil {
		return answer{}, err
	}
	now := a.cfg.Now()
	in, values, wrong := rightsform.Read(form, v.Lang, now)
	if v.Values, v.Wrong = values, wrong; len(wrong) > 0 {
		return a.askAgain(v, http.StatusUnprocessableEntity)
	}
	if wait := a.forms.wait(c.sender()); wait > 0 {
		return formLater(v, http.StatusTooManyRequests, wait)
	}
	once, err := domain.ParseID(form.Get(rightsform.Once))
	if err != nil { // not from a page of ours: it is taken in all the same
		if once, err = domain.RandomID(a.cfg.Rand); err != nil {
			return answer{}, err
		}
	}
	out, err := a.services.Requests.Form(c.Context(), in, once)
	if err != nil {
		p := problem.From(classify(err))
		seen := seenOf(c.r)
		seen.code, seen.cause = p.Code, p.Cause
		return formLater(v, http.StatusServiceUnavailable, retryLater)
	}
	v.Kind, v.Number, v.Due = rightsform.Received, out.ID.String(), rights.LastDay(out.Due)
	v.InForce = len(out.Objections) > 0 && in.Right == rights.Objection
	return renderedForm(v, http.StatusOK)
}

// askAgain shows the form, empty or as it was sent.
func (a *API) askAgain(v rightsform.View, status int) (answer, error) {
	once, err := domain.RandomID(a.cfg.Rand)
	if err != nil {
		return answer{}, err
	}
	v.Kind, v.Once = rightsform.Ask, once.String()
	return renderedForm(v, status)
}

// describeForm puts in whom the form is of.
func describeForm(v *rightsform.View, rules *policy.Policy) {
	for _, x := range rules.Controllers() {
		if x.Code == rules.DefaultController() {
			if v.Company, v.Contact = x.Name, x.DPO; v.Contact == "" {
				v.Contact = x.Email
			}
		}
	}
}

func formLater(v rightsform.View, status int, wait time.Duration) (answer, error) {
	v.Kind = rightsform.Later
	ans, err := renderedForm(v, status)
	if err == nil {
		ans.header["Retry-After"] = strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	}
	return ans, err
}

func renderedForm(v rightsform.View, status int) (answer, error) {
	b, err := rightsform.HTML(v)
	if err != nil {
		return answer{}, err
	}
	return answer{status: status, bytes: b, media: mediaHTML,
		header: map[string]string{"Content-Security-Policy": page.CSP, "Content-Language": v.Lang}}, nil
}

func readRightsForm(c *Call) (url.Values, error) {
	if !strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, problem.New(problem.MediaTypeUnsupported)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxRightsForm))
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return nil, problem.New(problem.BodyTooLarge)
	case err != nil:
		return nil, problem.Because(problem.RequestTimeout, err)
	}
	form, _ := url.ParseQuery(string(body)) // keeps what it could read
	return form, nil
}

// sender is whom a rate is counted for: the peer, or if that is a proxy of our own
// network, whom it says it had the request from. A network of IPv6 is one sender.
func (c *Call) sender() string {
	from := c.remote().Unmap()
	if from.IsLoopback() || from.IsPrivate() {
		all := strings.Split(strings.Join(c.r.Header.Values("X-Forwarded-For"), ","), ",") // a proxy may add a line of its own
		if ip, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
			from = ip.Unmap()
		}
	}
	if from.Is6() {
		if net, err := from.WithZone("").Prefix(64); err == nil {
			return net.String()
		}
	}
	return from.String()
}
