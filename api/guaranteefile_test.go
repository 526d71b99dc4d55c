package api_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fumin/domain"
)

type answerFileJSON struct {
	Recorded     int `json:"recorded"`
	AlreadyKnown int `json:"already_known"`
	Skipped      int `json:"skipped"`
	Refused      int `json:"refused"`
	Rows         []struct {
		Row         int        `json:"row"`
		GuaranteeID *domain.ID `json:"guarantee_id"`
		Outcome     string     `json:"outcome"`
		Code        string     `json:"code"`
		Detail      string     `json:"detail"`
	} `json:"rows"`
}

// exported reads an export as a company does: it checks digest and signature by the bytes, and then takes it for a table.
func exported(t *testing.T, got answer) [][]string {
	t.Helper()
	digest := sha256.Sum256(got.body)
	if want := "sha-256=:" + base64.StdEncoding.EncodeToString(digest[:]) + ":"; got.header.Get("Content-Digest") != want {
		t.Errorf("Content-Digest %q, want %q", got.header.Get("Content-Digest"), want)
	}
	key, err := base64.StdEncoding.DecodeString(got.header.Get("Fumin-File-Key"))
	must(t, err)
	signature, err := base64.StdEncoding.DecodeString(got.header.Get("Fumin-File-Signature"))
	must(t, err)
	if !ed25519.Verify(key, got.body, signature) {
		t.Error("the signature does not fit the file")
	}
	changed := slices.Clone(got.body)
	changed[len(changed)/2] ^= 1
	if ed25519.Verify(key, changed, signature) {
		t.Error("the signature fits a changed file")
	}
	text, marked := strings.CutPrefix(string(got.body), "\ufeff")
	if !marked {
		t.Error("the file has no byte-order mark")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	must(t, err)
	return rows
}

func csvText(t *testing.T, rows [][]string) string {
	t.Helper()
	var text strings.Builder
	must(t, csv.NewWriter(&text).WriteAll(rows))
	return "\ufeff" + text.String()
}

func TestTheExportOfOpenRequestsIsFilledInAndImportedRowByRow(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	company := r.asCompany(sampleCompany)
	var ids []domain.ID
	for i := range 4 {
		_, g := guaranteed(t, r, 30+i, "150000.00")
		ids = append(ids, g.ID)
	}
	rows := exported(t, company.get("/v1/guarantee/requests/export").want(http.StatusOK))
	if len(rows) != 5 || rows[0][0] != "担保申请编号" || rows[1][2] != "王吉华" || rows[1][5] != "150000.00" {
		t.Fatalf("export: %q", rows)
	}
	column := func(title string) int { return slices.Index(rows[0], title) }
	fill := func(row []string, cells map[string]string) {
		for title, text := range cells {
			row[column(title)] = text
		}
	}
	letter := map[string]string{"答复": "同意", "担保函编号": "鲁农担函〔2026〕1178号", "担保金额": "150000.00", "担保费率": "0.65", "有效期至": "2026-11-22", "反担保": "配偶"}
	fill(rows[1], letter)
	fill(rows[2], map[string]string{"答复": "不予担保", "不予担保原因": "对外担保过多"})
	fill(rows[3], letter)
	fill(rows[3], map[string]string{"担保费率": "9.99", "有效期至": "2020-01-01"})
	fill(rows[1], map[string]string{"担保金额": "150,000.00", "担保费率": "0.65%", "有效期至": "2026/11/22"}) // as a table program writes them back
	rows = append(rows, append([]string{newID().String()}, make([]string, len(rows[0])-1)...), slices.Clone(rows[1]))
	fill(rows[5], letter)
	rows[6][0] = "不是编号"

	send := company.with("Content-Type", "text/csv")
	var file answerFileJSON
	send.post("/v1/guarantee/answers", csvText(t, rows)).want(http.StatusCreated).into(&file)
	var outcomes []string
	for _, row := range file.Rows {
		outcomes = append(outcomes, strings.TrimSuffix(row.Outcome+" "+row.Code, " "))
	}
	want := []string{"recorded", "recorded", "refused invalid-fields", "skipped", "refused guarantee-not-found", "refused invalid-fields"}
	if !slices.Equal(outcomes, want) || file.Recorded != 2 || file.Skipped != 1 || file.Refused != 3 || file.Rows[2].Row != 4 {
		t.Fatalf("outcomes: %q, want %q; %+v", outcomes, want, file)
	}
	if detail := file.Rows[2].Detail; !strings.Contains(detail, "0.65") || !strings.Contains(detail, "有效期") {
		t.Errorf("the refused row says %q, want both fee and date", detail)
	}
	if r.count("SELECT COUNT(*) FROM guarantees WHERE status = 'accepted' AND counter_guarantee = 'spouse'") != 1 || r.count("SELECT COUNT(*) FROM guarantees WHERE status = 'refused'") != 1 {
		t.Error("not exactly one request was accepted and one refused")
	}

	again := send.post("/v1/guarantee/answers", csvText(t, rows)).want(http.StatusOK)
	if again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("the same file again does not say that it was known")
	}
	fill(rows[3], letter) // corrected: another file, in which the first rows are known
	send.post("/v1/guarantee/answers", csvText(t, rows)).want(http.StatusCreated).into(&file)
	if file.Recorded != 1 || file.AlreadyKnown != 2 {
		t.Errorf("the corrected file: %+v, want one recorded and two known", file)
	}
	if open := exported(t, company.get("/v1/guarantee/requests/export").want(http.StatusOK)); len(open) != 2 || !slices.ContainsFunc(ids, func(id domain.ID) bool { return id.String() == open[1][0] }) {
		t.Errorf("still open: %q, want the row that was skipped", open)
	}
}

