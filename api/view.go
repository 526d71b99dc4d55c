package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
)

// byID is the handler of a use case that takes nothing but an id from the path: no body either, where the method may have
// one.
func byID[R any](do func(context.Context, domain.Actor, domain.ID) (R, error), answer func(*gin.Context, R) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		id, err := pathID(c, "id")
		if err != nil {
			return err
		}
		if c.Request.Method != http.MethodGet {
			if err := readNoBody(c); err != nil {
				return err
			}
		}
		record, err := do(c.Request.Context(), actor(c), id)
		if err != nil {
			return err
		}
		return answer(c, record)
	}
}

// pageByID is the handler of a list of what belongs to one thing: a path id, the page's query, the use case, the views.
func pageByID[R, V any](list func(context.Context, domain.Actor, domain.ID, domain.Page) ([]R, error), view func(R) V, id func(R) domain.ID) func(*gin.Context) error {
	return func(c *gin.Context) error {
		of, err := pathID(c, "id")
		if err != nil {
			return err
		}
		query, err := readQuery(c)
		if err != nil {
			return err
		}
		p := query.page()
		if err := query.done(); err != nil {
			return err
		}
		records, err := list(c.Request.Context(), actor(c), of, p)
		if err != nil {
			return err
		}
		return writeJSON(c, http.StatusOK, viewList(c, p, records, view, id))
	}
}

// byIDWithReason is the handler of a use case that takes an id and a person's reason.
func byIDWithReason[R any](do func(context.Context, domain.Actor, domain.ID, string) (R, error), answer func(*gin.Context, R) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		id, err := pathID(c, "id")
		if err != nil {
			return err
		}
		in, err := readObject(c)
		if err != nil {
			return err
		}
		reason := in.text("reason", 1, loan.ReasonMax)
		if err := in.done(); err != nil {
			return err
		}
		record, err := do(c.Request.Context(), actor(c), id, reason)
		if err != nil {
			return err
		}
		return answer(c, record)
	}
}

// shown answers 200 with the view of a record.
func shown[R, V any](view func(R) V) func(*gin.Context, R) error {
	return func(c *gin.Context, record R) error {
		return writeJSON(c, http.StatusOK, view(record))
	}
}

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
