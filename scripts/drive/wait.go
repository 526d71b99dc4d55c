package drive

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const pollInterval = 20 * time.Millisecond

// Until looks at a condition again and again until it is met, or ctx ends, or looking fails. what completes "waited for".
func Until(ctx context.Context, what string, met func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		ok, err := met()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s in vain: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}

// AwaitDisbursement returns the disbursement once it has the status.
func (s *Session) AwaitDisbursement(ctx context.Context, id, status string) (Disbursement, error) {
	var last Disbursement
	err := Until(ctx, "disbursement "+id+" to be "+status, func() (_ bool, err error) {
		last, err = Ask[Disbursement](ctx, s, Read("/v1/disbursements/"+id), http.StatusOK)
		return last.Status == status, err
	})
	if err != nil && last.Status != "" {
		err = fmt.Errorf("%w; it is %s, its transfers: %+v", err, last.Status, last.Transfers)
	}
	return last, err
}

// Say prints for whoever watches. One who has gone is not told so.
func Say(out io.Writer, format string, arguments ...any) {
	_, _ = fmt.Fprintf(out, format, arguments...)
}
