package token

import (
	"encoding/binary"
	"strings"

	"greffe/domain"
)

const noticePepper = "notice"

// Notice is the uuid under which facts name a published notice (mention
// d'information, art. 13 and 14): the keyed MAC of its id, version and language,
//
//	DeriveID(H(P_notice, len(id) ‖ id ‖ len(version) ‖ version ‖ len(language) ‖ language))
//
// the language in lower case. It is made under the first root and never rotated,
// since facts hold it for ever; a notice is nobody's personal data.
func (p *Peppers) Notice(id, version, language string) domain.ID {
	s := p.notice.get()
	for _, part := range []string{id, version, strings.ToLower(language)} {
		s.in = binary.BigEndian.AppendUint32(s.in, uint32(len(part)))
		s.in = append(s.in, part...)
	}
	mac := p.notice.put(s)
	return domain.DeriveID(mac[:])
}
