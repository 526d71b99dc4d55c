package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

// Every word of an enumeration stands in the glossary with a Chinese term, and where the code has a label of its own, with
// that one.
func TestTheGlossaryKnowsEveryWordOfTheCode(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	terms := map[string]string{} // "section|word": term
	section := ""
	row := regexp.MustCompile(`^\| ([a-z_]+) \| ([^|]+) \|`)
	for line := range strings.Lines(string(content)) {
		if title, found := strings.CutPrefix(line, "## "); found {
			section, _, _ = strings.Cut(title, " (")
		}
		if m := row.FindStringSubmatch(line); m != nil {
			terms[section+"|"+m[1]] = strings.TrimSpace(m[2])
		}
	}
	check := func(section, word, label string) {
		t.Helper()
		term := terms[section+"|"+word]
		if term == "" {
			t.Errorf("docs/glossary.md, %s: %q is missing", section, word)
		} else if label != "" && term != label {
			t.Errorf("docs/glossary.md, %s: %q is %q, the code says %q", section, word, term, label)
		}
	}
	for _, r := range domain.Roles() {
		check("Roles", string(r), r.Label())
	}
	for _, s := range loan.Statuses() {
		check("Statuses of an application", string(s), s.Label())
	}
	for _, s := range loan.DisbursementStatuses() {
		check("Statuses of a disbursement", string(s), s.Label())
	}
	for _, s := range decision.RuleSetStatuses() {
		check("Statuses of a rule set", string(s), s.Label())
	}
	for _, s := range loan.HoldStatuses() {
		check("Statuses of a hold", string(s), s.Label())
	}
	for _, s := range loan.ReversalStatuses() {
		check("Statuses of a reversal", string(s), s.Label())
	}
	for _, m := range loan.PaymentMethods() {
		check("Ways of paying", string(m), m.Label())
	}
	for _, s := range origination.JobStatuses() {
		check("Statuses of a job", string(s), s.Label())
	}
	for _, s := range origination.ReportScheduleStatuses() {
		check("Statuses of a report schedule", string(s), s.Label())
	}
	for _, s := range origination.ReportDeliveryStatuses() {
		check("Statuses of a report delivery", string(s), s.Label())
	}
	for _, s := range loan.LineStatuses() {
		check("Statuses of a line", string(s), s.Label())
	}
	for _, s := range loan.NoteStatuses() {
		check("Statuses of a loan note", string(s), s.Label())
	}
	for _, s := range loan.RepaymentStatuses() {
		check("Statuses of a repayment", string(s), s.Label())
	}
	for _, r := range decision.Results() {
		check("Results of a decision", string(r), "")
	}
	for _, m := range []schedule.Method{
		schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestOnlyBullet, schedule.LumpSum, schedule.Seasonal, schedule.FlatAddOn,
	} {
		check("Repayment methods", string(m), "")
	}
	for _, k := range borrower.Kinds() {
		check("Kinds of borrower", string(k), "")
	}
	for _, p := range loan.Purposes() {
		check("Purposes", string(p), "")
	}
}
