package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"fumin/scripts/drive"
)

// playMinutes is a loan that nobody of the lender touches before the release: the borrower applies, reads and signs in the
// mobile app.
func playMinutes(ctx context.Context, p *play) error {
	person := p.people.Adult(p.facts.Borrower, today())
	file, err := p.shopOnFile(ctx, person)
	if err != nil {
		return err
	}
	borrower, err := p.enterApp(ctx, "app", file.ID, p.facts.Borrower)
	if err != nil {
		return err
	}
	application, err := p.appliedAlone(ctx, borrower, file.ID)
	if err != nil {
		return err
	}
	if err := p.approved(ctx, borrower, application.ID); err != nil {
		return err
	}
	plan, err := p.planShown(ctx, borrower, application.ID)
	if err != nil {
		return err
	}
	if err := p.signedByCode(ctx, borrower, person, application.ID, plan); err != nil {
		return err
	}
	disbursement, err := p.requestedAlone(ctx, borrower, application.ID)
	if err != nil {
		return err
	}
	releaser, err := p.enter(ctx, "shop-releaser")
	if err != nil {
		return err
	}
	if err := p.releasedBy(ctx, releaser, disbursement.ID); err != nil {
		return err
	}
	if err := p.paid(ctx, releaser, disbursement); err != nil {
		return err
	}
	return p.nobodyBeforeTheRelease(ctx, borrower, application.ID)
}

// shopOnFile is what was there before this day: the borrower's file, with licence, card and consents, made by an officer.
func (p *play) shopOnFile(ctx context.Context, person drive.Person) (drive.Borrower, error) {
	f := p.facts
	officer, err := p.enter(ctx, "shop-officer")
	if err != nil {
		return drive.Borrower{}, err
	}
	borrower, err := ask[drive.Borrower](ctx, p, officer, "keeps the file of a sole proprietor (个体工商户建档): identity card and bank card seen, credit enquiry consented to",
		drive.NewSoleProprietor(person, drive.ShopFile{BusinessName: f.BusinessName, RegionCode: f.Region, Address: f.Address}, time.Now()), http.StatusCreated)
	if err != nil {
		return drive.Borrower{}, err
	}
	if borrower.Kind != f.Kind {
		return drive.Borrower{}, differs("the borrower", borrower.Kind, f.Kind)
	}
	p.show("%s, phone %s, card %s", borrower.Name, borrower.Phone, borrower.Accounts[0].Number)
	p.pause()
	licence := drive.AddLicence(borrower.ID, "business", person.CreditCode, today().AddMonths(-f.BusinessMonths), today().AddMonths(10*12))
	if _, err := ask[drive.Borrower](ctx, p, officer, "adds the business licence (营业执照), seen in the original", licence, http.StatusCreated); err != nil {
		return drive.Borrower{}, err
	}
	p.show("%s, in business for %d months. From here on nobody of the lender does anything until the release.", f.BusinessName, f.BusinessMonths)
	p.pause()
	return borrower, nil
}

// appliedAlone opens the application in the app.
func (p *play) appliedAlone(ctx context.Context, borrower player, borrowerID string) (drive.Application, error) {
	application, err := ask[drive.Application](ctx, p, borrower, "applies in the app (贷款申请)", drive.OpenAlone(borrowerID, p.facts.request()), http.StatusCreated)
	if err != nil {
		return application, err
	}
	if application.Status != "draft" || application.Amount.String() != p.facts.Amount {
		return application, differs("the application", application, "a draft of "+p.facts.Amount)
	}
	p.show("%s: %s yuan for %d months; %s (%s)", application.ApplicationNo, application.Amount.Grouped(), application.TermMonths,
		application.StatusLabel, application.Status)
	p.show("%s", p.facts.PurposeNote)
	p.pause()
	return application, nil
}

