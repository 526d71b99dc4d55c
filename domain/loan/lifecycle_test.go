package loan_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
)

var update = flag.Bool("update", false, "rewrite docs/lifecycle.md from the tables")

const lifecycleFile = "../../docs/lifecycle.md"

// The diagrams between these marks are rendered from the code; the prose around them is written by hand.
const (
	beginMark = "<!-- begin rendered: %s -->\n"
	endMark   = "<!-- end rendered: %s -->\n"
)

func TestTheLifecycleDocumentShowsTheTables(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(lifecycleFile)
	if err != nil {
		t.Fatal(err)
	}
	want := string(content)
	for name, rendered := range map[string]string{
		"application": renderApplication(), "transfer": renderTransfer(), "disbursement": renderDisbursement(), "line": renderLine(), "guarantee": renderGuarantee(),
	} {
		want = replaceBetween(t, want, fmt.Sprintf(beginMark, name), fmt.Sprintf(endMark, name), rendered)
	}
	if want == string(content) {
		return
	}
	if *update {
		if err := os.WriteFile(lifecycleFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s differs from the tables in domain/loan; run: go test ./domain/loan -update", lifecycleFile)
}

func replaceBetween(t *testing.T, text, begin, end, replacement string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		t.Fatalf("%s lacks the marks %q and %q", lifecycleFile, begin, end)
	}
	return before + begin + replacement + end + after
}

func renderApplication() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n  [*] --> draft: create\n")
	for _, tr := range loan.Transitions() {
		when := ""
		if tr.When != "" {
			when = fmt.Sprintf(" [%s]", tr.When)
		}
		fmt.Fprintf(&b, "  %s --> %s: %s%s\n", tr.From, tr.To, tr.Action, when)
	}
	b.WriteString("```\n\n| from | action | when the rules say | to | roles |\n| --- | --- | --- | --- | --- |\n")
	for _, tr := range loan.Transitions() {
		fmt.Fprintf(&b, "| %s %s | %s %s | %s | %s %s | %s |\n",
			tr.From, tr.From.Label(), tr.Action, tr.Action.Label(), tr.When, tr.To, tr.To.Label(), roles(tr.Roles))
	}
	return b.String()
}

func renderTransfer() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n  [*] --> requested: request\n")
	for _, tr := range loan.TransferTransitions() {
		fmt.Fprintf(&b, "  %s --> %s: %s\n", tr.From, tr.To, tr.Action)
	}
	b.WriteString("```\n\n| from | action | to | roles |\n| --- | --- | --- | --- |\n")
	for _, tr := range loan.TransferTransitions() {
		fmt.Fprintf(&b, "| %s %s | %s %s | %s %s | %s |\n",
			tr.From, tr.From.Label(), tr.Action, tr.Action.Label(), tr.To, tr.To.Label(), roles(tr.Roles))
	}
	return b.String()
}

func renderLine() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n  [*] --> live: open\n")
	for _, tr := range loan.LineTransitions() {
		fmt.Fprintf(&b, "  %s --> %s: %s\n", tr.From, tr.To, tr.Action)
	}
	b.WriteString("```\n\n| from | action | to | roles |\n| --- | --- | --- | --- |\n")
	for _, tr := range loan.LineTransitions() {
		who := "follows from a payment, a repayment or a renewal"
		if tr.Roles != nil {
			who = roles(tr.Roles)
		}
		fmt.Fprintf(&b, "| %s %s | %s %s | %s %s | %s |\n",
			tr.From, tr.From.Label(), tr.Action, tr.Action.Label(), tr.To, tr.To.Label(), who)
	}
	return b.String()
}

func renderGuarantee() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n  [*] --> requested: guarantee_ask\n")
	for _, tr := range loan.GuaranteeTransitions() {
		fmt.Fprintf(&b, "  %s --> %s: %s\n", tr.From, tr.To, tr.Action)
	}
	b.WriteString("```\n\n| from | action | to | roles |\n| --- | --- | --- | --- |\n")
	for _, tr := range loan.GuaranteeTransitions() {
		who := roles(tr.Roles)
		if tr.Roles == nil {
			who = "follows the case"
		}
		fmt.Fprintf(&b, "| %s %s | %s %s | %s %s | %s |\n", tr.From, tr.From.Label(), tr.Action, tr.Action.Label(), tr.To, tr.To.Label(), who)
	}
	return b.String()
}

