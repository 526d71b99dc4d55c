package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/report"
	"fumin/domain/staff"
)

// guaranteeLedger walks the requests to guarantee companies; what had been answered by the day is from the history.
var guaranteeLedger = ledger{
	from: "guarantees g {index} JOIN applications a ON a.id = g.application_id JOIN borrowers b ON b.id = g.borrower_id " +
		"JOIN guarantee_companies o ON o.id = g.company_id",
	index:  "ix_guarantees_requested",
	branch: "g.branch_id", time: "g.requested_at", id: "g.id", product: "a.product_code",
	cells: func(q report.Query) []string {
		return []string{
			"a.application_no", "a.product_code", "a.region_code", maskedCell("b.name", q.Reveal), "o.code", "''",
			"g.letter_no", "CAST(g.expires_on AS CHAR)", "CAST(g.fee_pct AS CHAR)", "g.counter_guarantee",
			"CONCAT(CAST(g.amount AS CHAR), '" + ledgerKeySeparator + "', COALESCE(DATE_FORMAT(g.answered_at, '%Y-%m-%d %H:%i:%s.%f'), ''))",
		}
	},
	finish: completeGuarantees,
}

// The places of a guarantee's cells that depend on the day.
const (
	cellGuaranteeStatus = 5 + iota
	cellLetterNo
	_ // expires_on
	_ // fee_pct_a_year
	cellCounterGuarantee
	cellGuaranteeAmount // holds the time of the answer as well until the row is completed
)

const databaseInstant = "2006-01-02 15:04:05.000000"

func completeGuarantees(ctx context.Context, r reader, q report.Query, rows []ledgerRow) error {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.id
	}
	histories, err := r.reportHistories(ctx, ids)
	if err != nil {
		return err
	}
	for _, row := range rows {
		amount, answered, _ := strings.Cut(row.cells[cellGuaranteeAmount], ledgerKeySeparator)
		row.cells[cellGuaranteeAmount] = guaranteeAmountAsOf(histories[domain.ID(row.id)], q.Cutoff(), amount)
		row.cells[cellGuaranteeStatus] = statusAsOf(histories[domain.ID(row.id)], q.Cutoff())
		at, err := time.Parse(databaseInstant, answered)
		if answered == "" || err != nil || !at.Before(q.Cutoff()) { // the company had not answered yet
			for cell := cellLetterNo; cell <= cellCounterGuarantee; cell++ {
				row.cells[cell] = ""
			}
		}
	}
	return nil
}

// statusAsOf is where the last event before a moment led.
func statusAsOf(history []eventRow, cutoff time.Time) string {
	status := ""
	for _, e := range history {
		if e.At.Before(cutoff) {
			status = e.ToStatus
		}
	}
	return status
}

// guaranteeAmountAsOf is what was asked for at a moment: what was enlarged since is taken back from what it is now.
func guaranteeAmountAsOf(history []eventRow, cutoff time.Time, amount string) string {
	for _, e := range slices.Backward(history) {
		if e.At.Before(cutoff) {
			break
		}
		if loan.Action(e.Action) == loan.ActionGuaranteeEnlarge {
			amount = firstOf(notesOf(e)["amount_before"], amount)
		}
	}
	return amount
}

// exceptionQueries find what was not settled at the end of a day, kind by kind. Each gives the application's number, the
// exception's id, since when, the reason, whose it is, and the amount; its arguments are named.
var exceptionQueries = []struct{ kind, query string }{
	{"hold", `SELECT a.application_no, h.id, h.placed_at AS since, h.reason, COALESCE(u.username, '') AS owner, '' AS amount
		FROM holds h FORCE INDEX (ix_holds_branch) JOIN applications a ON a.id = h.application_id LEFT JOIN users u ON u.id = h.placed_by
		WHERE h.branch_id = @branch AND h.placed_at < @cutoff AND h.until_at >= @cutoff AND (h.released_at IS NULL OR h.released_at >= @cutoff)`},
	{"payment_unknown", `SELECT a.application_no, t.id, e.at AS since, '渠道未答复支付结果' AS reason, '' AS owner, CAST(t.amount AS CHAR) AS amount
		FROM transfers t FORCE INDEX (ix_transfers_branch_settled) JOIN applications a ON a.id = t.application_id
		JOIN events e ON e.subject_id = t.id AND e.to_status = 'unknown' AND e.from_status <> 'unknown' AND e.at < @cutoff
		WHERE t.branch_id = @branch AND (t.settled_at IS NULL OR t.settled_at >= @cutoff)`},
	{"payment_failed", `SELECT a.application_no, t.id, t.settled_at AS since, t.failure_code AS reason, '' AS owner, CAST(t.amount AS CHAR) AS amount
		FROM transfers t FORCE INDEX (ix_transfers_branch_settled) JOIN applications a ON a.id = t.application_id
		WHERE t.branch_id = @branch AND t.status = 'failed' AND t.settled_at >= @day AND t.settled_at < @cutoff`},
	{"reconciliation", `SELECT COALESCE(a.application_no, '') AS application_no, c.id, c.opened_at AS since, c.note AS reason, c.owner_name AS owner,
		CAST(GREATEST(c.amount_there, c.amount_here) AS CHAR) AS amount
		FROM reconciliation_cases c FORCE INDEX (ix_reconciliation_cases_branch) JOIN reconciliations d ON d.id = c.reconciliation_id
		LEFT JOIN transfers t ON t.id = c.transfer_id LEFT JOIN applications a ON a.id = t.application_id
		WHERE c.branch_id = @branch AND c.opened_at < @cutoff AND (c.resolved_at IS NULL OR c.resolved_at >= @cutoff)
		AND (d.status <> 'discarded' OR d.ended_at >= @cutoff)`},
	// A task is the officer's of the case, or anybody's with the role, until it is given to somebody: assignments say to whom.
	{exceptionTask, `SELECT a.application_no, k.id, k.due_at AS since, k.text AS reason, COALESCE(u.username, k.owner_role) AS owner, '' AS amount
		FROM review_tasks k FORCE INDEX (ix_review_tasks_branch) JOIN applications a ON a.id = k.application_id
		LEFT JOIN users u ON u.id = a.officer_id AND k.owner_role = 'loan_officer'
		WHERE k.branch_id = @branch AND k.created_at < @cutoff AND k.due_at < @cutoff AND (k.closed_at IS NULL OR k.closed_at >= @cutoff)`},
}

