package origination

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// ContractPrinter prints documents (合同打印). Both forms say the same words; equal documents give equal bytes.
type ContractPrinter interface {
	HTML(d loan.Document) ([]byte, error)
	// PDF refuses with "font-missing" where the machine has no Chinese font, and with "glyph-missing" where the font lacks a
	// character of the document.
	PDF(d loan.Document) ([]byte, error)
}

// PrepareContract asks for a text of an approved application. What the registers know is taken from them: the borrower, the
// spouse and the members; Parties adds guarantors, and phones by identity number.
type PrepareContract struct {
	ID         domain.ID // of the application
	ContractNo string    // empty: one is made
	Parties    []loan.Party
	Sellers    []loan.ContractPayee // 受托支付; what they leave of the amount goes to the borrower's own account
}

// Prepare makes the text that will be signed (生成合同文本): frozen, by the reference rate of today. An earlier text of the
// application can no longer be signed.
func (s *Signatures) Prepare(ctx context.Context, by domain.Actor, key Idempotency, cmd PrepareContract) (prepared SigningState, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return SigningState{}, false, err
	}
	if by.Role == domain.RoleBorrower && (len(cmd.Parties) > 0 || len(cmd.Sellers) > 0) {
		return SigningState{}, false, domain.Errorf(domain.KindForbidden, "role-not-allowed", "其他签约人和受托支付的收款人，请由客户经理录入")
	}
	now := s.now()
	today := domain.DateOf(now)
	if cmd.ContractNo == "" {
		if cmd.ContractNo, err = s.numbers.Next(ctx, "HT", today); err != nil {
			return SigningState{}, false, err
		}
	}
	id := s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			prepared, err = signingState(ctx, tx, by, app.Record())
			replayed = true
			return err
		}
		if err := app.May(by, loan.ActionSign); err != nil {
			return err
		}
		if err := approvalValid(app.Record(), now, s.approvalValidDays); err != nil {
			return err
		}
		text, err := s.makeText(ctx, tx, by, app.Record(), cmd, id, now)
		if err != nil {
			return err
		}
		if err := tx.InsertContractText(ctx, text, text.Prepared(by)); err != nil {
			return err
		}
		prepared, err = signingState(ctx, tx, by, app.Record())
		replayed = false
		return err
	})
	return prepared, replayed, err
}

// makeText gathers and prints. It only reads and computes.
func (s *Signatures) makeText(ctx context.Context, tx Tx, by domain.Actor, rec loan.Record, cmd PrepareContract, id domain.ID, now time.Time) (loan.ContractText, error) {
	today := domain.DateOf(now)
	number := 1
	last, err := tx.ContractText(ctx, by.Scope(), rec.ID)
	switch {
	case err == nil:
		number = last.Number + 1
	case domain.CodeOf(err) != "contract-text-not-found":
		return loan.ContractText{}, err
	}
	if number > loan.TextsMax {
		return loan.ContractText{}, domain.Errorf(domain.KindRule, "contract-texts-exhausted", "这笔申请已生成 %d 份合同文本，不能再生成：请登记纸质合同，或撤回后重新申请", loan.TextsMax)
	}
	offer, err := makeOffer(ctx, tx, rec, today)
	if err != nil {
		return loan.ContractText{}, err
	}
	parties, membersMin, err := s.parties(ctx, tx, rec, offer, cmd.Parties, today)
	if err != nil {
		return loan.ContractText{}, err
	}
	payees, err := payeesOf(ctx, tx, rec, offer, cmd.Sellers)
	if err != nil {
		return loan.ContractText{}, err
	}
	text := loan.ContractText{
		ID: id, ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID, Number: number, ContractNo: cmd.ContractNo,
		SignedOn: today, TextVersion: contractTextVersion, Parties: parties, MembersMin: membersMin, Payees: payees,
		PreparedBy: by.ID, PreparedAt: now,
	}
	document, err := documentOf(ctx, tx, rec, text, offer)
	if err != nil {
		return loan.ContractText{}, err
	}
	if text.Content, err = document.Canonical(); err != nil {
		return loan.ContractText{}, err
	}
	if text.HTML, err = s.printer.HTML(document); err != nil {
		return loan.ContractText{}, err
	}
	text.ContentSHA256, text.HTMLSHA256 = loan.SHA256(text.Content), loan.SHA256(text.HTML)
	pdf, err := s.printer.PDF(document)
	switch code := domain.CodeOf(err); {
	case err == nil:
		text.PDFSHA256 = loan.SHA256(pdf)
	case code != "font-missing" && code != "glyph-missing": // the page can be signed without; whoever asks for the PDF is told why
		return loan.ContractText{}, err
	}
	return text, nil
}

// documentOf says a text in words as of its day.
func documentOf(ctx context.Context, r Reader, rec loan.Record, text loan.ContractText, offer Offer) (loan.Document, error) {
	branch, err := r.Branch(ctx, domain.Scope{Everything: true}, rec.BranchID)
	if err != nil {
		return loan.Document{}, err
	}
	offered, err := r.Product(ctx, rec.ProductCode)
	if err != nil {
		return loan.Document{}, err
	}
	return contractDocument(contractBasis{
		contractNo: text.ContractNo, rec: rec, lender: branch.Name, product: offered.Name, offer: offer,
		parties: text.Parties, membersMin: text.MembersMin, payees: text.Payees,
	})
}

