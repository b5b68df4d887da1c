package policy

import (
	"time"
)

// Sessions bound how long people stay signed in. Guide CNIL de la sécurité 2024,
// fiche 2: a session ends by itself when it is not used.
type Sessions struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // from the sign-in
	Fresh    time.Duration // a dangerous act needs factors given so recently
}

// Passwords says which case of délib. CNIL 2022-100 holds: alone (80 bits) or
// throttled (50 bits, as wrong ones are slowed down and blocked after ten).
const (
	PasswordsAlone     = "alone"
	PasswordsThrottled = "throttled"
)

// signIn is what the text says of people's sign-in; zero members are defaults.
type signIn struct {
	sessions  Sessions
	passwords string
}

// Sessions are the bounds of the text, or 30 minutes, 10 hours and 5 minutes.
func (p *Policy) Sessions() Sessions {
	if p.signIn.sessions == (Sessions{}) {
		return Sessions{Idle: 30 * time.Minute, Absolute: 10 * time.Hour, Fresh: 5 * time.Minute}
	}
	return p.signIn.sessions
}

// Passwords is the case of the text, or PasswordsAlone.
func (p *Policy) Passwords() string {
	if p.signIn.passwords == "" {
		return PasswordsAlone
	}
	return p.signIn.passwords
}

// signIn reads what the section access says of people; each key may be absent.
func (r *reader) signIn(p *Policy, o *object) {
	p.signIn.passwords = o.oneOf("passwords", false, []string{PasswordsAlone, PasswordsThrottled})
	if n := o.get("sessions", false); n != nil {
		s := r.object(n, "access.sessions", "idle_minutes", "absolute_hours", "fresh_minutes")
		p.signIn.sessions = Sessions{
			Idle:     time.Duration(s.number("idle_minutes", 1, 12*60)) * time.Minute,
			Absolute: time.Duration(s.number("absolute_hours", 1, 24)) * time.Hour,
			Fresh:    time.Duration(s.number("fresh_minutes", 1, 60)) * time.Minute,
		}
	}
}
