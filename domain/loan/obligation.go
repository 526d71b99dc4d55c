package loan

import (
	"fmt"
	"slices"
	"time"

	"fumin/domain"
)

// ActionFulfilEvidence is the deed of proving what a payment was used for (补交用途凭证).
const ActionFulfilEvidence Action = "fulfil_evidence"

// ObligationRecord is what the borrower still owes after a payment: proof of what the money was used for, by a day (用途凭证).
type ObligationRecord struct {
	ID             domain.ID
	DisbursementID domain.ID
	ApplicationID  domain.ID
	BranchID       domain.ID
	BorrowerID     domain.ID
	DueOn          domain.Date
	Evidence       Evidence  // absent until fulfilled
	FulfilledBy    domain.ID // zero until fulfilled
	FulfilledAt    time.Time
	CreatedAt      time.Time
}

// Fulfilled reports whether the proof is there.
func (r ObligationRecord) Fulfilled() bool { return !r.FulfilledAt.IsZero() }

// OweEvidence makes the obligation of a disbursement whose money has arrived on the day of at. There is one of each, so it has
// the id of its disbursement.
func OweEvidence(at time.Time, d DisbursementRecord, days int) ObligationRecord {
	return ObligationRecord{
		ID: d.ID, DisbursementID: d.ID, ApplicationID: d.ApplicationID, BranchID: d.BranchID, BorrowerID: d.BorrowerID,
		DueOn: domain.DateOf(at).AddDays(days), CreatedAt: at,
	}
}

// FulfilEvidence records the proof (补交用途凭证). It is a deed on the disbursement, whose history it belongs to.
func (d *Disbursement) FulfilEvidence(by domain.Actor, at time.Time, o ObligationRecord, evidence Evidence) (ObligationRecord, []Event, error) {
	if !slices.Contains(applicant, by.Role) {
		return o, nil, errRole(ActionFulfilEvidence, applicant)
	}
	if o.DisbursementID != d.rec.ID {
		return o, nil, fmt.Errorf("obligation %s is not of disbursement %s", o.ID, d.rec.ID)
	}
	var p domain.Problems
	evidence.Check(&p, "")
	if err := p.Err(); err != nil {
		return o, nil, err
	}
	if o.Fulfilled() {
		return o, nil, domain.Errorf(domain.KindConflict, "evidence-exists", "这笔放款的用途凭证已经登记")
	}
	o.Evidence, o.FulfilledBy, o.FulfilledAt = evidence, by.ID, at
	d.rec.Version++
	return o, []Event{d.event(by, at, ActionFulfilEvidence, d.rec.Status, Note{"obligation_id", o.ID.String()},
		Note{"due_on", o.DueOn.String()}, Note{"document_sha256", evidence.SHA256})}, nil
}
