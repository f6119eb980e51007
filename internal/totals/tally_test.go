package main

import (
	"strings"
	"testing"
)

func TestTallyCountsTestsAndDeadPackages(t *testing.T) {
	const stream = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"quiet\n"}
{"Action":"run","Package":"a","Test":"TestOne/sub"}
{"Action":"pass","Package":"a","Test":"TestOne/sub"}
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestTwo/case","Output":"two is wrong\n"}
{"Action":"fail","Package":"a","Test":"TestTwo/case"}
{"Action":"fail","Package":"a","Test":"TestTwo"}
{"Action":"output","Package":"a","Test":"TestThree","Output":"=== RUN   TestThree\n"}
{"Action":"output","Package":"a","Test":"TestThree","Output":"    x_test.go:9: no recordings\n"}
{"Action":"skip","Package":"a","Test":"TestThree"}
{"Action":"fail","Package":"a","Elapsed":1.5}
{"ImportPath":"b","Action":"build-output","Output":"b.go:1: syntax error\n"}
{"ImportPath":"b","Action":"build-fail"}
{"Action":"output","Package":"b","Output":"FAIL b [build failed]\n"}
{"Action":"fail","Package":"b","FailedBuild":"b"}
{"Action":"skip","Package":"c"}
{"Action":"pass","Package":"d","Test":"ExampleX"}
{"Action":"pass","Package":"d","Elapsed":0.01}
not json
`
	const want = `two is wrong
FAIL a: 1 passed, 1 failed (1.5s)
skipped a TestThree: x_test.go:9: no recordings
b.go:1: syntax error
FAIL b [build failed]
FAIL b: the package did not run to its end
  -  c: no tests
 ok  d: 1 passed (10ms)
not json
`
	var got strings.Builder
	tally := newTally(&got)
	if err := tally.read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", got.String(), want)
	}
	if line := tally.line(); line != "2 passed, 2 failed, 1 skipped" {
		t.Errorf("total %q", line)
	}
}
