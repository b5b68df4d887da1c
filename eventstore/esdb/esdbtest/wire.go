package esdbtest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	api "github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

var errNoStream = errors.New("no such stream")

func newID() (id [16]byte) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

func fromWireID(id *shared.UUID) ([16]byte, error) {
	if st := id.GetStructured(); st != nil {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], uint64(st.MostSignificantBits))
		binary.BigEndian.PutUint64(b[8:], uint64(st.LeastSignificantBits))
		return b, nil
	}
	return uuid.Parse(id.GetString_())
}

func wireID(id [16]byte) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// wireEvent always has "created": the Go client ends its process without it.
func wireEvent(r *record) *api.ReadResp {
	return &api.ReadResp{Content: &api.ReadResp_Event{Event: &api.ReadResp_ReadEvent{
		Event: &api.ReadResp_ReadEvent_RecordedEvent{
			Id:               wireID(r.id),
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.stream)},
			StreamRevision:   uint64(r.rev),
			PreparePosition:  r.pos,
			CommitPosition:   r.pos,
			Metadata:         map[string]string{"type": r.typ, "content-type": r.ctype, "created": strconv.FormatInt(r.created, 10)},
			CustomMetadata:   r.meta,
			Data:             r.data,
		},
		Position: &api.ReadResp_ReadEvent_CommitPosition{CommitPosition: r.pos},
	}}}
}

func fromWireEvent(m *api.AppendReq_ProposedMessage) (proposed, error) {
	if m == nil {
		return proposed{}, status.Error(codes.InvalidArgument, "expected an event")
	}
	id, err := fromWireID(m.Id)
	if err != nil {
		return proposed{}, status.Error(codes.InvalidArgument, "event id is not a UUID")
	}
	typ, typed := m.Metadata["type"]
	ctype, known := m.Metadata["content-type"]
	if !typed || !known {
		return proposed{}, status.Error(codes.InvalidArgument, "event lacks its type or content type")
	}
	if ctype != jsonType {
		ctype = binaryType
	}
	return proposed{id, typ, ctype, m.Data, m.CustomMetadata}, nil
}

// fail is a status with the trailers that clients look at.
func fail(ctx context.Context, code codes.Code, msg string, trailers ...string) error {
	_ = grpc.SetTrailer(ctx, metadata.Pairs(trailers...))
	return status.Error(code, msg)
}

func failDeleted(ctx context.Context, stream string) error {
	return fail(ctx, codes.FailedPrecondition, "stream is deleted", "exception", "stream-deleted", "stream-name", stream)
}

func appended(rev int64, pos uint64) *api.AppendResp {
	ok := &api.AppendResp_Success{PositionOption: &api.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}}}
	ok.CurrentRevisionOption = &api.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(rev)}
	if rev < 0 {
		ok.CurrentRevisionOption = &api.AppendResp_Success_NoStream{NoStream: &shared.Empty{}}
	}
	if pos > 0 {
		ok.PositionOption = &api.AppendResp_Success_Position{Position: &api.AppendResp_Position{CommitPosition: pos, PreparePosition: pos}}
	}
	return &api.AppendResp{Result: &api.AppendResp_Success_{Success: ok}}
}

func refused(ex expect, current int64) *api.AppendResp {
	w := &api.AppendResp_WrongExpectedVersion{}
	switch ex.kind {
	case anyRevision:
		w.ExpectedRevisionOption = &api.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: &shared.Empty{}}
	case noStream:
		w.ExpectedRevisionOption = &api.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	case streamExists:
		w.ExpectedRevisionOption = &api.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
	default:
		w.ExpectedRevisionOption = &api.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(ex.rev)}
	}
	w.CurrentRevisionOption = &api.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(current)}
	if current < 0 {
		w.CurrentRevisionOption = &api.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}
	}
	return &api.AppendResp{Result: &api.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}
}