// exceptionTask is the kind of exception whose owner changes.
const exceptionTask = "task_overdue"

// assignees are whom tasks had been given to at a moment, by the tasks' ids: user names. Tasks nobody was given are left out.
func (r reader) assignees(ctx context.Context, tasks []string, cutoff time.Time) (map[string]string, error) {
	owners := map[string]string{}
	for batch := range slices.Chunk(tasks, assigneesBatch) {
		histories, err := r.reportHistories(ctx, batch)
		if err != nil {
			return nil, err
		}
		for task, history := range histories {
			for _, e := range history {
				if loan.Action(e.Action) == loan.ActionAssign && e.At.Before(cutoff) {
					owners[task.String()] = notesOf(e)["owner_id"]
				}
			}
		}
	}
	names, err := r.usernames(ctx, slices.Collect(maps.Values(owners)))
	if err != nil {
		return nil, err
	}
	for task, owner := range owners {
		owners[task] = firstOf(names[owner], owner)
	}
	return owners, nil
}

const assigneesBatch = 1_000

// exceptionsMax bounds what one branch can have at once of one kind; more is no report but an outage.
const exceptionsMax = 50_000

// exceptionsUpTo lists what was not settled at the end of the day, of each kind the oldest up to a most. Where there are more, a line
// without a reference says so.
func exceptionsUpTo(most int) summary {
	return func(ctx context.Context, r reader, q report.Query, branch staff.Branch) ([]summaryRow, error) {
		var rows []summaryRow
		for _, each := range exceptionQueries {
			found, err := r.exceptions(ctx, each.kind, each.query, q, branch, most+1)
			if err != nil {
				return nil, err
			}
			if len(found) > most {
				found = found[:most]
				reason := fmt.Sprintf("本机构此类异常超过 %d 条，只列出最早的 %d 条", most, most)
				rows = append(rows, summaryRow{each.kind + ledgerKeySeparator, []string{"", each.kind, "", "", reason, "", ""}})
			}
			rows = append(rows, found...)
		}
		return rows, nil
	}
}

// exceptions lists those of one kind, the oldest first, at most limit.
func (r reader) exceptions(ctx context.Context, kind, query string, q report.Query, branch staff.Branch, limit int) ([]summaryRow, error) {
	var found []struct {
		ApplicationNo, ID string
		Since             time.Time
		Reason, Owner     string
		Amount            string
	}
	err := r.db.WithContext(ctx).Raw(query+" ORDER BY 3, 2 LIMIT @most", map[string]any{ // by since and id, which the tables have too
		"branch": branch.ID, "cutoff": q.Cutoff(), "day": q.Cutoff().AddDate(0, 0, -1), "most": limit,
	}).Scan(&found).Error
	if err != nil {
		return nil, err
	}
	var owners map[string]string
	if kind == exceptionTask {
		ids := make([]string, len(found))
		for i, f := range found {
			ids[i] = f.ID
		}
		if owners, err = r.assignees(ctx, ids, q.Cutoff()); err != nil {
			return nil, err
		}
	}
	rows := make([]summaryRow, len(found))
	for i, f := range found {
		rows[i] = summaryRow{kind + ledgerKeySeparator + f.ID, []string{
			f.ApplicationNo, kind, f.ID, report.CellOfInstant(f.Since), f.Reason, firstOf(owners[f.ID], f.Owner), f.Amount,
		}}
	}
	return rows, nil
}
