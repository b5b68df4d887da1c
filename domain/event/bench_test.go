package event_test

import (
	"testing"
	"time"

	"greffe/domain/event"
)

const created = `{"specversion":"1.0","id":"01J8ZC0000000000000000001","source":"crm/eu","type":"contact.created","subject":"C-1042","time":"2026-03-02T09:14:07Z",
"actor":"user:jdupont","controller":"acme","sequence":"42","datacontenttype":"application/json","data":{
"kind":"prospect","professional":false,"company":{"name":"Dupont SARL","siren":"732829320","role":"acheteuse"},
"person":{"given_name":"Jeanne","family_name":"Dupont","birth_date":"1988-04-12","emails":["jeanne.dupont@example.fr"],"phones":["+33612345678"],
"postal_address":{"lines":["3 rue des Lilas"],"postal_code":"69003","city":"Lyon","country":"FR"},"language":"fr","time_zone":"Europe/Paris"},
"custom":{"segment":"or"},"notes":"rappeler en mars",
"collection":{"channel":"web_form","origin":"salon","collected_at":"2026-03-02T09:14:00Z","legal_basis":"consent","purposes":["prospecting"],"notice":{"id":"web-form","version":"3"}}}}`

func BenchmarkDecodeUnderstand(b *testing.B) {
	raw, v, c := []byte(created), stub{}, event.Clock{Now: instant("2026-03-02T09:14:08Z"), Skew: 5 * time.Minute}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		in, r := event.Decode(raw)
		if r != nil {
			b.Fatal(r)
		}
		if _, r := event.Understand(in, v, c); r != nil {
			b.Fatal(r)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	raw := []byte(created)
	b.ReportAllocs()
	for b.Loop() {
		if _, r := event.Decode(raw); r != nil {
			b.Fatal(r)
		}
	}
}

func BenchmarkAppendFact(b *testing.B) {
	f, buf := richFact(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = event.AppendFact(buf[:0], f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeFact(b *testing.B) {
	raw, err := event.AppendFact(nil, richFact())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.DecodeFact(raw); err != nil {
			b.Fatal(err)
		}
	}
}
