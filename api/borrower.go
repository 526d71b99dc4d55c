package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
	"fumin/domain/origination"
)

func (s *server) borrowerRoutes() []route {
	const one = "/v1/borrowers/:id"
	return []route{
		{method: http.MethodPost, path: "/v1/borrowers", handler: s.createBorrower},
		{method: http.MethodGet, path: "/v1/borrowers", handler: s.listBorrowers, query: true},
		{method: http.MethodPost, path: "/v1/borrowers/search", handler: s.searchBorrowers},
		{method: http.MethodGet, path: one, handler: byID(s.borrowers.Borrower, s.answerBorrower)},
		{method: http.MethodPost, path: one + "/reveal", handler: s.revealBorrower},
		{method: http.MethodGet, path: one + "/events", handler: s.listEvents(s.borrowers.BorrowerHistory), query: true},
		{method: http.MethodPut, path: one + "/phones", handler: s.changePhones},
		{method: http.MethodPost, path: one + "/accounts", handler: s.addAccount},
		{method: http.MethodPost, path: one + "/accounts/:account_id/verify", handler: s.verifyAccount},
		{method: http.MethodPost, path: one + "/payout-account", handler: s.choosePayout},
		{method: http.MethodPost, path: one + "/consents", handler: s.addConsent},
		{method: http.MethodPost, path: one + "/consents/:consent_id/withdraw", handler: s.withdrawConsent},
		{method: http.MethodPost, path: one + "/licences", handler: s.addLicence},
		{method: http.MethodGet, path: one + "/suspicions", handler: s.listSuspicions},
		{method: http.MethodPost, path: one + "/anonymise", handler: s.anonymiseBorrower},
	}
}

func (s *server) createBorrower(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := borrowerOf(in)
	if err := doneWith(in, s.borrowers.CheckBorrower(actor(c), cmd)); err != nil {
		return err
	}
	b, replayed, err := s.borrowers.CreateBorrower(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, b.Version)
	c.Header("Location", "/v1/borrowers/"+b.ID.String())
	return writeJSON(c, http.StatusCreated, s.viewBorrower(b))
}

// borrowerOf reads a new borrower. Which members its kind requires is not the reader's question: CheckBorrower asks it.
func borrowerOf(in *object) origination.CreateBorrower {
	cmd := origination.CreateBorrower{
		Kind:         required(in, "kind", parseBorrowerKind),
		Name:         required(in, "name", borrower.ParseName),
		IDNumber:     orZero(optional(in, "id_number", borrower.ParseIDNumber)),
		CreditCode:   orZero(optional(in, "credit_code", borrower.ParseCreditCode)),
		BusinessName: orZero(optional(in, "business_name", borrower.ParseName)),
		Phone:        required(in, "phone", borrower.ParsePhone),
		OtherPhones:  list(in, "other_phones", 0, borrower.ListMax, borrower.ParsePhone),
		HouseholdID:  orZero(optional(in, "household_id", domain.ParseID)),
		RegionCode:   orZero(optional(in, "region_code", borrower.ParseRegionCode)),
		Address:      orZero(optional(in, "address", borrower.ParseAddress)),
		ID:           orZero(optional(in, "id", domain.ParseID)),
	}
	if organisation := in.optionalObject("organisation"); organisation != nil {
		cmd.Organisation = organisationOf(organisation)
	}
	if account := in.optionalObject("payout_account"); account != nil {
		payout := accountOf(account)
		cmd.Payout = &payout
	}
	for _, c := range in.objects("consents", 0, borrower.ListMax) {
		cmd.Consents = append(cmd.Consents, consentOf(c))
	}
	return cmd
}

