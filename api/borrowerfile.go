package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

// fullBorrowerView is what a reveal shows.
type fullBorrowerView struct {
	ID             domain.ID               `json:"id"`
	Name           string                  `json:"name"`
	IDNumber       *string                 `json:"id_number"`
	BirthDate      *domain.Date            `json:"birth_date"`
	CreditCode     *string                 `json:"credit_code"`
	BusinessName   *string                 `json:"business_name"`
	Phone          string                  `json:"phone"`
	OtherPhones    []string                `json:"other_phones"`
	Address        *string                 `json:"address"`
	Accounts       []fullAccountView       `json:"accounts"`
	Representative *fullRepresentativeView `json:"representative"`
	Shareholders   []fullShareholderView   `json:"shareholders"`
}

type fullAccountView struct {
	ID          domain.ID `json:"id"`
	Number      string    `json:"number"`
	AccountName string    `json:"account_name"`
}

type fullRepresentativeView struct {
	Name     string  `json:"name"`
	IDNumber *string `json:"id_number"`
	Phone    *string `json:"phone"`
}

type fullShareholderView struct {
	Name       string  `json:"name"`
	IDNumber   *string `json:"id_number"`
	CreditCode *string `json:"credit_code"`
}

func (s *server) revealBorrower(c *gin.Context) error {
	id, reason, err := recordAndReason(c)
	if err != nil {
		return err
	}
	b, err := s.borrowers.RevealBorrower(c.Request.Context(), actor(c), id, reason)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewFullBorrower(b))
}

func viewFullBorrower(b borrower.Borrower) fullBorrowerView {
	v := fullBorrowerView{
		ID: b.ID, Name: b.Name.Reveal(), IDNumber: fullOrNull(b.IDNumber), BirthDate: present(b.IDNumber.BirthDate()),
		CreditCode: fullOrNull(b.CreditCode), BusinessName: fullOrNull(b.BusinessName), Phone: b.Phone.Reveal(),
		OtherPhones: make([]string, len(b.OtherPhones)), Address: fullOrNull(b.Address),
		Accounts: make([]fullAccountView, len(b.Accounts)), Shareholders: make([]fullShareholderView, len(b.Organisation.Shareholders)),
	}
	for i, phone := range b.OtherPhones {
		v.OtherPhones[i] = phone.Reveal()
	}
	for i, a := range b.Accounts {
		v.Accounts[i] = fullAccountView{ID: a.ID, Number: a.Number.Reveal(), AccountName: a.AccountName.Reveal()}
	}
	if r := b.Organisation.Representative; !r.Name.IsZero() {
		v.Representative = &fullRepresentativeView{Name: r.Name.Reveal(), IDNumber: fullOrNull(r.IDNumber), Phone: fullOrNull(r.Phone)}
	}
	for i, h := range b.Organisation.Shareholders {
		v.Shareholders[i] = fullShareholderView{Name: h.Name.Reveal(), IDNumber: fullOrNull(h.IDNumber), CreditCode: fullOrNull(h.CreditCode)}
	}
	return v
}

// historyOf is the use case that reads the history of a household or a borrower.
type historyOf func(ctx context.Context, by domain.Actor, id domain.ID, page domain.Page) ([]origination.BorrowerEvent, error)

type borrowerEventView struct {
	ID        domain.ID                  `json:"id"`
	Action    origination.BorrowerAction `json:"action"`
	Version   *int                       `json:"version"`
	ActorID   domain.ID                  `json:"actor_id"`
	ActorName string                     `json:"actor_name"`
	ActorRole domain.Role                `json:"actor_role"`
	At        time.Time                  `json:"at"`
	Detail    []noteView                 `json:"detail"`
}

func (s *server) listEvents(history historyOf) func(*gin.Context) error {
	return func(c *gin.Context) error {
		id, err := pathID(c, "id")
		if err != nil {
			return err
		}
		query, err := readQuery(c)
		if err != nil {
			return err
		}
		p := query.page()
		if err := query.done(); err != nil {
			return err
		}
		events, err := history(c.Request.Context(), actor(c), id, p)
		if err != nil {
			return err
		}
		return writeJSON(c, http.StatusOK, viewList(c, p, events, viewBorrowerEvent, func(e origination.BorrowerEvent) domain.ID { return e.ID }))
	}
}

func viewBorrowerEvent(e origination.BorrowerEvent) borrowerEventView {
	v := borrowerEventView{
		ID: e.ID, Action: e.Action, ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: e.ActorRole, At: e.At,
		Detail: make([]noteView, len(e.Detail)),
	}
	if e.Version != 0 {
		v.Version = &e.Version
	}
	for i, n := range e.Detail {
		v.Detail[i] = noteView(n)
	}
	return v
}

