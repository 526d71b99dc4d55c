package origination_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// This file and moneycheck_test.go try the money's way in random order: a state machine of everything that people, the
// channel, the core system and time may do to a few cases, on a real database and with a real channel behind HTTP. After each
// step the books are held against each other and against the channel's own record.
//
// The suite tries a few sequences (TestMain); more of them with -rapid.checks=1000, longer ones with -rapid.steps=100.

// checksOfOneWorld is after how many sequences the next begins on a fresh database: the made-up identity numbers of one
// day of birth are used up.
const checksOfOneWorld = 200

func TestInAnyOrderTheMoneyIsPaidOnceAndTheBooksAgree(t *testing.T) {
	t.Parallel()
	var w *world
	checks := 0
	answers := map[string]int{}
	t.Cleanup(func() { t.Logf("what was tried, and what came of it: %v", answers) })
	rapid.Check(t, func(rt *rapid.T) {
		if checks%checksOfOneWorld == 0 {
			w = newWorld(t)
		}
		checks++
		m := newMoneyMachine(rt, w, answers)
		rt.Repeat(m.deeds())
		m.settleAll(rt)
	})
}

// deeds are the steps, each as likely as the others: what moves money stands here more than once.
func (m *moneyMachine) deeds() map[string]func(*rapid.T) {
	deeds := map[string]func(*rapid.T){
		"":                 m.check,
		"cancel":           m.cancel,
		"die":              m.die,
		"recheck":          m.recheck,
		"undo repayment":   m.undoRepayment,
		"ask reversal":     m.askReversal,
		"decide reversal":  m.decideReversal,
		"hold":             m.hold,
		"release hold":     m.releaseHold,
		"end holds":        m.endHolds,
		"keep line":        m.keepLine,
		"close":            m.close,
		"guarantee":        m.guaranteed,
		"answer":           m.answer,
		"expire guarantee": m.expireGuarantees,
	}
	for i := range 3 {
		for name, deed := range map[string]func(*rapid.T){
			"request": m.request, "draw": m.draw, "release": m.release, "work": m.work, "channel": m.tellChannel, "wait": m.wait, "repay": m.repay,
			"renew": m.renew, "sign renewal": m.signRenewal,
		} {
			deeds[name+strings.Repeat(" again", i)] = deed
		}
	}
	return deeds
}

// moneyMachine is what one sequence knows of what it has done.
type moneyMachine struct {
	w             *world
	answers       map[string]int // how often each deed was done, or refused with which code, in all sequences
	payouts       *origination.Payouts
	officer       domain.Actor
	releasers     []domain.Actor // two, so that one may confirm what the other asked
	core          domain.Actor
	manager       domain.Actor
	cases         []domain.ID // with a contract
	shortCase     domain.ID
	renewals      []domain.ID // approved and not signed
	unanswered    []loan.Record
	disbursements []domain.ID
	notes         []domain.ID
	repayments    []origination.DeliverRepayment
	reversals     []domain.ID
	holdsPlaced   []domain.ID
	paidBefore    string // the last entry of the channel's list before this sequence
	quota         money.Amount
	undone        map[domain.ID]bool // cases where a repayment was undone
}

// The cases of each sequence: a revolving line, one that is paid once, a guaranteed one, and a short revolving line whose money has
// arrived, which may be renewed from the first day on.
const (
	shortAmount      = "40000.00"
	shortMonths      = 1
	revolvingAmount  = "99500.00"
	guaranteedAmount = "100000.00"
	onceAmount       = "50000.00"
	quotaRegion      = "371503"
)

// attemptsOfMachine is small, so that a sequence sees a transfer that the worker has given up.
const attemptsOfMachine = 4

func newMoneyMachine(rt *rapid.T, w *world, answers map[string]int) *moneyMachine {
	w.microseconds.Store(testStart.UnixMicro())
	m := &moneyMachine{
		w: w, answers: answers, officer: w.somebody(domain.RoleLoanOfficer), core: w.core(), manager: w.somebody(domain.RoleRiskManager),
		releasers: []domain.Actor{w.somebody(domain.RoleDisbursementOfficer), w.somebody(domain.RoleDisbursementOfficer)},
		undone:    map[domain.ID]bool{},
	}
	limits := origination.DefaultPayoutLimits()
	limits.Parallel, limits.AttemptsMax = 1, attemptsOfMachine // one after the other, so that a sequence can be repeated
	m.payouts = origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeNormal})
	if listed := m.listed(rt, ""); len(listed) > 0 {
		m.paidBefore = listed[len(listed)-1].ID
	}
	m.freshQuota("250000.00") // for two guaranteed cases, not for three
	m.cases = append(m.cases, w.signed(m.officer, revolvingAmount).ID, m.paidOnce())
	m.guaranteed(rt)
	m.answer(rt)
	m.short(rt)
	return m
}

