package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/scripts/drive"
)

// nursery is the play of the co-operative's loan: who has come on stage, and the case.
type nursery struct {
	*play

	officer       player
	approver      player // whose authority does not reach
	business      drive.Business
	sellers       []drive.Business // as the story's sellers, in their order
	applicationID string
}

// playNursery is a loan too large for the rules and for the first approver, with a guarantee, two visitors, two sellers and a
// schedule that waits for the harvests.
func playNursery(ctx context.Context, p *play) error {
	n := &nursery{play: p}
	for _, act := range []func(context.Context) error{
		n.onFile, n.referred, n.visited, n.guaranteed, n.reviewed, n.approvedAbove, n.harvestPlan, n.contracted, n.paidToSellers, n.threePeople,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// onFile registers the co-operative, opens the application and brings its papers.
func (n *nursery) onFile(ctx context.Context) (err error) {
	f := n.facts
	if n.officer, err = n.enter(ctx, "nursery-officer"); err != nil {
		return err
	}
	n.business = n.people.Cooperative(f.Borrower)
	for _, s := range f.Sellers {
		n.sellers = append(n.sellers, n.people.Seller(s.Name))
	}
	chair := n.people.Adult(f.Chair, today())
	file, err := ask[drive.Borrower](ctx, n.play, n.officer, "registers the co-operative (合作社建档), with its chair, account and consents",
		drive.NewCooperative(n.business, chair, drive.CooperativeFile{
			RegionCode: f.Region, Address: f.Address, RegisteredOn: today().AddMonths(-f.BusinessMonths),
		}, time.Now()), http.StatusCreated)
	if err != nil {
		return err
	}
	n.show("%s; chair %s; account %s", f.Borrower, f.Chair, file.Accounts[0].Number)
	n.pause()
	licence := drive.AddLicence(file.ID, "business", n.business.CreditCode, today().AddMonths(-f.BusinessMonths), domain.Date{})
	if _, err := ask[drive.Borrower](ctx, n.play, n.officer, "adds the business licence (营业执照)", licence, http.StatusCreated); err != nil {
		return err
	}
	n.pause()
	application, err := ask[drive.Application](ctx, n.play, n.officer, "opens an application (贷款申请)",
		drive.OpenSeasonal(file.ID, f.request(), f.harvests()), http.StatusCreated)
	if err != nil {
		return err
	}
	n.applicationID = application.ID
	n.show("%s: %s yuan for %d months, repaid after %d harvests", application.ApplicationNo, application.Amount.Grouped(), application.TermMonths, len(f.Harvests))
	n.show("%s", f.PurposeNote)
	n.pause()
	for _, paper := range []string{"chair_id_card", "member_resolution", "share_register", "land_contract"} {
		if _, err := drive.Ask[struct{}](ctx, n.officer.session, drive.RecordDocument(n.applicationID, paper, "DA-"+paper, today()), http.StatusCreated); err != nil {
			return err
		}
	}
	n.tell("%s records the papers (资料): the chair's identity card, the members' resolution, the share register, the land contract", n.officer.Name)
	n.pause()
	return nil
}

// referred submits: the rules hand the case to people, each with something to do.
func (n *nursery) referred(ctx context.Context) error {
	application, err := ask[drive.Application](ctx, n.play, n.officer, "submits it to the rules (提交)", drive.Submit(n.applicationID), http.StatusOK)
	if err != nil {
		return err
	}
	if application.Status != "reviewing" {
		return differs("the outcome", application.Status, "reviewing")
	}
	n.show("%s (%s): too much for the rules alone", application.StatusLabel, application.Status)
	n.pause()
	decision, err := ask[drive.Decision](ctx, n.play, n.officer, "asks why", drive.Read(n.path("/decision")), http.StatusOK)
	if err != nil {
		return err
	}
	for _, r := range decision.Reasons {
		if r.Effect == "refer" {
			n.show("? %s；%s", r.Text, r.Suggestion)
		}
	}
	n.pause()
	open, err := n.openTasks(ctx)
	if err != nil {
		return err
	}
	for _, kind := range []string{"site_visit", "guarantee_answer", "reviewer_opinion"} {
		if !slices.ContainsFunc(open, func(t drive.Task) bool { return t.Kind == kind }) {
			return differs("the task list", open, "a "+kind+" to be done")
		}
	}
	return nil
}

func (n *nursery) path(rest string) string { return "/v1/applications/" + n.applicationID + rest }

// openTasks reads and shows what is to be done.
func (n *nursery) openTasks(ctx context.Context) (open []drive.Task, err error) {
	list, err := ask[drive.Tasks](ctx, n.play, n.officer, "looks what is to be done (审查事项)", drive.Read(n.path("/tasks")), http.StatusOK)
	if err != nil {
		return nil, err
	}
	for _, t := range list.Items {
		if t.Status == "open" {
			open = append(open, t)
			n.show("□ %s: %s (%s, until %s)", t.KindLabel, t.Text, t.OwnerRole, t.DueAt.In(beijing).Format("2006-01-02"))
		}
	}
	n.pause()
	return open, nil
}

// visited has two people see the base: the second confirms for himself.
func (n *nursery) visited(ctx context.Context) (err error) {
	if n.approver, err = n.enter(ctx, "nursery-approver"); err != nil {
		return err
	}
	if err := n.refused(ctx, n.approver, "tries to approve before anybody has been there", drive.Approve(n.applicationID), http.StatusUnprocessableEntity, "tasks-open"); err != nil {
		return err
	}
	second, err := n.enter(ctx, "nursery-second")
	if err != nil {
		return err
	}
	me, err := drive.Ask[drive.Me](ctx, second.session, drive.Read("/v1/me"), http.StatusOK)
	if err != nil {
		return err
	}
	visit, err := ask[drive.SiteVisit](ctx, n.play, n.officer, "records the site visit (实地调查) with "+second.Name,
		drive.RecordSiteVisit(n.applicationID, me.ID, today(), n.facts.Findings), http.StatusCreated)
	if err != nil {
		return err
	}
	n.show("%s", n.facts.Findings)
	n.pause()
	if err := n.refused(ctx, n.officer, "confirms it for both", drive.ConfirmSiteVisit(visit.ID), http.StatusForbidden, "not-the-second"); err != nil {
		return err
	}
	visit, err = ask[drive.SiteVisit](ctx, n.play, second, "confirms that he was there too (协查人确认)", drive.ConfirmSiteVisit(visit.ID), http.StatusOK)
	if err != nil {
		return err
	}
	if visit.ConfirmedAt == nil || visit.InvestigatorID == visit.SecondID {
		return differs("the visit", visit, "confirmed by a second person")
	}
	n.show("the visit counts, and its task is done")
	n.pause()
	return nil
}

// guaranteed has the guarantee company answer with a letter and a condition, which is then fulfilled.
func (n *nursery) guaranteed(ctx context.Context) error {
	company, err := n.enter(ctx, "guarantee-officer")
	if err != nil {
		return err
	}
	cases, err := ask[drive.GuaranteeCases](ctx, n.play, company, "sees what the company is asked for (担保申请)", drive.Read("/v1/guarantee/requests?status=requested"), http.StatusOK)
	if err != nil {
		return err
	}
	requests, err := drive.Ask[drive.Guarantees](ctx, n.officer.session, drive.Read(n.path("/guarantee-requests")), http.StatusOK)
	if err != nil {
		return err
	}
	if len(requests.Items) != 1 {
		return differs("the guarantee requests of the case", len(requests.Items), "one, made when it was submitted")
	}
	id := requests.Items[0].ID
	if !slices.ContainsFunc(cases.Items, func(g drive.Guarantee) bool { return g.ID == id && g.Amount.String() == n.facts.Amount }) {
		return differs("the company's list", cases.Items, "this case, "+n.facts.Amount)
	}
	n.show("%s yuan for %d months, fee at most %s%% a year", requests.Items[0].Amount.Grouped(), requests.Items[0].TermMonths, requests.Items[0].FeeMaxPct)
	n.pause()
	if err := n.refused(ctx, company, "tries to read the case itself", drive.Read(n.path("")), http.StatusForbidden, "role-not-allowed"); err != nil {
		return err
	}
	answered, err := ask[drive.Guarantee](ctx, n.play, company, "answers with a letter and a condition (附条件同意担保)", drive.AnswerGuarantee(id, drive.GuaranteeAnswer{
		LetterNo: n.facts.LetterNo, Amount: n.facts.Amount, FeePct: n.facts.FeePct, ExpiresOn: today().AddMonths(12),
		Conditions: n.facts.Conditions, CounterNote: n.facts.CounterNote,
	}), http.StatusOK)
	if err != nil {
		return err
	}
	if answered.Status != "conditional" {
		return differs("the guarantee", answered.Status, "conditional")
	}
	n.show("%s: letter %s, fee %s%% a year; condition: %s", answered.StatusLabel, n.facts.LetterNo, n.facts.FeePct, n.facts.Conditions)
	n.pause()
	answered, err = ask[drive.Guarantee](ctx, n.play, n.officer, "records that the condition is met (担保条件已落实)", drive.FulfilGuarantee(id, n.facts.Fulfilled), http.StatusOK)
	if err != nil {
		return err
	}
	if answered.Status != "accepted" {
		return differs("the guarantee", answered.Status, "accepted")
	}
	n.show("%s; %s (%s)", n.facts.Fulfilled, answered.StatusLabel, answered.Status)
	n.pause()
	return nil
}

// reviewed gives the opinion, by somebody who did not prepare the case.
func (n *nursery) reviewed(ctx context.Context) error {
	open, err := n.openTasks(ctx)
	if err != nil {
		return err
	}
	reviewer, err := n.enter(ctx, "reviewer")
	if err != nil {
		return err
	}
	for _, t := range open {
		who := reviewer
		if t.OwnerRole == "loan_officer" {
			who = n.officer
		}
		done, err := ask[drive.Task](ctx, n.play, who, "does the task: "+t.KindLabel, drive.CompleteTask(t.ID, n.facts.Opinion), http.StatusOK)
		if err != nil {
			return err
		}
		n.show("%s: %s", done.StatusLabel, done.Result)
		n.pause()
	}
	return nil
}

// approvedAbove is refused to whose authority does not reach, and granted by whose does.
func (n *nursery) approvedAbove(ctx context.Context) error {
	n.tell("%s tries to approve: refused, for too little authority (审批权限)", n.approver.Name)
	call := drive.Approve(n.applicationID)
	answer, err := n.approver.session.Do(ctx, call)
	if err != nil {
		return err
	}
	n.exchange(call, answer)
	problem := answer.Problem()
	ceiling := money.MustParseAmount(n.facts.TooLittle)
	if answer.Status != http.StatusForbidden || problem.Code != "authority-exceeded" || !strings.Contains(problem.String(), ceiling.String()) {
		return differs("the answer", answer.Text(), "a refusal authority-exceeded with the ceiling "+ceiling.String())
	}
	n.show("%s", problem)
	n.pause()
	open, err := n.openTasks(ctx)
	if err != nil {
		return err
	}
	if len(open) != 1 || open[0].Kind != "higher_approval" {
		return differs("the task list", open, "the approval by somebody whose authority reaches, and nothing else")
	}
	higher, err := n.enter(ctx, "higher-approver")
	if err != nil {
		return err
	}
	application, err := ask[drive.Application](ctx, n.play, higher, "approves (批准)", drive.Approve(n.applicationID), http.StatusOK)
	if err != nil {
		return err
	}
	a := application.Approval
	if application.Status != "approved" || a == nil || a.ByRules || a.Amount.String() != n.facts.Amount {
		return differs("the application", application.Status, "approved by a person, "+n.facts.Amount)
	}
	n.show("%s (%s): %s yuan, %d months, %s%% a year", application.StatusLabel, application.Status, a.Amount.Grouped(), a.TermMonths, a.AnnualRatePct)
	n.pause()
	return nil
}

// harvestPlan checks that interest is due each month, and principal after each harvest and at no other time.
func (n *nursery) harvestPlan(ctx context.Context) error {
	plan, err := ask[drive.Plan](ctx, n.play, n.officer, "shows the plan (按收获季还款)", drive.Read(n.path("/plan")), http.StatusOK)
	if err != nil {
		return err
	}
	n.show("%s%% a year, interest %s yuan in all; yearly cost with everything, the guarantee fee too, %s%%", plan.AnnualRatePct, plan.InterestTotal.Grouped(), plan.APREffectivePct)
	n.show("  no.  due          principal     interest        total      balance")
	amount := money.MustParseAmount(n.facts.Amount)
	wanted := map[domain.Date]money.Amount{}
	for i, h := range n.facts.harvests() {
		wanted[h.DueOn] = money.MustParseAmount(n.facts.Harvests[i].Principal)
	}
	repaid, months := money.Amount{}, map[string]bool{}
	for _, row := range plan.Instalments {
		if !row.Principal.Equal(wanted[row.DueOn]) {
			return differs(fmt.Sprintf("the principal due on %s", row.DueOn), row.Principal, wanted[row.DueOn])
		}
		if row.Interest.Sign() <= 0 {
			return differs(fmt.Sprintf("the interest due on %s", row.DueOn), row.Interest, "more than nothing")
		}
		months[row.DueOn.String()[:7]] = true
		if repaid = repaid.Add(row.Principal); row.Principal.Sign() > 0 || row.Number == 1 {
			n.instalment(row)
		}
	}
	if !repaid.Equal(amount) || len(months) < n.facts.TermMonths {
		return differs("the plan", fmt.Sprintf("%s of principal, interest in %d months", repaid, len(months)), fmt.Sprintf("%s, and in each of %d", amount, n.facts.TermMonths))
	}
	n.show("  interest in each of %d months, principal after each of %d harvests, in all %s", len(months), len(wanted), repaid.Grouped())
	n.pause()
	return nil
}

// contracted has the contract name the sellers, and the chair sign it on the tablet.
func (n *nursery) contracted(ctx context.Context) error {
	f := n.facts
	if err := n.refused(ctx, n.officer, "asks for a contract without the guarantor that the company wants", drive.PrepareContract(n.applicationID), http.StatusUnprocessableEntity, "counter-guarantor-missing"); err != nil {
		return err
	}
	guarantor := n.people.Adult(f.Guarantor, today())
	if err := n.refused(ctx, n.officer, "asks for one that pays everything to the co-operative", drive.PrepareContractWith(n.applicationID, guarantor), http.StatusUnprocessableEntity, "invalid-fields"); err != nil {
		return err
	}
	signing, err := ask[drive.Signing](ctx, n.play, n.officer, "asks for one that names the guarantor and two sellers (受托支付)",
		drive.PrepareContractWith(n.applicationID, guarantor, n.contractSellers()...), http.StatusCreated)
	if err != nil {
		return err
	}
	if len(signing.Payees) != len(f.Sellers)+1 || signing.Payees[len(f.Sellers)].Amount.String() != f.Rest {
		return differs("who is to be paid", signing.Payees, "two sellers, and "+f.Rest+" to the co-operative")
	}
	for _, to := range signing.Payees {
		n.show("%s %12s to %s %s: %s", to.MethodLabel, to.Amount.Grouped(), to.Name, to.Account, to.For)
	}
	n.pause()
	shown, err := n.readContract(ctx, n.officer, n.applicationID, signing, "人民币壹佰万元整", "受托支付", f.Sellers[0].Name, f.Sellers[1].Name, "按收获季还款")
	if err != nil {
		return err
	}
	drawing, err := signatureDrawing()
	if err != nil {
		return err
	}
	for _, party := range signing.Parties {
		if signing, err = ask[drive.Signing](ctx, n.play, n.officer, "hands the tablet to "+party.SignerName+", who signs (签署)",
			drive.SignOnTablet(n.applicationID, party.ID, shown, drawing), http.StatusCreated); err != nil {
			return err
		}
	}
	if signing.ApplicationStatus != "signed" {
		return differs("the application", signing.ApplicationStatus, "signed")
	}
	n.show("%s; %s", signing.ContractNo, signing.ApplicationStatus)
	n.pause()
	return n.verified(ctx, n.officer, n.applicationID)
}

func (n *nursery) contractSellers() (sellers []drive.ContractSeller) {
	for i, s := range n.facts.Sellers {
		sellers = append(sellers, drive.ContractSeller{Name: s.Name, Account: n.sellers[i].Account, BankName: s.Bank, Amount: s.Amount, For: s.For})
	}
	return sellers
}

// signatureDrawing is a stroke on the tablet.
func signatureDrawing() ([]byte, error) {
	stroke := image.NewGray(image.Rect(0, 0, 120, 40))
	for x := range 120 {
		for y := range 40 {
			stroke.SetGray(x, y, color.Gray{Y: 255})
		}
		stroke.SetGray(x, 20+x%9, color.Gray{})
	}
	var b bytes.Buffer
	err := png.Encode(&b, stroke)
	return b.Bytes(), err
}

// paidToSellers pays both sellers against their invoices, and the rest to the co-operative.
func (n *nursery) paidToSellers(ctx context.Context) error {
	if err := n.refused(ctx, n.officer, "asks that everything go to the co-operative", drive.RequestDisbursement(n.applicationID), http.StatusUnprocessableEntity, "entrusted-payment-required"); err != nil {
		return err
	}
	elsewhere := n.payees()
	elsewhere[0].Account = n.people.Seller(elsewhere[0].AccountName).Account
	if err := n.refused(ctx, n.officer, "asks to pay the first seller on an account that the contract does not name", drive.RequestPayees(n.applicationID, elsewhere),
		http.StatusUnprocessableEntity, "payee-not-in-contract"); err != nil {
		return err
	}
	d, err := ask[drive.Disbursement](ctx, n.play, n.officer, "requests the payment to both sellers, with their invoices, and of the rest",
		drive.RequestPayees(n.applicationID, n.payees()), http.StatusCreated)
	if err != nil {
		return err
	}
	n.transfers(d)
	if len(d.Transfers) != 3 || d.Amount.String() != n.facts.Amount {
		return differs("the disbursement", d, "three transfers, "+n.facts.Amount)
	}
	if err := n.refused(ctx, n.officer, "tries to release it alone", drive.Release(d.ID), http.StatusForbidden, "role-not-allowed"); err != nil {
		return err
	}
	releaser, err := n.enter(ctx, "nursery-releaser")
	if err != nil {
		return err
	}
	if err := n.releasedBy(ctx, releaser, d.ID); err != nil {
		return err
	}
	if d, err = n.arrived(ctx, releaser, d.ID); err != nil {
		return err
	}
	n.transfers(d)
	amounts := []string{n.facts.Rest}
	for _, s := range n.facts.Sellers {
		amounts = append(amounts, s.Amount)
	}
	if err := n.channelPaid(ctx, d, amounts...); err != nil {
		return err
	}
	return n.evidenceOwed(ctx, d)
}

func (n *nursery) payees() (payees []drive.PayeeOrder) {
	for i, s := range n.facts.Sellers {
		invoice := sha256.Sum256([]byte(s.Invoice))
		payees = append(payees, drive.PayeeOrder{
			Method: "entrusted_payment", Amount: s.Amount, AccountName: s.Name, Account: n.sellers[i].Account, BankName: s.Bank,
			DocumentReference: s.Invoice, DocumentSHA256: hex.EncodeToString(invoice[:]),
		})
	}
	return append(payees, drive.PayeeOrder{Method: "self_payment", Amount: n.facts.Rest})
}

func (n *nursery) transfers(d drive.Disbursement) {
	for _, t := range d.Transfers {
		n.show("%s %12s to %s %s: %s %s", t.MethodLabel, t.Amount.Grouped(), t.PayeeName, t.PayeeAccount, t.StatusLabel, t.ChannelReference)
	}
	n.pause()
}

// evidenceOwed shows what the co-operative has yet to bring.
func (n *nursery) evidenceOwed(ctx context.Context, d drive.Disbursement) error {
	owed, err := ask[drive.Obligations](ctx, n.play, n.officer, "looks what proof of use is due (用途凭证)", drive.Read("/v1/obligations?open=true"), http.StatusOK)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(owed.Items, func(o drive.Obligation) bool { return o.DisbursementID == d.ID })
	if i < 0 || owed.Items[i].Fulfilled || !owed.Items[i].DueOn.After(today()) {
		return differs("the obligations", owed.Items, "one of this payment, open, due later")
	}
	n.show("of this payment, due on %s, not brought yet", owed.Items[i].DueOn)
	n.pause()
	return nil
}

// threePeople reads the history and holds it to the separation of duties: who prepared, who decided and who released are three.
func (n *nursery) threePeople(ctx context.Context) error {
	trail, err := ask[drive.Events](ctx, n.play, n.officer, "reads the whole history", drive.Read(n.path("/events")), http.StatusOK)
	if err != nil {
		return err
	}
	if len(trail.Items) == 0 {
		return errors.New("the history is empty")
	}
	n.history(trail.Items)
	did := map[string]string{}
	for _, e := range trail.Items {
		if e.Subject == "application" || e.Subject == "disbursement" {
			did[e.Subject+" "+e.Action] = e.ActorName
		}
	}
	if did["application disburse"] == "" {
		return differs("the history", did, "the arrival of the money")
	}
	prepared, approved, released := did["application submit"], did["application approve"], did["disbursement release"]
	if prepared == approved || approved == released || prepared == released || prepared == "" || approved == "" || released == "" {
		return differs("who prepared, approved and released", []string{prepared, approved, released}, "three people")
	}
	return nil
}
