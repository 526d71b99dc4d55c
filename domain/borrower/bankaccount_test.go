package borrower

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBankAccountsAreNormalisedOrRefusedPrecisely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, input, want, code string
		card                    bool
	}{
		{"a card of 19 digits", "6228480000000000018", "6228480000000000018", "", true},
		{"a card as it is embossed", "6228 4800 0000 0000 018", "6228480000000000018", "", true},
		{"a card in full-width digits with hyphens", "６２２８４８-００００００００００-０１８", "6228480000000000018", "", true},
		{"an organisation's account of 17 digits", "15600101040012345", "15600101040012345", "", false},
		{"an account of 20 digits that begins like a card", "62000000000000000001", "62000000000000000001", "", false},
		{"the shortest", "12345678", "12345678", "", false},
		{"the longest", strings.Repeat("1", 32), strings.Repeat("1", 32), "", false},
		{"nothing", "", "", "required", false},
		{"too short", "1234567", "", "bank-account-length", false},
		{"too long", strings.Repeat("1", 33), "", "bank-account-length", false},
		{"a megabyte", strings.Repeat("1", 1<<20), "", "bank-account-length", false},
		{"a card with one digit wrong", "6228480000000000019", "", "bank-account-check-digit", false},
		{"a card of 16 digits with a wrong check digit", "6200000000000000", "", "bank-account-check-digit", false},
		{"a letter", "62284800000000000l8", "", "bank-account-characters", false},
		{"what a table program made of it", "6.22848E+18", "", "number-scientific", false},
	} {
		a, err := ParseBankAccount(c.input)
		if got := codeOf(t, err); got != c.code || a.Reveal() != c.want || a.IsCard() != c.card {
			t.Errorf("%s: ParseBankAccount(%.40q) = %q, card %v, %q, want %q, card %v, %q", c.name, c.input, a.Reveal(), a.IsCard(), got, c.want, c.card, c.code)
		}
	}
}

func TestLuhnAgreesWithPublishedNumbers(t *testing.T) {
	t.Parallel()
	for digits, want := range map[string]bool{
		"79927398713":      true, // the example that goes with the rule
		"79927398710":      false,
		"49927398716":      true, // Rosetta Code, "Luhn test of credit card numbers", with the three below
		"49927398717":      false,
		"1234567812345670": true,
		"1234567812345678": false,
	} {
		if got := luhn(digits); got != want {
			t.Errorf("luhn(%s) = %v, want %v", digits, got, want)
		}
	}
}

func TestAnySingleWrongDigitOfACardIsCaught(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := "62" + rapid.StringMatching(`[0-9]{13,16}`).Draw(t, "body")
		var card string
		for check := '0'; check <= '9'; check++ {
			if _, err := ParseBankAccount(body + string(check)); err == nil {
				card = body + string(check)
			}
		}
		for position := 2; position < len(card); position++ { // with another beginning it would not be a card
			for wrong := '0'; wrong <= '9'; wrong++ {
				changed := card[:position] + string(wrong) + card[position+1:]
				if _, err := ParseBankAccount(changed); changed != card && err == nil {
					t.Fatalf("ParseBankAccount(%q) = nil, want a refusal: %q with position %d wrong", changed, card, position+1)
				}
			}
		}
		if card == "" {
			t.Fatalf("no check digit fits %q, want one", body)
		}
	})
}

func FuzzParseBankAccount(f *testing.F) {
	for _, seed := range []string{"6228480000000000018", "15600101040012345", "６２", "1e9", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		a, err := ParseBankAccount(input)
		if err != nil {
			if codeOf(t, err) == "" || !a.IsZero() {
				t.Errorf("ParseBankAccount(%q) = %v, %v, want a code and no value", input, a, err)
			}
			return
		}
		if again, err := ParseBankAccount(a.Reveal()); err != nil || again != a || len(a.Reveal()) > BankAccountDigitsMax {
			t.Errorf("ParseBankAccount(%q) = %q, parsed again %v, %v, want the same", input, a.Reveal(), again, err)
		}
	})
}
