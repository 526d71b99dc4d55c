package sandbox

import (
	"net/http"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/paymentfile"
	"fumin/repository/channel"
)

// dayFile answers GET /v1/day-file?date=2026-08-23&format=csv: what was paid on the business day, as the file that a bank gives its
// customer at the day's end. format is csv or camt.054.
func (s *Server) dayFile(w http.ResponseWriter, r *http.Request) {
	date, err := domain.ParseDate(r.URL.Query().Get("date"))
	if err != nil {
		plainRefusal(w, http.StatusBadRequest, channel.RefusalInvalidRequest, err.Error())
		return
	}
	entries := s.paidOn(date)
	switch r.URL.Query().Get("format") {
	case "csv", "":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_ = paymentfile.WriteDayCSV(w, entries) // the client may have gone; it will ask again
	case "camt.054":
		w.Header().Set("Content-Type", "application/xml")
		// The same day gives the same file: it is made at the end of the day, whenever it is fetched.
		made := time.Date(date.Year(), date.Month(), date.Day()+1, 0, 0, 0, 0, domain.BusinessZone)
		head := paymentfile.Camt054Head{MessageID: "SBX-" + strings.ReplaceAll(date.String(), "-", ""), CreatedAt: made, Account: "SANDBOX"}
		_ = paymentfile.WriteCamt054(w, head, entries)
	default:
		plainRefusal(w, http.StatusBadRequest, channel.RefusalInvalidRequest, "format 应为 csv 或 camt.054")
	}
}

// paidOn lists what succeeded on a business day, in the order in which it was decided.
func (s *Server) paidOn(date domain.Date) []paymentfile.DayEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.record.days[date]
	if b == nil {
		return nil
	}
	entries := make([]paymentfile.DayEntry, 0, len(b.ids))
	for _, id := range b.ids {
		e := s.record.byID[id]
		if e.Answer.State != channel.WireSucceeded {
			continue
		}
		entries = append(entries, paymentfile.DayEntry{
			EndToEndID: paymentfile.EndToEndIDOf(domain.ID(id)), Amount: money.MustParseAmount(e.Answer.Amount), PaidOn: date,
			Reference: e.Answer.ChannelReference,
		})
	}
	return entries
}