func TestTheFilesOfAGuaranteeCompanyAreItsOwn(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	_, g := guaranteed(t, r, 1, "150000.00")
	stranger := r.asCompany("01900000-0000-7000-8000-0040000000ff")
	if rows := exported(t, stranger.get("/v1/guarantee/requests/export").want(http.StatusOK)); len(rows) != 1 {
		t.Errorf("another company's export: %q, want the titles alone", rows)
	}
	const company = "?company_id=" + string(sampleCompany)
	stranger.get("/v1/guarantee/requests/export"+company).wantProblem(http.StatusNotFound, "guarantee-company-not-found")
	r.officer().get("/v1/guarantee/requests/export").wantProblem(http.StatusForbidden, "role-not-allowed")
	manager, elsewhere := r.as(domain.RoleRiskManager, headOffice), r.as(domain.RoleRiskManager, branchB)
	manager.get("/v1/guarantee/requests/export").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if rows := exported(t, manager.get("/v1/guarantee/requests/export"+company).want(http.StatusOK)); len(rows) != 2 {
		t.Errorf("the risk manager's export: %q, want the one request", rows)
	}
	if rows := exported(t, elsewhere.get("/v1/guarantee/requests/export"+company).want(http.StatusOK)); len(rows) != 1 {
		t.Errorf("another branch's export: %q, want the titles alone", rows)
	}
	text := csvText(t, [][]string{{"担保申请编号", "答复", "不予担保原因"}, {g.ID.String(), "不予担保", "超出担保范围"}})
	var file answerFileJSON
	elsewhere.with("Content-Type", "text/csv").post("/v1/guarantee/answers"+company, text).want(http.StatusCreated).into(&file)
	if file.Refused != 1 || file.Rows[0].Code != "guarantee-not-found" {
		t.Errorf("another branch's import: %+v, want guarantee-not-found", file)
	}
	for name, text := range map[string]string{
		"nothing": "", "titles alone": "担保申请编号,答复\n", "no decision column": "担保申请编号\n" + g.ID.String() + "\n",
		"an unknown title": "担保申请编号,答复,备注\nx,同意,y\n", "a title twice": "担保申请编号,答复,答复\nx,同意,y\n", "an open quote": "担保申请编号,答复\n\"x,同意\n",
		"not text": "担保申请编号,答复\n\xff\xfe\x00\n",
	} {
		if got := manager.with("Content-Type", "text/csv").bad().post("/v1/guarantee/answers"+company, text); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s, want 400", name, got.status, got.body)
		}
	}
	r.officer().with("Content-Type", "text/csv").post("/v1/guarantee/answers", text).wantProblem(http.StatusForbidden, "role-not-allowed")
}
