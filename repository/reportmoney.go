package repository

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/report"
	"fumin/domain/staff"
)

// paidTransfers is what was paid, in the order in which it arrived: rows that nothing changes any more.
const paidTransfers = "transfers t {index} JOIN applications a ON a.id = t.application_id JOIN borrowers b ON b.id = t.borrower_id"

var disbursementLedger = ledger{
	from: paidTransfers, index: "ix_transfers_branch_settled",
	branch: "t.branch_id", time: "t.settled_at", id: "t.id", product: "a.product_code", where: "t.status = 'succeeded'",
	cells: func(q report.Query) []string {
		account := "t.payee_account_last4"
		if q.Reveal {
			account = "t.payee_account_cipher"
		}
		return []string{
			"a.application_no", "a.product_code", "a.region_code", maskedCell("b.name", q.Reveal), "t.id", beijingCell("t.settled_at"),
			maskedCell("t.payee_name", q.Reveal), account, "t.method", "t.channel_reference", "CAST(t.amount AS CHAR)",
		}
	},
	finish: openAccounts,
}

// cellPayeeAccount is where a row of the ledger has the account.
const cellPayeeAccount = 7

// openAccounts opens the seals of the accounts, for a reader who may see them.
func openAccounts(_ context.Context, r reader, q report.Query, rows []ledgerRow) error {
	if !q.Reveal {
		return nil
	}
	for _, row := range rows {
		account, err := r.cipher.open(transferAccountColumn, domain.ID(row.id), []byte(row.cells[cellPayeeAccount]))
		if err != nil {
			return err
		}
		row.cells[cellPayeeAccount] = account
	}
	return nil
}

// inclusiveFlags walks the same payments and says by the definitions of their day what they count as.
var inclusiveFlags = ledger{
	from: paidTransfers, index: "ix_transfers_branch_settled",
	branch: "t.branch_id", time: "t.settled_at", id: "t.id", product: "a.product_code", where: "t.status = 'succeeded'",
	cells: func(report.Query) []string {
		return []string{
			"a.application_no", "a.product_code", "a.region_code", "b.kind", "a.purpose", beijingCell("t.settled_at"), "''", "''", "''",
			grantedThen,
			"CAST(t.amount AS CHAR)",
		}
	},
	finish: flagPayments,
}

// grantedThen is what the borrower was granted in all at the moment of the payment: the limit that the definition is about
// (单户授信总额). A line counts from its signing until it is ended, a line that is renewed until the signing of the renewal; and not
// from its last day on. Ended is for good, so that only a line that is now looks at when it was.
const grantedThen = `(SELECT CAST(COALESCE(SUM(g.credit_limit), 0) AS CHAR) FROM credit_lines g FORCE INDEX (ix_credit_lines_borrower)
	WHERE g.borrower_id = t.borrower_id AND g.created_at <= t.settled_at AND g.ends_on > DATE(DATE_ADD(t.settled_at, INTERVAL 8 HOUR))
	  AND NOT (g.status = 'ended' AND EXISTS (SELECT 1 FROM events x WHERE x.subject_id = g.id AND x.to_status = 'ended' AND x.at <= t.settled_at)))`

// The places of a payment's cells that the definitions look at and fill in.
const (
	cellKind = 3 + iota
	cellFlagPurpose
	cellPaidAt
	cellAgricultural
	cellInclusive
	cellFarmer
	cellDefinitionFrom // holds what was granted until the row is completed
)

// inclusiveLimit is a lender's limit below which a loan counts as inclusive, from a day on.
type inclusiveLimit struct {
	kinds  []string
	amount money.Amount
	from   domain.Date
	since  time.Time // when the lender put it in force: a report of an earlier day does not know it
}

func flagPayments(ctx context.Context, r reader, q report.Query, rows []ledgerRow) error {
	limits, err := r.inclusiveLimits(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		paidOn, err := domain.ParseDate(row.cells[cellPaidAt][:len("2006-01-02")])
		if err != nil {
			return fmt.Errorf("transfer %s: %w", row.id, err)
		}
		granted, err := money.ParseAmount(row.cells[cellDefinitionFrom])
		if err != nil {
			return fmt.Errorf("transfer %s: %w", row.id, err)
		}
		kind := row.cells[cellKind]
		farmer := kind == string(borrower.KindFarmer) || kind == string(borrower.KindFamilyFarm)
		limit, defined := limitFor(limits, kind, paidOn, q.Cutoff())
		row.cells[cellAgricultural] = report.CellOfFlag(agricultural(kind, loan.Purpose(row.cells[cellFlagPurpose])))
		row.cells[cellInclusive] = report.CellOfFlag(defined && granted.Cmp(limit.amount) <= 0)
		row.cells[cellFarmer] = report.CellOfFlag(farmer)
		row.cells[cellDefinitionFrom] = ""
		if defined {
			row.cells[cellDefinitionFrom] = limit.from.String()
		}
	}
	return nil
}