func organisationOf(in *object) borrower.Organisation {
	o := borrower.Organisation{RegisteredOn: orZero(optional(in, "registered_on", domain.ParseDate))}
	head := in.object("representative")
	o.Representative = borrower.Representative{
		Name:     required(head, "name", borrower.ParsePersonName),
		IDNumber: required(head, "id_number", borrower.ParseIDNumber),
		Phone:    orZero(optional(head, "phone", borrower.ParsePhone)),
		Role:     required(head, "role", parseRepresentativeRole),
	}
	for _, holder := range in.objects("shareholders", 0, borrower.ListMax) {
		o.Shareholders = append(o.Shareholders, borrower.Shareholder{
			Name:       required(holder, "name", borrower.ParseName),
			IDNumber:   orZero(optional(holder, "id_number", borrower.ParseIDNumber)),
			CreditCode: orZero(optional(holder, "credit_code", borrower.ParseCreditCode)),
			SharePct:   required(holder, "share_pct", money.ParseRate),
		})
	}
	return o
}

func parseRepresentativeRole(s string) (borrower.RepresentativeRole, error) {
	return enum(borrower.RepresentativeRole(s))
}

func accountOf(in *object) origination.NewAccount {
	return origination.NewAccount{
		Number:      required(in, "number", borrower.ParseBankAccount),
		AccountName: required(in, "account_name", borrower.ParseName),
		BankName:    in.text("bank_name", 1, borrower.BankNameRunesMax),
		BankCode:    in.text("bank_code", 0, 12),
		VerifiedHow: orZero(optional(in, "verified_how", parseVerification)),
	}
}

func consentOf(in *object) origination.NewConsent {
	return origination.NewConsent{
		Kind:        required(in, "kind", parseConsentKind),
		TextVersion: in.text("text_version", 1, borrower.TextVersionMax),
		GivenHow:    required(in, "given_how", parseConsentMeans),
		GivenAt:     required(in, "given_at", parseInstant),
		Until:       orZero(optional(in, "until", domain.ParseDate)),
	}
}

// orZero makes an absent value a zero one.
func orZero[T any](v *T) (value T) {
	if v != nil {
		value = *v
	}
	return value
}

// parseInstant reads an RFC 3339 time; fractions of a microsecond, which the database cannot keep, are dropped.
func parseInstant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < domain.YearMin || t.Year() > domain.YearMax {
		return time.Time{}, domain.BadValue("invalid-instant", "应为带时区的时刻，如 2026-08-23T01:30:00Z")
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

func parseBorrowerKind(s string) (borrower.Kind, error) {
	return enum(borrower.Kind(s))
}

func parseVerification(s string) (borrower.AccountVerification, error) {
	return enum(borrower.AccountVerification(s))
}

func parseConsentKind(s string) (borrower.ConsentKind, error) {
	return enum(borrower.ConsentKind(s))
}

func parseConsentMeans(s string) (borrower.ConsentMeans, error) {
	return enum(borrower.ConsentMeans(s))
}

// enum lets through a value of an enumeration.
func enum[T interface{ Valid() bool }](v T) (T, error) {
	if !v.Valid() {
		var zero T
		return zero, domain.BadValue("unknown-value", "不是允许的取值，请从列表中选择")
	}
	return v, nil
}

func (s *server) answerBorrower(c *gin.Context, b borrower.Borrower) error {
	setVersion(c, b.Version)
	return writeJSON(c, http.StatusOK, s.viewBorrower(b))
}

// listBorrowers filters by what may stand in an address. Names and numbers may not: they would reach logs and histories;
// searchBorrowers takes them in its body.
func (s *server) listBorrowers(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	filter := origination.BorrowerFilter{
		VillageCode: orZero(optional(query, "village_code", borrower.ParseRegionCode)),
		OfficerID:   orZero(optional(query, "officer_id", domain.ParseID)),
		HouseholdID: orZero(optional(query, "household_id", domain.ParseID)),
	}
	if err := query.done(); err != nil {
		return err
	}
	borrowers, err := s.borrowers.Borrowers(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, borrowers, s.viewBorrower, func(b borrower.Borrower) domain.ID { return b.ID }))
}

// foundView is a page of a search, whose question does not fit into a link: the next page is the same question with after.
type foundView struct {
	Items []borrowerView `json:"items"`
	After *domain.ID     `json:"after"`
}

