package origination_test

import (
	"strings"
	"testing"

	"fumin/domain"
)

func TestEveryControlRefusesSomethingInTheShippedConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.reviews.Controls(t.Context(), w.somebody(domain.RoleLoanOfficer))
	wantCode(t, "an officer looks at the controls", err, "role-not-allowed")
	proofs, err := w.reviews.Controls(t.Context(), w.somebody(domain.RoleAuditor))
	w.must(err)
	seen := map[string]int{}
	for _, p := range proofs {
		seen[p.Control]++
		if !p.Holds() || p.Tried == "" || p.Label == "" {
			t.Errorf("%s: tried %q, refused by %q", p.Control, p.Tried, p.Refused)
		}
	}
	for _, control := range []string{"authority-ceiling", "authority-needed", "committee", "product-amount", "product-exposure", "four-eyes"} {
		if seen[control] == 0 {
			t.Errorf("no proof of %s in %v", control, seen)
		}
	}
	text := ""
	for _, p := range proofs {
		text += p.Tried + "\n"
	}
	if !strings.Contains(text, "500000.01") || !strings.Contains(text, "3000000.01") {
		t.Errorf("the proofs do not try a fen above the live ceilings:\n%s", text)
	}
}
