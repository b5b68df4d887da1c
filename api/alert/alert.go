// Package alert tells people that somebody read unusually much: by e-mail, and by a
// signed webhook. A message says which rule, how much and where to look (GET
// /v1/watch/{id}); never who: that is for those who may read alerts.
//
// Promised: mail leaves over TLS alone, but to a loopback address; its certificate is
// checked; a name or password never stands in an error. Whoever calls sends again what
// failed, so a message may come twice, with the same id.
package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/webhook"
	"greffe/domain"
)

// Message is one alert, as it leaves the house.
type Message struct {
	ID       domain.ID `json:"alert"`
	At       time.Time `json:"at"`
	Rule     string    `json:"rule"`
	Level    int       `json:"level"`
	Observed int64     `json:"observed"`
	Limit    int64     `json:"limit"`
	Link     string    `json:"link"`
}

// Way is one way to tell.
type Way interface {
	// Name is a code, in logs and as the name of what was told already.
	Name() string
	Tell(ctx context.Context, m *Message) error
}

// hook tells by a signed webhook.
type hook struct {
	target webhook.Target
	now    func() time.Time
}

// Webhook is a way that posts {"type":"greffe.alert",...} to a target in the form of
// Standard Webhooks.
func Webhook(t webhook.Target, now func() time.Time) Way { return hook{t, now} }

func (hook) Name() string { return "webhook" }

// body is what a webhook is sent.
type body struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Message   `json:"data"`
}

func (h hook) Tell(ctx context.Context, m *Message) error {
	now := h.now().UTC().Truncate(time.Second)
	b, err := json.Marshal(body{"greffe.alert", now, *m})
	if err != nil {
		return fmt.Errorf("encode an alert: %w", err)
	}
	if err := h.target.Post(ctx, "alert."+m.ID.String(), now, b); err != nil {
		return fmt.Errorf("alert by webhook: %w", err)
	}
	return nil
}

// mailText is the message as an e-mail, headers first, in both languages.
func mailText(m *Message, from string, to []string, now time.Time) ([]byte, error) {
	if bytes.ContainsAny([]byte(m.Link+m.Rule), "\r\n") {
		return nil, errors.New("an alert with a line break is not sent")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\n", from)
	for i, t := range to {
		fmt.Fprintf(&b, "%s%s", map[bool]string{true: "To: ", false: ",\r\n "}[i == 0], t)
	}
	fmt.Fprintf(&b, "\r\nDate: %s\r\nMessage-ID: <%s@greffe.invalid>\r\nSubject: Greffe: alerte de consultation / access alert (%s)\r\n", now.UTC().Format(time.RFC1123Z), m.ID, m.Rule)
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n")
	fmt.Fprintf(&b, "Une consultation inhabituelle de données personnelles a été constatée (règle %s : %d, limite %d).\r\nQui est concerné se lit dans Greffe, avec le droit watch.read :\r\n%s\r\n\r\n", m.Rule, m.Observed, m.Limit, m.Link)
	fmt.Fprintf(&b, "Unusual reading of personal data was found (rule %s: %d, limit %d).\r\nWhom it is about is read in Greffe, with the permission watch.read:\r\n%s\r\n", m.Rule, m.Observed, m.Limit, m.Link)
	return b.Bytes(), nil
}
