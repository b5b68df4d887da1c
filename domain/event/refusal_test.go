package event_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"greffe/domain/event"
)

const personal = "Zoé-Personnelle"

// take decodes and understands, and returns what refused the input first.
func take(raw string, now time.Time) *event.Refusal {
	in, r := event.Decode([]byte(raw))
	if r != nil {
		return r
	}
	_, r = event.Understand(in, stub{}, event.Clock{Now: now, Skew: 5 * time.Minute})
	return r
}

// TestBadInputs holds the codes stable: clients and the quarantine match them.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	good := envelope(event.ContactCreated, `{"notes":"`+personal+`"}`)
	swap := func(old, by string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in the event", old)
		}
		return strings.Replace(good, old, by, 1)
	}
	data := func(typ event.Type, d string) string { return envelope(typ, d) }
	for name, c := range map[string]struct{ raw, code, field string }{
		"nothing":              {"", "json_invalid", ""},
		"half":                 {good[:len(good)/2], "json_invalid", ""},
		"two":                  {good + good, "json_invalid", ""},
		"trailing comma":       {strings.TrimSuffix(good, "}") + ",}", "json_invalid", ""},
		"single quotes":        {`{'id':'1'}`, "json_invalid", ""},
		"duplicate name":       {swap(`"id":"e1"`, `"id":"e1","id":"e2"`), "json_invalid", ""},
		"escaped duplicate":    {swap(`"id":"e1"`, `"id":"e1","\u0069d":"e2"`), "json_invalid", ""},
		"duplicate in data":    {data(event.ContactCreated, `{"custom":{"a":1,"a":2}}`), "json_invalid", ""},
		"lone surrogate":       {data(event.ContactCreated, `{"notes":"\ud800"}`), "json_invalid", ""},
		"bad UTF-8":            {swap(personal, "Zo\xe9"), "utf8_invalid", ""},
		"depth 10,000":         {data(event.ContactCreated, strings.Repeat(`{"a":`, 10000)+"1"+strings.Repeat("}", 10000)), "json_too_deep", ""},
		"depth 33":             {data(event.ContactCreated, `{"custom":{"a":`+strings.Repeat("[", 30)+strings.Repeat("]", 30)+"}}"), "json_too_deep", ""},
		"open brackets":        {strings.Repeat("[", 200_000), "json_too_deep", ""},
		"1 MiB":                {swap(personal, strings.Repeat("a", 1<<20)), "event_too_large", ""},
		"a list":               {"[]", "not_an_object", ""},
		"a string":             {`"` + personal + `"`, "not_an_object", ""},
		"no id":                {swap(`"id":"e1",`, ``), "id_missing", "id"},
		"null id":              {swap(`"id":"e1"`, `"id":null`), "id_missing", "id"},
		"empty source":         {swap(`"crm/eu"`, `""`), "source_missing", "source"},
		"number id":            {swap(`"id":"e1"`, `"id":1`), "attribute_invalid", "id"},
		"long subject":         {swap(`"C-1042"`, `"`+strings.Repeat("x", 513)+`"`), "attribute_invalid", "subject"},
		"other specversion":    {swap(`"1.0"`, `"0.3"`), "specversion_unsupported", "specversion"},
		"no specversion":       {swap(`"specversion":"1.0",`, ``), "specversion_unsupported", "specversion"},
		"no type":              {swap(`"type":"contact.created",`, ``), "type_missing", "type"},
		"unknown type":         {swap(`contact.created`, personal), "type_unknown", "type"},
		"reserved type":        {swap(`contact.created`, "policy.published"), "type_reserved", "type"},
		"xml":                  {swap(`application/json`, "text/xml"), "datacontenttype_unsupported", "datacontenttype"},
		"base64":               {swap(`"data":`, `"data_base64":"","data":`), "datacontenttype_unsupported", "data_base64"},
		"no subject":           {swap(`"subject":"C-1042",`, ``), "subject_missing", "subject"},
		"no time":              {swap(`"time":"2026-03-02T09:14:07Z",`, ``), "time_missing", "time"},
		"null time":            {swap(`"2026-03-02T09:14:07Z"`, `null`), "time_missing", "time"},
		"French time":          {swap(`2026-03-02T09:14:07Z`, "02/03/2026"), "time_invalid", "time"},
		"time without zone":    {swap(`09:14:07Z`, "09:14:07"), "time_invalid", "time"},
		"year 1":               {swap(`2026-03-02T`, "0001-01-01T"), "time_invalid", "time"},
		"no data":              {swap(`"data":{"notes":"`+personal+`"}`, `"data":null`), "data_missing", "data"},
		"data a list":          {data(event.ContactCreated, `[]`), "data_missing", "data"},
		"other data":           {data(event.ContactDeleted, `"x"`), "data_missing", "data"},
		"unknown controller":   {swap(`"acme"`, `"`+personal+`"`), "controller_unknown", "controller"},
		"all controllers":      {swap(`"acme"`, `"*"`), "controller_unknown", "controller"},
		"unknown purpose":      {data(event.ConsentGranted, `{"purpose":"`+personal+`"}`), "purpose_unknown", "purpose"},
		"no purpose":           {data(event.ConsentGranted, `{}`), "field_required", "purpose"},
		"null purpose":         {data(event.ConsentGranted, `{"purpose":null}`), "field_required", "purpose"},
		"unknown purposes":     {data(event.ContactCreated, `{"collection":{"purposes":["prospecting","x"]}}`), "purpose_unknown", "collection.purposes"},
		"unknown channel":      {data(event.ConsentGranted, `{"purpose":"prospecting","channels":["pigeon"]}`), "channel_unknown", "channels"},
		"grant of no channel":  {data(event.ConsentGranted, `{"purpose":"prospecting","channels":[]}`), "field_invalid", "channels"},
		"channel as text":      {data(event.ConsentGranted, `{"purpose":"prospecting","channels":"email"}`), "field_invalid", "channels"},
		"interaction channel":  {data(event.InteractionRecorded, `{"kind":"call","channel":"pigeon"}`), "channel_unknown", "channel"},
		"unknown kind":         {data(event.ContactCreated, `{"kind":"`+personal+`"}`), "field_invalid", "kind"},
		"flag as text":         {data(event.ContactCreated, `{"professional":"no"}`), "field_invalid", "professional"},
		"instant":              {data(event.ContactCreated, `{"collection":{"collected_at":"hier"}}`), "field_invalid", "collection.collected_at"},
		"count below zero":     {data(event.AccessRecorded, `{"count":-1}`), "field_invalid", "count"},
		"count of half":        {data(event.AccessRecorded, `{"count":1.5}`), "field_invalid", "count"},
		"count beyond 2^53":    {data(event.AccessRecorded, `{"count":9007199254740992}`), "field_invalid", "count"},
		"subjects":             {data(event.AccessRecorded, `{"subjects":["a",""]}`), "field_invalid", "subjects"},
		"emails as text":       {data(event.ContactCreated, `{"person":{"emails":"`+personal+`"}}`), "field_invalid", "person.emails"},
		"emails of numbers":    {data(event.ContactCreated, `{"person":{"emails":[1]}}`), "field_invalid", "person.emails"},
		"name as list":         {data(event.ContactCreated, `{"person":{"given_name":["`+personal+`"]}}`), "field_invalid", "person.given_name"},
		"address as text":      {data(event.ContactCreated, `{"person":{"postal_address":"`+personal+`"}}`), "field_invalid", "person.postal_address"},
		"field twice":          {data(event.ContactCreated, `{"person":{"given_name":"a"},"person.given_name":"b"}`), "field_invalid", "data"},
		"no link":              {data(event.ContactMerged, `{}`), "field_required", "into"},
		"link without subject": {data(event.ContactMerged, `{"into":{"source":"x"}}`), "field_invalid", "into"},
		"set as list":          {data(event.ContactChanged, `{"set":[]}`), "field_invalid", "set"},
		"unset as text":        {data(event.ContactChanged, `{"unset":"notes"}`), "field_invalid", "unset"},
	} {
		r := take(c.raw, instant("2026-03-02T09:14:08Z"))
		if r == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		if r.Code != c.code || r.Field != c.field {
			t.Errorf("%s: %s of %q, want %s of %q", name, r.Code, r.Field, c.code, c.field)
		}
		if r.Sentence() == (&event.Refusal{Code: "?"}).Sentence() {
			t.Errorf("%s: no sentence for %s", name, r.Code)
		}
		if strings.Contains(r.Error(), "Zo") {
			t.Errorf("%s: the refusal quotes the input", name)
		}
	}
}

