package repository

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/product"
)

type productEventRow struct {
	SubjectID   string `gorm:"primaryKey"`
	Revision    int    `gorm:"primaryKey;autoIncrement:false"`
	Subject     string
	ProductCode string
	Action      string
	ActorID     domain.ID
	ActorName   string
	ActorRole   string
	At          time.Time
	Detail      jsonColumn[[]noteColumn]
}

func (productEventRow) TableName() string { return "product_events" }

// InsertProductEvent implements origination.ProductWriter.
func (t *tx) InsertProductEvent(ctx context.Context, e product.Event) error {
	row := productEventRow{
		SubjectID: e.SubjectID, Revision: e.Revision, Subject: string(e.Subject), ProductCode: e.ProductCode, Action: string(e.Action),
		ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: string(e.ActorRole), At: e.At,
		Detail: jsonColumn[[]noteColumn]{convert(e.Detail, func(n product.Note) noteColumn { return noteColumn(n) })},
	}
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "PRIMARY") {
		return errStaleVersion()
	}
	return err
}

// ProductEvents implements origination.ProductReader.
func (r reader) ProductEvents(ctx context.Context, code string) ([]product.Event, error) {
	var rows []productEventRow
	err := r.db.WithContext(ctx).Where("product_code = ?", code).Order("at DESC, subject, subject_id, revision DESC").
		Limit(product.EventsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return convert(rows, func(row productEventRow) product.Event {
		return product.Event{
			Subject: product.Subject(row.Subject), SubjectID: row.SubjectID, Revision: row.Revision, ProductCode: row.ProductCode,
			Action: product.Action(row.Action), ActorID: row.ActorID, ActorName: row.ActorName, ActorRole: domain.Role(row.ActorRole),
			At: row.At.UTC(), Detail: convert(row.Detail.Content, func(n noteColumn) product.Note { return product.Note(n) }),
		}
	}), nil
}
