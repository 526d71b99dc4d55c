package origination_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"

	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// listed is the channel's own list after an entry.
func (m *moneyMachine) listed(rt *rapid.T, after string) []sandbox.Listed {
	var all []sandbox.Listed
	for {
		path := channel.PaymentsPath + "?limit=1000"
		if after != "" {
			path += "&after=" + after
		}
		recorder := httptest.NewRecorder()
		m.w.channel.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		var page sandbox.List
		must(rt, json.NewDecoder(recorder.Body).Decode(&page))
		all = append(all, page.Payments...)
		if after = page.NextAfter; after == "" {
			return all
		}
	}
}

// paidByChannel is what the channel says it paid in this sequence, by id. That it paid one id twice is a failure at once.
func (m *moneyMachine) paidByChannel(rt *rapid.T) map[domain.ID]money.Amount {
	paid := map[domain.ID]money.Amount{}
	for _, p := range m.listed(rt, m.paidBefore) {
		if p.State != channel.WireSucceeded {
			continue
		}
		id := domain.ID(p.ID)
		if _, twice := paid[id]; twice {
			rt.Fatalf("the channel paid transfer %s twice", id)
		}
		paid[id] = money.MustParseAmount(p.Amount)
	}
	return paid
}

// books are the sums of one case's disbursements, added up anew.
type books struct {
	drawn, reversed, underWay money.Amount
}

// check is asked after every step.
func (m *moneyMachine) check(rt *rapid.T) {
	paid := m.paidByChannel(rt)
	total, ours, waiting := money.Amount{}, money.Amount{}, money.Amount{}
	for _, amount := range paid {
		total = total.Add(amount)
	}
	for _, id := range m.cases {
		all, err := m.w.store.DisbursementsOfCase(rt.Context(), id)
		must(rt, err)
		var b books
		for _, d := range all {
			m.checkDisbursement(rt, d)
			for _, t := range d.Transfers {
				checkTransfer(rt, t, paid)
				switch {
				case t.Status == loan.TransferSucceeded:
					ours = ours.Add(t.Amount)
					b.drawn, b.reversed = b.drawn.Add(t.Amount), b.reversed.Add(t.Reversed)
				case t.Status.Live():
					b.underWay = b.underWay.Add(t.Amount)
					waiting = waiting.Add(paid[t.ID])
				}
			}
		}
		m.checkLine(rt, id, b)
	}
	if !total.Equal(ours.Add(waiting)) {
		rt.Fatalf("the channel paid %s in all; our transfers say %s, and %s is not known here yet", total, ours, waiting)
	}
	held, err := m.w.store.GuaranteeQuotaHeld(rt.Context(), sampleCompany, quotaRegion)
	must(rt, err)
	if held.Cmp(m.quota) > 0 || held.Sign() < 0 {
		rt.Fatalf("the guarantees hold %s, the company's quota is %s", held, m.quota)
	}
}

// checkTransfer holds one transfer against what the channel paid under its id.
func checkTransfer(rt *rapid.T, t loan.TransferRecord, paid map[domain.ID]money.Amount) {
	amount, isPaid := paid[t.ID]
	if isPaid && !amount.Equal(t.Amount) {
		rt.Fatalf("transfer %s: the channel paid %s, want %s", t.ID, amount, t.Amount)
	}
	switch t.Status {
	case loan.TransferSucceeded:
		if !isPaid {
			rt.Fatalf("transfer %s of %s is succeeded, and the channel has not paid it", t.ID, t.Amount)
		}
	case loan.TransferRequested, loan.TransferReleased, loan.TransferFailed, loan.TransferCancelled:
		if isPaid {
			rt.Fatalf("transfer %s of %s is %s, and the channel has paid it", t.ID, t.Amount, t.Status)
		}
	case loan.TransferSending, loan.TransferUnknown: // either
	}
	if lent := t.Status != loan.TransferSucceeded || !t.WorkDueAt.IsZero(); !lent && t.LastError != "" {
		rt.Fatalf("transfer %s is settled and says %q", t.ID, t.LastError)
	}
}

// checkDisbursement works a disbursement's status out in other words than the program: what is not known first, then what is
// under way, then how it ended.
func (m *moneyMachine) checkDisbursement(rt *rapid.T, d loan.DisbursementRecord) {
	count := map[loan.TransferStatus]int{}
	sum := money.Amount{}
	for _, t := range d.Transfers {
		count[t.Status]++
		sum = sum.Add(t.Amount)
	}
	all := len(d.Transfers)
	var want loan.DisbursementStatus
	switch {
	case count[loan.TransferUnknown] > 0:
		want = loan.DisbursementUnknown
	case count[loan.TransferRequested] == all:
		want = loan.DisbursementRequested
	case count[loan.TransferReleased] == all:
		want = loan.DisbursementReleased
	case count[loan.TransferSending]+count[loan.TransferReleased] > 0:
		want = loan.DisbursementSending
	case count[loan.TransferSucceeded] == all:
		want = loan.DisbursementSucceeded
	case count[loan.TransferSucceeded] > 0:
		want = loan.DisbursementPartlySucceeded
	case count[loan.TransferCancelled] == all:
		want = loan.DisbursementCancelled
	default:
		want = loan.DisbursementFailed
	}
	if d.Status != want || !sum.Equal(d.Amount) || d.SettledAt.IsZero() == d.Status.Settled() {
		rt.Fatalf("disbursement %s: %s of %s, settled at %q; its transfers are %v and %s, want %s", d.ID, d.Status, d.Amount, d.SettledAt, count, sum, want)
	}
}

