package staff

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fumin/domain"
)

// User is a member of staff who logs in with a password (员工).
type User struct {
	ID          domain.ID
	Username    string // 用户名, lower-case, unique for the whole lender, never given to another person
	DisplayName string // 姓名 as the audit trail shows it
	Role        domain.Role
	BranchID    domain.ID
	// GuaranteeCompanyID is the company a guarantee officer (农担公司经办) works for; zero for everybody else. The branch is then
	// the office that keeps the account.
	GuaranteeCompanyID domain.ID
	PasswordHash       PasswordHash
	PasswordTemporary  bool      // set by somebody else: must be replaced at the next login (初始口令)
	DeactivatedAt      time.Time // zero while active
	Version            int       // counts the changes, from 1
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// UserRoles lists the roles a person may have. A borrower comes through a service account, and the system is no person.
func UserRoles() []domain.Role {
	return []domain.Role{
		domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleRiskManager, domain.RoleDisbursementOfficer,
		domain.RoleBranchManager, domain.RoleGuaranteeOfficer, domain.RoleAuditor, domain.RoleAdmin,
	}
}

// LenderRoles lists the roles of the lender's own people.
func LenderRoles() []domain.Role {
	return slices.DeleteFunc(UserRoles(), func(r domain.Role) bool { return r == domain.RoleGuaranteeOfficer })
}

// ParseUserRole reads one of UserRoles.
func ParseUserRole(s string) (domain.Role, error) {
	if r := domain.Role(s); slices.Contains(UserRoles(), r) {
		return r, nil
	}
	return "", domain.BadValue("invalid-role", "岗位应为 loan_officer、approver、risk_manager、disbursement_officer、branch_manager、guarantee_officer、auditor 或 admin")
}

// CheckGuaranteeCompany refuses a guarantee officer without a company, and a company for anybody else.
func CheckGuaranteeCompany(role domain.Role, companyID domain.ID) error {
	var p domain.Problems
	switch officer := role == domain.RoleGuaranteeOfficer; {
	case officer && companyID.IsZero():
		p.Add("/guarantee_company_id", "required", "农担公司经办必须指明所属的农担公司")
	case !officer && !companyID.IsZero():
		p.Add("/guarantee_company_id", "not-allowed", "只有农担公司经办才填写所属的农担公司")
	}
	return p.Err()
}

// Active reports whether the user may log in.
func (u User) Active() bool { return u.DeactivatedAt.IsZero() }

// Actor returns the user as one who asks.
func (u User) Actor() domain.Actor {
	return domain.Actor{ID: u.ID, Name: u.DisplayName, Role: u.Role, BranchID: u.BranchID, GuaranteeCompanyID: u.GuaranteeCompanyID}
}

// Limits of a user's texts.
const (
	UsernameBytesMin    = 2
	UsernameBytesMax    = 32
	DisplayNameRunesMax = 50
)

// NormaliseUsername brings a user name as people type it to the form it is stored in: without white space around it, lower
// case, and full-width letters as ASCII. What comes out need not be a user name.
func NormaliseUsername(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // full-width forms, which Chinese input methods produce
			return r - '！' + '!'
		}
		return r
	}, strings.TrimSpace(s)))
}

// ParseUsername reads the name of a new user: after NormaliseUsername, letters a to z, digits, and ". _ -" inside.
func ParseUsername(s string) (string, error) {
	name := NormaliseUsername(s)
	if !isUsername(name) {
		return "", domain.BadValue("invalid-username", "用户名应为 %d 至 %d 个小写字母、数字，中间可用“.”“_”“-”", UsernameBytesMin, UsernameBytesMax)
	}
	return name, nil
}

func isUsername(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case (c == '.' || c == '_' || c == '-') && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return len(s) >= UsernameBytesMin && len(s) <= UsernameBytesMax
}

// ParseDisplayName reads the name that the audit trail shows.
func ParseDisplayName(s string) (string, error) {
	name := strings.TrimSpace(s)
	n := utf8.RuneCountInString(name)
	if n < 1 || n > DisplayNameRunesMax {
		return "", domain.BadValue("name-length", "姓名应为 1 至 %d 个字", DisplayNameRunesMax)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return "", domain.BadValue("name-invisible", "姓名含有不可见的字符，请删除后手工重新录入")
	}
	return name, nil
}

// Validate collects what is wrong with a user.
func (u User) Validate() error {
	var p domain.Problems
	if !isUsername(u.Username) {
		_, err := ParseUsername("")
		p.Check("/username", err)
	}
	_, err := ParseDisplayName(u.DisplayName)
	p.Check("/display_name", err)
	_, err = ParseUserRole(string(u.Role))
	p.Check("/role", err)
	if u.BranchID.IsZero() {
		p.Add("/branch_id", "required", "必填")
	}
	p.Check("", CheckGuaranteeCompany(u.Role, u.GuaranteeCompanyID))
	if u.ID.IsZero() {
		p.Add("/id", "required", "必填")
	}
	return p.Err()
}
