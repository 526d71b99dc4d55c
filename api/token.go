package api

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

// AccessTokenLifetime is how long an access token counts. It is also how long somebody who was deactivated, or who logged
// out, can still do something: an access token is not looked up anywhere.
const AccessTokenLifetime = 10 * time.Minute

// What an access token says of itself.
const (
	tokenIssuer   = "fumin"
	tokenAudience = "fumin-api"
	tokenType     = "at+jwt" // RFC 9068: so that no other kind of token passes for one
	tokenBytesMax = 4096
	tokenKeysMax  = 8
)

// Tokens makes and reads access tokens: JWTs signed with Ed25519 (访问令牌). It is safe for concurrent use.
type Tokens struct {
	now    domain.Clock
	signer ed25519.PrivateKey
	keyID  string // of signer
	keys   map[string]ed25519.PublicKey
	parser *jwt.Parser
}

// accessClaims are what a token states: who, in which role, of which branch. There is no personal data in it but the
// staff member's name.
type accessClaims struct {
	jwt.RegisteredClaims

	Name      string      `json:"name"`
	Role      domain.Role `json:"role"`
	BranchID  domain.ID   `json:"branch_id,omitempty"` // not of a service account
	SessionID domain.ID   `json:"sid,omitempty"`       // not of a service account
	// GuaranteeCompanyID is there for a guarantee company's officer, and for nobody else.
	GuaranteeCompanyID domain.ID `json:"guarantee_company_id,omitempty"`
}

// NewTokens reads 1 to 8 secret keys, each a 32-byte Ed25519 seed, one after the other. The first signs; tokens signed with
// any of them are read. So a key is changed without a logout in three steps, each on all nodes before the next: the new key
// is added at the end, moved to the front, and ten minutes later the old one is left out. Errors never carry key material.
func NewTokens(seeds []byte, now domain.Clock) (*Tokens, error) {
	count := len(seeds) / ed25519.SeedSize
	if count < 1 || count > tokenKeysMax || len(seeds)%ed25519.SeedSize != 0 {
		return nil, fmt.Errorf("token key: %d bytes, want %d for each of 1 to %d keys", len(seeds), ed25519.SeedSize, tokenKeysMax)
	}
	t := &Tokens{now: now, keys: map[string]ed25519.PublicKey{}}
	for seed := range slices.Chunk(seeds, ed25519.SeedSize) {
		private := ed25519.NewKeyFromSeed(seed)
		public, isKey := private.Public().(ed25519.PublicKey)
		if !isKey {
			return nil, errors.New("token key: no public half")
		}
		t.keys[keyID(public)] = public
		if t.signer == nil {
			t.signer, t.keyID = private, keyID(public)
		}
	}
	if len(t.keys) != count {
		return nil, errors.New("token key: a key stands twice")
	}
	t.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(tokenIssuer), jwt.WithAudience(tokenAudience),
		jwt.WithExpirationRequired(), // without it a token that says nothing about its end never ends
		jwt.WithTimeFunc(now), jwt.WithStrictDecoding(),
	)
	return t, nil
}

// keyID names a public key in the tokens it signed.
func keyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// mint makes an access token of what somebody was granted.
func (t *Tokens) mint(g origination.Grant) (string, error) {
	now := t.now()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: tokenIssuer, Audience: jwt.ClaimStrings{tokenAudience}, Subject: g.Actor.ID.String(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AccessTokenLifetime)),
		},
		Name: g.Actor.Name, Role: g.Actor.Role, BranchID: g.Actor.BranchID, SessionID: g.SessionID,
		GuaranteeCompanyID: g.Actor.GuaranteeCompanyID,
	})
	token.Header["kid"] = t.keyID
	token.Header["typ"] = tokenType
	signed, err := token.SignedString(t.signer)
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	return signed, nil
}

// verify reads an access token. Its errors say nothing about what is wrong with a token but that it has expired: only the
// holder of a real one can get that answer.
func (t *Tokens) verify(text string) (domain.Actor, error) {
	invalid := domain.Errorf(domain.KindUnauthenticated, "invalid-token", "访问令牌无效，请重新登录")
	if len(text) > tokenBytesMax {
		return domain.Actor{}, invalid
	}
	var claims accessClaims
	token, err := t.parser.ParseWithClaims(text, &claims, t.key)
	if errors.Is(err, jwt.ErrTokenExpired) {
		return domain.Actor{}, domain.Errorf(domain.KindUnauthenticated, "token-expired", "访问令牌已过期，请用刷新令牌换取新的，或重新登录")
	}
	if err != nil || !token.Valid {
		return domain.Actor{}, invalid
	}
	by, ok := claims.actor()
	if !ok {
		return domain.Actor{}, invalid
	}
	return by, nil
}

// key finds the key a token names. A token that is of another type, or names a key that is not ours, has none.
func (t *Tokens) key(token *jwt.Token) (any, error) {
	id, _ := token.Header["kid"].(string)
	key, found := t.keys[id]
	if !found || token.Header["typ"] != tokenType {
		return nil, errors.New("not one of our keys, or not an access token")
	}
	return key, nil
}

// actor checks that the claims are ones mint would make: a person of a branch, or a service account of none.
func (c accessClaims) actor() (domain.Actor, bool) {
	id, err := domain.ParseID(c.Subject)
	if err != nil {
		return domain.Actor{}, false
	}
	by := domain.Actor{ID: id, Name: c.Name, Role: c.Role, BranchID: c.BranchID, GuaranteeCompanyID: c.GuaranteeCompanyID}
	if staff.CheckGuaranteeCompany(c.Role, c.GuaranteeCompanyID) != nil {
		return domain.Actor{}, false
	}
	if c.Role == domain.RoleBorrower || c.Role == domain.RoleCoreSystem {
		return by, c.BranchID.IsZero()
	}
	_, branchErr := domain.ParseID(c.BranchID.String())
	return by, branchErr == nil && slices.Contains(staff.UserRoles(), c.Role)
}
