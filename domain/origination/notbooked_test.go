package origination_test

import (
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/repository/channel/sandbox"
)

// setReserved makes a line disagree with the payment on its way, so that no answer about it can be recorded, or agree again.
func (w *world) setReserved(applicationID domain.ID, sum string) {
	w.t.Helper()
	w.execute("UPDATE credit_lines SET reserved = ? WHERE application_id = ?", sum, applicationID)
}

func (w *world) wantNotBooked(when string, d loan.DisbursementRecord, because string) loan.TransferRecord {
	w.t.Helper()
	got := w.disbursement(d.ID)
	last := got.Transfers[0]
	if got.Status != loan.DisbursementUnknown || !strings.HasPrefix(last.LastError, "not-booked") || !strings.Contains(last.LastError, because) {
		w.t.Errorf("%s: %s with last error %q, want unknown, not-booked because of %q", when, got.Status, last.LastError, because)
	}
	return last
}

// The channel has paid and our books refuse to say so: the transfer tells the person who must act why, is asked about a limited
// number of times, and is booked as soon as the cause is gone.
func TestAPaymentThatCannotBeBookedSaysWhyUntilItCan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limits := origination.DefaultPayoutLimits()
	limits.AttemptsMax = 3
	w.payouts = origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	officer := w.somebody(domain.RoleLoanOfficer)
	refused, broken := w.released(officer, "50000.00"), w.released(officer, "60000.00")
	w.setReserved(refused.ApplicationID, "0.00")
	w.execute("UPDATE contracts SET repayment_method = 'none' WHERE application_id = ?", broken.ApplicationID)
	w.work()
	w.wantNotBooked("refused by a rule", refused, "渠道答复已付款，但未能入账：额度预占为 0.00 元")
	w.wantNotBooked("a fault of the program's own", broken, "请联系系统管理员")
	for range limits.AttemptsMax {
		w.advance(time.Minute)
		w.work()
	}
	given := w.wantNotBooked("after the last attempt", refused, "额度预占为 0.00 元")
	if given.Attempts != limits.AttemptsMax || !given.WorkDueAt.IsZero() {
		t.Errorf("after the last attempt: %d attempts, due at %s; want %d and nothing due", given.Attempts, given.WorkDueAt, limits.AttemptsMax)
	}
	w.setReserved(refused.ApplicationID, "50000.00")
	w.execute("UPDATE contracts SET repayment_method = 'interest_only_bullet' WHERE application_id = ?", broken.ApplicationID)
	for _, d := range []loan.DisbursementRecord{refused, broken} {
		_, err := w.disbursements.Recheck(t.Context(), w.somebody(domain.RoleDisbursementOfficer), d.ID)
		w.must(err)
	}
	w.work()
	w.wantPaidOnce(refused.ID, "50000.00")
	w.wantPaidOnce(broken.ID, "60000.00")
	if last := w.disbursement(refused.ID).Transfers[0].LastError; last != "" {
		t.Errorf("once booked: last error %q, want none", last)
	}
}

// Two payments of yesterday are in the channel's file and not known here. One cannot be booked: it says why and is a case. The
// other is booked, and its interest runs from yesterday.
func TestOnePaymentThatCannotBeBookedDoesNotKeepTheDayFromBeingImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onWorldTime()
	officer, day := w.somebody(domain.RoleLoanOfficer), domain.DateOf(w.now())
	refused, sound := w.released(officer, "50000.00"), w.released(officer, "60000.00")
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeDropAnswer, Requests: 2})
	w.work()
	w.setReserved(refused.ApplicationID, "0.00")
	w.advance(24 * time.Hour)
	importer := w.headOfficer()
	rec, _, err := w.imports(importer, day, origination.DayFileCSV, w.dayFile(day, "csv"))
	w.must(err)
	w.wantNotBooked("after the import", refused, "额度预占为 0.00 元")
	if got := w.status(sound.ID); rec.Settled != 1 || got != loan.DisbursementSucceeded {
		t.Errorf("the other payment is %s, %d settled by the file; want succeeded and one", got, rec.Settled)
	}
	found := false
	for _, c := range w.casesOf(importer, rec.ID) {
		found = found || (c.Difference.TransferID == refused.Transfers[0].ID && c.Difference.Kind == loan.DifferenceMissingHere)
	}
	if !found {
		t.Errorf("the payment that is not booked is no case of what is missing here: %+v", w.casesOf(importer, rec.ID))
	}
	notes, err := w.lines().LoanNotes(t.Context(), officer, sound.ApplicationID, domain.Page{Limit: 10})
	w.must(err)
	if len(notes) != 1 || notes[0].StartsOn != day {
		t.Errorf("notes: %+v, want one from %s, the day of the file", notes, day)
	}
}

// One line of a bank's report cannot be booked: the others are, and the report says which is not.
func TestOneLineOfAReportThatCannotBeBookedIsToldBesideTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, by, day := w.somebody(domain.RoleLoanOfficer), w.headOfficer(), domain.DateOf(w.now())
	refused, sound := w.released(officer, "50000.00"), w.released(officer, "60000.00")
	file, _, err := w.paymentFiles().Create(t.Context(), by, key())
	w.must(err)
	w.setReserved(refused.ApplicationID, "0.00")
	w.advance(48 * time.Hour)
	text := statusReport(file, [3]string{refused.Transfers[0].ID.String(), "ACSC", ""}, [3]string{sound.Transfers[0].ID.String(), "ACSC", ""})
	text = strings.ReplaceAll(text, "<AcctSvcrRef>", "<AccptncDtTm>"+day.AddDays(1).String()+"T10:00:00+08:00</AccptncDtTm><AcctSvcrRef>")
	for upload, want := range [][]origination.ReportOutcome{
		{origination.ReportNotBooked, origination.ReportRecorded}, {origination.ReportRecorded, origination.ReportKnown},
	} {
		rows, err := w.paymentFiles().Report(t.Context(), w.headOfficer(), file.ID, strings.NewReader(text))
		w.must(err)
		if rows[0].Outcome != want[0] || rows[1].Outcome != want[1] {
			t.Errorf("upload %d: %+v, want %v", upload+1, rows, want)
		}
		if upload == 0 {
			if last := w.wantNotBooked("after the first upload", refused, "额度预占为 0.00 元"); !last.WorkDueAt.IsZero() {
				t.Errorf("what went out by file is due to a worker at %s, want never", last.WorkDueAt)
			}
			w.setReserved(refused.ApplicationID, "50000.00")
		}
	}
	notes, err := w.lines().LoanNotes(t.Context(), officer, sound.ApplicationID, domain.Page{Limit: 10})
	w.must(err)
	if len(notes) != 1 || notes[0].StartsOn != day.AddDays(1) {
		t.Errorf("notes: %+v, want one from %s, on which the bank carried it out", notes, day.AddDays(1))
	}
}
