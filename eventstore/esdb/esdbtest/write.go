package esdbtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	api "github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxAppendBytes is the limit of servers up to 25.0.
const maxAppendBytes = 1 << 20

// streamsService is the Streams service of one node.
type streamsService struct {
	api.UnimplementedStreamsServer
	srv  *Server
	node *node
}

// view is what this node may show. A follower refuses what requires the leader
// and else shows what it knew when it stopped leading.
func (s *streamsService) view(ctx context.Context) (view, error) {
	leader, limit := s.srv.leadership()
	if leader == s.node {
		return view{s.srv.store, math.MaxUint64}, nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	if len(md.Get("requires-leader")) > 0 {
		return view{}, failNotLeader(ctx, leader)
	}
	return view{s.srv.store, limit}, nil
}

func failNotLeader(ctx context.Context, leader *node) error {
	return fail(ctx, codes.NotFound, "this node does not lead", "exception", "not-leader",
		"leader-endpoint-host", leader.host, "leader-endpoint-port", strconv.Itoa(leader.port))
}

func appendExpectation(o *api.AppendReq_Options) expect {
	switch e := o.ExpectedStreamRevision.(type) {
	case *api.AppendReq_Options_NoStream:
		return expect{kind: noStream}
	case *api.AppendReq_Options_StreamExists:
		return expect{kind: streamExists}
	case *api.AppendReq_Options_Revision:
		return expect{exactly, int64(e.Revision)}
	}
	return expect{}
}

// Append implements the service.
func (s *streamsService) Append(in api.Streams_AppendServer) error {
	ctx := in.Context()
	if _, err := s.view(ctx); err != nil {
		return err
	}
	fault, healed := s.srv.injected.append()
	first, err := in.Recv()
	if err != nil {
		return err
	}
	o := first.GetOptions()
	if o == nil {
		return status.Error(codes.InvalidArgument, "the first message carries no options")
	}
	if fault == EarlyAnswer {
		return status.Error(codes.InvalidArgument, "refused while events were being sent")
	}
	evs, err := receive(in)
	if err != nil {
		return err
	}
	if done, err := s.before(ctx, fault, healed, in); done {
		return err
	}
	answer, err := s.append(ctx, string(o.GetStreamIdentifier().GetStreamName()), appendExpectation(o), evs)
	if err != nil {
		return err
	}
	switch fault {
	case CutAfter:
		s.srv.Disconnect()
		return status.Error(codes.Unavailable, "cut")
	case HangAfter:
		if err := hold(ctx, healed); err != nil {
			return err
		}
	case EmptyAnswerAfter:
		answer = &api.AppendResp{}
	case ConflictAfter:
		answer = refused(appendExpectation(o), int64(answer.GetSuccess().GetCurrentRevision()))
	case AbortedAfter:
		return status.Error(codes.Aborted, "write timed out")
	}
	return in.SendAndClose(answer)
}

// before plays the faults that come before the commit; true ends the call.
func (s *streamsService) before(ctx context.Context, fault AppendFault, healed <-chan struct{}, in api.Streams_AppendServer) (bool, error) {
	switch fault {
	case CutBefore:
		s.srv.Disconnect()
		return true, status.Error(codes.Unavailable, "cut")
	case HangBefore:
		<-healed
	case EmptyAnswer:
		return true, in.SendAndClose(&api.AppendResp{})
	case Aborted:
		return true, status.Error(codes.Aborted, "write timed out")
	case NotReady:
		return true, status.Error(codes.Unavailable, "no leader")
	case NotLeader:
		leader, _ := s.srv.leadership()
		return true, failNotLeader(ctx, leader)
	}
	return false, nil
}

// receive takes the events of an append up to the server's limit.
func receive(in api.Streams_AppendServer) ([]proposed, error) {
	var evs []proposed
	for size := 0; ; {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return evs, nil
		}
		if err != nil {
			return nil, err
		}
		p, err := fromWireEvent(m.GetProposedMessage())
		if err != nil {
			return nil, err
		}
		if size += len(p.data) + len(p.meta) + 2*len(p.typ); size > maxAppendBytes {
			return nil, fail(in.Context(), codes.InvalidArgument, fmt.Sprintf("append larger than %d bytes", maxAppendBytes),
				"exception", "maximum-append-size-exceeded", "maximum-append-size", strconv.Itoa(maxAppendBytes))
		}
		evs = append(evs, p)
	}
}

func (s *streamsService) append(ctx context.Context, stream string, ex expect, evs []proposed) (*api.AppendResp, error) {
	rev, pos, err := s.srv.store.append(stream, ex, evs)
	var wrong *conflict
	switch {
	case errors.Is(err, errDeleted):
		return nil, failDeleted(ctx, stream)
	case errors.As(err, &wrong):
		return refused(ex, wrong.current), nil
	case err != nil:
		return nil, status.Error(codes.Internal, "the journal failed")
	}
	return appended(rev, pos), nil
}

// Delete implements the service.
func (s *streamsService) Delete(ctx context.Context, r *api.DeleteReq) (*api.DeleteResp, error) {
	ex := expect{}
	switch e := r.GetOptions().GetExpectedStreamRevision().(type) {
	case *api.DeleteReq_Options_NoStream:
		ex.kind = noStream
	case *api.DeleteReq_Options_StreamExists:
		ex.kind = streamExists
	case *api.DeleteReq_Options_Revision:
		ex = expect{exactly, int64(e.Revision)}
	}
	pos, err := s.end(ctx, string(r.GetOptions().GetStreamIdentifier().GetStreamName()), ex, false)
	return &api.DeleteResp{PositionOption: &api.DeleteResp_Position_{
		Position: &api.DeleteResp_Position{CommitPosition: pos, PreparePosition: pos}}}, err
}

// Tombstone implements the service.
func (s *streamsService) Tombstone(ctx context.Context, r *api.TombstoneReq) (*api.TombstoneResp, error) {
	ex := expect{}
	switch e := r.GetOptions().GetExpectedStreamRevision().(type) {
	case *api.TombstoneReq_Options_NoStream:
		ex.kind = noStream
	case *api.TombstoneReq_Options_StreamExists:
		ex.kind = streamExists
	case *api.TombstoneReq_Options_Revision:
		ex = expect{exactly, int64(e.Revision)}
	}
	pos, err := s.end(ctx, string(r.GetOptions().GetStreamIdentifier().GetStreamName()), ex, true)
	return &api.TombstoneResp{PositionOption: &api.TombstoneResp_Position_{
		Position: &api.TombstoneResp_Position{CommitPosition: pos, PreparePosition: pos}}}, err
}

func (s *streamsService) end(ctx context.Context, stream string, ex expect, hard bool) (uint64, error) {
	if _, err := s.view(ctx); err != nil {
		return 0, err
	}
	pos, err := s.srv.store.delete(stream, ex, hard)
	var wrong *conflict
	switch {
	case errors.Is(err, errDeleted):
		return 0, failDeleted(ctx, stream)
	case errors.As(err, &wrong):
		return 0, fail(ctx, codes.FailedPrecondition, "the stream is at another revision",
			"exception", "wrong-expected-version", "stream-name", stream,
			"expected-version", strconv.FormatInt(ex.rev, 10), "actual-version", strconv.FormatInt(wrong.current, 10))
	}
	return pos, err
}
