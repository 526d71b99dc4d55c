package product

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// ReferenceRate is one publication of the loan prime rate (贷款市场报价利率, LPR), in percent a year. Revision 0 is what was
// published; a correction of our record is a further row for the same day with the next revision and a reason, so that
// what an old case was judged by can still be read.
type ReferenceRate struct {
	ID          domain.ID
	PublishedOn domain.Date
	Revision    int
	OneYearPct  money.Rate
	FiveYearPct money.Rate
	Reason      string // why it was corrected; empty at revision 0
	Source      string // 公告来源, where the notice can be read
}

// Pct returns the rate a base stands for; zero for BaseFixed, which has none.
func (r ReferenceRate) Pct(base Base) money.Rate {
	switch base {
	case BaseLPR1Y:
		return r.OneYearPct
	case BaseLPR5Y:
		return r.FiveYearPct
	case BaseFixed:
	}
	return money.Rate{}
}

// ReferenceRatesMax bounds the history: monthly publication for 300 years.
const ReferenceRatesMax = 3600

// ReferenceRates is the history of publications. The zero value is empty and has no rate on any day. It is immutable:
// Publish and Correct return a new history.
type ReferenceRates struct{ rows []ReferenceRate } // by day, then revision

// NewReferenceRates takes rows in any order and refuses a history that cannot be: two rows for one day and revision, a
// missing revision, a correction without a reason, a rate that is not above zero.
func NewReferenceRates(rows []ReferenceRate) (ReferenceRates, error) {
	var problems domain.Problems
	if len(rows) > ReferenceRatesMax {
		problems.Add("", "too-many", "最多 %d 行", ReferenceRatesMax)
		return ReferenceRates{}, problems.Err()
	}
	sorted := slices.Clone(rows)
	slices.SortFunc(sorted, func(a, b ReferenceRate) int {
		return cmp.Or(a.PublishedOn.Compare(b.PublishedOn), cmp.Compare(a.Revision, b.Revision))
	})
	for i, row := range sorted {
		at := itemPointer("", i)
		problems.Check(at, row.Validate())
		want := 0
		if i > 0 && sorted[i-1].PublishedOn == row.PublishedOn {
			want = sorted[i-1].Revision + 1
		}
		if row.Revision != want {
			problems.Add(at+"/revision", "revision-out-of-order", "%s 的更正序号应为 %d", row.PublishedOn, want)
		}
	}
	if problems.Any() {
		return ReferenceRates{}, problems.Err()
	}
	return ReferenceRates{rows: sorted}, nil
}

// Validate names everything that is wrong with one row.
func (r ReferenceRate) Validate() error {
	var problems domain.Problems
	if r.PublishedOn.IsZero() {
		problems.Add("/published_on", "required", "请填写公布日期")
	}
	if r.OneYearPct.Sign() <= 0 {
		problems.Add("/one_year_pct", "not-positive", "一年期 LPR 应大于零")
	}
	if r.FiveYearPct.Sign() <= 0 {
		problems.Add("/five_year_pct", "not-positive", "五年期以上 LPR 应大于零")
	}
	length := utf8.RuneCountInString(r.Reason)
	switch {
	case r.Revision < 0:
		problems.Add("/revision", "out-of-range", "更正序号不能为负")
	case r.Revision == 0 && length > 0:
		problems.Add("/reason", "not-allowed", "首次公布不需要更正原因")
	case r.Revision > 0 && (length == 0 || length > TextLengthMax):
		problems.Add("/reason", "required", "更正必须写明原因（1 至 %d 个字）", TextLengthMax)
	}
	return problems.Err()
}

// On returns the rate in force on the day: the latest published on or before it, in its latest revision. Before the first
// publication there is none ("no-reference-rate", KindRule): a rate is never guessed.
func (r ReferenceRates) On(day domain.Date) (ReferenceRate, error) {
	after, _ := slices.BinarySearchFunc(r.rows, day, func(row ReferenceRate, day domain.Date) int {
		if row.PublishedOn.After(day) {
			return 1
		}
		return -1
	})
	if after == 0 {
		return ReferenceRate{}, domain.Errorf(domain.KindRule, "no-reference-rate",
			"%s 之前没有公布过 LPR，请先录入当日适用的报价", day)
	}
	return r.rows[after-1], nil
}

// Has reports whether a rate was published on the day.
func (r ReferenceRates) Has(day domain.Date) bool {
	_, ok := r.latest(day)
	return ok
}

// Rows returns a copy of the history, by day, then revision.
func (r ReferenceRates) Rows() []ReferenceRate { return slices.Clone(r.rows) }

// Publish adds a new publication day. A day that is already there is refused: it would be a correction.
func (r ReferenceRates) Publish(row ReferenceRate) (ReferenceRates, error) {
	if row.Revision != 0 {
		return r, domain.Errorf(domain.KindInvalid, "not-a-publication", "首次公布的更正序号应为 0")
	}
	if _, ok := r.latest(row.PublishedOn); ok {
		return r, domain.Errorf(domain.KindConflict, "reference-rate-exists",
			"%s 的 LPR 已录入；如有错误，请提交更正并写明原因", row.PublishedOn)
	}
	return NewReferenceRates(append(r.Rows(), row))
}

// Correct adds a corrected row for a day that is already there. The row's Revision is set here; its Reason is required.
func (r ReferenceRates) Correct(row ReferenceRate) (ReferenceRates, ReferenceRate, error) {
	latest, ok := r.latest(row.PublishedOn)
	if !ok {
		return r, ReferenceRate{}, domain.Errorf(domain.KindNotFound, "reference-rate-not-found",
			"%s 没有公布过 LPR，无法更正", row.PublishedOn)
	}
	row.Revision = latest.Revision + 1
	corrected, err := NewReferenceRates(append(r.Rows(), row))
	if err != nil {
		return r, ReferenceRate{}, err
	}
	return corrected, row, nil
}

func (r ReferenceRates) latest(day domain.Date) (found ReferenceRate, ok bool) {
	row, err := r.On(day)
	return row, err == nil && row.PublishedOn == day
}
