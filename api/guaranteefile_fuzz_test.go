package api

import (
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
)

// Whatever a company sends, it is rows or a refusal with a code; a row is an answer, skipped, or says what is wrong with it.
func FuzzGuaranteeAnswers(f *testing.F) {
	for _, seed := range []string{
		"担保申请编号,答复,担保函编号,担保金额,担保费率,有效期至,条件,反担保,反担保说明,不予担保原因\n01900000-0000-7000-8000-004000000001,同意,鲁1号,150000.00,0.65,2026-11-22,,配偶,,\n",
		"\ufeff担保申请编号,答复\r\n,\r\nx,'不予担保\r\n", "答复,担保申请编号\n附条件同意\n", "担保申请编号,答复\n\"a\nb\",同意\n", "\"", "a,b\n1,2\n", "\xd0\xd5,\xc3\xfb\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1<<16 {
			return
		}
		rows, err := readGuaranteeAnswers(headerOf(mediaCSV), body)
		if err != nil {
			if domain.CodeOf(err) == "" {
				t.Fatalf("readGuaranteeAnswers(%q): %v, want a refusal with a code", body, err)
			}
			return
		}
		if len(rows) == 0 || len(rows) > origination.GuaranteeAnswerRowsMax {
			t.Fatalf("readGuaranteeAnswers(%q): %d rows", body, len(rows))
		}
		for i, row := range rows {
			switch {
			case row.Row < 2 || i > 0 && row.Row <= rows[i-1].Row:
				t.Fatalf("readGuaranteeAnswers(%q): row %d has the number %d", body, i, row.Row)
			case row.Skipped && row.Wrong != nil:
				t.Fatalf("readGuaranteeAnswers(%q): row %d is skipped and wrong: %v", body, row.Row, row.Wrong)
			case row.Wrong == nil && row.GuaranteeID.IsZero():
				t.Fatalf("readGuaranteeAnswers(%q): row %d names no request and is not wrong", body, row.Row)
			case row.Wrong == nil && !row.Skipped && (!row.Answer.Decision.Valid() || !row.Answer.Counter.Valid()):
				t.Fatalf("readGuaranteeAnswers(%q): row %d answers %+v", body, row.Row, row.Answer)
			}
		}
	})
}
