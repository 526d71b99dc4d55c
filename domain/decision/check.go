package decision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"fumin/domain"
)

// kind is the type of an expression. For a number, format and unit say what it counts: 元 cannot be compared with 个月.
// A literal and a product have no unit and go with any.
type kind struct {
	base   string // number, boolean, code, codes, date, numbers (a list of literals)
	format string // of a number: amount, rate, integer, decimal
	unit   string
	codes  []string // of a code: the values it can have, if they are a closed set
}

func (k kind) label() string {
	switch k.base {
	case "number":
		if k.unit != "" {
			return "数值（" + k.unit + "）"
		}
		return "数值"
	case "boolean":
		return "是否（true/false）"
	case "code":
		return "代码"
	case "codes":
		return "代码清单"
	case "date":
		return "日期"
	}
	return "数值清单"
}

func kindOfFact(d FactDefinition) kind {
	switch d.Type {
	case "amount", "rate", "integer", "decimal":
		return kind{base: "number", format: d.Type, unit: d.Unit}
	}
	return kind{base: d.Type, codes: d.Codes}
}

// checker turns a parsed tree into one that can be evaluated, or says what is wrong with it.
type checker struct {
	text  string
	local []FactName // derived facts that this text may use besides the common ones
	limit kind       // the kind of the fact "limit" in a limit's texts
}

// commonDerived may be used by every expression; the other derived facts only where they have a meaning.
var commonDerived = []FactName{FactEvaluatedOn, FactAge, FactLastDueOn, FactAgeAtLastDue}

// typed is a checked expression.
type typed struct {
	kind
	expression
}

// as is the expression of something whose base says that it is a T. Where it is not, this package is wrong about itself.
func as[T any](t typed) T {
	e, ok := t.expression.(T)
	if !ok {
		panic(fmt.Sprintf("decision: a %s is a %T", t.base, t.expression))
	}
	return e
}

func (c checker) fail(n ast.Node, format string, args ...any) error {
	return errorAt(c.text, n.Location().From, format, args...)
}

// condition checks a text that must be true or false.
func (c checker) condition() (condition, error) {
	e, err := c.parsed()
	if err != nil {
		return nil, err
	}
	if e.base != "boolean" {
		return nil, &expressionError{1, 1, "这里要的是条件（真或假），得到的是" + e.label()}
	}
	return as[condition](e), nil
}

// quantity checks a text that must be a number of a unit.
func (c checker) quantity(unit string) (quantity, error) {
	e, err := c.parsed()
	if err != nil {
		return nil, err
	}
	if e.base != "number" || (e.unit != "" && e.unit != unit) {
		return nil, &expressionError{1, 1, fmt.Sprintf("这里要的是数值（%s），得到的是%s", unit, e.label())}
	}
	return as[quantity](e), nil
}

func (c checker) parsed() (typed, error) {
	node, err := parseExpression(c.text)
	if err != nil {
		return typed{}, err
	}
	return c.check(node, 0)
}

func (c checker) check(n ast.Node, depth int) (typed, error) {
	if depth > expressionDepthMax {
		return typed{}, c.fail(n, "嵌套过深，最多 %d 层", expressionDepthMax)
	}
	depth++
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return c.fact(n)
	case *ast.IntegerNode, *ast.FloatNode:
		x, ok := literalAt(c.text, n.Location().From)
		if !ok {
			return typed{}, c.fail(n, "数字应写成普通十进制，整数部分最多 18 位，小数最多 12 位")
		}
		return typed{kind{base: "number", format: "decimal"}, numberLiteral{x}}, nil
	case *ast.BoolNode:
		return typed{kind{base: "boolean"}, booleanLiteral{truthOf(n.Value)}}, nil
	case *ast.StringNode:
		if _, err := parseCode(n.Value); err != nil {
			return typed{}, c.fail(n, "代码应为 1 至 %d 个字符，不含逗号和空白", codeLengthMax)
		}
		return typed{kind{base: "code"}, codeLiteral{n.Value}}, nil
	case *ast.ArrayNode:
		return c.list(n)
	case *ast.UnaryNode:
		return c.unary(n, depth)
	case *ast.BinaryNode:
		return c.binary(n, depth)
	case *ast.ConditionalNode:
		return c.conditional(n, depth)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.call(n, callee.Value, n.Arguments, depth)
		}
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments, depth)
	case nil:
		return typed{}, &expressionError{1, 1, "无法读懂的表达式"}
	}
	return typed{}, c.fail(n, "这种写法不能用在规则里")
}

