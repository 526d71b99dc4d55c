package origination_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// preApprove asks for the pre-approval of a list for twelve months.
func (w *world) preApprove(by domain.Actor, list origination.RecommendedList, code string) origination.Job {
	w.t.Helper()
	job, replayed, err := w.ruleSets().PreApprove(w.t.Context(), by, key(), origination.PreApproval{
		ListID: list.ID, ProductCode: code, TermMonths: 12, Purpose: loan.PurposeFacility,
	})
	w.must(err)
	if replayed {
		w.t.Fatal("a fresh key was replayed")
	}
	return job
}

// village is a worker that does pre-approvals in the way given.
func (w *world) village(run origination.JobRunner) *origination.JobWorker {
	limits := origination.DefaultJobLimits()
	limits.Renew = time.Millisecond
	return origination.NewJobWorker(w.store, w.now, newID(), discard(), limits, map[origination.JobKind]origination.JobRunner{origination.JobPreApproval: run})
}

// preApprovalColumns are the columns of the file, by what this test calls them.
var preApprovalColumns = []string{"rows", "household", "head", "people", "numbers", "village", "unit", "proposed", "result", "existing", "limit", "months", "note"}

// preApproved does a pre-approval and reads its file without the titles and the assumptions.
func (w *world) preApproved(by domain.Actor, list origination.RecommendedList, code string) []map[string]string {
	w.t.Helper()
	job := w.preApprove(by, list, code)
	w.wantWorked(w.village(w.ruleSets().RunPreApproval), true)
	return w.preApprovalLines(w.result(by, job.ID))
}

func (w *world) preApprovalLines(file []byte) (lines []map[string]string) {
	w.t.Helper()
	text, marked := bytes.CutPrefix(file, []byte("\ufeff"))
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || !marked || len(rows) < 2 || len(rows[0]) != len(preApprovalColumns) {
		w.t.Fatalf("the file, marked %t, %v:\n%s", marked, err, file)
	}
	for _, row := range rows[1:] {
		line := map[string]string{}
		for i, column := range preApprovalColumns {
			line[column] = row[i]
		}
		if line["rows"] != "说明" {
			lines = append(lines, line)
		}
	}
	return lines
}

// wantColumns wants columns of a line to be as given.
func (w *world) wantColumns(what string, line map[string]string, want map[string]string) {
	w.t.Helper()
	for column, value := range want {
		if line[column] != value {
			w.t.Errorf("%s: %s is %q, want %q (%v)", what, column, line[column], value, line)
		}
	}
}

// couple is a household of a head with a file and a spouse without one, in 莘县.
func (w *world) couple(officer domain.Actor) (head borrower.Borrower, spouse borrower.IDNumber) {
	w.t.Helper()
	head = w.farmerIn371522(officer)
	spouse = borrower.MustParseIDNumber(withCheckDigit(fmt.Sprintf("37150319820615%03d", 800+w.people.Add(1))))
	_, _, err := w.borrowers.Join(w.t.Context(), officer, key(), origination.JoinHousehold{
		MembershipChange: origination.MembershipChange{HouseholdID: head.HouseholdID, On: domain.DateOf(w.now()), Reason: "结婚"},
		Name:             borrower.MustParseName("李梅"), IDNumber: spouse, Relation: borrower.RelationSpouse,
	})
	w.must(err)
	return head, spouse
}

// nobodyOnFile is the number of somebody no register knows.
func nobodyOnFile(n int) string {
	return withCheckDigit(fmt.Sprintf("3715031985%02d%02d%03d", 1+n%12, 1+n/12%28, n/336))
}

