package api

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"fumin/domain"
)

// kinds are the constants by the names under which the source uses them.
var kinds = map[string]domain.Kind{
	"KindInternal": domain.KindInternal, "KindInvalid": domain.KindInvalid, "KindUnauthenticated": domain.KindUnauthenticated,
	"KindForbidden": domain.KindForbidden, "KindNotFound": domain.KindNotFound, "KindConflict": domain.KindConflict,
	"KindRule": domain.KindRule, "KindUnavailable": domain.KindUnavailable,
}

// codes are the problem codes of the whole module, as its source names them.
type codes struct {
	problems map[string]map[int]bool // code -> the statuses it can have
	fields   map[string]bool
	unclear  []string // places where a code is not a literal
}

func TestEveryProblemCodeInTheSourceIsInTheCatalogueAndTheReverse(t *testing.T) {
	t.Parallel()
	found := collectCodes(t, "..")
	for _, place := range found.unclear {
		t.Errorf("%s: the code must be a literal or a constant, or the catalogue cannot be checked", place)
	}
	problems, fields := readCatalogue(t, "../docs/problems.md")

	wanted := map[string]string{}
	for code, statuses := range found.problems {
		wanted[code] = joinStatuses(statuses)
		// Whether an invalid request names its fields, and so is a 422, is not to be seen where the error is made.
		if table := problems[code]; wanted[code] == "400" && (table == "422" || table == "400/422") && statusByCode[code] == 0 {
			wanted[code] = table
		}
	}
	if diff := cmp.Diff(wanted, problems); diff != "" {
		t.Errorf("docs/problems.md, first table, differs (-source +table); each code with its statuses:\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(found.fields)), fields); diff != "" {
		t.Errorf("docs/problems.md, field codes, differs (-source +table):\n%s", diff)
	}

	document, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, value := range document.Components.Schemas["ProblemCode"].Value.Enum {
		listed = append(listed, fmt.Sprint(value))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(found.problems)), listed); diff != "" {
		t.Errorf("ProblemCode in openapi.yaml differs (-source +enum):\n%s", diff)
	}
}

// readCatalogue returns the first table (code -> statuses) and the codes of the second, and checks that both are sorted.
func readCatalogue(t *testing.T, path string) (problems map[string]string, fields []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	problems = map[string]string{}
	var order []string
	row := regexp.MustCompile("^\\| `([a-z0-9-]+)` \\|([^|]*)\\|")
	inFields := false
	for line := range strings.Lines(string(text)) {
		inFields = inFields || strings.HasPrefix(line, "## Field codes")
		match := row.FindStringSubmatch(line)
		switch {
		case match == nil:
		case inFields:
			fields = append(fields, match[1])
		default:
			if _, twice := problems[match[1]]; twice {
				t.Errorf("%s: %s stands in the table twice", path, match[1])
			}
			problems[match[1]] = strings.TrimSpace(match[2])
			order = append(order, match[1])
		}
	}
	if !slices.IsSorted(order) || !slices.IsSorted(fields) {
		t.Errorf("%s: the rows are not sorted by code: %v, %v", path, order, fields)
	}
	return problems, fields
}

func joinStatuses(statuses map[int]bool) string {
	var texts []string
	for _, s := range slices.Sorted(maps.Keys(statuses)) {
		texts = append(texts, strconv.Itoa(s))
	}
	return strings.Join(texts, "/")
}

// collectCodes reads every Go file below root that is not a test.
func collectCodes(t *testing.T, root string) *codes {
	t.Helper()
	found := &codes{problems: map[string]map[int]bool{}, fields: map[string]bool{}}
	for code, s := range statusByCode {
		found.problems[code] = map[int]bool{s: true} // what has a status of its own exists, whoever returns it
	}
	packages := map[string][]*ast.File{}
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, files := range packages {
		p := &sourcePackage{set: set, found: found, constants: constants(files), isKernel: filepath.Base(dir) == "domain"}
		p.findHelpers(files)
		for _, file := range files {
			for _, declaration := range file.Decls {
				p.passed = passedCodes(declaration)
				ast.Inspect(declaration, p.visit)
			}
		}
	}
	return found
}

