package origination

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// JobPreApproval is the pre-approval of a whole village (整村授信).
const JobPreApproval JobKind = "pre-approval"

// PreApproval asks for an indicative limit for each row of a recommended list, which stands for a household (一户一行).
type PreApproval struct {
	ListID      domain.ID    `json:"list_id"`
	ProductCode string       `json:"product_code"`
	TermMonths  int          `json:"term_months"`
	Purpose     loan.Purpose `json:"purpose"`
}

// PreApprove starts the pre-approval of a list in the background (发起整村授信). Its file says for each row the largest amount that
// would pass by the rules in force, found by evaluating.
func (s *RuleSets) PreApprove(ctx context.Context, by domain.Actor, key Idempotency, ask PreApproval) (Job, bool, error) {
	if err := by.Require(domain.RoleRiskManager); err != nil {
		return Job{}, false, err
	}
	list, err := s.store.RecommendedList(ctx, by.Scope(), ask.ListID)
	if err != nil {
		return Job{}, false, err
	}
	if _, err := s.store.Product(ctx, ask.ProductCode); err != nil {
		return Job{}, false, notFoundAt("/product_code", err)
	}
	return s.jobs.Start(ctx, by, key, NewJob{
		Kind: JobPreApproval, Payload: ask, Title: fmt.Sprintf("整村授信：名单 %s，产品 %s", list.ListNo, ask.ProductCode), Estimate: int64(list.Rows()),
	})
}

// RunPreApproval is the JobRunner of JobPreApproval.
func (s *RuleSets) RunPreApproval(ctx context.Context, job *JobContext) error {
	var ask PreApproval
	if err := job.Payload(&ask); err != nil {
		return err
	}
	list, err := s.store.RecommendedList(ctx, job.Job.Requester.Scope(), ask.ListID)
	if err != nil {
		return err
	}
	offered, err := s.store.Product(ctx, ask.ProductCode)
	if err != nil {
		return err
	}
	out, err := job.File(ctx, "整村授信.csv", "text/csv; charset=utf-8")
	if err != nil {
		return err
	}
	run := preApprovalRun{rules: s, ask: ask, offered: offered, today: domain.DateOf(s.now()), villages: map[borrower.RegionCode]village{}}
	after, done := 0, int64(0)
	if err := writeRows(out, [][]string{{"\ufeff行号", "姓名", "证件号码", "行政区划代码", "结论", "参考额度（元）", "期限（月）", "说明"}}); err != nil {
		return err
	}
	for {
		entries, err := s.store.RecommendedEntries(ctx, ask.ListID, after, recommendedEntriesPage)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(entries))
		for _, e := range entries {
			row, err := run.row(ctx, e)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		if err := writeRows(out, rows); err != nil {
			return err
		}
		done += int64(len(entries))
		job.Progress(done, max(done, int64(list.Rows())))
		if len(entries) < recommendedEntriesPage {
			return writeRows(out, assumptionRows())
		}
		after = entries[len(entries)-1].Row
	}
}

// assumptionRows are the last rows of the file: they have as many cells as the others, so that a table program reads them.
func assumptionRows() [][]string {
	rows := make([][]string, len(preApprovalAssumptions))
	for i, text := range preApprovalAssumptions {
		rows[i] = []string{"说明", "", "", "", "", "", "", text}
	}
	return rows
}

// writeRows writes a page of a table as CSV.
func writeRows(out io.Writer, rows [][]string) error {
	var buffer bytes.Buffer
	if err := csv.NewWriter(&buffer).WriteAll(rows); err != nil {
		return err
	}
	_, err := buffer.WriteTo(out)
	return err
}

// preApprovalRun keeps what is the same for every row of a village.
type preApprovalRun struct {
	rules    *RuleSets
	ask      PreApproval
	offered  product.Product
	today    domain.Date
	villages map[borrower.RegionCode]village
}

// village is what the product and the rules say in one place today.
type village struct {
	facts  decision.Facts   // of the product
	engine *decision.Engine // nil: no rule set in force
}

func (r *preApprovalRun) village(ctx context.Context, code borrower.RegionCode) (village, error) {
	if v, known := r.villages[code]; known {
		return v, nil
	}
	v := village{facts: decision.Facts{EvaluatedOn: r.today, ProductOffered: decision.Known(false)}}
	version, err := productVersion(ctx, r.rules.store, r.ask.ProductCode, code.String(), r.today)
	if err != nil && domain.CodeOf(err) != "product-not-offered" {
		return village{}, err
	}
	if err == nil {
		rates, err := r.rules.store.ReferenceRates(ctx)
		if err != nil {
			return village{}, err
		}
		price, err := version.Price.PriceOn(r.today, rates)
		if err != nil {
			return village{}, err
		}
		productFacts(&v.facts, r.offered, version, price)
	}
	v.engine, _, err = r.rules.engines.inForce(ctx, r.rules.store, r.ask.ProductCode, code.String(), r.today)
	if err != nil {
		return village{}, err
	}
	r.villages[code] = v
	return v, nil
}

