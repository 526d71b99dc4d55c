package repository

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

type trancheRow struct {
	ApplicationID domain.ID `gorm:"primaryKey"`
	Number        int       `gorm:"primaryKey;autoIncrement:false"`
	BranchID      domain.ID
	Amount        decimal.Decimal
}

func (trancheRow) TableName() string { return "tranches" }

type trancheConditionRow struct {
	ID                domain.ID `gorm:"primaryKey"`
	ApplicationID     domain.ID
	Tranche           int
	Number            int
	BranchID          domain.ID
	Kind              string
	Text              string
	DocumentReference string
	DocumentSHA256    string `gorm:"column:document_sha256"`
	FulfilledBy       idColumn
	FulfilledAt       timeColumn
}

func (trancheConditionRow) TableName() string { return "tranche_conditions" }

// Tranches implements origination.TrancheReader.
func (r reader) Tranches(ctx context.Context, applicationID domain.ID) ([]loan.Tranche, error) {
	var rows []trancheRow
	if err := r.db.WithContext(ctx).Where("application_id = ?", applicationID).Order("number").Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var conditions []trancheConditionRow
	err := r.db.WithContext(ctx).Where("application_id = ?", applicationID).Order("tranche, number").Find(&conditions).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	tranches := make([]loan.Tranche, len(rows))
	for i, row := range rows {
		amount, err := money.AmountFromDecimal(row.Amount)
		if err != nil || row.Number != i+1 {
			return nil, fmt.Errorf("tranche %d of %s: amount %s: %w", row.Number, applicationID, row.Amount, err)
		}
		tranches[i] = loan.Tranche{Number: row.Number, Amount: amount}
	}
	for _, c := range conditions {
		kind := loan.ConditionKind(c.Kind)
		if c.Tranche < 1 || c.Tranche > len(tranches) || !kind.Valid() {
			return nil, fmt.Errorf("condition %s of %s: tranche %d, kind %q", c.ID, applicationID, c.Tranche, c.Kind)
		}
		t := &tranches[c.Tranche-1]
		t.Conditions = append(t.Conditions, loan.Condition{
			ID: c.ID, Kind: kind, Text: c.Text, Evidence: loan.Evidence{Reference: c.DocumentReference, SHA256: c.DocumentSHA256},
			FulfilledBy: c.FulfilledBy.ID, FulfilledAt: c.FulfilledAt.Time,
		})
	}
	return tranches, nil
}

// PutTranches implements origination.TrancheWriter.
func (t *tx) PutTranches(ctx context.Context, app loan.Record, tranches []loan.Tranche) error {
	for _, row := range []any{&trancheConditionRow{}, &trancheRow{}} { // the conditions first: they hold on to their tranche
		if err := t.db.WithContext(ctx).Where("application_id = ?", app.ID).Delete(row).Error; err != nil {
			return err
		}
	}
	rows := make([]trancheRow, len(tranches))
	var conditions []trancheConditionRow
	for i, tranche := range tranches {
		rows[i] = trancheRow{ApplicationID: app.ID, Number: tranche.Number, BranchID: app.BranchID, Amount: tranche.Amount.Decimal()}
		for j, c := range tranche.Conditions {
			conditions = append(conditions, trancheConditionRow{
				ID: c.ID, ApplicationID: app.ID, Tranche: tranche.Number, Number: j + 1, BranchID: app.BranchID, Kind: string(c.Kind), Text: c.Text,
				DocumentReference: c.Evidence.Reference, DocumentSHA256: c.Evidence.SHA256,
				FulfilledBy: idColumn{c.FulfilledBy}, FulfilledAt: timeColumn{c.FulfilledAt},
			})
		}
	}
	if err := t.db.WithContext(ctx).Create(&rows).Error; err != nil || len(conditions) == 0 {
		return err
	}
	return t.db.WithContext(ctx).Create(&conditions).Error
}

// SaveCondition implements origination.TrancheWriter.
func (t *tx) SaveCondition(ctx context.Context, c loan.Condition) error {
	result := t.db.WithContext(ctx).Model(&trancheConditionRow{}).Where("id = ? AND fulfilled_at IS NULL", c.ID).
		Select("document_reference", "document_sha256", "fulfilled_by", "fulfilled_at").
		Updates(trancheConditionRow{
			DocumentReference: c.Evidence.Reference, DocumentSHA256: c.Evidence.SHA256,
			FulfilledBy: idColumn{c.FulfilledBy}, FulfilledAt: timeColumn{c.FulfilledAt},
		})
	if result.Error == nil && result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return result.Error
}
