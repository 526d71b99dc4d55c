package origination

import "fumin/domain"

// AuthorityReader reads who may approve how much, and who stands in for whom (审批权限).
type AuthorityReader interface{}

// AuthorityWriter writes who may approve how much, and who stands in for whom (审批权限).
type AuthorityWriter interface{}

// Authorities are the use cases of who may approve how much, and who stands in for whom (审批权限).
type Authorities struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewAuthorities builds the use cases.
func NewAuthorities(store Store, now domain.Clock, newID func() domain.ID) *Authorities {
	return &Authorities{store: store, now: now, newID: newID}
}