// short brings the short line to its first note. In half of the sequences a part of it is repaid and the rest renewed at once, so that
// what was repaid before a renewal is undone after it.
func (m *moneyMachine) short(rt *rapid.T) {
	rec, note := m.w.lentFor(m.officer, shortAmount, shortMonths)
	m.shortCase, m.cases = rec.ID, append(m.cases, rec.ID)
	paid, err := m.w.store.DisbursementsOfCase(rt.Context(), rec.ID)
	must(rt, err)
	m.disbursements = append(m.disbursements, paid[0].ID)
	if rapid.Bool().Draw(rt, "renewed at once") {
		cmd := repayment(note.ID, newID().String(), "15000.00", "10.00", domain.DateOf(m.w.now()))
		_, _, err := m.w.lines().Repay(rt.Context(), m.core, cmd)
		must(rt, err)
		m.repayments = append(m.repayments, cmd)
		m.renewLine(rt, rec.ID)
		m.signRenewal(rt)
	}
}

// freshQuota leaves the company so much for the region, whatever earlier sequences hold.
func (m *moneyMachine) freshQuota(free string) {
	w := m.w
	held, err := w.store.GuaranteeQuotaHeld(w.t.Context(), sampleCompany, quotaRegion)
	w.must(err)
	m.quota = held.Add(yuan(free))
	company, err := w.store.GuaranteeCompany(w.t.Context(), sampleCompany)
	w.must(err)
	terms := *company.Terms
	terms.Quotas = slices.DeleteFunc(slices.Clone(terms.Quotas), func(q loan.GuaranteeQuota) bool { return q.RegionPrefix == quotaRegion })
	terms.Quotas = append(terms.Quotas, loan.GuaranteeQuota{RegionPrefix: quotaRegion, Limit: m.quota, From: domain.MustParseDate("2026-01-01")})
	_, err = w.guarantees.ChangeCompany(w.t.Context(), w.somebodyAt("3715", domain.RoleRiskManager), sampleCompany, company.Version, terms)
	w.must(err)
	_, err = w.guarantees.ActivateCompany(w.t.Context(), w.somebodyAt("3715", domain.RoleRiskManager), sampleCompany)
	w.must(err)
}

// paidOnce is a signed case of a product whose line does not revolve.
func (m *moneyMachine) paidOnce() domain.ID {
	w := m.w
	rec := w.submitted(m.officer, w.openedFor(m.officer, w.farmerIn371522(m.officer), "CYD", onceAmount).ID)
	if rec.Status == loan.StatusReviewing {
		w.clear(m.officer, rec.ID)
		approved, err := w.applications.Approve(w.t.Context(), w.somebody(domain.RoleApprover), origination.ApproveApplication{ID: rec.ID})
		w.must(err)
		rec = approved
	}
	return w.sign(m.officer, rec).ID
}

// did reports whether something was done. A refusal by a rule is an answer like any other; whatever else goes
// wrong is a bug, also that somebody may not who has the role.
func (m *moneyMachine) did(rt *rapid.T, what string, err error) bool {
	m.answers[strings.TrimSpace(what+" "+domain.CodeOf(err))]++
	if err == nil {
		return true
	}
	refusal, is := errors.AsType[*domain.Error](err)
	if !is || refusal.Kind == domain.KindInternal || refusal.Kind == domain.KindUnavailable || refusal.Kind == domain.KindForbidden || refusal.Code == "stale-version" {
		rt.Fatalf("%s: %v, want it done or refused by a rule", what, err)
	}
	rt.Logf("%s: refused, %s", what, refusal.Code)
	return false
}

