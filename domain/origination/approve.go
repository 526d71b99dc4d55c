package origination

import (
	"context"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/staff"
)

// ApproveApplication grants a referred application. What is zero is granted as asked, at the price of the rules.
type ApproveApplication struct {
	ID         domain.ID
	Amount     money.Amount
	TermMonths int
	// AnnualRate in percent a year, or SpreadBP over the reference rate of the day in basis points; at most one of them.
	AnnualRate *money.Rate
	SpreadBP   *int
	// OverrideReason is why more, longer or cheaper is granted than was asked or than the rules allow (例外审批理由); it takes
	// an override authority. Empty where nothing of that kind is.
	OverrideReason string
}

// Approve grants a referred application by a person (审批): ready for it, within the person's authority of the day, above a
// further amount only after the committee. An attempt beyond the authority is refused, and leaves a trace and a task for
// somebody whose authority reaches.
func (s *Applications) Approve(ctx context.Context, by domain.Actor, cmd ApproveApplication) (loan.Record, error) {
	now := s.now()
	var approved loan.Record
	var exceeded error
	err := s.store.Update(ctx, func(tx Tx) error {
		exceeded = nil
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ID)
		if err != nil {
			return err
		}
		a, err := prepareApproval(ctx, tx, by, app, cmd, now)
		if err != nil {
			return err
		}
		exceeded, err = a.checkAuthority(ctx, tx)
		if err != nil {
			return err
		}
		if exceeded != nil { // committed with its trace, and then refused
			return s.escalate(ctx, tx, by, now, a)
		}
		if err := a.checkCommittee(ctx, tx); err != nil {
			return err
		}
		event, err := app.Approve(by, now, a.granted, a.price.ReferenceRateID)
		if err != nil {
			return err
		}
		if err := saveCase(ctx, tx, app, event); err != nil {
			return err
		}
		if err := finishTasks(ctx, tx, by, now, a.rec.ID, loan.TaskHigherApproval, "已由有权审批人批准"); err != nil {
			return err
		}
		if err := closeTasks(ctx, tx, by, now, a.rec.ID, "申请已批准", loan.TaskGuaranteeAnswer); err != nil {
			return err
		}
		approved = app.Record()
		return nil
	})
	if err == nil && exceeded != nil {
		return loan.Record{}, exceeded
	}
	return approved, err
}

// approvalQuestion asks for an authority that reaches an amount.
type approvalQuestion struct {
	staff.AuthorityQuestion
	amount money.Amount
}

// approvalCase is one approval as it is weighed.
type approvalCase struct {
	rec      loan.Record
	granted  loan.Approval
	outcome  decision.Outcome // of the decision that counts
	version  product.Version
	price    product.Ceiling // of the day
	question approvalQuestion
	all      []staff.Authority // in force on the day
	standing standing
	beyond   []domain.Field // where it goes beyond what was asked or what the rules allow
}

// prepareApproval checks everything but the authority: role, status, four eyes, open tasks, the product's bounds.
func prepareApproval(ctx context.Context, tx Tx, by domain.Actor, app *loan.Application, cmd ApproveApplication, now time.Time) (approvalCase, error) {
	if err := app.May(by, loan.ActionApprove); err != nil {
		return approvalCase{}, err
	}
	a := approvalCase{rec: app.Record()}
	if err := maySignOff(ctx, tx, a.rec, by.ID); err != nil {
		return a, err
	}
	tasks, err := tx.TasksOfApplication(ctx, by.Scope(), a.rec.ID)
	if err != nil {
		return a, err
	}
	if err := loan.CheckReady(tasks); err != nil {
		return a, err
	}
	decided, err := tx.Decision(ctx, by.Scope(), a.rec.DecisionID)
	if err != nil {
		return a, err
	}
	today := domain.DateOf(now)
	a.outcome = decided.Outcome
	if a.version, a.price, err = priceOn(ctx, tx, a.rec, today); err != nil {
		return a, err
	}
	if err := a.grant(ctx, tx, cmd); err != nil {
		return a, err
	}
	tier, err := a.version.GuaranteeFor(a.granted.Amount)
	if err != nil {
		return a, err
	}
	a.question = approvalQuestion{amount: a.granted.Amount, AuthorityQuestion: staff.AuthorityQuestion{
		Kind: staff.AuthorityApprove, UserID: by.ID, Role: by.Role, ProductCode: a.rec.ProductCode,
		GuaranteeKind: string(tier.Kind), RegionCode: a.rec.RegionCode, On: today,
	}}
	a.all, err = tx.AuthoritiesInForce(ctx, today)
	return a, err
}

