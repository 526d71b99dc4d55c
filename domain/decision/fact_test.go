package decision_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/decision"
)

func TestTheZeroFactIsUnknown(t *testing.T) {
	t.Parallel()
	var f decision.Fact[bool]
	if value, known := f.Value(); known || value || !f.IsUnknown() || f.IsNone() {
		t.Errorf("the zero fact is %v, known %v, unknown %v, none %v", value, known, f.IsUnknown(), f.IsNone())
	}
	if f := decision.None[int](); f.IsUnknown() || !f.IsNone() {
		t.Error("None is not none")
	}
	if value, known := decision.Known(false).Value(); value || !known {
		t.Error("Known(false) is not known")
	}
	if !decision.KnownUnless(true, 5).IsNone() {
		t.Error("KnownUnless(true, 5) is not none")
	}
	if value, known := decision.KnownUnless(false, 5).Value(); value != 5 || !known {
		t.Errorf("KnownUnless(false, 5) = %d, %v", value, known)
	}
}

func TestEveryFactIsDefinedOnceInTheOrderOfItsField(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[decision.Facts]()
	definitions := decision.Definitions()
	if got, want := len(definitions), fields.NumField()-1; got != want { // all but EvaluatedOn
		t.Fatalf("%d definitions for %d facts", got, want)
	}
	for i, d := range definitions {
		field := strings.ToLower(fields.Field(i + 1).Name)
		if strings.ReplaceAll(string(d.Name), "_", "") != field {
			t.Errorf("definition %d is %s, the field is %s", i, d.Name, fields.Field(i+1).Name)
		}
		if d.Label == "" || d.Origin == "" || d.Type == "" || decision.LabelOf(d.Name) != d.Label {
			t.Errorf("incomplete definition %+v", d)
		}
		if (d.Type == "amount" || d.Type == "rate" || d.Type == "integer") && d.Unit == "" {
			t.Errorf("%s is a number without a unit", d.Name)
		}
	}
	for _, name := range []decision.FactName{decision.FactAge, decision.FactAgeAtLastDue, decision.FactEvaluatedOn} {
		if decision.LabelOf(name) == string(name) {
			t.Errorf("%s has no label", name)
		}
	}
	if got := decision.LabelOf("moon_phase"); got != "moon_phase" {
		t.Errorf("LabelOf(moon_phase) = %q", got)
	}
}

func TestASnapshotReadsBackAsTheSameFacts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := completeFacts().Draw(t, "facts")
		for _, d := range decision.Definitions() { // some unknown, some none, as the definitions allow
			snapshot := facts.Snapshot()
			switch n := rapid.IntRange(0, 9).Draw(t, string(d.Name)); {
			case n == 0:
				delete(snapshot, string(d.Name))
			case n == 1 && d.MayBeNone:
				snapshot[string(d.Name)] = nil
			}
			var err error
			if facts, err = decision.FactsFromSnapshot(snapshot); err != nil {
				t.Fatalf("FactsFromSnapshot: %v", err)
			}
			if diff := cmp.Diff(snapshot, facts.Snapshot()); diff != "" {
				t.Fatalf("the snapshot reads back differently:\n%s", diff)
			}
		}
		again, err := decision.FactsFromSnapshot(facts.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(evaluate(facts), evaluate(again), dates); diff != "" {
			t.Fatalf("the stored facts are judged differently:\n%s", diff)
		}
	})
}

