package origination

import "fumin/domain"

// ReviewReader reads the review of referred cases: tasks, site visits, the committee (审查).
type ReviewReader interface{}

// ReviewWriter writes the review of referred cases: tasks, site visits, the committee (审查).
type ReviewWriter interface{}

// Reviews are the use cases of the review of referred cases: tasks, site visits, the committee (审查).
type Reviews struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewReviews builds the use cases.
func NewReviews(store Store, now domain.Clock, newID func() domain.ID) *Reviews {
	return &Reviews{store: store, now: now, newID: newID}
}
