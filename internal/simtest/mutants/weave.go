package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// plantedVar names the mutant that a process has in it, by its number in the table from 1 on.
const plantedVar = "PENSTOCK_PLANTED"

// weave returns the text of every file that some mutant changes, with all of them in it: a
// function that a mutant changes stands there a second time, under another name, and the first
// one calls it where that mutant is planted. So one build has them all.
func weave(all []mutant) (map[string]string, error) {
	files := map[string]*wovenFile{}
	for n := range all {
		texts, err := all[n].patch()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[n].name, err)
		}
		for path, text := range texts {
			if files[path] == nil {
				if files[path], err = openFile(path); err != nil {
					return nil, err
				}
			}
			if err := files[path].add(n+1, text); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", all[n].name, path, err)
			}
		}
	}
	woven := map[string]string{}
	for path, f := range files {
		woven[path] = f.text()
		woven[filepath.Join(filepath.Dir(path), "planted_overlay.go")] = "package " + f.pkg + "\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\n" +
			"var planted, _ = strconv.Atoi(os.Getenv(\"" + plantedVar + "\"))\n"
	}
	return woven, nil
}

// wovenFile is a file and what mutants make of it.
type wovenFile struct {
	pkg    string
	before string
	decls  map[string]decl   // by name
	calls  map[string]string // at the beginning of a function, by its name
	extra  strings.Builder   // after the last line
}

// decl is a top-level declaration: where its text is, and its function if it is one.
type decl struct {
	from, to int
	fn       *ast.FuncDecl
}

func openFile(path string) (*wovenFile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &wovenFile{before: string(b), calls: map[string]string{}}
	f.pkg, f.decls, err = declarations(f.before)
	return f, err
}

// declarations finds the top-level declarations of a file; what is no function goes by its text.
func declarations(text string) (pkg string, all map[string]decl, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, 0)
	if err != nil {
		return "", nil, err
	}
	all = map[string]decl{}
	for _, d := range file.Decls {
		at := decl{from: set.Position(d.Pos()).Offset, to: set.Position(d.End()).Offset}
		name := text[at.from:at.to]
		if fn, ok := d.(*ast.FuncDecl); ok {
			at.fn, name = fn, fn.Name.Name
			if fn.Recv != nil {
				receiver := fn.Recv.List[0].Type
				name = text[receiver.Pos()-1:receiver.End()-1] + "." + name
			}
		}
		all[name] = at
	}
	return file.Name.Name, all, nil
}

// add weaves in what mutant n makes of the file.
func (f *wovenFile) add(n int, text string) error {
	_, decls, err := declarations(text)
	if err != nil {
		return err
	}
	for name := range f.decls {
		if _, ok := decls[name]; !ok {
			return fmt.Errorf("the bug must be within functions, it changes: %s", name)
		}
	}
	for name, d := range decls {
		was, ok := f.decls[name]
		changed := text[d.from:d.to]
		switch {
		case !ok:
			f.extra.WriteString("\n" + changed + "\n")
			continue
		case changed == f.before[was.from:was.to]:
			continue
		}
		call, err := callOf(was.fn, n)
		if err != nil {
			return err
		}
		f.calls[name] += call
		at := int(d.fn.Name.End()) - 1 - d.from
		fmt.Fprintf(&f.extra, "\n%s_%d%s\n", changed[:at], n, changed[at:])
	}
	return nil
}

// callOf is the line that goes on in the copy of fn that mutant n has changed.
func callOf(fn *ast.FuncDecl, n int) (string, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, " if planted == %d { ", n)
	if fn.Type.Results != nil {
		b.WriteString("return ")
	}
	if fn.Recv != nil {
		if len(fn.Recv.List[0].Names) == 0 {
			return "", fmt.Errorf("the receiver of %s needs a name", fn.Name.Name)
		}
		b.WriteString(fn.Recv.List[0].Names[0].Name + ".")
	}
	fmt.Fprintf(&b, "%s_%d(", fn.Name.Name, n)
	for _, p := range fn.Type.Params.List {
		for _, name := range p.Names {
			if name.Name == "_" {
				return "", fmt.Errorf("every parameter of %s needs a name", fn.Name.Name)
			}
			b.WriteString(name.Name)
			if _, ok := p.Type.(*ast.Ellipsis); ok {
				b.WriteString("...")
			}
			b.WriteString(", ")
		}
		if len(p.Names) == 0 {
			return "", fmt.Errorf("every parameter of %s needs a name", fn.Name.Name)
		}
	}
	b.WriteString("); ")
	if fn.Type.Results == nil {
		b.WriteString("return; ")
	}
	b.WriteString("};")
	return b.String(), nil
}

// text returns the file with all that was woven in; a line keeps its number.
func (f *wovenFile) text() string {
	var b strings.Builder
	at := 0
	for at < len(f.before) {
		next, call := len(f.before), ""
		for name, c := range f.calls {
			if brace := int(f.decls[name].fn.Body.Lbrace); brace > at && brace < next { // Pos is one more than the offset
				next, call = brace, c
			}
		}
		b.WriteString(f.before[at:next] + call)
		at = next
	}
	return b.String() + f.extra.String()
}
