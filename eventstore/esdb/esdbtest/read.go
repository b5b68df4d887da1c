package esdbtest

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"

	api "github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// batch is how many records a read takes from the store at once.
const batch = 64

// Read implements the service: reads and catch-up subscriptions.
func (s *streamsService) Read(r *api.ReadReq, out api.Streams_ReadServer) error {
	v, err := s.view(out.Context())
	if err != nil {
		return err
	}
	o := r.GetOptions()
	back := o.GetReadDirection() == api.ReadReq_Options_Backwards
	if o.GetSubscription() != nil {
		if back {
			return status.Error(codes.InvalidArgument, "a subscription reads forwards")
		}
		return v.subscribe(o, out)
	}
	fault, healed := s.srv.injected.read()
	out = &faultyReads{Streams_ReadServer: out, srv: s.srv, fault: fault, healed: healed}
	if so := o.GetStream(); so != nil {
		err = v.readStream(so, back, o.GetCount(), out)
	} else {
		err = v.readAll(o.GetAll(), back, o.GetCount(), out)
	}
	if errors.Is(err, errShort) {
		return nil
	}
	return err
}

func (v view) readStream(so *api.ReadReq_Options_StreamOptions, back bool, count uint64, out api.Streams_ReadServer) error {
	name, from := string(so.GetStreamIdentifier().GetStreamName()), int64(0)
	switch o := so.RevisionOption.(type) {
	case *api.ReadReq_Options_StreamOptions_End:
		if from = math.MaxInt64; back {
			from = -1
		}
	case *api.ReadReq_Options_StreamOptions_Revision:
		from = int64(o.Revision)
	}
	for count > 0 {
		n := int(min(count, batch))
		recs, err := v.stream(name, from, back, n)
		switch {
		case errors.Is(err, errNoStream):
			return out.Send(&api.ReadResp{Content: &api.ReadResp_StreamNotFound_{
				StreamNotFound: &api.ReadResp_StreamNotFound{StreamIdentifier: so.StreamIdentifier}}})
		case err != nil:
			return failDeleted(out.Context(), name)
		}
		for _, r := range recs {
			if err := out.Send(wireEvent(r)); err != nil {
				return err
			}
		}
		if len(recs) < n {
			return nil
		}
		if from = recs[n-1].rev + 1; back {
			if from = recs[n-1].rev - 1; from < 0 {
				return nil
			}
		}
		count -= uint64(n)
	}
	return nil
}

func (v view) readAll(ao *api.ReadReq_Options_AllOptions, back bool, count uint64, out api.Streams_ReadServer) error {
	from := uint64(0)
	switch o := ao.GetAllOption().(type) {
	case *api.ReadReq_Options_AllOptions_End:
		from = math.MaxUint64
	case *api.ReadReq_Options_AllOptions_Position:
		from = o.Position.GetCommitPosition()
	}
	for count > 0 {
		n := int(min(count, batch))
		recs := v.all(from, back, n)
		for _, r := range recs {
			if err := out.Send(wireEvent(r)); err != nil {
				return err
			}
			if from = r.pos + 1; back {
				from = r.pos
			}
		}
		if len(recs) < n {
			return nil
		}
		count -= uint64(n)
	}
	return nil
}

// filter selects what a subscription to $all gets.
type filter struct {
	onType   bool
	re       *regexp.Regexp
	prefixes []string
}

func newFilter(o *api.ReadReq_Options_FilterOptions) (*filter, error) {
	if o == nil {
		return nil, nil
	}
	f := &filter{onType: o.GetEventType() != nil}
	e := o.GetStreamIdentifier()
	if f.onType {
		e = o.GetEventType()
	}
	f.prefixes = e.GetPrefix()
	if e.GetRegex() == "" {
		return f, nil
	}
	re, err := regexp.Compile(e.GetRegex())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "filter is not a regular expression")
	}
	f.re = re
	return f, nil
}

func (f *filter) takes(r *record) bool {
	if f == nil {
		return true
	}
	v := r.stream
	if f.onType {
		v = r.typ
	}
	if f.re != nil {
		return f.re.MatchString(v)
	}
	return slices.ContainsFunc(f.prefixes, func(p string) bool { return strings.HasPrefix(v, p) })
}

// errShort ends a read as if it were complete.
var errShort = errors.New("short")

// faultyReads plays a ReadFault.
type faultyReads struct {
	api.Streams_ReadServer
	srv    *Server
	fault  ReadFault
	healed <-chan struct{}
	sent   int
}

func (f *faultyReads) Send(m *api.ReadResp) error {
	if f.fault.Kind == Whole || f.sent != f.fault.After {
		f.sent++
		return f.Streams_ReadServer.Send(m)
	}
	f.sent++
	switch f.fault.Kind {
	case Cut:
		f.srv.Disconnect()
		return status.Error(codes.Unavailable, "cut")
	case Short:
		return errShort
	case Hang:
		if err := hold(f.Context(), f.healed); err != nil {
			return err
		}
	case Odd:
		m = &api.ReadResp{Content: &api.ReadResp_LastStreamPosition{LastStreamPosition: 1}}
	case Skip:
		return nil
	case Garble:
		if e := m.GetEvent().GetEvent(); e != nil {
			e.Data = append([]byte{'?'}, e.Data...)
		}
	}
	return f.Streams_ReadServer.Send(m)
}