// grant completes what is granted and holds it against the product, which nobody overrides, and against the request and the
// rules, which an override may pass.
func (a *approvalCase) grant(ctx context.Context, r Reader, cmd ApproveApplication) error {
	// A ceiling of zero is one: within the rules nothing may be granted, and any approval is an override.
	amountMax := lesser(a.rec.Request.Amount, a.outcome.AmountMax)
	termMax := min(a.rec.Request.TermMonths, a.outcome.TermMonthsMax)
	ruled, err := a.rulesPrice(ctx, r)
	if err != nil {
		return err
	}
	g := loan.Approval{Amount: cmd.Amount, TermMonths: cmd.TermMonths, AnnualRate: ruled, OverrideReason: cmd.OverrideReason}
	if g.Amount.IsZero() {
		g.Amount = a.rec.Request.Amount
	}
	if g.TermMonths == 0 {
		g.TermMonths = a.rec.Request.TermMonths
	}
	switch {
	case cmd.AnnualRate != nil && cmd.SpreadBP != nil:
		var p domain.Problems
		p.Add("/spread_bp", "one-of", "利率和加点只能填一个")
		return p.Err()
	case cmd.AnnualRate != nil:
		g.AnnualRate = *cmd.AnnualRate
	case cmd.SpreadBP != nil:
		g.AnnualRate = a.price.BasePct.Add(money.BasisPoints(*cmd.SpreadBP))
	}
	a.granted = g
	a.note(g.Amount.Cmp(amountMax) > 0, "/amount", "超过申请金额或规则允许的上限 %s 元", amountMax.Grouped())
	a.note(g.TermMonths > termMax, "/term_months", "超过申请期限或规则允许的上限 %d 个月", termMax)
	a.note(g.AnnualRate.Cmp(ruled) < 0, "/annual_rate_pct", "低于规则定价 %s%%", ruled)
	return a.checkBounds()
}

func (a *approvalCase) note(beyond bool, pointer, format string, args ...any) {
	if !beyond {
		return
	}
	var p domain.Problems
	p.Add(pointer, "override-required", format, args...)
	if refusal, ok := p.Err().(*domain.Error); ok { //nolint:errorlint // Problems makes nothing else
		a.beyond = append(a.beyond, refusal.Fields...)
	}
}

