package product_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/product"
)

var juneFirst = instant("2022-06-01T02:00:00Z") // 10 o'clock in Beijing

func validated(t *testing.T, others ...product.Version) product.Version {
	t.Helper()
	v, err := draft().Check(farmerLoan(), others, domain.DateOf(juneFirst))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAVersionIsDraftedCheckedAndActivatedByASecondPerson(t *testing.T) {
	t.Parallel()
	v := validated(t, shandong())
	if v.Status != product.StatusValidated {
		t.Fatalf("after Check the status is %s", v.Status)
	}
	got, err := v.Activate(checkerID, juneFirst, farmerLoan(), []product.Version{shandong(), yantai(), v})
	if err != nil {
		t.Fatalf("Activate: %v", err)
	}
	if a := got.Activated; a.Status != product.StatusActive || a.ActivatedBy != checkerID || !a.ActivatedAt.Equal(juneFirst) || a.MadeBy != makerID {
		t.Errorf("activated: %s by %s at %s, made by %s", a.Status, a.ActivatedBy, a.ActivatedAt, a.MadeBy)
	}
	if got.Closed == nil || got.Closed.ID != shandongID || got.Closed.EffectiveTo != date("2022-07-01") {
		t.Fatalf("closed: %+v, want Shandong's first version, to 2022-07-01", got.Closed)
	}
	if names := differing(shandong(), *got.Closed); len(names) != 1 || names[0] != product.RowEffectiveTo {
		t.Errorf("closing changed %v, want the end only", names)
	}
	if v.Status != product.StatusValidated {
		t.Error("Activate changed its receiver")
	}

	versions := []product.Version{*got.Closed, yantai(), got.Activated}
	for on, want := range map[string]domain.ID{"2022-06-30": shandongID, "2022-07-01": newID} {
		if r, err := product.Resolve(versions, "QLFMD", "371503", date(on)); err != nil || r.ID != want {
			t.Errorf("on %s the version is %s, %v; want %s", on, r.ID, err, want)
		}
	}
}

func TestActivationIsRefused(t *testing.T) {
	t.Parallel()
	taken := shandong()
	taken.ID, taken.EffectiveFrom = "taken", date("2022-07-01")
	tests := []struct {
		name   string
		change func(*product.Version)
		by     domain.ID
		at     time.Time
		others []product.Version
		want   string
	}{
		{"by its maker", nil, makerID, juneFirst, nil, "maker-is-checker"},
		{"by nobody", nil, "", juneFirst, nil, "maker-is-checker"},
		{"for a day that has passed", nil, checkerID, instant("2022-07-02T02:00:00Z"), nil, "activation-in-the-past"},
		{"when in Beijing the next day has begun", nil, checkerID, instant("2022-07-01T16:00:00Z"), nil, "activation-in-the-past"},
		{"as a draft", func(v *product.Version) { v.Status = product.StatusDraft }, checkerID, juneFirst, nil, "version-not-validated"},
		{"twice", func(v *product.Version) { v.Status = product.StatusActive }, checkerID, juneFirst, nil, "version-in-use"},
		{"when another was activated for that region and day", nil, checkerID, juneFirst, []product.Version{taken}, "version-conflict"},
		{"when its terms contradict each other after all", func(v *product.Version) { v.AmountMax = amount("1.00") }, checkerID, juneFirst, nil, "invalid-fields"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := validated(t)
			if test.change != nil {
				test.change(&v)
			}
			if got, err := v.Activate(test.by, test.at, farmerLoan(), test.others); domain.CodeOf(err) != test.want {
				t.Errorf("Activate = %+v, %v; want %s", got.Activated.Status, err, test.want)
			}
		})
	}
}

func TestActivationTodayIsAllowedUntilTheDayEndsInBeijing(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"2022-06-30T16:00:00Z", "2022-07-01T15:59:59Z"} {
		if _, err := validated(t).Activate(checkerID, instant(at), farmerLoan(), nil); err != nil {
			t.Errorf("Activate at %s for 2022-07-01: %v", at, err)
		}
	}
}

func TestOfTwoActivationsForOneRegionAndDayTheSecondFindsTheFirst(t *testing.T) {
	t.Parallel()
	first, second := validated(t), validated(t)
	second.ID = "second"
	stored, err := first.Activate(checkerID, juneFirst, farmerLoan(), []product.Version{shandong(), second})
	if err != nil {
		t.Fatal(err)
	}
	_, err = second.Activate(checkerID, juneFirst, farmerLoan(), []product.Version{*stored.Closed, stored.Activated})
	if domain.CodeOf(err) != "version-conflict" || !slices.Equal(fieldCodes(err), []string{"/effective_from version-overlap"}) {
		t.Errorf("the second activation: %v %v, want version-conflict", err, fieldCodes(err))
	}
}

