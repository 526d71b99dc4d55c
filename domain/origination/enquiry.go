package origination

import "fumin/domain"

// EnquiryReader reads what other institutions answered about a case (外部查询).
type EnquiryReader interface{}

// EnquiryWriter writes what other institutions answered about a case (外部查询).
type EnquiryWriter interface{}

// Enquiries are the use cases of what other institutions answered about a case (外部查询).
type Enquiries struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewEnquiries builds the use cases.
func NewEnquiries(store Store, now domain.Clock, newID func() domain.ID) *Enquiries {
	return &Enquiries{store: store, now: now, newID: newID}
}
