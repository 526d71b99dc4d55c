package repository

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

type borrowerRow struct {
	ID                 domain.ID `gorm:"primaryKey"`
	BranchID           domain.ID
	OfficerID          domain.ID
	Kind               string
	Name               string
	BusinessName       string
	IDNumberCipher     []byte
	IDNumberIndex      []byte
	IDNumberLast4      string `gorm:"column:id_number_last4"`
	CreditCodeCipher   []byte
	CreditCodeIndex    []byte
	CreditCodeLast4    string `gorm:"column:credit_code_last4"`
	HouseholdID        idColumn
	RegionCode         string
	AreaCode           string
	AddressCipher      []byte
	PayoutAccountID    idColumn
	OrganisationCipher []byte
	Version            int
	CreatedAt          time.Time
	AnonymisedAt       timeColumn
}

func (borrowerRow) TableName() string { return "borrowers" }

type borrowerPhoneRow struct {
	BorrowerID   domain.ID `gorm:"primaryKey"`
	Position     int       `gorm:"primaryKey;autoIncrement:false"`
	NumberCipher []byte
	NumberIndex  []byte
	NumberLast4  string `gorm:"column:number_last4"`
}

func (borrowerPhoneRow) TableName() string { return "borrower_phones" }

type bankAccountRow struct {
	ID           domain.ID `gorm:"primaryKey"`
	BorrowerID   domain.ID
	Position     int
	NumberCipher []byte
	NumberIndex  []byte
	NumberLast4  string `gorm:"column:number_last4"`
	AccountName  string
	BankName     string
	BankCode     string
	VerifiedHow  string
	VerifiedBy   idColumn
	VerifiedAt   timeColumn
}

func (bankAccountRow) TableName() string { return "bank_accounts" }

type licenceRow struct {
	ID         domain.ID `gorm:"primaryKey"`
	BorrowerID domain.ID
	Position   int
	Kind       string
	No         string
	Issuer     string
	IssuedOn   dateColumn
	ExpiresOn  dateColumn
}

func (licenceRow) TableName() string { return "licences" }

type consentRow struct {
	ID          domain.ID `gorm:"primaryKey"`
	BorrowerID  domain.ID
	Position    int
	Kind        string
	TextVersion string
	GivenHow    string
	GivenAt     time.Time
	ValidUntil  dateColumn
	WithdrawnAt timeColumn
}

func (consentRow) TableName() string { return "consents" }

// borrowerRows are a borrower with its parts.
type borrowerRows struct {
	root     borrowerRow
	phones   []borrowerPhoneRow
	accounts []bankAccountRow
	consents []consentRow
	licences []licenceRow
}

func (c *Cipher) borrowerToRows(b borrower.Borrower, areaCode string) (rows borrowerRows, err error) {
	rows.root = borrowerRow{
		ID: b.ID, BranchID: b.BranchID, OfficerID: b.OfficerID, Kind: string(b.Kind),
		Name: b.Name.Reveal(), BusinessName: b.BusinessName.Reveal(),
		IDNumberLast4: b.IDNumber.Last4(), CreditCodeLast4: b.CreditCode.Last4(),
		HouseholdID: idColumn{b.HouseholdID}, RegionCode: b.RegionCode.String(), AreaCode: areaCode,
		PayoutAccountID: idColumn{b.PayoutAccountID}, Version: b.Version, CreatedAt: b.CreatedAt,
		AnonymisedAt: timeColumn{b.AnonymisedAt},
	}
	root := &rows.root
	if root.OrganisationCipher, err = c.sealOrganisation(b); err != nil {
		return borrowerRows{}, err
	}
	if root.IDNumberCipher, root.IDNumberIndex, err = c.sealIndexed("borrowers.id_number", indexIDNumber, b.ID, b.IDNumber.Reveal()); err != nil {
		return borrowerRows{}, err
	}
	if root.CreditCodeCipher, root.CreditCodeIndex, err = c.sealIndexed("borrowers.credit_code", indexCreditCode, b.ID, b.CreditCode.Reveal()); err != nil {
		return borrowerRows{}, err
	}
	if root.AddressCipher, err = c.seal("borrowers.address", b.ID, b.Address.Reveal()); err != nil {
		return borrowerRows{}, err
	}
	if rows.phones, err = c.phonesToRows(b); err != nil {
		return borrowerRows{}, err
	}
	if rows.accounts, err = c.accountsToRows(b); err != nil {
		return borrowerRows{}, err
	}
	rows.consents = consentsToRows(b)
	for i, l := range b.Licences {
		rows.licences = append(rows.licences, licenceRow{
			ID: l.ID, BorrowerID: b.ID, Position: i, Kind: string(l.Kind), No: l.No, Issuer: l.Issuer,
			IssuedOn: dateColumn{l.IssuedOn}, ExpiresOn: dateColumn{l.ExpiresOn},
		})
	}
	return rows, nil
}