func TestAListsHouseholdIsJudgedAsOneNetOfWhatItHasAndCanHaveThatAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("100000.00")
	officer, manager := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	head, spouse := w.couple(officer)
	if rec := w.submitted(officer, w.openedFor(officer, head, "QLFMD", "60000.00").ID); rec.Status != loan.StatusApproved {
		t.Fatalf("submitted: %s", rec.Status)
	}
	list := w.recommend(officer, "2026-11-01", spouse.Reveal(), nobodyOnFile(1), head.IDNumber.Reveal())

	// By household: one line, one limit, the rest of what the lender lends to one household.
	lines := w.preApproved(manager, list, "QLFMD")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want one for the couple and one for who is not on file: %v", len(lines), lines)
	}
	w.wantColumns("the couple", lines[0], map[string]string{
		"rows": "2；4", "household": head.HouseholdID.String(), "village": "371522101201", "unit": "户", "result": "可以通过",
		"existing": "60000.00", "limit": "40000.00", "months": "12", "proposed": head.Name.String() + "（第4行）", // the head, of equals
		"note": "名单上的行政区划代码为 371503901201，按户档案计算",
	})
	w.wantColumns("who is not on file", lines[1], map[string]string{
		"rows": "3", "household": "", "result": "可以通过", "existing": "0.00", "limit": "99999.99", "note": "没有户档案，单独按一户计算",
	})
	// By borrower: one line, each has a limit, net of his own debts.
	lines = w.preApproved(manager, list, "CYD")
	w.wantColumns("the couple, by borrower", lines[0], map[string]string{
		"rows": "2；4", "unit": "借款人", "result": "可以通过", "existing": "60000.00", "limit": "140000.00",
	})
	if note := lines[0]["note"]; !strings.Contains(note, "（第2行）可以通过 100,000.00 元") || !strings.Contains(note, "（第4行）可以通过 40,000.00 元") {
		t.Errorf("the remark %q, want whose limit is how much", note)
	}

	// The way of a real application: a fen more is not approved, the limit is, and then nothing is left.
	if rec := w.submitted(officer, w.openedFor(officer, head, "QLFMD", "40000.01").ID); rec.Status != loan.StatusReviewing {
		t.Errorf("a fen above the limit: %s, want reviewing", rec.Status)
	}
	if rec := w.submitted(officer, w.openedFor(officer, head, "QLFMD", "40000.00").ID); rec.Status != loan.StatusApproved {
		t.Errorf("the limit: %s, want approved", rec.Status)
	}
	w.wantColumns("the couple, with all lent", w.preApproved(manager, list, "QLFMD")[0], map[string]string{
		"result": "没有可用额度", "existing": "100000.00", "limit": "0.00",
	})
}

// Whatever a household is like, the file says what a real application would be told: the limit is approved, a fen more is not,
// and who gets none is not approved for the least there is.
func TestWhatTheFileSaysOfEachHouseholdIsWhatItsApplicationIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("100000.00")
	officer, manager := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	people := map[string]borrower.Borrower{}
	var numbers []string
	for _, birth := range []string{"19550101", "19611123", "19611125", "19800615", "20081122", "20081125"} { // around 65 at the end, and 18
		for _, existing := range []string{"", "15000.00", "97000.00", "97000.01"} { // the product's least is 3,000.00
			p := w.farmerBorn(officer, birth)
			if existing != "" {
				w.tiesUp(officer, p, existing)
			}
			people[p.HouseholdID.String()], numbers = p, append(numbers, p.IDNumber.Reveal())
		}
	}
	results := map[string]int{}
	for _, line := range w.preApproved(manager, w.recommend(officer, "2026-11-01", numbers...), "QLFMD") {
		p := people[line["household"]]
		results[line["result"]]++
		approved := func(amount string) bool {
			return w.submitted(officer, w.openedFor(officer, p, "QLFMD", amount).ID).Status == loan.StatusApproved
		}
		if line["result"] != "可以通过" {
			if approved("3000.00") {
				t.Errorf("born %s: %v, and yet 3,000.00 is approved", p.IDNumber.BirthDate(), line)
			}
			continue
		}
		limit := money.MustParseAmount(line["limit"])
		if more := limit.Add(money.Fen(1)).String(); approved(more) {
			t.Errorf("born %s: %v, and yet %s is approved", p.IDNumber.BirthDate(), line, more)
		}
		if !approved(limit.String()) {
			t.Errorf("born %s: %v, and yet the limit is not approved", p.IDNumber.BirthDate(), line)
		}
	}
	if results["可以通过"] == 0 || results["不能通过"] == 0 || results["没有可用额度"] == 0 {
		t.Errorf("results: %v, want some of each", results)
	}
}

// tiesUp gives a household a loan that is signed, whatever its people could be granted today.
func (w *world) tiesUp(officer domain.Actor, p borrower.Borrower, amount string) {
	w.t.Helper()
	rec := w.openedFor(officer, p, "QLFMD", amount)
	w.must(w.store.Update(w.t.Context(), func(tx origination.Tx) error {
		return tx.PutExposure(w.t.Context(), origination.Exposure{
			ApplicationID: rec.ID, HouseholdID: rec.HouseholdID, BorrowerID: rec.BorrowerID, BranchID: rec.BranchID, ProductCode: rec.ProductCode,
			Amount: money.MustParseAmount(amount), State: origination.ExposureCommitted, UpdatedAt: w.now(),
		})
	}))
}