// one picks, and skips the step when there is nothing to pick from.
func one[T any](rt *rapid.T, what string, from []T) T {
	if len(from) == 0 {
		rt.Skip("no " + what + " yet")
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(rt, what)]
}

// drawnAmount is mostly a part of what the line has free, and sometimes anything.
func (m *moneyMachine) drawnAmount(rt *rapid.T, applicationID domain.ID) money.Amount {
	line, err := m.w.store.Line(rt.Context(), domain.Scope{Everything: true}, applicationID)
	must(rt, err)
	if free := fenOf(line.Free()); free > 0 && rapid.IntRange(0, 9).Draw(rt, "any") > 0 {
		return money.Fen(rapid.OneOf(rapid.Int64Range(1, free), rapid.Just(free)).Draw(rt, "of what is free"))
	}
	return drawnFen(rt, "amount", mostFen)
}

func fenOf(a money.Amount) int64 { return a.Decimal().Shift(2).IntPart() }

func drawnFen(rt *rapid.T, what string, most int64) money.Amount {
	return money.Fen(rapid.OneOf(rapid.Int64Range(1, most), rapid.Just(most/2), rapid.Just(most)).Draw(rt, what))
}

// mostFen is a little more than the largest case, so that too much is asked for as well.
const mostFen = 10_500_000

func (m *moneyMachine) request(rt *rapid.T) {
	cmd := origination.RequestDisbursement{ApplicationID: one(rt, "case", m.cases)}
	for range rapid.IntRange(0, 3).Draw(rt, "payees") { // 0: all that is free, to the borrower
		amount := drawnFen(rt, "amount", mostFen/3)
		if rapid.Bool().Draw(rt, "entrusted") {
			cmd.Payees = append(cmd.Payees, seller(amount.String()))
		} else if !slices.ContainsFunc(cmd.Payees, func(p loan.PayeeOrder) bool { return p.Method == loan.SelfPayment }) {
			cmd.Payees = append(cmd.Payees, self(amount.String()))
		}
	}
	d, _, err := m.w.disbursements.Request(rt.Context(), m.officer, key(), cmd)
	if m.did(rt, "request", err) {
		m.disbursements = append(m.disbursements, d.ID)
	}
}

func (m *moneyMachine) draw(rt *rapid.T) {
	id := one(rt, "case", m.cases)
	d, _, err := m.w.disbursements.Draw(rt.Context(), m.officer, key(), origination.DrawFromLine{ApplicationID: id, Amount: m.drawnAmount(rt, id)})
	if m.did(rt, "draw", err) {
		m.disbursements = append(m.disbursements, d.ID)
	}
}

// of picks a disbursement that stands so.
func (m *moneyMachine) of(rt *rapid.T, statuses ...loan.DisbursementStatus) loan.DisbursementRecord {
	var some []loan.DisbursementRecord
	for _, id := range m.disbursements {
		d, err := m.w.store.Disbursement(rt.Context(), domain.Scope{Everything: true}, id)
		must(rt, err)
		if len(statuses) == 0 || slices.Contains(statuses, d.Status) {
			some = append(some, d)
		}
	}
	return one(rt, "disbursement", some)
}

func must(rt *rapid.T, err error) {
	rt.Helper()
	if err != nil {
		rt.Fatal(err)
	}
}

func (m *moneyMachine) release(rt *rapid.T) {
	d := m.of(rt, loan.DisbursementRequested)
	same, by := key(), one(rt, "by", m.releasers)
	for range rapid.IntRange(1, 2).Draw(rt, "times") { // a double click
		_, _, err := m.w.disbursements.Release(rt.Context(), by, same, d.ID)
		m.did(rt, "release", err)
	}
}

func (m *moneyMachine) cancel(rt *rapid.T) {
	_, err := m.w.disbursements.Cancel(rt.Context(), m.releasers[0], m.of(rt, mostlyUnderWay(rt)...).ID, "账户有误")
	m.did(rt, "cancel", err)
}

// mostlyUnderWay is what can be cancelled, and sometimes anything.
func mostlyUnderWay(rt *rapid.T) []loan.DisbursementStatus {
	if rapid.IntRange(0, 9).Draw(rt, "any") == 0 {
		return nil
	}
	return []loan.DisbursementStatus{loan.DisbursementRequested, loan.DisbursementReleased, loan.DisbursementSending, loan.DisbursementUnknown}
}

