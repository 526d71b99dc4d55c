package loan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// Every multiset of one to four transfers in every status is summed, and compared with the rule told in other words.
func TestADisbursementsStatusIsTheSumOfItsTransfers(t *testing.T) {
	t.Parallel()
	all := loan.TransferStatuses()
	tried, impossible := 0, 0
	var try func(chosen []loan.TransferStatus, from int)
	try = func(chosen []loan.TransferStatus, from int) {
		if len(chosen) > 0 {
			tried++
			want := sumInWords(chosen)
			if want == "" {
				impossible++
			}
			backwards := slices.Clone(chosen)
			slices.Reverse(backwards)
			for _, order := range [][]loan.TransferStatus{chosen, backwards} {
				got, possible := loan.SumOf(order...)
				if got != want || possible != (want != "") {
					t.Errorf("SumOf(%v) = %q, %t; want %q", order, got, possible, want)
				}
			}
		}
		if len(chosen) == 4 {
			return
		}
		for i := from; i < len(all); i++ {
			try(append(slices.Clone(chosen), all[i]), i)
		}
	}
	try(nil, 0)
	if tried != 329 || impossible != 116 { // multisets of 1 to 4 of 7; those that hold a requested one beside others
		t.Errorf("tried %d combinations, %d of them impossible", tried, impossible)
	}
	for _, bad := range [][]loan.TransferStatus{nil, {""}, {"paid"}, {loan.TransferSucceeded, "paid"}} {
		if got, possible := loan.SumOf(bad...); possible {
			t.Errorf("SumOf(%v) = %q, want that it cannot be", bad, got)
		}
	}
}

// sumInWords tells the rule by counting.
func sumInWords(transfers []loan.TransferStatus) loan.DisbursementStatus {
	count := map[loan.TransferStatus]int{}
	for _, s := range transfers {
		count[s]++
	}
	n := len(transfers)
	switch {
	case count[loan.TransferRequested] == n:
		return loan.DisbursementRequested
	case count[loan.TransferRequested] > 0:
		return ""
	case count[loan.TransferUnknown] > 0:
		return loan.DisbursementUnknown
	case count[loan.TransferReleased] == n:
		return loan.DisbursementReleased
	case count[loan.TransferSending]+count[loan.TransferReleased] > 0:
		return loan.DisbursementSending
	case count[loan.TransferSucceeded] == n:
		return loan.DisbursementSucceeded
	case count[loan.TransferSucceeded] > 0:
		return loan.DisbursementPartlySucceeded
	case count[loan.TransferCancelled] == n:
		return loan.DisbursementCancelled
	}
	return loan.DisbursementFailed
}

func order(payees ...loan.PayeeOrder) loan.PaymentOrder {
	for i := range payees {
		payees[i].ID = transferID(i + 1)
	}
	return loan.PaymentOrder{ID: disbursementID, Payees: payees}
}

func selfPaid(amount string) loan.PayeeOrder {
	return loan.PayeeOrder{Method: loan.SelfPayment, Amount: money.MustParseAmount(amount)}
}

func seller(amount string) loan.PayeeOrder {
	return loan.PayeeOrder{
		Method: loan.EntrustedPayment, Amount: money.MustParseAmount(amount),
		Payee: loan.Payee{
			AccountName: borrower.MustParseName("高唐县绿源种业有限公司"), Account: borrower.MustParseBankAccount("9040101070142050000123"),
			BankName: "高唐农商行",
		},
		Evidence: loan.Evidence{Reference: "购销合同 2026-031", SHA256: strings.Repeat("a", 64)},
	}
}

func TestARequestNamesEachPayeeAndItsPaper(t *testing.T) {
	t.Parallel()
	d, events, err := loan.RequestDisbursement(actor(domain.RoleLoanOfficer), at, applicationIn(t, loan.StatusSigned).Record(), contract(),
		order(seller("400.00"), seller("100.00"), selfPaid("500.00")))
	if err != nil || len(events) != 4 {
		t.Fatalf("request: %v, %d events; want one of the disbursement and three of its transfers", err, len(events))
	}
	rec := d.Record()
	if rec.Amount.String() != "1000.00" || rec.Status != loan.DisbursementRequested || rec.Transfers[2].Payee != contract().Payee ||
		rec.Transfers[0].AccountLast4 != "0123" || rec.SelfPaid().String() != "500.00" || rec.Live().String() != "1000.00" {
		t.Errorf("requested: %+v", rec)
	}

	own, bad := seller("1.00"), seller("1.00")
	own.Payee.Account = contract().Payee.Account
	bad.Evidence = loan.Evidence{SHA256: strings.Repeat("A", 64)}
	for name, c := range map[string]struct {
		order  loan.PaymentOrder
		fields []string
	}{
		"nobody":                   {order(), []string{"/payees"}},
		"too many":                 {order(slices.Repeat([]loan.PayeeOrder{seller("1.00")}, loan.PayeesMax+1)...), []string{"/payees"}},
		"no method":                {order(loan.PayeeOrder{Amount: money.Fen(1)}), []string{"/payees/0/method"}},
		"no amount":                {order(selfPaid("0.00")), []string{"/payees/0/amount"}},
		"the borrower twice":       {order(selfPaid("1.00"), selfPaid("1.00")), []string{"/payees"}},
		"the borrower as seller":   {order(own), []string{"/payees/0/account"}},
		"no paper":                 {order(selfPaid("1.00"), bad), []string{"/payees/1/document_reference", "/payees/1/document_sha256"}},
		"a seller without account": {order(loan.PayeeOrder{Method: loan.EntrustedPayment, Amount: money.Fen(1), Evidence: seller("1.00").Evidence}), []string{"/payees/0/account", "/payees/0/bank_name"}},
	} {
		_, _, err := loan.RequestDisbursement(actor(domain.RoleLoanOfficer), at, applicationIn(t, loan.StatusSigned).Record(), contract(), c.order)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantFields(t, err, c.fields...)
		})
	}
}

