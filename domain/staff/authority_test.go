package staff_test

import (
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/staff"
)

const (
	keeper = domain.ID("01900000-0000-7000-8000-000000000001")
	second = domain.ID("01900000-0000-7000-8000-000000000002")
	anna   = domain.ID("01900000-0000-7000-8000-00000000000a")
	boris  = domain.ID("01900000-0000-7000-8000-00000000000b")
	clara  = domain.ID("01900000-0000-7000-8000-00000000000c")
)

func authority(amount string, change func(*staff.Authority)) staff.Authority {
	a := staff.Authority{
		ID: "01900000-0000-7000-8000-0000000000f1", Kind: staff.AuthorityApprove, Role: domain.RoleApprover, GuaranteeKind: staff.GuaranteeAny,
		Amount: money.MustParseAmount(amount), EffectiveFrom: domain.MustParseDate("2026-01-01"), Basis: "授权书",
		Status: staff.AuthorityActive, DraftedBy: keeper, ActivatedBy: second, Version: 2,
	}
	if change != nil {
		change(&a)
	}
	return a
}

func TestTheMostSpecificAuthorityCountsAndThenTheGreatest(t *testing.T) {
	t.Parallel()
	role := authority("500000.00", nil)
	roleMore := authority("600000.00", nil)
	person := authority("100000.00", func(a *staff.Authority) { a.Role, a.UserID = "", anna })
	product := authority("50000.00", func(a *staff.Authority) { a.ProductCode = "QLFMD" })
	credit := authority("40000.00", func(a *staff.Authority) { a.GuaranteeKind = "credit" })
	county := authority("30000.00", func(a *staff.Authority) { a.RegionPrefix = "371503" })
	elsewhere := authority("9000000.00", func(a *staff.Authority) { a.RegionPrefix = "371526" })
	ended := authority("9000000.00", func(a *staff.Authority) { a.EffectiveTo = domain.MustParseDate("2026-11-23") })
	future := authority("9000000.00", func(a *staff.Authority) { a.EffectiveFrom = domain.MustParseDate("2026-11-24") })
	draft := authority("9000000.00", func(a *staff.Authority) { a.Status = staff.AuthorityDraft })
	override := authority("9000000.00", func(a *staff.Authority) { a.Kind = staff.AuthorityOverride })
	q := staff.AuthorityQuestion{
		Kind: staff.AuthorityApprove, UserID: anna, Role: domain.RoleApprover, ProductCode: "QLFMD", GuaranteeKind: "credit",
		RegionCode: "371503901201", On: domain.MustParseDate("2026-11-23"),
	}
	for _, c := range []struct {
		name string
		rows []staff.Authority
		want string // "": none
	}{
		{"nothing grants nothing", nil, ""},
		{"what is elsewhere, over, not yet, a draft or of another kind grants nothing", []staff.Authority{elsewhere, ended, future, draft, override}, ""},
		{"the role's", []staff.Authority{role}, "500000.00"},
		{"the greater of two alike", []staff.Authority{roleMore, role}, "600000.00"},
		{"a person's is before the role's, even when it is less", []staff.Authority{role, person, product}, "100000.00"},
		{"a product's is before all products'", []staff.Authority{role, product, credit, county}, "50000.00"},
		{"a guarantee's is before any", []staff.Authority{role, credit, county}, "40000.00"},
		{"a county's is before the province's", []staff.Authority{county, role}, "30000.00"},
	} {
		got, found := staff.AuthorityFor(c.rows, q)
		if found != (c.want != "") || found && got.Amount.String() != c.want {
			t.Errorf("%s: got %s (%t), want %q", c.name, got.Amount, found, c.want)
		}
	}
	somebody := q
	somebody.Role = domain.RoleLoanOfficer
	if got, found := staff.AuthorityFor([]staff.Authority{role}, somebody); found {
		t.Errorf("an officer has the approvers' authority %s", got.Amount)
	}
}