func (m *moneyMachine) recheck(rt *rapid.T) {
	_, err := m.w.disbursements.Recheck(rt.Context(), m.releasers[0], m.of(rt, loan.DisbursementUnknown, loan.DisbursementSending).ID)
	m.did(rt, "recheck", err)
}

var channelFailures = []string{
	channel.FailureAccountNotFound, channel.FailureAccountClosed, channel.FailureAccountFrozen, channel.FailureNameMismatch,
	channel.FailureAmountOverLimit, channel.FailureInsufficientFunds, channel.FailurePayeeBankRefused,
}

func (m *moneyMachine) tellChannel(rt *rapid.T) {
	if rapid.Bool().Draw(rt, "sound") {
		must(rt, m.w.channel.SetControl(sandbox.Control{Mode: sandbox.ModeNormal}))
		return
	}
	c := sandbox.Control{
		Mode: rapid.SampledFrom(sandbox.Modes()).Draw(rt, "mode"), Requests: rapid.IntRange(0, 2).Draw(rt, "requests"),
		Queries: rapid.Bool().Draw(rt, "queries"),
	}
	if c.Mode == sandbox.ModeFail {
		c.FailureCode = rapid.SampledFrom(channelFailures).Draw(rt, "failure")
	}
	must(rt, m.w.channel.SetControl(c))
}

func (m *moneyMachine) work(rt *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(rt, "looks") {
		_, err := m.payouts.Work(rt.Context())
		must(rt, err)
	}
}

// die lets a node end right when it would speak to the channel.
func (m *moneyMachine) die(rt *rapid.T) {
	limits := origination.DefaultPayoutLimits()
	limits.Parallel = 1
	_, err := origination.NewPayouts(m.w.store, m.w.now, deadChannel{}, newID(), discard(), limits).Work(rt.Context())
	must(rt, err)
}

func (m *moneyMachine) wait(rt *rapid.T) {
	day := 24 * time.Hour
	m.w.advance(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, time.Minute, time.Hour, 9 * time.Hour, day, 2 * day, 32 * day, 95 * day}).Draw(rt, "time"))
}

// repay delivers a repayment of some note, or one that was delivered before.
func (m *moneyMachine) repay(rt *rapid.T) {
	m.findNotes(rt)
	cmd := origination.DeliverRepayment{
		NoteID: one(rt, "note", m.notes), RepaymentNo: newID().String(), PaidOn: domain.DateOf(m.w.now()),
		Principal: drawnFen(rt, "principal", mostFen), Interest: money.Fen(rapid.Int64Range(0, 10_000).Draw(rt, "interest")),
	}
	note, err := m.w.store.LoanNote(rt.Context(), domain.Scope{Everything: true}, cmd.NoteID)
	must(rt, err)
	switch owed := note.Outstanding(); rapid.IntRange(0, 4).Draw(rt, "part") {
	case 0, 1:
		cmd.Principal = owed
	case 2, 3:
		cmd.Principal = money.Fen(rapid.Int64Range(0, fenOf(owed)).Draw(rt, "principal of what is owed"))
	}
	if len(m.repayments) > 0 && rapid.IntRange(0, 4).Draw(rt, "repeated") == 0 {
		cmd = one(rt, "repayment", m.repayments)
	}
	_, replayed, err := m.w.lines().Repay(rt.Context(), m.core, cmd)
	if m.did(rt, "repay", err) && !replayed {
		m.repayments = append(m.repayments, cmd)
	}
}

func (m *moneyMachine) undoRepayment(rt *rapid.T) {
	r := one(rt, "repayment", m.repayments)
	told, _, err := m.w.lines().ReverseRepayment(rt.Context(), m.core, origination.DeliverReversal{
		NoteID: r.NoteID, ReversalNo: "CZ-" + r.RepaymentNo, RepaymentNo: r.RepaymentNo, ReversedOn: domain.DateOf(m.w.now()),
	})
	if m.did(rt, "undo repayment", err) {
		m.undone[told.ApplicationID] = true
	}
}

