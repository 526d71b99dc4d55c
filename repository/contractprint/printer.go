// Package contractprint prints contracts as pages and as PDF (合同打印): origination.ContractPrinter.
//
// It owns the layout of both and the font. It does not own a word of a contract: those come with the loan.Document, and stand
// in both prints. It reads no clock: equal documents give equal bytes, so that a hash of a print can be computed again.
package contractprint

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"fumin/domain"
	"fumin/domain/loan"
)

//go:embed contract.html
var pageHTML string

//go:embed contract.css
var pageCSS string

// pageTemplate is compiled in: one that cannot be parsed is a mistake in the program.
var pageTemplate = template.Must(template.New("contract").Parse(pageHTML))

// Printer prints contracts. It is safe for concurrent use.
type Printer struct{ font *Font }

// New makes a printer. Without a font it prints pages and no PDF.
func New(font *Font) *Printer { return &Printer{font: font} }

// HTML implements origination.ContractPrinter: a page for A4, in one file, without scripts.
func (p *Printer) HTML(d loan.Document) ([]byte, error) {
	var page bytes.Buffer
	err := pageTemplate.Execute(&page, struct {
		loan.Document
		Style template.CSS
	}{d, template.CSS(pageCSS)}) //nolint:gosec // G203: our own file, not anybody's input
	if err != nil {
		return nil, fmt.Errorf("print contract %s: %w", d.ContractNo, err)
	}
	if page.Len() > loan.DocumentMax {
		return nil, fmt.Errorf("print contract %s: %d bytes, at most %d", d.ContractNo, page.Len(), loan.DocumentMax)
	}
	return page.Bytes(), nil
}

// check refuses a document that the font cannot print as it is: a box on a contract is nobody's name.
func (p *Printer) check(d loan.Document) error {
	if p.font == nil {
		return domain.Errorf(domain.KindUnavailable, "font-missing",
			"这台服务器没有可嵌入的中文字体，不能打印 PDF：请先用网页版合同打印；管理员可安装 fonts-wqy-zenhei，或用 FUMIN_FONT_FILE 指定一个 TrueType 中文字体")
	}
	missing := func(text string) error {
		if c, found := p.font.Missing(text); found {
			return domain.Errorf(domain.KindRule, "glyph-missing",
				"字体里没有「%c」（U+%04X）这个字，不能打印成方框：请使用网页版合同，或换用含有这个字的字体（FUMIN_FONT_FILE）", c, c)
		}
		return nil
	}
	for _, text := range texts(d) {
		if err := missing(text); err != nil {
			return err
		}
	}
	return nil
}

// texts are all words of a document.
func texts(d loan.Document) []string {
	all := []string{d.Title, d.ContractNo, d.SignedOn, d.TextVersion}
	for _, b := range d.Blocks {
		all = append(append(append(all, b.Heading), b.Clauses...), b.Header...)
		for _, f := range b.Facts {
			all = append(all, f.Label, f.Text)
		}
		for _, row := range b.Rows {
			all = append(all, row...)
		}
	}
	return all
}