func (s *server) searchBorrowers(c *gin.Context) error {
	in, err := readObject(c)
	if err != nil {
		return err
	}
	p := in.page()
	filter := origination.BorrowerFilter{
		IDNumber:    orZero(optional(in, "id_number", borrower.ParseIDNumber)),
		CreditCode:  orZero(optional(in, "credit_code", borrower.ParseCreditCode)),
		Phone:       orZero(optional(in, "phone", borrower.ParsePhone)),
		NamePrefix:  orZero(optional(in, "name_prefix", borrower.ParseNamePrefix)),
		VillageCode: orZero(optional(in, "village_code", borrower.ParseRegionCode)),
		OfficerID:   orZero(optional(in, "officer_id", domain.ParseID)),
	}
	if err := in.done(); err != nil {
		return err
	}
	borrowers, err := s.borrowers.Borrowers(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	found := foundView{Items: make([]borrowerView, len(borrowers))}
	for i, b := range borrowers {
		found.Items[i] = s.viewBorrower(b)
	}
	if len(borrowers) == p.Limit {
		found.After = &borrowers[len(borrowers)-1].ID
	}
	return writeJSON(c, http.StatusOK, found)
}

type borrowerView struct {
	ID              domain.ID           `json:"id"`
	Kind            borrower.Kind       `json:"kind"`
	Name            string              `json:"name"`
	IDNumber        *string             `json:"id_number"`
	Sex             *borrower.Sex       `json:"sex"`
	AgeYears        *int                `json:"age_years"`
	CreditCode      *string             `json:"credit_code"`
	BusinessName    *string             `json:"business_name"`
	Phone           string              `json:"phone"`
	OtherPhones     []string            `json:"other_phones"`
	HouseholdID     *domain.ID          `json:"household_id"`
	RegionCode      borrower.RegionCode `json:"region_code"`
	Address         *string             `json:"address"`
	BranchID        domain.ID           `json:"branch_id"`
	OfficerID       domain.ID           `json:"officer_id"`
	Accounts        []accountView       `json:"accounts"`
	PayoutAccountID *domain.ID          `json:"payout_account_id"`
	Organisation    *organisationView   `json:"organisation"`
	Consents        []consentView       `json:"consents"`
	Licences        []licenceView       `json:"licences"`
	Version         int                 `json:"version"`
	CreatedAt       time.Time           `json:"created_at"`
	AnonymisedAt    *time.Time          `json:"anonymised_at"`
}

type licenceView struct {
	ID        domain.ID            `json:"id"`
	Kind      borrower.LicenceKind `json:"kind"`
	No        string               `json:"no"`
	Issuer    string               `json:"issuer"`
	IssuedOn  domain.Date          `json:"issued_on"`
	ExpiresOn *domain.Date         `json:"expires_on"`
	InForce   bool                 `json:"in_force"`
}

type organisationView struct {
	RegisteredOn   *domain.Date       `json:"registered_on"`
	Representative representativeView `json:"representative"`
	Shareholders   []shareholderView  `json:"shareholders"`
}

type representativeView struct {
	Name     string                      `json:"name"`
	IDNumber *string                     `json:"id_number"`
	Phone    *string                     `json:"phone"`
	Role     borrower.RepresentativeRole `json:"role"`
}

type shareholderView struct {
	Name       string  `json:"name"`
	IDNumber   *string `json:"id_number"`
	CreditCode *string `json:"credit_code"`
	SharePct   string  `json:"share_pct"`
}

type accountView struct {
	ID          domain.ID                     `json:"id"`
	Number      string                        `json:"number"`
	AccountName string                        `json:"account_name"`
	BankName    string                        `json:"bank_name"`
	BankCode    string                        `json:"bank_code"`
	VerifiedHow *borrower.AccountVerification `json:"verified_how"`
	VerifiedBy  *domain.ID                    `json:"verified_by"`
	VerifiedAt  *time.Time                    `json:"verified_at"`
}

type consentView struct {
	ID          domain.ID             `json:"id"`
	Kind        borrower.ConsentKind  `json:"kind"`
	TextVersion string                `json:"text_version"`
	GivenHow    borrower.ConsentMeans `json:"given_how"`
	GivenAt     time.Time             `json:"given_at"`
	Until       *domain.Date          `json:"until"`
	WithdrawnAt *time.Time            `json:"withdrawn_at"`
	Live        bool                  `json:"live"`
}

// viewBorrower shows masked values only; the full ones take a reveal. The birth date stays hidden, because with it and the
// last four digits little is left to guess of the number; the age, which rules look at, is shown.
func (s *server) viewBorrower(b borrower.Borrower) borrowerView {
	now := s.now()
	v := borrowerView{
		ID: b.ID, Kind: b.Kind, Name: b.Name.String(), IDNumber: maskedOrNull(b.IDNumber), CreditCode: maskedOrNull(b.CreditCode),
		BusinessName: maskedOrNull(b.BusinessName), Phone: b.Phone.String(), OtherPhones: make([]string, len(b.OtherPhones)),
		HouseholdID: present(b.HouseholdID), RegionCode: b.RegionCode, Address: maskedOrNull(b.Address),
		BranchID: b.BranchID, OfficerID: b.OfficerID, Accounts: make([]accountView, len(b.Accounts)),
		PayoutAccountID: present(b.PayoutAccountID), Consents: make([]consentView, len(b.Consents)),
		Licences: make([]licenceView, len(b.Licences)), Version: b.Version, CreatedAt: b.CreatedAt, AnonymisedAt: present(b.AnonymisedAt),
	}
	for i, l := range b.Licences {
		v.Licences[i] = licenceView{
			ID: l.ID, Kind: l.Kind, No: l.No, Issuer: l.Issuer, IssuedOn: l.IssuedOn, ExpiresOn: present(l.ExpiresOn),
			InForce: l.InForceOn(domain.DateOf(now)),
		}
	}
	if !b.IDNumber.IsZero() {
		sex, age := b.IDNumber.Sex(), b.IDNumber.BirthDate().AgeOn(domain.DateOf(now))
		v.Sex, v.AgeYears = &sex, &age
	}
	if b.Kind.IsOrganisation() && b.AnonymisedAt.IsZero() {
		v.Organisation = viewOrganisation(b.Organisation)
	}
	for i, phone := range b.OtherPhones {
		v.OtherPhones[i] = phone.String()
	}
	for i, a := range b.Accounts {
		v.Accounts[i] = viewAccount(a)
	}
	for i, c := range b.Consents {
		v.Consents[i] = consentView{
			ID: c.ID, Kind: c.Kind, TextVersion: c.TextVersion, GivenHow: c.GivenHow, GivenAt: c.GivenAt,
			Until: present(c.Until), WithdrawnAt: present(c.WithdrawnAt), Live: c.LiveAt(now),
		}
	}
	return v
}

func viewOrganisation(o borrower.Organisation) *organisationView {
	r := o.Representative
	v := organisationView{
		RegisteredOn: present(o.RegisteredOn), Shareholders: make([]shareholderView, len(o.Shareholders)),
		Representative: representativeView{Name: r.Name.String(), IDNumber: maskedOrNull(r.IDNumber), Phone: maskedOrNull(r.Phone), Role: r.Role},
	}
	for i, holder := range o.Shareholders {
		v.Shareholders[i] = shareholderView{
			Name: holder.Name.String(), IDNumber: maskedOrNull(holder.IDNumber), CreditCode: maskedOrNull(holder.CreditCode),
			SharePct: holder.SharePct.String(),
		}
	}
	return &v
}

func viewAccount(a borrower.Account) accountView {
	v := accountView{
		ID: a.ID, Number: a.Number.String(), AccountName: a.AccountName.String(), BankName: a.BankName, BankCode: a.BankCode,
		VerifiedBy: present(a.VerifiedBy), VerifiedAt: present(a.VerifiedAt),
	}
	if a.Verified() {
		v.VerifiedHow = &a.VerifiedHow
	}
	return v
}