func renderDisbursement() string {
	var b strings.Builder
	b.WriteString("| its transfers | the disbursement |\n| --- | --- |\n")
	for _, sum := range loan.DisbursementSums() {
		how := "at least one is"
		if sum.All {
			how = "all are"
		}
		fmt.Fprintf(&b, "| %s %s %s | %s %s |\n", how, sum.Some, sum.Some.Label(), sum.Status, sum.Status.Label())
	}
	return b.String()
}

func roles(list []domain.Role) string {
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// attempt is one action of the application, tried by a role on an application that stands somewhere.
var attempts = map[loan.Action]func(a *loan.Application, by domain.Actor, when decision.Result) (loan.Event, error){
	loan.ActionEdit: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Edit(by, at, request("50000.00"))
	},
	loan.ActionSubmit: func(a *loan.Application, by domain.Actor, when decision.Result) (loan.Event, error) {
		return a.Submit(by, at, loan.Submission{DecisionID: decisionID, ProductVersionID: versionID, Outcome: decision.Outcome{Result: when}})
	},
	loan.ActionApprove: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Approve(by, at, loan.Approval{Amount: money.MustParseAmount("99500.00"), TermMonths: 12}, "")
	},
	loan.ActionDecline: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Decline(by, at, "资料不实")
	},
	loan.ActionReturn: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Return(by, at, "补充流水")
	},
	loan.ActionWithdraw: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Withdraw(by, at, "不需要了")
	},
	loan.ActionSign: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Sign(by, at, contract())
	},
	loan.ActionDisburse: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Disburse(by, at, loan.DisbursementRecord{ID: disbursementID, Amount: money.MustParseAmount("99500.00")})
	},
	loan.ActionExpire: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Expire(by, at, 30)
	},
	loan.ActionPlanTranches: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.PlanTranches(by, at, false, nil, []loan.Tranche{{Number: 1, Amount: money.MustParseAmount("99500.00")}})
	},
	loan.ActionFulfilCondition: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		_, event, err := a.FulfilCondition(by, at, 1, loan.Condition{ID: decisionID, Kind: loan.ConditionSiteVisit}, loan.Evidence{Reference: "核查表", SHA256: strings.Repeat("a", 64)})
		return event, err
	},
	loan.ActionClose: func(a *loan.Application, by domain.Actor, _ decision.Result) (loan.Event, error) {
		return a.Close(by, at)
	},
}

// Every status, action, result of the rules and role is tried. What the table allows happens and is recorded; all else, the
// larger part, is refused with the right kind and changes nothing.
func TestEveryActionFromEveryStatusByEveryRole(t *testing.T) {
	t.Parallel()
	allowed, refused := 0, 0
	for _, from := range loan.Statuses() {
		for action, try := range attempts {
			for _, when := range resultsFor(action) {
				for _, role := range domain.Roles() {
					to, mayEver := lookUp(from, action, when, role)
					app := applicationIn(t, from)
					before := app.Record()
					event, err := try(app, actor(role), when)
					name := fmt.Sprintf("%s by %s from %s (%s)", action, role, from, when)
					if to != "" {
						allowed++
						checkMoved(t, name, before, app.Record(), event, err, to)
						continue
					}
					refused++
					checkRefused(t, name, before, app.Record(), err, mayEver)
				}
			}
		}
	}
	if allowed == 0 || refused <= allowed {
		t.Errorf("tried %d allowed and %d refused combinations; the refused ones should be the larger part", allowed, refused)
	}
}

func checkMoved(t *testing.T, name string, before, after loan.Record, event loan.Event, err error, to loan.Status) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: refused: %v", name, err)
		return
	}
	if after.Status != to || after.Version != before.Version+1 || !after.UpdatedAt.Equal(at) {
		t.Errorf("%s: got %s version %d at %s, want %s version %d at %s", name, after.Status, after.Version, after.UpdatedAt, to, before.Version+1, at)
	}
	if event.From != string(before.Status) || event.To != string(to) || event.Version != after.Version || event.SubjectID != before.ID {
		t.Errorf("%s: event %+v does not tell the move", name, event)
	}
}

func checkRefused(t *testing.T, name string, before, after loan.Record, err error, mayEver bool) {
	t.Helper()
	refusal, ok := errors.AsType[*domain.Error](err)
	want := domain.KindForbidden
	if mayEver {
		want = domain.KindConflict
	}
	if !ok || refusal.Kind != want {
		t.Errorf("%s: got %v, want kind %d", name, err, want)
	}
	if before.Status != after.Status || before.Version != after.Version {
		t.Errorf("%s: was refused and still changed %s/%d to %s/%d", name, before.Status, before.Version, after.Status, after.Version)
	}
}

