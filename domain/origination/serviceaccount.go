package origination

import (
	"context"
	"encoding/base64"
	"time"

	"fumin/domain"
	"fumin/domain/staff"
)

// clientSecretBytes make a secret nobody can guess.
const clientSecretBytes = 32

// ClientCredentials checks what a service account shows (OAuth 2.0 client credentials, RFC 6749 section 4.4). An unknown
// client, a deactivated one and a wrong secret get the same answer, "invalid-client".
func (s *Staff) ClientCredentials(ctx context.Context, clientID string, secret staff.Secret) (Grant, error) {
	now := s.now()
	account, err := s.store.ServiceAccount(ctx, clientID)
	if err != nil && domain.CodeOf(err) != "service-account-not-found" {
		return Grant{}, err
	}
	// An unknown account opens to nothing; it is asked all the same, so that both take one hash.
	if opens := account.Opens(secret); !opens || err != nil || !account.Active() {
		return Grant{}, domain.Errorf(domain.KindUnauthenticated, "invalid-client", "服务账号或密钥不正确，或该账号已停用")
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		return tx.InsertStaffEvent(ctx, s.accountEvent(account.Actor(), account, staff.ActionIssueToken, now))
	})
	if err != nil {
		return Grant{}, err
	}
	return Grant{Actor: account.Actor()}, nil
}

func (s *Staff) accountEvent(by domain.Actor, a staff.ServiceAccount, action staff.Action, at time.Time) staff.Event {
	return staff.Event{
		ID: s.newID(), Subject: staff.SubjectServiceAccount, SubjectID: a.ID, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at,
	}
}

// CreateServiceAccount adds a program that acts for borrowers, or reports repayments. Its secret is made here, and shown this once.
func (s *Staff) CreateServiceAccount(ctx context.Context, by domain.Actor, kind staff.ServiceAccountKind, clientID, name string) (staff.ServiceAccount, staff.Secret, error) {
	if err := by.Require(domain.RoleSystem); err != nil {
		return staff.ServiceAccount{}, staff.Secret{}, err
	}
	b, err := s.draw(clientSecretBytes)
	if err != nil {
		return staff.ServiceAccount{}, staff.Secret{}, err
	}
	secret := staff.NewSecret(base64.RawURLEncoding.EncodeToString(b))
	account, err := s.newServiceAccount(kind, clientID, name, secret, s.now())
	if err != nil {
		return staff.ServiceAccount{}, staff.Secret{}, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		return tx.InsertServiceAccount(ctx, account, s.accountEvent(by, account, staff.ActionCreate, account.CreatedAt))
	})
	if err != nil {
		return staff.ServiceAccount{}, staff.Secret{}, err
	}
	return account, secret, nil
}

func (s *Staff) newServiceAccount(kind staff.ServiceAccountKind, clientID, name string, secret staff.Secret, now time.Time) (staff.ServiceAccount, error) {
	account := staff.ServiceAccount{
		ID: s.newID(), Kind: kind, ClientID: clientID, Name: name, SecretHash: secret.Hash(), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	return account, account.Validate()
}

// DeactivateServiceAccount stops an account from getting tokens. Those it has live on until they expire, minutes later.
func (s *Staff) DeactivateServiceAccount(ctx context.Context, by domain.Actor, clientID string) error {
	if err := by.Require(domain.RoleSystem); err != nil {
		return err
	}
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		account, err := tx.ServiceAccount(ctx, clientID)
		if err != nil || !account.Active() {
			return err
		}
		account.DeactivatedAt, account.UpdatedAt = now, now
		account.Version++
		return tx.SaveServiceAccount(ctx, account, s.accountEvent(by, account, staff.ActionDeactivate, now))
	})
}
