package origination

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/domain/report"
)

// preApprovalTitles are the columns of the file, after a byte-order mark for table programs.
var preApprovalTitles = []string{
	"\ufeff行号", "户编号", "户主", "名单人员", "证件号码", "行政区划代码", "授信单位", "建议借款人", "结论", "已占用授信（元）", "参考额度（元）", "期限（月）", "说明",
}

// writeRows writes a page of a table as CSV.
func writeRows(out io.Writer, rows [][]string) error {
	var buffer bytes.Buffer
	if err := csv.NewWriter(&buffer).WriteAll(rows); err != nil {
		return err
	}
	_, err := buffer.WriteTo(out)
	return err
}

// row judges a household and makes its line of the file. Names and numbers are masked.
func (r *preApprovalRun) row(ctx context.Context, register *pageRegister, h listedHousehold) ([]string, error) {
	first := h.people[0].entry
	line := preApprovalLine{Rows: h.rows(), Village: first.VillageCode.String()}
	if h.refused {
		line.Result, line.Note = "未受理", "名单中这一行未被接受，或已抹除"
		return line.cells(), nil
	}
	judged, err := r.household(ctx, register, h)
	if err != nil {
		return nil, err
	}
	line.People, line.Numbers = h.names()
	line.Unit, line.TermMonths = "借款人", strconv.Itoa(r.ask.TermMonths)
	if r.perHousehold() {
		line.Unit = "户"
	}
	best := judged[0]
	line.Result, line.Limit, line.Existing = best.label(), best.amount, best.existing
	if best.result != decision.Decline && !best.used {
		line.Proposed = fmt.Sprintf("%s（第%d行）", best.person.entry.Name, best.person.entry.Row)
	}
	var notes []string
	if best.reason != "" {
		notes = append(notes, best.reason)
	}
	if !r.perHousehold() && len(judged) > 1 {
		var each []string
		for _, one := range judged[1:] {
			line.Existing = line.Existing.Add(one.existing)
			if one.result == best.result && one.used == best.used {
				line.Limit = line.Limit.Add(one.amount)
			}
		}
		for _, one := range judged {
			each = append(each, fmt.Sprintf("%s（第%d行）%s %s 元", one.person.entry.Name, one.person.entry.Row, one.label(), one.amount.Grouped()))
		}
		notes = append(notes, "按借款人分别计算，合计为结论相同的各人之和："+strings.Join(each, "，"))
	}
	switch {
	case h.elsewhere: // the reasons would tell another branch's figures
		notes = []string{"档案由其他机构管理，其已占用授信和履约情况已计入，不在此显示；请向管户机构查询"}
	case h.card != nil:
		line.HouseholdID = h.card.ID.String()
		if head, found := h.card.Head(); found {
			line.Head = head.Name.String()
		}
		if line.Village = h.card.VillageCode.String(); line.Village != first.VillageCode.String() {
			notes = append(notes, "名单上的行政区划代码为 "+first.VillageCode.String()+"，按户档案计算")
		}
	case !first.Kind.IsOrganisation():
		notes = append(notes, "没有户档案，单独按一户计算")
	}
	line.Note, line.hideExisting = strings.Join(notes, "；"), h.elsewhere
	return line.cells(), nil
}

// rows are the numbers of all rows of a household.
func (h listedHousehold) rows() string {
	var texts []string
	for _, p := range h.people {
		for _, row := range p.rows {
			texts = append(texts, strconv.Itoa(row))
		}
	}
	return strings.Join(texts, "；")
}

// names are the masked names and numbers of the people on the list.
func (h listedHousehold) names() (names, numbers string) {
	var people, masked []string
	for _, p := range h.people {
		people, masked = append(people, p.entry.Name.String()), append(masked, p.entry.Number.String())
	}
	return strings.Join(people, "；"), strings.Join(masked, "；")
}

// label is a result as the file says it (结论).
func (i indication) label() string {
	switch {
	case i.used:
		return "没有可用额度"
	case i.result == decision.Approve:
		return "可以通过"
	case i.result == decision.Refer:
		return "须人工审查"
	}
	return "不能通过"
}

// preApprovalLine is one line of the file.
type preApprovalLine struct {
	Rows, HouseholdID, Head, People, Numbers, Village, Unit, Proposed, Result string
	Existing, Limit                                                           money.Amount
	TermMonths, Note                                                          string
	hideExisting                                                              bool
}

// cells are the cells in the order of preApprovalTitles. A line without a term was not judged and has no sums.
func (l preApprovalLine) cells() []string {
	existing, limit := l.Existing.String(), l.Limit.String()
	if l.TermMonths == "" || l.hideExisting {
		existing = ""
	}
	if l.TermMonths == "" {
		limit = ""
	}
	cells := []string{
		l.Rows, l.HouseholdID, l.Head, l.People, l.Numbers, l.Village, l.Unit, l.Proposed, l.Result, existing, limit, l.TermMonths, l.Note,
	}
	for i := range cells { // names come from strangers' files, reasons from whoever wrote the rules
		cells[i] = report.Harmless(cells[i])
	}
	return cells
}

// The two ways of adding up, as the file explains them; see PreApproval.
const (
	perHouseholdText = "本产品按户授信：名单上同一户的人合为一行，逐人测算，取结论最好、额度最高的一人为建议借款人（相同时户主优先，再按行号）；额度为全户共用，只能用一次"
	perBorrowerText  = "本产品按借款人授信：名单上同一户的人合为一行，每人的额度各自独立，参考额度为结论相同的各人之和，分项见说明"
)

// preApprovalAssumptions are what is on file and used, and what presume takes for granted; the file ends with them, so that
// nobody reads an indicative limit as a promise.
var preApprovalAssumptions = []string{
	"参考额度不是批复，也不占用额度，以申请时的决策为准",
	"户以借款人档案和户档案为准；没有户档案的人单独按一户计算，建立户档案后合并计算；户内没有列入名单的人不参加测算",
	"已占用授信（未还余额、已批准未签约、已签约未用，本行各产品、各机构合计）已按产品上限和本行授信上限扣减；尚未批准的申请不计",
	"履约情况、年龄、借款人类型、证照、家庭收入按本行档案；没有借款人档案的人按首次借款计算，视为证照有效",
	"名单筛查按本行仍有效的最近一次结果，没有结果的视为未命中；征信只能按当笔申请的授权查询，以往的答复不用",
	"假设已签征信查询授权、已实地调查、申请资料齐全，没有农担公司担保函",
	"假设征信没有不良记录和当前逾期、近 6 个月没有查询、没有其他负债，农担公司没有拒绝",
	"没有登记的家庭收入、没有认定的纾困行业和还款方式为未知，需要这些要素的规则转人工",
}

// assumptionRows are the last rows of the file: they have as many cells as the others, so that a table program reads them.
func (r *preApprovalRun) assumptionRows() [][]string {
	unit := perBorrowerText
	if r.perHousehold() {
		unit = perHouseholdText
	}
	texts := append([]string{
		fmt.Sprintf("测算日 %s，产品 %s，期限 %d 个月，用途“%s”", r.today, r.ask.ProductCode, r.ask.TermMonths, r.ask.Purpose.Label()), unit,
	}, preApprovalAssumptions...)
	rows := make([][]string, len(texts))
	for i, text := range texts {
		rows[i] = make([]string, len(preApprovalTitles))
		rows[i][0], rows[i][len(preApprovalTitles)-1] = "说明", text
	}
	return rows
}
