package policy

// BuildOptions are what a rule-based table takes from outside.
type BuildOptions struct {
	Version             string // of the program that builds, for META; required
	BuildTime           int64  // ns since epoch
	NotBefore, NotAfter int64  // validity, ns since epoch; NotAfter is exclusive
}

// rulesInWords are the hand-written rules of BuildBaseline. They stand in the
// metadata of the table; rule.go is the same in code.
var rulesInWords = [...]string{
	"1 undisturbed (on schedule, signal within 0.2 half-spreads, volatility and dark fills " +
		"normal): BASELINE",
	"2 last decision and not ahead of schedule: TAKE_ALL",
	"3 otherwise pressure = time {-1,0,2,4,6,9} + fifths left {-1,0,1,2,3} + gap {-3,0,4} " +
		"+ signal {-4,-2,0,2,4} + volatility {0,0,1} + sweep cost {1,0,-1}",
	"4 pressure < 0, wait: DARK_REST; HOLD when dark fills are poor",
	"5 pressure 0-3, probe: DARK_SWEEP when dark fills are good, DARK+POST when normal and " +
		"the spread is 2 ticks or more, DARK_REST when normal and 1 tick; POST_JOIN when poor",
	"6 pressure 4-7, work: POST_JOIN at 1 tick; DARK+POST at 3 ticks or more with good dark " +
		"fills; POST_IMPROVE otherwise",
	"7 pressure 8-10, press: TAKE_25 at 1 tick with a cheap sweep; DARK→SDP at 2 ticks or more " +
		"unless dark fills are poor; SDP_PROBE→POST otherwise",
	"8 pressure 11-14: MIX_URGENT; TAKE_ALL at 1 tick with a cheap sweep and an adverse signal",
	"9 pressure 15 or more: TAKE_ALL",
}

// BuildBaseline returns the rule-based table: one page, every cell decided by
// rulesInWords. No data supports them, so confidence is 0 everywhere; no cell is marked
// thin, because a rule knows its answer for every state. The UUID is derived
// from the content. It returns an error when opt cannot be written to a file.
func BuildBaseline(opt BuildOptions) (*Table, error) {
	t := newTable(&defaultSchema, 1)
	t.header.BuildTime = opt.BuildTime
	t.header.NotBefore, t.header.NotAfter = opt.NotBefore, opt.NotAfter
	t.meta = Meta{Trainer: "build-baseline", Version: opt.Version, Rules: rulesInWords[:]}
	for i := range t.cells {
		action := rule(defaultSchema.Bins(uint32(i)))
		t.cells[i] = encodeCell(action, alternatives[action], 0, 0)
	}
	uuid, err := t.contentUUID()
	if err != nil {
		return nil, err
	}
	t.header.UUID = uuid
	_, err = t.encodeSections()
	return t, err
}
