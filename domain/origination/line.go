package origination

import "fumin/domain"

// LineReader reads credit lines, loan notes and repayments (授信额度、借据、还款).
type LineReader interface{}

// LineWriter writes credit lines, loan notes and repayments (授信额度、借据、还款).
type LineWriter interface{}

// Lines are the use cases of credit lines, loan notes and repayments (授信额度、借据、还款).
type Lines struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewLines builds the use cases.
func NewLines(store Store, now domain.Clock, newID func() domain.ID) *Lines {
	return &Lines{store: store, now: now, newID: newID}
}
