package drive

import (
	"encoding/base64"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// CooperativeFile is what NewCooperative registers beside the business and its chair.
type CooperativeFile struct {
	RegionCode   string
	Address      string
	RegisteredOn domain.Date
}

// NewCooperative registers a farmers' co-operative (农民专业合作社) with its chair, an account of its own, and the consents to ask
// the credit registry and to show the case to a guarantee company.
func NewCooperative(b Business, chair Person, f CooperativeFile, now time.Time) Call {
	return create("/v1/borrowers", map[string]any{
		"kind": "cooperative", "name": b.Name, "credit_code": b.CreditCode, "phone": chair.Phone, "region_code": f.RegionCode, "address": f.Address,
		"organisation": map[string]any{
			"registered_on":  f.RegisteredOn,
			"representative": map[string]string{"name": chair.Name, "id_number": chair.IDNumber, "phone": chair.Phone, "role": "chair"},
			"shareholders":   []map[string]string{{"name": chair.Name, "id_number": chair.IDNumber, "share_pct": "52"}},
		},
		"payout_account": map[string]string{
			"number": b.Account, "account_name": b.Name, "bank_name": "高唐农商行", "verified_how": "document_seen",
		},
		"consents": []map[string]string{creditConsent(now), {
			"kind": "guarantee_sharing", "text_version": "guarantee-2026.1", "given_how": "paper", "given_at": anHourBefore(now),
		}},
	})
}

// Harvest is a day after a harvest and the share of the principal that is due on it.
type Harvest struct {
	DueOn    domain.Date `json:"due_on"`
	SharePct string      `json:"share_pct"`
}

// OpenSeasonal asks for a loan that is repaid after the harvests.
func OpenSeasonal(borrowerID string, r Request, harvests []Harvest) Call {
	return create("/v1/applications", map[string]any{
		"borrower_id": borrowerID, "product_code": r.ProductCode, "amount": r.Amount, "term_months": r.TermMonths,
		"repayment_method": r.RepaymentMethod, "harvests": harvests, "purpose": r.Purpose, "purpose_note": r.PurposeNote,
	})
}

// RecordDocument records a paper that was received (资料).
func RecordDocument(applicationID, kind, reference string, on domain.Date) Call {
	return create("/v1/applications/"+applicationID+"/documents", map[string]string{"type": kind, "received_on": on.String(), "reference": reference})
}

// RecordSiteVisit records a visit by the caller and a second person, who has yet to confirm it.
func RecordSiteVisit(applicationID, secondID string, on domain.Date, findings string) Call {
	return create("/v1/applications/"+applicationID+"/site-visits", map[string]any{"second_id": secondID, "visited_on": on, "findings": findings})
}

// ConfirmSiteVisit is the second person's word.
func ConfirmSiteVisit(visitID string) Call { return Post("/v1/site-visits/"+visitID+"/confirm", nil) }

// CompleteTask does a task of the review.
func CompleteTask(taskID, result string) Call {
	return Post("/v1/tasks/"+taskID+"/complete", map[string]string{"result": result})
}

// Approve grants what was asked.
func Approve(applicationID string) Call {
	return Post("/v1/applications/"+applicationID+"/approve", nil)
}

// GuaranteeAnswer is a guarantee company's agreement on a condition.
type GuaranteeAnswer struct {
	LetterNo    string
	Amount      string
	FeePct      string
	ExpiresOn   domain.Date
	Conditions  string
	CounterNote string
}

// AnswerGuarantee agrees on a condition (附条件同意担保).
func AnswerGuarantee(id string, a GuaranteeAnswer) Call {
	return Post("/v1/guarantee/requests/"+id+"/answer", map[string]any{
		"decision": "conditional", "letter_no": a.LetterNo, "amount": a.Amount, "fee_pct": a.FeePct, "expires_on": a.ExpiresOn,
		"conditions": a.Conditions, "counter_guarantee": "other", "counter_note": a.CounterNote,
	})
}

// FulfilGuarantee records that the conditions are met, and by what.
func FulfilGuarantee(id, how string) Call {
	return Post("/v1/guarantee/requests/"+id+"/fulfil", map[string]string{"reason": how})
}

// ContractSeller is whom the lender pays instead of the borrower (受托支付).
type ContractSeller struct {
	Name     string `json:"name"`
	Account  string `json:"account"`
	BankName string `json:"bank_name"`
	Amount   string `json:"amount"`
	For      string `json:"for"`
}

// PrepareContractWith has a text made that names a guarantor (保证人), who signs beside the borrower, and sellers.
func PrepareContractWith(applicationID string, guarantor Person, sellers ...ContractSeller) Call {
	return create("/v1/applications/"+applicationID+"/contract/prepare", map[string]any{
		"parties": []map[string]string{{"role": "guarantor", "name": guarantor.Name, "id_number": guarantor.IDNumber, "phone": guarantor.Phone}},
		"sellers": append([]ContractSeller{}, sellers...),
	})
}

// SignOnTablet signs the page whose hash this is with a drawing, a PNG.
func SignOnTablet(applicationID, partyID, shownSHA256 string, drawing []byte) Call {
	return create("/v1/applications/"+applicationID+"/contract/signatures", map[string]string{
		"party_id": partyID, "method": "tablet_drawing", "shown_sha256": shownSHA256, "drawing_base64": base64.StdEncoding.EncodeToString(drawing),
	})
}

// PayeeOrder is one payee of a disbursement. To the borrower only method and amount are given.
type PayeeOrder struct {
	Method            string `json:"method"`
	Amount            string `json:"amount"`
	AccountName       string `json:"account_name,omitempty"`
	Account           string `json:"account,omitempty"`
	BankName          string `json:"bank_name,omitempty"`
	DocumentReference string `json:"document_reference,omitempty"`
	DocumentSHA256    string `json:"document_sha256,omitempty"`
}

// RequestPayees asks that the contract's amount be paid to several.
func RequestPayees(applicationID string, payees []PayeeOrder) Call {
	return create("/v1/applications/"+applicationID+"/disbursements", map[string]any{"payees": payees})
}

// What the answers of a review say, as far as a story tells it.
type (
	// Me is who is logged in.
	Me struct {
		ID string `json:"id"`
	}
	// Task is 审查事项.
	Task struct {
		ID          string    `json:"id"`
		Kind        string    `json:"kind"`
		KindLabel   string    `json:"kind_label"`
		Blocking    bool      `json:"blocking"`
		Text        string    `json:"text"`
		OwnerRole   string    `json:"owner_role"`
		DueAt       time.Time `json:"due_at"`
		Status      string    `json:"status"`
		StatusLabel string    `json:"status_label"`
		Result      string    `json:"result"`
	}
	// Tasks is the list of a case.
	Tasks struct {
		Items []Task `json:"items"`
	}
	// SiteVisit is 实地调查.
	SiteVisit struct {
		ID             string     `json:"id"`
		InvestigatorID string     `json:"investigator_id"`
		SecondID       string     `json:"second_id"`
		ConfirmedAt    *time.Time `json:"confirmed_at"`
	}
	// Guarantee is 担保, as the lender and as the company sees it.
	Guarantee struct {
		ID          string       `json:"id"`
		Amount      money.Amount `json:"amount"`
		TermMonths  int          `json:"term_months"`
		FeeMaxPct   string       `json:"fee_max_pct"`
		Status      string       `json:"status"`
		StatusLabel string       `json:"status_label"`
	}
	// Guarantees are those of a case.
	Guarantees struct {
		Items []Guarantee `json:"items"`
	}
	// GuaranteeCases are those of a company.
	GuaranteeCases = Guarantees
	// Obligation is proof of use that is due (用途凭证).
	Obligation struct {
		DisbursementID string      `json:"disbursement_id"`
		DueOn          domain.Date `json:"due_on"`
		Fulfilled      bool        `json:"fulfilled"`
	}
	// Obligations is the list.
	Obligations struct {
		Items []Obligation `json:"items"`
	}
)