// constants returns the text constants of a package.
func constants(files []*ast.File) map[string]string {
	values := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if i < len(spec.Values) {
					if text, ok := literal(spec.Values[i]); ok {
						values[name.Name] = text
					}
				}
			}
			return true
		})
	}
	return values
}

func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(basic.Value)
	return text, err == nil
}

type sourcePackage struct {
	set       *token.FileSet
	found     *codes
	constants map[string]string
	isKernel  bool
	helpers   map[string]helper // by the names of functions that take a code and make an error of it
	passed    map[string]bool   // variables of the declaration at hand that hold a code named elsewhere
}

// helper is a function with a parameter "code": those who call it name the code.
type helper struct {
	index int      // of the parameter
	kind  ast.Expr // what it makes: an Error of this kind; nil for a Field or a ValueError
}

func (p *sourcePackage) findHelpers(files []*ast.File) {
	p.helpers = map[string]helper{}
	for _, file := range files {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || p.isKernel || function.Body == nil {
				continue
			}
			index := slices.Index(parameters(function), "code")
			if index < 0 {
				continue
			}
			if h, ok := p.helper(function, index); ok {
				p.helpers[function.Name.Name] = h
			}
		}
	}
}

// helper says what a function makes of its parameter "code"; false when that is no problem code.
func (p *sourcePackage) helper(function *ast.FuncDecl, index int) (h helper, found bool) {
	ast.Inspect(function.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		kind, code := p.made(call)
		if name, ok := code.(*ast.Ident); ok && name.Name == "code" {
			h, found = helper{index: index, kind: kind}, true
		}
		return true
	})
	return h, found
}

// made returns the kind and the code of the error that a call of a constructor makes. The kind is nil for a Field or a
// ValueError, the code is nil for any other call.
func (p *sourcePackage) made(call *ast.CallExpr) (kind, code ast.Expr) {
	name, ofKernel := p.callee(call)
	switch {
	case name == "Errorf" && ofKernel && len(call.Args) >= 3:
		return call.Args[0], call.Args[1]
	case name == "BadValue" && ofKernel && len(call.Args) >= 2:
		return nil, call.Args[0]
	case name == "FieldError" && len(call.Args) >= 3, name == "Add" && len(call.Args) >= 3:
		return nil, call.Args[1]
	}
	return nil, nil
}

func parameters(function *ast.FuncDecl) []string {
	var names []string
	for _, list := range function.Type.Params.List {
		for _, name := range list.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// passedCodes returns the variables of a function that hold a code which was named elsewhere: a parameter "code", and
// what was assigned from domain.CodeOf.
func passedCodes(declaration ast.Decl) map[string]bool {
	names := map[string]bool{}
	function, ok := declaration.(*ast.FuncDecl)
	if !ok {
		return names
	}
	names["code"] = slices.Contains(parameters(function), "code")
	ast.Inspect(function, func(n ast.Node) bool {
		assignment, ok := n.(*ast.AssignStmt)
		if !ok || len(assignment.Lhs) != 1 || len(assignment.Rhs) != 1 {
			return true
		}
		name, isIdent := assignment.Lhs[0].(*ast.Ident)
		call, isCall := assignment.Rhs[0].(*ast.CallExpr)
		if isIdent && isCall {
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "CodeOf" {
				names[name.Name] = true
			}
		}
		return true
	})
	return names
}

// visit looks for the ways in which an error gets its code.
func (p *sourcePackage) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		p.call(n)
	case *ast.CompositeLit:
		p.composite(n)
	}
	return true
}

// callee returns the name of the called function, and whether it is one of the kernel's.
func (p *sourcePackage) callee(call *ast.CallExpr) (name string, ofKernel bool) {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name, p.isKernel
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return f.Sel.Name, ok && x.Name == "domain"
	}
	return "", false
}

func (p *sourcePackage) call(call *ast.CallExpr) {
	kind, code := p.made(call)
	name, _ := p.callee(call)
	if h, ok := p.helpers[name]; ok && h.index < len(call.Args) {
		kind, code = h.kind, call.Args[h.index]
	}
	switch {
	case code == nil:
	case kind != nil:
		p.problem(kind, code)
	default:
		p.field(code)
	}
}

