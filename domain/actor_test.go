package domain_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
)

// declaredRoles reads the constants of type Role from the source, so that a new one cannot be forgotten here.
func declaredRoles(t *testing.T) []domain.Role {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "actor.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var roles []domain.Role
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Role" {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			roles = append(roles, domain.Role(text))
		}
		return true
	})
	return roles
}

func TestRolesListsEveryRoleOnce(t *testing.T) {
	t.Parallel()
	declared := declaredRoles(t)
	if diff := cmp.Diff(declared, domain.Roles()); diff != "" {
		t.Errorf("Roles() differs from the constants (-constants +Roles):\n%s", diff)
	}
	if len(declared) < 7 {
		t.Errorf("%d constants were found, want at least the 7 of the first day", len(declared))
	}
	for _, role := range declared {
		if !role.Valid() {
			t.Errorf("%q.Valid() = false, want true", role)
		}
	}
	for _, role := range []domain.Role{"", "Admin", "ADMIN", "admin ", "root", "loan-officer", "客户经理"} {
		if role.Valid() {
			t.Errorf("%q.Valid() = true, want false", role)
		}
	}
}

func TestEachRoleSeesItsPartAndNoMore(t *testing.T) {
	t.Parallel()
	branch, borrower := domain.MustParseID(someID), domain.MustParseID("0198d0c4-7a00-7000-8000-0123456789ac")
	company := domain.MustParseID("0198d0c4-7a00-7000-8000-0123456789ad")
	ofBranch := domain.Scope{BranchID: branch}
	want := map[domain.Role]domain.Scope{
		domain.RoleLoanOfficer:         ofBranch,
		domain.RoleApprover:            ofBranch,
		domain.RoleRiskManager:         ofBranch,
		domain.RoleDisbursementOfficer: ofBranch,
		domain.RoleBranchManager:       ofBranch,
		domain.RoleGuaranteeOfficer:    {GuaranteeCompanyID: company},
		domain.RoleAuditor:             ofBranch,
		domain.RoleAdmin:               ofBranch,
		domain.RoleBorrower:            {BorrowerID: borrower},
		domain.RoleCoreSystem:          {}, // only what its own use cases reach
		domain.RoleSystem:              {Everything: true},
	}
	for _, role := range declaredRoles(t) {
		scope, known := want[role]
		if !known {
			t.Errorf("role %q has no row here: what does it see?", role)
			continue
		}
		// All are set, so that a role that takes the wrong one shows.
		actor := domain.Actor{Role: role, BranchID: branch, BorrowerID: borrower, GuaranteeCompanyID: company}
		if got := actor.Scope(); got != scope {
			t.Errorf("%s: Scope() = %+v, want %+v", role, got, scope)
		}
	}
}

func TestAnUnknownRoleSeesNothing(t *testing.T) {
	t.Parallel()
	for _, role := range []domain.Role{"", "root", "SYSTEM"} {
		actor := domain.Actor{Role: role, BranchID: someID, BorrowerID: someID}
		if got := actor.Scope(); got != (domain.Scope{}) {
			t.Errorf("role %q: Scope() = %+v, want nothing", role, got)
		}
	}
}

func TestOnlyTheNamedRolesAreLetThrough(t *testing.T) {
	t.Parallel()
	roles := domain.Roles()
	for _, actual := range roles {
		for i, first := range roles {
			for _, second := range roles[i:] {
				err := domain.Actor{Role: actual}.Require(first, second)
				if allowed := actual == first || actual == second; allowed != (err == nil) {
					t.Errorf("%s: Require(%s, %s) = %v", actual, first, second, err)
				}
			}
		}
	}
	for _, actor := range []domain.Actor{{}, {Role: domain.RoleAdmin}} {
		err := actor.Require()
		e, ok := errors.AsType[*domain.Error](err)
		if !ok || e.Kind != domain.KindForbidden || e.Code != "role-not-allowed" || e.Detail == "" {
			t.Errorf("%q: Require(nobody) = %v, want KindForbidden, role-not-allowed", actor.Role, err)
		}
	}
	if err := (domain.Actor{}).Require(domain.RoleAdmin); err == nil {
		t.Error("nobody: Require(admin) = nil, want an error")
	}
}
