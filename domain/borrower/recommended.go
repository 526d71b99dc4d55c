package borrower

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"fumin/domain"
)

// Recommended is one row of a list of people and organisations that the rural-revitalisation bureau or a village
// recommends (推荐名单). The file itself, its encoding and format, is read elsewhere.
type Recommended struct {
	Kind        Kind // farmer where the list has no such column
	Name        Name
	IDNumber    IDNumber   // of people
	CreditCode  CreditCode // of organisations
	Phone       Phone      // may be absent
	VillageCode RegionCode
	Address     Address // may be absent
	Note        string  // at most NoteRunesMax characters
}

// RecommendedOutcome is what became of one row of a recommended list, as the result file says it (处理结果).
type RecommendedOutcome string

// The outcomes.
const (
	RecommendedAccepted     RecommendedOutcome = "accepted"      // 已接收
	RecommendedAlreadyKnown RecommendedOutcome = "already_known" // 已在册
	RecommendedRefused      RecommendedOutcome = "refused"       // 未接收
)

// Limits of a recommended list.
const (
	RecommendedRowsMax  = 50_000
	RecommendedCellsMax = 50
	NoteRunesMax        = 200
)

// RecommendedColumns says in which cell of a row each column of ours stands.
type RecommendedColumns struct{ index map[string]int }

// recommendedTitles are the titles under which lists carry our columns; the first is the one the template uses.
var recommendedTitles = map[string][]string{
	"name":         {"姓名", "名称", "姓名或名称", "户主姓名", "name"},
	"id_number":    {"身份证号码", "身份证号", "公民身份号码", "证件号码", "id_number"},
	"credit_code":  {"统一社会信用代码", "社会信用代码", "信用代码", "credit_code"},
	"phone":        {"联系电话", "电话", "手机号码", "手机号", "phone"},
	"village_code": {"村代码", "村级代码", "统计用区划代码", "行政区划代码", "village_code"},
	"address":      {"地址", "住址", "家庭住址", "经营地址", "address"},
	"kind":         {"类型", "主体类型", "借款人类型", "kind"},
	"note":         {"备注", "推荐理由", "说明", "note"},
}

var kindTitles = map[string]Kind{
	"农户": KindFarmer, "个体工商户": KindSoleProprietor, "个体户": KindSoleProprietor, "小微企业": KindSmallEnterprise, "企业": KindSmallEnterprise,
	"农民专业合作社": KindCooperative, "合作社": KindCooperative, "家庭农场": KindFamilyFarm,
}

// ParseRecommendedHeader finds our columns in the row of titles. Columns of others (serial number, sex) are passed over.
// Refused: a list without 姓名 or 村代码, or with neither 身份证号码 nor 统一社会信用代码 (recommended-columns-missing), two columns
// for one thing (recommended-column-twice) and more than RecommendedCellsMax cells (recommended-too-wide).
func ParseRecommendedHeader(cells []string) (RecommendedColumns, error) {
	if len(cells) > RecommendedCellsMax {
		return RecommendedColumns{}, domain.Errorf(domain.KindInvalid, "recommended-too-wide", "名单最多 %d 列，请使用模板", RecommendedCellsMax)
	}
	columns := RecommendedColumns{index: make(map[string]int, len(recommendedTitles))}
	for i, cell := range cells {
		title := strings.ToLower(strings.TrimRight(compactTitle(cell), "*"))
		for column, titles := range recommendedTitles {
			if !slices.Contains(titles, title) {
				continue
			}
			if _, twice := columns.index[column]; twice {
				return RecommendedColumns{}, domain.Errorf(domain.KindInvalid, "recommended-column-twice", "名单中“%s”有两列，请只保留一列", recommendedTitles[column][0])
			}
			columns.index[column] = i
		}
	}
	var missing []string
	for _, column := range []string{"name", "village_code"} {
		if _, found := columns.index[column]; !found {
			missing = append(missing, "“"+recommendedTitles[column][0]+"”")
		}
	}
	_, people := columns.index["id_number"]
	_, organisations := columns.index["credit_code"]
	if !people && !organisations {
		missing = append(missing, "“身份证号码”或“统一社会信用代码”")
	}
	if len(missing) > 0 {
		return RecommendedColumns{}, domain.Errorf(domain.KindInvalid, "recommended-columns-missing", "名单缺少列：%s，请使用模板", strings.Join(missing, "、"))
	}
	return columns, nil
}

