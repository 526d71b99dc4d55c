package borrower

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
)

func secondsOf(n int) time.Duration { return time.Duration(n) * time.Second }

// sampleFamily is a head (21), his wife (22), son (23, without a number) and father (24), with two plots.
func sampleFamily() Household {
	h := sampleHousehold()
	h.Members = append(
		h.Members,
		Member{ID: testID(22), Name: MustParseName("李秀英"), IDNumber: MustParseIDNumber("371599197001020026"), Relation: RelationSpouse, JoinedOn: sampleDay},
		Member{ID: testID(23), Name: MustParseName("王小宝"), Relation: RelationChild, JoinedOn: sampleDay},
		Member{ID: testID(24), Name: MustParseName("王大山"), IDNumber: MustParseIDNumber("371599196805030014"), Relation: RelationParent, JoinedOn: sampleDay},
	)
	h.Lands = []Land{
		{ID: testID(25), Kind: LandContracted, AreaMu: MustParseArea("6.5")},
		{ID: testID(26), Kind: LandLeased, AreaMu: MustParseArea("20"), ContractUntil: sampleDay.AddDays(1000)},
	}
	return h
}

var changeDay = sampleDay.AddDays(100)

// whole passes on what a change returns, after checking that it was allowed and that the household is whole.
func whole(t *testing.T) func(Household, error) Household {
	t.Helper()
	return func(h Household, err error) Household {
		t.Helper()
		if err != nil {
			t.Fatalf("the change = %v, want nil", err)
		}
		if err := h.Validate(); err != nil {
			t.Fatalf("Validate after the change = %q, want no problem", pointersOf(t, err))
		}
		return h
	}
}

func TestAHouseholdNamesWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Household)
		want   []string
	}{
		{"nothing", func(*Household) {}, nil},
		{"a township for a village", func(h *Household) { h.VillageCode = "371503901" }, []string{"/village_code village-code-invalid"}},
		{"a village of no province", func(h *Household) { h.VillageCode = "991503901201" }, []string{"/village_code region-code-invalid"}},
		{"a head who is nobody", func(h *Household) { h.HeadID = testID(99) }, []string{"/head_id household-head", "/members/0/relation household-head"}},
		{"two heads", func(h *Household) { h.Members[1].Relation = RelationHead }, []string{"/members/1/relation household-head"}},
		{"a head who is a spouse", func(h *Household) { h.Members[0].Relation = RelationSpouse }, []string{"/head_id household-head"}},
		{"a head without a number", func(h *Household) { h.Members[0].IDNumber = IDNumber{} }, []string{"/members/0/id_number required"}},
		{"one person twice", func(h *Household) { h.Members[1].ID = h.Members[0].ID }, []string{"/members/1/id duplicate"}},
		{"one number twice", func(h *Household) { h.Members[1].IDNumber = h.Members[0].IDNumber }, []string{"/members/1/id_number duplicate"}},
		{"a member who left on the day of joining", func(h *Household) { h.Members[1].LeftOn = sampleDay }, []string{"/members/1/left_on date-order"}},
		{"a member who was born later", func(h *Household) { h.Members[1].JoinedOn = domain.MustParseDate("1969-01-01") }, []string{"/members/1/id_number id-number-born-later"}},
		{"an empty member", func(h *Household) { h.Members[1] = Member{} }, []string{"/members/1/id required", "/members/1/name required", "/members/1/relation required", "/members/1/joined_on required"}},
		{"too many members", func(h *Household) { h.Members = make([]Member, ListMax+1) }, []string{"/members list-too-long"}},
		{"land without a size", func(h *Household) { h.Lands[0].AreaMu = Area{} }, []string{"/lands/0/area_mu required"}},
		{"one plot twice", func(h *Household) { h.Lands[1].ID = h.Lands[0].ID }, []string{"/lands/1/id duplicate"}},
		{"a contract that ends before it begins", func(h *Household) { h.Lands[1].ContractFrom = sampleDay.AddDays(1001) }, []string{"/lands/1/contract_until date-order"}},
		{"fewer ducks than none", func(h *Household) {
			h.Livestock = []Livestock{{ID: testID(27), Kind: LivestockDuck, Heads: -1, CountedOn: sampleDay}}
		}, []string{"/livestock/0/heads out-of-range"}},
		{"a harvest in month 13", func(h *Household) {
			h.Crops = []Crop{{ID: testID(27), Kind: CropWheat, AreaMu: MustParseArea("6"), Year: 2026, HarvestMonth: 13}}
		}, []string{"/crops/0/harvest_month out-of-range"}},
		{"harvests in the first and the last month and year", func(h *Household) {
			h.Crops = []Crop{
				{ID: testID(27), Kind: CropWheat, AreaMu: MustParseArea("6"), Year: domain.YearMin, HarvestMonth: 1},
				{ID: testID(28), Kind: CropWheat, AreaMu: MustParseArea("6"), Year: domain.YearMax, HarvestMonth: 12},
			}
		}, nil},
		{"a harvest in month 0 of the year 1899, counted twice", func(h *Household) {
			crop := Crop{ID: testID(27), Kind: CropWheat, AreaMu: MustParseArea("6"), Year: domain.YearMin - 1}
			h.Crops = []Crop{crop, {ID: testID(27), Kind: CropWheat, AreaMu: MustParseArea("6"), Year: 2026, HarvestMonth: 6}}
		}, []string{"/crops/0/year out-of-range", "/crops/0/harvest_month out-of-range", "/crops/1/id duplicate"}},
		{"a count of animals twice", func(h *Household) {
			count := Livestock{ID: testID(27), Kind: LivestockDuck, Heads: HeadsMax, CountedOn: sampleDay}
			h.Livestock = []Livestock{count, count}
		}, []string{"/livestock/1/id duplicate"}},
		{"a year twice", func(h *Household) {
			declared := Assessment{}.Declare(money.MustParseAmount("50000"), sampleAt)
			h.Figures = []YearFigures{{Year: 2025, Income: declared, Debts: declared}, {Year: 2025, Income: declared, Debts: declared}}
		}, []string{"/figures/1/year duplicate"}},
		{"figures of nothing", func(h *Household) { h.Figures = []YearFigures{{Year: 2025}} }, []string{"/figures/0/income/declared required", "/figures/0/debts/declared required"}},
	} {
		h := sampleFamily()
		c.change(&h)
		if got := pointersOf(t, h.Validate()); !slices.Equal(got, c.want) {
			t.Errorf("%s: problems = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAPersonIsInAHouseholdFromJoiningUntilLeaving(t *testing.T) {
	t.Parallel()
	h := whole(t)(sampleFamily().Leave(testID(22), changeDay, "离婚"))
	wife := MustParseIDNumber("371599197001020026")
	for _, c := range []struct {
		name string
		days int
		want bool
	}{{"before joining", -1, false}, {"on the day of joining", 0, true}, {"the day before leaving", 99, true}, {"on the day of leaving", 100, false}} {
		if _, got := h.MemberOn(wife, sampleDay.AddDays(c.days)); got != c.want {
			t.Errorf("%s: MemberOn = %v, want %v", c.name, got, c.want)
		}
	}
	if _, got := h.MemberOn(IDNumber{}, sampleDay); got {
		t.Errorf("MemberOn of no number = true, want false: the son has none either")
	}
}

func TestWhoLeavesMayComeBackAndBothStaysAreKept(t *testing.T) {
	t.Parallel()
	before := sampleFamily()
	left := whole(t)(before.Leave(testID(22), changeDay, "外出"))
	back := whole(t)(left.Join(Member{
		ID: testID(22), Name: MustParseName("李秀英"), IDNumber: MustParseIDNumber("371599197001020026"), Relation: RelationSpouse,
	}, changeDay.AddDays(10), "返回"))
	if len(back.Members) != 5 || back.Members[1].LeftOn != changeDay || !back.Members[4].Present() {
		t.Errorf("members = %+v, want two stays of the one who came back", back.Members)
	}
	if !before.Members[1].Present() || len(before.Changes) != 0 {
		t.Errorf("the household before = %+v, want it unchanged", before)
	}
	want := []ChangeKind{ChangeLeft, ChangeJoined}
	if got := []ChangeKind{back.Changes[0].Kind, back.Changes[1].Kind}; !slices.Equal(got, want) {
		t.Errorf("changes = %q, want %q", got, want)
	}
}

func TestChangesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	h := sampleFamily()
	newcomer := Member{ID: testID(50), Name: MustParseName("赵六"), Relation: RelationChildInLaw}
	ended := h
	ended.EndedOn = changeDay
	left := whole(t)(h.Leave(testID(22), changeDay, "外出"))
	full := h
	full.Members = append(slices.Clone(h.Members), make([]Member, ListMax-len(h.Members))...)
	relations := map[domain.ID]Relation{testID(21): RelationSpouse, testID(23): RelationChild, testID(24): RelationParent}
	for _, c := range []struct {
		name string
		do   func() (Household, error)
		code string
	}{
		{"joining an ended household", func() (Household, error) { return ended.Join(newcomer, changeDay, "结婚") }, "household-ended"},
		{"joining twice", func() (Household, error) {
			return h.Join(Member{ID: testID(22), Relation: RelationSpouse}, changeDay, "结婚")
		}, "member-present"},
		{"joining under another id with the same number", func() (Household, error) {
			return h.Join(Member{ID: testID(51), IDNumber: h.Members[1].IDNumber, Relation: RelationOther}, changeDay, "结婚")
		}, "member-present"},
		{"joining as a second head", func() (Household, error) {
			return h.Join(Member{ID: testID(51), Relation: RelationHead}, changeDay, "结婚")
		}, "household-relations"},
		{"coming back before leaving", func() (Household, error) {
			return left.Join(Member{ID: testID(22), Relation: RelationSpouse}, changeDay.AddDays(-1), "返回")
		}, "household-change-date"},
		{"the hundred-and-first stay", func() (Household, error) { return full.Join(newcomer, changeDay, "结婚") }, "household-too-large"},
		{"leaving without being there", func() (Household, error) { return h.Leave(testID(50), changeDay, "外出") }, "member-not-present"},
		{"leaving twice", func() (Household, error) { return left.Leave(testID(22), changeDay, "外出") }, "member-not-present"},
		{"the head leaving", func() (Household, error) { return h.Leave(testID(21), changeDay, "外出") }, "household-head-stays"},
		{"leaving on the day of joining", func() (Household, error) { return h.Leave(testID(22), sampleDay, "外出") }, "household-change-date"},
		{"leaving an ended household", func() (Household, error) { return ended.Leave(testID(22), changeDay, "外出") }, "household-ended"},
		{"a head who is not there", func() (Household, error) { return h.ChangeHead(testID(50), relations, changeDay, "变更") }, "member-not-present"},
		{"a head without a number", func() (Household, error) { return h.ChangeHead(testID(23), relations, changeDay, "变更") }, "household-head-number"},
		{"a head without relations", func() (Household, error) { return h.ChangeHead(testID(22), nil, changeDay, "变更") }, "household-relations"},
		{"a head before joining", func() (Household, error) { return h.ChangeHead(testID(22), relations, sampleDay.AddDays(-1), "变更") }, "household-change-date"},
		{"a head of an ended household", func() (Household, error) { return ended.ChangeHead(testID(22), relations, changeDay, "变更") }, "household-ended"},
	} {
		got, err := c.do()
		if domain.CodeOf(err) != c.code || !got.ID.IsZero() {
			t.Errorf("%s = %q, %v, want %q and no household", c.name, got.ID, err, c.code)
		}
	}
}

func TestAHouseholdGrowsToItsLimitsAndNotBeyond(t *testing.T) {
	t.Parallel()
	newcomer := Member{ID: testID(50), Name: MustParseName("赵六"), Relation: RelationChildInLaw}
	for _, c := range []struct {
		name                    string
		members, lands, changes int // before somebody joins
		code                    string
	}{
		{"the last place", ListMax - 1, ListMax, ListMax - 1, ""},
		{"a member too many", ListMax, 0, 0, "household-too-large"},
		{"a plot too many", 1, ListMax + 1, 0, "household-too-large"},
		{"a change too many", 1, 0, ListMax, "household-too-large"},
	} {
		h := sampleHousehold()
		for len(h.Members) < c.members {
			stay := h.Members[0]
			stay.ID, stay.JoinedOn, stay.LeftOn = testID(22), sampleDay.AddDays(-2*len(h.Members)), sampleDay.AddDays(1-2*len(h.Members))
			stay.IDNumber, stay.Relation = IDNumber{}, RelationOther
			h.Members = append(h.Members, stay)
		}
		h.Lands, h.Changes = make([]Land, c.lands), make([]Change, c.changes)
		got, err := h.Join(newcomer, changeDay, "结婚")
		if domain.CodeOf(err) != c.code {
			t.Errorf("%s: Join = %v, want %q", c.name, err, c.code)
		}
		if err == nil {
			if problems := pointersOf(t, got.Validate()); slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, "/members") }) {
				t.Errorf("%s: problems with the members = %q, want none", c.name, problems)
			}
		}
	}
}

