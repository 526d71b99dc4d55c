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
			"CAST(l.credit_limit AS CHAR)", "''", "''", "''", "''", "l.id", // the history completes the last five
		}
	},
	finish: completeLines,
}

// The places of a line's cells that its history says.
const (
	cellLimit = 7 + iota
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
		row.cells[cellOutstanding], row.cells[cellReserved], row.cells[cellFree] = was.outstanding.String(), was.reserved.String(), was.free.String()
		row.cells[cellDrawnTotal], row.cells[cellRepaidTotal] = was.drawn.String(), was.repaid.String()
	}
	return nil
}

// lineState is how a line was used at a moment.
type lineState struct{ outstanding, reserved, free, drawn, repaid money.Amount }

// lineAsOf folds a line's history up to a moment, which itself does not count. What is outstanding and free after each deed
// stands in its event.
func lineAsOf(history []eventRow, cutoff time.Time, limit money.Amount) (lineState, error) {
	s := lineState{free: limit}
	for _, e := range history {
		if !e.At.Before(cutoff) {
			break
		}
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
		s.outstanding, s.free = figures[1], figures[2]
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
