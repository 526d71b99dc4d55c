package api

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"

	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/domain/origination"
)

//go:embed decision.html
var decisionHTML string

// decisionTemplate is compiled in: one that cannot be parsed is a mistake in the program.
var decisionTemplate = template.Must(template.New("decision").Parse(decisionHTML))

// showDecision answers with what the rules said (决策结论): as a page that prints on A4 for a reader that asks for text/html,
// and otherwise as JSON with the same words.
func showDecision(c *gin.Context, d origination.Decision) error {
	c.Header("Vary", "Accept")
	if c.NegotiateFormat("application/json", "text/html") != "text/html" {
		return writeJSON(c, http.StatusOK, viewDecision(d))
	}
	var page bytes.Buffer
	if err := decisionTemplate.Execute(&page, newDecisionPage(d)); err != nil {
		return fmt.Errorf("write the decision %s: %w", d.ID, err)
	}
	c.Header("Content-Security-Policy", sheetPolicy)
	c.Data(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
	return nil
}

// decisionPage is a decision in words.
type decisionPage struct {
	decisionView

	Title     string
	RuleSetID string
	AmountMax string
	Groups    []reasonGroup
	Facts     []factLine
	Style     template.CSS
}

type reasonGroup struct {
	Title   string
	Reasons []reasonView
}

// factLine is a fact as it was. Personal ones are left out: the page may lie on a counter.
type factLine struct{ Label, Value string }

func newDecisionPage(d origination.Decision) decisionPage {
	view := viewDecision(d)
	page := decisionPage{
		decisionView: view, Title: resultTitle(d.Outcome.Result), RuleSetID: d.RuleSetID.String(),
		AmountMax: d.Outcome.AmountMax.Grouped(), Style: template.CSS(sheetCSS), //nolint:gosec // G203: our own file, not anybody's input
	}
	for _, g := range []struct {
		effect decision.Result
		title  string
	}{{decision.Decline, "不能通过的"}, {decision.Refer, "须由人审查的"}, {decision.Approve, "已经符合的"}} {
		group := reasonGroup{Title: g.title}
		for _, r := range view.Reasons {
			if r.Effect == g.effect {
				group.Reasons = append(group.Reasons, r)
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
	}
	if d.Unit != "" {
		return text + " " + d.Unit
	}
	return text
}
