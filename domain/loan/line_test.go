package loan_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

var lineID = domain.MustParseID("01910000-0000-7000-8000-000000000031")

func line(t *testing.T, limit string, revolving bool) *loan.Line {
	t.Helper()
	c := contract()
	c.ApplicationID, c.BranchID, c.BorrowerID, c.Amount, c.TermMonths = applicationID, branchID, borrowerID, money.MustParseAmount(limit), 12
	c.SignedOn = domain.DateOf(at)
	l, _, err := loan.OpenLine(actor(domain.RoleLoanOfficer), at, lineID, c, loan.LineTerms{Revolving: revolving})
	if err != nil {
		t.Fatalf("open a line of %s: %v", limit, err)
	}
	return l
}

func yuan(s string) money.Amount { return money.MustParseAmount(s) }

// The duck shed's line, step by step: free follows every step.
func TestARevolvingLineFollowsTheMoneyOfTheDuckShed(t *testing.T) {
	t.Parallel()
	l := line(t, "99500.00", true)
	by := actor(domain.RoleSystem)
	for _, step := range []struct {
		name              string
		do                func() (loan.Event, error)
		outstanding, free string
	}{
		{"reserve 99,500", func() (loan.Event, error) { return l.Reserve(by, at, yuan("99500.00")) }, "0.00", "0.00"},
		{"it arrives", func() (loan.Event, error) { return l.Draw(by, at, yuan("99500.00")) }, "99500.00", "0.00"},
		{"repay 40,000", func() (loan.Event, error) { return l.Repay(by, at, yuan("40000.00")) }, "59500.00", "40000.00"},
		{"reserve 30,000", func() (loan.Event, error) { return l.Reserve(by, at, yuan("30000.00")) }, "59500.00", "10000.00"},
		{"it fails", func() (loan.Event, error) { return l.GiveBack(by, at, yuan("30000.00")) }, "59500.00", "40000.00"},
		{"reserve 30,000 again", func() (loan.Event, error) { return l.Reserve(by, at, yuan("30000.00")) }, "59500.00", "10000.00"},
		{"it arrives", func() (loan.Event, error) { return l.Draw(by, at, yuan("30000.00")) }, "89500.00", "10000.00"},
		{"5,000 of it come back", func() (loan.Event, error) { return l.Reverse(by, at, yuan("5000.00")) }, "84500.00", "15000.00"},
		{"the repayment is undone", func() (loan.Event, error) { return l.UndoRepayment(by, at, yuan("40000.00")) }, "124500.00", "0.00"},
		{"repay all", func() (loan.Event, error) { return l.Repay(by, at, yuan("124500.00")) }, "0.00", "99500.00"},
	} {
		before := l.Record()
		event, err := step.do()
		rec := l.Record()
		if err != nil || rec.Outstanding.String() != step.outstanding || rec.Free().String() != step.free {
			t.Fatalf("%s: got outstanding %s, free %s, %v; want %s, %s", step.name, rec.Outstanding, rec.Free(), err, step.outstanding, step.free)
		}
		if event.Subject != loan.SubjectLine || event.SubjectID != lineID || event.CaseID != applicationID || event.Version != before.Version+1 {
			t.Errorf("%s: event %+v does not tell the step", step.name, event)
		}
	}
}