// compactTitle drops what title cells carry besides their words: white space, byte-order marks and the like.
func compactTitle(cell string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return halfWidth(r)
	}, cell)
}

// IsBlankRow reports whether a row has nothing in it; lists end in such rows.
func IsBlankRow(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return compactTitle(cell) != "" })
}

// Parse reads one row. The error names all that is wrong with it, by the JSON names of Recommended's fields; nothing of a
// row that has one may be used. The day is that of the import, before which people must be born.
func (c RecommendedColumns) Parse(cells []string, day domain.Date) (Recommended, error) {
	var p domain.Problems
	var r Recommended
	r.Kind = KindFarmer
	if text := c.cell(cells, "kind"); text != "" {
		r.Kind = kindOf(text)
		if !r.Kind.Valid() {
			p.Add("/kind", "unknown-value", "类型应为农户、个体工商户、小微企业、农民专业合作社或家庭农场")
		}
	}
	organisation := r.Kind.IsOrganisation()
	parseName := ParsePersonName
	if organisation {
		parseName = ParseName
	}
	r.Name = checked(&p, "/name", c.cell(cells, "name"), true, parseName)
	idNumber, creditCode := c.cell(cells, "id_number"), c.cell(cells, "credit_code")
	if organisation {
		if creditCode == "" { // one column for both kinds of number is common
			creditCode = idNumber
		}
		r.CreditCode = checked(&p, "/credit_code", creditCode, true, ParseCreditCode)
	} else {
		r.IDNumber = checked(&p, "/id_number", idNumber, true, ParseIDNumber)
		p.Check("/id_number", r.IDNumber.CheckBornBy(day))
		r.CreditCode = checked(&p, "/credit_code", creditCode, false, ParseCreditCode)
		if r.Kind == KindFarmer && !r.CreditCode.IsZero() {
			p.Add("/credit_code", "not-for-this-kind", "农户没有统一社会信用代码，请核对类型")
		}
	}
	r.Phone = checked(&p, "/phone", c.cell(cells, "phone"), false, ParsePhone)
	r.VillageCode = checked(&p, "/village_code", compactNumber(c.cell(cells, "village_code")), true, ParseVillageCode)
	r.Address = checked(&p, "/address", c.cell(cells, "address"), false, ParseAddress)
	r.Note = strings.Join(strings.Fields(c.cell(cells, "note")), " ") // a line break in a remark is no reason to refuse a person
	checkText(&p, "/note", r.Note, 0, NoteRunesMax)
	if err := p.Err(); err != nil {
		return Recommended{}, err
	}
	return r, nil
}

// kindOf reads a kind by its Chinese title or its code; one that is neither is not Valid.
func kindOf(text string) Kind {
	if kind, found := kindTitles[compactTitle(text)]; found {
		return kind
	}
	return Kind(text)
}

// cell returns the text of a column, "" when the list has none or the row is short. An apostrophe in front is what table
// programs put before a number that is to stay text.
func (c RecommendedColumns) cell(cells []string, column string) string {
	i, found := c.index[column]
	if !found || i >= len(cells) {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(cells[i]), "'"))
}

// checked parses a cell, or records what is wrong with it.
func checked[T any](p *domain.Problems, pointer, text string, required bool, parse func(string) (T, error)) T {
	var zero T
	if text == "" && !required {
		return zero
	}
	value, err := parse(text)
	if err != nil {
		p.Check(pointer, err)
		return zero
	}
	return value
}

// RefusalText says in one line what is wrong with a refused row, for the result file. It carries no personal data.
func RefusalText(err error) string {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return "无法读取"
	}
	var parts []string
	for _, f := range e.Fields {
		title := strings.TrimPrefix(f.Pointer, "/")
		if titles, found := recommendedTitles[title]; found {
			title = titles[0]
		}
		parts = append(parts, title+"："+f.Detail)
	}
	if len(parts) == 0 {
		return e.Detail
	}
	return strings.Join(parts, "；")
}
