package esdb

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// lostPanic unwinds a call out of a client that lost its connection.
type lostPanic struct{ err error }

// callErrors is the format of the client's one message that a call failed. It
// is logged in the call's goroutine, with nothing locked, before the client
// asks its loop to look for a node again.
const callErrors = "unexpected exception: %v"

// clientLogger is the client's logger. Nothing of the client reaches the
// default logger.
func clientLogger(log *slog.Logger) client.LoggingFunc {
	return func(level client.LogLevel, format string, args ...any) {
		if format == callErrors && len(args) == 1 {
			if err, ok := args[0].(error); ok && status.Code(err) == codes.Unavailable {
				panic(lostPanic{err})
			}
		}
		if level == client.LogWarn || level == client.LogError {
			log.Debug("EventStoreDB client", "level", level, "message", fmt.Sprintf(format, args...))
		}
	}
}

// What a call's error means.
type verdict int

const (
	verdictUnknown   verdict = iota // no answer, or one that says nothing
	verdictLost                     // this client is of no more use
	verdictConflict                 // the expected revision was refused; not committed
	verdictNotFound                 // no such stream, said by the stream's own message
	verdictDeleted                  // the stream was tombstoned
	verdictNotLeader                // not done; the client goes to the leader
	verdictDenied                   // not done; credentials or rights
)

// errPanic is a panic within the client.
var errPanic = errors.New("the client panicked")

func judge(err error) verdict {
	var e *client.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case client.ErrorCodeWrongExpectedVersion:
			return verdictConflict
		case client.ErrorCodeStreamDeleted:
			return verdictDeleted
		case client.ErrorCodeNotLeader:
			return verdictNotLeader
		case client.ErrorCodeUnauthenticated, client.ErrorCodeAccessDenied:
			return verdictDenied
		case client.ErrorCodeConnectionClosed, client.ErrorUnavailable:
			return verdictLost
		case client.ErrorCodeResourceNotFound:
			if _, grpc := status.FromError(e.Err()); !grpc {
				return verdictNotFound
			}
		}
	}
	switch status.Code(err) {
	case codes.Unavailable:
		return verdictLost
	case codes.Unauthenticated, codes.PermissionDenied:
		return verdictDenied
	}
	return verdictUnknown
}

// reason is err in words of ours: the client's may hold addresses and names.
func reason(err error) string {
	switch judge(err) {
	case verdictLost:
		return "no connection"
	case verdictConflict:
		return "another revision"
	case verdictNotFound:
		return "no such stream"
	case verdictDeleted:
		return "the stream is deleted"
	case verdictNotLeader:
		return "the node does not lead"
	case verdictDenied:
		return "access denied"
	}
	switch {
	case errors.Is(err, io.EOF):
		return "cut while sending"
	case errors.Is(err, errPanic):
		return "the client panicked"
	case errors.Is(err, errSilent):
		return "no answer in time"
	}
	return "answered " + status.Code(err).String()
}