func TestALineThatDoesNotRevolveIsUsedOnce(t *testing.T) {
	t.Parallel()
	l := line(t, "1000.00", false)
	by := actor(domain.RoleSystem)
	must := func(_ loan.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(l.Reserve(by, at, yuan("600.00")))
	must(l.Draw(by, at, yuan("600.00")))
	must(l.Repay(by, at, yuan("600.00")))
	if free := l.Record().Free(); !free.Equal(yuan("400.00")) {
		t.Errorf("free after 600.00 of 1,000.00 were drawn and repaid: got %s, want 400.00", free)
	}
	refuseLine(t, "reserve 400.01", "line-exceeded", func() error { _, err := l.Reserve(by, at, yuan("400.01")); return err }, l)
}

func refuseLine(t *testing.T, name, code string, do func() error, l *loan.Line) {
	t.Helper()
	before := l.Record()
	if err := do(); domain.CodeOf(err) != code {
		t.Errorf("%s: got %v, want %s", name, err, code)
	}
	if after := l.Record(); !cmp.Equal(after, before) {
		t.Errorf("%s was refused and still changed the line: got %+v, want %+v", name, after, before)
	}
}

func TestALineRefusesByName(t *testing.T) {
	t.Parallel()
	system, keeper := actor(domain.RoleSystem), actor(domain.RoleRiskManager)
	l := line(t, "1000.00", true)
	if _, err := l.Reserve(system, at, yuan("500.00")); err != nil {
		t.Fatal(err)
	}
	for name, refusal := range map[string]struct {
		code string
		try  func() (loan.Event, error)
	}{
		"more than is free":         {code: "line-exceeded", try: func() (loan.Event, error) { return l.Reserve(system, at, yuan("500.01")) }},
		"draw more than reserved":   {code: "line-amount-mismatch", try: func() (loan.Event, error) { return l.Draw(system, at, yuan("500.01")) }},
		"draw nothing":              {code: "line-amount-mismatch", try: func() (loan.Event, error) { return l.Draw(system, at, yuan("0.00")) }},
		"give back more":            {code: "line-amount-mismatch", try: func() (loan.Event, error) { return l.GiveBack(system, at, yuan("500.01")) }},
		"repay what is not owed":    {code: "line-amount-mismatch", try: func() (loan.Event, error) { return l.Repay(system, at, yuan("0.01")) }},
		"undo what was not repaid":  {code: "line-amount-mismatch", try: func() (loan.Event, error) { return l.UndoRepayment(system, at, yuan("0.01")) }},
		"reverse what is not drawn": {code: "line-amount-mismatch", try: func() (loan.Event, error) { return l.Reverse(system, at, yuan("0.01")) }},
		"hand over with payments":   {code: "line-has-payments", try: func() (loan.Event, error) { return l.HandOver(system, at) }},
		"resume a live line":        {code: "wrong-status", try: func() (loan.Event, error) { return l.Resume(keeper, at, "核实完毕") }},
		"hold by a loan officer":    {code: "role-not-allowed", try: func() (loan.Event, error) { return l.Hold(actor(domain.RoleLoanOfficer), at, "可疑") }},
		"reserve on its last day":   {code: "line-ended", try: func() (loan.Event, error) { return l.Reserve(system, at.AddDate(1, 0, 0), yuan("1.00")) }},
		"end by the borrower":       {code: "role-not-allowed", try: func() (loan.Event, error) { return l.End(actor(domain.RoleBorrower), at, "不用了") }},
	} {
		refuseLine(t, name, refusal.code, func() error { _, err := refusal.try(); return err }, l)
	}
	if _, err := l.Hold(keeper, at, "可疑"); err != nil {
		t.Fatal(err)
	}
	refuseLine(t, "reserve on a held line", "line-held", func() error { _, err := l.Reserve(system, at, yuan("1.00")); return err }, l)
	if _, err := l.End(keeper, at, "欺诈"); err != nil {
		t.Fatal(err)
	}
	refuseLine(t, "reserve on an ended line", "line-ended", func() error { _, err := l.Reserve(system, at, yuan("1.00")); return err }, l)
	if _, err := l.Draw(system, at, yuan("500.00")); err != nil {
		t.Errorf("money that was released before the line ended arrives: got %v, want it recorded", err)
	}
}

func TestADrawKeepsWithinTheProductsLeastAndMost(t *testing.T) {
	t.Parallel()
	c := contract()
	c.ApplicationID, c.BranchID, c.BorrowerID, c.Amount, c.SignedOn = applicationID, branchID, borrowerID, yuan("99500.00"), domain.DateOf(at)
	l, _, err := loan.OpenLine(actor(domain.RoleLoanOfficer), at, lineID, c, loan.LineTerms{Revolving: true, DrawMin: yuan("3000.00"), DrawMax: yuan("50000.00")})
	if err != nil {
		t.Fatal(err)
	}
	for amount, allowed := range map[string]bool{
		"0.00": false, "2999.99": false, "3000.00": true, "50000.00": true, "50000.01": false, "99500.01": false,
	} {
		if err := l.MayDrawBetween(domain.DateOf(at), yuan(amount)); (err == nil) != allowed {
			t.Errorf("draw %s: got %v, want allowed %t", amount, err, allowed)
		}
	}
}

// Whatever is tried in whatever order, free is never negative, what is used never passes the limit unless the core system
// undid a repayment, and the totals make the outstanding sum.
func TestALineIsNeverUsedBeyondItsLimitWhateverTheInterleaving(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		revolving := rapid.Bool().Draw(rt, "revolving")
		l := line(t, "1000.00", revolving)
		by, keeper := actor(domain.RoleSystem), actor(domain.RoleRiskManager)
		undone := false
		rt.Repeat(map[string]func(*rapid.T){
			"step": func(rt *rapid.T) {
				amount := money.Fen(rapid.Int64Range(-100, 120_000).Draw(rt, "fen"))
				action := rapid.SampledFrom([]string{"reserve", "draw", "give back", "reverse", "repay", "undo", "take over", "hold", "resume", "end", "hand over"}).Draw(rt, "action")
				if (action == "end" || action == "hand over") && rapid.IntRange(0, 9).Draw(rt, "rarely") > 0 {
					action = "reserve"
				}
				before := l.Record()
				var err error
				switch action {
				case "reserve":
					if amount.Sign() <= 0 {
						amount = yuan("0.01")
					}
					_, err = l.Reserve(by, at, amount)
				case "draw":
					_, err = l.Draw(by, at, amount)
				case "give back":
					_, err = l.GiveBack(by, at, amount)
				case "reverse":
					_, err = l.Reverse(by, at, amount)
				case "repay":
					_, err = l.Repay(by, at, amount)
				case "undo":
					if _, err = l.UndoRepayment(by, at, amount); err == nil {
						undone = true
					}
				case "take over":
					if amount.Sign() <= 0 {
						amount = yuan("0.01")
					}
					_, err = l.TakeOver(by, at, amount)
				case "hold":
					_, err = l.Hold(keeper, at, "核实")
				case "resume":
					_, err = l.Resume(keeper, at, "核实完毕")
				case "end":
					_, err = l.End(keeper, at, "结束")
				case "hand over":
					_, err = l.HandOver(by, at)
				}
				if err != nil && !cmp.Equal(l.Record(), before) {
					rt.Fatalf("%s %s was refused (%v) and still changed the line", action, amount, err)
				}
			},
			"": func(rt *rapid.T) {
				rec := l.Record()
				if rec.Free().Sign() < 0 || rec.Reserved.Sign() < 0 || rec.Outstanding.Sign() < 0 {
					rt.Fatalf("free %s, reserved %s, outstanding %s", rec.Free(), rec.Reserved, rec.Outstanding)
				}
				if !undone && (!rec.Overdrawn.IsZero() || revolving && rec.Outstanding.Add(rec.Reserved).Cmp(rec.Limit) > 0) {
					rt.Fatalf("overdrawn %s without an undone repayment: outstanding %s, reserved %s", rec.Overdrawn, rec.Outstanding, rec.Reserved)
				}
				if _, err := loan.RestoreLine(rec); err != nil {
					rt.Fatalf("the line cannot be stored: %v", err)
				}
			},
		})
	})
}

