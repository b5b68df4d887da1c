package receipt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/consent"
	"greffe/domain/event"
)

// readNotice finds what the proofs say of the notice: the consent's own part, else the
// publication that the consent names by its id. Whatever both say must be the same.
func (s *Said) readNotice() error {
	f := s.Consent.Fact
	named := f.Codes.ID("notice")
	own := notice(s.Consent.Fields, "consent.notice.")
	if s.Notice != nil {
		p := s.Notice.Fact
		if p.Type != event.NoticePublished || named.IsZero() || p.ID != named {
			return fmt.Errorf("%w: it names no such publication", ErrNotice)
		}
		published := notice(s.Notice.Fields, "notice.")
		published[3] = cmp.Or(published[3], p.Codes.String("language"))
		sum := p.Codes.String("sha256")
		for i, x := range published {
			if x != "" && own[i] != "" && x != own[i] {
				return fmt.Errorf("%w: it was published with another id, version, language or text", ErrNotice)
			}
			own[i] = cmp.Or(own[i], x)
		}
		if own[0] != "" && digest(own[0]) != sum {
			return fmt.Errorf("%w: its text has another hash", ErrNotice)
		}
		s.NoticeSHA256 = sum
	}
	s.NoticeText, s.NoticeID, s.NoticeVersion, s.NoticeLanguage = own[0], own[1], own[2], own[3]
	if own[0] != "" {
		s.NoticeSHA256 = digest(own[0])
	}
	act, _ := consent.ActOf(domain.Position(0), f)
	s.Proven = consent.Proven(&act, func(id domain.ID) bool { return s.Notice != nil && id == named })
	return nil
}

// notice is the text, id, version and language in fields below a prefix.
func notice(fields []event.Field, prefix string) (out [4]string) {
	for _, f := range fields {
		for i, name := range [4]string{"text", "id", "version", "language"} {
			if f.Path == prefix+name {
				out[i] = word(f.Value)
			}
		}
	}
	return out
}

func word(value []byte) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