// signedByCode reads the contract, asks for a code and signs what was shown with it.
func (p *play) signedByCode(ctx context.Context, borrower player, person drive.Person, id string, plan drive.Plan) error {
	signing, err := ask[drive.Signing](ctx, p, borrower, "asks for the contract (生成合同文本)", drive.PrepareContract(id), http.StatusCreated)
	if err != nil {
		return err
	}
	if len(signing.Parties) != 1 || len(signing.Missing) != 1 || len(signing.Payees) != 1 || signing.Payees[0].Amount.String() != p.facts.Amount {
		return differs("the contract", signing, "one signer, and all the money to the borrower")
	}
	p.show("%s: to sign: %s; to be paid: %s yuan to %s %s", signing.ContractNo, signing.Parties[0].SignerName,
		signing.Payees[0].Amount.Grouped(), signing.Payees[0].Name, signing.Payees[0].Account)
	p.pause()
	shown, err := p.readContract(ctx, borrower, id, signing, "综合年化成本", plan.APREffectivePct+"%")
	if err != nil {
		return err
	}
	party := signing.Parties[0].ID
	if _, err := ask[struct{}](ctx, p, borrower, "asks for a code by text message (验证码)", drive.SendCode(id, party), http.StatusCreated); err != nil {
		return err
	}
	if p.phones == nil {
		return errors.New("the signing service's address is not known: set FUMIN_SIGNING_URL to the address that run.sh printed; the code is in its last message")
	}
	text, code, err := p.phones.LastMessage(ctx, person.Phone)
	if err != nil {
		return err
	}
	p.show("the phone shows: %s", text)
	p.pause()
	if err := p.refused(ctx, borrower, "types it wrong", drive.SignWithCode(id, party, shown, otherCode(code)), http.StatusUnprocessableEntity, "code-wrong"); err != nil {
		return err
	}
	signing, err = ask[drive.Signing](ctx, p, borrower, "types it right, and signs what was shown (签署)", drive.SignWithCode(id, party, shown, code), http.StatusCreated)
	if err != nil {
		return err
	}
	if signing.ApplicationStatus != "signed" || len(signing.Missing) != 0 || signing.Parties[0].Signature == nil {
		return differs("the contract", signing.ApplicationStatus, "signed")
	}
	p.show("%s at %s; the hash of the page that was shown is kept with it; the application is %s", signing.Parties[0].Signature.MethodLabel,
		signing.Parties[0].Signature.SignedAt.In(beijing).Format("15:04:05"), signing.ApplicationStatus)
	p.pause()
	return p.verified(ctx, borrower, id)
}