func TestNothingIsClosedWhereNothingNeedsToBe(t *testing.T) {
	t.Parallel()
	ending := shandong()
	ending.EffectiveTo = date("2022-07-01")
	for name, others := range map[string][]product.Version{"a new region": nil, "right after one that ends": {ending}, "beside another region": {yantai()}} {
		if got, err := validated(t, others...).Activate(checkerID, juneFirst, farmerLoan(), others); err != nil || got.Closed != nil {
			t.Errorf("%s: closed %+v, %v; want nothing", name, got.Closed, err)
		}
	}
	longer := shandong()
	longer.EffectiveTo = date("2022-12-01")
	if got, err := validated(t, longer).Activate(checkerID, juneFirst, farmerLoan(), []product.Version{longer}); err != nil || got.Closed == nil || got.Closed.EffectiveTo != date("2022-07-01") {
		t.Errorf("one that would end later: %+v, %v; want it closed on 2022-07-01", got.Closed, err)
	}
}

func TestOnlyTheMakerEditsAndOnlyWhatIsNotInUse(t *testing.T) {
	t.Parallel()
	content := yantai()
	content.ProductCode, content.MadeBy, content.Revision = "CYD", checkerID, 99
	for _, status := range product.Statuses() {
		v := draft()
		v.Status, v.Revision = status, 4
		got, err := v.Edit(makerID, juneFirst, content)
		if status == product.StatusActive {
			if domain.CodeOf(err) != "version-in-use" {
				t.Errorf("editing an active version: %v, want version-in-use", err)
			}
			continue
		}
		if err != nil || got.Status != product.StatusDraft || !got.MadeAt.Equal(juneFirst) {
			t.Errorf("editing a %s version: %s, %v; want a draft", status, got.Status, err)
		}
		if got.ID != newID || got.ProductCode != "QLFMD" || got.MadeBy != makerID || got.Revision != 4 || got.ActivatedBy != "" {
			t.Errorf("editing changed what a version is: %s of %s, by %s, revision %d, activated by %q", got.ID, got.ProductCode, got.MadeBy, got.Revision, got.ActivatedBy)
		}
		if diff := cmp.Diff(content.Terms, got.Terms, dates); diff != "" || got.RegionPrefix != "3706" {
			t.Errorf("the content did not arrive (-want +got):\n%s", diff)
		}
		if _, err := v.Edit(checkerID, juneFirst, content); domain.CodeOf(err) != "only-maker-edits" {
			t.Errorf("editing by another: %v, want only-maker-edits", err)
		}
	}
}

func TestCheckNamesContradictionsAndLeavesTheDraft(t *testing.T) {
	t.Parallel()
	v := draft()
	v.AmountMax, v.TermMonthsMax = amount("1.00"), 0
	if got, err := v.Check(farmerLoan(), nil, date("2022-06-01")); len(fieldCodes(err)) < 2 || got.Status == product.StatusValidated {
		t.Errorf("Check = %s, %v; want all contradictions", got.Status, fieldCodes(err))
	}
	if _, err := shandong().Check(farmerLoan(), nil, date("2022-06-01")); domain.CodeOf(err) != "version-in-use" {
		t.Errorf("checking an active version: %v, want version-in-use", err)
	}
	again, err := validated(t).Check(farmerLoan(), nil, date("2022-06-01"))
	if err != nil || again.Status != product.StatusValidated {
		t.Errorf("checking again: %s, %v", again.Status, err)
	}
}

func TestADraftIsComparedWithTheVersionWhosePlaceItTakes(t *testing.T) {
	t.Parallel()
	all := []product.Version{shandong(), yantai(), draft()}
	if got, ok := draft().Replaced(all); !ok || got.ID != shandongID {
		t.Errorf("Replaced = %s, %v; want Shandong's", got.ID, ok)
	}
	first := yantai()
	if got, ok := first.Replaced(all); !ok || got.ID != shandongID {
		t.Errorf("Yantai's first version replaces %s, %v; want Shandong's, which held there", got.ID, ok)
	}
	elsewhere := draft()
	elsewhere.RegionPrefix = "32"
	if got, ok := elsewhere.Replaced(all); ok {
		t.Errorf("a new region replaces %s, want nothing", got.ID)
	}
}

func TestProductsSayWhoMayApplyAndWhoHasAPart(t *testing.T) {
	t.Parallel()
	p := farmerLoan()
	if !p.Allows(product.BorrowerFarmer) || p.Allows(product.BorrowerCooperative) {
		t.Error("Allows is wrong about farmers or co-operatives")
	}
	if !p.HasPartner(product.PartnerRuralRevitalisationBureau) || (product.Product{}).HasPartner(product.PartnerRuralRevitalisationBureau) {
		t.Error("HasPartner is wrong about the bureau")
	}
	if got := shandong().DocumentsFor(product.BorrowerFarmer); len(got) != 3 {
		t.Errorf("DocumentsFor(farmer) = %v", got)
	}
	if got := shandong().DocumentsFor(product.BorrowerCooperative); got != nil {
		t.Errorf("DocumentsFor(cooperative) = %v, want none", got)
	}
	for _, s := range product.Statuses() {
		if !s.Valid() {
			t.Errorf("status %s is not valid", s)
		}
	}
}
