package product_test

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

var dates = cmpopts.EquateComparable(domain.Date{})

// otherTerms changes one term each. Its keys must be all terms, which a test holds.
var otherTerms = map[product.TermName]func(*product.Terms){
	product.TermAmountMin:      func(t *product.Terms) { t.AmountMin = amount("5000.00") },
	product.TermAmountMax:      func(t *product.Terms) { t.AmountMax = amount("4000000.00") },
	product.TermTermMonthsMin:  func(t *product.Terms) { t.TermMonthsMin = 3 },
	product.TermTermMonthsMax:  func(t *product.Terms) { t.TermMonthsMax = 48 },
	product.TermAgeMin:         func(t *product.Terms) { t.AgeMin = 20 },
	product.TermAgePlusTermMax: func(t *product.Terms) { t.AgePlusTermMax = 64 },
	product.TermPrice:          func(t *product.Terms) { t.Price.SpreadBPMax = 30 },
	product.TermReliefs: func(t *product.Terms) {
		t.Price.Reliefs = []product.Relief{{Industry: "epidemic_hit", SpreadBPLess: 100}}
	},
	product.TermRepaymentMethods:    func(t *product.Terms) { t.RepaymentMethods = []schedule.Method{schedule.LumpSum} },
	product.TermGuarantee:           func(t *product.Terms) { t.Guarantee[1].FeeMaxPct = rate("0.80") },
	product.TermGuaranteeFeeGrain:   func(t *product.Terms) { t.Guarantee[1].FeeMaxGrainPct = rate("0.40") },
	product.TermDocuments:           func(t *product.Terms) { t.Documents[2].DeferDaysMax = 60 },
	product.TermForbiddenPurposes:   func(t *product.Terms) { t.ForbiddenPurposes = []string{product.PurposeEquity} },
	product.TermQuickApprovalMax:    func(t *product.Terms) { t.QuickApprovalMax = amount("50000.00") },
	product.TermEntrustedPayment:    func(t *product.Terms) { t.EntrustedPayment[0].Above = amount("300000.00") },
	product.TermBusinessAgeMonths:   func(t *product.Terms) { t.BusinessAgeMonthsMin = 12 },
	product.TermInterestSubsidyPct:  func(t *product.Terms) { t.InterestSubsidySharePct = rate("50") },
	product.TermSiteVisitRequired:   func(t *product.Terms) { t.SiteVisitRequired = true },
	product.TermCoolingOffHours:     func(t *product.Terms) { t.CoolingOffHours = 24 },
	product.TermCoolingOffWaivable:  func(t *product.Terms) { t.CoolingOffWaivable = true },
	product.TermMemberSignatures:    func(t *product.Terms) { t.MemberSignaturesMin = 3 },
	product.TermDrawMin:             func(t *product.Terms) { t.DrawMin = amount("1000.00") },
	product.TermDrawMax:             func(t *product.Terms) { t.DrawMax = amount("50000.00") },
	product.TermPurposeEvidenceDays: func(t *product.Terms) { t.PurposeEvidenceDays = 30 },
	product.TermRenewalDays:         func(t *product.Terms) { t.RenewalDays = 30 },
}

func differing(older, newer product.Version) []product.TermName {
	var names []product.TermName
	for _, d := range product.Diff(older, newer) {
		names = append(names, d.Name)
	}
	return names
}

func TestDiffNamesExactlyTheTermThatChanged(t *testing.T) {
	t.Parallel()
	for _, name := range product.TermNames() {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			change, ok := otherTerms[name]
			if !ok {
				t.Fatalf("no change known for %s", name)
			}
			changed := shandong()
			change(&changed.Terms)
			if got := differing(shandong(), changed); len(got) != 1 || got[0] != name {
				t.Errorf("Diff names %v, want %s", got, name)
			}
		})
	}
	if len(otherTerms) != len(product.TermNames()) {
		t.Errorf("%d changes for %d terms", len(otherTerms), len(product.TermNames()))
	}
}

// spoil changes a value to another one, whatever its type, so that a new field of Terms cannot be forgotten in Diff.
func spoil(t *testing.T, v reflect.Value) {
	t.Helper()
	if value, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		if err := value.UnmarshalText([]byte("7.77")); err != nil {
			t.Fatal(err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Int:
		v.SetInt(v.Int() + 7)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + "x")
	default:
		t.Fatalf("no way to change a %s", v.Type())
	}
}

// leaves calls visit with every plain field below v: through structs, and in the last entry of each list.
func leaves(v reflect.Value, path string, visit func(path string, leaf reflect.Value)) {
	_, isText := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	switch {
	case v.Kind() == reflect.Struct && !isText:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	case v.Kind() == reflect.Slice:
		if v.Len() > 0 {
			leaves(v.Index(v.Len()-1), path+"[last]", visit)
		}
	default:
		visit(path, v)
	}
}

