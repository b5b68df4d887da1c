package outbox

import (
	"greffe/api/kafka"
	"greffe/domain/event"
)

// Type is a type of message and the topic it goes to.
type Type struct {
	Type    event.Type
	Topic   string // without its prefix
	Summary string
}

// Types are all types of messages that are published.
func Types() []Type {
	return []Type{
		{event.ConsentRequested, kafka.TopicConsent, "Consent was asked for."},
		{event.ConsentGranted, kafka.TopicConsent, "Consent was given; unproven grants allow nothing."},
		{event.ConsentRefused, kafka.TopicConsent, "Consent was refused."},
		{event.ConsentWithdrawn, kafka.TopicConsent, "Consent was withdrawn: stop (art. 7(3))."},
		{event.ConsentExpired, kafka.TopicConsent, "Consent ran out."},
		{event.OppositionRegistered, kafka.TopicOpposition, "An objection (art. 21): stop. Without a subject it is by an address of nobody known: fetch the opposition list anew."},
		{event.OppositionLifted, kafka.TopicOpposition, "An objection was lifted, with a reason."},
		{event.OppositionListed, kafka.TopicOpposition, "Part of an imported list: fetch the opposition list anew."},
		{event.ErasureOrdered, kafka.TopicErasure, "An erasure (art. 17): erase what you hold and acknowledge."},
		{event.RequestReceived, kafka.TopicRequests, "A person exercised a right."},
		{event.RestrictionPlaced, kafka.TopicRequests, "Processing is restricted (art. 18): keep, do not use."},
		{event.RestrictionLifted, kafka.TopicRequests, "A restriction was lifted."},
		{event.ContactChanged, kafka.TopicRequests, "A rectification (art. 16): which fields changed; fetch their values."},
	}
}

// topicOf is the topic of a type of change, without its prefix.
func topicOf(t string) (string, bool) {
	for _, x := range Types() {
		if string(x.Type) == t {
			return x.Topic, true
		}
	}
	return "", false
}
