package main

import (
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// maxLogged bounds one value of a line of the log, in bytes; stacks are whole.
const maxLogged = 4096

// logger writes one line for each record. What is no printable character of a value,
// line breaks and terminal sequences among it, is quoted; what is long is cut.
func logger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: bounded}))
}

func bounded(_ []string, a slog.Attr) slog.Attr {
	if k := a.Value.Kind(); k != slog.KindString && k != slog.KindAny || a.Key == "stack" {
		return a
	}
	text := a.Value.String()
	if len(text) <= maxLogged {
		return a
	}
	return slog.String(a.Key, strings.ToValidUTF8(text[:maxLogged], "\uFFFD")+"… (cut)")
}

// shown is a text for a terminal: what would move its cursor, colour it or turn its
// direction is replaced; lines and tabs stay. Names of files come from others.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