func TestTheHeadMayBeConfirmedAsHead(t *testing.T) {
	t.Parallel()
	h := whole(t)(sampleFamily().ChangeHead(testID(21), map[domain.ID]Relation{
		testID(22): RelationSpouse, testID(23): RelationChild, testID(24): RelationParent,
	}, changeDay, "更正与户主关系"))
	if h.HeadID != testID(21) {
		t.Errorf("HeadID = %v, want the same head", h.HeadID)
	}
}

func TestOnlySplitsFromTheDayOnAreSplits(t *testing.T) {
	t.Parallel()
	var h Household
	for i, kind := range []ChangeKind{
		ChangeJoined, ChangeLeft, ChangeHeadChanged, ChangeSplitOff, ChangeSplitFrom, ChangeMergedIn, ChangeMergedInto,
	} {
		h.Changes = append(h.Changes, Change{Kind: kind, On: changeDay.AddDays(-1), HouseholdID: testID(i)}, Change{Kind: kind, On: changeDay, HouseholdID: testID(i)})
	}
	var got []ChangeKind
	for _, split := range h.SplitsSince(changeDay) {
		got = append(got, split.Kind)
		if split.On != changeDay {
			t.Errorf("SplitsSince(%v) has one on %v, want none before", changeDay, split.On)
		}
	}
	if want := []ChangeKind{ChangeSplitOff, ChangeSplitFrom}; !slices.Equal(got, want) {
		t.Errorf("SplitsSince = %q, want %q", got, want)
	}
}

