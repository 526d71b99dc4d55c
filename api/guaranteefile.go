package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// Limits of a file of answers: 2,000 rows are 2,000 transactions.
const (
	answersBodyLimit = 4 << 20 // bytes
	answersTimeout   = 2 * time.Minute
)

// The columns of the files that are exchanged with a guarantee company: what it is asked, and beside it what it answers. The
// export has them all, so that it can be filled in and sent back.
const (
	columnGuaranteeID = "担保申请编号"
	columnDecision    = "答复"
	columnLetterNo    = "担保函编号"
	columnAmount      = "担保金额"
	columnFee         = "担保费率"
	columnExpires     = "有效期至"
	columnConditions  = "条件"
	columnCounter     = "反担保"
	columnCounterNote = "反担保说明"
	columnReason      = "不予担保原因"
)

var (
	askedColumns = []string{
		columnGuaranteeID, "申请编号", "借款人", "村代码", "产品", "申请担保金额", "期限（月）", "费率分类", "担保费率上限", "配偶反担保上限", "用途", "实地走访日期", "申请时间",
	}
	answerColumns = []string{
		columnDecision, columnLetterNo, columnAmount, columnFee, columnExpires, columnConditions, columnCounter, columnCounterNote, columnReason,
	}
)

// decisionWords are the answers as people write them; the API's own words count as well.
var decisionWords = map[string]loan.GuaranteeStatus{
	"同意": loan.GuaranteeAccepted, "附条件同意": loan.GuaranteeConditional, "不予担保": loan.GuaranteeRefused,
	"accepted": loan.GuaranteeAccepted, "conditional": loan.GuaranteeConditional, "refused": loan.GuaranteeRefused,
}

var counterWords = map[string]loan.CounterGuarantee{
	"": loan.CounterNone, "无": loan.CounterNone, "不要求": loan.CounterNone, "配偶": loan.CounterSpouse, "其他": loan.CounterOther,
	"none": loan.CounterNone, "spouse": loan.CounterSpouse, "other": loan.CounterOther,
}

