package origination

import "fumin/domain"

// SignatureReader reads contract texts and who signed them (合同签署).
type SignatureReader interface{}

// SignatureWriter writes contract texts and who signed them (合同签署).
type SignatureWriter interface{}

// Signatures are the use cases of contract texts and who signed them (合同签署).
type Signatures struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewSignatures builds the use cases.
func NewSignatures(store Store, now domain.Clock, newID func() domain.ID) *Signatures {
	return &Signatures{store: store, now: now, newID: newID}
}
