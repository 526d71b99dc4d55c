package drive

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/money"
)

// Request is what a borrower asks for.
type Request struct {
	ProductCode     string
	Amount          string
	TermMonths      int
	RepaymentMethod string
	Purpose         string
	PurposeNote     string
}

func newKey() string { return uuid.NewString() }

// Post is a deed that a second time does no harm; its body is nil for none.
func Post(path string, body any) Call {
	return Call{Method: http.MethodPost, Path: path, Body: body}
}

func create(path string, body any) Call {
	return Call{Method: http.MethodPost, Path: path, Body: body, Key: newKey()}
}

// NewHousehold registers a household with the person as its head.
func NewHousehold(p Person, villageCode, address string) Call {
	return create("/v1/households", map[string]any{
		"village_code": villageCode, "address": address,
		"head": map[string]string{"name": p.Name, "id_number": p.IDNumber},
	})
}

// NewBorrower registers the person as a farmer of the household, with a card the officer has seen and a signed consent to
// ask the credit registry.
func NewBorrower(p Person, householdID string, now time.Time) Call {
	return create("/v1/borrowers", map[string]any{
		"kind": "farmer", "name": p.Name, "id_number": p.IDNumber, "phone": p.Phone, "household_id": householdID,
		"payout_account": map[string]string{
			"number": p.Card, "account_name": p.Name, "bank_name": "农业银行聊城茌平支行", "verified_how": "document_seen",
		},
		"consents": []map[string]string{creditConsent(now)},
	})
}

// ShopFile is what NewSoleProprietor registers beside the person.
type ShopFile struct {
	BusinessName string // 字号
	RegionCode   string
	Address      string
}

// NewSoleProprietor registers the person as a sole proprietor (个体工商户), with a card the officer has seen, a signed consent
// to ask the credit registry, and the notice on personal data.
func NewSoleProprietor(p Person, f ShopFile, now time.Time) Call {
	return create("/v1/borrowers", map[string]any{
		"kind": "sole_proprietor", "name": p.Name, "id_number": p.IDNumber, "credit_code": p.CreditCode, "business_name": f.BusinessName,
		"phone": p.Phone, "region_code": f.RegionCode, "address": f.Address,
		"payout_account": map[string]string{
			"number": p.Card, "account_name": p.Name, "bank_name": "农业银行聊城莘县支行", "verified_how": "document_seen",
		},
		"consents": []map[string]string{creditConsent(now), {
			"kind": "privacy_notice", "text_version": "privacy-2026.1", "given_how": "paper", "given_at": anHourBefore(now),
		}},
	})
}

func anHourBefore(now time.Time) string { return now.Add(-time.Hour).UTC().Format(time.RFC3339) }

// creditConsent is a consent to ask the credit registry, signed an hour ago for a year.
func creditConsent(now time.Time) map[string]string {
	return map[string]string{
		"kind": "credit_enquiry", "text_version": "credit-2026.1", "given_how": "paper",
		"given_at": anHourBefore(now), "until": domain.DateOf(now).AddMonths(12).String(),
	}
}

// AddLicence registers a licence of a borrower. Without an end it is for good.
func AddLicence(borrowerID, kind, number string, issuedOn, expiresOn domain.Date) Call {
	licence := map[string]string{"kind": kind, "no": number, "issued_on": issuedOn.String()}
	if !expiresOn.IsZero() {
		licence["expires_on"] = expiresOn.String()
	}
	return create("/v1/borrowers/"+borrowerID+"/licences", licence)
}

// OpenAlone asks for a loan as a borrower does for himself: no officer has been there.
func OpenAlone(borrowerID string, r Request) Call {
	return create("/v1/applications", map[string]any{
		"borrower_id": borrowerID, "product_code": r.ProductCode, "amount": r.Amount, "term_months": r.TermMonths,
		"repayment_method": r.RepaymentMethod, "purpose": r.Purpose, "purpose_note": r.PurposeNote,
	})
}

