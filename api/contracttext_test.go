package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
)

// What an approval offers is open until a day, and costs what the contract says afterwards, with the part that the state pays apart.
func TestAnOfferEndsOnItsDayAndItsSubsidyIsInTheContract(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.exec("UPDATE product_versions SET document = JSON_SET(document, '$.interest_subsidy_share_pct', '50')")
	a := r.approved(1)
	type costs struct {
		InterestTotal      string `json:"interest_total"`
		SubsidyTotal       string `json:"subsidy_total"`
		APREffectivePct    string `json:"apr_effective_pct"`
		APRAfterSubsidyPct string `json:"apr_after_subsidy_pct"`
	}
	var offer struct {
		costs

		ValidUntil time.Time `json:"valid_until"`
	}
	r.officer().get(pathOf(a.ID, "/plan")).want(http.StatusOK).into(&offer)
	if want := time.Date(2026, 9, 22, 1, 30, 0, 0, time.UTC); !offer.ValidUntil.Equal(want) {
		t.Errorf("the offer of 23 August is good until %s, want %s", offer.ValidUntil, want)
	}
	if offer.SubsidyTotal == "0.00" || offer.APRAfterSubsidyPct >= offer.APREffectivePct {
		t.Errorf("half of the interest is subsidised: %+v, want a lower cost after it", offer)
	}
	r.prepared(a.ID, fields{})
	page, _ := shown(r.officer(), a.ID)
	for _, want := range []string{"财政贴息", "贴息后综合年化成本", offer.APRAfterSubsidyPct + "%", offer.APREffectivePct + "%"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	r.at(time.Date(2026, 9, 22, 1, 29, 59, 0, time.UTC))
	s := r.prepared(a.ID, fields{})
	r.officer().get(pathOf(a.ID, "/plan")).want(http.StatusOK).into(&offer)
	r.at(time.Date(2026, 9, 22, 1, 30, 0, 0, time.UTC))
	sign := func() answer {
		return signBy(r.officer(), a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing})
	}
	sign().wantProblem(http.StatusUnprocessableEntity, "approval-expired")
	r.at(time.Date(2026, 9, 22, 1, 29, 59, 0, time.UTC))
	sign().want(http.StatusCreated)
	var signed costs
	r.officer().get(pathOf(a.ID, "/contract")).want(http.StatusOK).into(&signed)
	if diff := cmp.Diff(offer.costs, signed); diff != "" {
		t.Errorf("the contract's costs differ from the offer's (-offered +signed):\n%s", diff)
	}
	// The last day that the text says is the line's, whenever the money comes.
	var line struct {
		EndsOn domain.Date `json:"ends_on"`
	}
	r.officer().get(linePath(a.ID, "")).want(http.StatusOK).into(&line)
	page, _ = shown(r.officer(), a.ID)
	if last := fmt.Sprintf("最后到期日为 %d年%d月%d日", line.EndsOn.Year(), int(line.EndsOn.Month()), line.EndsOn.Day()); !strings.Contains(page, last) {
		t.Errorf("the page lacks %q, the line's last day", last)
	}
}

func TestAnAlteredContractIsFoundOut(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.approved(1)
	s := r.prepared(a.ID, fields{})
	signBy(r.officer(), a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated)
	r.exec("UPDATE contract_texts SET html_sha256 = REPEAT('0', 64)")
	verified := string(r.officer().get(pathOf(a.ID, "/contract/verify")).want(http.StatusOK).body)
	if !strings.Contains(verified, `"intact":false`) {
		t.Errorf("an altered hash passes: %s", verified)
	}
	r.exec("UPDATE contract_texts SET html_sha256 = ?", s.HTMLSHA256)
	r.exec("UPDATE signatures SET shown_sha256 = REPEAT('0', 64)")
	verified = string(r.officer().get(pathOf(a.ID, "/contract/verify")).want(http.StatusOK).body)
	if !strings.Contains(verified, `"intact":false`) || !strings.Contains(verified, `"shown_matches":false`) {
		t.Errorf("an altered signature passes: %s", verified)
	}
}

