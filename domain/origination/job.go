package origination

import "fumin/domain"

// JobReader reads work in the background with progress (后台任务).
type JobReader interface{}

// JobWriter writes work in the background with progress (后台任务).
type JobWriter interface{}

// Jobs are the use cases of work in the background with progress (后台任务).
type Jobs struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewJobs builds the use cases.
func NewJobs(store Store, now domain.Clock, newID func() domain.ID) *Jobs {
	return &Jobs{store: store, now: now, newID: newID}
}
