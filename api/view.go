package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
)

// useCase is a use case on one application.
type useCase func(ctx context.Context, by domain.Actor, id domain.ID) (loan.Record, error)

// useCaseWithReason is one for which a person says why.
type useCaseWithReason func(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.Record, error)

// headerIdempotencyReplayed says that the answer is to a request carried out before.
const headerIdempotencyReplayed = "Idempotency-Replayed"

func setReplayed(c *gin.Context, replayed bool) {
	if replayed {
		c.Header(headerIdempotencyReplayed, "true")
	}
}

// present makes an absent value (a zero) a JSON null.
func present[T interface{ IsZero() bool }](v T) *T {
	if v.IsZero() {
		return nil
	}
	return &v
}

// listView is a page of a list, with the address of the next.
type listView[V any] struct {
	Items []V     `json:"items"`
	Next  *string `json:"next"`
}

func viewList[R, V any](c *gin.Context, p domain.Page, records []R, view func(R) V, id func(R) domain.ID) listView[V] {
	items := make([]V, len(records))
	for i, r := range records {
		items[i] = view(r)
	}
	l := listView[V]{Items: items}
	if len(records) > 0 {
		l.Next = nextPage(c, p, len(records), id(records[len(records)-1]))
	}
	return l
}
