package domain

// ID identifies anything we store: a UUID in canonical lower-case text, version 7 when we make it, so that
// newer sorts after older. A client may make one itself (a tablet without a signal does).
type ID string

// ParseID reads a canonical lower-case UUID (36 characters). Anything else is refused with code "invalid-id".
func ParseID(s string) (ID, error) {
	if len(s) != 36 {
		return "", errInvalidID
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return "", errInvalidID
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return "", errInvalidID
		}
	}
	return ID(s), nil
}

var errInvalidID = BadValue("invalid-id", "应为小写的 36 位 UUID")

// MustParseID is ParseID for tests and constants.
func MustParseID(s string) ID {
	id, err := ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// String returns the UUID as it was parsed; "" when absent.
func (id ID) String() string { return string(id) }

// IsZero reports whether id is absent.
func (id ID) IsZero() bool { return id == "" }
