package console

// disclosed is what of a person the visitor's role is not shown in clear.
type disclosed struct {
	Masked, Withheld []string
	Why              string
}

// disclosed names the fields that are masked or withheld.
func (v *visit) disclosed(s value) disclosed {
	d := disclosed{}
	for _, m := range s.at("masked").strings() {
		d.Masked = append(d.Masked, v.words.label(last(m)))
	}
	for _, m := range s.at("withheld").strings() {
		d.Withheld = append(d.Withheld, v.words.label(last(m)))
	}
	return d
}
