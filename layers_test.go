package main_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// This file holds the arrows of docs/architecture.md, and the calls that are forbidden for a demonstrated reason. It
// reads the source as text and syntax, so it needs no linter and no database; .golangci.yml repeats part of it for
// editors. What is checked is the code that ships: _test.go files may do what a test has to.

// module is the path of this module.
const module = "fumin"

// sourcePackage is one package of this module as the rules see it.
type sourcePackage struct {
	path  string       // below the module: "domain/money"; "" is main
	deps  []string     // import paths of everything it needs, directly or not
	files []sourceFile // without tests
}

// sourceFile is one parsed file.
type sourceFile struct {
	name   string // below the module
	syntax *ast.File
	set    *token.FileSet
}

// violation says where a rule is broken, and how.
func (f sourceFile) violation(node ast.Node, format string, arguments ...any) string {
	return fmt.Sprintf("%s:%d: %s", f.name, f.set.Position(node.Pos()).Line, fmt.Sprintf(format, arguments...))
}

// imports maps the name an import has in the file to its path. A dot import has the name ".".
func (f sourceFile) imports() map[string]string {
	names := map[string]string{}
	for _, spec := range f.syntax.Imports {
		imported := importPath(spec)
		name := path.Base(imported)
		if isVersion(name) {
			name = path.Base(path.Dir(imported)) // math/rand/v2 is called rand
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	return names
}

func importPath(spec *ast.ImportSpec) string {
	imported, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser lets only strings through
	}
	return imported
}

func isVersion(name string) bool {
	number, found := strings.CutPrefix(name, "v")
	_, err := strconv.Atoi(number)
	return found && err == nil
}

// within reports whether a path is one of the roots or below one.
func within(candidate string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return candidate == root || strings.HasPrefix(candidate, root+"/")
	})
}

// A rule looks at one package and says what is wrong with it.
type rule struct {
	name  string
	check func(sourcePackage) []string
}

var rules = []rule{
	{"arrows", checkArrows},
	{"libraries", checkLibraries},
	{"dot imports", checkDotImports},
	{"clock", checkClock},
	{"logging", checkLogging},
	{"gorm", checkGORM},
	{"floats", checkFloats},
	{"gin contexts", checkGinContexts},
}

// ---- the arrows ----

// arrow says what a package, or everything below a folder, may import of this module. An entry that ends in "/..."
// stands for a folder and everything below it.
type arrow struct {
	from string
	to   []string
}

// arrows is the table of docs/architecture.md. The first entry that fits counts.
var arrows = []arrow{
	{"domain", nil},
	{"domain/money", []string{"domain"}}, // money speaks the kernel's ValueError
	{"domain/borrower", []string{"domain", "domain/money"}},
	{"domain/staff", []string{"domain", "domain/money"}},
	{"domain/schedule", []string{"domain", "domain/money"}},
	{"domain/decision", []string{"domain", "domain/money"}},
	{"domain/product", []string{"domain", "domain/money", "domain/schedule"}},
	{"domain/loan", []string{"domain", "domain/money", "domain/schedule", "domain/decision", "domain/borrower"}},
	{"domain/report", []string{"domain", "domain/money"}},
	{"domain/paymentfile", []string{"domain", "domain/money"}},
	{"domain/origination", []string{"domain/..."}},
	{"api", []string{"domain/..."}},
	{"repository", []string{"domain/..."}},
	{"repository/localdb", nil},
	{"repository/channel/...", []string{"domain/...", "repository/channel/..."}},
	{"repository/signing/...", []string{"domain/...", "repository/channel", "repository/signing"}}, // the channel's signature
	{"repository/delivery", []string{"domain/..."}},
	{"repository/contractprint", []string{"domain", "domain/loan"}},
	{"repository/...", []string{"domain/...", "repository/..."}},               // demo data and what tests of the store share
	{"scripts/...", []string{"domain/...", "repository/...", "scripts/drive"}}, // they speak to the service over HTTP only,
	{"", []string{"api", "domain/...", "repository/..."}},
}

// fits reports whether a path is what an entry of the table stands for.
func fits(entry, candidate string) bool {
	if folder, below := strings.CutSuffix(entry, "/..."); below {
		return within(candidate, folder)
	}
	return candidate == entry
}