func TestDiffMissesNoFieldOfTheTerms(t *testing.T) {
	t.Parallel()
	full := shandong()
	full.Price.Reliefs = []product.Relief{{Industry: "epidemic_hit", SpreadBPLess: 100}}
	var paths []string
	leaves(reflect.ValueOf(&full.Terms).Elem(), "Terms", func(path string, _ reflect.Value) { paths = append(paths, path) })
	if len(paths) < 30 {
		t.Fatalf("only %d fields found: %v", len(paths), paths)
	}
	for _, path := range paths {
		changed := shandong()
		changed.Price.Reliefs = []product.Relief{{Industry: "epidemic_hit", SpreadBPLess: 100}}
		leaves(reflect.ValueOf(&changed.Terms).Elem(), "Terms", func(p string, leaf reflect.Value) {
			if p == path {
				spoil(t, leaf)
			}
		})
		if len(product.Diff(full, changed)) == 0 {
			t.Errorf("a change of %s does not show in Diff", path)
		}
	}
}

func TestDiffIsReadableAndShowsOnlyWhatDiffersInAList(t *testing.T) {
	t.Parallel()
	newer := draft()
	newer.Documents = append(newer.Documents, product.Document{BorrowerKind: product.BorrowerFarmer, Type: product.DocumentLandContract, DeferDaysMax: 15})
	newer.ForbiddenPurposes = slices.Clone(newer.ForbiddenPurposes)
	slices.Reverse(newer.ForbiddenPurposes)
	minutes := product.Source{Document: "2022 年 6 月产品委员会纪要"}
	want := []product.Difference{
		{Name: product.RowEffectiveFrom, Label: "生效日期", Old: "2022-02-01", New: "2022-07-01", Source: minutes},
		{Name: product.TermAmountMax, Label: "最高金额", Old: "3,000,000.00 元", New: "5,000,000.00 元", Source: minutes},
		{Name: product.TermDocuments, Label: "申请资料", Old: "无", New: "农户：土地承包（流转）合同（可容缺 15 天）", Source: minutes},
	}
	if diff := cmp.Diff(want, product.Diff(shandong(), newer)); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}

	yantaiWants := []product.Difference{
		{Name: product.RowRegionPrefix, Label: "适用地区（行政区划代码前缀）", Old: "37", New: "3706", Source: product.Source{Document: "胶东在线 2022-03-15"}},
		{Name: product.RowEffectiveFrom, Label: "生效日期", Old: "2022-02-01", New: "2022-03-15", Source: product.Source{Document: "胶东在线 2022-03-15"}},
		{Name: product.TermAgePlusTermMax, Label: "年龄加期限上限（最后到期日年龄）", Old: "65 周岁", New: "64 周岁", Source: product.Source{Document: "胶东在线 2022-03-15"}},
	}
	if diff := cmp.Diff(yantaiWants, product.Diff(shandong(), yantai())); diff != "" {
		t.Errorf("Diff to Yantai (-want +got):\n%s", diff)
	}
	ended := shandong()
	ended.EffectiveTo = date("2023-01-01")
	if got := product.Diff(shandong(), ended); len(got) != 1 || got[0].Old != "长期" || got[0].New != "2023-01-01" {
		t.Errorf("Diff to an end = %+v", got)
	}
	if got := product.Diff(shandong(), shandong()); got != nil {
		t.Errorf("Diff of equal versions = %+v", got)
	}
}

func TestAnOverrideTakesItsOwnTermsAndTheBaseForTheRest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom(product.TermNames()), 0, 6, rapid.ID[product.TermName]).Draw(t, "overridden")
		own := shandong()
		for _, name := range names {
			otherTerms[name](&own.Terms)
		}
		own.ID, own.Overridden, own.Source, own.Sources = newID, names, product.Source{Document: "自己的文件"}, nil
		if !slices.Contains(names, product.TermAmountMax) {
			own.AmountMax = amount("9.99") // must not get through: it is not overridden
		}
		full := product.Materialise(own, shandong())

		got := differing(shandong(), full)
		slices.Sort(got)
		slices.Sort(names)
		if !slices.Equal(got, names) {
			t.Fatalf("overriding %v changes %v", names, got)
		}
		for _, name := range product.TermNames() {
			want := shandong().SourceOf(name)
			if slices.Contains(names, name) {
				want = own.Source
			}
			if full.SourceOf(name) != want {
				t.Fatalf("the source of %s is %+v, want %+v", name, full.SourceOf(name), want)
			}
		}
		if full.BaseID != shandongID || full.ID != newID {
			t.Fatalf("ids %s of base %s", full.ID, full.BaseID)
		}
	})
}

