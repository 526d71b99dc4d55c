package borrower

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"fumin/domain"
)

// ListMax bounds each list of a borrower or a household: members, plots, accounts, consents and the like.
const ListMax = 100

// requireID records a missing or malformed id.
func requireID(p *domain.Problems, pointer string, id domain.ID) {
	if id.IsZero() {
		p.Check(pointer, errRequired)
		return
	}
	optionalID(p, pointer, id)
}

// optionalID records a malformed id; an absent one is fine.
func optionalID(p *domain.Problems, pointer string, id domain.ID) {
	if !id.IsZero() {
		_, err := domain.ParseID(id.String())
		p.Check(pointer, err)
	}
}

// requireValid records a missing value of an enumeration, or one that is not in it.
func requireValid(p *domain.Problems, pointer, text string, valid bool) {
	switch {
	case text == "":
		p.Check(pointer, errRequired)
	case !valid:
		p.Add(pointer, "unknown-value", "不是允许的取值，请从列表中选择")
	}
}

// checkText records a text, not personal, that is too short, too long or not printable.
func checkText(p *domain.Problems, pointer, text string, runesMin, runesMax int) {
	count := 0
	for _, r := range text {
		count++
		if count > runesMax || r == utf8.RuneError || (!unicode.IsGraphic(r) && !isHan(r)) {
			p.Add(pointer, "text-invalid", "应为 %d 至 %d 个可见字符", runesMin, runesMax)
			return
		}
	}
	switch {
	case count == 0 && runesMin > 0:
		p.Check(pointer, errRequired)
	case count < runesMin:
		p.Add(pointer, "text-invalid", "应为 %d 至 %d 个可见字符", runesMin, runesMax)
	}
}

// validator is a part that can say what is wrong with itself.
type validator interface{ Validate() error }

// checkList records what is wrong with each part of a list, below pointer/index, and a list that is too long, of which
// nothing else is said.
func checkList[T validator](p *domain.Problems, pointer string, parts []T) {
	if len(parts) > ListMax {
		p.Add(pointer, "list-too-long", "最多 %d 项", ListMax)
		return
	}
	for i, part := range parts {
		p.Check(at(pointer, i), part.Validate())
	}
}

// checkUnique records each part of a list that repeats the key of an earlier one.
func checkUnique[T any, K comparable](p *domain.Problems, pointer, name string, parts []T, key func(T) (K, bool)) {
	if len(parts) > ListMax {
		return
	}
	seen := make(map[K]bool, len(parts))
	for i, part := range parts {
		k, present := key(part)
		if !present {
			continue
		}
		if seen[k] {
			p.Add(at(pointer, i)+name, "duplicate", "与列表中前面的一项重复")
		}
		seen[k] = true
	}
}

func at(pointer string, index int) string { return pointer + "/" + strconv.Itoa(index) }
