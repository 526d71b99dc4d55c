package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

type authorityRow struct {
	ID                  domain.ID `gorm:"primaryKey"`
	Kind                string
	Role                string
	UserID              idColumn
	ProductCode         *string
	GuaranteeKind       string
	RegionPrefix        string
	Amount              decimal.Decimal
	Members             jsonColumn[[]domain.ID]
	Quorum              int
	MajorityNumerator   int
	MajorityDenominator int
	EffectiveFrom       dateColumn
	EffectiveTo         dateColumn
	Basis               string
	Sample              bool
	Status              string
	DraftedBy           domain.ID
	DraftedAt           time.Time
	ActivatedBy         idColumn
	ActivatedAt         timeColumn
	EndedBy             idColumn
	EndedAt             timeColumn
	EndAskedBy          idColumn
	EndAskedAt          timeColumn
	EndAskedFor         dateColumn
	Version             int
}

func (authorityRow) TableName() string { return "approval_authorities" }

func authorityToRow(a staff.Authority) authorityRow {
	row := authorityRow{
		ID: a.ID, Kind: string(a.Kind), Role: string(a.Role), UserID: idColumn{a.UserID}, GuaranteeKind: a.GuaranteeKind,
		RegionPrefix: a.RegionPrefix, Amount: a.Amount.Decimal(), Members: jsonColumn[[]domain.ID]{a.Members}, Quorum: a.Quorum,
		MajorityNumerator: a.MajorityNumerator, MajorityDenominator: a.MajorityDenominator,
		EffectiveFrom: dateColumn{a.EffectiveFrom}, EffectiveTo: dateColumn{a.EffectiveTo}, Basis: a.Basis, Sample: a.Sample,
		Status: string(a.Status), DraftedBy: a.DraftedBy, DraftedAt: a.DraftedAt,
		ActivatedBy: idColumn{a.ActivatedBy}, ActivatedAt: timeColumn{a.ActivatedAt},
		EndedBy: idColumn{a.EndedBy}, EndedAt: timeColumn{a.EndedAt}, EndAskedBy: idColumn{a.EndAsked.By},
		EndAskedAt: timeColumn{a.EndAsked.At}, EndAskedFor: dateColumn{a.EndAsked.To}, Version: a.Version,
	}
	if a.ProductCode != "" {
		row.ProductCode = &a.ProductCode
	}
	return row
}

func authorityFromRow(row authorityRow) (staff.Authority, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return staff.Authority{}, fmt.Errorf("authority %s: %w", row.ID, err)
	}
	a := staff.Authority{
		ID: row.ID, Kind: staff.AuthorityKind(row.Kind), Role: domain.Role(row.Role), UserID: row.UserID.ID,
		GuaranteeKind: row.GuaranteeKind, RegionPrefix: row.RegionPrefix, Amount: amount, Members: row.Members.Content, Quorum: row.Quorum,
		MajorityNumerator: row.MajorityNumerator, MajorityDenominator: row.MajorityDenominator,
		EffectiveFrom: row.EffectiveFrom.Date, EffectiveTo: row.EffectiveTo.Date, Basis: row.Basis, Sample: row.Sample,
		Status: staff.AuthorityStatus(row.Status), DraftedBy: row.DraftedBy, DraftedAt: row.DraftedAt.UTC(),
		ActivatedBy: row.ActivatedBy.ID, ActivatedAt: row.ActivatedAt.Time,
		EndedBy: row.EndedBy.ID, EndedAt: row.EndedAt.Time,
		EndAsked: staff.EndRequest{By: row.EndAskedBy.ID, At: row.EndAskedAt.Time, To: row.EndAskedFor.Date}, Version: row.Version,
	}
	if row.ProductCode != nil {
		a.ProductCode = *row.ProductCode
	}
	// A row changed behind our back must not become an authority: what could not be drafted is not one.
	if err := a.Validate(); err != nil {
		return staff.Authority{}, fmt.Errorf("authority %s: %w", row.ID, err)
	}
	if !a.Status.Valid() || a.Status == staff.AuthorityActive && (a.ActivatedBy.IsZero() || a.ActivatedBy == a.DraftedBy) {
		return staff.Authority{}, fmt.Errorf("authority %s: %q without a second person's activation", row.ID, row.Status)
	}
	return a, nil
}

