package sandbox

import (
	"net/http"
	"strconv"

	"fumin/domain"
	"fumin/repository/channel"
)

// Limits of a page of List.
const (
	ListLimitDefault = 100
	ListLimitMax     = 1000
)

// List is the answer of GET /v1/payments: one page, in the order of acceptance (with a date: of decision), and the totals
// of all pages. With a date it holds what was paid or failed on that business day.
type List struct {
	Payments  []Listed         `json:"payments"`
	NextAfter string           `json:"next_after,omitempty"` // the value of after for the next page; absent on the last
	Totals    map[string]Total `json:"totals"`               // by state; every state is there
}

// Listed is one payment as the channel knows it.
type Listed struct {
	channel.Answer
	PayeeAccountTail string `json:"payee_account_tail"` // the last four characters
}

// Total is how many payments, and their sum in yuan.
type Total struct {
	Count  int    `json:"count"`
	Amount string `json:"amount"`
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	parameters := r.URL.Query()
	limit := ListLimitDefault
	if text := parameters.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > ListLimitMax {
			plainRefusal(w, http.StatusBadRequest, channel.RefusalInvalidRequest, "limit 应为 1 至 "+strconv.Itoa(ListLimitMax))
			return
		}
		limit = n
	}
	var date domain.Date
	if text := parameters.Get("date"); text != "" {
		var err error
		if date, err = domain.ParseDate(text); err != nil {
			plainRefusal(w, http.StatusBadRequest, channel.RefusalInvalidRequest, err.Error())
			return
		}
	}
	page, ok := s.page(date, parameters.Get("after"), limit)
	if !ok {
		plainRefusal(w, http.StatusBadRequest, channel.RefusalInvalidRequest, "after 应为上一页最后一笔付款的编号")
		return
	}
	writeJSON(w, http.StatusOK, page)
}

// page returns the payments that follow after; false when there is no such payment to follow.
func (s *Server) page(date domain.Date, after string, limit int) (List, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.record.all
	if !date.IsZero() {
		b = s.record.days[date]
		if b == nil {
			empty := newBook()
			b = &empty
		}
	}
	start := 0
	if after != "" {
		position, known := b.position[after]
		if !known {
			return List{}, false
		}
		start = position + 1
	}
	end := min(start+limit, len(b.ids))
	page := List{Payments: []Listed{}, Totals: map[string]Total{}}
	for _, id := range b.ids[start:end] {
		e := s.record.byID[id]
		account := e.Order.PayeeAccount
		page.Payments = append(page.Payments, Listed{Answer: e.Answer, PayeeAccountTail: account[max(0, len(account)-4):]})
	}
	if end < len(b.ids) {
		page.NextAfter = b.ids[end-1]
	}
	for _, state := range []string{channel.WireSucceeded, channel.WireFailed, channel.WireProcessing} {
		t := b.totals[state]
		page.Totals[state] = Total{Count: t.count, Amount: t.amount.String()}
	}
	return page, true
}
