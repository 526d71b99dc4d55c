package repository

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"fumin/domain"
)

// The column types below carry a domain value in and out of a row. An absent value (the zero value) is NULL, and a stored
// value is parsed again on the way in: what cannot be is an error here, not a surprise later.

// dateColumn is a DATE. It travels as text: a time.Time would be shifted by the session's zone.
type dateColumn struct{ domain.Date }

// Scan implements sql.Scanner.
func (c *dateColumn) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		c.Date = domain.Date{}
		return nil
	case time.Time:
		d, err := domain.NewDate(v.Year(), v.Month(), v.Day())
		c.Date = d
		return err
	}
	return fmt.Errorf("date column: %T", src)
}

// Value implements driver.Valuer.
func (c dateColumn) Value() (driver.Value, error) {
	if c.IsZero() {
		return nil, nil
	}
	return c.String(), nil
}

// idColumn is a CHAR(36) that may be NULL.
type idColumn struct{ domain.ID }

// Scan implements sql.Scanner.
func (c *idColumn) Scan(src any) error {
	var text string
	switch v := src.(type) {
	case nil:
		c.ID = ""
		return nil
	case []byte:
		text = string(v)
	case string:
		text = v
	default:
		return fmt.Errorf("id column: %T", src)
	}
	id, err := domain.ParseID(text)
	c.ID = id
	return err
}

// Value implements driver.Valuer.
func (c idColumn) Value() (driver.Value, error) {
	if c.IsZero() {
		return nil, nil
	}
	return c.String(), nil
}

// timeColumn is a DATETIME(6) in UTC that may be NULL.
type timeColumn struct{ time.Time }

// Scan implements sql.Scanner.
func (c *timeColumn) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		c.Time = time.Time{}
		return nil
	case time.Time:
		c.Time = v.UTC()
		return nil
	}
	return fmt.Errorf("time column: %T", src)
}

// Value implements driver.Valuer.
func (c timeColumn) Value() (driver.Value, error) {
	if c.IsZero() {
		return nil, nil
	}
	return c.UTC(), nil
}

// jsonColumn is a JSON document of type T.
type jsonColumn[T any] struct{ Content T }

// Scan implements sql.Scanner.
func (c *jsonColumn[T]) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		return json.Unmarshal(v, &c.Content)
	case string:
		return json.Unmarshal([]byte(v), &c.Content)
	}
	return fmt.Errorf("json column: %T", src)
}

// Value implements driver.Valuer.
func (c jsonColumn[T]) Value() (driver.Value, error) {
	text, err := json.Marshal(c.Content)
	if err != nil {
		return nil, fmt.Errorf("json column: %w", err)
	}
	return string(text), nil
}