func checkArrows(p sourcePackage) []string {
	at := slices.IndexFunc(arrows, func(a arrow) bool { return fits(a.from, p.path) })
	if at < 0 {
		return []string{p.path + ": a package outside the table of layers_test.go; a new one needs a reason in docs/decisions"}
	}
	var found []string
	for _, file := range p.files {
		for _, spec := range file.syntax.Imports {
			target, ours := strings.CutPrefix(importPath(spec), module+"/")
			if ours && !slices.ContainsFunc(arrows[at].to, func(entry string) bool { return fits(entry, target) }) {
				found = append(found, file.violation(spec, "%q may not import %q", p.path, target))
			}
		}
	}
	return found
}

// ---- libraries that a layer must not know ----

// libraryBan names what packages below some roots must not import: direct imports, or needed in any way.
type libraryBan struct {
	below    []string
	direct   []string
	anywhere []string
	reason   string
}

var libraryBans = []libraryBan{
	{
		below:    []string{"domain"},
		direct:   []string{"net/http", "database/sql", "os", "log", "math/rand", "crypto/rand", "testing"},
		anywhere: []string{"github.com/gin-gonic/gin", "gorm.io", "github.com/go-sql-driver/mysql"},
		reason:   "the domain does no input or output, and knows no clock, no chance and no database",
	},
	{
		below:    []string{"api"},
		direct:   []string{"database/sql"},
		anywhere: []string{"gorm.io", module + "/repository"},
		reason:   "HTTP knows no SQL",
	},
	{
		below:    []string{"repository"},
		anywhere: []string{"github.com/gin-gonic/gin", module + "/api"},
		reason:   "storage knows no HTTP handlers",
	},
}

// besides are packages below a banned path that are allowed: slog's types, so that a value can mask itself; what is
// called on them is checkLogging's business.
var besides = []string{"log/slog"}

func checkLibraries(p sourcePackage) []string {
	var found []string
	for _, ban := range libraryBans {
		if !within(p.path, ban.below...) {
			continue
		}
		for _, file := range p.files {
			for _, spec := range file.syntax.Imports {
				imported := importPath(spec)
				if within(imported, slices.Concat(ban.direct, ban.anywhere)...) && !within(imported, besides...) {
					found = append(found, file.violation(spec, "%q may not import %q: %s", p.path, imported, ban.reason))
				}
			}
		}
		for _, needed := range p.deps {
			if within(needed, ban.anywhere...) {
				found = append(found, fmt.Sprintf("%s: needs %q, if not directly: %s", p.path, needed, ban.reason))
			}
		}
	}
	return found
}

// checkDotImports refuses the one form of import that hides from the rules below whose function is called.
func checkDotImports(p sourcePackage) []string {
	var found []string
	for _, file := range p.files {
		for _, spec := range file.syntax.Imports {
			if spec.Name != nil && spec.Name.Name == "." {
				found = append(found, file.violation(spec, "a dot import of %s", spec.Path.Value))
			}
		}
	}
	return found
}

// ---- calls ----

// eachUse calls visit for every pkg.Name in the package's files, with the import path that pkg stands for.
func eachUse(p sourcePackage, visit func(file sourceFile, use *ast.SelectorExpr, imported, name string)) {
	for _, file := range p.files {
		imports := file.imports()
		for node := range ast.Preorder(file.syntax) {
			use, isSelector := node.(*ast.SelectorExpr)
			if !isSelector {
				continue
			}
			if qualifier, isName := use.X.(*ast.Ident); isName {
				visit(file, use, imports[qualifier.Name], use.Sel.Name)
			}
		}
	}
}

// checkClock: the time is read in one place and handed down, so that a test can stop it.
func checkClock(p sourcePackage) []string {
	if p.path == "" || within(p.path, "scripts") {
		return nil
	}
	forbidden := []string{"Now"}
	if within(p.path, "domain") {
		forbidden = []string{"Now", "Since", "Until"} // the other two read it secretly
	}
	var found []string
	eachUse(p, func(file sourceFile, use *ast.SelectorExpr, imported, name string) {
		if imported == "time" && slices.Contains(forbidden, name) {
			found = append(found, file.violation(use, "time.%s: take a domain.Clock, or the time itself, as an argument", name))
		}
	})
	return found
}

// slogFunctions write to the global logger or replace it. The others make values.
var slogFunctions = []string{
	"Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext", "Error", "ErrorContext", "Log", "LogAttrs",
	"Default", "SetDefault", "SetLogLoggerLevel", "With",
}