func TestThePDFIsTheSameEachTimeAndLeavesNoBoxes(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.approved(1)
	s := r.prepared(a.ID, fields{})
	first := r.officer().get(pathOf(a.ID, "/contract.pdf")).want(http.StatusOK)
	second := r.officer().get(pathOf(a.ID, "/contract.pdf")).want(http.StatusOK)
	sum := sha256.Sum256(first.body)
	if !strings.HasPrefix(string(first.body), "%PDF-") || string(first.body) != string(second.body) || hex.EncodeToString(sum[:]) != s.PDFSHA256 {
		t.Errorf("two prints of %d and %d bytes, the first with %x; recorded %s", len(first.body), len(second.body), sum, s.PDFSHA256)
	}

	person := newFarmer(2, r.household(r.officer(), 2).ID)
	var b borrowerJSON
	createAt(r.officer(), "/v1/borrowers", person).want(http.StatusCreated).into(&b)
	var rare applicationJSON
	createAt(r.officer(), "/v1/applications", newApplication(b.ID).but(fields{"purpose_note": "为𠮷家修鸭棚"})).want(http.StatusCreated).into(&rare)
	r.officer().post(pathOf(rare.ID, "/submit"), "").want(http.StatusOK)
	s = r.prepared(rare.ID, fields{})
	if s.PDFSHA256 != "" {
		t.Errorf("a PDF hash %s for what cannot be printed", s.PDFSHA256)
	}
	if page, _ := shown(r.officer(), rare.ID); !strings.Contains(page, "𠮷") {
		t.Error("the page lost the rare character")
	}
	if p := r.officer().get(pathOf(rare.ID, "/contract.pdf")).wantProblem(http.StatusUnprocessableEntity, "glyph-missing"); !strings.Contains(p.Detail, "𠮷") || !strings.Contains(p.Detail, "U+20BB7") {
		t.Errorf("detail %q does not name the character", p.Detail)
	}
}

func TestAHarvestLoanRepaysPrincipalAfterEachHarvestAndInterestEachMonth(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.exec(`UPDATE product_versions SET document = JSON_SET(document, '$.repayment_methods', JSON_ARRAY('seasonal'))`)
	officer := r.officer()
	person := r.farmer(officer, 1)
	harvest := func(on, share string) fields { return fields{"due_on": on, "share_pct": share} }
	ask := newApplication(person.ID).but(fields{"repayment_method": "seasonal", "harvests": []fields{harvest("2026-12-20", "40"), harvest("2027-06-20", "60")}})
	for name, wrong := range map[string]fields{
		"no harvest":             ask.but(fields{"harvests": nil}),
		"shares of 99":           ask.but(fields{"harvests": []fields{harvest("2026-12-20", "99")}}),
		"a harvest before today": ask.but(fields{"harvests": []fields{harvest("2026-08-23", "100")}}),
		"one after the term":     ask.but(fields{"harvests": []fields{harvest("2027-08-24", "100")}}),
		"out of order":           ask.but(fields{"harvests": []fields{harvest("2027-06-20", "60"), harvest("2026-12-20", "40")}}),
		"shares and sums":        ask.but(fields{"harvests": []fields{harvest("2026-12-20", "40"), {"due_on": "2027-06-20", "amount": "60.00"}}}),
		"sums of something else": ask.but(fields{"harvests": []fields{{"due_on": "2027-06-20", "amount": "99499.99"}}}),
		"another method":         ask.but(fields{"repayment_method": "lump_sum"}),
	} {
		if got := createAt(officer, "/v1/applications", wrong); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, want 422", name, got.status)
		}
	}
	var a applicationJSON
	created := createAt(officer, "/v1/applications", ask).want(http.StatusCreated)
	created.into(&a)
	if !strings.Contains(string(created.body), `"harvests":[{"due_on":"2026-12-20","share_pct":"40.00","amount":null}`) {
		t.Errorf("the application does not say its harvests: %s", created.body)
	}
	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK)
	var plan struct {
		Instalments []struct {
			DueOn          string `json:"due_on"`
			Principal      string `json:"principal"`
			Interest       string `json:"interest"`
			ClosingBalance string `json:"closing_balance"`
		} `json:"instalments"`
	}
	officer.get(pathOf(a.ID, "/plan")).want(http.StatusOK).into(&plan)
	repaid := map[string]string{}
	for _, i := range plan.Instalments {
		if i.Principal != "0.00" {
			repaid[i.DueOn] = i.Principal
		}
		if i.Interest == "0.00" {
			t.Errorf("no interest on %s", i.DueOn)
		}
	}
	// 40 % and 60 % of 99,500.00; a row each month to the last harvest, and one for the harvests between.
	if diff := cmp.Diff(map[string]string{"2026-12-20": "39800.00", "2027-06-20": "59700.00"}, repaid); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	if last := plan.Instalments[len(plan.Instalments)-1]; last.DueOn != "2027-06-20" || last.ClosingBalance != "0.00" || len(plan.Instalments) != 11 {
		t.Errorf("%d rows, the last %+v", len(plan.Instalments), last)
	}
	s := r.prepared(a.ID, fields{})
	if page, _ := shown(officer, a.ID); !strings.Contains(page, "39,800.00") || !strings.Contains(page, "59,700.00") || !strings.Contains(page, "按收获季还款") {
		t.Error("the contract does not say the harvests")
	}
	signBy(officer, a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated)

	// The note that the money is booked on ends with the last harvest, too, though the term is longer.
	var d paymentJSON
	createAt(officer, pathOf(a.ID, "/disbursements"), fields{}).want(http.StatusCreated).into(&d)
	createAt(r.as(domain.RoleDisbursementOfficer, branchA), "/v1/disbursements/"+d.ID.String()+"/release", fields{}).want(http.StatusOK)
	if taken, err := r.payouts().Work(t.Context()); err != nil || taken != 1 {
		t.Fatalf("worked: %d (%v), want one transfer", taken, err)
	}
	officer.get("/v1/disbursements/" + d.ID.String()).want(http.StatusOK).into(&d)
	if d.Status != "succeeded" {
		t.Errorf("the payment is %s, want succeeded", d.Status)
	}
	if n := r.count("SELECT COUNT(*) FROM loan_note_instalments WHERE due_on >= '2027-06-20'"); n != 1 {
		t.Errorf("%d instalments on or after the last harvest, want 1", n)
	}
}