// composite finds domain.Error{Kind: …, Code: …} and domain.Field{Pointer: …, Code: …}, also where the type is left out.
func (p *sourcePackage) composite(c *ast.CompositeLit) {
	if name, ok := c.Type.(*ast.Ident); ok && name.Name == "Task" {
		return // its kind and code are those of work, not of an error
	}
	values := map[string]ast.Expr{}
	for _, element := range c.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok {
				values[key.Name] = pair.Value
			}
		}
	}
	code, kind, pointer := values["Code"], values["Kind"], values["Pointer"]
	switch {
	case code == nil:
	case kind != nil:
		p.problem(kind, code)
	case pointer != nil:
		p.field(code)
	}
}

func (p *sourcePackage) problem(kind, code ast.Expr) {
	text, ok := p.text(code)
	if !ok {
		return
	}
	statuses := p.found.problems[text]
	if statuses == nil {
		statuses = map[int]bool{}
		p.found.problems[text] = statuses
	}
	name := ""
	switch k := kind.(type) {
	case *ast.Ident:
		name = k.Name
	case *ast.SelectorExpr:
		name = k.Sel.Name
	}
	known, ok := kinds[name]
	if !ok {
		p.found.unclear = append(p.found.unclear, p.set.Position(kind.Pos()).String())
		return
	}
	statuses[status(&domain.Error{Kind: known, Code: text})] = true
}

func (p *sourcePackage) field(code ast.Expr) {
	if text, ok := p.text(code); ok {
		p.found.fields[text] = true
	}
}

// text returns the code an expression stands for. One that is passed on from another error (x.Code) was counted there,
// and so was one inside the kernel's own constructors.
func (p *sourcePackage) text(e ast.Expr) (string, bool) {
	if text, ok := literal(e); ok {
		return text, true
	}
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if e.Sel.Name == "Code" {
			return "", false
		}
	case *ast.Ident:
		if text, ok := p.constants[e.Name]; ok {
			return text, true
		}
		if p.isKernel || p.passed[e.Name] {
			return "", false
		}
	}
	p.found.unclear = append(p.found.unclear, p.set.Position(e.Pos()).String())
	return "", false
}

func TestTheCatalogueCheckSeesEveryWayToNameACode(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	source := `package x
const codeStale = "stale-x"
var a = domain.Errorf(domain.KindConflict, codeStale, "d")
var b = domain.Errorf(domain.KindInvalid, "bad-x", "d")
var b2 = domain.Errorf(domain.KindRule, "bad-x", "d")
var c = domain.BadValue("value-x", "d")
var d = &domain.Error{Kind: domain.KindNotFound, Code: "gone-x"}
var e = []domain.Field{{Pointer: "/a", Code: "field-x", Detail: "d"}}
func wrong(pointer, code, detail string) error {
	var p domain.Problems
	p.Add(pointer, code, "%s", detail)
	return p.Err()
}
func refuse(code string) error { return domain.Errorf(domain.KindForbidden, code, "d") }
func f(p *domain.Problems, v domain.Field, err error) {
	p.Add("/a", "added-x", "d")
	p.Add("/a", v.Code, "d")
	other := domain.CodeOf(err)
	p.Add("/a", other, "d")
	_ = wrong("/a", "helped-x", "d")
	_ = refuse("refused-x")
	made := "a" + "b"
	_ = domain.Errorf(domain.KindRule, made, "d")
	_ = fmt.Errorf("not-a-code: %w %w", nil, nil)
	total.Add(other)
}
`
	if err := os.WriteFile(filepath.Join(root, "x.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "x_test.go"), []byte("package x\nvar t = domain.BadValue(\"test-x\", \"d\")\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := collectCodes(t, root)
	got := map[string]string{}
	for code, statuses := range found.problems {
		if strings.HasSuffix(code, "-x") {
			got[code] = joinStatuses(statuses)
		}
	}
	if diff := cmp.Diff(map[string]string{"stale-x": "409", "bad-x": "400/422", "gone-x": "404", "refused-x": "403"}, got); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"added-x", "field-x", "helped-x", "value-x"}, slices.Sorted(maps.Keys(found.fields))); diff != "" {
		t.Errorf("field codes differ (-want +got):\n%s", diff)
	}
	if len(found.unclear) != 1 || !strings.HasSuffix(found.unclear[0], "x.go:23:37") {
		t.Errorf("unclear places = %v, want the one with a variable", found.unclear)
	}
}