func checkLogging(p sourcePackage) []string {
	if !within(p.path, "domain") {
		return nil
	}
	var found []string
	eachUse(p, func(file sourceFile, use *ast.SelectorExpr, imported, name string) {
		if imported == "log/slog" && slices.Contains(slogFunctions, name) {
			found = append(found, file.violation(use, "slog.%s uses the global logger; the domain returns errors and records events", name))
		}
	})
	return found
}

// ---- GORM ----

// gormBans are methods of *gorm.DB and why we do without.
var gormBans = map[string]string{
	"Save":          "overwrites a row whose version is stale, without an error",
	"FirstOrCreate": "races, and hides a write in a read",
	"FirstOrInit":   "hides where a value comes from",
	"AutoMigrate":   "changes the schema without a migration anybody reviewed",
	"Association":   "hides reads and writes",
}

// gormHooks are the methods GORM calls by name.
var gormHooks = []string{
	"BeforeCreate", "AfterCreate", "BeforeUpdate", "AfterUpdate", "BeforeSave", "AfterSave",
	"BeforeDelete", "AfterDelete", "BeforeFind", "AfterFind",
}

// gormSettings must stay off: with them a violated key loses its name, a write that timed out may still land, and a
// statement may be closed under its user.
var gormSettings = []string{"TranslateError", "SkipDefaultTransaction", "PrepareStmt"}

func checkGORM(p sourcePackage) []string {
	usesGORM := slices.ContainsFunc(p.files, func(file sourceFile) bool {
		return slices.ContainsFunc(file.syntax.Imports, func(spec *ast.ImportSpec) bool { return within(importPath(spec), "gorm.io") })
	})
	if !usesGORM {
		return nil
	}
	var found []string
	for _, file := range p.files {
		for node := range ast.Preorder(file.syntax) {
			switch node := node.(type) {
			case *ast.CallExpr:
				found = append(found, checkGORMCall(file, node)...)
			case *ast.FuncDecl:
				if node.Recv != nil && slices.Contains(gormHooks, node.Name.Name) {
					found = append(found, file.violation(node, "method %s is a GORM hook: a hidden write or read", node.Name.Name))
				}
			case *ast.KeyValueExpr:
				key, isName := node.Key.(*ast.Ident)
				value, isConstant := node.Value.(*ast.Ident)
				if isName && slices.Contains(gormSettings, key.Name) && (!isConstant || value.Name != "false") {
					found = append(found, file.violation(node, "%s must stay off", key.Name))
				}
			}
		}
	}
	return found
}

func checkGORMCall(file sourceFile, call *ast.CallExpr) []string {
	method, isSelector := call.Fun.(*ast.SelectorExpr)
	if !isSelector {
		return nil
	}
	if reason, banned := gormBans[method.Sel.Name]; banned {
		return []string{file.violation(call, "%s %s", method.Sel.Name, reason)}
	}
	if name := method.Sel.Name; (name == "Updates" || name == "UpdateColumns") && !isMapLiteral(call) && !selects(method.X) {
		return []string{file.violation(call, "%s without Select leaves out zero values when it is given a struct", name)}
	}
	return nil
}

// isMapLiteral reports whether a call's one argument is a map written on the spot.
func isMapLiteral(call *ast.CallExpr) bool {
	if len(call.Args) != 1 {
		return false
	}
	literal, isLiteral := call.Args[0].(*ast.CompositeLit)
	if !isLiteral {
		return false
	}
	_, isMap := literal.Type.(*ast.MapType)
	return isMap
}

// selects reports whether a chain of calls contains Select.
func selects(chain ast.Expr) bool {
	for {
		call, isCall := chain.(*ast.CallExpr)
		if !isCall {
			return false
		}
		method, isSelector := call.Fun.(*ast.SelectorExpr)
		if !isSelector {
			return false
		}
		if method.Sel.Name == "Select" {
			return true
		}
		chain = method.X
	}
}

// ---- floats ----

// floatAllowed are the files that may turn a decimal into a float, and why.
var floatAllowed = map[string]string{
	"domain/schedule/search.go": "a root search needs only a starting point from the float; the result is found and checked in decimals",
}

