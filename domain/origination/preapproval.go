package origination

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// JobPreApproval is the pre-approval of a whole village (整村授信).
const JobPreApproval JobKind = "pre-approval"

// PreApprovalReader reads what is on file about a page of a recommended list, in a number of queries that does not grow with
// the page. Each method takes any number of numbers or ids and sends them in lists of bounded length.
type PreApprovalReader interface {
	// OnFile returns the borrowers and the households, of the whole lender, that the numbers lead to. The scope only decides
	// what is marked as elsewhere.
	OnFile(ctx context.Context, scope domain.Scope, numbers []RecommendedNumber) (OnFile, error)
	// RecommendedEntriesOf returns the rows of a list that are about one of the numbers, in their order.
	RecommendedEntriesOf(ctx context.Context, listID domain.ID, numbers []RecommendedNumber) ([]RecommendedEntry, error)
	// ExposureSumsOf is ExposureSums of many units of a kind, by their ids. A unit without exposure is left out.
	ExposureSumsOf(ctx context.Context, kind product.ExposureUnit, ids []domain.ID) (map[domain.ID][]ExposureSum, error)
	// NotesOfBorrowers is NotesOfBorrower of many. A borrower without notes is left out.
	NotesOfBorrowers(ctx context.Context, ids []domain.ID) (map[domain.ID][]loan.NoteRecord, error)
	// ScreeningsOf returns the latest answers of the blacklist and sanctions screening about the borrowers that are valid on the
	// day, whichever case they were asked for. A borrower without one is left out.
	ScreeningsOf(ctx context.Context, borrowerIDs []domain.ID, day domain.Date) (map[domain.ID]EnquiryAnswer, error)
}

// OnFile is what the registers hold of some identity numbers and credit codes (建档情况).
type OnFile struct {
	Borrowers   map[RecommendedNumber]borrower.Borrower // whose number it is
	Households  map[domain.ID]borrower.Household        // of these borrowers, and those in which a number's person is now
	HouseholdOf map[RecommendedNumber]domain.ID         // on which household card the person is now (在户)
	Numbers     []RecommendedNumber                     // of all borrowers whose files name one of Households
	Elsewhere   map[domain.ID]bool                      // households and borrowers whose files are kept out of the scope
}

// PreApproval asks for an indicative limit (参考额度) for each household on a recommended list.
//
// One household is one result (一户一行). Rows of the list belong to one household when their borrowers' files, or else a
// household card, say so; who is on no card is a household of his own until he is. Each listed person is judged as an
// applicant by the rules in force, by the facts of a real application (assemble), net of what is tied up already:
//
//   - of a product that adds up by household (授信单位：户) the household has one limit, that of the listed person who fares
//     best: it can be used once, by whom the file proposes. The head comes first among equals, then the earlier row.
//   - of a product that adds up by borrower (授信单位：借款人) each listed person has a limit of his own, because a real
//     application would be given it; the household's is their sum, and the remark says whose is how much.
//
// What only an application brings is presumed: see preApprovalAssumptions, which the file ends with.
type PreApproval struct {
	ListID      domain.ID    `json:"list_id"`
	ProductCode string       `json:"product_code"`
	TermMonths  int          `json:"term_months"`
	Purpose     loan.Purpose `json:"purpose"`
}

// PreApprove starts the pre-approval of a list in the background (发起整村授信), as of today. A list that does not hold today is
// refused with "recommended-list-not-in-force": no application would be on it.
func (s *RuleSets) PreApprove(ctx context.Context, by domain.Actor, key Idempotency, ask PreApproval) (Job, bool, error) {
	if err := by.Require(domain.RoleRiskManager); err != nil {
		return Job{}, false, err
	}
	list, err := s.store.RecommendedList(ctx, by.Scope(), ask.ListID)
	if err != nil {
		return Job{}, false, err
	}
	if today := domain.DateOf(s.now()); !list.InForceOn(today) {
		return Job{}, false, domain.Errorf(domain.KindRule, "recommended-list-not-in-force",
			"名单 %s 自 %s 起有效%s，今天不在有效期内：请在有效期内发起，或导入现行名单", list.ListNo, list.ListedOn, untilText(list.ValidUntil))
	}
	if _, err := s.store.Product(ctx, ask.ProductCode); err != nil {
		return Job{}, false, notFoundAt("/product_code", err)
	}
	return s.jobs.Start(ctx, by, key, NewJob{
		Kind: JobPreApproval, Payload: ask, Estimate: int64(list.Rows()),
		Title: clipped(fmt.Sprintf("整村授信：产品 %s，名单 %s", ask.ProductCode, list.ListNo), JobTitleRunesMax),
	})
}

