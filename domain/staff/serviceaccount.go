package staff

import (
	"crypto/subtle"
	"time"

	"fumin/domain"
)

// ServiceAccountKind is what a program may do here (服务账号用途).
type ServiceAccountKind string

// The kinds of service account.
const (
	// KindBorrowerChannel acts for borrowers, such as the mobile app's backend (借款人渠道). Each of its calls names the one
	// borrower it acts for, and reaches nothing else.
	KindBorrowerChannel ServiceAccountKind = "borrower_channel"
	// KindCoreSystem reports repayments and their reversals (核心系统), and does nothing else.
	KindCoreSystem ServiceAccountKind = "core_system"
)

// Valid reports whether k is one of the constants.
func (k ServiceAccountKind) Valid() bool { return k == KindBorrowerChannel || k == KindCoreSystem }

// ServiceAccount is a program that calls us (服务账号).
type ServiceAccount struct {
	ID            domain.ID
	Kind          ServiceAccountKind
	ClientID      string // 1 to 32 letters, digits, - and _
	Name          string
	SecretHash    []byte    // Secret.Hash of the client's secret
	DeactivatedAt time.Time // zero while active
	Version       int       // counts the changes, from 1
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Limits of a service account. A secret is not a password: it is made by a random source (256 bits where we make it), so it
// needs neither a slow hash nor a limit of attempts. A limit would let anybody who knows the client id shut the app out.
const (
	ClientIDBytesMax     = 32
	ClientSecretBytesMin = 22 // 16 random bytes in base64 without padding
	ClientSecretBytesMax = 128
)

// ParseClientID reads the id by which a program names itself.
func ParseClientID(s string) (string, error) {
	if !isCode(s, ClientIDBytesMax) {
		return "", domain.BadValue("invalid-client-id", "客户端编号应为 1 至 %d 个字母、数字、“-”或“_”", ClientIDBytesMax)
	}
	return s, nil
}

// Active reports whether the account may get tokens.
func (a ServiceAccount) Active() bool { return a.DeactivatedAt.IsZero() }

// Actor returns the account as one who asks; for which borrower a channel acts is said by each call.
func (a ServiceAccount) Actor() domain.Actor {
	role := domain.RoleBorrower
	if a.Kind == KindCoreSystem {
		role = domain.RoleCoreSystem
	}
	return domain.Actor{ID: a.ID, Name: a.Name, Role: role}
}

// Opens reports, in constant time, whether the secret is the account's.
func (a ServiceAccount) Opens(secret Secret) bool {
	return subtle.ConstantTimeCompare(a.SecretHash, secret.Hash()) == 1
}

// CheckClientSecret refuses a secret that is too short to be random enough (128 bits).
func CheckClientSecret(secret Secret) error {
	if n := len(secret.Reveal()); n < ClientSecretBytesMin || n > ClientSecretBytesMax {
		return domain.BadValue("invalid-client-secret", "服务账号的密钥应为 %d 至 %d 个随机字符", ClientSecretBytesMin, ClientSecretBytesMax)
	}
	return nil
}

// Validate collects what is wrong with a service account.
func (a ServiceAccount) Validate() error {
	var p domain.Problems
	_, err := ParseClientID(a.ClientID)
	p.Check("/client_id", err)
	_, err = ParseDisplayName(a.Name)
	p.Check("/name", err)
	if !a.Kind.Valid() {
		p.Add("/kind", "unknown-value", "不认识的服务账号用途，应为 borrower_channel（借款人渠道）或 core_system（核心系统）")
	}
	if a.ID.IsZero() {
		p.Add("/id", "required", "必填")
	}
	return p.Err()
}