// payeesOf are the sellers and, with the rest, the borrower: of what the contract pays, which a renewal does only beyond what it
// takes over. Where the product asks for entrusted payment there is a seller,
// and the rest is no more than the borrower may be paid.
func payeesOf(ctx context.Context, r Reader, rec loan.Record, offer Offer, sellers []loan.ContractPayee) ([]loan.ContractPayee, error) {
	var p domain.Problems
	var sold money.Amount
	for i, seller := range sellers {
		borrower.CheckBankName(&p, "/sellers/"+strconv.Itoa(i)+"/bank_name", seller.Payee.BankName)
		sold = sold.Add(seller.Amount)
	}
	toPay := offer.Amount.Sub(offer.Renews.Principal)
	rest := toPay.Sub(sold)
	version, err := r.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return nil, err
	}
	switch {
	case rest.Sign() < 0:
		p.Add("/sellers", "above-amount", "受托支付合计 %s 元，超过合同可支付的金额 %s 元", sold.Grouped(), toPay.Grouped())
	case rest.Sign() > 0 && version.NeedsEntrustedPayment(purposeKind(rec.Request.Purpose), rest):
		p.Add("/sellers", "entrusted-payment-required", "%s 元须由贷款人直接付给交易对手（受托支付）：请填写收款人和交易，使付给借款人本人的余额不超过产品起点", rest.Grouped())
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	payees := slices.Clone(sellers)
	if rest.Sign() > 0 {
		own, err := payee(ctx, r, rec.BorrowerID)
		if err != nil {
			return nil, err
		}
		payees = append(payees, loan.ContractPayee{Method: loan.SelfPayment, Payee: own, Amount: rest})
	}
	return payees, nil
}

// stillHolds makes the offer of the text's day again and refuses when it would say other words now, or when today's rate is
// another one: a contract says the terms of the day on which it is signed.
func stillHolds(ctx context.Context, r Reader, rec loan.Record, text loan.ContractText, today domain.Date) (Offer, error) {
	offer, err := makeOffer(ctx, r, rec, text.SignedOn)
	if err != nil {
		return Offer{}, err
	}
	document, err := documentOf(ctx, r, rec, text, offer)
	if err != nil {
		return Offer{}, err
	}
	content, err := document.Canonical()
	if err != nil {
		return Offer{}, err
	}
	outdated := !bytes.Equal(content, text.Content)
	if !outdated && today != text.SignedOn {
		priced, err := makeOffer(ctx, r, rec, today)
		if err != nil {
			return Offer{}, err
		}
		outdated = !priced.AnnualRate.Equal(offer.AnnualRate)
	}
	if outdated {
		return Offer{}, domain.Errorf(domain.KindConflict, "contract-text-outdated", "合同文本生成以后，利率、批复、产品、担保或续贷的未还本金已有变化：请重新生成合同再签署")
	}
	return offer, nil
}

// HTML returns the page that was made for signing, byte for byte. A look by staff is recorded in the borrower's file, because
// a contract names people in full.
func (s *Signatures) HTML(ctx context.Context, by domain.Actor, id domain.ID) (loan.ContractText, error) {
	return s.look(ctx, by, id)
}

// PDF prints the text. It refuses as ContractPrinter.PDF does.
func (s *Signatures) PDF(ctx context.Context, by domain.Actor, id domain.ID) (text loan.ContractText, pdf []byte, err error) {
	if text, err = s.look(ctx, by, id); err != nil {
		return loan.ContractText{}, nil, err
	}
	document, err := loan.ParseDocument(text.Content)
	if err != nil {
		return loan.ContractText{}, nil, err
	}
	pdf, err = s.printer.PDF(document)
	return text, pdf, err
}

func (s *Signatures) look(ctx context.Context, by domain.Actor, id domain.ID) (loan.ContractText, error) {
	if by.Role == domain.RoleBorrower {
		return s.store.ContractText(ctx, by.Scope(), id)
	}
	if err := by.Require(revealers...); err != nil {
		return loan.ContractText{}, err
	}
	now := s.now()
	var seen loan.ContractText
	err := s.store.Update(ctx, func(tx Tx) error {
		text, err := tx.ContractText(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		person, err := tx.Borrower(ctx, domain.Scope{Everything: true}, text.BorrowerID)
		if err != nil {
			return err
		}
		if err := tx.InsertBorrowerEvent(ctx, BorrowerEvent{
			ID: s.newID(), Subject: SubjectBorrower, SubjectID: person.ID, BranchID: person.BranchID, Action: BorrowerRevealed,
			ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: now,
			Detail: []BorrowerNote{{"reason", "查看合同 " + text.ContractNo}},
		}); err != nil {
			return err
		}
		seen = text
		return nil
	})
	return seen, err
}