// OpenApplication asks for a loan. The site visit is today's, and the bureau has confirmed that the household is on its list.
func OpenApplication(borrowerID string, r Request, today domain.Date) Call {
	return create("/v1/applications", map[string]any{
		"borrower_id": borrowerID, "product_code": r.ProductCode, "amount": r.Amount, "term_months": r.TermMonths,
		"repayment_method": r.RepaymentMethod, "purpose": r.Purpose, "purpose_note": r.PurposeNote,
		"site_visit_on": today.String(), "bureau_confirmation_no": "乡振名单-2026-" + newKey()[:8],
	})
}

// Submit puts the application to the rules.
func Submit(applicationID string) Call {
	return Post("/v1/applications/"+applicationID+"/submit", nil)
}

// Sign records the contract that was signed today.
func Sign(applicationID, contractNo string, today domain.Date) Call {
	return Post("/v1/applications/"+applicationID+"/sign", map[string]string{"contract_no": contractNo, "signed_on": today.String()})
}

// QuoteGuaranteed asks what the loan would cost with the guarantee company's fee, paid yearly in advance (担保费).
func QuoteGuaranteed(r Request, annualRatePct, feePctAYear string, today domain.Date) Call {
	return Post("/v1/quotes", map[string]any{
		"principal": r.Amount, "annual_rate_pct": annualRatePct, "repayment_method": r.RepaymentMethod, "periods": r.TermMonths,
		"frequency": map[string]any{"unit": "month", "every": 1}, "disbursed_on": today, "day_count": "30/360",
		"fees": []map[string]any{{"kind": "guarantee_fee", "rate_pct_a_year": feePctAYear, "on": "balance", "when": "yearly"}},
	})
}

// Quotation is the answer to a quote, as far as stories look at it.
type Quotation struct {
	Totals struct {
		Interest, Fees money.Amount
	} `json:"totals"`
	YearlyCost struct {
		NominalPct      string `json:"nominal_pct"`
		APREffectivePct string `json:"apr_effective_pct"`
		APRNominalPct   string `json:"apr_nominal_pct"`
	} `json:"yearly_cost"`
}

// NewContractNo makes a contract number that nobody has.
func NewContractNo() string { return "HT-" + newKey() }

// PrepareContract has the text made that will be signed: everything to the borrower.
func PrepareContract(applicationID string) Call {
	return create("/v1/applications/"+applicationID+"/contract/prepare", map[string]any{})
}

// SendCode has a signing code sent to a party's phone.
func SendCode(applicationID, partyID string) Call {
	return Post("/v1/applications/"+applicationID+"/contract/codes", map[string]string{"party_id": partyID})
}

// SignWithCode signs the page whose hash this is with the code that came to the phone.
func SignWithCode(applicationID, partyID, shownSHA256, code string) Call {
	return create("/v1/applications/"+applicationID+"/contract/signatures", map[string]string{
		"party_id": partyID, "method": "sms_code", "shown_sha256": shownSHA256, "code": code,
	})
}

// RequestDisbursement asks that the contract's amount be paid.
func RequestDisbursement(applicationID string) Call {
	return create("/v1/applications/"+applicationID+"/disbursements", nil)
}

// Release lets the money go.
func Release(disbursementID string) Call {
	return create("/v1/disbursements/"+disbursementID+"/release", nil)
}

// Repay reports a repayment of principal as the core system does; its own number is its key.
func Repay(noteID, repaymentNo string, paidOn domain.Date, principal string) Call {
	return Post("/v1/loan-notes/"+noteID+"/repayments", map[string]string{
		"repayment_no": repaymentNo, "paid_on": paidOn.String(), "principal": principal, "interest": "0.00",
	})
}

// Draw asks for money of a line.
func Draw(applicationID, amount string) Call {
	return create("/v1/lines/"+applicationID+"/draws", map[string]string{"amount": amount})
}

// Close ends the case.
func Close(applicationID string) Call {
	return Post("/v1/applications/"+applicationID+"/close", nil)
}

// Read reads an address.
func Read(path string) Call { return Call{Method: http.MethodGet, Path: path} }

