package policy

import "go.yaml.in/yaml/v3"

// contactability reads the choices about contacting people. Those that allow
// more than the CNIL does need a justification (délib. 2021-131: a deviation is
// justified).
func (r *reader) contactability(p *Policy, n *yaml.Node) {
	o := r.object(n, "contactability", "free_account_is_sale", "callback_any_time", "justification", "alsace_moselle", "overseas",
		"dialer_silent_after")
	p.reach = Contactability{
		FreeAccountIsSale: o.flag("free_account_is_sale", false), CallbackAnyTime: o.flag("callback_any_time", false),
		Justification: o.may("justification"), AlsaceMoselle: o.flag("alsace_moselle", false), Overseas: o.flag("overseas", false),
	}
	for _, wide := range []struct {
		key string
		on  bool
	}{{"free_account_is_sale", p.reach.FreeAccountIsSale}, {"callback_any_time", p.reach.CallbackAnyTime}} {
		if wide.on && p.reach.Justification == "" {
			r.add(o.at[wide.key], join(o.path, wide.key), "leave this false, or give a justification; the CNIL reads the law more strictly")
		}
	}
	text := o.may("dialer_silent_after")
	if text == "" {
		return
	}
	silent, err := ParsePeriod(text)
	if err != nil || silent == (Period{}) {
		r.add(o.at["dialer_silent_after"], join(o.path, "dialer_silent_after"), "write an ISO 8601 period of a day or more, such as P2D")
		return
	}
	p.reach.DialerSilentAfter = silent
}