// The product's least and most for one draw are held to the fen, and told at the field.
func TestADrawKeepsToTheProductsLeastAndMost(t *testing.T) {
	t.Parallel()
	c := contract()
	c.ApplicationID, c.BranchID, c.BorrowerID, c.Amount, c.TermMonths, c.SignedOn = applicationID, branchID, borrowerID, yuan("99500.00"), 12, domain.DateOf(at)
	l, _, err := loan.OpenLine(actor(domain.RoleLoanOfficer), at, lineID, c, loan.LineTerms{Revolving: true, DrawMin: yuan("1000.00"), DrawMax: yuan("30000.00")})
	if err != nil {
		t.Fatal(err)
	}
	for amount, code := range map[string]string{"999.99": "below-draw-minimum", "1000.00": "", "30000.00": "", "30000.01": "above-draw-maximum"} {
		got := ""
		if err := l.MayDrawBetween(domain.DateOf(at), yuan(amount)); err != nil {
			refusal, ok := errors.AsType[*domain.Error](err)
			if !ok || len(refusal.Fields) != 1 || refusal.Fields[0].Pointer != "/amount" {
				t.Fatalf("a draw of %s: got %v, want a refusal of /amount", amount, err)
			}
			got = refusal.Fields[0].Code
		}
		if got != code {
			t.Errorf("a draw of %s: got %q, want %q", amount, got, code)
		}
	}
}

