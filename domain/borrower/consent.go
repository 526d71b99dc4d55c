package borrower

import (
	"time"

	"fumin/domain"
)

// ConsentKind is what a borrower agrees to (授权、同意的种类).
type ConsentKind string

// The kinds of consent.
const (
	ConsentCreditEnquiry    ConsentKind = "credit_enquiry"    // 征信查询授权
	ConsentPrivacyNotice    ConsentKind = "privacy_notice"    // 个人信息处理告知同意
	ConsentGuaranteeSharing ConsentKind = "guarantee_sharing" // 向农担公司提供资料的授权
)

// Valid reports whether k is one of the kinds.
func (k ConsentKind) Valid() bool {
	switch k {
	case ConsentCreditEnquiry, ConsentPrivacyNotice, ConsentGuaranteeSharing:
		return true
	}
	return false
}

// ConsentMeans is how a consent was given (授权方式).
type ConsentMeans string

// The means of giving consent.
const (
	ConsentByPaper      ConsentMeans = "paper"      // 纸质签字
	ConsentByElectronic ConsentMeans = "electronic" // 电子签名
	ConsentByRecording  ConsentMeans = "recording"  // 录音录像
)

// Valid reports whether m is one of the means.
func (m ConsentMeans) Valid() bool {
	switch m {
	case ConsentByPaper, ConsentByElectronic, ConsentByRecording:
		return true
	}
	return false
}

// TextVersionMax is the number of characters of the name of a consent's text.
const TextVersionMax = 40

// Consent is one statement of a borrower, to one version of a text. It is never changed, only withdrawn; a new statement
// is a new Consent. One that has ended is no consent.
type Consent struct {
	ID          domain.ID
	Kind        ConsentKind
	TextVersion string       // which text was shown: letters, digits, '.', '_' and '-', as in "credit-2026.1"
	GivenHow    ConsentMeans // JSON given_how
	GivenAt     time.Time
	Until       domain.Date // the last day on which it counts (有效期至); zero: until withdrawn
	WithdrawnAt time.Time   // zero: not withdrawn
}

// LiveAt reports whether the consent counts at the instant: given, not ended and not withdrawn.
func (c Consent) LiveAt(t time.Time) bool {
	switch {
	case c.GivenAt.IsZero(), t.Before(c.GivenAt):
		return false
	case !c.WithdrawnAt.IsZero() && !t.Before(c.WithdrawnAt):
		return false
	}
	return c.Until.IsZero() || !domain.DateOf(t).After(c.Until)
}

// LiveOn reports whether the consent counts on the day. It does on the day on which it was given and on its last day; it
// does not on the day on which it was withdrawn, because a withdrawal takes effect at once (个人信息保护法第十五条).
func (c Consent) LiveOn(day domain.Date) bool {
	switch {
	case c.GivenAt.IsZero(), domain.DateOf(c.GivenAt).After(day):
		return false
	case !c.WithdrawnAt.IsZero() && !domain.DateOf(c.WithdrawnAt).After(day):
		return false
	}
	return c.Until.IsZero() || !day.After(c.Until)
}

// Validate names all that is wrong with the consent, by the JSON names id, kind, text_version, given_how, given_at,
// until and withdrawn_at. A credit enquiry must name its last day: an open-ended authorisation is not accepted.
func (c Consent) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", c.ID)
	requireValid(&p, "/kind", string(c.Kind), c.Kind.Valid())
	if !isTextVersion(c.TextVersion) {
		p.Add("/text_version", "text-version-invalid", "授权文本版本应为 1 至 %d 个字母、数字、点、下划线或连字符", TextVersionMax)
	}
	requireValid(&p, "/given_how", string(c.GivenHow), c.GivenHow.Valid())
	if c.GivenAt.IsZero() {
		p.Check("/given_at", errRequired)
	}
	switch {
	case c.Until.IsZero() && c.Kind == ConsentCreditEnquiry:
		p.Add("/until", "consent-without-end", "征信查询授权必须写明有效期至哪一天")
	case !c.Until.IsZero() && !c.GivenAt.IsZero() && c.Until.Before(domain.DateOf(c.GivenAt)):
		p.Add("/until", "date-order", "有效期至不能早于授权日期")
	}
	if !c.WithdrawnAt.IsZero() && c.WithdrawnAt.Before(c.GivenAt) {
		p.Add("/withdrawn_at", "date-order", "撤回时间不能早于授权时间")
	}
	return p.Err()
}

func isTextVersion(s string) bool {
	if s == "" || len(s) > TextVersionMax {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
