package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// file is one text file of the repository.
type file struct {
	path string // relative to the root, with slashes
	text string
}

func (f *file) isGo() bool   { return strings.HasSuffix(f.path, ".go") }
func (f *file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// builds reports whether the file's name and constraints let it be built on this machine.
func (f *file) builds() bool {
	c := build.Default
	c.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(f.text)), nil }
	ok, err := c.MatchFile(f.folder(), path.Base(f.path))
	return ok || err != nil
}

// folder is the package path below the module: "." for the root.
func (f *file) folder() string { return path.Dir(f.path) }

// parse returns the syntax tree. A file that does not parse is the compiler's to
// report; it gives nil.
func (f *file) parse(fset *token.FileSet) *ast.File {
	tree, err := parser.ParseFile(fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	return tree
}

// line returns the line number of a byte of the file.
func (f *file) line(offset int) int { return 1 + strings.Count(f.text[:offset], "\n") }

// readTree returns the text files under root that version control knows or would
// take. Without git it takes all that are not in a hidden folder.
func readTree(root string) ([]file, error) {
	names, err := listFiles(root)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		}
		if err != nil {
			return nil, err
		}
		if bytes.IndexByte(b, 0) < 0 {
			files = append(files, file{name, string(b)})
		}
	}
	return files, nil
}

func listFiles(root string) ([]string, error) {
	cmd := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if out, err := cmd.Output(); err == nil && len(out) > 0 {
		names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		slices.Sort(names)
		return slices.Compact(names), nil
	}
	var names []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && d.Name() != ".ci" && rel != "."
		if d.IsDir() && (hidden || rel == "bin" || rel == "out") {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	return names, err
}

// finding says what is wrong where, in the form of a compiler message.
func finding(path string, line int, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: ", path, line) + fmt.Sprintf(format, args...)
}
