package httpapi

import (
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"greffe/domain/approval"
	"greffe/domain/breach"
	"greffe/domain/inspection"
	"greffe/domain/review"
	"greffe/domain/rights"
)

// codeLists are the closed lists of the domain that fields of requests take, by the
// operation and the field; the document announces them, so that a form can offer them.
func codeLists() map[string]map[string][]any {
	return map[string]map[string][]any{
		"POST /v1/requests": {"right": anyOf(rights.Rights()), "channel": anyOf(rights.Channels()), "requester": anyOf(rights.Requesters()),
			"ground": anyOf(rights.HeirGrounds()), "language": anyOf([]string{"fr", "en"})},
		"POST /v1/requests/{id}/verify": {"means": anyOf(rights.AllMeans()), "standing": anyOf(rights.Standings()), "right": anyOf(rights.Rights()),
			"ground": anyOf(rights.HeirGrounds())},
		"POST /v1/requests/{id}/notes":          {"kind": anyOf(rights.NoteKinds())},
		"POST /v1/requests/{id}/answer":         {"outcome": anyOf(rights.Outcomes()), "grounds": anyOf(rights.Grounds()), "answer_format": anyOf(rights.Formats())},
		"POST /v1/requests/{id}/dispatch":       {"of": anyOf(rights.Letters()), "by": anyOf(rights.Dispatches())},
		"POST /v1/requests/{id}/refuse":         {"grounds": anyOf(rights.Grounds())},
		"POST /v1/requests/{id}/withdraw":       {"channel": anyOf(rights.Channels())},
		"POST /v1/requests/{id}/tasks/{task}":   {"finding": anyOf(rights.Findings())},
		"POST /v1/breaches":                     {"role": anyOf(breach.Roles())},
		"POST /v1/breaches/{id}/assessment":     {"likelihood": anyOf(breach.Levels()), "severity": anyOf(breach.Levels()), "risk": anyOf(breach.Risks()), "exemption": anyOf(breach.Exemptions())},
		"POST /v1/breaches/{id}/notifications":  {"kind": anyOf(breach.Notifications())},
		"POST /v1/breaches/{id}/communications": {"channel": anyOf(breach.Channels())},
		"POST /v1/breaches/{id}/actions":        {"kind": anyOf(breach.ActionKinds())},
		"POST /v1/reviews":                      {"kind": anyOf(review.Kinds())},
		"POST /v1/reviews/{id}/findings":        {"gravity": anyOf(review.Gravities())},
		"POST /v1/reviews/{id}/close":           {"result": anyOf(review.Results())},
		"POST /v1/inspections":                  {"modes": anyOf(inspection.Modes())},
		"GET /v1/approvals":                     {"state": anyOf(approval.States())},
	}
}

func anyOf[T ~string](list []T) []any {
	out := make([]any, len(list))
	for i, c := range list {
		out[i] = string(c)
	}
	return out
}

// announce puts an operation's lists into its document. A list of a field that there is
// not is refused, as the two would have parted.
func announce(reg huma.Registry, r *Route, op *huma.Operation) (unknown []string) {
	for name, list := range codeLists()[r.Method+" "+r.Pattern] {
		s := fieldSchema(reg, r, op, name)
		switch {
		case s == nil:
			unknown = append(unknown, op.OperationID+" "+name)
		case s.Type == huma.TypeArray:
			item := *s.Items
			item.Enum, s.Items = list, &item
		default:
			s.Enum = list
		}
	}
	slices.Sort(unknown)
	return unknown
}

func fieldSchema(reg huma.Registry, r *Route, op *huma.Operation, name string) *huma.Schema {
	for _, p := range op.Parameters {
		if p.Name == name {
			return p.Schema
		}
	}
	f, ok := bodyField(r.Endpoint.in)
	if !ok {
		return nil
	}
	s := reg.Schema(f.Type, true, operationID(r)+"-request")
	if s.Ref != "" {
		s = reg.SchemaFromRef(s.Ref)
	}
	if s == nil || f.Type.Kind() != reflect.Struct {
		return nil
	}
	return s.Properties[name]
}
