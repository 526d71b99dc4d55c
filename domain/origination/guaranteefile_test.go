package origination_test

import (
	"context"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// Twenty senders of one file record each answer once; each hears the one result, or that somebody is at it.
func TestTwentyImportsOfOneFileRecordEachAnswerOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, company := w.somebody(domain.RoleLoanOfficer), w.companyOfficer()
	file := origination.ImportGuaranteeAnswers{File: origination.FileHash{1}}
	for i := range 3 {
		rec := w.putIn(officer, "100000.00")
		file.Rows = append(file.Rows, origination.GuaranteeAnswerRow{Row: i + 2, GuaranteeID: w.liveOf(rec).ID, Answer: letter("100000.00")})
	}
	codes := atOnce(callers, func(int) error {
		_, _, err := w.guarantees.ImportAnswers(context.Background(), company, file)
		return err
	})
	if codes[""] < 1 || codes[""]+codes["guarantee-file-exists"] != callers {
		t.Errorf("twenty imports: %v, want results and guarantee-file-exists only", codes)
	}
	for _, row := range file.Rows {
		g, err := w.store.Guarantee(t.Context(), domain.Scope{Everything: true}, row.GuaranteeID)
		if err != nil || g.Status != loan.GuaranteeAccepted || g.Version != 2 {
			t.Errorf("row %d: %s in version %d (%v), want accepted once", row.Row, g.Status, g.Version, err)
		}
	}
	got, known, err := w.guarantees.ImportAnswers(t.Context(), company, file)
	if err != nil || !known || len(got.Rows) != 3 {
		t.Errorf("afterwards: %d rows, known %t, %v", len(got.Rows), known, err)
	}
}