func TestEntrustedPaymentNamesItsSellersAndTheRestGoesToTheBorrower(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.exec(`UPDATE product_versions SET document = JSON_SET(document, '$.entrusted_payment', JSON_ARRAY(JSON_OBJECT('purpose_kind', 'production', 'above', '50000.00')))`)
	officer := r.officer()
	a := r.approved(1)
	seller := func(amount string) fields {
		return fields{"name": "茌平县建材公司", "account": "9040101070142050000123", "bank_name": "茌平农商行", "amount": amount, "for": "钢结构大棚"}
	}
	prepare := func(sellers ...fields) answer {
		sellers = append([]fields{}, sellers...)
		return createAt(officer, pathOf(a.ID, "/contract/prepare"), fields{"sellers": sellers})
	}
	prepare().wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	prepare(seller("49499.99")).wantProblem(http.StatusUnprocessableEntity, "invalid-fields") // 50,000.01 would go to the borrower
	prepare(seller("99500.01")).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if p := prepare(seller("60000.00").but(fields{"bank_name": "茌平\t农商行"})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields"); !slices.Contains(p.fields(), "/sellers/0/bank_name text-invalid") {
		t.Errorf("a bank with a tab: refused %v, want its name", p.fields())
	}
	var s signingJSON
	prepare(seller("30000.00"), seller("19500.00")).want(http.StatusCreated).into(&s)
	if len(s.Payees) != 3 || s.Payees[0].Method != "entrusted_payment" || s.Payees[2].Method != "self_payment" || s.Payees[2].Amount != "50000.00" {
		t.Errorf("payees %+v, want two sellers and 50,000.00 to the borrower", s.Payees)
	}
	prepare(seller("99500.00")).want(http.StatusCreated).into(&s)
	if len(s.Payees) != 1 {
		t.Errorf("payees %+v, want the seller alone", s.Payees)
	}
	if page, _ := shown(officer, a.ID); !strings.Contains(page, "受托支付") || !strings.Contains(page, "钢结构大棚") || !strings.Contains(page, "9040101070142050000123") {
		t.Error("the contract does not say whom the lender pays")
	}
}
