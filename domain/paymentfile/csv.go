package paymentfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// The columns of a day file in CSV, by their titles in English or Chinese, in any order. Currency and reference may be left out.
var dayColumns = map[string]string{
	"transfer_id": "id", "付款编号": "id",
	"amount": "amount", "金额": "amount",
	"currency": "currency", "币种": "currency",
	"paid_at": "paid_at", "入账时间": "paid_at",
	"reference": "reference", "渠道流水号": "reference",
}

// DayCSVHeader is the first line of a day file as DayCSV's writers make it.
const DayCSVHeader = "transfer_id,amount,currency,paid_at,reference"

const byteOrderMark = "\xef\xbb\xbf"

// ReadDayCSV reads a day file in CSV, UTF-8 or GB18030, and hands each entry to take, whose error ends the reading. charset is what
// the sender says: "utf-8", "gb18030", or empty to find out from the beginning of the file. A value holds no line break.
//
// It refuses with "payment-file-unreadable"; an error of r is returned as it is.
func ReadDayCSV(r io.Reader, charset string, take func(DayEntry) error) (Totals, error) {
	text, err := decodedText(r, charset)
	if err != nil {
		return Totals{}, err
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(make([]byte, 0, lineBytesMax), lineBytesMax)
	t := tally{take: take}
	var columns []string
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !utf8.ValidString(line) || strings.ContainsRune(line, utf8.RuneError) {
			return Totals{}, errUnreadable("第 %d 行不是有效的 UTF-8 或 GB18030 文本", number)
		}
		fields, err := splitLine(line)
		if err != nil {
			return Totals{}, errUnreadable("第 %d 行的引号或逗号有误", number).Because(err)
		}
		if columns == nil {
			if columns, err = dayTitles(fields); err != nil {
				return Totals{}, err
			}
			continue
		}
		entry, err := dayEntry(columns, fields, number)
		if err == nil {
			err = t.add(entry)
		}
		if err != nil {
			return Totals{}, err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return Totals{}, errUnreadable("有一行超过 %d 字节", lineBytesMax)
	case err != nil:
		return Totals{}, err
	case columns == nil:
		return Totals{}, errUnreadable("文件是空的，应有标题行：%s", DayCSVHeader)
	}
	return t.totals, nil
}

func splitLine(line string) ([]string, error) {
	reader := csv.NewReader(strings.NewReader(line))
	return reader.Read()
}

// dayTitles finds the columns.
func dayTitles(titles []string) ([]string, error) {
	columns := make([]string, len(titles))
	seen := map[string]bool{}
	for i, title := range titles {
		column := dayColumns[strings.ToLower(strings.TrimSpace(title))]
		if column != "" && seen[column] {
			return nil, errUnreadable("标题行有两个「%s」列", title)
		}
		columns[i], seen[column] = column, true
	}
	if !seen["id"] || !seen["amount"] || !seen["paid_at"] {
		return nil, errUnreadable("标题行应有付款编号（transfer_id）、金额（amount）、入账时间（paid_at）")
	}
	return columns, nil
}

func dayEntry(columns, fields []string, number int) (DayEntry, error) {
	if len(fields) != len(columns) {
		return DayEntry{}, errUnreadable("第 %d 行有 %d 列，标题行有 %d 列", number, len(fields), len(columns))
	}
	var e DayEntry
	for i, field := range fields {
		field = strings.TrimSpace(field)
		switch columns[i] {
		case "id":
			e.EndToEndID = field
		case "amount":
			amount, err := parseAmount(field)
			if err != nil {
				return DayEntry{}, errUnreadable("第 %d 行的金额不对，应如 99500.00", number)
			}
			e.Amount = amount
		case "currency":
			if field != Currency {
				return DayEntry{}, errUnreadable("第 %d 行的币种应为 %s", number, Currency)
			}
		case "paid_at":
			day, ok := parseDay(field)
			if !ok {
				return DayEntry{}, errUnreadable("第 %d 行的入账时间不对，应如 2026-11-23 或 2026-11-23T09:30:00+08:00", number)
			}
			e.PaidOn = day
		case "reference":
			e.Reference = field
		}
	}
	return e, nil
}

// decodedText is r in UTF-8. Ids, amounts and times are ASCII in both encodings, so that only titles and references depend on it,
// and the titles are at the beginning.
func decodedText(r io.Reader, charset string) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, tokenBytesMax)
	head, err := buffered.Peek(tokenBytesMax)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte(byteOrderMark)) {
		_, err := buffered.Discard(len(byteOrderMark))
		return buffered, err
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return nil, errUnreadable("这不是文本文件：请提供 CSV（UTF-8 或 GB18030）")
	}
	if charset == "gb18030" || (charset == "" && !utf8.Valid(cutRune(head))) {
		return transform.NewReader(buffered, simplifiedchinese.GB18030.NewDecoder()), nil
	}
	return buffered, nil
}

// cutRune leaves away the last bytes when they are the beginning of a character.
func cutRune(text []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if utf8.RuneStart(text[len(text)-back]) {
			if !utf8.FullRune(text[len(text)-back:]) {
				return text[:len(text)-back]
			}
			break
		}
	}
	return text
}

// WriteDayCSV writes entries as ReadDayCSV reads them: what a bank's program would write, for the sandbox channel.
func WriteDayCSV(w io.Writer, entries []DayEntry) error {
	out := csv.NewWriter(w)
	if err := out.Write(strings.Split(DayCSVHeader, ",")); err != nil {
		return err
	}
	for _, e := range entries {
		if err := out.Write([]string{e.EndToEndID, e.Amount.String(), Currency, e.PaidOn.String(), e.Reference}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
