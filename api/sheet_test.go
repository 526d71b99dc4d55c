package api_test

import (
	"net/http"
	"strings"
	"testing"

	"fumin/domain/product"
)

// crowded is a version that says as much as a sheet can bear: every kind of borrower with every paper, four tiers, three
// reliefs, a cap, a subsidy. Printed by a browser it fills one side of A4 in the smaller type, with room to spare.
func crowded() fields {
	var papers []fields
	for _, kind := range product.BorrowerKinds() {
		for _, paper := range product.DocumentTypes() {
			f := fields{"borrower_kind": kind, "type": paper, "key": paper == product.DocumentCreditEnquiryConsent}
			if paper != product.DocumentCreditEnquiryConsent {
				f["defer_days_max"], f["blocks"] = 30, "disbursement"
			}
			papers = append(papers, f)
		}
	}
	return fields{
		"region_prefix": "37", "effective_from": "2026-08-23", "source": fields{"document": "产品管理办法", "sample": true},
		"amount_min": "10000.00", "amount_max": "30000000.00", "term_months_min": 1, "term_months_max": 60,
		"age_min": 18, "age_plus_term_max": 65, "business_age_months_min": 12, "site_visit_required": true,
		"price": fields{
			"base": "lpr_1y", "spread_bp_max": 300, "annual_rate_max_pct": "5.00",
			"reliefs": []fields{
				{"industry": "epidemic_hit", "spread_bp_less": 150}, {"industry": "grain", "spread_bp_less": 50}, {"industry": "new_farmer", "spread_bp_less": 60},
			},
		},
		"repayment_methods": []string{"equal_instalment", "equal_principal", "interest_only_bullet", "lump_sum", "seasonal", "flat_addon"},
		"guarantee": []fields{
			{"below": "100000.00", "kind": "credit"},
			{"from": "100000.00", "below": "500000.00", "kind": "guarantee_company", "fee_max_pct": "0.75", "fee_max_grain_pct": "0.50", "counter_spouse_up_to": "200000.00"},
			{"from": "500000.00", "below": "1000000.00", "kind": "guarantee_company", "fee_max_pct": "0.85", "fee_max_grain_pct": "0.50", "counter_spouse_up_to": "600000.00"},
			{"from": "1000000.00", "kind": "guarantee_company", "fee_max_pct": "0.95"},
		},
		"documents": papers, "forbidden_purposes": product.ForbiddablePurposes(), "quick_approval_max": "300000.00", "interest_subsidy_share_pct": "50",
		"entrusted_payment": []fields{{"purpose_kind": "production", "above": "500000.00"}, {"purpose_kind": "consumption", "above": "300000.00"}},
	}
}

func TestACrowdedSheetIsSetSmallerSoThatItStaysOnOnePage(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	createAt(r.maker(), "/v1/products", fields{
		"code": "ALL", "name": strings.Repeat("全面", 20), "borrower_kinds": product.BorrowerKinds(), "exposure_unit": "household", "revolving": true,
		"channels": []string{"tablet", "mobile", "counter", "phone_assisted"}, "partners": []string{"rural_revitalisation_bureau", "agricultural_guarantee_company"},
	}).want(http.StatusCreated)
	var v versionJSON
	createAt(r.maker(), "/v1/products/ALL/versions", crowded()).want(http.StatusCreated).into(&v)
	r.maker().post(versionPath(v.ID, "/validate"), "").want(http.StatusOK).into(&v)
	activateOn(r.second(), v, `"2"`, "2026-08-23").want(http.StatusOK)

	page := r.officer().with("Accept", "text/html")
	if body := page.get("/v1/products/ALL/sheet?region=37&on=2026-08-23").want(http.StatusOK).body; !strings.Contains(string(body), `<body class="dense">`) {
		t.Errorf("the crowded sheet is not set smaller: %s", body)
	}
	if body := page.get("/v1/products/QLFMD/sheet?region=37&on=2026-08-23").want(http.StatusOK).body; !strings.Contains(string(body), `<body>`) {
		t.Errorf("an ordinary sheet is set smaller: %s", body)
	}
	var s sheetJSON
	r.officer().get("/v1/products/ALL/sheet?region=37&on=2026-08-23").want(http.StatusOK).into(&s)
	shown := map[string]bool{}
	for _, line := range s.Terms {
		shown[line.Label+"："+line.Text] = true
	}
	for _, want := range []string{
		"今日利率：年利率最高 5.00%：一年期 LPR 3.00%（2025-05-20 公布），最多加 3.00 个百分点，并且不超过 5.00%",
		"利率优惠：受疫情影响的行业：年利率最高 4.50%", "贴息：利息的 50.00% 由财政贴付",
	} {
		if !shown[want] {
			t.Errorf("the sheet lacks %q: %+v", want, s.Terms)
		}
	}
	// The state pays half: the borrower's cost after it is lower, and the sheet says both.
	if text := s.Examples[0].Text; !strings.Contains(text, "由财政贴付，贴息后 2.") {
		t.Errorf("the example with a subsidy: %s", text)
	}
}
