package esdbtest

import (
	"errors"

	api "github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// subscribe pulls from the store: it has no queue, a slow reader is held back
// by the transport and stays in catch-up.
func (v view) subscribe(o *api.ReadReq_Options, out api.Streams_ReadServer) error {
	f, err := newFilter(o.GetFilter())
	if err != nil {
		return err
	}
	s := &subscription{view: v, out: out, filter: f, interval: uint64(o.GetFilter().GetCheckpointIntervalMultiplier())}
	if f != nil {
		if s.interval == 0 {
			return status.Error(codes.InvalidArgument, "checkpoint interval is zero")
		}
		s.interval *= uint64(max(o.GetFilter().GetMax(), 1))
	}
	pull := s.pullAll
	if so := o.GetStream(); so != nil {
		s.stream, pull = string(so.GetStreamIdentifier().GetStreamName()), s.pullStream
		switch r := so.RevisionOption.(type) {
		case *api.ReadReq_Options_StreamOptions_End:
			s.rev = v.lastRevision(s.stream) + 1
		case *api.ReadReq_Options_StreamOptions_Revision:
			s.rev = int64(r.Revision) + 1
		}
	} else {
		switch p := o.GetAll().GetAllOption().(type) {
		case *api.ReadReq_Options_AllOptions_End:
			s.pos = v.end()
		case *api.ReadReq_Options_AllOptions_Position:
			s.pos = p.Position.GetCommitPosition() + 1
		}
	}
	return s.run(pull)
}

type subscription struct {
	view
	out    api.Streams_ReadServer
	stream string
	rev    int64 // next to send of the stream
	pos    uint64

	filter     *filter
	interval   uint64 // events considered between two checkpoints
	considered uint64
	seen, told uint64 // last position considered, last one told by a checkpoint
}

func (s *subscription) run(pull func() (int, error)) error {
	err := s.out.Send(&api.ReadResp{Content: &api.ReadResp_Confirmation{
		Confirmation: &api.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()}}})
	for live := false; err == nil; {
		changed := s.changed()
		var n int
		if n, err = pull(); err != nil || n == batch {
			continue
		}
		if !live {
			live = true
			if err = s.checkpoint(); err == nil {
				err = s.out.Send(&api.ReadResp{Content: &api.ReadResp_CaughtUp_{CaughtUp: &api.ReadResp_CaughtUp{}}})
			}
			continue
		}
		select {
		case <-changed:
		case <-s.out.Context().Done():
			err = s.out.Context().Err()
		}
	}
	return err
}

func (s *subscription) pullStream() (int, error) {
	recs, err := s.view.stream(s.stream, s.rev, false, batch)
	switch {
	case errors.Is(err, errNoStream):
		return 0, nil
	case err != nil:
		return 0, failDeleted(s.out.Context(), s.stream)
	}
	for _, r := range recs {
		if err := s.out.Send(wireEvent(r)); err != nil {
			return 0, err
		}
		s.rev = r.rev + 1
	}
	return len(recs), nil
}

func (s *subscription) pullAll() (int, error) {
	recs := s.all(s.pos, false, batch)
	for _, r := range recs {
		s.pos, s.seen = r.pos+1, r.pos
		s.considered++
		if s.filter.takes(r) {
			if err := s.out.Send(wireEvent(r)); err != nil {
				return 0, err
			}
		}
		if s.filter != nil && s.considered >= s.interval {
			s.considered = 0
			if err := s.checkpoint(); err != nil {
				return 0, err
			}
		}
	}
	return len(recs), nil
}

// checkpoint tells a filtered subscription how far it was looked.
func (s *subscription) checkpoint() error {
	if s.filter == nil || s.seen == s.told {
		return nil
	}
	s.told = s.seen
	return s.out.Send(&api.ReadResp{Content: &api.ReadResp_Checkpoint_{
		Checkpoint: &api.ReadResp_Checkpoint{CommitPosition: s.seen, PreparePosition: s.seen}}})
}