// lineAttempts is every action on a line, tried on one with 100.00 reserved, 200.00 owed and 100.00 repaid of 1,000.00.
var lineAttempts = map[loan.Action]func(l *loan.Line, by domain.Actor) (loan.Event, error){
	loan.ActionLineReserve:  func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.Reserve(by, at, yuan("100.00")) },
	loan.ActionLineDraw:     func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.Draw(by, at, yuan("100.00")) },
	loan.ActionLineGiveBack: func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.GiveBack(by, at, yuan("100.00")) },
	loan.ActionLineReverse:  func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.Reverse(by, at, yuan("100.00")) },
	loan.ActionLineRepay:    func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.Repay(by, at, yuan("100.00")) },
	loan.ActionLineUndo: func(l *loan.Line, by domain.Actor) (loan.Event, error) {
		return l.UndoRepayment(by, at, yuan("100.00"))
	},
	loan.ActionLineTakeOver: func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.TakeOver(by, at, yuan("100.00")) },
	loan.ActionLineHandOver: func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.HandOver(by, at) },
	loan.ActionLineFill:     func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.FillNotes(by, at) },
	loan.ActionLineHold:     func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.Hold(by, at, "可疑") },
	loan.ActionLineResume:   func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.Resume(by, at, "核实完毕") },
	loan.ActionLineEnd:      func(l *loan.Line, by domain.Actor) (loan.Event, error) { return l.End(by, at, "结束") },
}

// lineIn is a line that stands somewhere in the middle of its life. Nothing is reserved on one that is to be handed over.
func lineIn(t *testing.T, status loan.LineStatus, reserved string) *loan.Line {
	t.Helper()
	l, err := loan.RestoreLine(loan.LineRecord{
		ID: lineID, ApplicationID: applicationID, BranchID: branchID, BorrowerID: borrowerID, Limit: yuan("1000.00"), Revolving: true,
		StartsOn: domain.DateOf(at), EndsOn: domain.DateOf(at).AddMonths(12), Reserved: yuan(reserved), Outstanding: yuan("200.00"),
		DrawnTotal: yuan("300.00"), RepaidTotal: yuan("100.00"), NotesCount: 1, Status: status, Version: 7,
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Every status, action and role is tried on a line. What the table allows happens and is recorded; all else is refused with the
// right kind and changes nothing.
func TestEveryLineActionFromEveryStatusByEveryRole(t *testing.T) {
	t.Parallel()
	untried := map[loan.Action]bool{}
	for _, tr := range loan.LineTransitions() {
		untried[tr.Action] = true
	}
	allowed, refused := 0, 0
	for action, try := range lineAttempts {
		delete(untried, action)
		reserved := "100.00"
		if action == loan.ActionLineHandOver {
			reserved = "0.00"
		}
		for _, from := range loan.LineStatuses() {
			for _, role := range domain.Roles() {
				to, mayEver := lookUpLine(from, action, role)
				l := lineIn(t, from, reserved)
				before := l.Record()
				event, err := try(l, actor(role))
				name := fmt.Sprintf("%s by %s from %s", action, role, from)
				if to == "" {
					refused++
					checkLineRefused(t, name, before, l.Record(), err, mayEver)
					continue
				}
				allowed++
				after := l.Record()
				if err != nil || after.Status != to || after.Version != before.Version+1 || !after.UpdatedAt.Equal(at) {
					t.Errorf("%s: got %s version %d, %v; want %s version %d", name, after.Status, after.Version, err, to, before.Version+1)
				}
				if event.From != string(from) || event.To != string(to) || event.Version != after.Version || event.SubjectID != lineID || event.Action != action || event.ActorRole != role {
					t.Errorf("%s: event %+v does not tell the move", name, event)
				}
				if label := action.Label(); label == string(action) {
					t.Errorf("%s has no Chinese label", action)
				}
			}
		}
	}
	if len(untried) > 0 || allowed == 0 || refused == 0 {
		t.Errorf("tried %d allowed and %d refused combinations; not tried: %v", allowed, refused, untried)
	}
}

func lookUpLine(from loan.LineStatus, action loan.Action, role domain.Role) (to loan.LineStatus, mayEver bool) {
	for _, tr := range loan.LineTransitions() {
		if tr.Action == action && (tr.Roles == nil || slices.Contains(tr.Roles, role)) {
			mayEver = true
			if tr.From == from {
				to = tr.To
			}
		}
	}
	return to, mayEver
}

func checkLineRefused(t *testing.T, name string, before, after loan.LineRecord, err error, mayEver bool) {
	t.Helper()
	refusal, _ := errors.AsType[*domain.Error](err)
	want := domain.KindForbidden
	if mayEver {
		want = domain.KindConflict
	}
	if refusal == nil || refusal.Kind != want {
		t.Errorf("%s: got %v, want kind %d", name, err, want)
	}
	if !cmp.Equal(before, after) {
		t.Errorf("%s: was refused and still changed %+v to %+v", name, before, after)
	}
}