// sealIndexed encrypts a text and makes its blind index.
func (c *Cipher) sealIndexed(column, what string, row domain.ID, text string) (sealed, index []byte, err error) {
	if sealed, err = c.seal(column, row, text); err != nil {
		return nil, nil, err
	}
	index, err = c.blind(what, text)
	return sealed, index, err
}

func (c *Cipher) phonesToRows(b borrower.Borrower) (rows []borrowerPhoneRow, err error) {
	if b.Phone.IsZero() { // anonymised
		return nil, nil
	}
	for i, phone := range append([]borrower.Phone{b.Phone}, b.OtherPhones...) {
		row := borrowerPhoneRow{BorrowerID: b.ID, Position: i, NumberLast4: phone.Last4()}
		if row.NumberCipher, row.NumberIndex, err = c.sealIndexed("borrower_phones.number", indexPhone, b.ID, phone.Reveal()); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (c *Cipher) accountsToRows(b borrower.Borrower) (rows []bankAccountRow, err error) {
	for i, a := range b.Accounts {
		row := bankAccountRow{
			ID: a.ID, BorrowerID: b.ID, Position: i, NumberLast4: a.Number.Last4(), AccountName: a.AccountName.Reveal(),
			BankName: a.BankName, BankCode: a.BankCode,
			VerifiedHow: string(a.VerifiedHow), VerifiedBy: idColumn{a.VerifiedBy}, VerifiedAt: timeColumn{a.VerifiedAt},
		}
		if row.NumberCipher, row.NumberIndex, err = c.sealIndexed("bank_accounts.number", indexBankAccount, a.ID, a.Number.Reveal()); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func consentsToRows(b borrower.Borrower) (rows []consentRow) {
	for i, c := range b.Consents {
		rows = append(rows, consentRow{
			ID: c.ID, BorrowerID: b.ID, Position: i, Kind: string(c.Kind), TextVersion: c.TextVersion, GivenHow: string(c.GivenHow),
			GivenAt: c.GivenAt, ValidUntil: dateColumn{c.Until}, WithdrawnAt: timeColumn{c.WithdrawnAt},
		})
	}
	return rows
}

func (c *Cipher) borrowerFromRows(rows borrowerRows) (b borrower.Borrower, err error) {
	root := rows.root
	b = borrower.Borrower{
		ID: root.ID, Kind: borrower.Kind(root.Kind), HouseholdID: root.HouseholdID.ID, RegionCode: borrower.RegionCode(root.RegionCode),
		BranchID: root.BranchID, OfficerID: root.OfficerID, PayoutAccountID: root.PayoutAccountID.ID,
		Version: root.Version, CreatedAt: root.CreatedAt.UTC(), AnonymisedAt: root.AnonymisedAt.Time,
	}
	if b.Organisation, err = c.openOrganisation(root.ID, root.OrganisationCipher); err != nil {
		return borrower.Borrower{}, err
	}
	if b.Name, err = storedText(root.Name, borrower.ParseName); err != nil {
		return borrower.Borrower{}, fmt.Errorf("borrower %s: name: %w", root.ID, err)
	}
	if b.BusinessName, err = storedText(root.BusinessName, borrower.ParseName); err != nil {
		return borrower.Borrower{}, fmt.Errorf("borrower %s: business name: %w", root.ID, err)
	}
	if b.IDNumber, err = openAs(c, "borrowers.id_number", root.ID, root.IDNumberCipher, borrower.ParseIDNumber); err != nil {
		return borrower.Borrower{}, err
	}
	if b.CreditCode, err = openAs(c, "borrowers.credit_code", root.ID, root.CreditCodeCipher, borrower.ParseCreditCode); err != nil {
		return borrower.Borrower{}, err
	}
	if b.Address, err = openAs(c, "borrowers.address", root.ID, root.AddressCipher, borrower.ParseAddress); err != nil {
		return borrower.Borrower{}, err
	}
	for i, row := range rows.phones {
		phone, err := openAs(c, "borrower_phones.number", root.ID, row.NumberCipher, borrower.ParsePhone)
		if err != nil {
			return borrower.Borrower{}, err
		}
		if i == 0 {
			b.Phone = phone
		} else {
			b.OtherPhones = append(b.OtherPhones, phone)
		}
	}
	if b.Accounts, err = mapParts(rows.accounts, c.accountFromRow); err != nil {
		return borrower.Borrower{}, err
	}
	b.Consents = convert(rows.consents, consentFromRow)
	b.Licences = convert(rows.licences, licenceFromRow)
	return b, nil
}

// mapParts is mapRows for the parts of a record, of which there may be none.
func mapParts[R, V any](rows []R, from func(R) (V, error)) ([]V, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	return mapRows(rows, from)
}

func (c *Cipher) accountFromRow(row bankAccountRow) (borrower.Account, error) {
	number, err := openAs(c, "bank_accounts.number", row.ID, row.NumberCipher, borrower.ParseBankAccount)
	if err != nil {
		return borrower.Account{}, err
	}
	name, err := storedText(row.AccountName, borrower.ParseName)
	if err != nil {
		return borrower.Account{}, fmt.Errorf("bank account %s: name: %w", row.ID, err)
	}
	return borrower.Account{
		ID: row.ID, Number: number, AccountName: name, BankName: row.BankName, BankCode: row.BankCode,
		VerifiedHow: borrower.AccountVerification(row.VerifiedHow), VerifiedBy: row.VerifiedBy.ID, VerifiedAt: row.VerifiedAt.Time,
	}, nil
}

func licenceFromRow(row licenceRow) borrower.Licence {
	return borrower.Licence{
		ID: row.ID, Kind: borrower.LicenceKind(row.Kind), No: row.No, Issuer: row.Issuer,
		IssuedOn: row.IssuedOn.Date, ExpiresOn: row.ExpiresOn.Date,
	}
}

func consentFromRow(row consentRow) borrower.Consent {
	return borrower.Consent{
		ID: row.ID, Kind: borrower.ConsentKind(row.Kind), TextVersion: row.TextVersion, GivenHow: borrower.ConsentMeans(row.GivenHow),
		GivenAt: row.GivenAt.UTC(), Until: row.ValidUntil.Date, WithdrawnAt: row.WithdrawnAt.Time,
	}
}

func errBorrowerNotFound() error {
	return domain.Errorf(domain.KindNotFound, "borrower-not-found", "没有这位借款人，或不在您的机构范围内")
}

func borrowersInScope(db *gorm.DB, scope domain.Scope) *gorm.DB {
	return inScopeOf(db, "borrowers.branch_id", "borrowers.id", scope)
}

// Borrower implements origination.BorrowerReader.
func (r reader) Borrower(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Borrower, error) {
	return r.borrower(ctx, r.db, scope, id)
}

// borrower reads with db, which may lock the borrower's row. Its parts need no lock of their own: whoever changes them
// locks the borrower first.
func (r reader) borrower(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (borrower.Borrower, error) {
	var root borrowerRow
	err := borrowersInScope(db.WithContext(ctx), scope).Where("borrowers.id = ?", id).Take(&root).Error
	if isNotFound(err) {
		return borrower.Borrower{}, errBorrowerNotFound()
	}
	if err != nil {
		return borrower.Borrower{}, translateRead(ctx, err)
	}
	borrowers, err := r.withParts(ctx, []borrowerRow{root})
	if err != nil {
		return borrower.Borrower{}, err
	}
	return borrowers[0], nil
}

// withParts completes a page of borrowers by four more queries, however many there are.
func (r reader) withParts(ctx context.Context, roots []borrowerRow) ([]borrower.Borrower, error) {
	ids := make([]domain.ID, len(roots))
	for i, root := range roots {
		ids[i] = root.ID
	}
	phones, err := partsOf(ctx, r.db, ids, func(row borrowerPhoneRow) domain.ID { return row.BorrowerID })
	if err != nil {
		return nil, err
	}
	accounts, err := partsOf(ctx, r.db, ids, func(row bankAccountRow) domain.ID { return row.BorrowerID })
	if err != nil {
		return nil, err
	}
	consents, err := partsOf(ctx, r.db, ids, func(row consentRow) domain.ID { return row.BorrowerID })
	if err != nil {
		return nil, err
	}
	licences, err := partsOf(ctx, r.db, ids, func(row licenceRow) domain.ID { return row.BorrowerID })
	if err != nil {
		return nil, err
	}
	return mapRows(roots, func(root borrowerRow) (borrower.Borrower, error) {
		b, err := r.cipher.borrowerFromRows(borrowerRows{
			root: root, phones: phones[root.ID], accounts: accounts[root.ID], consents: consents[root.ID], licences: licences[root.ID],
		})
		if err != nil {
			return borrower.Borrower{}, err
		}
		// The reading half of the assertions: what cannot be is refused here as well.
		if err := b.Validate(); err != nil {
			return borrower.Borrower{}, storedInvalid("borrower", root.ID, err)
		}
		return b, nil
	})
}

// partsOf reads the rows of one sort that belong to the borrowers, in their order.
func partsOf[R any](ctx context.Context, db *gorm.DB, borrowerIDs []domain.ID, owner func(R) domain.ID) (map[domain.ID][]R, error) {
	parts := map[domain.ID][]R{}
	if len(borrowerIDs) == 0 {
		return parts, nil
	}
	var rows []R
	if err := db.WithContext(ctx).Where("borrower_id IN ?", borrowerIDs).Order("borrower_id, position").Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	for _, row := range rows {
		parts[owner(row)] = append(parts[owner(row)], row)
	}
	return parts, nil
}

// Borrowers implements origination.BorrowerReader.
func (r reader) Borrowers(ctx context.Context, scope domain.Scope, f origination.BorrowerFilter, page domain.Page) ([]borrower.Borrower, error) {
	query, err := r.borrowersPage(ctx, r.db.WithContext(ctx), scope, f, page)
	if err != nil {
		return nil, err
	}
	var roots []borrowerRow
	if err := query.Find(&roots).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return r.withParts(ctx, roots)
}

// borrowersPage is the query of one page.
func (r reader) borrowersPage(ctx context.Context, db *gorm.DB, scope domain.Scope, f origination.BorrowerFilter, page domain.Page) (*gorm.DB, error) {
	query, err := r.listInScope(ctx, db, "borrowers.branch_id", "borrowers.id", scope)
	if err != nil {
		return nil, err
	}
	query, err = r.borrowersLike(query, f)
	if err != nil {
		return nil, err
	}
	if !page.After.IsZero() {
		query = query.Where("borrowers.id < ?", page.After)
	}
	return query.Order("borrowers.id DESC").Limit(page.Limit), nil
}

// borrowersLike narrows a query by a filter. Each condition alone has an index to go by.
func (r reader) borrowersLike(query *gorm.DB, f origination.BorrowerFilter) (*gorm.DB, error) {
	for _, exact := range []struct{ column, what, text string }{
		{"borrowers.id_number_index IN ?", indexIDNumber, f.IDNumber.Reveal()},
		{"borrowers.credit_code_index IN ?", indexCreditCode, f.CreditCode.Reveal()},
		{"borrowers.id IN (SELECT borrower_phones.borrower_id FROM borrower_phones WHERE borrower_phones.number_index IN ?)", indexPhone, f.Phone.Reveal()},
	} {
		if exact.text == "" {
			continue
		}
		indexes, err := r.cipher.blinds(exact.what, exact.text)
		if err != nil {
			return nil, err
		}
		query = query.Where(exact.column, indexes)
	}
	if !f.NamePrefix.IsZero() {
		query = whereNameBegins(query, f.NamePrefix.Reveal())
	}
	if !f.VillageCode.IsZero() {
		query = query.Where("borrowers.area_code = ?", f.VillageCode.String())
	}
	if !f.OfficerID.IsZero() {
		query = query.Where("borrowers.officer_id = ?", f.OfficerID)
	}
	if !f.HouseholdID.IsZero() {
		query = query.Where("borrowers.household_id = ?", f.HouseholdID)
	}
	return query, nil
}

// whereNameBegins keeps the names that begin with the prefix, as a range of code points, which is the order of the column.
// LIKE would not do: by an index MariaDB 10.11 takes U+FFFF for the last character there is, and so loses every name that
// goes on with a character of another plane (王𠮷).
func whereNameBegins(query *gorm.DB, prefix string) *gorm.DB {
	query = query.Where("borrowers.name >= ?", prefix)
	if beyond := successor(prefix); beyond != "" {
		query = query.Where("borrowers.name < ?", beyond)
	}
	return query
}

// successor returns the first text after all texts that begin with prefix, by code point; "" when there is none.
func successor(prefix string) string {
	runes := []rune(prefix)
	for i, last := range slices.Backward(runes) {
		switch next := last + 1; {
		case next > unicode.MaxRune:
			continue // carry to the character before
		case next == 0xD800: // the surrogates are no characters
			next = 0xE000
			fallthrough
		default:
			return string(runes[:i]) + string(next)
		}
	}
	return ""
}

// areaOf is the household's village, or where an organisation works: what stands in borrowers.area_code.
func (r reader) areaOf(ctx context.Context, b borrower.Borrower) (string, error) {
	if b.HouseholdID.IsZero() {
		return b.RegionCode.String(), nil
	}
	var row householdRow
	err := r.db.WithContext(ctx).Select("village_code").Where("id = ?", b.HouseholdID).Take(&row).Error
	if isNotFound(err) {
		return "", errHouseholdNotFound()
	}
	return row.VillageCode, translateRead(ctx, err)
}

// KnownBorrower implements origination.BorrowerReader.
func (r reader) KnownBorrower(ctx context.Context, scope domain.Scope, b borrower.Borrower) (*origination.Known, error) {
	for _, f := range []origination.BorrowerFilter{{IDNumber: b.IDNumber}, {CreditCode: b.CreditCode}} {
		if f.IDNumber.IsZero() && f.CreditCode.IsZero() {
			continue
		}
		query, err := r.borrowersLike(r.db.WithContext(ctx).Table("borrowers"), f)
		if err != nil {
			return nil, err
		}
		known, err := r.known(ctx, query, "borrowers", func(db *gorm.DB) *gorm.DB { return borrowersInScope(db, scope) })
		if known != nil || err != nil {
			return known, err
		}
	}
	return nil, nil //nolint:nilnil // "nobody" is the usual answer
}

// LockBorrower implements origination.BorrowerWriter.
func (t *tx) LockBorrower(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Borrower, error) {
	return t.borrower(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
}

// InsertBorrower implements origination.BorrowerWriter.
func (t *tx) InsertBorrower(ctx context.Context, b borrower.Borrower, event origination.BorrowerEvent) error {
	area, err := t.areaOf(ctx, b)
	if err != nil {
		return err
	}
	rows, err := t.cipher.borrowerToRows(b, area)
	if err != nil {
		return err
	}
	if err := t.db.WithContext(ctx).Create(&rows.root).Error; err != nil {
		if isDuplicate(err, "uk_borrowers_id_number") || isDuplicate(err, "uk_borrowers_credit_code") {
			return domain.Errorf(domain.KindConflict, "borrower-exists", "该证件号码已建档，请直接使用已有借款人")
		}
		return translateID(err)
	}
	if err := insertRows(ctx, t.db, rows.phones); err != nil {
		return err
	}
	if err := insertRows(ctx, t.db, rows.accounts); err != nil {
		return err
	}
	if err := insertRows(ctx, t.db, rows.consents); err != nil {
		return err
	}
	if err := insertRows(ctx, t.db, rows.licences); err != nil {
		return err
	}
	return t.insertBorrowerEvent(ctx, event)
}

// insertRows inserts the parts of a record in one statement; none is fine.
func insertRows[R any](ctx context.Context, db *gorm.DB, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	return db.WithContext(ctx).Create(&rows).Error
}

// SaveBorrower implements origination.BorrowerWriter. Accounts, consents and licences keep their place in their list, so
// those on file are updated and new ones added by one statement for each sort; an erased borrower keeps no part that leads
// to a person.
func (t *tx) SaveBorrower(ctx context.Context, b borrower.Borrower, event origination.BorrowerEvent) error {
	area, err := t.areaOf(ctx, b)
	if err != nil {
		return err
	}
	rows, err := t.cipher.borrowerToRows(b, area)
	if err != nil {
		return err
	}
	result := t.db.WithContext(ctx).Model(&borrowerRow{}).Where("id = ? AND version = ?", b.ID, b.Version-1).
		Select("*").Omit("id", "branch_id", "created_at").Updates(rows.root)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	// Phones have no ids of their own: they are written anew.
	if err := t.db.WithContext(ctx).Where("borrower_id = ?", b.ID).Delete(&borrowerPhoneRow{}).Error; err != nil {
		return err
	}
	if !b.AnonymisedAt.IsZero() {
		for _, erased := range []any{&bankAccountRow{}, &licenceRow{}} {
			if err := t.db.WithContext(ctx).Where("borrower_id = ?", b.ID).Delete(erased).Error; err != nil {
				return err
			}
		}
		return t.insertBorrowerEvent(ctx, event)
	}
	if err := insertRows(ctx, t.db, rows.phones); err != nil {
		return err
	}
	if err := upsertRows(ctx, t.db, rows.accounts, "verified_how", "verified_by", "verified_at"); err != nil {
		return err
	}
	if err := upsertRows(ctx, t.db, rows.consents, "withdrawn_at"); err != nil {
		return err
	}
	if err := upsertRows(ctx, t.db, rows.licences, "position"); err != nil {
		return err
	}
	return t.insertBorrowerEvent(ctx, event)
}

// upsertRows inserts the parts of a record, and updates the columns of those that are on file. All unique keys of these
// tables lie within one borrower, whose row is locked and whose record has been checked, so the row that is met is the same
// part and no other.
func upsertRows[R any](ctx context.Context, db *gorm.DB, rows []R, columns ...string) error {
	if len(rows) == 0 {
		return nil
	}
	return db.WithContext(ctx).Clauses(clause.OnConflict{DoUpdates: clause.AssignmentColumns(columns)}).Create(&rows).Error
}

// Lookalikes implements origination.BorrowerReader with three searches by index. The whole lender is searched; the scope
// only decides what the caller may be told of what is found.
func (r reader) Lookalikes(ctx context.Context, scope domain.Scope, b borrower.Borrower, village borrower.RegionCode) ([]origination.Lookalike, error) {
	ids, err := r.lookalikeIDs(ctx, b, village)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var roots []borrowerRow
	if err := r.db.WithContext(ctx).Where("borrowers.id IN ?", ids).Order("borrowers.id DESC").Find(&roots).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	borrowers, err := r.withParts(ctx, roots)
	if err != nil {
		return nil, err
	}
	households, err := r.householdsOf(ctx, borrowers)
	if err != nil {
		return nil, err
	}
	var visible []domain.ID
	err = borrowersInScope(r.db.WithContext(ctx).Model(&borrowerRow{}), scope).Where("borrowers.id IN ?", ids).Pluck("borrowers.id", &visible).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	var branches []struct{ ID, Name string }
	if err := r.db.WithContext(ctx).Table("branches").Select("id, name").Find(&branches).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	names := make(map[domain.ID]string, len(branches))
	for _, branch := range branches {
		names[domain.ID(branch.ID)] = branch.Name
	}
	found := make([]origination.Lookalike, len(borrowers))
	for i, other := range borrowers {
		found[i] = origination.Lookalike{
			Borrower: other, Household: households[other.HouseholdID], BranchName: names[other.BranchID],
			Visible: slices.Contains(visible, other.ID),
		}
	}
	return found, nil
}

// lookalikeIDs finds who shares a phone or an account with b, and who in the village may have the same surname: names begin
// with the same character. At most origination.LookalikesMax, the newest first.
func (r reader) lookalikeIDs(ctx context.Context, b borrower.Borrower, village borrower.RegionCode) ([]domain.ID, error) {
	var ids []domain.ID
	for _, phone := range append([]borrower.Phone{b.Phone}, b.OtherPhones...) { // at most borrower.ListMax and one
		found, err := r.owners(ctx, "borrower_phones", indexPhone, phone.Reveal())
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	for _, account := range b.Accounts { // at most borrower.ListMax
		found, err := r.owners(ctx, "bank_accounts", indexBankAccount, account.Number.Reveal())
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	if first, size := utf8.DecodeRuneInString(b.Name.Reveal()); size > 0 && !b.Kind.IsOrganisation() {
		var found []domain.ID
		err := whereNameBegins(r.db.WithContext(ctx).Model(&borrowerRow{}), string(first)).
			Where("borrowers.area_code = ?", village.String()).
			Order("borrowers.id DESC").Limit(origination.LookalikesMax).Pluck("borrowers.id", &found).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	ids = slices.DeleteFunc(ids, func(id domain.ID) bool { return id == b.ID })
	return ids[max(0, len(ids)-origination.LookalikesMax):], nil
}

// owners returns whose number it is, at most origination.LookalikesMax.
func (r reader) owners(ctx context.Context, table, what, number string) ([]domain.ID, error) {
	indexes, err := r.cipher.blinds(what, number)
	if err != nil || number == "" {
		return nil, err
	}
	var ids []domain.ID
	err = r.db.WithContext(ctx).Table(table).Where("number_index IN ?", indexes).Order("borrower_id DESC").
		Limit(origination.LookalikesMax).Pluck("borrower_id", &ids).Error
	return ids, translateRead(ctx, err)
}

// householdsOf reads the households of a page of borrowers, by id.
func (r reader) householdsOf(ctx context.Context, borrowers []borrower.Borrower) (map[domain.ID]borrower.Household, error) {
	var ids []domain.ID
	for _, b := range borrowers {
		if !b.HouseholdID.IsZero() && !slices.Contains(ids, b.HouseholdID) {
			ids = append(ids, b.HouseholdID)
		}
	}
	households := map[domain.ID]borrower.Household{}
	if len(ids) == 0 {
		return households, nil
	}
	var rows []householdRow
	if err := r.db.WithContext(ctx).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	complete, err := r.withMembers(ctx, rows)
	if err != nil {
		return nil, err
	}
	for _, h := range complete {
		households[h.ID] = h
	}
	return households, nil
}

// CreditRelation implements origination.BorrowerReader. An application that came to nothing leaves no relation; one on its
// way is open, and a paid loan runs until its last instalment is due.
func (r reader) CreditRelation(ctx context.Context, borrowerID domain.ID) (borrower.CreditRelation, error) {
	var open int64
	err := r.db.WithContext(ctx).Model(&applicationRow{}).
		Where("borrower_id = ? AND status IN ('draft','reviewing','returned','approved','signed','disbursed')", borrowerID).
		Count(&open).Error
	if err != nil {
		return borrower.CreditRelation{}, translateRead(ctx, err)
	}
	var last struct{ EndsOn dateColumn }
	err = r.db.WithContext(ctx).Table("applications").Joins("JOIN instalments ON instalments.application_id = applications.id").
		Where("applications.borrower_id = ? AND applications.status IN ('signed','disbursed','closed')", borrowerID).
		Select("MAX(instalments.due_on) AS ends_on").Scan(&last).Error
	if err != nil {
		return borrower.CreditRelation{}, translateRead(ctx, err)
	}
	return borrower.CreditRelation{Open: open > 0, EndsOn: last.EndsOn.Date}, nil
}

type borrowerEventRow struct {
	ID        domain.ID `gorm:"primaryKey"`
	Subject   string
	SubjectID domain.ID
	Version   *int
	BranchID  domain.ID
	Action    string
	ActorID   domain.ID
	ActorName string
	ActorRole string
	At        time.Time
	Detail    jsonColumn[[]noteColumn]
}

func (borrowerEventRow) TableName() string { return "borrower_events" }

func borrowerEventToRow(e origination.BorrowerEvent) borrowerEventRow {
	notes := make([]noteColumn, len(e.Detail))
	for i, n := range e.Detail {
		notes[i] = noteColumn(n)
	}
	row := borrowerEventRow{
		ID: e.ID, Subject: e.Subject, SubjectID: e.SubjectID, BranchID: e.BranchID, Action: string(e.Action),
		ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: string(e.ActorRole), At: e.At, Detail: jsonColumn[[]noteColumn]{notes},
	}
	if e.Version != 0 {
		row.Version = &e.Version
	}
	return row
}

// insertBorrowerEvent is called by every write of a household or a borrower: there is none without its line in the history.
func (t *tx) insertBorrowerEvent(ctx context.Context, e origination.BorrowerEvent) error {
	row := borrowerEventToRow(e)
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_borrower_events_version") {
		return errStaleVersion()
	}
	return err
}

// InsertBorrowerEvent implements origination.BorrowerWriter.
func (t *tx) InsertBorrowerEvent(ctx context.Context, e origination.BorrowerEvent) error {
	return t.insertBorrowerEvent(ctx, e)
}

// BorrowerEvents implements origination.BorrowerReader.
func (r reader) BorrowerEvents(ctx context.Context, subject string, id domain.ID, page domain.Page) ([]origination.BorrowerEvent, error) {
	query := r.db.WithContext(ctx).Where("subject_id = ? AND subject = ?", id, subject)
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	var rows []borrowerEventRow
	if err := query.Order("id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return convert(rows, borrowerEventFromRow), nil
}

func borrowerEventFromRow(row borrowerEventRow) origination.BorrowerEvent {
	e := origination.BorrowerEvent{
		ID: row.ID, Subject: row.Subject, SubjectID: row.SubjectID, BranchID: row.BranchID, Action: origination.BorrowerAction(row.Action),
		ActorID: row.ActorID, ActorName: row.ActorName, ActorRole: domain.Role(row.ActorRole), At: row.At.UTC(),
		Detail: convert(row.Detail.Content, func(n noteColumn) origination.BorrowerNote { return origination.BorrowerNote(n) }),
	}
	if row.Version != nil {
		e.Version = *row.Version
	}
	return e
}
