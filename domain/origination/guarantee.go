package origination

import "fumin/domain"

// GuaranteeReader reads the guarantee companies and their letters (农担担保).
type GuaranteeReader interface{}

// GuaranteeWriter writes the guarantee companies and their letters (农担担保).
type GuaranteeWriter interface{}

// Guarantees are the use cases of the guarantee companies and their letters (农担担保).
type Guarantees struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewGuarantees builds the use cases.
func NewGuarantees(store Store, now domain.Clock, newID func() domain.ID) *Guarantees {
	return &Guarantees{store: store, now: now, newID: newID}
}
