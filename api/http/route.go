package httpapi

import (
	"reflect"
	"time"

	"greffe/api/problem"
)

// Class says what a route gives out.
type Class string

// The access classes. Only the endpoint constructors set them.
const (
	None     Class = "none"     // nothing about people
	Decision Class = "decision" // a decision or count about people, no data of theirs
	Personal Class = "personal" // data about people: recorded before it leaves
)

// Bulk says how many persons' data a route hands out, for what takes two persons. Every
// personal route that gives lists, lines or files declares it.
type Bulk string

// The kinds.
const (
	// ByPage: as many as are asked for, page by page. What an account was shown in the last
	// approval.Window adds up, whichever way.
	ByPage Bulk = "by_page"
	Many   Bulk = "many" // many at once, by what it is: each is bulk_export
	One    Bulk = "one"  // one person's
	// Nobodys: registers, staff, keys: no data of persons who are not the caller's colleagues.
	Nobodys Bulk = "nobodys"
	// Duty: what the law has a recipient told (art. 19); waiting for a second person would
	// keep objections and erasures back.
	Duty Bulk = "duty"
)

// Rate says which bucket of its account a request counts in.
type Rate string

// The rates, see rates.
const (
	RateIngest Rate = "ingest"
	RateRead   Rate = "read"
	RateSearch Rate = "search"
	RateChange Rate = "change"
	RateOpen   Rate = "open" // not limited
)

// Limits bound one request.
type Limits struct {
	Body    int64         // bytes, after decompression; 0: the route takes no body
	Timeout time.Duration // from the first byte to the last; of each chunk for streams
	Rate    Rate
}

// Route is one row of the table.
type Route struct {
	Method     string
	Pattern    string
	Permission string // of domain/policy; "" only for open routes
	Summary    string
	Limits     Limits
	Idempotent bool // honours Idempotency-Key
	Endpoint   endpoint
	Errors     []problem.Code // beyond those every route of its kind has
}

// Access is the route's access class.
func (r Route) Access() Class { return r.Endpoint.class }

// Open reports a route that needs no token.
func (r Route) Open() bool { return r.Endpoint.open }

// Bulk says how many persons' data the route hands out.
func (r Route) Bulk() Bulk { return r.Endpoint.bulk }

// of declares how many persons' data an endpoint hands out.
func (e endpoint) of(b Bulk) endpoint {
	e.bulk = b
	return e
}

// clear declares that masked fields may be asked for in clear.
func (e endpoint) clear() endpoint {
	e.reveals = true
	return e
}

// endpoint is what a row does. Only open, plain, decision, raw, opening and
// finding make one, so that no row can give out personal data unrecorded.
type endpoint struct {
	class   Class
	bulk    Bulk
	open    bool
	anySite bool // what was sent is itself the permission: another site's page may send it
	local   bool // open to loopback addresses, else by permission
	sender  bool // webhooks arrive here: signatures and HTTP Basic are accepted too
	reveals bool // masked fields may be asked for in clear, of the one person it shows
	serve   func(a *API, c *Call) (answer, error)
	in, out reflect.Type // of the input (see bind.go) and of the answer's body
	item    reflect.Type // of a line, if the answer can be NDJSON
	takes   []string     // media types of the body
	streams bool         // the body is worked off as it comes, whatever its type
	gives   []string     // media types of the answer
	status  int          // of success
}

// answer is what an endpoint gives back: a body to encode, or a writer of its own.
type answer struct {
	status int
	body   any               // encoded as JSON, unless stream or bytes
	bytes  []byte            // sent as they are
	media  string            // of bytes or stream
	header map[string]string // besides
	stream func(c *Call) error
}

const (
	mediaJSON     = "application/json"
	mediaNDJSON   = "application/x-ndjson"
	mediaBatch    = "application/cloudevents-batch+json"
	mediaEvent    = "application/cloudevents+json"
	mediaYAML     = "application/yaml"
	mediaHTML     = "text/html; charset=utf-8"
	mediaCSV      = "text/csv; charset=utf-8"
	mediaProblem  = "application/problem+json"
	mediaText     = "text/plain; charset=utf-8"
	mediaLD       = "application/ld+json"
	mediaCSS      = "text/css; charset=utf-8"
	mediaOpenAPI  = "application/vnd.oai.openapi+json"
	mediaAsyncAPI = "application/vnd.aai.asyncapi+json"
	maxPage       = 1000
	defaultPage   = 100
	recordedChunk = 1000 // people named by one access event
)