// row judges one row of the list: a request for the product's most, with what an application would bring (a consent, a visit)
// taken as brought. What the rules would still refer stays a referral.
func (r *preApprovalRun) row(ctx context.Context, e RecommendedEntry) ([]string, error) {
	row := []string{strconv.Itoa(e.Row), e.Name.String(), e.Number.String(), e.VillageCode.String(), "", "", "", ""}
	if e.Outcome == borrower.RecommendedRefused {
		row[4], row[7] = "未受理", "名单中这一行未被接受"
		return row, nil
	}
	v, err := r.village(ctx, e.VillageCode)
	if err != nil {
		return nil, err
	}
	amount, result, reason := indicate(v, r.facts(v, e))
	row[4], row[5], row[6], row[7] = resultLabel(result), amount.String(), strconv.Itoa(r.ask.TermMonths), reason
	return row, nil
}

func (r *preApprovalRun) facts(v village, e RecommendedEntry) decision.Facts {
	f := v.facts
	f.TermMonths, f.Purpose = decision.Known(r.ask.TermMonths), decision.Known(string(r.ask.Purpose))
	f.BorrowerKind = decision.Known(productKind(e.Kind))
	f.OnRecommendedList, f.CreditConsentLive, f.SiteVisitDone = decision.Known(true), decision.Known(true), decision.Known(true)
	presumeNewCustomer(&f)
	f.RegionCode, f.ProductCode = decision.Known(e.VillageCode.String()), decision.Known(r.ask.ProductCode)
	if e.Kind == borrower.KindFarmer {
		f.BusinessAgeMonths = decision.None[int]()
	}
	f.BirthDate = decision.None[domain.Date]()
	if !e.Number.IDNumber.IsZero() {
		f.BirthDate = decision.Known(e.Number.IDNumber.BirthDate())
	}
	if most, known := f.AmountMax.Value(); known {
		f.Amount = decision.Known(most)
	}
	return f
}

// preApprovalAssumptions are what presumeNewCustomer and facts take for granted; the file ends with them, so that nobody reads
// an indicative limit as a promise.
var preApprovalAssumptions = []string{
	"参考额度不是批复，以申请时的决策为准",
	"假设该户在本行没有贷款、没有未结清授信，本行授信上限未占用；已有的在申请时扣减",
	"假设以往没有逾期，也没有结清过贷款（按首次借款计算）",
	"假设已签征信查询授权、已实地调查、申请资料齐全、证照有效，没有农担公司担保函",
	"假设征信没有不良记录和当前逾期、近 6 个月没有查询、没有其他负债，未命中黑名单和制裁名单，农担公司没有拒绝",
	"名单一行按一户计算；家庭收入未知，需要收入的规则转人工",
}

// presumeNewCustomer takes the household for one that has no loan here and brings complete papers, about whom no institution
// knows anything bad: nobody may ask them before the household has agreed to it. See preApprovalAssumptions.
func presumeNewCustomer(f *decision.Facts) {
	none := money.Fen(0)
	f.ExposureExisting, f.ExposureProductExisting = decision.Known(none), decision.Known(none)
	f.ExposureProductMax, f.ExposureLenderMax = decision.None[money.Amount](), decision.None[money.Amount]()
	f.LoansSettled, f.DaysPastDueMax, f.OverdueNow = decision.Known(0), decision.Known(0), decision.Known(false)
	f.DocumentsMissingKey, f.DocumentsMissingOther = decision.Known([]string{}), decision.Known([]string{})
	f.LicencesExpired, f.GuaranteeLetterLive = decision.Known([]string{}), decision.Known(false)
	f.BureauAnswer, f.BureauOverdueNow = decision.Known(ResultClear), decision.Known(false)
	f.BureauOverdueAmount, f.BureauEnquiries6Months, f.BureauLiabilities = decision.Known(none), decision.Known(0), decision.Known(none)
	f.ScreeningHit, f.GuaranteePrecheck = decision.Known(false), decision.Known(ResultAccepted)
}

// indicate finds the largest amount that would pass, or, if none would, the largest a person could approve.
func indicate(v village, f decision.Facts) (amount money.Amount, result decision.Result, reason string) {
	if v.engine == nil {
		return amount, decision.Refer, "当日没有适用的规则集"
	}
	o := v.engine.Evaluate(f)
	if o.Result == decision.Approve {
		return o.AmountMax, decision.Approve, ""
	}
	months, _ := f.TermMonths.Value()
	for _, way := range o.WaysForward {
		if way.Result == decision.Approve && way.TermMonths == months && way.Amount.Cmp(amount) > 0 {
			amount = way.Amount
		}
	}
	if !amount.IsZero() {
		return amount, decision.Approve, ""
	}
	var texts []string
	for _, r := range o.Reasons {
		if r.Effect == o.Result {
			texts = append(texts, r.Text)
		}
	}
	return o.AmountMax, o.Result, strings.Join(texts, "；")
}

func resultLabel(r decision.Result) string {
	switch r {
	case decision.Approve:
		return "可以通过"
	case decision.Refer:
		return "须人工审查"
	case decision.Decline:
	}
	return "不能通过"
}
