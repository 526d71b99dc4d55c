package origination

import "fumin/domain"

// HoldReader reads holds on money (冻结/静置).
type HoldReader interface{}

// HoldWriter writes holds on money (冻结/静置).
type HoldWriter interface{}

// Holds are the use cases of holds on money (冻结/静置).
type Holds struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewHolds builds the use cases.
func NewHolds(store Store, now domain.Clock, newID func() domain.ID) *Holds {
	return &Holds{store: store, now: now, newID: newID}
}