func (m *moneyMachine) askReversal(rt *rapid.T) {
	d := m.of(rt, loan.DisbursementSucceeded, loan.DisbursementPartlySucceeded, loan.DisbursementSending, loan.DisbursementUnknown)
	t := one(rt, "transfer", d.Transfers)
	amount := t.Net()
	switch rapid.IntRange(0, 9).Draw(rt, "part") {
	case 0:
		amount = drawnFen(rt, "amount", mostFen/3)
	case 1, 2, 3, 4:
		amount = money.Fen(rapid.Int64Range(1, max(1, fenOf(amount))).Draw(rt, "amount"))
	}
	r, _, err := m.w.disbursements.RequestReversal(rt.Context(), m.releasers[0], key(), origination.RequestReversal{
		TransferID: t.ID, Amount: amount, Reason: "收款行退汇", ChannelReference: "TH-" + newID().String()[:8],
	})
	if m.did(rt, "ask reversal", err) {
		m.reversals = append(m.reversals, r.ID)
	}
}

func (m *moneyMachine) decideReversal(rt *rapid.T) {
	id := one(rt, "reversal", m.reversals)
	if rapid.IntRange(0, 3).Draw(rt, "no") == 0 {
		_, err := m.w.disbursements.RejectReversal(rt.Context(), m.releasers[1], id, "未见退汇")
		m.did(rt, "reject reversal", err)
		return
	}
	_, err := m.w.disbursements.ConfirmReversal(rt.Context(), m.releasers[1], id)
	m.did(rt, "confirm reversal", err)
}

const holdHoursMax = 48

func (m *moneyMachine) hold(rt *rapid.T) {
	hours := rapid.IntRange(1, holdHoursMax).Draw(rt, "hours")
	h, _, err := m.w.holds().Place(rt.Context(), m.releasers[0], key(), origination.PlaceHold{
		ApplicationID: one(rt, "case", m.cases), Reason: "可疑", Until: m.w.now().Add(time.Duration(hours) * time.Hour),
	})
	if m.did(rt, "hold", err) {
		m.holdsPlaced = append(m.holdsPlaced, h.ID)
	}
}

func (m *moneyMachine) releaseHold(rt *rapid.T) {
	_, err := m.w.holds().Release(rt.Context(), m.manager, one(rt, "hold", m.holdsPlaced), "核实完毕")
	m.did(rt, "release hold", err)
}

func (m *moneyMachine) endHolds(rt *rapid.T) {
	_, err := m.w.holds().EndDue(rt.Context())
	must(rt, err)
}

func (m *moneyMachine) keepLine(rt *rapid.T) {
	id, lines := one(rt, "case", m.cases), m.w.lines()
	var err error
	switch rapid.IntRange(0, 9).Draw(rt, "how") {
	case 0, 1:
		_, err = lines.Hold(rt.Context(), m.manager, id, "可疑")
	case 2, 3, 4, 5, 6, 7:
		_, err = lines.Resume(rt.Context(), m.manager, id, "核实完毕")
	default:
		_, err = lines.End(rt.Context(), m.manager, id, "结束")
	}
	m.did(rt, "keep line", err)
}

func (m *moneyMachine) close(rt *rapid.T) {
	_, err := m.w.applications.Close(rt.Context(), m.officer, one(rt, "case", m.cases))
	m.did(rt, "close", err)
}

// renew opens the case that renews a line without repaying it, as far as the rules approve it; mostly of the short line.
func (m *moneyMachine) renew(rt *rapid.T) {
	old := m.shortCase
	if rapid.IntRange(0, 3).Draw(rt, "another") == 0 {
		old = one(rt, "case", m.cases)
	}
	m.renewLine(rt, old)
}

func (m *moneyMachine) renewLine(rt *rapid.T, old domain.ID) {
	asked := request(rapid.SampledFrom([]string{"30000.00", shortAmount, "60000.00"}).Draw(rt, "new limit"))
	opened, _, err := m.w.applications.Renew(rt.Context(), m.officer, key(), origination.RenewLine{ApplicationID: old, Request: asked})
	if !m.did(rt, "renew", err) {
		return
	}
	judged, err := m.w.applications.Submit(rt.Context(), m.officer, opened.ID)
	if m.did(rt, "submit renewal", err) && judged.Status == loan.StatusApproved {
		m.renewals = append(m.renewals, opened.ID)
		return
	}
	if judged.Status != loan.StatusDeclined {
		_, err = m.w.applications.Withdraw(rt.Context(), m.officer, opened.ID, "不续了")
		m.did(rt, "withdraw renewal", err)
	}
}