// agricultural is 涉农: a farmer's loan, a co-operative's, or one whose money goes into farming.
func agricultural(kind string, purpose loan.Purpose) bool {
	switch borrower.Kind(kind) {
	case borrower.KindFarmer, borrower.KindFamilyFarm, borrower.KindCooperative:
		return true
	case borrower.KindSoleProprietor, borrower.KindSmallEnterprise:
	}
	return purpose == loan.PurposePlanting || purpose == loan.PurposeLivestock
}

// limitFor is the definition in force on the day of payment.
func limitFor(limits []inclusiveLimit, kind string, paidOn domain.Date, cutoff time.Time) (inclusiveLimit, bool) {
	var found inclusiveLimit
	for _, l := range limits {
		if slices.Contains(l.kinds, kind) && !l.from.After(paidOn) && l.since.Before(cutoff) && !l.from.Before(found.from) {
			found = l
		}
	}
	return found, !found.from.IsZero()
}

const inclusiveLimitsMax = 1000

func (r reader) inclusiveLimits(ctx context.Context) ([]inclusiveLimit, error) {
	var rows []struct {
		BorrowerKinds jsonColumn[[]string]
		Amount        string
		EffectiveFrom dateColumn
		ActivatedAt   time.Time
	}
	err := r.db.WithContext(ctx).Table("lender_limits").
		Select("borrower_kinds, CAST(amount AS CHAR) AS amount, effective_from, activated_at").
		Where("name LIKE 'inclusive%' AND activated_at IS NOT NULL").Order("effective_from, activated_at").Limit(inclusiveLimitsMax).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	limits := make([]inclusiveLimit, len(rows))
	for i, row := range rows {
		limits[i] = inclusiveLimit{kinds: row.BorrowerKinds.Content, from: row.EffectiveFrom.Date, since: row.ActivatedAt}
		if limits[i].amount, err = money.ParseAmount(row.Amount); err != nil {
			return nil, fmt.Errorf("lender limit %q: %w", row.Amount, err)
		}
	}
	return limits, nil
}

// balance is what one product of a branch stands at.
type balance struct {
	contracts, loans                       int
	contractAmount, paid, reversed, repaid money.Amount
}

// bookBalance adds up contracts and payments by product, and what came back from the history of the lines.
func bookBalance(ctx context.Context, r reader, q report.Query, branch staff.Branch) ([]summaryRow, error) {
	balances := map[string]*balance{}
	of := func(product string) *balance {
		if balances[product] == nil {
			balances[product] = &balance{}
		}
		return balances[product]
	}
	// A contract that was withdrawn in its cooling-off period (冷静期) is none any more; withdrawn is for good.
	err := r.sumByProduct(ctx, `SELECT a.product_code, COUNT(*) AS count, CAST(SUM(c.amount) AS CHAR) AS sum
		FROM contracts c FORCE INDEX (ix_contracts_recorded) JOIN applications a ON a.id = c.application_id
		WHERE c.branch_id = ? AND c.recorded_at < ?
		  AND NOT (a.status = 'withdrawn' AND EXISTS (SELECT 1 FROM events e WHERE e.subject_id = a.id AND e.to_status = 'withdrawn' AND e.at < ?))
		GROUP BY a.product_code`, []any{branch.ID, q.Cutoff(), q.Cutoff()}, func(product string, count int, sum money.Amount) {
		of(product).contracts, of(product).contractAmount = count, sum
	})
	if err != nil {
		return nil, err
	}
	err = r.sumByProduct(ctx, `SELECT a.product_code, COUNT(*) AS count, CAST(SUM(t.amount) AS CHAR) AS sum
		FROM transfers t FORCE INDEX (ix_transfers_branch_settled) JOIN applications a ON a.id = t.application_id
		WHERE t.branch_id = ? AND t.settled_at < ? AND t.status = 'succeeded' GROUP BY a.product_code`, []any{branch.ID, q.Cutoff()}, func(product string, count int, sum money.Amount) {
		of(product).loans, of(product).paid = count, sum
	})
	if err != nil {
		return nil, err
	}
	if err := r.returned(ctx, q, branch, of); err != nil {
		return nil, err
	}
	var rows []summaryRow
	for product, b := range balances {
		if q.ProductCode != "" && product != q.ProductCode {
			continue
		}
		rows = append(rows, summaryRow{product, []string{
			product, strconv.Itoa(b.contracts), strconv.Itoa(b.loans), b.contractAmount.String(), b.paid.String(), b.reversed.String(),
			b.repaid.String(), b.paid.Sub(b.reversed).Sub(b.repaid).String(),
		}})
	}
	return rows, nil
}

func (r reader) sumByProduct(ctx context.Context, statement string, args []any, each func(product string, count int, sum money.Amount)) error {
	var rows []struct {
		ProductCode string
		Count       int
		Sum         string
	}
	if err := r.db.WithContext(ctx).Raw(statement, args...).Scan(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		sum, err := money.ParseAmount(row.Sum)
		if err != nil {
			return fmt.Errorf("sum of %s: %q: %w", row.ProductCode, row.Sum, err)
		}
		each(row.ProductCode, row.Count, sum)
	}
	return nil
}

