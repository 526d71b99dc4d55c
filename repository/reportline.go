package repository

import (
	"context"
	"fmt"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/report"
)

// lineUse walks the lines in the order in which they were opened; how they were used is folded from their history.
var lineUse = ledger{
	from:   "credit_lines l {index} JOIN applications a ON a.id = l.application_id JOIN borrowers b ON b.id = l.borrower_id",
	index:  "ix_credit_lines_created",
	branch: "l.branch_id", time: "l.created_at", id: "l.application_id", product: "a.product_code",
	cells: func(q report.Query) []string {
		return []string{
			"a.application_no", "a.product_code", "a.region_code", maskedCell("b.name", q.Reveal),
			"IF(l.revolving, '是', '否')", "CAST(l.starts_on AS CHAR)", "CAST(l.ends_on AS CHAR)",
			"''", "CAST(l.credit_limit AS CHAR)", "''", "''", "''", "''", "l.id", // the history completes the status and the last five
		}
	},
	finish: completeLines,
}

// The places of a line's cells that its history says.
const (
	cellEndsOn = 6 + iota
	cellLineStatus
	cellLimit
	cellOutstanding
	cellReserved
	cellFree
	cellDrawnTotal
	cellRepaidTotal // holds the line's id until it is completed
)

func completeLines(ctx context.Context, r reader, q report.Query, rows []ledgerRow) error {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.cells[cellRepaidTotal]
	}
	histories, err := r.reportHistories(ctx, ids)
	if err != nil {
		return err
	}
	for i, row := range rows {
		limit, err := money.ParseAmount(row.cells[cellLimit])
		if err != nil {
			return fmt.Errorf("line %s: %w", ids[i], err)
		}
		was, err := lineAsOf(histories[domain.ID(ids[i])], q.Cutoff(), limit)
		if err != nil {
			return fmt.Errorf("line %s: %w", ids[i], err)
		}
		endsOn, err := domain.ParseDate(row.cells[cellEndsOn])
		if err != nil {
			return fmt.Errorf("line %s: %w", ids[i], err)
		}
		row.cells[cellLineStatus] = string(was.status)
		row.cells[cellOutstanding], row.cells[cellReserved], row.cells[cellFree] = was.outstanding.String(), was.reserved.String(), was.freeOn(q.AsOf, endsOn).String()
		row.cells[cellDrawnTotal], row.cells[cellRepaidTotal] = was.drawn.String(), was.repaid.String()
	}
	return nil
}

// lineState is how a line stood and was used at a moment.
type lineState struct {
	status                                     loan.LineStatus
	outstanding, reserved, room, drawn, repaid money.Amount // room is what is not used of the limit, whether it can be drawn or not
}

// freeOn is what could be drawn on the day, as loan.LineRecord.FreeOn has it: nothing on a line that is held or ended (a renewal and
// a withdrawn contract end it too), or whose last day has come.
func (s lineState) freeOn(day, endsOn domain.Date) money.Amount {
	if s.status != loan.LineLive || !day.Before(endsOn) {
		return money.Amount{}
	}
	return s.room
}

// lineAsOf folds a line's history up to a moment, which itself does not count. What is outstanding and free after each deed
// stands in its event.
func lineAsOf(history []eventRow, cutoff time.Time, limit money.Amount) (lineState, error) {
	s := lineState{status: loan.LineLive, room: limit}
	for _, e := range history {
		if !e.At.Before(cutoff) {
			break
		}
		s.status = loan.LineStatus(e.ToStatus)
		notes := notesOf(e)
		amount, moved := notes["amount"]
		if !moved || notes["free"] == "" {
			continue // opened, held, resumed or ended: no money moved
		}
		var figures [3]money.Amount
		for i, text := range []string{amount, notes["outstanding"], notes["free"]} {
			var err error
			if figures[i], err = money.ParseAmount(text); err != nil {
				return lineState{}, fmt.Errorf("event %d: %q: %w", e.Version, text, err)
			}
		}
		s.outstanding, s.room = figures[1], figures[2]
		switch loan.Action(e.Action) { //nolint:exhaustive // the others change what is outstanding alone
		case loan.ActionLineReserve:
			s.reserved = s.reserved.Add(figures[0])
		case loan.ActionLineGiveBack:
			s.reserved = s.reserved.Sub(figures[0])
		case loan.ActionLineDraw:
			s.reserved, s.drawn = s.reserved.Sub(figures[0]), s.drawn.Add(figures[0])
		case loan.ActionLineRepay:
			s.repaid = s.repaid.Add(figures[0])
		case loan.ActionLineUndo:
			s.repaid = s.repaid.Sub(figures[0])
		}
	}
	return s, nil
}
