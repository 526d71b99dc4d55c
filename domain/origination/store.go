// Package origination holds the use cases: what an actor may ask, in which order things happen, and where a
// transaction begins and ends. It declares the storage it needs; package repository implements it.
//
// It owns authorisation by role and branch, the clock and the ids, and what is recorded. It does not own arithmetic or
// transitions (the pure packages beside it), SQL or HTTP. The body order of a use case is always the same: authorise,
// load and lock, compute, transition, save.
package origination

import (
	"context"
	"time"

	"fumin/domain"
)

// Store is what origination needs of storage. Writes exist only on Tx.
type Store interface {
	Reader
	NumberReserver

	// Update runs fn in one READ COMMITTED transaction and commits when fn returns nil. A deadlock or a lock time-out
	// rolls back and runs fn again, a bounded number of times: so fn assigns captured variables as its last step, does
	// no I/O of its own and reads no clock.
	Update(ctx context.Context, fn func(tx Tx) error) error
}

// Reader is every read. What is out of the given scope reads as not found.
type Reader interface {
	StaffReader
	BorrowerReader
	ProductReader
	ApplicantReader
	ApplicationReader
	DisbursementReader
	CalendarReader
	RecommendationReader
	PreApprovalReader
	RuleSetReader
	JobReader
	EnquiryReader
	ExposureReader
	DocumentReader
	ReviewReader
	AuthorityReader
	SignatureReader
	GuaranteeReader
	LineReader
	HoldReader
	ReconciliationReader
	ReportReader
	ReportScheduleReader
}

// Tx is every write, and the reads as this transaction sees them.
type Tx interface {
	Reader
	StaffWriter
	BorrowerWriter
	ProductWriter
	ApplicationWriter
	DisbursementWriter
	CalendarWriter
	RecommendationWriter
	RuleSetWriter
	JobWriter
	EnquiryWriter
	ExposureWriter
	DocumentWriter
	ReviewWriter
	AuthorityWriter
	SignatureWriter
	GuaranteeWriter
	LineWriter
	HoldWriter
	ReconciliationWriter
	ReportWriter
	ReportScheduleWriter
	IdempotencyWriter
}

// IdempotencyWriter remembers which requests were carried out, in the transaction that carries them out.
type IdempotencyWriter interface {
	// ClaimIdempotencyKey notes that the actor's key stands for resultID. When it was claimed before with the same
	// fingerprint it returns the prior result instead; with another, "idempotency-key-reused". Twenty callers at once
	// wait for the first to commit, and then find its result.
	ClaimIdempotencyKey(ctx context.Context, actorID domain.ID, key Idempotency, resultID domain.ID, at time.Time) (prior domain.ID, err error)
	// DeleteIdempotencyKeys forgets at most limit keys claimed before the time.
	DeleteIdempotencyKeys(ctx context.Context, before time.Time, limit int) (deleted int, err error)
}

// Idempotency is a client's promise that two requests are one (幂等键): the key it chose and the fingerprint of what it
// asked. The same key with another fingerprint is refused.
type Idempotency struct {
	Key         string // 1 to 64 printable ASCII characters
	Fingerprint string // SHA-256, hexadecimal, of method, route, body and borrower acted for
}