func resultsFor(action loan.Action) []decision.Result {
	if action == loan.ActionSubmit {
		return decision.Results()
	}
	return []decision.Result{""}
}

func lookUp(from loan.Status, action loan.Action, when decision.Result, role domain.Role) (to loan.Status, mayEver bool) {
	for _, tr := range loan.Transitions() {
		if tr.Action == action && slices.Contains(tr.Roles, role) {
			mayEver = true
			if tr.From == from && tr.When == when {
				to = tr.To
			}
		}
	}
	return to, mayEver
}

var transferAttempts = map[loan.Action]func(d *loan.Disbursement, by domain.Actor) ([]loan.Event, error){
	loan.ActionRelease: func(d *loan.Disbursement, by domain.Actor) ([]loan.Event, error) {
		return d.Release(by, at, loan.Record{})
	},
	loan.ActionCancel: func(d *loan.Disbursement, by domain.Actor) ([]loan.Event, error) {
		return d.Cancel(by, at, "账户有误")
	},
	loan.ActionSend: func(d *loan.Disbursement, by domain.Actor) ([]loan.Event, error) {
		return d.Send(by, at, at.Add(time.Minute), transferID(1))
	},
	loan.ActionSucceed: func(d *loan.Disbursement, by domain.Actor) ([]loan.Event, error) {
		return d.Succeed(by, at, transferID(1), "REF-1")
	},
	loan.ActionFail: func(d *loan.Disbursement, by domain.Actor) ([]loan.Event, error) {
		return d.Fail(by, at, transferID(1), "account-closed", "收款账户已销户")
	},
	loan.ActionLose: func(d *loan.Disbursement, by domain.Actor) ([]loan.Event, error) {
		return d.Lose(by, at, at.Add(time.Minute), transferID(1), "channel-timeout")
	},
}

func TestEveryTransferActionFromEveryStatusByEveryRole(t *testing.T) {
	t.Parallel()
	allowed, refused := 0, 0
	for _, from := range loan.TransferStatuses() {
		for action, try := range transferAttempts {
			for _, role := range domain.Roles() {
				var to loan.TransferStatus
				mayEver := false
				for _, tr := range loan.TransferTransitions() {
					if tr.Action == action && slices.Contains(tr.Roles, role) {
						mayEver = true
						if tr.From == from {
							to = tr.To
						}
					}
				}
				d := disbursementOf(t, from)
				events, err := try(d, actor(role))
				name := fmt.Sprintf("%s by %s from %s", action, role, from)
				refusal, _ := errors.AsType[*domain.Error](err)
				got := d.Record()
				switch {
				case to != "":
					allowed++
					if err != nil || got.Transfers[0].Status != to || string(got.Status) != string(to) || len(events) != 2 ||
						events[0].To != string(to) || events[1].To != string(to) || events[0].CaseID != applicationID {
						t.Errorf("%s: got %s, events %+v, %v; want %s", name, got.Transfers[0].Status, events, err, to)
					}
				case refusal == nil || (mayEver && refusal.Kind != domain.KindConflict) || (!mayEver && refusal.Kind != domain.KindForbidden):
					t.Errorf("%s: got %v, want a refusal (may ever: %t)", name, err, mayEver)
				case got.Transfers[0].Status != from || got.Version != 1 || got.Transfers[0].Version != 1:
					t.Errorf("%s: was refused and still changed", name)
				default:
					refused++
				}
			}
		}
	}
	if allowed != 9 || refused <= allowed {
		t.Errorf("tried %d allowed and %d refused combinations, want 9 and many more", allowed, refused)
	}
}

// Every action and status has a Chinese label of its own.
func TestEveryStatusAndActionHasALabel(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	check := func(word, label string) {
		if label == "" || label == word {
			t.Errorf("%s has no Chinese label", word)
		}
		seen[word] = label
	}
	for _, s := range loan.Statuses() {
		check(string(s), s.Label())
	}
	for _, s := range loan.DisbursementStatuses() {
		check(string(s), s.Label())
	}
	for action := range attempts {
		check(string(action), action.Label())
	}
	for _, s := range loan.TransferStatuses() {
		check(string(s), s.Label())
	}
	for _, m := range loan.PaymentMethods() {
		check(string(m), m.Label())
	}
	for action := range transferAttempts {
		check(string(action), action.Label())
	}
}