// checkLine holds a line against its case's transfers, notes and repayments, and its exposure against the line.
func (m *moneyMachine) checkLine(rt *rapid.T, id domain.ID, b books) {
	everything := domain.Scope{Everything: true}
	line, err := m.w.store.Line(rt.Context(), everything, id)
	must(rt, err)
	owed, repaid, takenOver, handedOver := money.Amount{}, money.Amount{}, money.Amount{}, money.Amount{}
	for _, n := range m.notesOf(rt, id) {
		owed, handedOver = owed.Add(n.Outstanding()), handedOver.Add(n.HandedOver)
		if !n.RenewsNoteID.IsZero() {
			takenOver = takenOver.Add(n.Amount)
			before, err := m.w.store.LoanNote(rt.Context(), everything, n.RenewsNoteID)
			must(rt, err)
			if !before.HandedOver.Equal(n.Amount) {
				rt.Fatalf("note %s took over %s, and %s handed over %s", n.NoteNo, n.Amount, before.NoteNo, before.HandedOver)
			}
		}
		if n.Outstanding().Sign() < 0 || (n.Status == loan.NoteOutstanding) != (n.Outstanding().Sign() > 0) {
			rt.Fatalf("note %s is %s and owes %s", n.NoteNo, n.Status, n.Outstanding())
		}
		delivered, err := m.w.store.Repayments(rt.Context(), n.ID)
		must(rt, err)
		for _, r := range delivered {
			if r.Status == loan.RepaymentApplied {
				repaid = repaid.Add(r.Principal)
			}
		}
		m.checkInstalments(rt, n)
	}
	used := line.Outstanding.Add(line.Reserved)
	if !line.Revolving {
		used = b.drawn.Add(takenOver).Sub(b.reversed).Add(b.underWay)
	}
	over := money.Amount{}
	if used.Cmp(line.Limit) > 0 {
		over = used.Sub(line.Limit)
	}
	for _, c := range []struct {
		what      string
		got, want money.Amount
	}{
		{"outstanding, by its notes", line.Outstanding, owed},
		{"outstanding, by its transfers, repayments and renewals", line.Outstanding, b.drawn.Add(takenOver).Sub(money.Sum(b.reversed, repaid, handedOver))},
		{"reserved, by its transfers under way", line.Reserved, b.underWay},
		{"overdrawn", line.Overdrawn, over},
		{"free", line.Free(), line.Limit.Add(over).Sub(used)},
	} {
		if !c.got.Equal(c.want) || c.got.Sign() < 0 {
			rt.Fatalf("line of %s, %s: %s, want %s", id, c.what, c.got, c.want)
		}
	}
	if over.Sign() > 0 && !m.undone[id] {
		rt.Fatalf("line of %s: %s used of %s, and no repayment was undone", id, used, line.Limit)
	}
	m.checkExposure(rt, line, used)
}

// checkExposure says a second time what a line ties up.
func (m *moneyMachine) checkExposure(rt *rapid.T, line loan.LineRecord, used money.Amount) {
	want := line.Outstanding.Add(line.Reserved)
	switch {
	case line.Status == loan.LineEnded:
	case line.Revolving:
		want = line.Limit.Add(line.Overdrawn)
	default:
		want = want.Add(line.Limit.Sub(used))
	}
	e, found, err := m.w.store.ExposureOf(rt.Context(), line.ApplicationID)
	must(rt, err)
	if !found || !e.Amount.Equal(want) {
		rt.Fatalf("exposure of %s (line %s, outstanding %s, reserved %s): %s, want %s", line.ApplicationID, line.Status, line.Outstanding, line.Reserved, e.Amount, want)
	}
}

// checkInstalments holds a note's schedule against its principal.
func (m *moneyMachine) checkInstalments(rt *rapid.T, n loan.NoteRecord) {
	plan, err := m.w.store.NoteInstalments(rt.Context(), n.ID)
	must(rt, err)
	principal := money.Amount{}
	for _, row := range plan {
		principal = principal.Add(row.Principal)
	}
	if want := n.Amount.Sub(n.Reversed); !principal.Equal(want) {
		rt.Fatalf("note %s: its instalments repay %s, want %s", n.NoteNo, principal, want)
	}
}

// wantSettled is asked at the end: what the channel paid is what we say succeeded, and nothing waits but for people.
func (m *moneyMachine) wantSettled(rt *rapid.T) {
	paid := m.paidByChannel(rt)
	total, ours := money.Amount{}, money.Amount{}
	for _, amount := range paid {
		total = total.Add(amount)
	}
	for _, id := range m.disbursements {
		d, err := m.w.store.Disbursement(rt.Context(), domain.Scope{Everything: true}, id)
		must(rt, err)
		if !d.Status.Settled() && d.Status != loan.DisbursementRequested {
			rt.Fatalf("disbursement %s is still %s at the end: %+v", id, d.Status, slices.Collect(statusesOf(d)))
		}
		for _, t := range d.Transfers {
			if t.Status == loan.TransferSucceeded {
				ours = ours.Add(t.Amount)
			}
		}
	}
	if !total.Equal(ours) {
		rt.Fatalf("at the end the channel has paid %s, and ours have succeeded for %s", total, ours)
	}
}

func statusesOf(d loan.DisbursementRecord) func(yield func(loan.TransferStatus) bool) {
	return func(yield func(loan.TransferStatus) bool) {
		for _, t := range d.Transfers {
			if !yield(t.Status) {
				return
			}
		}
	}
}