func TestANewHeadHasTheOthersRelatedToIt(t *testing.T) {
	t.Parallel()
	before := sampleFamily()
	h := whole(t)(before.ChangeHead(testID(22), map[domain.ID]Relation{
		testID(21): RelationSpouse, testID(23): RelationChild, testID(24): RelationOther,
	}, changeDay, "户主外出"))
	head, ok := h.Head()
	if !ok || head.ID != testID(22) || head.Relation != RelationHead || h.Members[0].Relation != RelationSpouse {
		t.Errorf("head = %v, former head is %v, want 22 and spouse", head.ID, h.Members[0].Relation)
	}
	if got := h.Changes[0]; got.Kind != ChangeHeadChanged || got.MemberID != testID(22) || got.FormerID != testID(21) {
		t.Errorf("change = %+v, want the head and the former head", got)
	}
	if before.HeadID != testID(21) || before.Members[0].Relation != RelationHead {
		t.Errorf("the household before = %+v, want it unchanged", before)
	}
}

func TestTheLastToLeaveEndsTheHousehold(t *testing.T) {
	t.Parallel()
	h := whole(t)(sampleHousehold().Leave(testID(21), changeDay, "迁出"))
	if h.EndedOn != changeDay {
		t.Errorf("EndedOn = %v, want %v", h.EndedOn, changeDay)
	}
}