func untilText(until domain.Date) string {
	if until.IsZero() {
		return ""
	}
	return "，至 " + until.String() + " 止"
}

// RunPreApproval is the JobRunner of JobPreApproval. All is judged as of the day on which it was asked for, so that an attempt
// that begins again after midnight writes the same file. The next page is read while one is judged by all processors.
func (s *RuleSets) RunPreApproval(ctx context.Context, job *JobContext) error {
	var ask PreApproval
	if err := job.Payload(&ask); err != nil {
		return err
	}
	run, err := s.preApprovalRun(ctx, job.Job, ask)
	if err != nil {
		return err
	}
	out, err := job.File(ctx, "整村授信.csv", "text/csv; charset=utf-8")
	if err != nil {
		return err
	}
	if err := writeRows(out, [][]string{preApprovalTitles}); err != nil {
		return err
	}
	done := int64(0)
	pages, stop := context.WithCancel(ctx)
	defer stop()
	for page := range run.pages(pages) {
		if page.err != nil {
			return page.err
		}
		rows, err := run.judge(ctx, page)
		if err != nil {
			return err
		}
		if err := writeRows(out, rows); err != nil {
			return err
		}
		done += int64(page.rows)
		job.Progress(done, max(done, int64(run.list.Rows())))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return writeRows(out, run.assumptionRows())
}

func (s *RuleSets) preApprovalRun(ctx context.Context, job Job, ask PreApproval) (*preApprovalRun, error) {
	r := &preApprovalRun{
		store: s.store, engines: s.engines, scope: job.Requester.Scope(), ask: ask, today: domain.DateOf(job.CreatedAt),
		regions: map[string]regionTerms{},
	}
	var err error
	if r.list, err = s.store.RecommendedList(ctx, r.scope, ask.ListID); err != nil {
		return nil, err
	}
	if r.offered, err = s.store.Product(ctx, ask.ProductCode); err != nil {
		return nil, err
	}
	if r.rates, err = s.store.ReferenceRates(ctx); err != nil {
		return nil, err
	}
	r.limits, err = s.store.LenderLimits(ctx)
	return r, err
}

// preApprovalRun keeps what is the same for every household of a list.
type preApprovalRun struct {
	store   Store
	engines *engines
	scope   domain.Scope
	ask     PreApproval
	list    RecommendedList
	offered product.Product
	rates   product.ReferenceRates
	limits  []LenderLimit
	today   domain.Date
	regions map[string]regionTerms // by region code; only the reading of pages touches it
}

// perHousehold reports whether the product adds up by household.
func (r *preApprovalRun) perHousehold() bool {
	return r.offered.ExposureUnit == product.ExposureHousehold
}

// judge makes the rows of the file for a page, by all processors, in the page's order.
func (r *preApprovalRun) judge(ctx context.Context, page preApprovalPage) ([][]string, error) {
	rows, errs := make([][]string, len(page.households)), make([]error, len(page.households))
	workers := min(runtime.GOMAXPROCS(0), 16)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(page.households) && ctx.Err() == nil; i += workers {
				rows[i], errs[i] = r.row(ctx, page.register, page.households[i])
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return rows, ctx.Err()
}

// indication is what one listed person would get (测算结果).
type indication struct {
	person   listedPerson
	result   decision.Result
	used     bool         // nothing is left of the limits (额度已占用完)
	amount   money.Amount // what would be approved, or, with a referral, what a person could approve at most
	existing money.Amount // tied up already, of the unit, across products
	reason   string       // why it is not an approval
}

// better orders the people of a household: the result, then the amount, then the head, then the row.
func (h listedHousehold) better(a, b indication) bool {
	switch {
	case a.used != b.used && a.result != decision.Decline && b.result != decision.Decline:
		return b.used
	case a.result != b.result:
		return a.result.Better(b.result)
	case a.amount.Cmp(b.amount) != 0:
		return a.amount.Cmp(b.amount) > 0
	}
	return h.isHead(a.person) && !h.isHead(b.person)
}

// household judges the people of a household: the best first, then the others in the order of their rows.
func (r *preApprovalRun) household(ctx context.Context, register *pageRegister, h listedHousehold) ([]indication, error) {
	judged := make([]indication, 0, len(h.people))
	for _, p := range h.people {
		one, err := r.indicate(ctx, register, h, p)
		if err != nil {
			return nil, err
		}
		judged = append(judged, one)
	}
	best := 0
	for i := range judged {
		if h.better(judged[i], judged[best]) {
			best = i
		}
	}
	first := judged[best]
	return slices.Insert(slices.Delete(judged, best, best+1), 0, first), nil
}

// indicate judges a listed person as the applicant of a request for all that is free, and finds the largest amount that would
// pass, or, if none would, the largest that a person could approve.
func (r *preApprovalRun) indicate(ctx context.Context, register *pageRegister, h listedHousehold, p listedPerson) (indication, error) {
	rec := h.record(p, r.ask)
	f, err := assemble(ctx, register, rec, h.applicant(p), r.today)
	if err != nil {
		return indication{}, err
	}
	one := indication{person: p, result: decision.Refer, existing: f.headroom.existing}
	presume(&f, p, h)
	if answer, screened := register.screenings[rec.BorrowerID]; screened {
		f.facts.ScreeningHit = decision.Known(answer.Result == ResultHit)
	}
	if offered, _ := f.facts.ProductOffered.Value(); offered {
		one.used = f.headroom.free().Cmp(f.version.AmountMin) < 0
		f.facts.Amount = decision.Known(f.headroom.free())
		if one.used { // the least there is, to see whether the rules decline it whatever is asked for
			f.facts.Amount = decision.Known(f.version.AmountMin)
		}
	}
	engine, _, err := r.engines.inForce(ctx, register, rec.ProductCode, rec.RegionCode, r.today)
	if err != nil {
		return indication{}, err
	}
	if engine == nil {
		one.reason = "当日没有适用的规则集"
	} else {
		one.result, one.amount, one.reason = mostOf(engine, f.facts)
	}
	if one.used = one.used && one.result != decision.Decline; one.used {
		one.amount, one.reason = money.Amount{}, f.headroom.check(f.version.AmountMin).Detail
	}
	return one, nil
}

// mostOf finds the largest amount within the request that would pass, or, if none would, the largest a person could approve.
// Every amount was evaluated.
func mostOf(engine *decision.Engine, f decision.Facts) (result decision.Result, amount money.Amount, reason string) {
	o := engine.Evaluate(f)
	if o.Result == decision.Approve {
		return decision.Approve, o.AmountMax, ""
	}
	months, _ := f.TermMonths.Value()
	result = o.Result
	for _, way := range o.WaysForward {
		if way.TermMonths == months && (way.Result.Better(result) || way.Result == result && way.Amount.Cmp(amount) > 0) {
			result, amount = way.Result, way.Amount
		}
	}
	if result == decision.Approve {
		return result, amount, ""
	}
	if o.Result == decision.Refer && result == decision.Refer {
		amount = o.AmountMax
	}
	var texts []string
	for _, r := range o.Reasons {
		if r.Effect == o.Result {
			texts = append(texts, r.Text)
		}
	}
	return result, amount, strings.Join(texts, "；")
}

// presume adds what only an application brings, as if it brought it: see preApprovalAssumptions. Nobody may ask the bureau
// about a household that has not agreed to it.
func presume(file *file, p listedPerson, h listedHousehold) {
	f := &file.facts
	f.Amount, f.RepaymentMethod = decision.Fact[money.Amount]{}, decision.Fact[string]{}
	f.CreditConsentLive, f.SiteVisitDone = decision.Known(true), decision.Known(true)
	f.DocumentsMissingKey, f.DocumentsMissingOther = decision.Known([]string{}), decision.Known([]string{})
	if _, ever := file.version.GuaranteeCompanyFrom(); ever {
		f.GuaranteePrecheck = decision.Known(ResultAccepted)
	}
	none := money.Fen(0)
	f.BureauAnswer, f.BureauOverdueNow = decision.Known(ResultClear), decision.Known(false)
	f.BureauOverdueAmount, f.BureauEnquiries6Months, f.BureauLiabilities = decision.Known(none), decision.Known(0), decision.Known(none)
	f.ScreeningHit = decision.Known(false)
	if p.file != nil {
		return
	}
	f.LicencesExpired = decision.Known([]string{})
	if h.card == nil { // nobody has said how the household lives; that is not to have none
		unknown := decision.Facts{}
		f.HouseholdSize, f.HouseholdIncomeYear, f.HouseholdLandMu = unknown.HouseholdSize, unknown.HouseholdIncomeYear, unknown.HouseholdLandMu
	}
}