// returned adds up what came back, from the events of the lines: a renewal moves principal from one line to another and
// changes no sum.
func (r reader) returned(ctx context.Context, q report.Query, branch staff.Branch, of func(string) *balance) error {
	products := map[domain.ID]string{}
	return r.eachEvent(ctx, q, branch, "subject = 'line' AND action IN ('reverse', 'repay', 'undo_repayment')", func(e eventRow) error {
		product, known := products[e.CaseID]
		if !known {
			if len(products) >= caseProductsMax {
				clear(products)
			}
			if err := r.db.WithContext(ctx).Table("applications").Select("product_code").Where("id = ?", e.CaseID).Scan(&product).Error; err != nil {
				return err
			}
			products[e.CaseID] = product
		}
		amount, err := money.ParseAmount(notesOf(e)["amount"])
		if err != nil {
			return fmt.Errorf("event %s/%d: %w", e.SubjectID, e.Version, err)
		}
		b := of(product)
		switch loan.Action(e.Action) { //nolint:exhaustive // the query asks for these alone
		case loan.ActionLineReverse:
			b.reversed = b.reversed.Add(amount)
		case loan.ActionLineRepay:
			b.repaid = b.repaid.Add(amount)
		case loan.ActionLineUndo:
			b.repaid = b.repaid.Sub(amount)
		}
		return nil
	})
}

// villagePenetration counts households by village: registered, recommended, applied, approved, paid.
func villagePenetration(ctx context.Context, r reader, q report.Query, branch staff.Branch) ([]summaryRow, error) {
	cutoff := q.Cutoff()
	villages := map[string][]string{} // the cells by village: households, recommended, applied, approved, paid, paid amount
	fill := func(cell int, statement string, args ...any) error {
		var rows []struct{ Village, Figure string }
		if err := r.db.WithContext(ctx).Raw(statement, args...).Scan(&rows).Error; err != nil {
			return err
		}
		for _, row := range rows {
			if villages[row.Village] == nil {
				villages[row.Village] = []string{"0", "0", "0", "0", "0", "0.00"}
			}
			villages[row.Village][cell] = row.Figure
		}
		return nil
	}
	// An end counts from its day on, and from when it was recorded: what is entered later for an earlier day changes no past report.
	err := fill(0, `SELECT village_code AS village, COUNT(*) AS figure FROM households
		WHERE branch_id = ? AND created_at < ? AND (ended_on IS NULL OR ended_on > ? OR ended_at >= ?) GROUP BY village_code`,
		branch.ID, cutoff, q.AsOf.String(), cutoff)
	if err == nil {
		err = fill(1, `SELECT h.village_code AS village, COUNT(DISTINCT h.id) AS figure
			FROM households h JOIN household_members m ON m.household_id = h.id
			JOIN recommended_entries e ON e.number_index = m.id_number_index JOIN recommended_lists l ON l.id = e.list_id
			WHERE h.branch_id = ? AND h.created_at < ? AND (h.ended_on IS NULL OR h.ended_on > ? OR h.ended_at >= ?)
			  AND (m.left_on IS NULL OR m.left_on > ? OR m.left_at >= ?) AND m.joined_on <= ? AND (m.joined_at IS NULL OR m.joined_at < ?)
			  AND l.imported_at < ? AND l.listed_on <= ? AND (l.valid_until IS NULL OR l.valid_until >= ?)
			GROUP BY h.village_code`,
			branch.ID, cutoff, q.AsOf.String(), cutoff, q.AsOf.String(), cutoff, q.AsOf.String(), cutoff, cutoff, q.AsOf.String(), q.AsOf.String())
	}
	for i, deed := range []string{"e.action = 'submit'", "e.to_status = 'approved'", "e.action = 'disburse'"} {
		if err == nil {
			err = fill(2+i, `SELECT h.village_code AS village, COUNT(DISTINCT h.id) AS figure
				FROM applications a JOIN households h ON h.id = a.household_id
				JOIN events e ON e.subject_id = a.id AND e.at < ? AND `+deed+`
				WHERE a.branch_id = ? AND a.created_at < ? AND (? = '' OR a.product_code = ?) GROUP BY h.village_code`,
				cutoff, branch.ID, cutoff, q.ProductCode, q.ProductCode)
		}
	}
	if err == nil {
		err = fill(5, `SELECT h.village_code AS village, CAST(SUM(t.amount) AS CHAR) AS figure
			FROM transfers t FORCE INDEX (ix_transfers_branch_settled) JOIN applications a ON a.id = t.application_id JOIN households h ON h.id = a.household_id
			WHERE t.branch_id = ? AND t.settled_at < ? AND t.status = 'succeeded' AND (? = '' OR a.product_code = ?) GROUP BY h.village_code`,
			branch.ID, cutoff, q.ProductCode, q.ProductCode)
	}
	rows := make([]summaryRow, 0, len(villages))
	for village, figures := range villages {
		rows = append(rows, summaryRow{village, append([]string{village}, figures...)})
	}
	return rows, err
}