func TestTimeAhead(t *testing.T) {
	t.Parallel()
	at := instant("2026-03-02T09:14:07Z")
	for ahead, code := range map[time.Duration]string{
		-time.Hour: "", 4*time.Minute + 59*time.Second: "", 5 * time.Minute: "", 5*time.Minute + time.Microsecond: "time_ahead",
		5*time.Minute + time.Second: "time_ahead", 24 * time.Hour: "time_ahead",
	} {
		got := ""
		if r := take(envelope(event.ContactCreated, `{}`), at.Add(-ahead)); r != nil {
			got = r.Code
		}
		if got != code {
			t.Errorf("%v ahead: %q, want %q", ahead, got, code)
		}
		in, _ := event.Decode([]byte(envelope(event.OppositionRegistered, `{}`)))
		d, r := event.Understand(in, stub{}, event.Clock{Now: at.Add(-ahead), Skew: 5 * time.Minute})
		if r != nil {
			t.Errorf("%v ahead: an objection is refused: %v", ahead, r)
		} else if code != "" && !d.Time.Equal(at.Add(-ahead)) {
			t.Errorf("%v ahead: the objection holds from %v, not from now", ahead, d.Time)
		}
	}
}

func TestLimitsAreTaken(t *testing.T) {
	t.Parallel()
	now := instant("2026-03-02T09:14:08Z")
	deepest := envelope(event.ContactCreated, `{"custom":{"a":`+strings.Repeat("[", 29)+strings.Repeat("]", 29)+"}}")
	if r := take(deepest, now); r != nil {
		t.Errorf("depth 32: %v", r)
	}
	shell := len(envelope(event.ContactCreated, `{"notes":""}`))
	for n, want := range map[int]bool{event.MaxEventBytes: true, event.MaxEventBytes + 1: false} {
		r := take(envelope(event.ContactCreated, `{"notes":"`+strings.Repeat("a", n-shell)+`"}`), now)
		if (r == nil) != want {
			t.Errorf("%d bytes: %v", n, r)
		}
	}
	var many []string
	for i := range 1200 {
		many = append(many, fmt.Sprintf(`"C-%d"`, i))
	}
	d := understand(t, envelope(event.AccessRecorded, `{"reason":"customer_call","subjects":[`+strings.Join(many, ",")+`]}`))
	if len(d.Subjects) != 1000 || d.Codes.Int("count") != 1200 || len(d.Warnings) != 1 {
		t.Errorf("%d subjects, count %d, %v", len(d.Subjects), d.Codes.Int("count"), d.Warnings)
	}
}

func TestRefusalNamesItsField(t *testing.T) {
	t.Parallel()
	r := take(envelope(event.ContactCreated, `{"professional":1}`), instant("2026-03-02T09:14:08Z"))
	if r == nil || !strings.HasPrefix(r.Error(), "professional: ") {
		t.Errorf("%v", r)
	}
	if r := take("{", time.Time{}); r == nil || r.Error() != r.Sentence() {
		t.Errorf("%v", r)
	}
}

// TestOwnFieldsAreNamedByCodes: an upstream's field names may hold anything.
func TestOwnFieldsAreNamedByCodes(t *testing.T) {
	t.Parallel()
	d := understand(t, envelope(event.ContactChanged,
		`{"set":{"custom":{"ok-1":1,"a \"quoted\" name":2,"jeanne@example.fr":3,"née":null}},"unset":["custom.née"]}`))
	if len(d.Fields) != 1 || d.Fields[0].Path != "custom.ok-1" || len(d.Unset) != 0 || len(d.Warnings) != 4 {
		t.Errorf("%+v", d)
	}
	if back, err := event.ParsePlaintext(event.Plaintext(d.Fields)); err != nil || len(back) != 1 {
		t.Errorf("%v, %v", back, err)
	}
}