func TestAMaterialisedVersionSharesNothingWithItsBase(t *testing.T) {
	t.Parallel()
	base := shandong()
	full := product.Materialise(product.Version{ID: yantaiID, Overridden: []product.TermName{product.TermAgePlusTermMax}, Terms: product.Terms{AgePlusTermMax: 64}}, base)
	for _, change := range otherTerms {
		change(&base.Terms)
	}
	base.Sources[product.TermQuickApprovalMax] = product.Source{Document: "changed"}
	if diff := cmp.Diff(yantai().Terms, full.Terms, dates); diff != "" {
		t.Errorf("a change of the base reached the version (-want +got):\n%s", diff)
	}
	if got := full.SourceOf(product.TermQuickApprovalMax).Document; got != "示例" {
		t.Errorf("a change of the base's sources reached the version: %q", got)
	}
}

func TestAnOverriddenGrainFeeGoesToTheTierThatBeginsAtTheSameAmount(t *testing.T) {
	t.Parallel()
	base := shandong()
	base.Guarantee[1].Below = amount("500000.00")
	base.Guarantee = append(base.Guarantee, product.GuaranteeTier{
		From: amount("500000.00"), Kind: product.GuaranteeCompany, FeeMaxPct: rate("0.60"), FeeMaxGrainPct: rate("0.30"),
	})
	own := base
	own.ID, own.Overridden = newID, []product.TermName{product.TermGuaranteeFeeGrain}
	own.Guarantee = slices.Clone(base.Guarantee)
	own.Guarantee[1].FeeMaxGrainPct, own.Guarantee[2].FeeMaxGrainPct = rate("0.45"), rate("0.25")
	own.Guarantee[2].FeeMaxPct = rate("0.99") // must not get through

	full := product.Materialise(own, base)
	for i, want := range []string{"0.00 0.00", "0.75 0.45", "0.60 0.25"} {
		if got := full.Guarantee[i].FeeMaxPct.String() + " " + full.Guarantee[i].FeeMaxGrainPct.String(); got != want {
			t.Errorf("tier %d has fees %s, want %s", i, got, want)
		}
	}
}