func TestOnlyASignedApplicationAsksForMoney(t *testing.T) {
	t.Parallel()
	for _, status := range loan.Statuses() {
		_, _, err := loan.RequestDisbursement(actor(domain.RoleLoanOfficer), at, applicationIn(t, status).Record(), contract(), order(selfPaid("1.00")))
		if may := status == loan.StatusSigned || status == loan.StatusDisbursed; may != (err == nil) {
			t.Errorf("request from %s: %v", status, err)
		}
	}
	_, _, err := loan.RequestDisbursement(actor(domain.RoleDisbursementOfficer), at, applicationIn(t, loan.StatusSigned).Record(), contract(), order(selfPaid("1.00")))
	if domain.CodeOf(err) != "role-not-allowed" {
		t.Errorf("request by who releases: %v, want role-not-allowed", err)
	}
}

// Three transfers go three ways, one event each, and the disbursement tells the worst of them until all is settled.
func TestTransfersGoTheirOwnWays(t *testing.T) {
	t.Parallel()
	d := disbursementOf(t, loan.TransferReleased, loan.TransferReleased, loan.TransferReleased)
	by := actor(domain.RoleSystem)
	for i, step := range []struct {
		do     func() ([]loan.Event, error)
		events int
		want   loan.DisbursementStatus
		live   string
	}{
		{func() ([]loan.Event, error) { return d.Send(by, at, at.Add(time.Minute), transferID(1)) }, 2, loan.DisbursementSending, "3000.00"},
		{func() ([]loan.Event, error) { return d.Send(by, at, at.Add(time.Minute), transferID(2)) }, 1, loan.DisbursementSending, "3000.00"},
		{func() ([]loan.Event, error) {
			return d.Lose(by, at, at.Add(time.Minute), transferID(2), "channel-timeout")
		}, 2, loan.DisbursementUnknown, "3000.00"},
		{func() ([]loan.Event, error) { return d.Fail(by, at, transferID(1), "account-closed", "") }, 1, loan.DisbursementUnknown, "2000.00"},
		{func() ([]loan.Event, error) { return d.Succeed(by, at, transferID(2), "REF-2") }, 2, loan.DisbursementSending, "2000.00"},
		{func() ([]loan.Event, error) { return d.Cancel(actor(domain.RoleDisbursementOfficer), at, "冻结") }, 2, loan.DisbursementPartlySucceeded, "1000.00"},
	} {
		events, err := step.do()
		rec := d.Record()
		if err != nil || len(events) != step.events || rec.Status != step.want || rec.Live().String() != step.live {
			t.Fatalf("step %d: %d events, %s, live %s (%v); want %d, %s, %s", i, len(events), rec.Status, rec.Live(), err, step.events, step.want, step.live)
		}
	}
	if rec := d.Record(); rec.Arrived().String() != "1000.00" || !rec.SettledAt.Equal(at) {
		t.Errorf("at the end: %s arrived, settled at %s", rec.Arrived(), rec.SettledAt)
	}
	if _, err := d.Send(by, at, at, "01910000-0000-7000-8000-000000000999"); err == nil {
		t.Error("a transfer of another disbursement was sent")
	}
}

func TestADisbursementThatCannotBeIsNotRestored(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*loan.DisbursementRecord){
		"unknown status":                func(r *loan.DisbursementRecord) { r.Status = "lost" },
		"a status that is not the sum":  func(r *loan.DisbursementRecord) { r.Status = loan.DisbursementSucceeded },
		"no application":                func(r *loan.DisbursementRecord) { r.ApplicationID = "" },
		"an amount that is not the sum": func(r *loan.DisbursementRecord) { r.Amount = r.Amount.Add(money.Fen(1)) },
		"no transfer":                   func(r *loan.DisbursementRecord) { r.Transfers = nil },
		"released by nobody":            func(r *loan.DisbursementRecord) { r.ReleasedBy = "" },
		"released by its own ask":       func(r *loan.DisbursementRecord) { r.ReleasedBy = r.RequestedBy },
		"another's transfer":            func(r *loan.DisbursementRecord) { r.Transfers[0].DisbursementID = applicationID },
		"a number twice":                func(r *loan.DisbursementRecord) { r.Transfers[1].Number = 1 },
		"an unknown method":             func(r *loan.DisbursementRecord) { r.Transfers[0].Method = "cash" },
		"entrusted without a paper":     func(r *loan.DisbursementRecord) { r.Transfers[0].Method = loan.EntrustedPayment },
		"reversed before it arrived":    func(r *loan.DisbursementRecord) { r.Transfers[0].Reversed = money.Fen(1) },
		"version zero":                  func(r *loan.DisbursementRecord) { r.Transfers[0].Version = 0 },
		"a transfer of nothing": func(r *loan.DisbursementRecord) {
			r.Transfers[0].Amount, r.Amount = money.Amount{}, r.Transfers[1].Amount
		},
	} {
		rec := disbursementOf(t, loan.TransferReleased, loan.TransferReleased).Record()
		spoil(&rec)
		if _, err := loan.RestoreDisbursement(rec); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
}
