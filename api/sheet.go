package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

//go:embed sheet.html
var sheetHTML string

//go:embed sheet.css
var sheetCSS string

// sheetTemplate is compiled in: one that cannot be parsed is a mistake in the program.
var sheetTemplate = template.Must(template.New("sheet").Parse(sheetHTML))

// sheetPolicy allows the page its own style and nothing else: no script, no picture, no other origin.
var sheetPolicy = func() string {
	sum := sha256.Sum256([]byte(sheetCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// showSheet answers with the plain-language sheet (明白纸): as a page that prints on one side of A4 for a reader that asks
// for text/html, and otherwise as JSON with the same words.
func (s *server) showSheet(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	region := required(query, "region", borrower.ParseRegionCode)
	on := orZero(optional(query, "on", domain.ParseDate))
	if err := query.done(); err != nil {
		return err
	}
	sheet, err := s.catalogue.Sheet(c.Request.Context(), c.Param("code"), region, on)
	if err != nil {
		return err
	}
	view := viewSheet(sheet)
	c.Header("Vary", "Accept")
	if c.NegotiateFormat("application/json", "text/html") != "text/html" {
		return writeJSON(c, http.StatusOK, view)
	}
	var page bytes.Buffer
	err = sheetTemplate.Execute(&page, struct {
		sheetView
		Dense bool
		Style template.CSS
	}{view, view.runes() > denseRunes, template.CSS(sheetCSS)}) //nolint:gosec // G203: our own file, not anybody's input
	if err != nil {
		return fmt.Errorf("write the sheet of %s: %w", view.Code, err)
	}
	c.Header("Content-Security-Policy", sheetPolicy)
	c.Data(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
	return nil
}

// sheetView is the sheet in words; the page shows the same ones.
type sheetView struct {
	Code         string             `json:"code"`
	Name         string             `json:"name"`
	Region       string             `json:"region"`
	On           domain.Date        `json:"on"`
	VersionID    domain.ID          `json:"version_id"`
	Applicants   []string           `json:"applicants"`
	Requirements []string           `json:"requirements"`
	Terms        []sheetLine        `json:"terms"`
	Examples     []sheetExampleView `json:"examples"`
	Papers       []sheetPapers      `json:"papers"`
	Forbidden    []string           `json:"forbidden_purposes"`
	Source       string             `json:"source"`
	Sample       bool               `json:"sample"`
}

// denseRunes is how many characters fit on the page in its ordinary type; with more it is set smaller.
const denseRunes = 900

// runes counts the characters of the parts whose length depends on the product.
func (v sheetView) runes() int {
	n := utf8.RuneCountInString(v.Name + v.Source + strings.Join(slices.Concat(v.Applicants, v.Requirements, v.Forbidden), ""))
	for _, line := range v.Terms {
		n += utf8.RuneCountInString(line.Label + line.Text)
	}
	for _, papers := range v.Papers {
		n += utf8.RuneCountInString(papers.BorrowerKindLabel + strings.Join(papers.Papers, ""))
	}
	for _, e := range v.Examples {
		n += utf8.RuneCountInString(e.Text)
	}
	return n
}

type sheetLine struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

type sheetPapers struct {
	BorrowerKind      string   `json:"borrower_kind"`
	BorrowerKindLabel string   `json:"borrower_kind_label"`
	Papers            []string `json:"papers"`
}

type sheetExampleView struct {
	Text                        string `json:"text"`
	Amount                      string `json:"amount"`
	TermMonths                  int    `json:"term_months"`
	RepaymentMethod             string `json:"repayment_method"`
	AnnualRatePct               string `json:"annual_rate_pct"`
	GuaranteeFeePct             string `json:"guarantee_fee_pct"`
	Interest                    string `json:"interest"`
	Fees                        string `json:"fees"`
	Subsidy                     string `json:"subsidy"`
	Total                       string `json:"total"`
	APREffectivePct             string `json:"apr_effective_pct"`
	APREffectiveAfterSubsidyPct string `json:"apr_effective_after_subsidy_pct"`
}

func viewSheet(s origination.Sheet) sheetView {
	p, v := s.Product, s.Version
	view := sheetView{
		Code: p.Code, Name: p.Name, Region: s.Region, On: s.On, VersionID: v.ID,
		Applicants: make([]string, len(p.BorrowerKinds)), Requirements: sheetRequirements(p, v.Terms), Terms: sheetTerms(s),
		Examples: make([]sheetExampleView, len(s.Examples)), Papers: []sheetPapers{}, Forbidden: make([]string, len(v.ForbiddenPurposes)),
		Source: v.Source.Document, Sample: sheetHasSamples(p, v),
	}
	for i, kind := range p.BorrowerKinds {
		view.Applicants[i] = product.Label(kind)
		view.Papers = append(view.Papers, sheetPapers{
			BorrowerKind: kind, BorrowerKindLabel: product.Label(kind), Papers: paperTexts(v.DocumentsFor(kind)),
		})
	}
	for i, purpose := range v.ForbiddenPurposes {
		view.Forbidden[i] = product.Label(purpose)
	}
	for i, e := range s.Examples {
		view.Examples[i] = viewSheetExample(e)
	}
	return view
}

// sheetHasSamples reports whether any number on the sheet is a placeholder of ours.
func sheetHasSamples(p product.Product, v product.Version) bool {
	for _, name := range product.TermNames() {
		if v.SourceOf(name).Sample {
			return true
		}
	}
	return p.Sample || v.Source.Sample
}

// paperTexts names the papers in the order of the catalogue: first those that must be there, each by itself, then those that
// may follow, together for each condition.
func paperTexts(documents []product.Document) []string {
	texts, conditions, later := []string{}, []string{}, map[string][]string{}
	for _, d := range documents {
		switch condition := deferral(d); {
		case condition != "":
			if later[condition] == nil {
				conditions = append(conditions, condition)
			}
			later[condition] = append(later[condition], product.Label(d.Type))
		case d.Expires:
			texts = append(texts, product.Label(d.Type)+"（须在有效期内）")
		default:
			texts = append(texts, product.Label(d.Type))
		}
	}
	for _, condition := range conditions {
		texts = append(texts, condition+"："+strings.Join(later[condition], "、"))
	}
	return texts
}

// deferral is the condition on which a paper may follow later (容缺受理); "" when it may not.
func deferral(d product.Document) string {
	switch {
	case d.Key:
		return ""
	case d.Blocks != "":
		return fmt.Sprintf("可在 %d 天内补交，补齐前不得%s", d.DeferDaysMax, product.Label(d.Blocks))
	}
	return fmt.Sprintf("可在 %d 天内补交", d.DeferDaysMax)
}

func sheetRequirements(p product.Product, t product.Terms) []string {
	lines := []string{}
	if t.AgeMin > 0 {
		lines = append(lines, fmt.Sprintf("申请时年满 %d 周岁", t.AgeMin))
	}
	if t.AgePlusTermMax > 0 {
		lines = append(lines, fmt.Sprintf("最后一期到期那天不超过 %d 周岁", t.AgePlusTermMax))
	}
	if t.BusinessAgeMonthsMin > 0 {
		lines = append(lines, fmt.Sprintf("经营满 %d 个月", t.BusinessAgeMonthsMin))
	}
	if p.HasPartner(product.PartnerRuralRevitalisationBureau) {
		lines = append(lines, "经乡村振兴部门确认")
	}
	if t.SiteVisitRequired {
		lines = append(lines, "接受实地调查")
	}
	return lines
}

// sheetTerms are the lines about money: how much, how long, at what price, how it is paid back.
func sheetTerms(s origination.Sheet) []sheetLine {
	p, t := s.Product, s.Version.Terms
	unit := "单户"
	if p.ExposureUnit == product.ExposureBorrower {
		unit = "每位借款人"
	}
	lines := []sheetLine{
		{"能借多少", fmt.Sprintf("%s %s 元至 %s 元", unit, yuan(t.AmountMin), yuan(t.AmountMax))},
		{"能借多久", fmt.Sprintf("%d 个月至 %d 个月", t.TermMonthsMin, t.TermMonthsMax)},
	}
	if p.Revolving {
		lines = append(lines, sheetLine{"循环使用", "还了的额度可以再借"})
	}
	if s.Price != nil {
		lines = append(lines, sheetLine{"今日利率", priceText(*s.Price)})
	}
	for _, r := range s.Reliefs {
		lines = append(lines, sheetLine{"利率优惠", fmt.Sprintf("%s：年利率最高 %s%%", product.Label(r.Relief.Industry), r.Price.AnnualRateMaxPct)})
	}
	if !t.InterestSubsidySharePct.IsZero() {
		lines = append(lines, sheetLine{"贴息", fmt.Sprintf("利息的 %s%% 由财政贴付", t.InterestSubsidySharePct)})
	}
	for _, row := range s.Version.Rows() {
		if asItStands(row) {
			lines = append(lines, sheetLine{row.Label, strings.ReplaceAll(row.Text, ".00 元", " 元")})
		}
	}
	if t.QuickApprovalMax.Sign() > 0 {
		lines = append(lines, sheetLine{"快速审批", yuan(t.QuickApprovalMax) + " 元及以下可以由系统当场审批"})
	}
	channels := make([]string, len(p.Channels))
	for i, channel := range p.Channels {
		channels[i] = product.Label(string(channel))
	}
	return append(lines, sheetLine{"在哪里办", strings.Join(channels, "、")})
}

// asItStands reports whether a term is on the sheet in its own words. The others are told differently, or are the bank's
// affair.
func asItStands(row product.Row) bool {
	if row.Name == product.TermGuaranteeFeeGrain {
		return row.Source.Document != ""
	}
	return row.Name == product.TermRepaymentMethods || row.Name == product.TermGuarantee || row.Name == product.TermEntrustedPayment
}

// yuan writes a sum as people say it, without two zeros at the end.
func yuan(a money.Amount) string { return strings.TrimSuffix(a.Grouped(), ".00") }

func priceText(c product.Ceiling) string {
	base := "固定利率"
	switch c.Base {
	case product.BaseLPR1Y:
		base = "一年期 LPR"
	case product.BaseLPR5Y:
		base = "五年期以上 LPR"
	case product.BaseFixed:
	}
	text := fmt.Sprintf("年利率最高 %s%%：%s %s%%", c.AnnualRateMaxPct, base, c.BasePct)
	if !c.PublishedOn.IsZero() {
		text += fmt.Sprintf("（%s 公布）", c.PublishedOn)
	}
	switch {
	case c.SpreadBPMax > 0:
		text += fmt.Sprintf("，最多加 %s 个百分点", money.BasisPoints(c.SpreadBPMax))
	case c.SpreadBPMax < 0:
		text += fmt.Sprintf("，减 %s 个百分点", money.BasisPoints(-c.SpreadBPMax))
	}
	if c.Capped {
		text += fmt.Sprintf("，并且不超过 %s%%", c.AnnualRateMaxPct)
	}
	return text
}

func viewSheetExample(e origination.SheetExample) sheetExampleView {
	totals, cost := e.Quotation.Plan.Totals, e.Quotation.Cost
	view := sheetExampleView{
		Amount: e.Amount.String(), TermMonths: e.TermMonths, RepaymentMethod: string(e.Method), AnnualRatePct: e.AnnualRate.String(),
		GuaranteeFeePct: e.FeePct.String(), Interest: totals.Interest.String(), Fees: totals.Fees.String(), Subsidy: totals.Subsidy.String(),
		Total: totals.Total.String(), APREffectivePct: cost.APREffective.String(), APREffectiveAfterSubsidyPct: cost.APREffectiveAfterSubsidy.String(),
	}
	text := fmt.Sprintf("借 %s 元，%d 个月，%s，年利率 %s%%：一共付利息 %s 元", yuan(e.Amount), e.TermMonths, product.Label(string(e.Method)),
		e.AnnualRate, yuan(totals.Interest))
	if e.Tier.Kind == product.GuaranteeCompany {
		text += fmt.Sprintf("、担保费 %s 元（每年 %s%%）", yuan(totals.Fees), e.FeePct)
	}
	text += fmt.Sprintf("，本金、利息和费用一共 %s 元；全部费用算在内，综合年化成本 %s%%", yuan(totals.Total), shortPct(cost.APREffective))
	if !totals.Subsidy.IsZero() {
		text += fmt.Sprintf("，其中 %s 元利息由财政贴付，贴息后 %s%%", yuan(totals.Subsidy), shortPct(cost.APREffectiveAfterSubsidy))
	}
	view.Text = text + "。"
	return view
}

// shortPct writes a yearly cost to two decimals, upwards: what a borrower is told is never below what it costs.
func shortPct(p schedule.Percent) string { return p.Shown(2, money.Up) }