// checkBounds holds what is granted against the product, and wants a reason exactly where it goes beyond the rules.
func (a *approvalCase) checkBounds() error {
	var p domain.Problems
	g, v := a.granted, a.version
	if g.Amount.Cmp(v.AmountMin) < 0 || g.Amount.Cmp(v.AmountMax) > 0 {
		p.Add("/amount", "out-of-range", "批准金额应在产品规定的 %s 至 %s 元之间", v.AmountMin.Grouped(), v.AmountMax.Grouped())
	}
	if g.TermMonths < v.TermMonthsMin || g.TermMonths > v.TermMonthsMax {
		p.Add("/term_months", "out-of-range", "批准期限应在产品规定的 %d 至 %d 个月之间", v.TermMonthsMin, v.TermMonthsMax)
	}
	if g.AnnualRate.Cmp(a.price.AnnualRateMaxPct) > 0 || g.AnnualRate.Sign() < 0 {
		p.Add("/annual_rate_pct", "rate-above-ceiling", "年利率应在 0 至产品当日上限 %s%% 之间", a.price.AnnualRateMaxPct)
	}
	if n := utf8.RuneCountInString(g.OverrideReason); n > loan.ReasonMax {
		p.Add("/override_reason", "too-long", "最多 %d 个字", loan.ReasonMax)
	}
	if len(a.beyond) == 0 && g.OverrideReason != "" {
		p.Add("/override_reason", "not-needed", "批复没有超出申请和规则的范围，不需要例外理由")
	}
	if err := p.Err(); err != nil {
		return err
	}
	if err := a.checkGuaranteeStays(); err != nil {
		return err
	}
	if len(a.beyond) > 0 && g.OverrideReason == "" {
		refusal := domain.Errorf(domain.KindRule, "override-required", "批复超出申请或规则的范围，须由有例外审批权限的人写明理由")
		refusal.Fields = a.beyond
		return refusal
	}
	return nil
}

// checkGuaranteeStays keeps an override from lifting a case out of what it was judged by: more than was asked must not need
// another guarantee than was looked for.
func (a *approvalCase) checkGuaranteeStays() error {
	if a.granted.Amount.Cmp(a.rec.Request.Amount) <= 0 {
		return nil
	}
	asked, err := a.version.GuaranteeFor(a.rec.Request.Amount)
	if err != nil {
		return err
	}
	granted, err := a.version.GuaranteeFor(a.granted.Amount)
	if err != nil {
		return err
	}
	if asked.Kind != granted.Kind {
		return domain.Errorf(domain.KindRule, "guarantee-differs", "批准金额 %s 元要求的担保方式与申请时不同，请退回由客户经理按新金额重新申请", a.granted.Amount.Grouped())
	}
	return nil
}

// rulesPrice is what the rules ask, on the day of approval: the spread of the decision over the reference rate it was built
// on, put on today's, and at most the product's cap.
func (a *approvalCase) rulesPrice(ctx context.Context, r Reader) (money.Rate, error) {
	ceiling := a.price.AnnualRateMaxPct
	decided := a.outcome.AnnualRateMaxPct
	if decided.IsZero() {
		return ceiling, nil
	}
	base := a.price.BasePct
	if a.price.Base != product.BaseFixed {
		rates, err := r.ReferenceRates(ctx)
		if err != nil {
			return money.Rate{}, err
		}
		for _, row := range rates.Rows() {
			if row.ID == a.rec.ReferenceRateID {
				base = row.Pct(a.price.Base)
			}
		}
	}
	today := a.price.BasePct.Add(decided.Sub(base))
	if today.Cmp(ceiling) > 0 || today.Sign() < 0 {
		return ceiling, nil
	}
	return today, nil
}

// checkAuthority finds the authority by which the approver acts. The first result is the refusal of one that does not reach.
func (a *approvalCase) checkAuthority(ctx context.Context, r Reader) (exceeded, err error) {
	a.standing, err = standingOf(ctx, r, a.all, a.question)
	if err != nil {
		return nil, err
	}
	if !a.standing.covers(a.question) {
		return errExceeded(a.question, a.standing), nil
	}
	if !a.standing.onBehalfOf.IsZero() { // 四眼原则 holds for the absent person as well
		if err := maySignOff(ctx, r, a.rec, a.standing.onBehalfOf); err != nil {
			return nil, err
		}
		a.granted.OnBehalfOf = a.standing.onBehalfOf
	}
	if len(a.beyond) == 0 {
		return nil, nil
	}
	override := a.question
	override.Kind = staff.AuthorityOverride
	held, err := standingOf(ctx, r, a.all, override)
	if err != nil {
		return nil, err
	}
	if !held.covers(override) {
		refusal := errExceeded(override, held)
		refusal.Fields = append(refusal.Fields, a.beyond...)
		return refusal, nil
	}
	if !held.onBehalfOf.IsZero() {
		if err := maySignOff(ctx, r, a.rec, held.onBehalfOf); err != nil {
			return nil, err
		}
		a.granted.OnBehalfOf = held.onBehalfOf
	}
	return nil, nil
}