func TestAnAuthorityIsActivatedByASecondPersonAndThenOnlyEnds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	draft := authority("1.00", func(a *staff.Authority) {
		a.Status, a.ActivatedBy, a.EffectiveFrom = staff.AuthorityDraft, "", domain.MustParseDate("2026-11-23")
	})
	wantCode := func(what string, err error, want string) {
		t.Helper()
		if got := domain.CodeOf(err); got != want {
			t.Errorf("%s: got %q (%v), want %q", what, got, err, want)
		}
	}
	_, err := draft.Activate(keeper, now)
	wantCode("its maker activates", err, "maker-is-checker")
	_, err = draft.End(second, now, domain.MustParseDate("2026-12-01"), false)
	wantCode("a draft is ended", err, "authority-not-active")
	_, err = draft.Activate(second, now.AddDate(0, 0, 1))
	wantCode("activated for yesterday", err, "activation-in-the-past")
	active, err := draft.Activate(second, now)
	wantCode("activated", err, "")
	_, err = active.Activate(second, now)
	wantCode("activated twice", err, "authority-active")
	_, err = active.End(second, now, domain.MustParseDate("2026-11-23"), false)
	wantCode("ended today", err, "invalid-fields")
	ended, err := active.End(second, now, domain.MustParseDate("2026-12-01"), false)
	wantCode("ended", err, "")
	_, err = ended.End(second, now, domain.MustParseDate("2026-12-02"), false)
	wantCode("ended later again", err, "invalid-fields")
	if !ended.InForce(domain.MustParseDate("2026-11-30")) || ended.InForce(domain.MustParseDate("2026-12-01")) {
		t.Error("ended on 2026-12-01: must hold on 2026-11-30 and no longer on 2026-12-01")
	}
}

func TestWhatKeepsOthersFromDoingMoreTakesTwoPeopleToEnd(t *testing.T) {
	t.Parallel()
	now, to := time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC), domain.MustParseDate("2026-12-01")
	role := authority("500000.00", nil)
	ofAnna := func(amount string) staff.Authority {
		return authority(amount, func(a *staff.Authority) { a.Role, a.UserID = "", anna })
	}
	committee := authority("2000000.00", func(a *staff.Authority) { a.Kind, a.Role = staff.AuthorityCommittee, "" })
	for _, c := range []struct {
		name   string
		row    staff.Authority
		others []staff.Authority
		want   bool
	}{
		{"a committee's rule", committee, nil, true},
		{"a person's row below the role's", ofAnna("100000.00"), []staff.Authority{role}, true},
		{"a person's row above the role's", ofAnna("600000.00"), []staff.Authority{role}, false},
		{"a person's row and nothing else", ofAnna("100000.00"), []staff.Authority{ofAnna("100000.00")}, false},
		{"the role's row beside a person's", role, []staff.Authority{ofAnna("600000.00")}, false},
		{"a person's row beside another person's", ofAnna("1.00"), []staff.Authority{authority("2.00", func(a *staff.Authority) { a.Role, a.UserID = "", boris })}, false},
		{"a county's row below the province's", authority("1.00", func(a *staff.Authority) { a.RegionPrefix = "371503" }), []staff.Authority{role}, true},
		{"a county's row beside another county's", authority("1.00", func(a *staff.Authority) { a.RegionPrefix, a.ProductCode = "371503", "CYD" }), []staff.Authority{
			authority("2.00", func(a *staff.Authority) { a.RegionPrefix = "371526" }),
		}, false},
		{"a person's row and a role's row that begins later", ofAnna("1.00"), []staff.Authority{
			authority("2.00", func(a *staff.Authority) { a.EffectiveFrom = domain.MustParseDate("2027-01-01") }),
		}, true},
		{"a person's row and a role's row that has ended by then", ofAnna("1.00"), []staff.Authority{
			authority("2.00", func(a *staff.Authority) { a.EffectiveTo = to }),
		}, false},
		{"an override's row beside an approval's", authority("1.00", func(a *staff.Authority) { a.Kind, a.ProductCode = staff.AuthorityOverride, "CYD" }), []staff.Authority{role}, false},
	} {
		if got := c.row.Restrains(c.others, to); got != c.want {
			t.Errorf("%s: restrains %t, want %t", c.name, got, c.want)
		}
	}

	asked, err := committee.End(keeper, now, to, true)
	if err != nil || !asked.EffectiveTo.IsZero() || asked.EndAsked != (staff.EndRequest{By: keeper, At: now, To: to}) || asked.Version != committee.Version+1 {
		t.Fatalf("asked by one: %+v, %v; want it in force, and asked", asked, err)
	}
	if _, err := asked.End(keeper, now, to, true); domain.CodeOf(err) != "maker-is-checker" {
		t.Errorf("the same person again: %v, want maker-is-checker", err)
	}
	other, err := asked.End(second, now, to.AddDays(1), true)
	if err != nil || !other.EffectiveTo.IsZero() || other.EndAsked.By != second {
		t.Errorf("a second person for another day: %+v, %v; want a request of his own", other.EndAsked, err)
	}
	ended, err := asked.End(second, now, to, true)
	if err != nil || ended.EffectiveTo != to || ended.EndedBy != second || !ended.EndAsked.By.IsZero() {
		t.Errorf("a second person for the same day: %+v, %v; want it ended by him", ended, err)
	}
}

