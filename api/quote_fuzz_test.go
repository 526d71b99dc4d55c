package api

import (
	"testing"

	"fumin/domain/schedule"
)

// Whatever a client sends as a quote is either refused as the client's mistake or answered with a plan that closes; the
// program never panics over it.
func FuzzQuoteBody(f *testing.F) {
	for _, seed := range []string{
		`{"principal":"99500.00","annual_rate_pct":"3.20","repayment_method":"equal_instalment","periods":12,"frequency":{"unit":"month","every":1},"disbursed_on":"2026-08-23","day_count":"30/360"}`,
		`{"principal":"0.01","annual_rate_pct":"0.000001","repayment_method":"equal_principal","periods":1830,"frequency":{"unit":"day","every":1},"disbursed_on":"1999-12-31","day_count":"act/act-isda"}`,
		`{"principal":"10000000000.00","annual_rate_pct":"999.999999","repayment_method":"flat_addon","periods":50,"frequency":{"unit":"year","every":1},"disbursed_on":"2099-02-28","day_count":"act/365","month_end":"eom_sticky","business_day":"following"}`,
		`{"principal":"100000.00","annual_rate_pct":"5.00","repayment_method":"seasonal","seasonal_instalments":[{"due_on":"2027-06-15","share_pct":"60"},{"due_on":"2027-10-15","share_pct":"40"}],"interest_at_harvest":true,"disbursed_on":"2026-10-01","day_count":"act/360"}`,
		`{"principal":"50000.00","annual_rate_pct":"4.35","repayment_method":"interest_only_bullet","due_dates":["2026-12-21","2027-03-21"],"disbursed_on":"2026-10-01","day_count":"periodic","fees":[{"kind":"guarantee_fee","rate_pct_a_year":"0.75","on":"balance","when":"yearly"}],"interest_subsidy_share_pct":"50"}`,
		`{"principal":1e9,"annual_rate_pct":"","repayment_method":null,"periods":-1,"frequency":[],"disbursed_on":"2026-02-31","day_count":"28/360","fees":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := parseObject(body)
		if err != nil {
			return
		}
		terms := readTerms(in)
		if err := doneWith(in, terms.Validate()); err != nil {
			return
		}
		quotation, err := schedule.Quote(terms)
		if err != nil {
			return // a rate outside what is looked for, an instalment too small: refusals that need the plan
		}
		if got := quotation.Plan.Totals.Principal; !got.Equal(terms.Principal) {
			t.Errorf("principal %s is repaid as %s", terms.Principal, got)
		}
		if rows := quotation.Plan.Rows; !rows[len(rows)-1].ClosingBalance.IsZero() {
			t.Errorf("the last row leaves %s", rows[len(rows)-1].ClosingBalance)
		}
	})
}