// otherCode is a code of six digits that was not sent.
func otherCode(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// readContract reads the page as the signer sees it, and returns the hash of what was shown. The page must say all of wanted.
func (p *play) readContract(ctx context.Context, who player, id string, signing drive.Signing, wanted ...string) (shownSHA256 string, err error) {
	p.tell("%s reads the contract (合同网页)", who.Name)
	call := drive.Read("/v1/applications/" + id + "/contract.html")
	answer, err := who.session.Do(ctx, call)
	if err != nil {
		return "", err
	}
	p.exchange(call, answer)
	sum := sha256.Sum256(answer.Body)
	shownSHA256 = hex.EncodeToString(sum[:])
	if answer.Status != http.StatusOK || shownSHA256 != signing.HTMLSHA256 {
		return "", differs("the contract's page", answer.Text()+" "+shownSHA256, "the page whose hash is "+signing.HTMLSHA256)
	}
	for _, words := range append(wanted, signing.ContractNo) {
		if !strings.Contains(string(answer.Body), words) {
			return "", fmt.Errorf("the contract's page does not say %q", words)
		}
	}
	p.show("%d bytes, SHA-256 %s…; it says %s", len(answer.Body), shownSHA256[:16], strings.Join(wanted, ", "))
	p.pause()
	return shownSHA256, nil
}

// verified has every hash of the contract computed again.
func (p *play) verified(ctx context.Context, who player, id string) error {
	v, err := ask[drive.Verification](ctx, p, who, "has the contract verified (验真)", drive.Read("/v1/applications/"+id+"/contract/verify"), http.StatusOK)
	if err != nil {
		return err
	}
	if !v.Intact || !v.PrintsSame || v.ContractMatches == nil || !*v.ContractMatches {
		return differs("the verification", v, "everything as it was signed")
	}
	p.show("text, page, signatures and the contract on record agree")
	p.pause()
	return nil
}

// requestedAlone asks for the money in the app.
func (p *play) requestedAlone(ctx context.Context, borrower player, id string) (drive.Disbursement, error) {
	d, err := ask[drive.Disbursement](ctx, p, borrower, "asks for the money (申请放款)", drive.RequestDisbursement(id), http.StatusCreated)
	if err != nil {
		return d, err
	}
	if d.Status != "requested" || d.Amount.String() != p.facts.Amount {
		return d, differs("the disbursement", d.Status+" "+d.Amount.String(), "requested "+p.facts.Amount)
	}
	p.show("%s yuan to %s %s; %s (%s)", d.Amount.Grouped(), d.Transfers[0].PayeeName, d.Transfers[0].PayeeAccount, d.StatusLabel, d.Status)
	p.pause()
	return d, nil
}

// releasedBy releases a payment.
func (p *play) releasedBy(ctx context.Context, releaser player, id string) error {
	d, err := ask[drive.Disbursement](ctx, p, releaser, "releases the payment (放行)", drive.Release(id), http.StatusOK)
	if err != nil {
		return err
	}
	if d.ReleasedAt == nil {
		return differs("the disbursement", d.Status, "released")
	}
	p.show("%s (%s); a worker now sends it to the payment channel", d.StatusLabel, d.Status)
	p.pause()
	return nil
}

// nobodyBeforeTheRelease reads the history: whatever happened before the release was done by the borrower, and the release by
// the lender's first and only pair of hands.
func (p *play) nobodyBeforeTheRelease(ctx context.Context, borrower player, id string) error {
	trail, err := ask[drive.Events](ctx, p, borrower, "reads the whole history", drive.Read("/v1/applications/"+id+"/events"), http.StatusOK)
	if err != nil {
		return err
	}
	if len(trail.Items) == 0 {
		return errors.New("the history is empty")
	}
	p.history(trail.Items)
	released := slices.IndexFunc(trail.Items, func(e drive.Event) bool { return e.Action == "release" })
	paid := slices.IndexFunc(trail.Items, func(e drive.Event) bool { return e.Subject == "application" && e.Action == "disburse" })
	if released < 0 || paid < released {
		return differs("the history", len(trail.Items), "a release, and then the money's arrival")
	}
	for _, e := range trail.Items[:released] {
		if e.ActorRole != "borrower" && e.ActorRole != "system" {
			return fmt.Errorf("before the release %s (%s) did %s %s; the story says that nobody of the lender did anything", e.ActorName, e.ActorRole, e.Subject, e.Action)
		}
	}
	begun := trail.Items[0].At
	p.tell("How long it took, by the history's own clock")
	p.show("from the application to the release:              %s", minutes(trail.Items[released].At.Sub(begun)))
	p.show("from the application to the money on the account: %s", minutes(trail.Items[paid].At.Sub(begun)))
	p.show("%d steps before the release, none of them by anybody of the lender", released)
	p.pause()
	if took, limit := trail.Items[paid].At.Sub(begun), time.Duration(p.facts.WithinMinutes)*time.Minute; took > limit {
		return differs("the time from the application to the money", took, "at most "+limit.String())
	}
	return nil
}

// minutes writes a time as people say it.
func minutes(d time.Duration) string {
	return fmt.Sprintf("%d min %.1f s", int(d.Minutes()), (d % time.Minute).Seconds())
}
