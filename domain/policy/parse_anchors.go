package policy

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// How signed heads are anchored by a third party.
const (
	AnchorsOff        = "off"
	AnchorsBestEffort = "best_effort" // a failure is shown
	AnchorsRequired   = "required"    // a failure that lasts longer than two intervals is a finding
)

// The bounds of Anchors.Every.
const (
	minAnchorMinutes = 1
	maxAnchorMinutes = 7 * 24 * 60
)

// Anchors says whether a time-stamping authority (RFC 3161; eIDAS art. 41) is asked
// to stamp the ledger's signed heads. Which authority is the operator's matter.
type Anchors struct {
	Mode  string        // AnchorsOff, AnchorsBestEffort or AnchorsRequired
	Every time.Duration // between two anchors while there is something new; 0 if off
}

// Anchors is how heads are anchored; off where the text says nothing.
func (p *Policy) Anchors() Anchors {
	if p.anchors.Mode == "" {
		return Anchors{Mode: AnchorsOff}
	}
	return p.anchors
}

// anchors reads the section. An interval beside off stands for the day on which
// somebody turns it on, and means nothing until then.
func (r *reader) anchors(p *Policy, n *yaml.Node) {
	o := r.object(n, "anchors", "mode", "every_minutes")
	x := Anchors{Mode: o.oneOf("mode", true, []string{AnchorsOff, AnchorsBestEffort, AnchorsRequired})}
	p.anchors = x
	if (x.Mode == AnchorsOff || x.Mode == "") && o.at["every_minutes"] == nil {
		return
	}
	every := o.number("every_minutes", minAnchorMinutes, maxAnchorMinutes)
	if x.Mode != AnchorsOff {
		p.anchors.Every = time.Duration(every) * time.Minute
	}
}
