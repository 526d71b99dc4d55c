package origination

import (
	"context"
	"slices"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

// Submit puts a draft before the rules: it is approved, referred to a person, or declined with reasons. A decline is an
// outcome, not an error.
func (s *Applications) Submit(ctx context.Context, by domain.Actor, id domain.ID) (loan.Record, error) {
	if err := s.enquiries.enquire(ctx, by, id); err != nil {
		return loan.Record{}, err
	}
	now := s.now()
	today := domain.DateOf(now)
	decisionID, guaranteeID := s.newID(), s.newID()

	var submitted loan.Record
	err := s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if err := app.May(by, loan.ActionSubmit); err != nil {
			return err
		}
		person, err := tx.Borrower(ctx, domain.Scope{Everything: true}, app.Record().BorrowerID)
		if err != nil {
			return err
		}
		if err := lockMeasured(ctx, tx, app.Record(), debtorOf(person)); err != nil {
			return err
		}
		file, err := gather(ctx, tx, app.Record(), today)
		if err != nil {
			return err
		}

		judged, err := s.engines.judge(ctx, tx, app.Record(), file.facts)
		if err != nil {
			return err
		}
		outcome := file.headroom.hold(judged.Outcome, app.Record().Request.Amount)
		outcome = holdUnanswered(outcome, file.unanswered)
		submission := loan.Submission{
			DecisionID: decisionID, ProductVersionID: file.version.ID, ReferenceRateID: file.ceiling.ReferenceRateID, Outcome: outcome,
		}
		if outcome.Result == decision.Approve {
			submission.AnnualRate = outcome.AnnualRateMaxPct // the product's ceiling, or what the price rules make of it
		}
		event, err := app.Submit(by, now, submission)
		if err != nil {
			return err
		}

		rec := app.Record()
		if err := saveCaseWithin(ctx, tx, app, event, &file.headroom); err != nil {
			return err
		}
		if err := tx.InsertDecision(ctx, Decision{
			ID: decisionID, ApplicationID: rec.ID, BranchID: rec.BranchID, ApplicationVersion: rec.Version,
			Facts: file.facts, Outcome: outcome, DecidedAt: now,
			RuleSetID: judged.RuleSetID, RulesResult: judged.Outcome.Result, RulesAmount: judged.Outcome.AmountMax,
		}); err != nil {
			return err
		}
		if err := guaranteeOnSubmit(ctx, tx, by, now, guaranteeID, rec, file.version); err != nil {
			return err
		}
		if err := openTasks(ctx, tx, by, now, rec, outcome, s.newID); err != nil {
			return err
		}
		submitted = rec // last: a retried closure leaves nothing behind
		return nil
	})
	return submitted, err
}

// file is what the rules look at, gathered from the registers.
type file struct {
	facts    decision.Facts
	version  product.Version
	ceiling  product.Ceiling
	headroom headroom // as of the lock on the units; zero where the product is not offered

	unanswered []Enquiry // what other institutions were asked and did not answer
}

// gather reads what is known about the case today. What is not known stays unknown, and a rule that needs it refers.
func gather(ctx context.Context, r Reader, rec loan.Record, today domain.Date) (file, error) {
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return file{}, err
	}
	f, err := assemble(ctx, r, rec, person, today)
	if err != nil {
		return file{}, err
	}
	if offered, _ := f.facts.ProductOffered.Value(); offered {
		if err := checkRepaymentMethod(f.version, rec.Request.RepaymentMethod); err != nil {
			return file{}, err
		}
	}
	return f, nil
}

// assemble is gather for a person who has been read already, or who is not on file yet (a zero ID): the one place where the
// facts of a case are put together, for a submit and for a pre-approval alike.
func assemble(ctx context.Context, r Reader, rec loan.Record, person borrower.Borrower, today domain.Date) (file, error) {
	offered, err := r.Product(ctx, rec.ProductCode)
	if err != nil {
		return file{}, err
	}
	f := file{facts: requestFacts(rec, person, today)}
	if err := visitFacts(ctx, r, &f.facts, rec, today); err != nil {
		return file{}, err
	}
	household, err := householdOf(ctx, r, rec)
	if err != nil {
		return file{}, err
	}
	householdFacts(&f.facts, household, today)
	if err := conductFacts(ctx, r, &f.facts, rec); err != nil {
		return file{}, err
	}

	f.version, err = productVersion(ctx, r, rec.ProductCode, rec.RegionCode, today)
	if domain.CodeOf(err) == "product-not-offered" {
		f.facts.ProductOffered = decision.Known(false)
		return f, nil
	}
	if err != nil {
		return file{}, err
	}
	rates, err := r.ReferenceRates(ctx)
	if err != nil {
		return file{}, err
	}
	f.ceiling, err = f.version.Price.PriceOn(today, rates, rec.Request.ReliefIndustries()...)
	if err != nil {
		return file{}, err
	}
	productFacts(&f.facts, offered, f.version, f.ceiling)
	if err := reliefFact(&f.facts, rec.Request, f.version); err != nil {
		return file{}, err
	}
	documents, err := r.Documents(ctx, domain.Scope{Everything: true}, rec.ID)
	if err != nil {
		return file{}, err
	}
	documentFacts(&f.facts, f.version, person, household, documents, today)
	if err := guaranteeLetterFact(ctx, r, &f.facts, rec, f.version, today); err != nil {
		return file{}, err
	}
	f.headroom, err = measure(ctx, r, rec, offered, f.version.AmountMax, debtorOf(person), today)
	if err != nil {
		return file{}, err
	}
	f.headroom.facts(&f.facts)
	f.unanswered, err = enquiryFacts(ctx, r, &f.facts, rec, f.version, person, today)
	if err != nil {
		return file{}, err
	}
	return f, recommendedFact(ctx, r, &f.facts, person, offered, today)
}

// checkRepaymentMethod refuses a way of repaying that the product does not offer in the region (还款方式).
func checkRepaymentMethod(v product.Version, method schedule.Method) error {
	if slices.Contains(v.RepaymentMethods, method) {
		return nil
	}
	return domain.Errorf(domain.KindRule, "repayment-method-not-offered", "该产品在本地区不提供所选的还款方式，请修改申请后再提交")
}

// recommendedFact looks for the borrower on the recommended lists where the product asks for it and the bureau has not
// confirmed already. Who is on none stays unknown and not false: the bureau may still confirm.
func recommendedFact(ctx context.Context, r Reader, f *decision.Facts, person borrower.Borrower, p product.Product, today domain.Date) error {
	if !f.OnRecommendedList.IsUnknown() || !p.HasPartner(product.PartnerRuralRevitalisationBureau) {
		return nil
	}
	listed, err := onRecommendedList(ctx, r, person, p.ExposureUnit == product.ExposureHousehold, today)
	if listed {
		f.OnRecommendedList = decision.Known(true)
	}
	return err
}
