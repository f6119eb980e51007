package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestDoctorTellsTheSameAsTextAndAsJSON(t *testing.T) {
	var text, list, errs bytes.Buffer
	code := Main([]string{"doctor"}, &text, &errs)
	if again := Main([]string{"doctor", "--json"}, &list, &errs); again != code || code > 1 {
		t.Errorf("exit codes %d and %d: %s", code, again, errs.String())
	}
	var findings []struct{ Name, Grade, Saw, Fix string }
	if err := json.Unmarshal(list.Bytes(), &findings); err != nil {
		t.Fatal(err)
	}
	fails := 0
	for _, f := range findings {
		if !strings.Contains(text.String(), f.Name) || (f.Grade == "pass") != (f.Fix == "") {
			t.Errorf("%+v", f)
		}
		if f.Grade == "fail" {
			fails++
		}
	}
	if len(findings) == 0 || (fails > 0) != (code == 1) {
		t.Errorf("%d findings, %d fail, exit code %d", len(findings), fails, code)
	}
	if code := Main([]string{"doctor", "now"}, &text, &errs); code != exitUsage {
		t.Errorf("an argument too many: exit code %d", code)
	}
}
