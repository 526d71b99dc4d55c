package loan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
)

func TestADocumentHasOneCanonicalForm(t *testing.T) {
	t.Parallel()
	d := loan.Document{Title: "借款合同<&>", ContractNo: "HT-1", Blocks: []loan.Block{{
		Heading: "一", Facts: []loan.Fact{{Label: "借款人", Text: "王吉华"}}, Clauses: []string{"甲"}, Header: []string{"期", "本金"}, Rows: [][]string{{"1", "0.00"}},
	}}}
	content, err := d.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	back, err := loan.ParseDocument(content)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, back); diff != "" {
		t.Errorf("read differs (-written +read):\n%s", diff)
	}
	for name, altered := range map[string]string{
		"a space":          string(content) + " ",
		"an unknown field": `{"title":"","contract_no":"","signed_on":"","text_version":"","blocks":[],"x":1}`,
		"half of it":       string(content[:len(content)/2]),
		"a row too short":  `{"title":"","contract_no":"","signed_on":"","text_version":"","blocks":[{"heading":"","facts":null,"clauses":null,"header":["a"],"rows":[[]]}]}`,
	} {
		if _, err := loan.ParseDocument([]byte(altered)); err == nil {
			t.Errorf("%s is taken for a document", name)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(`{"title":"","contract_no":"","signed_on":"","text_version":"","blocks":null}`))
	f.Add([]byte(`{"blocks":[{"header":["a"],"rows":[["b"]]}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := loan.ParseDocument(content)
		if err != nil {
			return
		}
		if again, err := d.Canonical(); err != nil || string(again) != string(content) {
			t.Errorf("%q was read, and is written %q, %v", content, again, err)
		}
	})
}

func TestWhoMustStillSignIsEverybodyButTheMembersThatAreNotNeeded(t *testing.T) {
	t.Parallel()
	party := func(id domain.ID, role loan.PartyRole) loan.Party { return loan.Party{ID: id, Role: role} }
	text := loan.ContractText{MembersMin: 2, Parties: []loan.Party{
		party("b", loan.PartyBorrower), party("g", loan.PartyGuarantor),
		party("m1", loan.PartyMember), party("m2", loan.PartyMember), party("m3", loan.PartyMember),
	}}
	for _, c := range []struct {
		signed  []domain.ID
		missing int
	}{
		{nil, 5},
		{[]domain.ID{"b"}, 4},
		{[]domain.ID{"b", "g", "m1"}, 2},
		{[]domain.ID{"b", "g", "m1", "m3"}, 0},
		{[]domain.ID{"m1", "m2", "m3"}, 2},
		{[]domain.ID{"b", "g"}, 3},
	} {
		var signatures []loan.Signature
		for _, id := range c.signed {
			signatures = append(signatures, loan.Signature{PartyID: id})
		}
		if got := text.Missing(signatures); len(got) != c.missing {
			t.Errorf("signed by %v: %d missing, want %d", c.signed, len(got), c.missing)
		}
	}
}

func TestACodeCountsUntilItsEndAndForFiveAttempts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		code loan.SigningCode
		want string
	}{
		{loan.SigningCode{ExpiresAt: at.Add(time.Microsecond), Attempts: 4}, ""},
		{loan.SigningCode{ExpiresAt: at}, "code-expired"},
		{loan.SigningCode{ExpiresAt: at.Add(time.Hour), Attempts: 5}, "code-attempts-exhausted"},
		{loan.SigningCode{ExpiresAt: at.Add(time.Hour), Used: true}, "code-used"},
	} {
		if got := domain.CodeOf(c.code.Usable(at)); got != c.want {
			t.Errorf("%+v: %q, want %q", c.code, got, c.want)
		}
	}
}