func TestASnapshotThatCannotBeReadWholeIsRefused(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	tests := []struct {
		name     string
		snapshot map[string]*string
		want     string
	}{
		{"an unknown name", map[string]*string{"moon_phase": text("full")}, "/moon_phase unknown-fact"},
		{"an amount with three decimals", map[string]*string{"amount": text("1.001")}, "/amount too-many-decimals"},
		{"an empty amount", map[string]*string{"amount": text("")}, "/amount invalid-decimal"},
		{"a none that must not be", map[string]*string{"amount": nil}, "/amount required"},
		{"a day that does not exist", map[string]*string{"birth_date": text("1960-02-30")}, "/birth_date invalid-date"},
		{"a boolean in another spelling", map[string]*string{"site_visit_done": text("yes")}, "/site_visit_done invalid-boolean"},
		{"an integer with a sign", map[string]*string{"term_months": text("+36")}, "/term_months invalid-integer"},
		{"an integer with a leading zero", map[string]*string{"term_months": text("036")}, "/term_months invalid-integer"},
		{"an integer that is too large", map[string]*string{"term_months": text("99999999999")}, "/term_months invalid-integer"},
		{"a code with a comma", map[string]*string{"purpose": text("a,b")}, "/purpose invalid-code"},
		{"a code too long", map[string]*string{"purpose": text(strings.Repeat("a", 65))}, "/purpose invalid-code"},
		{"an empty code in a list", map[string]*string{"purposes_forbidden": text("a,,b")}, "/purposes_forbidden invalid-code"},
		{"a decision day that is none", map[string]*string{"evaluated_on": nil}, "/evaluated_on unknown-fact"},
		{"a decision day that is no day", map[string]*string{"evaluated_on": text("today")}, "/evaluated_on invalid-date"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := decision.FactsFromSnapshot(test.snapshot)
			if got := fieldCodes(err); len(got) != 1 || got[0] != test.want {
				t.Errorf("FactsFromSnapshot = %v (%v), want %s", got, err, test.want)
			}
		})
	}
}

func TestTheLongestCodeAndAnEmptyListAreRead(t *testing.T) {
	t.Parallel()
	longest, none := strings.Repeat("a", 64), ""
	facts, err := decision.FactsFromSnapshot(map[string]*string{"purpose": &longest, "purposes_forbidden": &none})
	if err != nil {
		t.Fatal(err)
	}
	if got, known := facts.Purpose.Value(); !known || got != longest {
		t.Errorf("purpose = %q, %v", got, known)
	}
	if got, known := facts.PurposesForbidden.Value(); !known || len(got) != 0 {
		t.Errorf("purposes_forbidden = %v, %v; want a known empty list", got, known)
	}
}

func FuzzFactsFromSnapshot(f *testing.F) {
	for _, d := range decision.Definitions() {
		f.Add(string(d.Name), "1", true)
	}
	f.Add("birth_date", "1960-02-29", true)
	f.Add("purposes_forbidden", "", true)
	f.Fuzz(func(t *testing.T, name, value string, known bool) {
		snapshot := map[string]*string{name: nil}
		if known {
			snapshot[name] = &value
		}
		facts, err := decision.FactsFromSnapshot(snapshot)
		if err != nil {
			return
		}
		evaluate(facts)
		if len(facts.Snapshot()) != 1 {
			t.Errorf("FactsFromSnapshot(%q: %q) read back as %v", name, value, facts.Snapshot())
		}
	})
}

func fieldCodes(err error) []string {
	var codes []string
	if e, ok := err.(*domain.Error); ok { //nolint:errorlint // FactsFromSnapshot returns it unwrapped
		for _, field := range e.Fields {
			codes = append(codes, field.Pointer+" "+field.Code)
		}
	}
	return codes
}

func TestResultsRankFromApproveToDecline(t *testing.T) {
	t.Parallel()
	results := decision.Results()
	if len(results) != 3 || results[0] != decision.Approve || results[2] != decision.Decline {
		t.Fatalf("Results = %v", results)
	}
	for i, r := range results {
		if !r.Valid() {
			t.Errorf("%s is not valid", r)
		}
		for j, o := range results {
			if r.Better(o) != (i < j) {
				t.Errorf("%s better than %s: %v, want %v", r, o, r.Better(o), i < j)
			}
		}
	}
	if unset := decision.Result(""); unset.Valid() || unset.Better(decision.Decline) {
		t.Error("an unset result is valid, or better than a decline")
	}
}
