package app

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing/fstest"
	"time"

	"greffe/cmd/greffe/internal/checker"
)

// planted holds the checker to its own word: of an export in which somebody was wronged
// it says so, and by which rule.
func (c *company) planted(path string) {
	c.t.Helper()
	z, err := zip.OpenReader(path)
	c.ok(err)
	defer z.Close()
	file, err := z.Open(checker.EventsTable)
	c.ok(err)
	b, err := io.ReadAll(file)
	c.ok(err)
	lines := strings.SplitAfter(string(b), "\n")
	for _, x := range []struct {
		what string
		rule checker.Rule
		edit func(lines []string) []string
	}{
		{"a hold was ignored", checker.Held, func(l []string) []string {
			who := quoted(l[firstRow(l, "erasure.ordered")], "subject")
			return putBefore(l, firstRow(l, "erasure.ordered"), row("hold.placed", who, `\"reason\":\"litigation\"`))
		}},
		{"retention came a month late", checker.Kept, func(l []string) []string {
			for i := range l {
				if strings.Contains(l[i], `\"type\":\"erasure.ordered\"`) || strings.Contains(l[i], `\"type\":\"subject.erased\"`) {
					l[i] = aMonthLater(l[i])
				}
			}
			return l
		}},
		{"a message against an objection", checker.Objection, func(l []string) []string {
			at := firstRow(l, `opposition.registered\",\"v\":1}`)
			sent := row("interaction.recorded", quoted(l[at], "subject"), `\"channel\":\"phone\",\"direction\":\"out\",\"kind\":\"sent\",\"object\":\"prospecting\"`)
			sent = strings.ReplaceAll(sent, epoch, quoted(l[at], "recorded"))
			return putBefore(l, at+1, sent)
		}},
		{"a certificate is missing", checker.Uncertified, func(l []string) []string { return without(l, "subject.erased") }},
		{"a late request was not flagged", checker.Request, func(l []string) []string { return without(l, `\"threshold\":\"overdue\"`) }},
		{"somebody was not asked first", checker.Early, func(l []string) []string { return without(l, "retention.asked") }},
		{"data stayed out of the archive", checker.Active, func(l []string) []string { return without(l, "retention.archived") }},
	} {
		edited := x.edit(append([]string(nil), lines...))
		for i := range edited {
			edited[i] = position.ReplaceAllString(edited[i], fmt.Sprintf(`"position":%d`, i))
		}
		report, err := checker.Check(fstest.MapFS{checker.EventsTable: {Data: []byte(strings.Join(edited, "")), Mode: fs.ModePerm}}, c.options())
		c.ok(err)
		found := map[checker.Rule]int{}
		for _, f := range report.Findings {
			found[f.Rule]++
		}
		if found[x.rule] == 0 {
			c.t.Errorf("%s: not found (%v)", x.what, found)
		}
		c.t.Logf("planted: %s: %v", x.what, found)
	}
}

const epoch = "2000-01-01T00:00:00.000000Z"

var (
	position = regexp.MustCompile(`"position":"?\d+"?`)
	instant  = regexp.MustCompile(`(\\"(?:recorded|time)\\":\\")([0-9TZ:.\-]+)`)
)

// row is one of table events.
func row(kind, who, codes string) string {
	return fmt.Sprintf(`{"fact":"{\"data\":{%s},\"id\":\"00000000-0000-8000-8000-000000000001\",\"recorded\":\"%s\",\"subject\":\"%s\",\"time\":\"%s\",\"type\":\"%s\",\"v\":1}","position":0}`+"\n",
		codes, epoch, who, epoch, kind)
}

// firstRow is the index of the first row that says something.
func firstRow(lines []string, what string) int {
	for i, l := range lines {
		if strings.Contains(l, what) {
			return i
		}
	}
	return 0
}

// quoted is a text of a fact.
func quoted(line, name string) string {
	_, rest, _ := strings.Cut(line, `\"`+name+`\":\"`)
	text, _, _ := strings.Cut(rest, `\"`)
	return text
}

func putBefore(lines []string, at int, line string) []string {
	return append(append(append([]string{}, lines[:at]...), line), lines[at:]...)
}

func without(lines []string, what string) (out []string) {
	for _, l := range lines {
		if !strings.Contains(l, what) {
			out = append(out, l)
		}
	}
	return out
}

func aMonthLater(line string) string {
	return instant.ReplaceAllStringFunc(line, func(s string) string {
		m := instant.FindStringSubmatch(s)
		t, err := time.Parse(time.RFC3339Nano, m[2])
		if err != nil {
			return s
		}
		return m[1] + t.AddDate(0, 1, 0).UTC().Format("2006-01-02T15:04:05.000000Z")
	})
}
