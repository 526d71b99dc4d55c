package origination

import "fumin/domain"

// ReconciliationReader reads the channel's day files against our payments (对账).
type ReconciliationReader interface{}

// ReconciliationWriter writes the channel's day files against our payments (对账).
type ReconciliationWriter interface{}

// Reconciliations are the use cases of the channel's day files against our payments (对账).
type Reconciliations struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewReconciliations builds the use cases.
func NewReconciliations(store Store, now domain.Clock, newID func() domain.ID) *Reconciliations {
	return &Reconciliations{store: store, now: now, newID: newID}
}