// What the answers say, as far as a story tells it.
type (
	// Household is 户.
	Household struct {
		ID          string `json:"id"`
		VillageCode string `json:"village_code"`
		Address     string `json:"address"`
		Members     []struct {
			Name     string  `json:"name"`
			IDNumber *string `json:"id_number"`
		} `json:"members"`
	}
	// Borrower is 借款人.
	Borrower struct {
		ID       string  `json:"id"`
		Kind     string  `json:"kind"`
		Name     string  `json:"name"`
		IDNumber *string `json:"id_number"`
		AgeYears *int    `json:"age_years"`
		Phone    string  `json:"phone"`
		Accounts []struct {
			Number string `json:"number"`
		} `json:"accounts"`
	}
	// Application is 贷款申请.
	Application struct {
		ID            string       `json:"id"`
		ApplicationNo string       `json:"application_no"`
		Status        string       `json:"status"`
		StatusLabel   string       `json:"status_label"`
		Amount        money.Amount `json:"amount"`
		TermMonths    int          `json:"term_months"`
		Version       int          `json:"version"`
		Approval      *struct {
			Amount        money.Amount `json:"amount"`
			TermMonths    int          `json:"term_months"`
			AnnualRatePct money.Rate   `json:"annual_rate_pct"`
			ByRules       bool         `json:"by_rules"`
		} `json:"approval"`
	}
	// Decision is what the rules said.
	Decision struct {
		Result        string   `json:"result"`
		RuleSet       string   `json:"rule_set"`
		TermMonthsMax int      `json:"term_months_max"`
		Reasons       []Reason `json:"reasons"`
		WaysForward   []struct {
			TermMonths int    `json:"term_months"`
			Result     string `json:"result"`
			Text       string `json:"text"`
		} `json:"ways_forward"`
	}
	// Reason is one rule's word on a case.
	Reason struct {
		Code       string `json:"code"`
		Effect     string `json:"effect"`
		Text       string `json:"text"`
		Value      string `json:"value"`
		Threshold  string `json:"threshold"`
		Suggestion string `json:"suggestion"`
	}
	// Plan is the repayment plan with the yearly cost.
	Plan struct {
		Signed           bool         `json:"signed"`
		StartsOn         domain.Date  `json:"starts_on"`
		Amount           money.Amount `json:"amount"`
		TermMonths       int          `json:"term_months"`
		RepaymentMethod  string       `json:"repayment_method"`
		AnnualRatePct    money.Rate   `json:"annual_rate_pct"`
		ReferenceRatePct money.Rate   `json:"reference_rate_pct"`
		APREffectivePct  string       `json:"apr_effective_pct"`
		InterestTotal    money.Amount `json:"interest_total"`
		Instalments      []Instalment `json:"instalments"`
	}
	// Instalment is one row of the plan.
	Instalment struct {
		Number         int          `json:"number"`
		DueOn          domain.Date  `json:"due_on"`
		Principal      money.Amount `json:"principal"`
		Interest       money.Amount `json:"interest"`
		Fees           money.Amount `json:"fees"`
		Total          money.Amount `json:"total"`
		ClosingBalance money.Amount `json:"closing_balance"`
	}
	// Signing is a contract's text and who has signed it (合同签署).
	Signing struct {
		ApplicationStatus string `json:"application_status"`
		ContractNo        string `json:"contract_no"`
		HTMLSHA256        string `json:"html_sha256"`
		Parties           []struct {
			ID         string `json:"id"`
			Role       string `json:"role"`
			SignerName string `json:"signer_name"`
			Phone      string `json:"phone"`
			Signature  *struct {
				Method      string    `json:"method"`
				MethodLabel string    `json:"method_label"`
				SignedAt    time.Time `json:"signed_at"`
			} `json:"signature"`
		} `json:"parties"`
		Missing []string `json:"missing"`
		Payees  []struct {
			Method      string       `json:"method"`
			MethodLabel string       `json:"method_label"`
			Name        string       `json:"name"`
			Account     string       `json:"account"`
			Amount      money.Amount `json:"amount"`
			For         string       `json:"for"`
		} `json:"payees"`
	}
	// Verification is what became of every hash of a signed contract.
	Verification struct {
		Intact          bool  `json:"intact"`
		PrintsSame      bool  `json:"prints_same"`
		ContractMatches *bool `json:"contract_matches"`
	}
	// Disbursement is 放款.
	Disbursement struct {
		ID            string       `json:"id"`
		ApplicationID string       `json:"application_id"`
		Amount        money.Amount `json:"amount"`
		Status        string       `json:"status"`
		StatusLabel   string       `json:"status_label"`
		ReleasedAt    *time.Time   `json:"released_at"`
		SettledAt     *time.Time   `json:"settled_at"`
		Transfers     []Transfer   `json:"transfers"`
	}
	// Transfer is the money for one payee (付款).
	Transfer struct {
		ID               string       `json:"id"`
		Method           string       `json:"method"`
		MethodLabel      string       `json:"method_label"`
		Amount           money.Amount `json:"amount"`
		PayeeName        string       `json:"payee_name"`
		PayeeAccount     string       `json:"payee_account"`
		Status           string       `json:"status"`
		StatusLabel      string       `json:"status_label"`
		ChannelReference string       `json:"channel_reference"`
		Attempts         int          `json:"attempts"`
		LastError        string       `json:"last_error"`
	}
	// Event is one line of the history of a case.
	Event struct {
		Subject     string    `json:"subject"`
		Action      string    `json:"action"`
		ActionLabel string    `json:"action_label"`
		From        string    `json:"from"`
		To          string    `json:"to"`
		ActorName   string    `json:"actor_name"`
		ActorRole   string    `json:"actor_role"`
		At          time.Time `json:"at"`
	}
	// Events is the history.
	Events struct {
		Items []Event `json:"items"`
	}
)

