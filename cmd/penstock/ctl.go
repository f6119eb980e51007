package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"
)

const ctlUsage = `usage: penstock ctl -c FILE | --socket PATH  ACT [ID] --reason TEXT [--who NAME] [options]

Acts of a person on a running router. Each is an event in its journal with the name and the
reason, and is confirmed when it is on disk. With controls.people in the configuration the
acts marked 2 take effect when a second person has said the same within ten minutes.

  kill      --venue|--symbol|--client|--strategy|--policy ID, or of the firm: nothing new, cancel what is open
  release   the same scope                                                              2
  venue     NAME off|on: kill and release of one venue                                  2 (on)
  pause     PARENT: send nothing for it, cancel its open children
  resume    PARENT: work it again
  force     PARENT: end its schedule now and take what is left, within its limit and every other bound
  enable    STRATEGY that sent too often
  limit     NAME --value V [--until TIME]                                               2 (a raise, which needs a time)
            NAME is parent_max_qty, parent_max_notional, child_max_qty, child_max_notional or
            collar_bps, with --symbol; credit, with --client; or firm_credit
  resolve   CHILD --value CUMQTY: an order whose state no venue tells is over           2
  confirm-policy  POLICY: it trades on without its caps                                 2
  ack       ALERT: a person has it in hand, and says with --reason how
  status    what is killed, venues, alerts; needs neither a reason nor a person
  alerts    the same
  metrics   all counters, as metrics.listen serves them to Prometheus

--who is who acts, the user of this process without it; where controls.people names persons,
one of them. A strategy is its name, such as twap, or its TargetStrategy(847). --until is a
time like 2026-11-28T16:00:00Z. --json prints the answer as JSON.

Exit codes: 0 done or noted, 1 refused, 75 no router answers.
`

// ctl asks a running router.
func ctl(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("ctl", flag.ContinueOnError)
	config, socket := flags.String("c", "", ""), flags.String("socket", "", "")
	var r actRequest
	scopes := map[string]*string{}
	for _, kind := range []string{"venue", "symbol", "client", "strategy", "policy"} {
		scopes[kind] = flags.String(kind, "", "")
	}
	flags.StringVar(&r.Reason, "reason", "", "")
	flags.StringVar(&r.Who, "who", "", "")
	flags.StringVar(&r.Value, "value", "", "")
	flags.StringVar(&r.Until, "until", "", "")
	asJSON := flags.Bool("json", false, "")
	words, err := interspersed(flags, args, stderr)
	if err != nil {
		return err
	}
	path := *socket
	if *config != "" {
		cfg, err := LoadConfig(*config)
		if err != nil {
			return err
		}
		path = cfg.controlPath()
	}
	if path == "" || len(words) == 0 {
		return usageError("ctl: name the router with -c or --socket, and an act", ctlUsage)
	}
	if err := r.take(words, scopes); err != nil {
		return usageError("ctl: "+err.Error(), ctlUsage)
	}
	if name := emptyFlag(flags); name != "" {
		return usageError("ctl: --"+name+" is empty: name one, or leave it away", ctlUsage)
	}
	out, err := ask(path, &r)
	if err != nil {
		return temporary(fmt.Errorf("ctl: %w", err))
	}
	if *asJSON {
		text, _ := json.Marshal(out)
		fmt.Fprintf(stdout, "%s\n", text)
	} else {
		out.print(stdout)
	}
	if !out.OK {
		return failed("ctl: %s", out.Error)
	}
	return nil
}

// interspersed parses flags before, between and behind words.
func interspersed(flags *flag.FlagSet, args []string, stderr io.Writer) (words []string, err error) {
	for {
		if err := parseFlags(flags, ctlUsage, args, stderr); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return words, nil
		}
		words = append(words, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

// take makes the request of words and scopes.
func (r *actRequest) take(words []string, scopes map[string]*string) error {
	r.Act = words[0]
	rest := words[1:]
	for _, kind := range []string{"venue", "symbol", "client", "strategy", "policy"} {
		if *scopes[kind] == "" {
			continue
		}
		if r.Scope != "" {
			return fmt.Errorf("--%s and --%s: one scope at a time", r.Scope, kind)
		}
		r.Scope, r.ID = kind, *scopes[kind]
	}
	switch {
	case r.Act == "venue" && len(rest) == 2 && slices.Contains([]string{"on", "off"}, rest[1]):
		r.Scope, r.ID, r.Act = "venue", rest[0], map[string]string{"off": "kill", "on": "release"}[rest[1]]
		return nil
	case r.Act == "limit" && len(rest) == 1:
		r.Limit = rest[0]
		return nil
	case len(rest) == 0:
		return nil
	case len(rest) == 1 && r.Scope == "" && r.Act != "kill" && r.Act != "release":
		r.ID = rest[0]
		return nil
	}
	return errors.New("too many words")
}

// ask sends one request and waits for the answer.
func ask(path string, r *actRequest) (*answer, error) {
	conn, err := net.DialTimeout("unix", path, controlPatience)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no router listens at %s", path)
		}
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(4 * controlPatience))
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(append(text, '\n')); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var out answer
	return &out, json.Unmarshal(line, &out)
}

func (a *answer) print(w io.Writer) {
	switch {
	case a.Second:
		fmt.Fprintf(w, "noted as event %d: another person has to say the same within ten minutes\n", a.Seq)
	case a.Seq != 0 && a.Done:
		fmt.Fprintf(w, "done: event %d, on disk\n", a.Seq)
	}
	fmt.Fprint(w, a.Metrics)
	for _, text := range a.Killed {
		fmt.Fprintf(w, "killed: %s\n", text)
	}
	for _, text := range a.Venues {
		fmt.Fprintf(w, "%s\n", text)
	}
	for i := range a.Alerts {
		al := &a.Alerts[i]
		state := "open"
		if al.AckBy != "" {
			state = "acknowledged by " + al.AckBy
		}
		fmt.Fprintf(w, "alert %d %s %s, %s, %s: %s\n", al.ID, al.At.Format(time.TimeOnly), al.Severity, al.Owner, state, al.Text+al.duty())
	}
}