func checkFloats(p sourcePackage) []string {
	var found []string
	for _, file := range p.files {
		if _, allowed := floatAllowed[file.name]; allowed {
			continue
		}
		imports := file.imports()
		for node := range ast.Preorder(file.syntax) {
			use, isSelector := node.(*ast.SelectorExpr)
			if !isSelector {
				continue
			}
			qualifier, isName := use.X.(*ast.Ident)
			isPackage := isName && imports[qualifier.Name] != ""
			name := use.Sel.Name
			fromFloat := isPackage && imports[qualifier.Name] == "github.com/shopspring/decimal" && strings.HasPrefix(name, "NewFromFloat")
			toFloat := !isPackage && (name == "Float64" || name == "InexactFloat64")
			if fromFloat || toFloat {
				found = append(found, file.violation(use, "%s: money and rates are exact decimals", name))
			}
		}
	}
	return found
}

// ---- gin's context ----

const ginPath = "github.com/gin-gonic/gin"

// checkGinContexts refuses a *gin.Context handed to anything but gin's and this package's own functions of a
// *gin.Context. As a context.Context it has neither deadline nor cancellation, and gin reuses it after the request.
// Syntax alone does not tell types, so a callee is known by its name: functions, methods and fields of function type
// declared in the same package to take a *gin.Context.
func checkGinContexts(p sourcePackage) []string {
	takers := ginTakers(p)
	var found []string
	for _, file := range p.files {
		gin := ginName(file)
		if gin == "" {
			continue
		}
		for node := range ast.Preorder(file.syntax) {
			switch node := node.(type) {
			case *ast.FuncDecl:
				if node.Body != nil {
					found = append(found, checkGinScope(file, ginParameters(gin, node.Type), node.Body, takers)...)
				}
			case *ast.FuncLit:
				found = append(found, checkGinScope(file, ginParameters(gin, node.Type), node.Body, takers)...)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// ginName is the name gin has in a file, or "".
func ginName(file sourceFile) string {
	for name, imported := range file.imports() {
		if imported == ginPath {
			return name
		}
	}
	return ""
}

func isGinContext(gin string, expression ast.Expr) bool {
	pointer, isPointer := expression.(*ast.StarExpr)
	if !isPointer {
		return false
	}
	selector, isSelector := pointer.X.(*ast.SelectorExpr)
	if !isSelector || selector.Sel.Name != "Context" {
		return false
	}
	qualifier, isName := selector.X.(*ast.Ident)
	return isName && qualifier.Name == gin
}

// ginParameters are the names of a function's parameters of type *gin.Context.
func ginParameters(gin string, function *ast.FuncType) []string {
	var names []string
	for _, field := range function.Params.List {
		if isGinContext(gin, field.Type) {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// ginTakers are the names of what the package declares to take a *gin.Context.
func ginTakers(p sourcePackage) map[string]bool {
	takers := map[string]bool{}
	for _, file := range p.files {
		gin := ginName(file)
		takes := func(expression ast.Expr) bool {
			function, isFunction := expression.(*ast.FuncType)
			return isFunction && slices.ContainsFunc(function.Params.List, func(field *ast.Field) bool { return isGinContext(gin, field.Type) })
		}
		for node := range ast.Preorder(file.syntax) {
			switch node := node.(type) {
			case *ast.FuncDecl:
				takers[node.Name.Name] = takers[node.Name.Name] || takes(node.Type)
			case *ast.Field:
				for _, name := range node.Names {
					takers[name.Name] = takers[name.Name] || takes(node.Type)
				}
			}
		}
	}
	return takers
}

// checkGinScope looks at what a function does with its *gin.Context parameters.
func checkGinScope(file sourceFile, parameters []string, body *ast.BlockStmt, takers map[string]bool) []string {
	isContext := func(expression ast.Expr) bool {
		name, isName := expression.(*ast.Ident)
		return isName && slices.Contains(parameters, name.Name)
	}
	var found []string
	for node := range ast.Preorder(body) {
		switch node := node.(type) {
		case *ast.CallExpr:
			method, isSelector := node.Fun.(*ast.SelectorExpr)
			if isSelector && !takers[method.Sel.Name] && slices.ContainsFunc(node.Args, isContext) {
				found = append(found, file.violation(node, "*gin.Context passed to %s: pass c.Request.Context()", method.Sel.Name))
			}
		case *ast.ValueSpec:
			if node.Type != nil && slices.ContainsFunc(node.Values, isContext) {
				found = append(found, file.violation(node, "*gin.Context kept as another type: take c.Request.Context()"))
			}
		}
	}
	return found
}

// ---- the tree ----

// listed is what `go list` says about a package.
type listed struct {
	ImportPath, Dir                   string
	GoFiles, CgoFiles, IgnoredGoFiles []string
	Deps                              []string
}

// readTree parses every package of the module, in every build configuration.
func readTree(t *testing.T) []sourcePackage {
	t.Helper()
	var complaints strings.Builder
	command := exec.CommandContext(t.Context(), "go", "list",
		"-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles,Deps", "./...")
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaints.String())
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	var tree []sourcePackage
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var one listed
		if err := decoder.Decode(&one); err != nil {
			t.Fatalf("go list: %v", err)
		}
		p := sourcePackage{path: strings.TrimPrefix(strings.TrimPrefix(one.ImportPath, module), "/"), deps: one.Deps}
		for _, name := range slices.Concat(one.GoFiles, one.CgoFiles, one.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue // among the ignored files
			}
			relative, err := filepath.Rel(root, filepath.Join(one.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			p.files = append(p.files, parse(t, filepath.ToSlash(relative), nil))
		}
		tree = append(tree, p)
	}
	return tree
}

// parse parses a file of the tree, or source given as text.
func parse(t *testing.T, name string, source any) sourceFile {
	t.Helper()
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("parse %s: %v", name, err)
	}
	return sourceFile{name: name, syntax: syntax, set: set}
}

func TestTheTreeKeepsItsArrowsAndForbiddenCallsOut(t *testing.T) {
	t.Parallel()
	tree := readTree(t)
	seen := map[string]bool{}
	for _, p := range tree {
		seen[p.path] = true
		for _, rule := range rules {
			for _, violation := range rule.check(p) {
				t.Errorf("%s: %s", rule.name, violation)
			}
		}
	}
	// A list that came back empty would pass everything.
	for _, wanted := range []string{"domain", "domain/money", "repository", "repository/localdb"} {
		if !seen[wanted] {
			t.Errorf("go list names no package %q; it names %v", wanted, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// fixture is a package that keeps or breaks a rule. The source follows "package p".
type fixture struct {
	name   string
	path   string // of the package
	file   string // of its one file, if that matters
	source string
	deps   []string
	want   string // part of the one violation; "" for none
}

func (f fixture) check(t *testing.T, check func(sourcePackage) []string) {
	t.Helper()
	file := f.file
	if file == "" {
		file = path.Join(f.path, "file.go")
	}
	p := sourcePackage{path: f.path, deps: f.deps, files: []sourceFile{parse(t, file, "package p\n"+f.source)}}
	found := check(p)
	switch {
	case f.want == "" && len(found) > 0:
		t.Errorf("legal source in %q:\n%s\ngot %q, want no violation", f.path, f.source, found)
	case f.want != "" && (len(found) != 1 || !strings.Contains(found[0], f.want)):
		t.Errorf("forbidden source in %q:\n%s\ngot %q, want one violation with %q", f.path, f.source, found, f.want)
	}
}

func checkFixtures(t *testing.T, check func(sourcePackage) []string, fixtures []fixture) {
	t.Helper()
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.check(t, check)
		})
	}
}

func TestABrokenArrowIsFound(t *testing.T) {
	t.Parallel()
	checkFixtures(t, checkArrows, []fixture{
		{name: "the kernel imports nothing of ours", path: "domain", source: `import "fumin/domain/money"`, want: `may not import "domain/money"`},
		{name: "money may import the kernel", path: "domain/money", source: `import "fumin/domain"`},
		{name: "money may not import schedule", path: "domain/money", source: `import "fumin/domain/schedule"`, want: `may not import`},
		{name: "borrower may not import loan", path: "domain/borrower", source: `import "fumin/domain/loan"`, want: `may not import`},
		{name: "staff may import the kernel and money", path: "domain/staff", source: `import ("fumin/domain"; "fumin/domain/money")`},
		{name: "schedule may not import product", path: "domain/schedule", source: `import "fumin/domain/product"`, want: `may not import`},
		{name: "decision may not import borrower", path: "domain/decision", source: `import "fumin/domain/borrower"`, want: `may not import`},
		{name: "product may import schedule", path: "domain/product", source: `import "fumin/domain/schedule"`},
		{name: "product may not import decision", path: "domain/product", source: `import "fumin/domain/decision"`, want: `may not import`},
		{name: "loan may import schedule and decision", path: "domain/loan", source: `import ("fumin/domain/schedule"; "fumin/domain/decision")`},
		{name: "loan may not import product", path: "domain/loan", source: `import "fumin/domain/product"`, want: `may not import`},
		{name: "origination may import all of the domain", path: "domain/origination", source: `import "fumin/domain/loan"`},
		{name: "origination may not import repository", path: "domain/origination", source: `import "fumin/repository"`, want: `may not import`},
		{name: "api may import origination", path: "api", source: `import "fumin/domain/origination"`},
		{name: "api may not import repository", path: "api", source: `import "fumin/repository"`, want: `may not import`},
		{name: "api may not import what is below repository", path: "api", source: `import "fumin/repository/channel"`, want: `may not import`},
		{name: "repository may import origination", path: "repository", source: `import "fumin/domain/origination"`},
		{name: "repository may not import api", path: "repository", source: `import "fumin/api"`, want: `may not import`},
		{name: "repository may not import localdb", path: "repository", source: `import "fumin/repository/localdb"`, want: `may not import`},
		{name: "localdb imports nothing of ours", path: "repository/localdb", source: `import "fumin/repository"`, want: `may not import`},
		{name: "the payment channel may import origination", path: "repository/channel", source: `import "fumin/domain/origination"`},
		{name: "the payment channel may not import repository", path: "repository/channel", source: `import "fumin/repository"`, want: `may not import`},
		{name: "the sandbox speaks the channel's words", path: "repository/channel/sandbox", source: `import "fumin/repository/channel"`},
		{name: "deliveries may import origination", path: "repository/delivery", source: `import "fumin/domain/origination"`},
		{name: "deliveries may not import repository", path: "repository/delivery", source: `import "fumin/repository"`, want: `may not import`},
		{name: "demo data may use repository", path: "repository/demodata", source: `import "fumin/repository"`},
		{name: "demo data may not import api", path: "repository/demodata", source: `import "fumin/api"`, want: `may not import`},
		{name: "main may import all", path: "", source: `import ("fumin/api"; "fumin/repository/localdb"; "fumin/domain/origination")`},
		{name: "nobody imports scripts", path: "", source: `import "fumin/scripts/bench"`, want: `may not import`},
		{name: "an alias hides nothing", path: "api", source: `import r "fumin/repository"`, want: `may not import`},
		{name: "a package outside the table", path: "util", source: ``, want: "outside the table"},
		{name: "a package of the domain outside the table", path: "domain/helpers", source: ``, want: "outside the table"},
		{name: "other modules are not its business", path: "domain", source: `import "github.com/shopspring/decimal"`},
	})
}

func TestALibraryInTheWrongLayerIsFound(t *testing.T) {
	t.Parallel()
	fixtures := []fixture{
		{name: "slog's types in the domain", path: "domain/borrower", source: `import "log/slog"`},
		{name: "decimal in the domain", path: "domain/money", source: `import "github.com/shopspring/decimal"`},
		{name: "gorm behind another package in the domain", path: "domain/loan", deps: []string{"gorm.io/gorm"}, want: "if not directly"},
		{name: "net/http behind another package in the domain", path: "domain/loan", deps: []string{"net/http"}},
		{name: "gin in api", path: "api", source: `import "github.com/gin-gonic/gin"`},
		{name: "gorm in api", path: "api", source: `import "gorm.io/gorm"`, want: "HTTP knows no SQL"},
		{name: "gorm behind another package in api", path: "api", deps: []string{"gorm.io/gorm"}, want: "HTTP knows no SQL"},
		{name: "repository behind another package in api", path: "api", deps: []string{module + "/repository/channel"}, want: "HTTP knows no SQL"},
		{name: "gorm in repository", path: "repository", source: `import "gorm.io/gorm"`},
		{name: "gin in repository", path: "repository", source: `import "github.com/gin-gonic/gin"`, want: "storage knows no HTTP handlers"},
		{name: "gin below repository", path: "repository/channel/sandbox", source: `import "github.com/gin-gonic/gin"`, want: "storage knows no HTTP handlers"},
		{name: "net/http in the payment channel", path: "repository/channel", source: `import "net/http"`},
	}
	for _, library := range []string{
		"github.com/gin-gonic/gin", "gorm.io/gorm", "gorm.io/driver/mysql", "github.com/go-sql-driver/mysql", "net/http",
		"net/http/httptest", "database/sql", "database/sql/driver", "os", "os/exec", "log", "math/rand", "math/rand/v2", "crypto/rand",
	} {
		fixtures = append(fixtures, fixture{
			name: library + " in the domain", path: "domain/origination", source: fmt.Sprintf("import _ %q", library), want: library,
		})
	}
	checkFixtures(t, checkLibraries, fixtures)
}

func TestADotImportIsFound(t *testing.T) {
	t.Parallel()
	checkFixtures(t, checkDotImports, []fixture{
		{name: "dot", path: "api", source: `import . "time"`, want: "dot import"},
		{name: "blank", path: "api", source: `import _ "time"`},
	})
}

func TestReadingTheClockIsFound(t *testing.T) {
	t.Parallel()
	const now = "import \"time\"\nvar made = time.Now()"
	checkFixtures(t, checkClock, []fixture{
		{name: "in the domain", path: "domain/loan", source: now, want: "time.Now"},
		{name: "in api", path: "api", source: now, want: "time.Now"},
		{name: "in repository", path: "repository", source: now, want: "time.Now"},
		{name: "below repository", path: "repository/channel", source: now, want: "time.Now"},
		{name: "as a value", path: "api", source: "import \"time\"\nvar clock = time.Now", want: "time.Now"},
		{name: "under another name", path: "api", source: "import clock \"time\"\nvar made = clock.Now()", want: "time.Now"},
		{name: "secretly", path: "domain/loan", source: "import \"time\"\nfunc age(t time.Time) time.Duration { return time.Since(t) }", want: "time.Since"},
		{name: "in main", path: "", source: now},
		{name: "in a script", path: "scripts/bench", source: now},
		{name: "another Now", path: "api", source: "func f(clock struct{ Now func() int }) { clock.Now() }"},
		{name: "another function of time", path: "domain", source: "import \"time\"\nvar zone = time.FixedZone(\"Asia/Shanghai\", 28800)"},
	})
}

func TestTheGlobalLoggerInTheDomainIsFound(t *testing.T) {
	t.Parallel()
	var fixtures []fixture
	for _, name := range slogFunctions {
		source := fmt.Sprintf("import \"log/slog\"\nvar used = slog.%s", name)
		fixtures = append(fixtures,
			fixture{name: name + " in the domain", path: "domain/origination", source: source, want: "slog." + name},
			fixture{name: name + " in api", path: "api", source: source})
	}
	fixtures = append(fixtures, fixture{
		name: "a value that masks itself", path: "domain/borrower",
		source: "import \"log/slog\"\ntype Phone struct{}\nfunc (Phone) LogValue() slog.Value { return slog.StringValue(\"***\") }",
	})
	checkFixtures(t, checkLogging, fixtures)
}

func TestABannedUseOfGORMIsFound(t *testing.T) {
	t.Parallel()
	gorm := func(body string) string {
		return "import \"gorm.io/gorm\"\ntype row struct{}\nfunc write(db *gorm.DB, r row, fields map[string]any) {\n" + body + "\n}"
	}
	fixtures := []fixture{
		{name: "Updates with a struct", path: "repository", source: gorm(`db.Model(&r).Where("id = ?", 1).Updates(r)`), want: "Updates without Select"},
		{name: "Updates with a pointer", path: "repository", source: gorm(`db.Updates(&r)`), want: "Updates without Select"},
		{name: "UpdateColumns with a struct", path: "repository", source: gorm(`db.UpdateColumns(r)`), want: "UpdateColumns without Select"},
		{name: "Updates after Select", path: "repository", source: gorm(`db.Model(&r).Where("id = ?", 1).Select("*").Omit("id").Updates(r)`)},
		{name: "Updates with a map", path: "repository", source: gorm(`db.Model(&r).Updates(map[string]any{"status": "paid"})`)},
		{name: "Create", path: "repository", source: gorm(`db.Create(&r)`)},
		{name: "a setting that is on", path: "repository", source: gorm(`_ = gorm.Config{TranslateError: true}`), want: "TranslateError must stay off"},
		{name: "a setting that may be on", path: "repository", source: gorm(`_ = gorm.Config{PrepareStmt: fields != nil}`), want: "PrepareStmt must stay off"},
		{name: "a setting that is off", path: "repository", source: gorm(`_ = gorm.Config{SkipDefaultTransaction: false}`)},
		{name: "Save where there is no GORM", path: "api", source: "func f(file interface{ Save() }) { file.Save() }"},
	}
	for name := range gormBans {
		fixtures = append(fixtures, fixture{name: name, path: "repository", source: gorm("db." + name + "(&r)"), want: name})
	}
	for _, hook := range gormHooks {
		fixtures = append(fixtures, fixture{
			name: hook, path: "repository", source: gorm("") + "\nfunc (r *row) " + hook + "(*gorm.DB) error { return nil }", want: hook,
		})
	}
	checkFixtures(t, checkGORM, fixtures)
}

func TestAFloatNearMoneyIsFound(t *testing.T) {
	t.Parallel()
	decimal := func(expression string) string {
		return "import (\"github.com/shopspring/decimal\"; \"math/rand/v2\"; \"log/slog\")\nfunc f(d decimal.Decimal) { _ = " + expression + " }\nvar _, _ = rand.N[int], slog.Any"
	}
	fixtures := []fixture{
		{name: "an exact constructor", path: "domain/money", source: decimal(`decimal.NewFromInt(1)`)},
		{name: "a float that was never a decimal", path: "api", source: decimal(`slog.Float64("seconds", rand.Float64())`)},
		{name: "in a file that may", path: "domain/schedule", file: "domain/schedule/search.go", source: decimal(`d.InexactFloat64()`)},
		{name: "beside the file that may", path: "domain/schedule", file: "domain/schedule/plan.go", source: decimal(`d.InexactFloat64()`), want: "InexactFloat64"},
		{name: "after a calculation", path: "api", source: decimal(`d.Add(d).InexactFloat64()`), want: "InexactFloat64"},
		{name: "Float64", path: "repository", source: decimal(`func() float64 { v, _ := d.Float64(); return v }()`), want: "Float64"},
		{name: "under another name", path: "api", source: "import d \"github.com/shopspring/decimal\"\nvar v = d.NewFromFloat(1)", want: "NewFromFloat"},
	}
	for _, name := range []string{"NewFromFloat(1)", "NewFromFloat32(1)", "NewFromFloatWithExponent(1, 2)"} {
		fixtures = append(fixtures, fixture{name: name, path: "repository", source: decimal("decimal." + name), want: "NewFromFloat"})
	}
	checkFixtures(t, checkFloats, fixtures)
}

func TestAGinContextUsedAsAContextIsFound(t *testing.T) {
	t.Parallel()
	handler := func(body string) string {
		return `import ("context"; "github.com/gin-gonic/gin"; "fumin/domain/origination")
type server struct { loans *origination.Service; render func(*gin.Context, error) }
func decode(c *gin.Context, into any) error { return nil }
func (s *server) actor(c *gin.Context) string { return "" }
func (s *server) submit(c *gin.Context) {
` + body + "\n}"
	}
	checkFixtures(t, checkGinContexts, []fixture{
		{name: "to a use case", path: "api", source: handler(`s.loans.Submit(c, "id")`), want: "passed to Submit"},
		{name: "to a derived context", path: "api", source: handler(`ctx, cancel := context.WithCancel(c); _, _ = ctx, cancel`), want: "passed to WithCancel"},
		{name: "not first", path: "api", source: handler(`s.loans.Submit("id", c)`), want: "passed to Submit"},
		{name: "as a variable", path: "api", source: handler(`var ctx context.Context = c; _ = ctx`), want: "kept as another type"},
		{name: "in a function literal", path: "api", source: `import "github.com/gin-gonic/gin"
var h = func(request *gin.Context) { store.Load(request) }`, want: "passed to Load"},
		{name: "under another name", path: "api", source: `import web "github.com/gin-gonic/gin"
func h(c *web.Context) { store.Load(c) }`, want: "passed to Load"},
		{name: "the request's own context", path: "api", source: handler(`s.loans.Submit(c.Request.Context(), "id")`)},
		{name: "to a function of the package", path: "api", source: handler(`_ = decode(c, nil)`)},
		{name: "to a method of the package", path: "api", source: handler(`_ = s.actor(c)`)},
		{name: "to a field of the package", path: "api", source: handler(`s.render(c, nil)`)},
		{name: "to a handler held in a variable", path: "api", source: handler(`next := s.submit; next(c)`)},
		{name: "gin's own methods", path: "api", source: handler(`c.Next()`)},
	})
}