// Team are the people a loan passes through.
type Team struct {
	Officer  *Session
	Releaser *Session
}

// Team logs both people in.
func (s *Service) Team(ctx context.Context, officer, releaser, password string) (Team, error) {
	first, _, err := s.Login(ctx, officer, password)
	if err != nil {
		return Team{}, err
	}
	second, _, err := s.Login(ctx, releaser, password)
	return Team{Officer: first, Releaser: second}, err
}

// Register creates the person's household and the person, and returns the borrower's id.
func (t Team) Register(ctx context.Context, p Person, villageCode, address string, now time.Time) (borrowerID string, err error) {
	household, err := Ask[Household](ctx, t.Officer, NewHousehold(p, villageCode, address), http.StatusCreated)
	if err != nil {
		return "", err
	}
	borrower, err := Ask[Borrower](ctx, t.Officer, NewBorrower(p, household.ID, now), http.StatusCreated)
	return borrower.ID, err
}

// UntilSigned takes a loan from the application to the contract: open, submit (the rules must approve), sign.
func (t Team) UntilSigned(ctx context.Context, borrowerID string, r Request, today domain.Date) (Application, error) {
	application, err := Ask[Application](ctx, t.Officer, OpenApplication(borrowerID, r, today), http.StatusCreated)
	if err != nil {
		return Application{}, err
	}
	application, err = Ask[Application](ctx, t.Officer, Submit(application.ID), http.StatusOK)
	if err != nil {
		return Application{}, err
	}
	if application.Status != "approved" {
		return Application{}, fmt.Errorf("application %s: the rules say %s; expected approved", application.ID, application.Status)
	}
	return Ask[Application](ctx, t.Officer, Sign(application.ID, NewContractNo(), today), http.StatusOK)
}

// UntilRequested goes on to the requested disbursement.
func (t Team) UntilRequested(ctx context.Context, borrowerID string, r Request, today domain.Date) (Disbursement, error) {
	application, err := t.UntilSigned(ctx, borrowerID, r, today)
	if err != nil {
		return Disbursement{}, err
	}
	return Ask[Disbursement](ctx, t.Officer, RequestDisbursement(application.ID), http.StatusCreated)
}
