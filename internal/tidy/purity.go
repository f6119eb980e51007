package tidy

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// purePackages are the deterministic core: the same events in, the same commands
// out. Packages below them (policy/learn, router/loop) are not meant.
var purePackages = []string{"market", "event", "book", "policy", "router/risk", "router"}

func isPure(pkg string) bool { return slices.Contains(purePackages, pkg) }

// bannedImports are what a pure package may not import; a pattern as in floors.
var bannedImports = []string{
	"math/rand/...", "crypto/rand", "os/...", "net/...", "sync/...", "reflect", "unsafe",
	"maps", "runtime/...", "context", "syscall", "log/...", "math/cmplx", "iter",
}

// exceptions name one import of one package, with the reason.
var exceptions = map[string]string{
	"event unsafe":     "an event's bytes are its journal record",
	"book sync/atomic": "views for readers on other threads",
	"book unsafe":      "order indexes address by masks and by their own numbers; addresses only go to the prefetch",
}

// clocks are the functions of package time that depend on when they are called.
var clocks = []string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
}

// checker type-checks packages of this module from their files, and everything
// else from the source of the standard library.
type checker struct {
	fset    *token.FileSet
	folders map[string][]*file // product files by folder
	std     types.Importer
	done    map[string]*types.Package
}

func newChecker(files []file) *checker {
	fset := token.NewFileSet()
	c := &checker{fset: fset, folders: map[string][]*file{}, done: map[string]*types.Package{},
		std: importer.ForCompiler(fset, "source", nil)}
	for i := range files {
		if f := &files[i]; f.isGo() && !f.isTest() {
			c.folders[f.folder()] = append(c.folders[f.folder()], f)
		}
	}
	return c
}

// Import makes the checker an importer for the packages it checks.
func (c *checker) Import(name string) (*types.Package, error) {
	folder, ok := strings.CutPrefix(name, module+"/")
	if !ok {
		return c.std.Import(name)
	}
	if p := c.done[folder]; p != nil {
		return p, nil
	}
	p, _, _, err := c.check(folder)
	return p, err
}

// check parses and type-checks the product files of one folder that this machine builds.
func (c *checker) check(folder string) (*types.Package, []*ast.File, *types.Info, error) {
	if len(c.folders[folder]) == 0 {
		return nil, nil, nil, fmt.Errorf("no Go files in %s", folder)
	}
	var trees []*ast.File
	for _, f := range c.folders[folder] {
		if !f.builds() {
			continue
		}
		tree := f.parse(c.fset)
		if tree == nil {
			return nil, nil, nil, fmt.Errorf("%s does not parse", f.path)
		}
		trees = append(trees, tree)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
		Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: c}
	p, err := conf.Check(module+"/"+folder, c.fset, trees, info)
	if err != nil {
		return nil, nil, nil, err
	}
	c.done[folder] = p
	return p, trees, info, nil
}

// checkPurity reports what makes a pure package depend on anything but its input.
func checkPurity(files []file) (found []string) {
	c := newChecker(files)
	for _, folder := range purePackages {
		if len(c.folders[folder]) == 0 {
			continue
		}
		_, trees, info, err := c.check(folder)
		if err != nil {
			found = append(found, fmt.Sprintf("%s: cannot be type-checked: %v", folder, err))
			continue
		}
		for _, tree := range trees {
			v := purityVisitor{fset: c.fset, info: info, folder: folder}
			v.imports(tree)
			ast.Inspect(tree, v.node)
			found = append(found, v.found...)
		}
	}
	return found
}

type purityVisitor struct {
	fset   *token.FileSet
	info   *types.Info
	folder string
	found  []string
}

func (v *purityVisitor) report(pos token.Pos, format string, args ...any) {
	p := v.fset.Position(pos)
	text := finding(p.Filename, p.Line, format, args...)
	if !slices.Contains(v.found, text) {
		v.found = append(v.found, text)
	}
}

func (v *purityVisitor) imports(tree *ast.File) {
	for _, spec := range tree.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if matchesAny(bannedImports, name) && exceptions[v.folder+" "+name] == "" {
			v.report(spec.Pos(), "import of %s in a pure package", name)
		}
	}
}

// node looks at one node of the syntax tree.
func (v *purityVisitor) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		v.report(n.Pos(), "goroutine in a pure package")
	case *ast.SelectStmt:
		v.report(n.Pos(), "select in a pure package")
	case *ast.SendStmt:
		v.report(n.Pos(), "channel in a pure package")
	case *ast.ChanType:
		v.report(n.Pos(), "channel in a pure package")
	case *ast.RangeStmt:
		switch t := v.info.TypeOf(n.X); t.Underlying().(type) {
		case *types.Map:
			v.report(n.Pos(), "range over a map: its order is random")
		case *types.Chan:
			v.report(n.Pos(), "channel in a pure package")
		}
	case *ast.Ident:
		v.object(n)
	}
	if e, ok := n.(ast.Expr); ok {
		v.expr(e)
	}
	return true
}

// object looks at what a name stands for.
func (v *purityVisitor) object(id *ast.Ident) {
	o := v.info.Uses[id]
	if f, ok := o.(*types.Func); ok && f.Pkg() != nil && f.Pkg().Path() == "time" &&
		f.Signature().Recv() == nil && slices.Contains(clocks, f.Name()) {
		v.report(id.Pos(), "time.%s in a pure package: time comes in by event", f.Name())
	}
	if b, ok := o.(*types.TypeName); ok && isFloat(b.Type()) {
		v.report(id.Pos(), "float in a pure package")
	}
}

// expr reports typed floats; untyped constants such as int64(1e9) are exact.
func (v *purityVisitor) expr(e ast.Expr) {
	if tv, ok := v.info.Types[e]; ok && tv.IsValue() && isFloat(tv.Type) {
		v.report(e.Pos(), "float in a pure package")
	}
}

func isFloat(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0 && b.Info()&types.IsUntyped == 0
}
