package contactability

import "greffe/domain/holidays"

const paris = "Europe/Paris"

// area is a zone by name, with the holidays of the place.
type area struct {
	zone   string
	region holidays.Region
}

var (
	metropolitan = []area{{paris, holidays.Common}}
	alsatian     = []area{{paris, holidays.AlsaceMoselle}}
	guadeloupe   = []area{{"America/Guadeloupe", holidays.Guadeloupe}}
	martinique   = []area{{"America/Martinique", holidays.Martinique}}
	guyane       = []area{{"America/Cayenne", holidays.Guyane}}
	reunion      = []area{{"Indian/Reunion", holidays.Reunion}}
	mayotte      = []area{{"Indian/Mayotte", holidays.Mayotte}}
	barthelemy   = []area{{"America/Guadeloupe", holidays.SaintBarthelemy}}
	martin       = []area{{"America/Guadeloupe", holidays.SaintMartin}}
	miquelon     = []area{{"America/Miquelon", holidays.Common}}
	wallis       = []area{{"Pacific/Wallis", holidays.Common}}
	caledonie    = []area{{"Pacific/Noumea", holidays.Common}}
	// Polynésie française has three zones; neither number nor prefix tells which.
	polynesie = []area{{"Pacific/Tahiti", 0}, {"Pacific/Marquesas", 0}, {"Pacific/Gambier", 0}}
	indian    = []area{{"Indian/Reunion", holidays.Reunion}, {"Indian/Mayotte", holidays.Mayotte}}
)

// countries are those of one law of time, or with all their zones, by ISO 3166.
var countries = map[string][]area{
	"RE": reunion, "YT": mayotte, "GP": guadeloupe, "MQ": martinique, "GF": guyane, "PM": miquelon, "BL": barthelemy, "MF": martin,
	"WF": wallis, "PF": polynesie, "NC": caledonie, "MC": {{"Europe/Monaco", 0}},
	"BE": {{"Europe/Brussels", 0}}, "CH": {{"Europe/Zurich", 0}}, "LU": {{"Europe/Luxembourg", 0}}, "DE": {{"Europe/Berlin", 0}},
	"IT": {{"Europe/Rome", 0}}, "GB": {{"Europe/London", 0}}, "IE": {{"Europe/Dublin", 0}}, "NL": {{"Europe/Amsterdam", 0}},
	"AT": {{"Europe/Vienna", 0}}, "DK": {{"Europe/Copenhagen", 0}}, "SE": {{"Europe/Stockholm", 0}}, "NO": {{"Europe/Oslo", 0}},
	"PL": {{"Europe/Warsaw", 0}}, "GR": {{"Europe/Athens", 0}}, "AD": {{"Europe/Andorra", 0}}, "MT": {{"Europe/Malta", 0}},
	"CZ": {{"Europe/Prague", 0}}, "SK": {{"Europe/Bratislava", 0}}, "HU": {{"Europe/Budapest", 0}}, "RO": {{"Europe/Bucharest", 0}},
	"BG": {{"Europe/Sofia", 0}}, "HR": {{"Europe/Zagreb", 0}}, "SI": {{"Europe/Ljubljana", 0}}, "EE": {{"Europe/Tallinn", 0}},
	"LV": {{"Europe/Riga", 0}}, "LT": {{"Europe/Vilnius", 0}}, "FI": {{"Europe/Helsinki", 0}},
	"ES": {{"Europe/Madrid", 0}, {"Atlantic/Canary", 0}},
	"PT": {{"Europe/Lisbon", 0}, {"Atlantic/Madeira", 0}, {"Atlantic/Azores", 0}},
	"MA": {{"Africa/Casablanca", 0}}, "DZ": {{"Africa/Algiers", 0}}, "TN": {{"Africa/Tunis", 0}}, "SN": {{"Africa/Dakar", 0}},
	"CI": {{"Africa/Abidjan", 0}}, "MU": {{"Indian/Mauritius", 0}}, "MG": {{"Indian/Antananarivo", 0}},
}

// dialling maps the country codes of the same countries. A code that is not here
// (+1, +7 …) spans zones that the number alone does not tell.
var dialling = map[string][]area{
	"590": guadeloupe, "596": martinique, "594": guyane, "508": miquelon, "681": wallis, "687": caledonie, "689": polynesie,
	"377": countries["MC"], "32": countries["BE"], "41": countries["CH"], "352": countries["LU"], "49": countries["DE"],
	"39": countries["IT"], "44": countries["GB"], "353": countries["IE"], "31": countries["NL"], "43": countries["AT"],
	"45": countries["DK"], "46": countries["SE"], "47": countries["NO"], "48": countries["PL"], "30": countries["GR"],
	"376": countries["AD"], "356": countries["MT"], "420": countries["CZ"], "421": countries["SK"], "36": countries["HU"],
	"40": countries["RO"], "359": countries["BG"], "385": countries["HR"], "386": countries["SI"], "372": countries["EE"],
	"371": countries["LV"], "370": countries["LT"], "358": countries["FI"], "34": countries["ES"], "351": countries["PT"],
	"212": countries["MA"], "213": countries["DZ"], "216": countries["TN"], "221": countries["SN"], "225": countries["CI"],
	"230": countries["MU"], "261": countries["MG"],
}

// ofPhone tells the areas of an E.164 number; none if the number does not tell.
func ofPhone(e164 string) []area {
	if len(e164) < 7 || e164[0] != '+' {
		return nil
	}
	code, rest := e164[1:4], e164[4:]
	if code[:2] == "33" {
		switch e164[3:6] {
		case "939", "947", "976": // overseas numbers without a place (Arcep 2018-0881)
			return nil
		}
		return metropolitan
	}
	if code == "262" {
		switch rest[:3] {
		case "269", "639":
			return mayotte
		case "262", "263", "692", "693":
			return reunion
		}
		return indian
	}
	if l := dialling[code]; l != nil {
		return l
	}
	return dialling[code[:2]]
}

// ofPlace tells the areas of a postal address; ok is false if it is one whose
// zone cannot be told.
func ofPlace(country, postal string) (l []area, ok bool) {
	if country != "" && country != "FR" {
		l = countries[country]
		return l, l != nil
	}
	if postal == "" {
		return nil, true
	}
	if len(postal) != 5 {
		return nil, false
	}
	for i := range len(postal) {
		if postal[i] < '0' || postal[i] > '9' {
			return nil, false
		}
	}
	switch department := postal[:2]; {
	case department == "97" || department == "98":
		l = overseas(postal[:3])
		return l, l != nil
	case department == "57" || department == "67" || department == "68":
		return alsatian, true
	case department == "00" || department == "96" || department == "99":
		return nil, false
	}
	return metropolitan, true
}

func overseas(prefix string) []area {
	switch prefix {
	case "971":
		return guadeloupe
	case "972":
		return martinique
	case "973":
		return guyane
	case "974":
		return reunion
	case "975":
		return miquelon
	case "976":
		return mayotte
	case "977":
		return barthelemy
	case "978":
		return martin
	case "980":
		return countries["MC"]
	case "986":
		return wallis
	case "987":
		return polynesie
	case "988":
		return caledonie
	}
	return nil
}

// regionOf is the department whose holidays go with a zone.
func regionOf(name string) holidays.Region {
	for _, l := range [...][]area{guadeloupe, martinique, guyane, reunion, mayotte} {
		if l[0].zone == name {
			return l[0].region
		}
	}
	return holidays.Common
}