// Authority implements origination.AuthorityReader.
func (r reader) Authority(ctx context.Context, id domain.ID) (staff.Authority, error) {
	return takeAuthority(ctx, r.db.WithContext(ctx), id)
}

// LockAuthority implements origination.AuthorityWriter.
func (t *tx) LockAuthority(ctx context.Context, id domain.ID) (staff.Authority, error) {
	return takeAuthority(ctx, t.db.WithContext(ctx).Clauses(forUpdate), id)
}

func takeAuthority(ctx context.Context, query *gorm.DB, id domain.ID) (staff.Authority, error) {
	var row authorityRow
	err := query.Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return staff.Authority{}, domain.Errorf(domain.KindNotFound, "authority-not-found", "没有这条审批权限")
	}
	if err != nil {
		return staff.Authority{}, translateRead(ctx, err)
	}
	return authorityFromRow(row)
}

// Authorities implements origination.AuthorityReader.
func (r reader) Authorities(ctx context.Context, f origination.AuthorityFilter, page domain.Page) ([]staff.Authority, error) {
	query := r.db.WithContext(ctx).Model(&authorityRow{})
	if f.Kind != "" {
		query = query.Where("kind = ?", string(f.Kind))
	}
	if f.Status != "" {
		query = query.Where("status = ?", string(f.Status))
	}
	if !f.UserID.IsZero() {
		query = query.Where("user_id = ?", f.UserID)
	}
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	var rows []authorityRow
	if err := query.Order("id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, authorityFromRow)
}

// AuthoritiesInForce implements origination.AuthorityReader. They are few, and which of them counts is not for SQL to say.
func (r reader) AuthoritiesInForce(ctx context.Context, on domain.Date) ([]staff.Authority, error) {
	return authoritiesFrom(ctx, r.db.WithContext(ctx).Where("effective_from <= ?", dateColumn{on}), on, staff.AuthoritiesMax)
}

// AuthoritiesFrom implements origination.AuthorityReader.
func (r reader) AuthoritiesFrom(ctx context.Context, on domain.Date) ([]staff.Authority, error) {
	return authoritiesFrom(ctx, r.db.WithContext(ctx), on, origination.AuthoritiesFromMax)
}

// authoritiesFrom reads what has not ended on the day.
func authoritiesFrom(ctx context.Context, query *gorm.DB, on domain.Date, limit int) ([]staff.Authority, error) {
	var rows []authorityRow
	err := query.Where("status = ? AND (effective_to IS NULL OR effective_to > ?)", string(staff.AuthorityActive), dateColumn{on}).
		Order("id").Limit(limit + 1).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	if len(rows) > limit { // Activate keeps them below; to leave one out would be to decide
		return nil, fmt.Errorf("more than %d authorities from %s on", limit, on)
	}
	return mapRows(rows, authorityFromRow)
}

// InsertAuthority implements origination.AuthorityWriter.
func (t *tx) InsertAuthority(ctx context.Context, a staff.Authority, event staff.Event) error {
	row := authorityToRow(a)
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		if isDuplicate(err, "PRIMARY") {
			return errIDExists()
		}
		return err
	}
	return t.InsertStaffEvent(ctx, event)
}

