package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "github.com/go-sql-driver/mysql" // the database is read directly: its rows are what is in question

	"fumin/domain/money"
	"fumin/repository/channel/sandbox"
	"fumin/scripts/drive"
)

// settleMax bounds the recovery: a dead node's lease, the time until the channel's word counts, and the waits between
// questions, which have doubled for as long as the channel was in trouble.
const settleMax = 5 * time.Minute

// verdict is what a run found.
type verdict struct {
	serviceKills, databaseKills int
	transfers                   int // rows of ours
	succeeded, failed           int
	unknown                     int // transfers that were unknown at some time
	acknowledged                int // releases
	repeated                    int // calls that had to be sent again
	referred                    int // applications that went to a person
	paid                        money.Amount
	differences                 []string
}

// String is the line that is printed.
func (v verdict) String() string {
	return fmt.Sprintf("%d kills (%d service, %d database), %d calls repeated, %d applications referred to a person, %d releases acknowledged, %d transfers (%d succeeded, %d failed, %d at some time unknown), %s yuan paid, differences: %d",
		v.serviceKills+v.databaseKills, v.serviceKills, v.databaseKills, v.repeated, v.referred, v.acknowledged, v.transfers, v.succeeded, v.failed, v.unknown,
		v.paid.Grouped(), len(v.differences))
}

func (v *verdict) differs(format string, arguments ...any) {
	v.differences = append(v.differences, fmt.Sprintf(format, arguments...))
}

// transfer is a row of ours.
type transfer struct {
	id, applicationID, status string
	amount                    money.Amount
}

// line is the limit of one contract.
type line struct {
	applicationID         string
	reserved, outstanding money.Amount
}

// books are both sides once everything has settled.
type books struct {
	transfers    []transfer
	lines        []line
	payments     []sandbox.Listed
	asked        map[string]bool
	acknowledged map[string][]string
}

// compare lets everything settle and holds our books against the channel's.
func (l *load) compare(ctx context.Context) (verdict, error) {
	if err := l.site.Channel.Control(ctx, sandbox.Control{Mode: sandbox.ModeNormal}); err != nil {
		return verdict{}, err
	}
	db, err := sql.Open("mysql", l.site.Database.DSN("fumin"))
	if err != nil {
		return verdict{}, err
	}
	defer db.Close()
	if err := settle(ctx, db); err != nil {
		return verdict{}, fmt.Errorf("%w; a node wrote:\n%s", err, l.anyNode().Output())
	}
	b := books{asked: l.asked, acknowledged: l.acknowledged}
	if b.transfers, err = readTransfers(ctx, db); err != nil {
		return verdict{}, err
	}
	if b.lines, err = readLines(ctx, db); err != nil {
		return verdict{}, err
	}
	if b.payments, err = l.site.Channel.Payments(ctx); err != nil {
		return verdict{}, err
	}
	v := b.check()
	v.serviceKills, v.databaseKills, v.repeated, v.referred = l.serviceKills, l.databaseKills, l.repeated, l.referred
	err = db.QueryRowContext(ctx, "SELECT COUNT(DISTINCT subject_id) FROM events WHERE subject = 'transfer' AND to_status = 'unknown'").Scan(&v.unknown)
	return v, err
}

// settle waits until no transfer is on its way.
func settle(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, settleMax)
	defer cancel()
	return drive.Until(ctx, "every transfer to be settled", func() (bool, error) {
		open := 0
		err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM transfers WHERE status IN ('released','sending','unknown')").Scan(&open)
		return open == 0, err
	})
}

func readTransfers(ctx context.Context, db *sql.DB) (transfers []transfer, err error) {
	rows, err := db.QueryContext(ctx, "SELECT id, application_id, status, amount FROM transfers ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t transfer
		var amount string
		if err := rows.Scan(&t.id, &t.applicationID, &t.status, &amount); err != nil {
			return nil, err
		}
		if t.amount, err = money.ParseAmount(amount); err != nil {
			return nil, err
		}
		transfers = append(transfers, t)
	}
	return transfers, rows.Err()
}

func readLines(ctx context.Context, db *sql.DB) (lines []line, err error) {
	rows, err := db.QueryContext(ctx, "SELECT application_id, reserved, outstanding FROM credit_lines ORDER BY application_id")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l line
		var reserved, outstanding string
		if err := rows.Scan(&l.applicationID, &reserved, &outstanding); err != nil {
			return nil, err
		}
		var wrong error
		l.reserved, err = money.ParseAmount(reserved)
		l.outstanding, wrong = money.ParseAmount(outstanding)
		if err := errors.Join(err, wrong); err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

// check says everything in which the two sides differ. It takes what it is given for settled.
func (b books) check() verdict {
	v := verdict{transfers: len(b.transfers), acknowledged: len(b.acknowledged)}
	ours := map[string]transfer{}
	owed := map[string]money.Amount{} // by application
	var succeeded money.Amount
	for _, t := range b.transfers {
		ours[t.id] = t
		switch t.status {
		case "succeeded":
			v.succeeded++
			succeeded = succeeded.Add(t.amount)
			owed[t.applicationID] = owed[t.applicationID].Add(t.amount)
		case "failed":
			v.failed++
		}
	}
	paid := b.checkPayments(&v, ours)
	for _, t := range b.transfers {
		if t.status == "succeeded" && !paid[t.id] {
			v.differs("transfer %s of %s succeeded here; the channel did not pay it", t.id, t.amount)
		}
	}
	if !v.paid.Equal(succeeded) {
		v.differs("the channel paid %s, we have %s as succeeded", v.paid, succeeded)
	}
	for disbursementID, transfers := range b.acknowledged {
		for _, id := range transfers {
			if status := ours[id].status; status != "succeeded" && status != "failed" {
				v.differs("the release of disbursement %s was acknowledged; its transfer %s is %q", disbursementID, id, status)
			}
		}
	}
	for _, l := range b.lines {
		if !l.reserved.IsZero() || !l.outstanding.Equal(owed[l.applicationID]) {
			v.differs("the line of application %s has %s reserved and %s outstanding; want 0.00 and %s",
				l.applicationID, l.reserved, l.outstanding, owed[l.applicationID])
		}
		delete(owed, l.applicationID)
	}
	for applicationID, amount := range owed {
		v.differs("application %s was paid %s and has no line", applicationID, amount)
	}
	return v
}

// checkPayments goes through the channel's list and returns what it paid.
func (b books) checkPayments(v *verdict, ours map[string]transfer) (paid map[string]bool) {
	paid = map[string]bool{}
	for _, p := range b.payments {
		t, known := ours[p.ID]
		switch {
		case !known:
			v.differs("the channel has %s, which we do not know", p.ID)
		case !b.asked[p.ID]:
			v.differs("the channel has %s, which nobody released", p.ID)
		}
		if p.State != "succeeded" {
			continue
		}
		if paid[p.ID] {
			v.differs("the channel paid %s twice", p.ID)
		}
		paid[p.ID] = true
		amount, err := money.ParseAmount(p.Amount)
		if err != nil {
			v.differs("the channel's amount of %s: %v", p.ID, err)
			continue
		}
		v.paid = v.paid.Add(amount)
		if t.status != "succeeded" || !t.amount.Equal(amount) {
			v.differs("the channel paid %s: %s; here it is %q with %s", p.ID, amount, t.status, t.amount)
		}
	}
	return paid
}
