// Command mutants plants one bug after the other in the router and demands that the
// simulation finds each of them. No product code knows of it: go build gets files through
// -overlay that have every bug in them, and the environment of a run says which one lives.
//
//	go run ./internal/simtest/mutants [-seeds 1000] [-only name]
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	seeds := flag.Int("seeds", 1000, "within how many seeds a bug must be found")
	only := flag.String("only", "", "plant this one only")
	flag.Parse()
	if err := run(*seeds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(seeds int, only string) error {
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	binary, err := build(scratch)
	if err != nil {
		return err
	}
	if how, err := hunt(binary, 0, controlSeeds); err != errNothing {
		return fmt.Errorf("without a bug in it the simulation does not pass: %s %w", how, err)
	}
	todo := make(chan int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	found, failed := 0, error(nil)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range todo {
				how, err := hunt(binary, i+1, seeds)
				mu.Lock()
				if name := mutants[i].name; err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
					fmt.Printf("%-44s NOT FOUND: %v\n", name, err)
				} else {
					found++
					fmt.Printf("%-44s %s\n", name, how)
				}
				mu.Unlock()
			}
		})
	}
	n := 0
	for i := range mutants {
		if only == "" || mutants[i].name == only {
			n++
			todo <- i
		}
	}
	close(todo)
	wg.Wait()
	fmt.Printf("%d of %d planted bugs found within %d seeds each\n", found, n, seeds)
	if n == 0 {
		return fmt.Errorf("there is no mutant %q", only)
	}
	return failed
}

// controlSeeds is how many must pass with no bug planted.
const controlSeeds = 100

// patch returns the changed text of each file that m changes, by path.
func (m *mutant) patch() (map[string]string, error) {
	texts := map[string]string{}
	for _, e := range m.edits {
		text, ok := texts[e.file]
		if !ok {
			b, err := os.ReadFile(e.file)
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s has %d times, not once: %s", e.file, n, e.old)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return texts, nil
}

// build makes the simulation with every mutant in it; which one lives, the environment says.
func build(folder string) (binary string, err error) {
	texts, err := weave(mutants)
	if err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range texts {
		whole, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		changed := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o644); err != nil {
			return "", err
		}
		overlay.Replace[whole] = changed
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	overlayFile, binary := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "simtest.test")
	if err := os.WriteFile(overlayFile, list, 0o644); err != nil {
		return "", err
	}
	build := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", overlayFile, "-o", binary, "./internal/simtest")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("does not build: %w\n%s", err, out)
	}
	return binary, nil
}

// hunt runs seeds with mutant n in the router until one fails; 0 is none.
func hunt(binary string, n, seeds int) (how string, err error) {
	start := time.Now()
	cmd := exec.Command(binary, "-test.run", "^TestSim$", "-seeds", fmt.Sprint(seeds), "-fast")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", plantedVar, n), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return "", errNothing
	}
	for line := range strings.SplitSeq(string(out), "\n") {
		if _, what, ok := strings.Cut(line, ": seed "); ok {
			return fmt.Sprintf("%.1f s, seed %s", time.Since(start).Seconds(), what), nil
		}
	}
	return "", fmt.Errorf("the run ended without a failed seed: %w\n%s", err, out)
}

// errNothing is that all seeds pass.
var errNothing = errors.New("all seeds pass")