// signRenewal moves what is owed to the new line, whatever became of the old one since.
func (m *moneyMachine) signRenewal(rt *rapid.T) {
	id := one(rt, "renewal", m.renewals)
	_, err := m.w.applications.Sign(rt.Context(), m.officer, origination.SignApplication{ID: id, ContractNo: "HT-" + id.String(), SignedOn: domain.DateOf(m.w.now())})
	if m.did(rt, "sign renewal", err) {
		m.cases = append(m.cases, id)
		m.renewals = slices.DeleteFunc(m.renewals, func(r domain.ID) bool { return r == id })
	}
}

// guaranteed brings one more case that needs a guarantee to its contract, if the company's quota suffices.
func (m *moneyMachine) guaranteed(rt *rapid.T) {
	if domain.DateOf(m.w.now()) != domain.DateOf(testStart) {
		rt.Skip("the site visit of the made-up request is of the first day")
	}
	rec := m.w.putIn(m.officer, guaranteedAmount)
	approved, err := m.w.applications.Approve(rt.Context(), m.w.somebody(domain.RoleApprover), origination.ApproveApplication{ID: rec.ID})
	if !m.did(rt, "approve", err) {
		return
	}
	signed := m.w.sign(m.officer, approved)
	m.cases = append(m.cases, signed.ID)
	m.unanswered = append(m.unanswered, signed)
}

// answer is the company's letter for a case that waits for it.
func (m *moneyMachine) answer(rt *rapid.T) {
	rec := one(rt, "unanswered", m.unanswered)
	g, found, err := m.w.store.LiveGuarantee(rt.Context(), rec.ID)
	must(rt, err)
	if !found {
		rt.Skip("the guarantee is no more")
	}
	reply := letter(guaranteedAmount)
	reply.LetterNo = fmt.Sprintf("鲁农担函〔2026〕%s号", newID())
	_, _, err = m.w.guarantees.Answer(rt.Context(), m.w.companyOfficer(), g.ID, reply)
	if m.did(rt, "answer", err) {
		m.unanswered = slices.DeleteFunc(m.unanswered, func(r loan.Record) bool { return r.ID == rec.ID })
	}
}

func (m *moneyMachine) expireGuarantees(rt *rapid.T) {
	_, err := origination.ExpireGuarantees(rt.Context(), m.w.store, domain.Actor{ID: newID(), Name: "担保任务", Role: domain.RoleSystem}, m.w.now())
	must(rt, err)
}

// findNotes looks up the loan notes of the cases.
func (m *moneyMachine) findNotes(rt *rapid.T) {
	m.notes = m.notes[:0]
	for _, id := range m.cases {
		for _, n := range m.notesOf(rt, id) {
			m.notes = append(m.notes, n.ID)
		}
	}
}

func (m *moneyMachine) notesOf(rt *rapid.T, id domain.ID) []loan.NoteRecord {
	notes, err := m.w.lines().LoanNotes(rt.Context(), m.officer, id, domain.Page{Limit: domain.PageLimitMax})
	must(rt, err)
	return notes
}

// settleAll is the end of each sequence: the channel is sound again, the holds are over, and a person asks again about what
// the worker has given up. Then nothing is on its way any more, and the sums are equal to the fen.
func (m *moneyMachine) settleAll(rt *rapid.T) {
	must(rt, m.w.channel.SetControl(sandbox.Control{Mode: sandbox.ModeNormal}))
	m.w.advance((holdHoursMax + 1) * time.Hour)
	m.endHolds(rt)
	const roundsMax = 100
	for range roundsMax {
		m.w.advance(11 * time.Minute)
		taken, err := m.payouts.Work(rt.Context())
		must(rt, err)
		if taken > 0 {
			continue
		}
		asked := false
		for _, id := range m.disbursements {
			d, err := m.w.store.Disbursement(rt.Context(), domain.Scope{Everything: true}, id)
			must(rt, err)
			if d.Status == loan.DisbursementUnknown {
				_, err := m.w.disbursements.Recheck(rt.Context(), m.releasers[0], id)
				must(rt, err)
				asked = true
			}
		}
		if !asked {
			break
		}
	}
	m.check(rt)
	m.wantSettled(rt)
}