// Of a household the best fares for it: here the head is too old for the term.
func TestAHouseholdWhoseHeadIsTooOldGetsALimitByAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, manager := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	head := w.farmerBorn(officer, "19550101")
	child := borrower.MustParseIDNumber(withCheckDigit("37150319820615777"))
	_, _, err := w.borrowers.Join(t.Context(), officer, key(), origination.JoinHousehold{
		MembershipChange: origination.MembershipChange{HouseholdID: head.HouseholdID, On: domain.DateOf(w.now()), Reason: "共同生活"},
		Name:             borrower.MustParseName("王小吉"), IDNumber: child, Relation: borrower.RelationChild,
	})
	w.must(err)
	list := w.recommend(officer, "2026-11-01", head.IDNumber.Reveal())
	alone := w.preApproved(manager, list, "QLFMD")[0]
	w.wantColumns("the head alone", alone, map[string]string{"result": "不能通过", "limit": "0.00"})
	if !strings.Contains(alone["note"], "周岁，超过") {
		t.Errorf("the remark %q, want the age", alone["note"])
	}
	both := w.recommendBoth(officer, head.IDNumber, child)
	lines := w.preApproved(manager, both, "QLFMD")
	if len(lines) != 1 {
		t.Fatalf("%d lines, want 1: %v", len(lines), lines)
	}
	w.wantColumns("with the child", lines[0], map[string]string{"rows": "2；3", "result": "可以通过", "limit": "99999.99", "proposed": borrower.MustParseName("王吉华").String() + "（第3行）"})

	// What another branch keeps counts all the same, and is not shown.
	elsewhere := w.somebodyAt("371526", domain.RoleRiskManager)
	_, _, err = w.ruleSets().PreApprove(t.Context(), elsewhere, key(), origination.PreApproval{ListID: both.ID, ProductCode: "QLFMD", TermMonths: 12, Purpose: loan.PurposeFacility})
	if domain.CodeOf(err) != "recommended-list-not-found" {
		t.Errorf("another branch's list: %v, want recommended-list-not-found", err)
	}
	theirs := w.recommend(w.somebodyAt("371526", domain.RoleLoanOfficer), "2026-11-01", child.Reveal(), head.IDNumber.Reveal())
	w.submitted(officer, w.openedFor(officer, head, "QLFMD", "3000.00").ID) // declined for the age: nothing is tied up
	line := w.preApproved(elsewhere, theirs, "QLFMD")[0]
	w.wantColumns("another branch's household", line, map[string]string{"rows": "2；3", "household": "", "head": "", "existing": "", "limit": "99999.99"})
	if !strings.Contains(line["note"], "其他机构") {
		t.Errorf("the remark %q, want that another branch keeps the file", line["note"])
	}
	// A list that does not hold today is refused: no application would be on it.
	ended := w.recommend(officer, "2026-12-01", nobodyOnFile(2))
	_, _, err = w.ruleSets().PreApprove(t.Context(), manager, key(), origination.PreApproval{ListID: ended.ID, ProductCode: "QLFMD", TermMonths: 12, Purpose: loan.PurposeFacility})
	if domain.CodeOf(err) != "recommended-list-not-in-force" {
		t.Errorf("a list of next month: %v, want recommended-list-not-in-force", err)
	}
}

