package enquiry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf8"

	"fumin/domain/money"
	"fumin/domain/origination"
)

// The paths of the three services.
const (
	PathCredit    = "/v1/credit-enquiries" //nolint:gosec // G101: a path, and credit is what is asked about
	PathScreening = "/v1/screenings"
	PathPrecheck  = "/v1/guarantee-prechecks"
)

// The types of number in a question.
const (
	IDTypeIdentityNumber = "identity_number"
	IDTypeCreditCode     = "credit_code"
)

// Question is the body of a request. It holds personal data in clear: it is for the wire, never for a log.
type Question struct {
	ID                 string `json:"id"`
	Name               string `json:"name"`
	IDType             string `json:"id_type"`
	IDNumber           string `json:"id_number"`
	ConsentID          string `json:"consent_id,omitempty"`
	ConsentTextVersion string `json:"consent_text_version,omitempty"`
	Amount             string `json:"amount,omitempty"`
	TermMonths         int    `json:"term_months,omitempty"`
	ProductCode        string `json:"product_code,omitempty"`
}

// Answer is the body of a 200.
type Answer struct {
	ID               string `json:"id"`
	Result           string `json:"result"`
	OverdueNow       bool   `json:"overdue_now,omitempty"`
	OverdueAmount    string `json:"overdue_amount,omitempty"`
	Enquiries6Months int    `json:"enquiries_6_months,omitempty"`
	Liabilities      string `json:"liabilities,omitempty"`
	Note             string `json:"note,omitempty"`
	Reference        string `json:"reference"`
}

// Results are what a service may say.
func Results(path string) []string {
	switch path {
	case PathCredit:
		return []string{origination.ResultClear, origination.ResultAdverse, origination.ResultNoRecord}
	case PathScreening:
		return []string{origination.ResultClear, origination.ResultHit}
	case PathPrecheck:
		return []string{origination.ResultAccepted, origination.ResultRefused, origination.ResultRefer}
	}
	return nil
}

const (
	referenceMax     = 64
	enquiriesSaneMax = 10_000
)

// DecodeAnswer reads an answer to the question id, strictly: an unknown field, another id, a result the service does not have
// or a sum that is none make it no answer. The error names fields, never their values.
func DecodeAnswer(path, id string, body []byte) (origination.EnquiryAnswer, error) {
	var a Answer
	if err := decode(body, &a); err != nil {
		return origination.EnquiryAnswer{}, err
	}
	switch {
	case a.ID != id:
		return origination.EnquiryAnswer{}, errors.New("the answer is about another question")
	case !slices.Contains(Results(path), a.Result):
		return origination.EnquiryAnswer{}, errors.New("result: not one of the service's")
	case !plain(a.Reference, 1, referenceMax):
		return origination.EnquiryAnswer{}, errors.New("reference: missing or malformed")
	case !plain(a.Note, 0, origination.EnquiryNoteMax):
		return origination.EnquiryAnswer{}, errors.New("note: malformed or too long")
	case a.Enquiries6Months < 0 || a.Enquiries6Months > enquiriesSaneMax:
		return origination.EnquiryAnswer{}, errors.New("enquiries_6_months: out of range")
	}
	answer := origination.EnquiryAnswer{
		Result: a.Result, OverdueNow: a.OverdueNow, Enquiries6Months: a.Enquiries6Months, Note: a.Note, Reference: a.Reference,
	}
	if path != PathCredit || a.Result == origination.ResultNoRecord {
		return answer, nil
	}
	var err error
	if answer.OverdueAmount, err = sum("overdue_amount", a.OverdueAmount); err != nil {
		return origination.EnquiryAnswer{}, err
	}
	answer.Liabilities, err = sum("liabilities", a.Liabilities)
	return answer, err
}

func sum(name, text string) (money.Amount, error) {
	amount, err := money.ParseAmount(text)
	if err != nil || amount.Sign() < 0 {
		return money.Amount{}, fmt.Errorf("%s: missing, or not a sum", name)
	}
	return amount, nil
}

// plain reports whether a text is bounded and free of control characters.
func plain(s string, lengthMin, lengthMax int) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if unicode.IsControl(c) || c == utf8.RuneError {
			return false
		}
	}
	n := utf8.RuneCountInString(s)
	return n >= lengthMin && n <= lengthMax
}

// decode reads one JSON object with known fields and nothing after it. The decoder's own message may quote the body, which is
// personal, so it is not passed on.
func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errors.New("not the JSON of the protocol")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the JSON object")
	}
	return nil
}