// exportGuaranteeCases answers with what waits for the company, as a signed CSV file.
func (s *server) exportGuaranteeCases(c *gin.Context) error {
	companyID, err := readCompany(c)
	if err != nil {
		return err
	}
	companyID, cases, err := s.guarantees.OpenRequests(c.Request.Context(), actor(c), companyID)
	if err != nil {
		return inQuery(err)
	}
	content, err := guaranteeCasesCSV(cases)
	if err != nil {
		return err
	}
	s.files.sign(c.Writer.Header(), content)
	c.Header("Content-Disposition", `attachment; filename="guarantee-requests-`+companyID.String()+`.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", content)
	return nil
}

func readCompany(c *gin.Context) (domain.ID, error) {
	query, err := readQuery(c)
	if err != nil {
		return "", err
	}
	var companyID domain.ID
	if named := optional(query, "company_id", domain.ParseID); named != nil {
		companyID = *named
	}
	return companyID, query.done()
}

// guaranteeCasesCSV writes a file that a table program opens as it is, with nothing in a cell that it would run.
func guaranteeCasesCSV(cases []origination.GuaranteeCase) ([]byte, error) {
	lines := [][]string{slices.Concat(askedColumns, answerColumns)}
	for _, g := range cases {
		asked, visited := g.Guarantee.Request, ""
		if !g.SiteVisitOn.IsZero() {
			visited = g.SiteVisitOn.String()
		}
		line := []string{
			g.Guarantee.ID.String(), g.ApplicationNo, g.BorrowerName.Reveal(), g.VillageCode, g.Guarantee.ProductCode, asked.Amount.String(),
			strconv.Itoa(asked.TermMonths), asked.Crop.Label(), asked.FeeMaxPct.String(), asked.CounterSpouseUpTo.String(), g.Purpose.Label(), visited,
			g.Guarantee.RequestedAt.In(domain.BusinessZone).Format("2006-01-02 15:04:05"),
		}
		for i := range line {
			line[i] = inertCell(line[i])
		}
		lines = append(lines, append(line, make([]string, len(answerColumns))...))
	}
	var text bytes.Buffer
	text.WriteString(byteOrderMark)
	writer := csv.NewWriter(&text)
	writer.UseCRLF = true
	if err := writer.WriteAll(lines); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// importGuaranteeAnswers takes a file of answers. It needs no Idempotency-Key: the same file again changes nothing.
func (s *server) importGuaranteeAnswers(c *gin.Context) error {
	companyID, err := readCompany(c)
	if err != nil {
		return err
	}
	body, err := readBody(c)
	if err != nil {
		return err
	}
	rows, err := readGuaranteeAnswers(c.Request.Header, body)
	if err != nil {
		return err
	}
	file, known, err := s.guarantees.ImportAnswers(c.Request.Context(), actor(c), origination.ImportGuaranteeAnswers{
		CompanyID: companyID, File: sha256.Sum256(body), Rows: rows,
	})
	if err != nil {
		return inQuery(err)
	}
	setReplayed(c, known)
	if known {
		return writeJSON(c, http.StatusOK, viewGuaranteeAnswerFile(file))
	}
	return writeJSON(c, http.StatusCreated, viewGuaranteeAnswerFile(file))
}

func errAnswersUnreadable(format string, args ...any) *domain.Error {
	return domain.Errorf(domain.KindInvalid, "guarantee-file-unreadable", format, args...)
}

// readGuaranteeAnswers reads a file of answers: the columns by their titles in the first row that has anything, then one answer in
// each row. What is wrong with a row is that row's; what is wrong with the file is refused as a whole.
func readGuaranteeAnswers(h http.Header, body []byte) ([]origination.GuaranteeAnswerRow, error) {
	mediaType, _, err := listMediaType(h)
	if err != nil {
		return nil, err
	}
	if mediaType != mediaCSV {
		return nil, domain.Errorf(domain.KindInvalid, "unsupported-media-type", "担保答复只收 CSV 文件：请求头 Content-Type 应为 %s", mediaCSV)
	}
	file, err := readListFile(h, body)
	if refused, ok := errors.AsType[*domain.Error](err); ok && strings.HasPrefix(refused.Code, "recommended-") {
		renamed := *refused
		renamed.Code = "guarantee-file-unreadable"
		return nil, &renamed
	}
	if err != nil {
		return nil, err
	}
	if len(file.rows) < 2 || len(file.rows) > origination.GuaranteeAnswerRowsMax+1 {
		return nil, errAnswersUnreadable("文件应有一行标题和 1 至 %d 行答复", origination.GuaranteeAnswerRowsMax)
	}
	columns, err := answerColumnsOf(file.rows[0].Cells)
	if err != nil {
		return nil, err
	}
	rows := make([]origination.GuaranteeAnswerRow, len(file.rows)-1)
	for i, row := range file.rows[1:] {
		rows[i] = readAnswerRow(columns, row)
	}
	return rows, nil
}

// answerColumnsOf finds the columns by their titles. An unknown title is refused: what stands below it would be lost.
func answerColumnsOf(titles []string) (map[string]int, error) {
	columns := map[string]int{}
	for i, title := range titles {
		title = strings.TrimSpace(title)
		if title == "" {
			continue
		}
		if !slices.Contains(askedColumns, title) && !slices.Contains(answerColumns, title) {
			return nil, errAnswersUnreadable("第 %d 列的标题不认识，请用导出文件的标题：%s", i+1, strings.Join(slices.Concat([]string{columnGuaranteeID}, answerColumns), "、"))
		}
		if _, twice := columns[title]; twice {
			return nil, errAnswersUnreadable("标题「%s」出现两次，请只留一列", title)
		}
		columns[title] = i
	}
	for _, needed := range []string{columnGuaranteeID, columnDecision} {
		if _, there := columns[needed]; !there {
			return nil, errAnswersUnreadable("缺少「%s」列，请用导出的文件填写答复", needed)
		}
	}
	return columns, nil
}

// answerCells reads the cells of one row by their titles and collects what is wrong.
type answerCells struct {
	columns  map[string]int
	cells    []string
	problems domain.Problems
}

// text is a cell without the white space around it and the apostrophe that keeps a table program from running it.
func (a *answerCells) text(title string) string {
	i, there := a.columns[title]
	if !there || i >= len(a.cells) {
		return ""
	}
	return strings.TrimPrefix(strings.TrimSpace(a.cells[i]), "'")
}

// answerCell parses a cell that has something in it.
func answerCell[T any](a *answerCells, title string, parse func(string) (T, error)) (value T) {
	text := a.text(title)
	if text == "" {
		return value
	}
	value, err := parse(text)
	if err != nil {
		var zero T
		detail := "无法识别"
		if said, ok := errors.AsType[*domain.ValueError](err); ok {
			detail = said.Detail
		}
		a.problems.Add("/"+title, "unknown-value", "「%s」%s", title, detail)
		return zero
	}
	return value
}

// A table program writes a cell as it shows it, and not as it was typed: 2026-11-22 comes back as 2026/11/22, a sum with commas, a
// percentage with its sign. These readings are exact; anything else is refused.
var (
	tableDate   = regexp.MustCompile(`^([0-9]{4})(?:[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)$`)
	tableAmount = regexp.MustCompile(`^[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$`)
)

func parseTableDate(s string) (domain.Date, error) {
	m := tableDate.FindStringSubmatch(s)
	if m == nil {
		return domain.Date{}, domain.BadValue("invalid-date", "应为日期，例如 2026-11-22")
	}
	two := func(digits string) string { return ("0" + digits)[len(digits)-1:] }
	return domain.ParseDate(m[1] + "-" + two(m[2]+m[4]) + "-" + two(m[3]+m[5]))
}

func parseTableAmount(s string) (money.Amount, error) {
	if tableAmount.MatchString(s) {
		s = strings.ReplaceAll(s, ",", "")
	}
	amount, err := money.ParseAmount(s)
	if err != nil {
		return money.Amount{}, domain.BadValue("invalid-decimal", "应为以元为单位的数字，最多两位小数，例如 150000.00")
	}
	return amount, nil
}

func parseTablePercent(s string) (money.Rate, error) {
	rate, err := money.ParseRate(strings.TrimSuffix(s, "%"))
	if err != nil {
		return money.Rate{}, domain.BadValue("invalid-decimal", "应为每年百分之几的数字，例如 0.65")
	}
	return rate, nil
}

func readAnswerRow(columns map[string]int, row origination.ListRow) origination.GuaranteeAnswerRow {
	in := &answerCells{columns: columns, cells: row.Cells}
	read := origination.GuaranteeAnswerRow{Row: row.Row}
	if in.text(columnGuaranteeID) == "" {
		in.problems.Add("/"+columnGuaranteeID, "required", "没有填写「%s」", columnGuaranteeID)
	}
	read.GuaranteeID = answerCell(in, columnGuaranteeID, domain.ParseID)
	answered := false
	for _, title := range answerColumns {
		answered = answered || in.text(title) != ""
	}
	if !answered && !in.problems.Any() {
		read.Skipped = true
		return read
	}
	decision, known := decisionWords[in.text(columnDecision)]
	if !known {
		in.problems.Add("/"+columnDecision, "unknown-value", "「%s」应为同意、附条件同意或不予担保", columnDecision)
	}
	counter, known := counterWords[in.text(columnCounter)]
	if !known {
		in.problems.Add("/"+columnCounter, "unknown-value", "「%s」应为无、配偶或其他", columnCounter)
	}
	read.Answer = loan.GuaranteeAnswer{
		Decision: decision, LetterNo: in.text(columnLetterNo), Amount: answerCell(in, columnAmount, parseTableAmount),
		FeePct: answerCell(in, columnFee, parseTablePercent), ExpiresOn: answerCell(in, columnExpires, parseTableDate),
		Conditions: in.text(columnConditions), Counter: counter, CounterNote: in.text(columnCounterNote), Reason: in.text(columnReason),
	}
	read.Wrong = in.problems.Err()
	return read
}

type guaranteeRowView struct {
	Row         int        `json:"row"`
	GuaranteeID *domain.ID `json:"guarantee_id"`
	Outcome     string     `json:"outcome"`
	Code        string     `json:"code"`
	Detail      string     `json:"detail"`
}

type guaranteeAnswerFileView struct {
	ID             domain.ID          `json:"id"`
	CompanyID      domain.ID          `json:"company_id"`
	FileSHA256     string             `json:"file_sha256"`
	Recorded       int                `json:"recorded"`
	AlreadyKnown   int                `json:"already_known"`
	Skipped        int                `json:"skipped"`
	Refused        int                `json:"refused"`
	ImportedBy     domain.ID          `json:"imported_by"`
	ImportedByName string             `json:"imported_by_name"`
	ImportedAt     time.Time          `json:"imported_at"`
	Rows           []guaranteeRowView `json:"rows"`
}

func viewGuaranteeAnswerFile(f origination.GuaranteeAnswerFile) guaranteeAnswerFileView {
	row := func(r origination.GuaranteeRowResult) guaranteeRowView {
		return guaranteeRowView{Row: r.Row, GuaranteeID: present(r.GuaranteeID), Outcome: string(r.Outcome), Code: r.Code, Detail: r.Detail}
	}
	return guaranteeAnswerFileView{
		ID: f.ID, CompanyID: f.CompanyID, FileSHA256: hex.EncodeToString(f.File[:]),
		Recorded: f.Count(origination.GuaranteeRowRecorded), AlreadyKnown: f.Count(origination.GuaranteeRowKnown),
		Skipped: f.Count(origination.GuaranteeRowSkipped), Refused: f.Count(origination.GuaranteeRowRefused),
		ImportedBy: f.ImportedBy, ImportedByName: f.ImportedByName, ImportedAt: f.ImportedAt, Rows: guaranteeItems(f.Rows, row).Items,
	}
}
