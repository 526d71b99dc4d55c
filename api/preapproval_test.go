package api_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/enquiry"
	"fumin/repository/enquiry/sandbox"
)

func TestAWholeVillageGetsIndicativeLimitsByTheSameRules(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	var list recommendedListJSON
	sendList(r.officer(), listQuery(nil), mediaCSV, listText(1, "王吉华", "李某", "赵某")).want(http.StatusCreated).into(&list)
	ask := fields{"product_code": "QLFMD", "term_months": 12, "purpose": "facility"}
	path := "/v1/recommended-lists/" + list.ID.String() + "/pre-approvals"
	manager := r.as(domain.RoleRiskManager, branchA)

	rows := func() [][]string {
		var job struct{ ID domain.ID }
		createAt(manager, path, ask).want(http.StatusAccepted).into(&job)
		r.work(r.runners())
		a := manager.get("/v1/jobs/" + job.ID.String() + "/result").want(http.StatusOK)
		text, marked := strings.CutPrefix(string(a.body), "\ufeff")
		if !marked || strings.Contains(text, idNumber(1)) || strings.Contains(text, "王吉华") {
			t.Errorf("the file has no byte-order mark, or shows a full name or number:\n%s", text)
		}
		all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(all) < 5 || all[3][0] == "说明" || all[4][0] != "说明" || !strings.Contains(text, "参考额度不是批复") ||
			!strings.Contains(text, "假设征信没有不良记录") || !strings.Contains(text, "本产品按户授信") {
			t.Fatalf("%d rows, %v; want the titles, 3, and what was taken for granted:\n%s", len(all), err, text)
		}
		return all[1:4]
	}
	// The quick approval of the shipped set ends below 100,000.00, from where on the guarantee company is needed.
	for _, row := range rows() {
		if row[8] != "可以通过" || row[10] != "99999.99" || row[11] != "12" || row[12] != "没有户档案，单独按一户计算" {
			t.Errorf("by the shipped set: %v, want 99999.99", row)
		}
	}
	r.activeRules(newRuleSet("40000.00"), "2026-08-23")
	for _, row := range rows() {
		if row[8] != "可以通过" || row[10] != "40000.00" {
			t.Errorf("by a set of at most 40,000.00: %v", row)
		}
	}
	// A reason that a table program would run as a formula is a text in the file.
	formula := smallRules("1.00")
	formula["rules"].([]fields)[0]["reason"] = "=1+{amount}"
	r.activeRules(newRuleSet("1.00").but(fields{"region_prefix": "371503901", "definition": formula}), "2026-08-23")
	for _, row := range rows() {
		if row[8] != "不能通过" || row[10] != "0.00" || row[12] != "'=1+3,000,000.00；没有户档案，单独按一户计算" {
			t.Errorf("by a set that declines everybody with a formula: %q", row)
		}
	}
	createAt(r.officer(), path, ask).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(r.as(domain.RoleRiskManager, branchB), path, ask).wantProblem(http.StatusNotFound, "recommended-list-not-found")
	createAt(manager, path, ask.but(fields{"product_code": "NONE"})).want(http.StatusUnprocessableEntity)
	var ended recommendedListJSON
	sendList(r.officer(), listQuery(url.Values{"listed_on": {"2026-01-01"}, "valid_until": {"2026-06-30"}}), mediaCSV, listText(7, "王吉华")).want(http.StatusCreated).into(&ended)
	createAt(manager, "/v1/recommended-lists/"+ended.ID.String()+"/pre-approvals", ask).wantProblem(http.StatusUnprocessableEntity, "recommended-list-not-in-force")
}

// Nobody may ask the bureau about a household that has not agreed; what it would say is taken for granted, and said so.
func TestAVillageGetsItsLimitsByTheCompleteRulesToo(t *testing.T) {
	t.Parallel()
	r, server := newInstitutions(t)
	// Of somebody on file the screening said something when he applied.
	if err := server.Set("screening", sandbox.Control{Mode: sandbox.ModeAnswer, Answer: enquiry.Answer{Result: origination.ResultHit}}); err != nil {
		t.Fatal(err)
	}
	if _, status := r.submit(2, nil); status != "reviewing" {
		t.Fatalf("a case with a hit: %s", status)
	}
	asked := r.count("SELECT COUNT(*) FROM enquiries")
	var list recommendedListJSON
	sendList(r.officer(), listQuery(nil), mediaCSV, listText(1, "王吉华", "王吉华")).want(http.StatusCreated).into(&list)
	manager := r.as(domain.RoleRiskManager, branchA)
	var job struct{ ID domain.ID }
	createAt(manager, "/v1/recommended-lists/"+list.ID.String()+"/pre-approvals", fields{"product_code": "QLFMD", "term_months": 12, "purpose": "facility"}).
		want(http.StatusAccepted).into(&job)
	r.work(r.runners())
	text := string(manager.get("/v1/jobs/" + job.ID.String() + "/result").want(http.StatusOK).body)
	if !strings.Contains(text, "可以通过,0.00,99999.99,12") {
		t.Errorf("by the complete rules:\n%s\nwant 99999.99", text)
	}
	if !strings.Contains(text, "须人工审查") || !strings.Contains(text, "命中黑名单或制裁名单") {
		t.Errorf("of who was on a blacklist when he applied:\n%s\nwant a referral", text)
	}
	if n := r.count("SELECT COUNT(*) FROM enquiries"); n != asked {
		t.Errorf("%d enquiries were made for a list, want none without a consent", n-asked)
	}
}
