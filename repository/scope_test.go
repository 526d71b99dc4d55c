package repository_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gorm.io/gorm"

	"fumin/domain"
	"fumin/repository"
)

// Two borrowers of a scope's rows.
const (
	scopeWang = domain.ID("01900000-0000-7000-8000-0000000000f1")
	scopeLi   = domain.ID("01900000-0000-7000-8000-0000000000f2")
)

// newScopeProbe makes a table with one row for each branch and borrower, named "branch borrower".
func newScopeProbe(t *testing.T) *gorm.DB {
	t.Helper()
	l := newLedger(t)
	l.exec(`CREATE TABLE probes (
		name VARCHAR(20) NOT NULL PRIMARY KEY,
		branch_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
		borrower_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL)`)
	for branch, id := range map[string]domain.ID{"head": ledgerHead, "county": ledgerCounty, "township": ledgerTownship, "sibling": ledgerSibling} {
		for name, borrowerID := range map[string]domain.ID{"wang": scopeWang, "li": scopeLi} {
			l.exec("INSERT INTO probes (name, branch_id, borrower_id) VALUES (?, ?, ?)", branch+" "+name, id, borrowerID)
		}
	}
	return l.store.Database().WithContext(t.Context()).Table("probes")
}

func TestAScopeSeesItsOwnRowsAndNoOthers(t *testing.T) {
	t.Parallel()
	probes := newScopeProbe(t)
	everything := []string{
		"county li", "county wang", "head li", "head wang", "sibling li", "sibling wang", "township li", "township wang",
	}
	for name, c := range map[string]struct {
		scope domain.Scope
		want  []string
	}{
		"everything":              {domain.Scope{Everything: true}, everything},
		"the head office":         {domain.Scope{BranchID: ledgerHead}, everything},
		"a county":                {domain.Scope{BranchID: ledgerCounty}, []string{"county li", "county wang", "township li", "township wang"}},
		"a township":              {domain.Scope{BranchID: ledgerTownship}, []string{"township li", "township wang"}},
		"its neighbour":           {domain.Scope{BranchID: ledgerSibling}, []string{"sibling li", "sibling wang"}},
		"a branch nobody knows":   {domain.Scope{BranchID: scopeWang}, nil},
		"a borrower":              {domain.Scope{BorrowerID: scopeWang}, []string{"county wang", "head wang", "sibling wang", "township wang"}},
		"a borrower nobody knows": {domain.Scope{BorrowerID: ledgerHead}, nil},
		"nothing":                 {domain.Scope{}, nil},
		"two things at once":      {domain.Scope{BranchID: ledgerHead, BorrowerID: scopeWang}, nil},
		"a branch and everything": {domain.Scope{BranchID: ledgerTownship, Everything: true}, nil},
		"a borrower, everything":  {domain.Scope{BorrowerID: scopeWang, Everything: true}, nil},
		"an injection":            {domain.Scope{BranchID: "' OR '1'='1"}, nil},
	} {
		for _, query := range []struct {
			name string
			rows *gorm.DB
		}{
			{"before the filter", repository.InScope(probes.Session(&gorm.Session{}), "probes", c.scope).Where("name <> '' OR name = ''")},
			{"after the filter", repository.InScope(probes.Session(&gorm.Session{}).Where("name <> '' OR name = ''"), "probes", c.scope)},
		} {
			var got []string
			if err := query.rows.Order("name").Pluck("name", &got).Error; err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, asked %s (-want +got):\n%s", name, query.name, diff)
			}
		}
	}
}

func TestATableWithoutAColumnShowsNothingToThatKindOfScope(t *testing.T) {
	t.Parallel()
	probes := newScopeProbe(t)
	for name, c := range map[string]struct {
		branchColumn, borrowerColumn string
		scope                        domain.Scope
		want                         int64
	}{
		"a borrower, where no row has one":      {"probes.branch_id", "", domain.Scope{BorrowerID: scopeWang}, 0},
		"a branch, where no row has one":        {"", "probes.borrower_id", domain.Scope{BranchID: ledgerHead}, 0},
		"a branch, where rows have only that":   {"probes.branch_id", "", domain.Scope{BranchID: ledgerTownship}, 2},
		"a borrower, where rows have only that": {"", "probes.borrower_id", domain.Scope{BorrowerID: scopeLi}, 4},
		"everything, where rows have neither":   {"", "", domain.Scope{Everything: true}, 8},
	} {
		var got int64
		if err := repository.InScopeOf(probes.Session(&gorm.Session{}), c.branchColumn, c.borrowerColumn, c.scope).Count(&got).Error; err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got != c.want {
			t.Errorf("%s: %d rows, want %d", name, got, c.want)
		}
	}
}
