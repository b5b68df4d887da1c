package contactability

import (
	"slices"
	"strings"
	"time"

	"greffe/domain/holidays"
)

// zone is where somebody may be: the clock and the holidays.
type zone struct {
	loc    *time.Location
	region holidays.Region
}

// maxZones bounds the zones of one person; with more nothing can be said.
const maxZones = 8

// places are the zones of a person, from all that is known. unknown: something
// is known that cannot be read.
type places struct {
	zones   [maxZones]zone
	n       int
	home    [1]zone
	unknown bool
}

// find gathers the zones from the person's own zone, the postal address and the
// number to be called, or else every number.
func (p *places) find(q *Query, s *State, r *Rules) {
	p.home[0] = zone{loc: time.UTC}
	if r.Zones != nil {
		if home := r.Zones.Location(r.HomeZone); home != nil {
			p.home[0].loc = home
		}
	}
	var metropole holidays.Region
	if r.AlsaceMoselle {
		metropole = holidays.AlsaceMoselle // until a postal code says no
	}
	if s.Place.Country != "" || s.Place.PostalCode != "" {
		areas, ok := ofPlace(s.Place.Country, strings.ReplaceAll(s.Place.PostalCode, " ", ""))
		if !ok {
			p.unknown = true
		}
		if ok && len(areas) > 0 && s.Place.PostalCode != "" {
			metropole = areas[0].region
		}
		p.add(areas, r, metropole)
	}
	if s.Place.TimeZone != "" {
		p.add([]area{{s.Place.TimeZone, regionOf(s.Place.TimeZone)}}, r, metropole)
	}
	if q.Channel == Phone && q.Address != "" {
		p.add(ofPhone(q.Address), r, metropole)
		return
	}
	for _, number := range s.Phones {
		p.add(ofPhone(number), r, metropole)
	}
}

func (p *places) add(areas []area, r *Rules, metropole holidays.Region) {
	for _, a := range areas {
		z := zone{region: a.region}
		if r.Zones != nil {
			z.loc = r.Zones.Location(a.zone)
		}
		if z.loc == nil {
			p.unknown = true
			continue
		}
		if a.zone == paris {
			z.region = metropole
		}
		if z.region == holidays.AlsaceMoselle && !r.AlsaceMoselle || z.region > holidays.AlsaceMoselle && !r.Overseas {
			z.region = holidays.Common
		}
		switch {
		case slices.Contains(p.zones[:p.n], z):
		case p.n == maxZones:
			p.unknown = true
		default:
			p.zones[p.n] = z
			p.n++
		}
	}
}

// orHome is the zones, or the home zone if none is known.
func (p *places) orHome() []zone {
	if p.n > 0 {
		return p.zones[:p.n]
	}
	return p.home[:]
}
