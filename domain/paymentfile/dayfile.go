// Package paymentfile reads and writes the files that a lender exchanges with a bank about payments: the day file of what the bank
// paid (日终文件) as CSV or ISO 20022 camt.054, the batch of payment orders (批量付款文件, pain.001) and the report of what became of
// them (pain.002).
//
// It owns the formats and their limits. It does not own what follows from a file: that is decided in domain/loan and recorded by
// domain/origination. Readers take one entry at a time and hold no more than one in memory, whatever the size of the file.
package paymentfile

import (
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits of a file.
const (
	BytesMax      = 64 << 20 // of a whole file
	EntriesMax    = 200_000  // of a day file
	lineBytesMax  = 4 << 10  // of a CSV line
	tokenBytesMax = 64 << 10 // of one tag or text of XML
	depthMax      = 32       // elements of XML inside one another
	referenceMax  = 64       // characters of the bank's number
	endToEndIDMax = 35       // characters: ISO 20022 Max35Text
)

// Currency is the only one there is.
const Currency = "CNY"

// DayEntry is one payment that the bank says it made.
type DayEntry struct {
	Row        int          // from 1, titles not counted
	EndToEndID string       // as the file writes it
	TransferID domain.ID    // the transfer that EndToEndID names; zero when it cannot be one of ours
	Amount     money.Amount // greater than 0.00
	PaidOn     domain.Date  // the business day on which the bank booked it (Beijing)
	Reference  string       // the bank's own number; may be empty
}

// Totals are what a file holds.
type Totals struct {
	Entries int
	Amount  money.Amount
}

func errUnreadable(format string, args ...any) *domain.Error {
	return domain.Errorf(domain.KindInvalid, "payment-file-unreadable", format, args...)
}

// EndToEndIDOf is how a transfer's id is written in an ISO 20022 file: its 32 hexadecimal digits, because a UUID with its dashes is
// a character longer than Max35Text allows.
func EndToEndIDOf(id domain.ID) string { return strings.ReplaceAll(id.String(), "-", "") }

// TransferIDOf reads an EndToEndId, with dashes or without. Zero says that it is no id of ours.
func TransferIDOf(endToEndID string) domain.ID {
	text := strings.ToLower(strings.TrimSpace(endToEndID))
	if len(text) == 32 {
		text = text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
	}
	id, err := domain.ParseID(text)
	if err != nil {
		return ""
	}
	return id
}

// tally counts entries as they are taken and keeps their limit.
type tally struct {
	totals Totals
	take   func(DayEntry) error
}

func (t *tally) add(e DayEntry) error {
	t.totals.Entries++
	if t.totals.Entries > EntriesMax {
		return errUnreadable("文件超过 %d 笔，请向渠道要求分日提供", EntriesMax)
	}
	e.Row = t.totals.Entries
	e.TransferID = TransferIDOf(e.EndToEndID)
	switch {
	case len([]rune(e.EndToEndID)) > 2*endToEndIDMax:
		return errUnreadable("第 %d 笔的付款编号过长", e.Row)
	case len([]rune(e.Reference)) > referenceMax:
		return errUnreadable("第 %d 笔的渠道流水号超过 %d 个字", e.Row, referenceMax)
	case e.Amount.Sign() <= 0:
		return errUnreadable("第 %d 笔的金额应大于 0.00", e.Row)
	case e.PaidOn.IsZero():
		return errUnreadable("第 %d 笔没有入账日期", e.Row)
	}
	t.totals.Amount = t.totals.Amount.Add(e.Amount)
	return t.take(e)
}

// parseAmount reads an amount of at most two decimals; ISO 20022 lets a bank leave zeros away ("12.5", "12").
func parseAmount(text string) (money.Amount, error) {
	return money.ParseAmount(strings.TrimSpace(text))
}

// parseDay reads a date, or an instant of which the day in Beijing counts. A time without a zone is Beijing's.
func parseDay(text string) (domain.Date, bool) {
	text = strings.TrimSpace(text)
	if day, err := domain.ParseDate(text); err == nil {
		return day, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05"} {
		at, err := time.ParseInLocation(layout, text, domain.BusinessZone)
		if err == nil && at.Year() > domain.YearMin && at.Year() < domain.YearMax {
			return domain.DateOf(at), true
		}
	}
	return domain.Date{}, false
}
