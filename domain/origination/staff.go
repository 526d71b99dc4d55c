package origination

// StaffReader reads branches, users and sessions.
type StaffReader interface{}

// StaffWriter writes branches, users and sessions.
type StaffWriter interface {
	StaffReader
}