func sampleSplit() SplitOff {
	return SplitOff{
		HouseholdID: testID(60), MemberIDs: []domain.ID{testID(22), testID(23)}, HeadID: testID(22),
		Relations: map[domain.ID]Relation{testID(23): RelationChild}, LandIDs: []domain.ID{testID(26)},
		On: changeDay, Reason: "分户", At: sampleAt.AddDate(0, 0, 100),
	}
}

func TestASplitKeepsTheHistoryOnBothSides(t *testing.T) {
	t.Parallel()
	before := sampleFamily()
	rest, made, err := before.Split(sampleSplit())
	rest, made = whole(t)(rest, err), whole(t)(made, err)

	for _, c := range []struct {
		name string
		h    Household
		want []domain.ID
	}{{"the old household", rest, []domain.ID{testID(21), testID(24)}}, {"the new household", made, []domain.ID{testID(22), testID(23)}}} {
		var present []domain.ID
		for _, m := range c.h.Members {
			if m.InOn(changeDay) {
				present = append(present, m.ID)
			}
		}
		if !slices.Equal(present, c.want) {
			t.Errorf("%s has %v, want %v", c.name, present, c.want)
		}
	}
	if len(rest.Members) != 4 || rest.Members[1].LeftOn != changeDay || made.Members[0].JoinedOn != changeDay {
		t.Errorf("stays = %+v and %+v, want them to meet on the day", rest.Members, made.Members)
	}
	if got, want := LandAreaOn(rest.Lands, changeDay), MustParseArea("6.5"); got != want {
		t.Errorf("land of the old household = %v, want %v", got, want)
	}
	if got, want := LandAreaOn(made.Lands, changeDay), MustParseArea("20"); got != want {
		t.Errorf("land of the new household = %v, want %v", got, want)
	}
	dayBefore := changeDay.AddDays(-1)
	if got, want := LandAreaOn(rest.Lands, dayBefore).Add(LandAreaOn(made.Lands, dayBefore)), MustParseArea("26.5"); got != want {
		t.Errorf("land of both on the day before = %v, want %v, all with the old one", got, want)
	}
	if rest.Changes[0].HouseholdID != made.ID || made.Changes[0].HouseholdID != rest.ID {
		t.Errorf("changes = %+v and %+v, want each to name the other", rest.Changes, made.Changes)
	}
	if made.VillageCode != before.VillageCode || made.Address != before.Address || made.BranchID != before.BranchID {
		t.Errorf("the new household is in %v, want where the old one is", made.VillageCode)
	}
	if len(before.Changes) != 0 || !before.Members[1].Present() || !before.Lands[1].ReleasedOn.IsZero() {
		t.Errorf("the household before = %+v, want it unchanged", before)
	}
}

func TestSplitsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Household, *SplitOff)
		code   string
	}{
		{"nobody leaves", func(_ *Household, s *SplitOff) { s.MemberIDs = nil }, "household-split-members"},
		{"the new head is not among them", func(_ *Household, s *SplitOff) { s.HeadID = testID(24) }, "household-split-members"},
		{"somebody leaves twice", func(_ *Household, s *SplitOff) { s.MemberIDs = append(s.MemberIDs, testID(23)) }, "household-split-members"},
		{"the old head leaves", func(_ *Household, s *SplitOff) { s.MemberIDs = append(s.MemberIDs, testID(21)) }, "household-head-stays"},
		{"a stranger leaves", func(_ *Household, s *SplitOff) { s.MemberIDs = append(s.MemberIDs, testID(99)) }, "member-not-present"},
		{"a relation is missing", func(_ *Household, s *SplitOff) { s.Relations = nil }, "household-relations"},
		{"land of others goes along", func(_ *Household, s *SplitOff) { s.LandIDs = []domain.ID{testID(99)} }, "household-split-land"},
		{"the same land twice", func(_ *Household, s *SplitOff) { s.LandIDs = []domain.ID{testID(26), testID(26)} }, "household-split-land"},
		{"on the day of joining", func(_ *Household, s *SplitOff) { s.On = sampleDay }, "household-change-date"},
		{"the household has ended", func(h *Household, _ *SplitOff) { h.EndedOn = sampleDay }, "household-ended"},
	} {
		h, s := sampleFamily(), sampleSplit()
		c.change(&h, &s)
		rest, made, err := h.Split(s)
		if domain.CodeOf(err) != c.code || !rest.ID.IsZero() || !made.ID.IsZero() {
			t.Errorf("%s: Split = %v, want %q and no household", c.name, err, c.code)
		}
		if len(h.Changes) != 0 || (h.EndedOn.IsZero() && h.presentCount() != 4) {
			t.Errorf("%s: the household after a refusal = %+v, want it unchanged", c.name, h)
		}
	}
}

func TestASplitHouseholdCanBeMergedAgain(t *testing.T) {
	t.Parallel()
	rest, made, err := sampleFamily().Split(sampleSplit())
	if err != nil {
		t.Fatalf("Split = %v, want nil", err)
	}
	on := changeDay.AddDays(50)
	relations := map[domain.ID]Relation{testID(22): RelationSpouse, testID(23): RelationChild}
	merged, ended, err := rest.Merge(made, relations, on, "复婚")
	merged, ended = whole(t)(merged, err), whole(t)(ended, err)

	if merged.presentCount() != 4 || len(merged.Members) != 6 || ended.presentCount() != 0 || ended.EndedOn != on {
		t.Errorf("merged has %d of %d stays, ended has %d and ended on %v, want 4 of 6, 0 and %v", merged.presentCount(),
			len(merged.Members), ended.presentCount(), ended.EndedOn, on)
	}
	if got, want := LandAreaOn(merged.Lands, on), MustParseArea("26.5"); got != want || LandAreaOn(ended.Lands, on) != (Area{}) {
		t.Errorf("land after the merger = %v and %v, want %v and none", got, LandAreaOn(ended.Lands, on), want)
	}
	if merged.Members[4].Relation != RelationSpouse || ended.Members[0].Relation != RelationHead {
		t.Errorf("relation here %v, there %v, want spouse, and head as it was", merged.Members[4].Relation, ended.Members[0].Relation)
	}

	for name, c := range map[string]struct {
		do   func() error
		code string
	}{
		"with itself":          {func() error { _, _, err := rest.Merge(rest, relations, on, "并户"); return err }, "household-merge-self"},
		"with an ended one":    {func() error { _, _, err := rest.Merge(ended, relations, on, "并户"); return err }, "household-ended"},
		"without relations":    {func() error { _, _, err := rest.Merge(made, nil, on, "并户"); return err }, "household-relations"},
		"on the day they left": {func() error { _, _, err := rest.Merge(made, relations, changeDay, "并户"); return err }, "household-change-date"},
		"with somebody in both": {func() error {
			twin := sampleFamily()
			twin.ID = testID(61)
			_, _, err := rest.Merge(twin, map[domain.ID]Relation{testID(21): RelationOther, testID(22): RelationOther, testID(23): RelationOther, testID(24): RelationOther}, on, "并户")
			return err
		}, "member-present"},
	} {
		if got := domain.CodeOf(c.do()); got != c.code {
			t.Errorf("merging %s = %q, want %q", name, got, c.code)
		}
	}
}

