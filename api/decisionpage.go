package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
)

//go:embed decision.html
var decisionHTML string

// decisionTemplate is compiled in: one that cannot be parsed is a mistake in the program.
var decisionTemplate = template.Must(template.New("decision").Parse(decisionHTML))

// showDecision answers with what the rules said (决策结论): as a page that prints on A4 for a reader that asks for text/html,
// and otherwise as JSON with the same words.
func (s *server) showDecision(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	d, err := s.applications.Decision(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	c.Header("Vary", "Accept")
	if c.NegotiateFormat("application/json", "text/html") != "text/html" {
		return writeJSON(c, http.StatusOK, viewDecision(d))
	}
	judged, err := s.applications.Application(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := decisionTemplate.Execute(&page, newDecisionPage(judged, d)); err != nil {
		return fmt.Errorf("write the decision %s: %w", d.ID, err)
	}
	c.Header("Content-Security-Policy", sheetPolicy)
	c.Data(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
	return nil
}

// decisionPage is a decision in words.
type decisionPage struct {
	decisionView

	Title         string
	ApplicationNo string
	Decided       string // in Beijing
	AmountMax     string
	Groups        []reasonGroup
	Facts         []factLine
	Style         template.CSS
}

// reasonGroup are the rules of one effect.
type reasonGroup struct {
	Title   string
	Reasons []reasonLine
}

// reasonLine is what one rule said, with the value it saw and what it held it against, as a person reads them.
type reasonLine struct{ Text, Seen, Against, Suggestion string }

// factLine is a fact as it was. Personal ones are left out: the page may lie on a counter.
type factLine struct{ Label, Value string }

func newDecisionPage(judged loan.Record, d origination.Decision) decisionPage {
	view := viewDecision(d)
	page := decisionPage{
		decisionView: view, Title: resultTitle(d.Outcome.Result), ApplicationNo: judged.ApplicationNo,
		Decided: d.DecidedAt.In(domain.BusinessZone).Format("2006-01-02 15:04"), AmountMax: d.Outcome.AmountMax.Grouped(), Style: template.CSS(sheetCSS), //nolint:gosec // G203: our own file, not anybody's input
	}
	for _, g := range []struct {
		effect decision.Result
		title  string
	}{{decision.Decline, "不能通过的"}, {decision.Refer, "须由人审查的"}, {decision.Approve, "已经符合的"}} {
		group := reasonGroup{Title: g.title}
		for _, r := range d.Outcome.Reasons {
			if r.Effect == g.effect {
				group.Reasons = append(group.Reasons, newReasonLine(r))
			}
		}
		if len(group.Reasons) > 0 {
			page.Groups = append(page.Groups, group)
		}
	}
	page.Facts = factLines(d.Facts)
	return page
}

func resultTitle(r decision.Result) string {
	switch r {
	case decision.Approve:
		return "通过"
	case decision.Refer:
		return "转人工审查"
	case decision.Decline:
	}
	return "未通过"
}

func factLines(f decision.Facts) []factLine {
	snapshot := f.Snapshot()
	var lines []factLine
	for _, definition := range decision.Definitions() {
		if definition.Personal {
			continue
		}
		text, known := snapshot[string(definition.Name)]
		switch {
		case !known:
			lines = append(lines, factLine{definition.Label, "未知"})
		case text == nil:
			lines = append(lines, factLine{definition.Label, "无"})
		default:
			lines = append(lines, factLine{definition.Label, factText(definition, *text)})
		}
	}
	return lines
}

// newReasonLine puts a rule's words beside the value and the threshold.
func newReasonLine(r decision.Reason) reasonLine {
	line := reasonLine{Text: r.Text, Suggestion: r.Suggestion}
	definition, described := factDefinitions[r.FactName]
	switch {
	case !described:
	case r.Unknown:
		line.Seen = "未知：缺少“" + definition.Label + "”"
	case r.Value != "":
		line.Seen = definition.Label + " " + factText(definition, r.Value)
		if r.Threshold != "" {
			line.Against = factText(definition, r.Threshold)
		}
	}
	return line
}

// factDefinitions are the stored and the computed facts by their names.
var factDefinitions = func() map[decision.FactName]decision.FactDefinition {
	byName := map[decision.FactName]decision.FactDefinition{} //nolint:exhaustive // filled below
	for _, d := range slices.Concat(decision.Definitions(), decision.DerivedDefinitions()) {
		byName[d.Name] = d
	}
	return byName
}()

// factText writes a value as a person reads it.
func factText(d decision.FactDefinition, text string) string {
	switch {
	case d.Type == "boolean" && text == "true":
		return "是"
	case d.Type == "boolean":
		return "否"
	case d.Type == "amount":
		if amount, err := money.ParseAmount(text); err == nil {
			text = amount.Grouped()
		}
	case d.Type == "codes" && text != "" && strings.Trim(text, "0123456789") == "": // a rule counted them
		return text + " 项"
	case d.Type == "code" || d.Type == "codes":
		return codeWords(text)
	}
	if d.Unit != "" {
		return text + " " + d.Unit
	}
	return text
}

// codeWords writes a code, or several with commas between them, in Chinese. What has no word, as a region or a product of the
// lender's own, stays as it is.
func codeWords(text string) string {
	if text == "" {
		return "无"
	}
	words := strings.Split(text, ",")
	for i, code := range words {
		if purpose := loan.Purpose(code); purpose.Valid() {
			words[i] = purpose.Label()
		} else if word, known := answerWords[code]; known {
			words[i] = word
		} else {
			words[i] = product.Label(code)
		}
	}
	return strings.Join(words, "、")
}

// answerWords are what an institution says (征信结果、预审结果).
var answerWords = map[string]string{
	origination.ResultClear: "无不良", origination.ResultAdverse: "有不良", origination.ResultNoRecord: "无记录",
	origination.ResultAccepted: "同意", origination.ResultRefused: "不同意", origination.ResultRefer: "须人工审查",
}