// addPart is the handler of a use case that adds something to a borrower's file.
func (s *server) addPart(c *gin.Context, read func(in *object) error,
	add func(ctx context.Context, key origination.Idempotency, id domain.ID) (borrower.Borrower, bool, error),
) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	if err := doneWith(in, read(in)); err != nil {
		return err
	}
	b, replayed, err := add(c.Request.Context(), key, id)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, b.Version)
	return writeJSON(c, http.StatusCreated, s.viewBorrower(b))
}

func (s *server) addAccount(c *gin.Context) error {
	var account origination.NewAccount
	return s.addPart(c, func(in *object) error {
		account = accountOf(in)
		return s.borrowers.CheckAccount(actor(c), account)
	}, func(ctx context.Context, key origination.Idempotency, id domain.ID) (borrower.Borrower, bool, error) {
		return s.borrowers.AddAccount(ctx, actor(c), key, id, account)
	})
}

func (s *server) addConsent(c *gin.Context) error {
	var consent origination.NewConsent
	return s.addPart(c, func(in *object) error {
		consent = consentOf(in)
		return s.borrowers.CheckConsent(actor(c), consent)
	}, func(ctx context.Context, key origination.Idempotency, id domain.ID) (borrower.Borrower, bool, error) {
		return s.borrowers.AddConsent(ctx, actor(c), key, id, consent)
	})
}

func (s *server) addLicence(c *gin.Context) error {
	var licence borrower.Licence
	return s.addPart(c, func(in *object) error {
		licence = borrower.Licence{
			Kind:      required(in, "kind", parseLicenceKind),
			No:        in.text("no", 1, borrower.LicenceNoRunesMax),
			Issuer:    in.text("issuer", 0, borrower.IssuerRunesMax),
			IssuedOn:  required(in, "issued_on", domain.ParseDate),
			ExpiresOn: orZero(optional(in, "expires_on", domain.ParseDate)),
		}
		return s.borrowers.CheckLicence(actor(c), licence)
	}, func(ctx context.Context, key origination.Idempotency, id domain.ID) (borrower.Borrower, bool, error) {
		return s.borrowers.AddLicence(ctx, actor(c), key, id, licence)
	})
}

func parseLicenceKind(s string) (borrower.LicenceKind, error) { return enum(borrower.LicenceKind(s)) }

func (s *server) changePhones(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.ChangePhones{
		BorrowerID: id, Version: version,
		Phone:       required(in, "phone", borrower.ParsePhone),
		OtherPhones: list(in, "other_phones", 0, borrower.ListMax, borrower.ParsePhone),
	}
	if err := in.done(); err != nil {
		return err
	}
	b, err := s.borrowers.ChangePhones(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return s.answerBorrower(c, b)
}

func (s *server) verifyAccount(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	accountID, err := pathID(c, "account_id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	how := required(in, "verified_how", parseVerification)
	if err := in.done(); err != nil {
		return err
	}
	b, err := s.borrowers.VerifyAccount(c.Request.Context(), actor(c), id, accountID, how)
	if err != nil {
		return err
	}
	return s.answerBorrower(c, b)
}

func (s *server) choosePayout(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	accountID := required(in, "account_id", domain.ParseID)
	if err := in.done(); err != nil {
		return err
	}
	b, err := s.borrowers.ChoosePayout(c.Request.Context(), actor(c), id, accountID)
	if err != nil {
		return err
	}
	return s.answerBorrower(c, b)
}

func (s *server) withdrawConsent(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	consentID, err := pathID(c, "consent_id")
	if err != nil {
		return err
	}
	if err := readNoBody(c); err != nil {
		return err
	}
	b, err := s.borrowers.WithdrawConsent(c.Request.Context(), actor(c), id, consentID)
	if err != nil {
		return err
	}
	return s.answerBorrower(c, b)
}

type suspicionView struct {
	Kind             borrower.SuspicionKind `json:"kind"`
	OtherBorrowerID  *domain.ID             `json:"other_borrower_id"`
	OtherBranchName  *string                `json:"other_branch_name"`
	OtherHouseholdID *domain.ID             `json:"other_household_id"`
	SplitOn          *domain.Date           `json:"split_on"`
}

func (s *server) listSuspicions(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	suspected, err := s.borrowers.Suspicions(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	items := make([]suspicionView, len(suspected))
	for i, one := range suspected {
		items[i] = suspicionView{
			Kind: one.Kind, OtherBorrowerID: present(one.OtherBorrowerID), OtherHouseholdID: present(one.OtherHouseholdID),
			SplitOn: present(one.SplitOn),
		}
		if one.OtherBranchName != "" {
			items[i].OtherBranchName = &one.OtherBranchName
		}
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []suspicionView `json:"items"`
	}{items})
}

func (s *server) anonymiseBorrower(c *gin.Context) error {
	id, reason, err := recordAndReason(c)
	if err != nil {
		return err
	}
	b, err := s.borrowers.Anonymise(c.Request.Context(), actor(c), id, reason)
	if err != nil {
		return err
	}
	return s.answerBorrower(c, b)
}