func TestACommitteeCarriesByQuorumAndMajority(t *testing.T) {
	t.Parallel()
	c := authority("2000000.00", func(a *staff.Authority) {
		a.Kind, a.Role, a.Members = staff.AuthorityCommittee, "", []domain.ID{anna, boris, clara, keeper, second}
		a.Quorum, a.MajorityNumerator, a.MajorityDenominator = 3, 2, 3
	})
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		yes, no       int
		carried, lost bool
	}{
		{2, 0, false, false}, // below the quorum
		{2, 1, true, false},
		{1, 1, false, false}, // three in favour may still come: four of five
		{3, 2, false, true},  // 3/5 is less than 2/3
		{3, 1, true, false},
		{2, 2, false, true}, // 3/5 at best
		{0, 3, false, true},
	} {
		if carried, lost := c.Carried(v.yes, v.no), c.Lost(v.yes, v.no); carried != v.carried || lost != v.lost {
			t.Errorf("%d in favour, %d against of 5: carried %t, lost %t; want %t, %t", v.yes, v.no, carried, lost, v.carried, v.lost)
		}
	}
	half := c
	half.MajorityNumerator, half.MajorityDenominator = 1, 2
	if half.Carried(2, 2) {
		t.Error("a tie carries with a majority of one half")
	}
	for what, change := range map[string]func(*staff.Authority){
		"a minority decides":         func(a *staff.Authority) { a.MajorityNumerator = 1 },
		"a quorum of one":            func(a *staff.Authority) { a.Quorum = 1 },
		"a quorum above the members": func(a *staff.Authority) { a.Quorum = 6 },
		"a member twice":             func(a *staff.Authority) { a.Members = []domain.ID{anna, anna, boris} },
		"a role beside the members":  func(a *staff.Authority) { a.Role = domain.RoleApprover },
	} {
		wrong := c
		change(&wrong)
		if wrong.Validate() == nil {
			t.Errorf("%s: %+v passes", what, wrong)
		}
	}
}

func TestAnAuthorityIsNeverLentOn(t *testing.T) {
	t.Parallel()
	lend := func(id, from, to domain.ID, starts, ends string) staff.Delegation {
		return staff.Delegation{
			ID: id, FromID: from, ToID: to, StartsOn: domain.MustParseDate(starts), EndsOn: domain.MustParseDate(ends), Reason: "年休假", Version: 1,
		}
	}
	first := lend("01900000-0000-7000-8000-0000000000d1", anna, boris, "2026-12-01", "2026-12-05")
	revoked := first
	revoked.RevokedAt = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		other staff.Delegation
		next  staff.Delegation
		want  string
	}{
		{"back by two hops", first, lend("x", boris, anna, "2026-12-05", "2026-12-09"), "delegation-chain"},
		{"on to a third", first, lend("x", boris, clara, "2026-12-05", "2026-12-09"), "delegation-chain"},
		{"from a third to who is away", first, lend("x", clara, anna, "2026-11-30", "2026-12-01"), "delegation-chain"},
		{"a second one at once", first, lend("x", anna, clara, "2026-12-05", "2026-12-09"), "delegation-overlaps"},
		{"afterwards", first, lend("x", boris, anna, "2026-12-06", "2026-12-09"), ""},
		{"when revoked", revoked, lend("x", boris, anna, "2026-12-05", "2026-12-09"), ""},
		{"two may ask the same to stand in", first, lend("x", clara, boris, "2026-12-05", "2026-12-09"), ""},
	} {
		if got := domain.CodeOf(c.next.CheckChain([]staff.Delegation{c.other})); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if lend("x", anna, anna, "2026-12-01", "2026-12-05").Validate() == nil {
		t.Error("somebody stands in for himself")
	}
	if lend("x", anna, boris, "2026-12-05", "2026-12-01").Validate() == nil {
		t.Error("a delegation ends before it starts")
	}
	if !first.Holds(first.EndsOn) || first.Holds(first.EndsOn.AddDays(1)) || first.Holds(first.StartsOn.AddDays(-1)) {
		t.Error("a delegation must hold from its first to its last day, both included")
	}
}
