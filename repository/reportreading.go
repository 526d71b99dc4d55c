package repository

import (
	"time"

	"fumin/domain"
	"fumin/domain/report"
)

// reportReadingRow is one look at personal data in a report.
type reportReadingRow struct {
	ID        domain.ID `gorm:"primaryKey"`
	Report    string
	BranchID  domain.ID
	ActorID   domain.ID
	ActorName string
	ActorRole string
	Reason    string
	Query     jsonColumn[reportQueryDocument]
	At        time.Time
}

func (reportReadingRow) TableName() string { return "report_readings" }

// reportQueryDocument is a report.Query as it is kept.
type reportQueryDocument struct {
	From        string    `json:"from,omitempty"`
	To          string    `json:"to,omitempty"`
	AsOf        string    `json:"as_of"`
	BranchID    domain.ID `json:"branch_id,omitempty"`
	ProductCode string    `json:"product_code,omitempty"`
	Columns     []string  `json:"columns,omitempty"`
}

func reportQueryToDocument(q report.Query) reportQueryDocument {
	document := reportQueryDocument{AsOf: q.AsOf.String(), BranchID: q.BranchID, ProductCode: q.ProductCode, Columns: q.Columns}
	if !q.From.IsZero() {
		document.From, document.To = q.From.String(), q.To.String()
	}
	return document
}
