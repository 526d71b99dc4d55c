package decision

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/shopspring/decimal"
)

// Limits of one expression. They bound the time and memory of checking and evaluating it: there are no loops, so an
// expression costs at most its nodes, and a number has at most expressionLengthMax digits.
const (
	expressionLengthMax = 2000 // bytes
	expressionNodesMax  = 200
	expressionDepthMax  = 40
)

// expressionError is what is wrong with an expression, and where: line and column count from 1, a Chinese character is one.
type expressionError struct {
	line, column int
	detail       string
}

func (e *expressionError) Error() string {
	return fmt.Sprintf("第 %d 行第 %d 列：%s", e.line, e.column, e.detail)
}

// parseExpression reads the text with expr's grammar. Nothing of expr evaluates it: the tree goes through the checker, which
// lets only a few kinds of node through and builds our own.
func parseExpression(text string) (ast.Node, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, &expressionError{1, 1, "表达式为空"}
	case len(text) > expressionLengthMax:
		return nil, &expressionError{1, 1, fmt.Sprintf("表达式过长，最多 %d 个字节", expressionLengthMax)}
	case !utf8.ValidString(text):
		return nil, &expressionError{1, 1, "表达式不是有效的 UTF-8 文本"}
	case strings.ContainsRune(text, 0):
		return nil, &expressionError{1, 1, "表达式含有不可用的字符"}
	}
	if at, deep := tooDeep(text); deep {
		return nil, errorAt(text, at, "嵌套过深，最多 %d 层", expressionDepthMax)
	}
	tree, err := parser.ParseWithConfig(text, &conf.Config{MaxNodes: expressionNodesMax, DisableIfOperator: true})
	if err == nil {
		return tree.Node, nil
	}
	if at, ok := errors.AsType[*file.Error](err); ok {
		return nil, errorAt(text, at.From, "%s", syntaxDetail(at.Message))
	}
	return nil, &expressionError{1, 1, "无法读懂的表达式"}
}

// tooDeep finds the rune where the brackets outside quotes are nested too deeply: the parser calls itself for each.
func tooDeep(text string) (at int, deep bool) {
	depth, quote, escaped := 0, rune(0), false
	for _, r := range text {
		switch {
		case quote != 0:
			if r == quote && !escaped {
				quote = 0
			}
			escaped = r == '\\' && !escaped
		case r == '"' || r == '\'' || r == '`':
			quote, escaped = r, false
		case r == '(' || r == '[' || r == '{':
			if depth++; depth > expressionDepthMax {
				return at, true
			}
		case r == ')' || r == ']' || r == '}':
			depth--
		}
		at++
	}
	return 0, false
}

// syntaxDetails say in Chinese what expr's parser says in English.
var syntaxDetails = []struct {
	pattern *regexp.Regexp
	detail  string
}{
	{regexp.MustCompile(`^unexpected token EOF`), "表达式没有写完"},
	{regexp.MustCompile(`^unexpected end of expression`), "表达式没有写完"},
	{regexp.MustCompile(`^unexpected token \w+\("(.*)"\)`), "这里不应出现“$1”"},
	{regexp.MustCompile(`exceeds maximum allowed nodes`), fmt.Sprintf("表达式过于复杂，最多 %d 个组成部分", expressionNodesMax)},
	{regexp.MustCompile(`^literal not terminated`), "引号没有配对"},
	{regexp.MustCompile(`^unclosed|^bad|^unrecognized`), "有不能识别的字符或括号没有配对"},
	{regexp.MustCompile(`literal`), "数字写法有误或过大"},
}

func syntaxDetail(message string) string {
	for _, s := range syntaxDetails {
		if found := s.pattern.FindStringSubmatchIndex(message); found != nil {
			return string(s.pattern.ExpandString(nil, s.detail, message, found))
		}
	}
	return "语法有误"
}

// errorAt places an error at a rune of the text.
func errorAt(text string, runes int, format string, args ...any) *expressionError {
	line, column := 1, 1
	for _, r := range text {
		if runes <= 0 {
			break
		}
		runes--
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return &expressionError{line, column, fmt.Sprintf(format, args...)}
}

// literalPattern is how a number is written in an expression: plain decimal, so that what is written is what is meant.
var literalPattern = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,12})?`)

// literalAt reads the number that stands at a rune of the text. The parser has read it too, but into a float; the text is
// exact.
func literalAt(text string, from int) (number, bool) {
	rest := skipRunes(text, from)
	end := strings.IndexFunc(rest, func(r rune) bool {
		return (r < '0' || r > '9') && r != '.' && r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end >= 0 {
		rest = rest[:end]
	}
	if literalPattern.FindString(rest) != rest || rest == "" {
		return number{}, false
	}
	d, err := decimal.NewFromString(rest)
	return numberOf(d), err == nil
}

func skipRunes(text string, n int) string {
	for n > 0 && text != "" {
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		n--
	}
	return text
}
