package decision

import (
	"fmt"
	"strings"

	"fumin/domain/money"
)

// template is a text with expressions in braces: "申请金额 {amount} 元".
type template struct {
	parts []templatePart
	local []int // the local derived facts it shows, so that they are computed only when needed
}

type templatePart struct {
	text string
	show typed // shown after the text when it has an expression
}

const (
	textLengthMax   = 500 // runes
	placeholdersMax = 10
)

func (c checker) template(text string) (template, error) {
	if n := len([]rune(text)); n > textLengthMax {
		return template{}, &expressionError{1, 1, fmt.Sprintf("文字过长，最多 %d 个字", textLengthMax)}
	}
	var t template
	rest := text
	for {
		before, after, found := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return template{}, errorAt(text, len([]rune(text))-len([]rune(rest))+len([]rune(before[:max(strings.Index(before, "}"), 0)])), "花括号没有配对")
		}
		if !found {
			t.parts = append(t.parts, templatePart{text: before})
			return t, nil
		}
		at := len([]rune(text)) - len([]rune(after))
		inner, tail, found := strings.Cut(after, "}")
		if !found {
			return template{}, errorAt(text, at-1, "花括号没有配对")
		}
		if len(t.parts) == placeholdersMax {
			return template{}, errorAt(text, at, "花括号过多，最多 %d 处", placeholdersMax)
		}
		part := c
		part.text = inner
		show, err := part.parsed()
		if err != nil {
			return template{}, shifted(err, text, at)
		}
		t.parts = append(t.parts, templatePart{before, show})
		for _, slot := range factsIn(show.expression) {
			if slot == slotAmountPassing || slot == slotTermMonthsPassing {
				t.local = append(t.local, slot)
			}
		}
		rest = tail
	}
}

// shifted moves the place of an error from the inside of a pair of braces to the whole text.
func shifted(err error, text string, runes int) error {
	inner, ok := err.(*expressionError) //nolint:errorlint // made a few lines above, never wrapped
	if !ok {
		return err
	}
	start := errorAt(text, runes, "")
	if inner.line == 1 {
		return &expressionError{start.line, start.column + inner.column - 1, inner.detail}
	}
	return &expressionError{start.line + inner.line - 1, inner.column, inner.detail}
}

// render writes the text for a case; false when something it shows does not exist.
func (t template) render(fr *frame) (string, bool) {
	if len(t.parts) == 1 && t.parts[0].show.expression == nil {
		return t.parts[0].text, true
	}
	complete := true
	text := fr.scratch[:0]
	for _, part := range t.parts {
		text = append(text, part.text...)
		if part.show.expression == nil {
			continue
		}
		shown, state := part.show.read(fr, true)
		switch state {
		case stateKnown:
			text = append(text, shown...)
		case stateNone:
			text = append(text, "（无）"...)
			complete = false
		case stateUnknown:
			text = append(text, "（未知）"...)
		}
	}
	fr.scratch = text
	return string(text), complete
}

// read returns the value as text: as stored, or for a person, who reads 99,500.00. The text of a fact is kept in the frame,
// because forty rules show the same amount.
func (e typed) read(fr *frame, forPerson bool) (string, factState) {
	f, isFact := e.expression.(fact)
	if !isFact {
		return e.write(fr, forPerson)
	}
	v := &fr.slots[f.slot]
	kept := &v.stored
	if forPerson {
		kept = &v.shown
	}
	if v.state == stateKnown && kept.text != "" && kept.format == e.format {
		return kept.text, stateKnown
	}
	text, state := e.write(fr, forPerson)
	kept.text, kept.format = text, e.format
	return text, state
}

func (e typed) write(fr *frame, forPerson bool) (string, factState) {
	switch e.base {
	case "number":
		n, s := as[quantity](e).number(fr)
		if s != stateKnown {
			return "", s
		}
		return numberText(n, e.format, forPerson), s
	case "boolean":
		switch as[condition](e).truth(fr) {
		case isTrue:
			return "true", stateKnown
		case isFalse:
			return "false", stateKnown
		case isAbsent:
			return "", stateNone
		case isUnknown:
		}
		return "", stateUnknown
	case "code":
		return as[code](e).code(fr)
	case "codes":
		list, s := as[codeList](e).codes(fr)
		if forPerson {
			return strings.Join(list, "、"), s
		}
		return codesCodec.text(list), s
	case "date":
		day, s := as[calendarDay](e).date(fr)
		if s != stateKnown {
			return "", s
		}
		return day.String(), s
	}
	return "", stateNone
}

// numberText writes a number exactly, in the manner of what it counts: an amount with two decimals, a rate with two to six,
// anything else, and what has more decimals than that, as plain as it is.
func numberText(n number, format string, forPerson bool) string {
	least, most := int32(0), int32(scaleMax)
	switch format {
	case "amount":
		least, most = 2, 2
	case "rate":
		least, most = 2, money.RatePlaces
	}
	fits, ok := n.withPlaces(least, most)
	if !ok {
		if fits, ok = n.withPlaces(0, scaleMax); !ok {
			return n.decimal().String()
		}
	}
	return fits.text(forPerson && format == "amount")
}