func (c checker) fact(n *ast.IdentifierNode) (typed, error) {
	name := FactName(n.Value)
	slot, ok := slotOf(name)
	if !ok {
		if near := nearestFact(n.Value); near != "" {
			return typed{}, c.fail(n, "没有名为“%s”的决策要素，是不是“%s”", n.Value, near)
		}
		return typed{}, c.fail(n, "没有名为“%s”的决策要素", n.Value)
	}
	d := definitionAt(slot)
	switch {
	case d.Personal:
		return typed{}, c.fail(n, "“%s”（%s）是个人信息，不能用在规则里", n.Value, d.Label)
	case d.Derived && !slices.Contains(commonDerived, name) && !slices.Contains(c.local, name):
		return typed{}, c.fail(n, "“%s”（%s）不能用在这里：%s", n.Value, d.Label, d.Origin)
	case name == FactLimit:
		return typed{c.limit, fact{slot}}, nil
	}
	return typed{kindOfFact(d), fact{slot}}, nil
}

// nearestFact returns a fact whose name differs by one or two letters; empty: none does.
func nearestFact(name string) FactName {
	best, distance := FactName(""), 3
	for slot := range len(factRows) + len(derivedDefinitions) {
		candidate := definitionAt(slot).Name
		if d := editDistance(name, string(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// editDistance counts the letters to insert, drop or change; texts too different in length are far apart.
func editDistance(a, b string) int {
	const far = 99
	if len(a) > 64 || len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return far
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// list checks a list of codes or of numbers, all of them literals.
func (c checker) list(n *ast.ArrayNode) (typed, error) {
	if len(n.Nodes) == 0 {
		return typed{}, c.fail(n, "清单不能为空")
	}
	var codes []string
	var numbers []number
	for _, item := range n.Nodes {
		e, err := c.check(item, expressionDepthMax) // a literal needs no depth
		if err != nil {
			return typed{}, err
		}
		switch literal := e.expression.(type) {
		case codeLiteral:
			codes = append(codes, literal.is)
		case numberLiteral:
			numbers = append(numbers, literal.is)
		default:
			return typed{}, c.fail(item, "清单里只能写代码或数字")
		}
	}
	switch {
	case len(numbers) == 0:
		return typed{kind{base: "codes"}, codesLiteral{codes}}, nil
	case len(codes) == 0:
		return typed{kind{base: "numbers"}, inNumbers{list: numbers}}, nil
	}
	return typed{}, c.fail(n, "清单里不能混写代码和数字")
}

func (c checker) unary(n *ast.UnaryNode, depth int) (typed, error) {
	e, err := c.check(n.Node, depth)
	if err != nil {
		return typed{}, err
	}
	switch n.Operator {
	case "not", "!":
		if e.base == "boolean" {
			return typed{e.kind, negated{as[condition](e)}}, nil
		}
		return typed{}, c.fail(n, "not 后面应是条件，得到的是%s", e.label())
	case "-":
		if e.base == "number" {
			return typed{e.kind, negation{as[quantity](e)}}, nil
		}
		return typed{}, c.fail(n, "负号后面应是数值，得到的是%s", e.label())
	}
	return typed{}, c.fail(n, "不能使用“%s”", n.Operator)
}

func (c checker) binary(n *ast.BinaryNode, depth int) (typed, error) {
	switch n.Operator {
	case "/", "%", "**", "^":
		return typed{}, c.fail(n, "不能使用“%s”：除法和乘方得不到精确的数，请改写成乘法", n.Operator)
	case "..":
		return typed{}, c.fail(n, "不能使用区间“..”")
	case "and", "&&", "or", "||", "+", "-", "*", "in", "<", "<=", "==", "!=", ">=", ">":
	default:
		return typed{}, c.fail(n, "不能使用“%s”", n.Operator)
	}
	left, err := c.check(n.Left, depth)
	if err != nil {
		return typed{}, err
	}
	right, err := c.check(n.Right, depth)
	if err != nil {
		return typed{}, err
	}
	switch n.Operator {
	case "and", "&&", "or", "||":
		return c.logic(n, left, right)
	case "+", "-", "*":
		return c.arithmetic(n, left, right)
	case "in":
		return c.membership(n, left, right)
	}
	return c.comparison(n, left, right)
}

func (c checker) logic(n *ast.BinaryNode, left, right typed) (typed, error) {
	for _, side := range []typed{left, right} {
		if side.base != "boolean" {
			return typed{}, c.fail(n, "“%s”两边应是条件，得到的是%s", n.Operator, side.label())
		}
	}
	l, r := as[condition](left), as[condition](right)
	if n.Operator == "and" || n.Operator == "&&" {
		return typed{left.kind, both{l, r}}, nil
	}
	return typed{left.kind, either{l, r}}, nil
}

func (c checker) arithmetic(n *ast.BinaryNode, left, right typed) (typed, error) {
	if left.base != "number" || right.base != "number" {
		return typed{}, c.fail(n, "“%s”两边应是数值，得到的是%s和%s", n.Operator, left.label(), right.label())
	}
	result := kind{base: "number", format: "decimal"} // a product has no unit: 亩 × a sum per 亩 is a sum
	if n.Operator != "*" {
		var err error
		if result, err = c.sameUnit(n, left, right); err != nil {
			return typed{}, err
		}
	}
	return typed{result, arithmetic{n.Operator[0], as[quantity](left), as[quantity](right)}}, nil
}

// sameUnit returns the kind of two numbers that go together.
func (c checker) sameUnit(n ast.Node, left, right typed) (kind, error) {
	switch {
	case left.unit == "" || left.unit == right.unit:
		return right.kind, nil
	case right.unit == "":
		return left.kind, nil
	}
	return kind{}, c.fail(n, "单位不同，不能放在一起：%s与%s", left.label(), right.label())
}

func (c checker) comparison(n *ast.BinaryNode, left, right typed) (typed, error) {
	truth := kind{base: "boolean"}
	if left.base != right.base {
		return typed{}, c.fail(n, "类型不同，不能比较：%s与%s", left.label(), right.label())
	}
	if err := c.codesKnown(n, left, right); err != nil {
		return typed{}, err
	}
	order := comparisons[n.Operator]
	equality := n.Operator == "==" || n.Operator == "!="
	switch {
	case left.base == "number":
		if _, err := c.sameUnit(n, left, right); err != nil {
			return typed{}, err
		}
		return typed{truth, compareNumbers{order, as[quantity](left), as[quantity](right)}}, nil
	case left.base == "date":
		return typed{truth, compareDates{order, as[calendarDay](left), as[calendarDay](right)}}, nil
	case left.base == "code" && equality:
		return typed{truth, compareCodes{order, as[code](left), as[code](right)}}, nil
	case left.base == "boolean" && equality:
		return typed{truth, compareTruths{order, as[condition](left), as[condition](right)}}, nil
	}
	return typed{}, c.fail(n, "%s不能用“%s”比较", left.label(), n.Operator)
}

// codesKnown refuses a code that the fact can never have: it is a slip of the pen.
func (c checker) codesKnown(n *ast.BinaryNode, left, right typed) error {
	for _, pair := range [][2]typed{{left, right}, {right, left}} {
		if pair[0].codes == nil {
			continue
		}
		var written []string
		switch e := pair[1].expression.(type) {
		case codeLiteral:
			written = []string{e.is}
		case codesLiteral:
			written = e.are
		}
		for _, w := range written {
			if !slices.Contains(pair[0].codes, w) {
				return c.fail(n, "没有“%s”这个取值，可用的有：%s", w, strings.Join(pair[0].codes, "、"))
			}
		}
	}
	return nil
}

func (c checker) membership(n *ast.BinaryNode, left, right typed) (typed, error) {
	truth := kind{base: "boolean"}
	if err := c.codesKnown(n, left, right); err != nil {
		return typed{}, err
	}
	switch {
	case left.base == "code" && right.base == "codes":
		return typed{truth, inCodes{as[code](left), as[codeList](right)}}, nil
	case left.base == "number" && right.base == "numbers":
		return typed{truth, inNumbers{as[quantity](left), as[inNumbers](right).list}}, nil
	}
	return typed{}, c.fail(n, "in 左边应是代码、右边是代码清单（或数值与数值清单），得到的是%s和%s", left.label(), right.label())
}

func (c checker) conditional(n *ast.ConditionalNode, depth int) (typed, error) {
	var parts [3]typed
	for i, node := range []ast.Node{n.Cond, n.Exp1, n.Exp2} {
		var err error
		if parts[i], err = c.check(node, depth); err != nil {
			return typed{}, err
		}
	}
	if parts[0].base != "boolean" || parts[1].base != "number" || parts[2].base != "number" {
		return typed{}, c.fail(n, "“条件 ? 甲 : 乙”中，甲和乙应是数值")
	}
	result, err := c.sameUnit(n, parts[1], parts[2])
	if err != nil {
		return typed{}, err
	}
	return typed{result, choice{as[condition](parts[0]), as[quantity](parts[1]), as[quantity](parts[2])}}, nil
}

// call checks the few functions there are.
func (c checker) call(n ast.Node, name string, arguments []ast.Node, depth int) (typed, error) {
	items := make([]typed, len(arguments))
	if name == "date" {
		return c.date(n, arguments)
	}
	for i, argument := range arguments {
		var err error
		if items[i], err = c.check(argument, depth); err != nil {
			return typed{}, err
		}
	}
	integer := kind{base: "number", format: "integer"}
	switch {
	case (name == "min" || name == "max") && len(items) >= 2:
		return c.extreme(n, name, items)
	case name == "exists" && len(items) == 1:
		return c.exists(n, items[0])
	case name == "len" && len(items) == 1 && items[0].base == "codes":
		return typed{integer, count{as[codeList](items[0])}}, nil
	case name == "year" && len(items) == 1 && items[0].base == "date":
		return typed{integer, datePart{as[calendarDay](items[0]), domain.Date.Year}}, nil
	case name == "month" && len(items) == 1 && items[0].base == "date":
		return typed{integer, datePart{as[calendarDay](items[0]), func(d domain.Date) int { return int(d.Month()) }}}, nil
	}
	return typed{}, c.fail(n, "不能这样使用“%s”；可用的函数有 min、max（至少两个数值）、exists（要素）、len（代码清单）、year、month（日期）、date(\"2026-01-31\")", name)
}

func (c checker) date(n ast.Node, arguments []ast.Node) (typed, error) {
	if len(arguments) == 1 {
		if text, ok := arguments[0].(*ast.StringNode); ok {
			if day, err := domain.ParseDate(text.Value); err == nil {
				return typed{kind{base: "date"}, dateLiteral{day}}, nil
			}
		}
	}
	return typed{}, c.fail(n, "日期应写成 date(\"2026-01-31\")")
}

func (c checker) extreme(n ast.Node, name string, items []typed) (typed, error) {
	e := extreme{sign: 1}
	if name == "min" {
		e.sign = -1
	}
	result := kind{base: "number", format: "decimal"}
	for _, item := range items {
		if item.base != "number" {
			return typed{}, c.fail(n, "%s 里应是数值，得到的是%s", name, item.label())
		}
		var err error
		if result, err = c.sameUnit(n, typed{kind: result}, item); err != nil {
			return typed{}, err
		}
		e.of = append(e.of, as[quantity](item))
	}
	return typed{result, e}, nil
}

func (c checker) exists(n ast.Node, item typed) (typed, error) {
	f, ok := item.expression.(fact)
	if !ok {
		return typed{}, c.fail(n, "exists 里应是一个决策要素")
	}
	if d := definitionAt(f.slot); !d.MayBeNone {
		return typed{}, c.fail(n, "“%s”（%s）总是有的，不需要 exists", d.Name, d.Label)
	}
	return typed{kind{base: "boolean"}, exists{f}}, nil
}