func TestRowsGiveEveryTermInChineseWithItsSource(t *testing.T) {
	t.Parallel()
	rows := yantai().Rows()
	if len(rows) != len(product.TermNames()) {
		t.Fatalf("%d rows for %d terms", len(rows), len(product.TermNames()))
	}
	want := map[product.TermName]product.Row{
		product.TermAmountMin:         {Name: product.TermAmountMin, Label: "最低金额", Text: "3,000.00 元", Source: product.Source{Document: "罗庄区政府公开的产品说明"}},
		product.TermAgePlusTermMax:    {Name: product.TermAgePlusTermMax, Label: "年龄加期限上限（最后到期日年龄）", Text: "64 周岁", Source: product.Source{Document: "胶东在线 2022-03-15"}},
		product.TermQuickApprovalMax:  {Name: product.TermQuickApprovalMax, Label: "快速审批上限", Text: "100,000.00 元", Source: product.Source{Document: "示例", Sample: true}},
		product.TermReliefs:           {Name: product.TermReliefs, Label: "减点优惠", Text: "无"},
		product.TermBusinessAgeMonths: {Name: product.TermBusinessAgeMonths, Label: "最短经营时间", Text: "无"},
		product.TermPrice:             {Name: product.TermPrice, Label: "年利率上限", Text: "合同签订日一年期 LPR +20 个基点以内", Source: product.Source{Document: "罗庄区政府公开的产品说明"}},
		product.TermGuarantee: {
			Name: product.TermGuarantee, Label: "担保方式", Source: product.Source{Document: "罗庄区政府公开的产品说明"},
			Text: "100,000.00 元以下（不含）：信用（无需担保）；100,000.00 元起：农业融资担保公司担保，担保费率每年不超过 0.75%，200,000.00 元及以下可由配偶反担保",
		},
	}
	for _, row := range rows {
		if row.Label == "" || row.Text == "" || (row.Text == "无") != (row.Source == product.Source{}) {
			t.Errorf("incomplete row %+v", row)
		}
		if expected, ok := want[row.Name]; ok {
			if diff := cmp.Diff(expected, row); diff != "" {
				t.Errorf("row %s (-want +got):\n%s", row.Name, diff)
			}
			delete(want, row.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("rows missing: %v", want)
	}
}

func TestEveryCodeOfTheCatalogueHasAChineseLabel(t *testing.T) {
	t.Parallel()
	codes := slices.Concat(product.BorrowerKinds(), product.DocumentTypes(), product.ForbiddablePurposes(), []string{
		"household", "borrower", "tablet", "mobile", "counter", "phone_assisted", "agricultural_guarantee_company", "rural_revitalisation_bureau",
		"credit", "guarantee_company", "next_draw", "disbursement", "production", "consumption", "epidemic_hit", "draft", "validated", "active",
		"equal_instalment", "equal_principal", "interest_only_bullet", "lump_sum", "seasonal", "flat_addon",
	})
	for _, code := range codes {
		if label := product.Label(code); label == code || strings.TrimSpace(label) == "" {
			t.Errorf("Label(%q) = %q", code, label)
		}
	}
	if got := product.Label("a_lenders_own"); got != "a_lenders_own" {
		t.Errorf("Label of an unknown code = %q", got)
	}
}

func TestPricesAndTiersReadAsASentence(t *testing.T) {
	t.Parallel()
	text := func(change func(*product.Version), name product.TermName) string {
		v := shandong()
		change(&v)
		i := slices.IndexFunc(v.Rows(), func(r product.Row) bool { return r.Name == name })
		return v.Rows()[i].Text
	}
	tests := []struct {
		change func(*product.Version)
		name   product.TermName
		want   string
	}{
		{func(v *product.Version) { v.Price = product.Price{Base: product.BaseLPR5Y, SpreadBPMax: -10} }, product.TermPrice, "合同签订日五年期以上 LPR -10 个基点以内"},
		{func(v *product.Version) { v.Price = product.Price{Base: product.BaseFixed, FixedPct: rate("4.5")} }, product.TermPrice, "固定利率 4.50% +0 个基点以内"},
		{func(v *product.Version) { v.Price.AnnualRateMaxPct = rate("6") }, product.TermPrice, "合同签订日一年期 LPR +20 个基点以内；最高不超过 6.00%"},
		{func(v *product.Version) {
			v.Price.Reliefs = []product.Relief{{Industry: "epidemic_hit", SpreadBPLess: 100}}
		}, product.TermReliefs, "受疫情影响的行业：少加 100 个基点"},
		{func(v *product.Version) { v.Guarantee = []product.GuaranteeTier{{Kind: product.GuaranteeCredit}} }, product.TermGuarantee, "不限金额：信用（无需担保）"},
		{func(v *product.Version) { v.Guarantee[1].Below = amount("5000000.00") }, product.TermGuaranteeFeeGrain, "100,000.00 元起、5,000,000.00 元以下（不含）：每年不超过 0.50%"},
		{func(v *product.Version) { v.SiteVisitRequired = true }, product.TermSiteVisitRequired, "必须"},
		{func(v *product.Version) { v.InterestSubsidySharePct = rate("50") }, product.TermInterestSubsidyPct, "50.00%"},
		{func(v *product.Version) { v.CoolingOffHours = 24 }, product.TermCoolingOffHours, "24 小时"},
		{func(v *product.Version) { v.CoolingOffWaivable = true }, product.TermCoolingOffWaivable, "可以"},
		{func(v *product.Version) { v.MemberSignaturesMin = 3 }, product.TermMemberSignatures, "3 人以上"},
		{func(v *product.Version) { v.DrawMin = amount("1000.00") }, product.TermDrawMin, "1,000.00 元"},
		{func(*product.Version) {}, product.TermDrawMax, "无"},
		{func(v *product.Version) { v.PurposeEvidenceDays = 30 }, product.TermPurposeEvidenceDays, "放款后 30 天内"},
		{func(v *product.Version) { v.RenewalDays = 30 }, product.TermRenewalDays, "到期前 30 天内可以申请"},
		{func(v *product.Version) { v.EntrustedPayment = v.EntrustedPayment[:1] }, product.TermEntrustedPayment, "生产经营：超过 500,000.00 元"},
		{func(v *product.Version) {
			v.Documents = v.Documents[2:]
			v.Documents[0].Expires = true
			v.Documents[0].Sample = true
		}, product.TermDocuments, "农户：用途证明（可容缺 30 天），未补齐前不得再次支用，须在有效期内［示例］"},
	}
	for _, test := range tests {
		if got := text(test.change, test.name); got != test.want {
			t.Errorf("%s reads %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAFixedPriceHasNoReferenceRate(t *testing.T) {
	t.Parallel()
	row := published("2022-01-20", "3.70", "4.60")
	if got := row.Pct(product.BaseFixed); !got.IsZero() {
		t.Errorf("Pct(fixed) = %s, want none", got)
	}
}
