package staff_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/staff"
)

// fields lists what an error says is wrong, as "pointer code".
func fields(err error) []string {
	var lines []string
	if e, ok := errors.AsType[*domain.Error](err); ok {
		for _, f := range e.Fields {
			lines = append(lines, f.Pointer+" "+f.Code)
		}
	}
	return lines
}

func TestAUsernameHasOneForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"officer-371503", "officer-371503", true},
		{"  Sun.XiaoDong ", "sun.xiaodong", true},
		{"ｓｕｎ＿１", "sun_1", true},
		{"ab", "ab", true},
		{strings.Repeat("a", staff.UsernameBytesMax), strings.Repeat("a", staff.UsernameBytesMax), true},
		{"a", "", false},
		{"", "", false},
		{strings.Repeat("a", staff.UsernameBytesMax+1), "", false},
		{"孙晓东", "", false},
		{"sun xiaodong", "", false},
		{".sun", "", false},
		{"sun-", "", false},
		{"sun'--", "", false},
		{"sun\x00", "", false},
		{"KELVIN\u212a", "kelvink", true}, // strings.ToLower makes k of the Kelvin sign
	} {
		got, err := staff.ParseUsername(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("ParseUsername(%q) = %q, %v; want %q, ok %t", c.in, got, err, c.want, c.ok)
		}
		if err == nil {
			if again, err := staff.ParseUsername(got); again != got || err != nil {
				t.Errorf("ParseUsername(%q) = %q, %v; the stored form must stay as it is", got, again, err)
			}
		}
	}
}

func TestAPersonHasAStaffRole(t *testing.T) {
	t.Parallel()
	for _, role := range append(domain.Roles(), "", "manager", "ADMIN") {
		want := !slices.Contains([]domain.Role{domain.RoleBorrower, domain.RoleCoreSystem, domain.RoleSystem, "", "manager", "ADMIN"}, role)
		if _, err := staff.ParseUserRole(string(role)); (err == nil) != want {
			t.Errorf("ParseUserRole(%q): %v, want accepted = %t", role, err, want)
		}
	}
}

func TestAUserIsValidatedWhole(t *testing.T) {
	t.Parallel()
	good := staff.User{ID: numberedID(1), Username: "sun", DisplayName: "孙晓东", Role: domain.RoleLoanOfficer, BranchID: numberedID(2)}
	if err := good.Validate(); err != nil {
		t.Errorf("a valid user: %v", err)
	}
	bad := staff.User{Username: "Sun", DisplayName: "孙\u202e晓东", Role: domain.RoleSystem}
	want := []string{"/username invalid-username", "/display_name name-invisible", "/role invalid-role", "/branch_id required", "/id required"}
	if diff := cmp.Diff(want, fields(bad.Validate())); diff != "" {
		t.Errorf("a user with everything wrong (-want +got):\n%s", diff)
	}
}

func TestAServiceAccountOpensToItsSecretOnly(t *testing.T) {
	t.Parallel()
	secret := staff.NewSecret(strings.Repeat("s", staff.ClientSecretBytesMin))
	account := staff.ServiceAccount{ID: numberedID(1), Kind: staff.KindBorrowerChannel, ClientID: "mobile-app", Name: "手机银行", SecretHash: secret.Hash()}
	if err := account.Validate(); err != nil {
		t.Errorf("a valid account: %v", err)
	}
	for _, c := range []struct {
		account staff.ServiceAccount
		secret  staff.Secret
		want    bool
	}{
		{account, secret, true},
		{account, staff.NewSecret(secret.Reveal() + "s"), false},
		{account, staff.Secret{}, false},
		{staff.ServiceAccount{}, secret, false},
		{staff.ServiceAccount{}, staff.Secret{}, false},
	} {
		if got := c.account.Opens(c.secret); got != c.want {
			t.Errorf("account %q opens to %q = %t, want %t", c.account.ClientID, c.secret.Reveal(), got, c.want)
		}
	}
	if by := account.Actor(); by.Role != domain.RoleBorrower || by.Scope() != (domain.Scope{}) {
		t.Errorf("the account's actor is %+v with scope %+v; before a call names a borrower it must see nothing", by, by.Scope())
	}
	for size, want := range map[int]bool{0: false, staff.ClientSecretBytesMin - 1: false, staff.ClientSecretBytesMin: true, staff.ClientSecretBytesMax: true, staff.ClientSecretBytesMax + 1: false} {
		if err := staff.CheckClientSecret(staff.NewSecret(strings.Repeat("s", size))); (err == nil) != want {
			t.Errorf("CheckClientSecret of %d bytes: %v, want accepted = %t", size, err, want)
		}
	}
}