// Whatever is done, in any order: nobody is in two households on one day, nobody is lost, and each plot is held once.
func TestSplittingAndMergingLoseNobody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		family := sampleFamily()
		family.Members[2].IDNumber = MustParseIDNumber("371599198507160012")
		all := []Household{family}
		day := sampleDay
		for step := range rapid.IntRange(1, 6).Draw(t, "steps") {
			day = day.AddDays(rapid.IntRange(1, 40).Draw(t, "days"))
			i := rapid.IntRange(0, len(all)-1).Draw(t, "household")
			j := rapid.IntRange(0, len(all)-1).Draw(t, "other")
			relations := map[domain.ID]Relation{}
			var others []domain.ID
			for _, m := range all[i].Members {
				relations[m.ID] = RelationOther
				if m.Present() && m.ID != all[i].HeadID {
					others = append(others, m.ID)
				}
			}
			if rapid.Bool().Draw(t, "split") && len(others) > 0 {
				leaving := others[:rapid.IntRange(1, len(others)).Draw(t, "leaving")]
				rest, made, err := all[i].Split(SplitOff{
					HouseholdID: testID(100 + step), MemberIDs: leaving, HeadID: leaving[0], Relations: relations, On: day, Reason: "分户", At: sampleAt,
				})
				if all[i].EndedOn.IsZero() && err != nil {
					t.Fatalf("Split = %v, want nil", err)
				}
				if err == nil {
					all[i] = rest
					all = append(all, made)
				}
			} else if merged, ended, err := all[j].Merge(all[i], relations, day, "并户"); err == nil {
				all[j], all[i] = merged, ended
			}
		}
		checkNobodyLost(t, all, sampleDay, day)
	})
}

func checkNobodyLost(t *rapid.T, all []Household, from, to domain.Date) {
	for day := from; !day.After(to); day = day.AddDays(1) {
		seen := map[domain.ID]int{}
		var area Area
		for _, h := range all {
			area = area.Add(LandAreaOn(h.Lands, day))
			for _, m := range h.Members {
				if m.InOn(day) {
					seen[m.ID]++
				}
			}
		}
		for _, id := range []domain.ID{testID(21), testID(22), testID(23), testID(24)} {
			if seen[id] != 1 {
				t.Fatalf("on %v person %v is in %d households, want 1", day, id, seen[id])
			}
		}
		if area != MustParseArea("26.5") {
			t.Fatalf("on %v the land is %v mu, want 26.50", day, area)
		}
	}
	for _, h := range all {
		if err := h.Validate(); err != nil {
			t.Fatalf("Validate = %v, want nil", err)
		}
	}
}

func TestADeclaredAndAVerifiedSumDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	a := Assessment{}.Declare(money.MustParseAmount("80000"), sampleAt).Verify(money.MustParseAmount("52000"), sampleUser, "银行流水", sampleAt)
	if a.Declared.String() != "80000.00" || a.Verified.String() != "52000.00" || !a.IsVerified() || a.Validate() != nil {
		t.Errorf("declared %v, verified %v, %v, want 80000.00 and 52000.00", a.Declared, a.Verified, a.Validate())
	}
	again := a.Declare(money.MustParseAmount("90000"), sampleAt)
	if again.Declared.String() != "90000.00" || again.Verified.String() != "52000.00" {
		t.Errorf("declared again: %v, %v, want 90000.00 and 52000.00", again.Declared, again.Verified)
	}
	for _, c := range []struct {
		name string
		a    Assessment
		want []string
	}{
		{"nothing", Assessment{}, []string{"/declared required"}},
		{"negative", Assessment{}.Declare(money.Fen(-1), sampleAt).Verify(money.Fen(-1), sampleUser, "流水", sampleAt), []string{"/declared amount-negative", "/verified amount-negative"}},
		{"declared at no time", Assessment{Declared: money.Fen(1), VerifiedAt: sampleAt, VerifiedBy: sampleUser, VerifiedBasis: "流水"}, []string{"/declared_at required"}},
		{"verified at no time", Assessment{DeclaredAt: sampleAt, Verified: money.Fen(1)}, []string{"/verified_at required"}},
		{"a verifier at no time", Assessment{DeclaredAt: sampleAt, VerifiedBy: sampleUser}, []string{"/verified_at required"}},
		{"a basis at no time", Assessment{DeclaredAt: sampleAt, VerifiedBasis: "流水"}, []string{"/verified_at required"}},
		{"verified by nobody on no basis", Assessment{VerifiedAt: sampleAt}, []string{"/verified_by required", "/verified_basis required"}},
	} {
		if got := pointersOf(t, c.a.Validate()); !slices.Equal(got, c.want) {
			t.Errorf("%s: problems = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLandIsHeldWhileItsContractRuns(t *testing.T) {
	t.Parallel()
	l := Land{ContractFrom: sampleDay, ContractUntil: sampleDay.AddDays(10), ReleasedOn: sampleDay.AddDays(8)}
	unreleased := l
	unreleased.ReleasedOn = domain.Date{}
	for _, c := range []struct {
		name string
		land Land
		days int
		want bool
	}{
		{"before the contract", l, -1, false},
		{"on its first day", l, 0, true},
		{"on the day of release", l, 8, false},
		{"on its last day", unreleased, 10, true},
		{"after it", unreleased, 11, false},
		{"one without any days", Land{}, 0, true},
	} {
		if got := c.land.HeldOn(sampleDay.AddDays(c.days)); got != c.want {
			t.Errorf("%s: HeldOn = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAnAreaIsExactToTheHundredth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ input, want string }{
		{"4800", "4800.00"}, {"12.5", "12.50"}, {"0.01", "0.01"}, {"0", "0.00"}, {"999999.99", "999999.99"}, {"007", "7.00"},
	} {
		if a, err := ParseArea(c.input); err != nil || a.String() != c.want {
			t.Errorf("ParseArea(%q) = %v, %v, want %s", c.input, a, err, c.want)
		}
	}
	for _, input := range []string{"", "-1", "1e3", "1.", ".5", "1.234", "1000000", "１２", "1,000", " 1"} {
		if a, err := ParseArea(input); err == nil {
			t.Errorf("ParseArea(%q) = %v, want a refusal", input, a)
		}
	}
	if a, b := MustParseArea("0.1"), MustParseArea("0.2"); a.Add(b) != MustParseArea("0.3") || a.Cmp(b) != -1 || b.Cmp(a) != 1 || a.Cmp(MustParseArea("0.10")) != 0 {
		t.Errorf("0.1 + 0.2 = %v, want 0.30", a.Add(b))
	}
}

func FuzzParseArea(f *testing.F) {
	for _, seed := range []string{"4800", "12.5", "0.01", "1e3", "１"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		a, err := ParseArea(input)
		if err != nil {
			return
		}
		text, _ := a.MarshalText()
		var again Area
		if err := again.UnmarshalText(text); err != nil || !again.Equal(a) {
			t.Errorf("ParseArea(%q) = %v, read again %v, %v, want the same", input, a, again, err)
		}
	})
}

func TestAnonymisingAMemberErasesAllStays(t *testing.T) {
	t.Parallel()
	before := sampleFamily()
	h := before.AnonymiseMember(testID(21), sampleAt)
	if !h.Members[0].Name.IsZero() || !h.Members[0].IDNumber.IsZero() || h.Members[1].Name.IsZero() || before.Members[0].Name.IsZero() {
		t.Errorf("members = %+v, want only the first erased, and only in the copy", h.Members)
	}
	if err := h.Validate(); err != nil {
		t.Errorf("Validate = %q, want no problem", pointersOf(t, err))
	}
}
