package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

// Limits of an import: 50,000 rows take some seconds on two cores (docs/operations.md), and a village's connection longer than
// that.
const (
	listBodyLimit = 12 << 20    // bytes: 50,000 rows with phone, address and remark
	listTimeout   = time.Minute // also for the result of all rows

	// listsAtOnceMax bounds the memory of imports: a list of full length as XLSX takes some 200 MiB while it is read.
	listsAtOnceMax = 2
)

func (s *server) recommendationRoutes() []route {
	const all, one = "/v1/recommended-lists", "/v1/recommended-lists/:id"
	return []route{
		{method: http.MethodPost, path: all, handler: s.importRecommendedList, query: true, bodyLimit: listBodyLimit, timeout: listTimeout},
		{method: http.MethodGet, path: all, handler: s.listRecommendedLists, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.borrowers.RecommendedList, shown(viewRecommendedList))},
		{method: http.MethodGet, path: one + "/result", handler: byID(s.borrowers.RecommendedEntries, writeRecommendedResult), timeout: listTimeout},
	}
}

func (s *server) importRecommendedList(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	// The shared fingerprint does not look at the query; here the query says what the list is.
	key.Fingerprint = fingerprint(key.Fingerprint, c.Request.URL.Query().Encode())
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	cmd := origination.ImportRecommendedList{
		ListNo:   query.text("list_no", 1, origination.ListNoRunesMax),
		Issuer:   query.text("issuer", 1, origination.ListIssuerRunesMax),
		ListedOn: required(query, "listed_on", domain.ParseDate),
	}
	if until := optional(query, "valid_until", domain.ParseDate); until != nil {
		cmd.ValidUntil = *until
	}
	if err := doneWith(query, inQuery(s.borrowers.CheckRecommendedList(actor(c), cmd))); err != nil {
		return err
	}
	body, err := readBody(c)
	if err != nil {
		return err
	}
	leave, err := s.listPlace(c.Request.Context())
	if err != nil {
		return err
	}
	defer leave()
	file, err := readListFile(c.Request.Header, body)
	if err != nil {
		return err
	}
	cmd.Format, cmd.Encoding, cmd.Rows, cmd.File = file.format, file.encoding, file.rows, sha256.Sum256(body)
	list, known, replayed, err := s.borrowers.ImportRecommendedList(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return inQuery(err)
	}
	setReplayed(c, replayed)
	if known {
		return writeJSON(c, http.StatusOK, viewRecommendedList(list))
	}
	c.Header("Location", "/v1/recommended-lists/"+list.ID.String())
	return writeJSON(c, http.StatusCreated, viewRecommendedList(list))
}

// listPlace waits until fewer than listsAtOnceMax lists are being read and imported, at most as long as the request may take.
func (s *server) listPlace(ctx context.Context) (leave func(), err error) {
	select {
	case s.lists <- struct{}{}:
		return func() { <-s.lists }, nil
	case <-ctx.Done():
		return nil, domain.Errorf(domain.KindUnavailable, "busy", "正在导入的名单较多，请稍后用同一个 Idempotency-Key 重试").Because(ctx.Err())
	}
}

// inQuery makes the pointers of an error those of query parameters: ?listed_on for /listed_on.
func inQuery(err error) error {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = make([]domain.Field, len(e.Fields))
	for i, f := range e.Fields {
		f.Pointer = "?" + strings.TrimPrefix(f.Pointer, "/")
		moved.Fields[i] = f
	}
	return &moved
}

func (s *server) listRecommendedLists(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	page := query.page()
	if err := query.done(); err != nil {
		return err
	}
	lists, err := s.borrowers.RecommendedLists(c.Request.Context(), actor(c), page)
	if err != nil {
		return err
	}
	id := func(l origination.RecommendedList) domain.ID { return l.ID }
	return writeJSON(c, http.StatusOK, viewList(c, page, lists, viewRecommendedList, id))
}

type recommendedListView struct {
	ID             domain.ID    `json:"id"`
	BranchID       domain.ID    `json:"branch_id"`
	ListNo         string       `json:"list_no"`
	Issuer         string       `json:"issuer"`
	ListedOn       domain.Date  `json:"listed_on"`
	ValidUntil     *domain.Date `json:"valid_until"`
	Format         string       `json:"format"`
	Encoding       string       `json:"encoding"`
	FileSHA256     string       `json:"file_sha256"`
	Rows           int          `json:"rows"`
	Accepted       int          `json:"accepted"`
	AlreadyKnown   int          `json:"already_known"`
	Refused        int          `json:"refused"`
	Result         string       `json:"result"`
	ImportedBy     domain.ID    `json:"imported_by"`
	ImportedByName string       `json:"imported_by_name"`
	ImportedAt     time.Time    `json:"imported_at"`
}

func viewRecommendedList(l origination.RecommendedList) recommendedListView {
	return recommendedListView{
		ID: l.ID, BranchID: l.BranchID, ListNo: l.ListNo, Issuer: l.Issuer, ListedOn: l.ListedOn, ValidUntil: present(l.ValidUntil),
		Format: string(l.Format), Encoding: string(l.Encoding), FileSHA256: hex.EncodeToString(l.File[:]),
		Rows: l.Rows(), Accepted: l.Accepted, AlreadyKnown: l.AlreadyKnown, Refused: l.Refused,
		Result:     "/v1/recommended-lists/" + l.ID.String() + "/result",
		ImportedBy: l.ImportedBy, ImportedByName: l.ImportedByName, ImportedAt: l.ImportedAt,
	}
}

// recommendedOutcomes are the outcomes as the result file says them.
var recommendedOutcomes = map[borrower.RecommendedOutcome]string{
	borrower.RecommendedAccepted:     "已接收",
	borrower.RecommendedAlreadyKnown: "已在册",
	borrower.RecommendedRefused:      "未接收",
}

// writeRecommendedResult answers with the row-by-row result as a CSV file that a table program opens as it is: with a
// byte-order mark, and with nothing in a cell that it would run. Names and numbers are masked; the row number says whose
// they are to those who have the list.
func writeRecommendedResult(c *gin.Context, entries []origination.RecommendedEntry) error {
	var text bytes.Buffer
	text.WriteString(byteOrderMark)
	writer := csv.NewWriter(&text)
	writer.UseCRLF = true
	lines := [][]string{{"行号", "姓名或名称", "证件号码", "村代码", "处理结果", "说明"}}
	for _, e := range entries {
		line := []string{strconv.Itoa(e.Row), e.Name.String(), e.Number.String(), e.VillageCode.String(), recommendedOutcomes[e.Outcome], e.Reason}
		for i := range line {
			line[i] = inertCell(line[i])
		}
		lines = append(lines, line)
	}
	if err := writer.WriteAll(lines); err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="recommended-list-`+c.Param("id")+`.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", text.Bytes())
	return nil
}

// inertCell puts an apostrophe before a text that a table program would take for a formula, also after white space and in
// full width.
func inertCell(text string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, " \u3000"))
	if strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + text
	}
	return text
}