// SaveAuthority implements origination.AuthorityWriter. What it grants is never changed: only how it stands.
func (t *tx) SaveAuthority(ctx context.Context, a staff.Authority, event staff.Event) error {
	row := authorityToRow(a)
	result := t.db.WithContext(ctx).Model(&authorityRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("effective_to", "status", "activated_by", "activated_at", "ended_by", "ended_at", "end_asked_by", "end_asked_at", "end_asked_for", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.InsertStaffEvent(ctx, event)
}

// ---- delegations ----

type delegationRow struct {
	ID        domain.ID `gorm:"primaryKey"`
	BranchID  domain.ID
	FromID    domain.ID
	ToID      domain.ID
	StartsOn  dateColumn
	EndsOn    dateColumn
	Reason    string
	MadeBy    domain.ID
	MadeAt    time.Time
	RevokedBy idColumn
	RevokedAt timeColumn
	Version   int
}

func (delegationRow) TableName() string { return "authority_delegations" }

func delegationToRow(d staff.Delegation) delegationRow {
	return delegationRow{
		ID: d.ID, BranchID: d.BranchID, FromID: d.FromID, ToID: d.ToID, StartsOn: dateColumn{d.StartsOn}, EndsOn: dateColumn{d.EndsOn},
		Reason: d.Reason, MadeBy: d.MadeBy, MadeAt: d.MadeAt, RevokedBy: idColumn{d.RevokedBy}, RevokedAt: timeColumn{d.RevokedAt}, Version: d.Version,
	}
}

func delegationFromRow(row delegationRow) (staff.Delegation, error) {
	d := staff.Delegation{
		ID: row.ID, BranchID: row.BranchID, FromID: row.FromID, ToID: row.ToID, StartsOn: row.StartsOn.Date, EndsOn: row.EndsOn.Date,
		Reason: row.Reason, MadeBy: row.MadeBy, MadeAt: row.MadeAt.UTC(), RevokedBy: row.RevokedBy.ID, RevokedAt: row.RevokedAt.Time, Version: row.Version,
	}
	if err := d.Validate(); err != nil {
		return staff.Delegation{}, fmt.Errorf("delegation %s: %w", row.ID, err)
	}
	return d, nil
}

// Delegation implements origination.AuthorityReader.
func (r reader) Delegation(ctx context.Context, scope domain.Scope, id domain.ID) (staff.Delegation, error) {
	return takeDelegation(ctx, r.db.WithContext(ctx), scope, id)
}

// LockDelegation implements origination.AuthorityWriter.
func (t *tx) LockDelegation(ctx context.Context, scope domain.Scope, id domain.ID) (staff.Delegation, error) {
	return takeDelegation(ctx, t.db.WithContext(ctx).Clauses(forUpdate), scope, id)
}

func takeDelegation(ctx context.Context, query *gorm.DB, scope domain.Scope, id domain.ID) (staff.Delegation, error) {
	var row delegationRow
	err := inScopeOf(query, "authority_delegations.branch_id", "", scope).Where("authority_delegations.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return staff.Delegation{}, domain.Errorf(domain.KindNotFound, "delegation-not-found", "没有这次转授权，或不在您的机构范围内")
	}
	if err != nil {
		return staff.Delegation{}, translateRead(ctx, err)
	}
	return delegationFromRow(row)
}

// Delegations implements origination.AuthorityReader.
func (r reader) Delegations(ctx context.Context, scope domain.Scope, page domain.Page) ([]staff.Delegation, error) {
	query, err := r.listInScope(ctx, r.db.WithContext(ctx), "authority_delegations.branch_id", "", scope)
	if err != nil {
		return nil, err
	}
	if !page.After.IsZero() {
		query = query.Where("authority_delegations.id < ?", page.After)
	}
	var rows []delegationRow
	if err := query.Order("authority_delegations.id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, delegationFromRow)
}

// DelegationsTouching implements origination.AuthorityReader: two looks, each by an index of its own.
func (r reader) DelegationsTouching(ctx context.Context, people []domain.ID, from domain.Date) ([]staff.Delegation, error) {
	var found []staff.Delegation
	seen := map[domain.ID]bool{}
	for _, column := range []string{"from_id", "to_id"} {
		var rows []delegationRow
		err := r.db.WithContext(ctx).Where(column+" IN ? AND ends_on >= ? AND revoked_at IS NULL", people, dateColumn{from}).
			Limit(staff.DelegationsOfUserMax).Find(&rows).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
		list, err := mapRows(rows, delegationFromRow)
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			if !seen[d.ID] {
				seen[d.ID], found = true, append(found, d)
			}
		}
	}
	return found, nil
}

// InsertDelegation implements origination.AuthorityWriter.
func (t *tx) InsertDelegation(ctx context.Context, d staff.Delegation, event staff.Event) error {
	row := delegationToRow(d)
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		if isDuplicate(err, "PRIMARY") {
			return errIDExists()
		}
		return err
	}
	return t.InsertStaffEvent(ctx, event)
}

// SaveDelegation implements origination.AuthorityWriter. Only its revocation is ever written.
func (t *tx) SaveDelegation(ctx context.Context, d staff.Delegation, event staff.Event) error {
	row := delegationToRow(d)
	result := t.db.WithContext(ctx).Model(&delegationRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("revoked_by", "revoked_at", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.InsertStaffEvent(ctx, event)
}
