package statistics

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Unknown is the value of a dimension that nothing is known for.
const Unknown = "unknown"

// Dimension is a way to group people. Its levels are ever coarser; the last tells
// nothing.
type Dimension string

// The dimensions. Each person has one value of each.
const (
	Age        Dimension = "age"        // of birth_date, in bands of 10 years, then of 20
	Department Dimension = "department" // of the postal code, then the region
	Collected  Dimension = "collected"  // month, then quarter, then year of the collection
	Kind       Dimension = "kind"       // prospect, client …
	Consent    Dimension = "consent"    // whether any consent stands
	Opposed    Dimension = "opposed"    // whether the person objected
)

// Dimensions lists them.
func Dimensions() []Dimension { return []Dimension{Age, Department, Collected, Kind, Consent, Opposed} }

// Sensitives lists those that can be told for each cell, held to l-diversity.
func Sensitives() []Dimension { return []Dimension{Kind, Consent, Opposed} }

// Levels is how many grains a dimension has; the coarsest is All.
func (d Dimension) Levels() int {
	switch d {
	case Age, Department:
		return 3
	case Collected:
		return 4
	}
	return 2
}

// All is the value of the coarsest level.
const All = "*"

// Coarsen is a finest value at a level; 0 leaves it.
func (d Dimension) Coarsen(value string, level int) string {
	switch {
	case level == 0 || value == Unknown:
		return value
	case level >= d.Levels()-1:
		return All
	}
	switch d {
	case Age:
		return coarseAge(value)
	case Department:
		return region(value)
	case Collected:
		return coarseMonth(value, level)
	}
	return value
}

const oldest = 80 // one band for who is older: few are, each stands out

// AgeBand is the band of ten years of somebody born on a date (YYYY-MM-DD), on a day;
// Unknown for what is no date, or not of a living person's.
func AgeBand(born string, on time.Time) string {
	b, err := time.Parse(time.DateOnly, born)
	if err != nil || b.After(on) {
		return Unknown
	}
	years := on.Year() - b.Year()
	if on.Month() < b.Month() || on.Month() == b.Month() && on.Day() < b.Day() {
		years--
	}
	switch {
	case years > 120:
		return Unknown
	case years < 18:
		return "0-17"
	case years >= oldest:
		return "80+"
	case years < 30:
		return "18-29"
	}
	low := years / 10 * 10
	return fmt.Sprintf("%d-%d", low, low+9)
}

func coarseAge(band string) string {
	low, _, _ := strings.Cut(strings.TrimSuffix(band, "+"), "-")
	switch n, err := strconv.Atoi(low); {
	case err != nil:
		return Unknown
	case n < 30:
		return "0-29"
	case n < 60:
		return "30-59"
	}
	return "60+"
}

// DepartmentOf is the French department of a postal code: its first two digits; 2A
// or 2B for Corsica; three digits overseas. Unknown for what is none, and outside
// France.
func DepartmentOf(code, country string) string {
	if country != "" && country != "FR" || len(code) != 5 || strings.Trim(code, "0123456789") != "" {
		return Unknown
	}
	switch two := code[:2]; {
	case two == "00" || two == "96" || two == "99":
		return Unknown
	case two == "97" || two == "98":
		return code[:3]
	case two == "20" && code < "20200":
		return "2A"
	case two == "20":
		return "2B"
	default:
		return two
	}
}

// regions are the regions of metropolitan France since 2016 (loi 2015-29), each with
// its departments; all of what lies overseas is one.
func regions() [][]string {
	return [][]string{
		{"auvergne-rhone-alpes", "01", "03", "07", "15", "26", "38", "42", "43", "63", "69", "73", "74"},
		{"bourgogne-franche-comte", "21", "25", "39", "58", "70", "71", "89", "90"},
		{"bretagne", "22", "29", "35", "56"},
		{"centre-val-de-loire", "18", "28", "36", "37", "41", "45"},
		{"corse", "2A", "2B"},
		{"grand-est", "08", "10", "51", "52", "54", "55", "57", "67", "68", "88"},
		{"hauts-de-france", "02", "59", "60", "62", "80"},
		{"ile-de-france", "75", "77", "78", "91", "92", "93", "94", "95"},
		{"normandie", "14", "27", "50", "61", "76"},
		{"nouvelle-aquitaine", "16", "17", "19", "23", "24", "33", "40", "47", "64", "79", "86", "87"},
		{"occitanie", "09", "11", "12", "30", "31", "32", "34", "46", "48", "65", "66", "81", "82"},
		{"pays-de-la-loire", "44", "49", "53", "72", "85"},
		{"provence-alpes-cote-d-azur", "04", "05", "06", "13", "83", "84"},
	}
}

func region(department string) string {
	for _, r := range regions() {
		if slices.Contains(r[1:], department) {
			return r[0]
		}
	}
	if len(department) == 3 {
		return "outre-mer"
	}
	return Unknown
}

// MonthOf is a time's month in UTC.
func MonthOf(t time.Time) string {
	if t.IsZero() {
		return Unknown
	}
	return t.UTC().Format("2006-01")
}

func coarseMonth(month string, level int) string {
	t, err := time.Parse("2006-01", month)
	switch {
	case err != nil:
		return Unknown
	case level == 1:
		return fmt.Sprintf("%d-T%d", t.Year(), (int(t.Month())+2)/3)
	}
	return strconv.Itoa(t.Year())
}

// monthsKept are those that a noisy table tells apart.
const (
	monthsKept = 36
	earlier    = "earlier"
)

// Domain is every finest value a dimension can have on a day, whether anybody has it
// or not, sorted.
func (d Dimension) Domain(on time.Time) (out []string) {
	switch d {
	case Age:
		out = []string{"0-17", "18-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80+"}
	case Department:
		for _, r := range regions() {
			out = append(out, r[1:]...)
		}
		out = append(out, "971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988")
	case Collected:
		first := time.Date(on.UTC().Year(), on.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
		for i := range monthsKept {
			out = append(out, MonthOf(first.AddDate(0, -i, 0)))
		}
		out = append(out, earlier)
	case Kind:
		out = []string{"prospect", "client", "former_client", "candidate", "supplier_contact"}
	case Consent, Opposed:
		out = []string{"yes", "no"}
	}
	out = append(out, Unknown)
	slices.Sort(out)
	return out
}

// outside stands for values that are not in the domain.
func (d Dimension) outside() string {
	if d == Collected {
		return earlier
	}
	return Unknown
}
