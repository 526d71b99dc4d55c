package origination

import "fumin/domain"

// ReportReader reads the reports of branches and the reporting desk (报表).
type ReportReader interface{}

// ReportWriter writes the reports of branches and the reporting desk (报表).
type ReportWriter interface{}

// Reports are the use cases of the reports of branches and the reporting desk (报表).
type Reports struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewReports builds the use cases.
func NewReports(store Store, now domain.Clock, newID func() domain.ID) *Reports {
	return &Reports{store: store, now: now, newID: newID}
}
