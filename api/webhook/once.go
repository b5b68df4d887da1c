package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// postTime bounds one attempt of Post.
const postTime = 30 * time.Second

// Post sends one message that is no change to a target, signed as the batches are; id
// names it for whoever tells repetitions. Errors hold neither address nor answer.
func (t Target) Post(ctx context.Context, id string, now time.Time, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	via := transport(t.URL, t.Private)
	defer via.CloseIdleConnections()
	client := &http.Client{Transport: via, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the request cannot be made")
	}
	at := strconv.FormatInt(now.Unix(), 10)
	for name, value := range map[string]string{"Content-Type": "application/json", "User-Agent": "greffe",
		"webhook-id": id, "webhook-timestamp": at, "webhook-signature": Sign(t.Key, id, at, body)} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no answer: %w", causeOf(ctx, err))
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return fmt.Errorf("the answer was cut: %w", causeOf(ctx, err))
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}
