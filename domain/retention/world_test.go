package retention_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"greffe/deploy"
	"greffe/domain"
	"greffe/domain/event"
	"greffe/domain/part"
	"greffe/domain/policy"
	"greffe/domain/retention"
)

var anne = domain.ID{1}

func shipped(tb testing.TB) *policy.Policy {
	tb.Helper()
	return parsed(tb, "", "")
}

// parsed is the shipped policy with one text in the place of another.
func parsed(tb testing.TB, edits ...string) *policy.Policy {
	tb.Helper()
	text := string(deploy.Policy())
	for i := 0; i+1 < len(edits); i += 2 {
		if edits[i] == "" {
			continue
		}
		if !strings.Contains(text, edits[i]) {
			tb.Fatalf("the shipped policy does not hold %q", edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	p, err := policy.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func day(s string) time.Time {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return t
}

// said is a fact as a line: "2026-03-02 contact.created kind=client /identity/billing@2026",
// with the keys under which it sealed something. Codes that are days are times; true is a flag.
func said(n int, line string) *event.Fact {
	words := strings.Fields(line)
	f := &event.Fact{ID: domain.ID{200, byte(n >> 8), byte(n)}, Type: event.Type(words[1]), Subject: anne, Time: domain.NewTime(day(words[0]))}
	for _, w := range words[2:] {
		name, value, coded := strings.Cut(w, "=")
		switch _, err := time.Parse("2006-01-02", value); {
		case !coded:
			for _, key := range strings.Split(w, "/")[1:] {
				class, epoch, narrow := strings.Cut(key, "@")
				if !narrow {
					epoch = part.EpochWhole
				}
				f.Parts = append(f.Parts, event.PartRef{Owner: part.SubjectOwner(anne), Class: class, Epoch: epoch})
			}
		case err == nil:
			f.Codes = f.Codes.With(name, domain.FormatTime(day(value)))
		case value == "true":
			f.Codes = f.Codes.With(name, true)
		case name == "classes" || name == "epochs" || name == "kept":
			f.Codes = f.Codes.With(name, strings.Split(value, ","))
		case strings.HasPrefix(value, "#"): // of the n-th fact
			var of int
			if _, err := fmt.Sscanf(value, "#%d", &of); err != nil {
				panic(err)
			}
			f.Codes = f.Codes.With(name, domain.ID{200, byte(of >> 8), byte(of)}.String())
		default:
			f.Codes = f.Codes.With(name, value)
		}
	}
	return f
}

// clocks folds lines.
func clocks(lines ...string) *retention.Clocks {
	c := &retention.Clocks{}
	for i, l := range lines {
		c.Add(domain.Position(i), said(i, l))
	}
	return c
}

// told is exits in short: "destroy billing@2015,2016 2026-01-01; ask [identity notes] 2027-03-02".
func told(exits []retention.Exit) string {
	var out []string
	for _, e := range exits {
		s := string(e.Action)
		if e.Class != "" {
			s += " " + e.Class
		}
		if e.Epochs != nil {
			s += "@" + strings.Join(e.Epochs, ",")
		}
		if len(e.Parts) > 0 {
			var of []string
			for _, p := range e.Parts {
				of = append(of, p.Class)
			}
			slices.Sort(of)
			s += " [" + strings.Join(of, " ") + "]"
		}
		if len(e.Kept) > 0 {
			s += " kept [" + strings.Join(e.Kept, " ") + "]"
		}
		if len(e.Blocked) > 0 {
			s += fmt.Sprintf(" blocked by %d", len(e.Blocked))
		}
		s += " " + e.DueAt.Format("2006-01-02")
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

const prospect = "2024-03-02 contact.created kind=prospect /identity/contact_details/commercial@2024"
