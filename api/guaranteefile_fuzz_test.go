package api

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
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

// A file of one row whose cells say anything is one answer, skipped, or says what is wrong with it; what is no wrong cell is read as
// it was written, also where a table program's apostrophe stands before it.
func FuzzGuaranteeAnswerRow(f *testing.F) {
	const id = "01900000-0000-7000-8000-004000000001"
	f.Add(id, "同意", "鲁农担函〔2026〕1178号", "150000.00", "0.65", "2026-11-22", "", "配偶", "", "")
	f.Add(id, "附条件同意", "L-1", "1", "0", "2026-2-30", "投保\n养殖险", "其他", "保证人", "")
	f.Add(id, "同意", "L-2", "1,150,000.00", "0.65%", "2026/3/1", "", "无", "", "")
	f.Add(id, "refused", "", "", "", "", "", "none", "", "=cmd")
	f.Add(id, "", " ", "", "", "", "", "", "", "")
	f.Add("不是编号", "也许", "", "1e3", "0.1234567", "22/11/2026", "", "三方", "", "")
	f.Fuzz(func(t *testing.T, id, decision, letterNo, amount, fee, expires, conditions, counter, note, reason string) {
		cells := []string{id, decision, letterNo, amount, fee, expires, conditions, counter, note, reason}
		size := 0
		for _, c := range cells {
			if size += len(c); !utf8.ValidString(c) || strings.ContainsRune(c, 0) || size > 1<<12 {
				return
			}
		}
		read := func(cells []string) (origination.GuaranteeAnswerRow, error) {
			var body bytes.Buffer
			writer := csv.NewWriter(&body)
			if err := writer.WriteAll([][]string{slices.Concat([]string{columnGuaranteeID}, answerColumns), cells}); err != nil {
				t.Fatal(err)
			}
			rows, err := readGuaranteeAnswers(headerOf(mediaCSV), body.Bytes())
			if err != nil {
				if domain.CodeOf(err) == "" {
					t.Fatalf("%q: %v, want a refusal with a code", cells, err)
				}
				return origination.GuaranteeAnswerRow{}, err
			}
			if len(rows) != 1 {
				t.Fatalf("%q: %d rows, want one", cells, len(rows))
			}
			return rows[0], nil
		}
		row, err := read(cells)
		if err != nil || row.Skipped || row.Wrong != nil {
			return
		}
		a := row.Answer
		if got := strings.TrimPrefix(strings.TrimSpace(letterNo), "'"); a.LetterNo != got {
			t.Errorf("%q: letter %q, want %q", cells, a.LetterNo, got)
		}
		if said, err := money.ParseAmount(strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(amount), "'"), ",", "")); err == nil && !said.Equal(a.Amount) {
			t.Errorf("%q: amount %s, want %s", cells, a.Amount, said)
		}
		guarded := slices.Clone(cells)
		for i, c := range guarded {
			if c = strings.TrimSpace(c); c != "" && !strings.HasPrefix(c, "'") {
				guarded[i] = "'" + c
			}
		}
		again, err := read(guarded)
		if err != nil || again.Wrong != nil || !again.Answer.Equal(a) || again.GuaranteeID != row.GuaranteeID {
			t.Errorf("%q is read as %+v, and with apostrophes as %+v, %v", cells, row, again, err)
		}
	})
}