// errExceeded refuses an approval that the authority does not reach, and says how far it does.
func errExceeded(q approvalQuestion, s standing) *domain.Error {
	what := "审批权限"
	if q.Kind == staff.AuthorityOverride {
		what = "例外审批权限"
	}
	refusal := domain.Errorf(domain.KindForbidden, "authority-exceeded",
		"您对这类业务没有%s，不能批准 %s 元；申请已上报有权审批人", what, q.amount.Grouped())
	ceiling := money.Amount{}
	if s.found {
		ceiling = s.authority.Amount
		refusal.Detail = "批准金额 " + q.amount.Grouped() + " 元超过您的" + what + " " + ceiling.Grouped() + " 元；申请已上报有权审批人"
	}
	refusal.Fields = []domain.Field{{Pointer: "/amount", Code: "authority-exceeded", Detail: "上限 " + ceiling.String()}}
	return refusal
}

// escalate leaves the trace of an attempt that the authority did not reach, and makes it a task for somebody whose does
// (上报). A second attempt adds to the history of the same task.
func (s *Applications) escalate(ctx context.Context, tx Tx, by domain.Actor, now time.Time, a approvalCase) error {
	ceiling := money.Amount{}
	if a.standing.found {
		ceiling = a.standing.authority.Amount
	}
	tried := loan.Note{Name: "ceiling", Value: ceiling.String()}
	tasks, err := tx.TasksOfApplication(ctx, domain.Scope{Everything: true}, a.rec.ID)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Kind == loan.TaskHigherApproval && t.Status == loan.TaskOpen {
			again, event, err := t.Escalate(by, now, a.granted.Amount, tried)
			if err != nil {
				return err
			}
			return tx.SaveTask(ctx, again, event)
		}
	}
	routed := loan.TaskFor(s.newID(), a.rec, loan.Routing{
		Kind: loan.TaskHigherApproval, Text: "需要审批权限不低于 " + a.granted.Amount.Grouped() + " 元的审批人办理",
	}, now)
	routed.AmountNeeded = a.granted.Amount
	task, event := loan.NewTask(by, now, routed)
	event.Detail = append(event.Detail, tried)
	return tx.InsertTask(ctx, task, event)
}

// separate refuses a person who decides about a case and has prepared it: officer, submitter or investigator.
func separate(ctx context.Context, r Reader, rec loan.Record, person domain.ID) error {
	investigators, err := r.Investigators(ctx, rec.ID)
	if err != nil {
		return err
	}
	return loan.CheckReviewer(rec, investigators, person)
}

// maySignOff refuses who may not decide about a case, and who cancelled in this round what it had to wait for: the one who
// waives what the rules ask for does not approve without it (取消规则事项与审批分离).
func maySignOff(ctx context.Context, r Reader, rec loan.Record, person domain.ID) error {
	if err := separate(ctx, r, rec, person); err != nil {
		return err
	}
	tasks, err := r.TasksOfApplication(ctx, domain.Scope{Everything: true}, rec.ID)
	if err != nil {
		return err
	}
	for _, t := range tasks { // TaskHigherApproval is not what the rules ask for
		if t.Status == loan.TaskCancelled && t.Blocking && t.Kind != loan.TaskHigherApproval && t.DecisionID == rec.DecisionID && t.ClosedBy == person {
			return domain.Errorf(domain.KindForbidden, "four-eyes", "取消「%s」的人不能再批准这笔申请，请由另一位有权审批人批准", t.Kind.Label())
		}
	}
	return nil
}

func lesser(a, b money.Amount) money.Amount {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}