// What is on file counts as it does in an application: here how an earlier loan is paid, and whose farm it is.
func TestAPreApprovalKnowsWhoIsOverdueAndWhoseFarmIsListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, manager := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	rec, _ := w.lent(officer, "30000.00")
	debtor, err := w.borrowers.Borrower(t.Context(), officer, rec.BorrowerID)
	w.must(err)
	owner := w.farmer(officer)
	const code = "92371503MA3E5AMP5A"
	_, _, err = w.borrowers.CreateBorrower(t.Context(), officer, key(), origination.CreateBorrower{
		Kind: borrower.KindFamilyFarm, Name: borrower.MustParseName("茌平区刘马村吉华家庭农场"), CreditCode: borrower.MustParseCreditCode(code),
		Phone: owner.Phone, HouseholdID: owner.HouseholdID, Organisation: borrower.Organisation{
			RegisteredOn:   domain.MustParseDate("2019-03-01"),
			Representative: borrower.Representative{Name: owner.Name, IDNumber: owner.IDNumber, Phone: owner.Phone, Role: borrower.RoleOperator},
		},
	})
	w.must(err)
	list := w.recommend(officer, "2026-11-01", debtor.IDNumber.Reveal(), code, owner.IDNumber.Reveal())

	lines := w.preApproved(manager, list, "QLFMD")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want the debtor's and one for the owner with the farm: %v", len(lines), lines)
	}
	w.wantColumns("who pays as agreed", lines[0], map[string]string{"result": "可以通过", "existing": "30000.00", "limit": "99999.99"})
	w.wantColumns("the farm and its owner", lines[1], map[string]string{"rows": "3；4", "household": owner.HouseholdID.String(), "result": "可以通过"})

	w.advance(70 * 24 * time.Hour) // two months' interest was not paid
	w.wantColumns("who is overdue", w.preApproved(manager, list, "QLFMD")[0], map[string]string{
		"result": "不能通过", "existing": "30000.00", "limit": "0.00", "note": "在本机构有未还的逾期",
	})
	if rec := w.submitted(officer, w.openedFor(officer, debtor, "QLFMD", "3000.00").ID); rec.Status != loan.StatusDeclined {
		t.Errorf("applied for all the same: %s, want declined", rec.Status)
	}
}

// recommendBoth imports a second list: who stands on the first is known already, and counts.
func (w *world) recommendBoth(by domain.Actor, numbers ...borrower.IDNumber) origination.RecommendedList {
	w.t.Helper()
	var texts []string
	for _, n := range numbers {
		texts = append(texts, n.Reveal())
	}
	list, _, _, err := w.borrowers.ImportRecommendedList(w.t.Context(), by, key(), listOf("2026-11-02", texts...))
	w.must(err)
	return list
}

func TestAPreApprovalThatBeginsAgainWritesTheSameFileAndACancelledOneNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, manager := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	head, spouse := w.couple(officer)
	numbers := []string{head.IDNumber.Reveal()}
	for n := range 1005 {
		numbers = append(numbers, nobodyOnFile(n))
	}
	list := w.recommend(officer, "2026-11-01", append(numbers, spouse.Reveal())...) // the spouse is on the second page
	rules := w.ruleSets()

	whole := w.preApprove(manager, list, "QLFMD")
	w.wantWorked(w.village(rules.RunPreApproval), true)
	want := w.result(manager, whole.ID)
	lines := w.preApprovalLines(want)
	if len(lines) != 1006 || lines[0]["rows"] != "2；1008" || lines[1005]["rows"] != "1007" {
		t.Errorf("%d lines from %v to %v; want one for the couple on two pages and one for each other", len(lines), lines[0], lines[len(lines)-1])
	}
	if done := w.job(manager, whole.ID); done.Done != 1007 || done.Estimate != 1007 {
		t.Errorf("progress %d of %d, want 1007 rows of as many", done.Done, done.Estimate)
	}

	// A node dies when the file is nearly whole; another begins after midnight.
	died := w.preApprove(manager, list, "QLFMD")
	w.wantWorked(w.village(func(ctx context.Context, job *origination.JobContext) error {
		return errors.Join(rules.RunPreApproval(ctx, job), errors.New("the node dies"))
	}), true)
	if job := w.job(manager, died.ID); job.Status != origination.JobQueued {
		t.Fatalf("after the node's death: %s, want queued", job.Status)
	}
	w.advance(24 * time.Hour)
	w.wantWorked(w.village(rules.RunPreApproval), true)
	if got := w.result(manager, died.ID); !bytes.Equal(got, want) {
		t.Errorf("the second attempt's file differs from a whole run's: %d and %d bytes", len(got), len(want))
	}

	cancelled := w.preApprove(manager, list, "QLFMD")
	w.wantWorked(w.village(func(ctx context.Context, job *origination.JobContext) error {
		if _, err := w.jobs().Cancel(ctx, manager, job.Job.ID); err != nil {
			return err
		}
		<-ctx.Done() // within a renewal of the lease
		return rules.RunPreApproval(ctx, job)
	}), true)
	if job := w.job(manager, cancelled.ID); job.Status != origination.JobCancelled || !job.Result.IsZero() {
		t.Errorf("the cancelled run: %s with %+v, want cancelled without a file", job.Status, job.Result)
	}
}
