package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// upperKey returns the first key that is not in lower case, as all keys are. The decoder
// takes them all the same, so that "Child_Max_Qty" would be a second way to say child_max_qty.
// Symbols in a venue's table keep their case.
func upperKey(keys []toml.Key) (toml.Key, bool) {
	for _, key := range keys {
		if slices.Contains(key[:len(key)-1], "symbols") {
			continue
		}
		if last := key[len(key)-1]; last != strings.ToLower(last) {
			return key, true
		}
	}
	return nil, false
}

var (
	numbered = regexp.MustCompile(`^(?:ems: |ems\.)?(instrument|venue|client|session|drop_copy|controls\.trade_through) (\d+)(?:: | \()`)
	named    = regexp.MustCompile(`\b(venue|instrument|session|drop copy) ([A-Za-z0-9_./-]+):`)
	nameKeys = []string{"name", "symbol", "target_comp_id"}
	lastKey  = regexp.MustCompile(`\(last key "([^"]+)"\): (.*)`)
	keyWords = regexp.MustCompile(`[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*`)
)

// tableOf says what the array is called whose tables errors count by these names.
var tableOf = map[string]string{"session": "ems.session", "drop_copy": "ems.drop_copy"}

// placeOf says where the text of an error points: "line 12", the line of a key that it names, or
// of the table where the key is missing.
func placeOf(raw []byte, text string) string {
	lines := strings.Split(string(raw), "\n")
	from, to := 0, len(lines)
	if m := numbered.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[2])
		if a, b, ok := nthTable(lines, cmp.Or(tableOf[m[1]], m[1]), n); ok {
			from, to, text = a, b, text[len(m[0]):]
		}
	}
	if m := named.FindStringSubmatch(text); m != nil {
		for i, line := range lines {
			if key, value, ok := strings.Cut(line, "="); ok && slices.Contains(nameKeys, strings.TrimSpace(key)) &&
				strings.HasPrefix(strings.TrimSpace(value), `"`+m[2]+`"`) {
				return fmt.Sprintf("line %d", i+1)
			}
		}
	}
	best := 0
	for _, word := range keyWords.FindAllString(text, -1) {
		table, key := "", word
		if i := strings.LastIndexByte(word, '.'); i >= 0 {
			table, key = word[:i], word[i+1:]
		}
		if at := findKey(lines[from:to], table, key); at > 0 {
			return fmt.Sprintf("line %d", from+at)
		}
		if best == 0 {
			best = findTable(lines[from:to], word)
		}
		if best == 0 && table != "" {
			if best = findTable(lines[from:to], table); best > 0 {
				break // the key is missing there: what the text says further names other things
			}
		}
	}
	return fmt.Sprintf("line %d", from+max(best, 1))
}

// nthTable returns the lines of the nth [[name]], up to the next one or another array: with its own
// tables, unless it is a part of another table itself.
func nthTable(lines []string, name string, n int) (from, to int, ok bool) {
	part := strings.Contains(name, ".")
	for i, line := range lines {
		head, _, _ := strings.Cut(strings.TrimSpace(line), "#")
		head = strings.TrimSpace(head)
		if !strings.HasPrefix(head, "[") || !part && (!strings.HasPrefix(head, "[[") || strings.Contains(head, ".")) {
			continue
		}
		if ok {
			return from, i, true
		}
		if head == "[["+name+"]]" {
			if n--; n == 0 {
				from, ok = i, true
			}
		}
	}
	return from, len(lines), ok
}

// findKey returns the line, from 1, that sets key in a table whose name ends in table; 0: none.
func findKey(lines []string, table, key string) int {
	in := ""
	for i, line := range lines {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "[") {
			in = strings.Trim(text[:strings.LastIndexByte(text, ']')+1], "[]")
			continue
		}
		if name, _, ok := strings.Cut(text, "="); ok && strings.TrimSpace(name) == key &&
			(table == "" || in == table || strings.HasSuffix(in, "."+table)) {
			return i + 1
		}
	}
	return 0
}

// findTable returns the line of the header of a table whose name ends in name; 0: none.
func findTable(lines []string, name string) int {
	for i, line := range lines {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "[") {
			head := strings.Trim(text[:strings.LastIndexByte(text, ']')+1], "[]")
			if head == name || strings.HasSuffix(head, "."+name) {
				return i + 1
			}
		}
	}
	return 0
}
