package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Suite runs cases against one binary.
type Suite struct {
	path     string
	provider *Provider
}

// run runs the cases, some at a time, and hands their results over in the order of the cases. Of a provider that does not
// start, all are broken without a try, each of which would wait for the port.
func (s *Suite) run(cases []Case, parallel int, done func(Result)) {
	start := s.runCase(Case{Run: func(t *T) { t.start(Setup{}) }})
	if start.Verdict == Broken {
		for _, c := range cases {
			done(Result{Case: c, Verdict: Broken, Reason: "it does not start: " + start.Reason, Log: start.Log})
			start.Log = ""
		}
		return
	}
	runs := s.runsOf(cases)
	results := make([]chan Result, len(runs))
	free := make(chan struct{}, max(parallel, 1))
	for i := range runs {
		results[i] = make(chan Result, 1)
	}
	go func() {
		for i, run := range runs {
			free <- struct{}{}
			go func() {
				results[i] <- run.suite.runCase(run.c)
				<-free
			}()
		}
	}()
	for _, result := range results {
		done(<-result)
	}
}

// caseRun is a case on a function.
type caseRun struct {
	suite *Suite
	c     Case
}

// runsOf are the cases, each for the functions that it is about. The id of one for another function than the first ends
// with @ and its token.
func (s *Suite) runsOf(cases []Case) []caseRun {
	var runs []caseRun
	for _, c := range cases {
		runs = append(runs, caseRun{s, c})
		for _, function := range s.provider.Functions[1:] {
			if c.Each == FirstFunction || c.Each == EachArgument && function.Argument == "" {
				continue
			}
			other := c
			other.ID += "@" + function.Token
			runs = append(runs, caseRun{&Suite{path: s.path, provider: s.provider.about(function)}, other})
		}
	}
	return runs
}

func (s *Suite) runCase(c Case) Result {
	if c.Limit == 0 {
		c.Limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Limit)
	defer cancel()
	t := &T{Provider: s.provider, path: s.path, ctx: ctx, verdict: Held}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer t.cleanUp()
		c.Run(t)
	}()
	<-finished
	return Result{Case: c, Verdict: t.verdict, Reason: t.reason, Log: t.log(), Called: t.rpcs()}
}

// T is one run of one case. Its methods that find a rule broken end the case.
type T struct {
	Provider *Provider

	path    string
	ctx     context.Context
	verdict Verdict
	reason  string

	mutex     sync.Mutex
	cleanups  []func()
	processes []*Process
	called    []string
}

// brokenf ends the case: the rule does not hold.
func (t *T) brokenf(format string, arguments ...any) {
	t.verdict, t.reason = Broken, fmt.Sprintf(format, arguments...)
	if t.ctx.Err() != nil {
		t.reason += " (the case's time was over)"
	}
	runtime.Goexit()
}

// notApplicable ends the case: the rule says nothing about this provider.
func (t *T) notApplicable(reason string) {
	t.verdict, t.reason = NotApplicable, reason
	runtime.Goexit()
}

// note says what was seen where more than one answer holds the rule.
func (t *T) note(reason string) {
	t.reason = reason
}

// check ends the case if something of the suite's own failed that the provider has to do with, such as a call.
func (t *T) check(what string, err error) {
	if err != nil {
		t.brokenf("%s: %v", what, err)
	}
}

// eventually polls a condition until it holds; false: not within the limit.
func (t *T) eventually(limit time.Duration, condition func() bool) bool {
	ctx, cancel := context.WithTimeout(t.ctx, limit)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			return condition()
		case <-tick.C:
		}
	}
	return true
}

// noSecrets ends the case if the text holds one of the provider's secrets.
func (t *T) noSecrets(where, text string) {
	for _, secret := range t.Provider.Secrets {
		if strings.Contains(text, secret) {
			t.brokenf("%s holds a secret of %d characters", where, len(secret))
		}
	}
}

func (t *T) atEnd(cleanup func()) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.cleanups = append(t.cleanups, cleanup)
}

func (t *T) cleanUp() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

// temporaryDirectory is removed when the case ends.
func (t *T) temporaryDirectory() string {
	directory, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		t.brokenf("the suite has no temporary directory: %v", err)
	}
	t.atEnd(func() { _ = os.RemoveAll(directory) })
	return directory
}

// rpcs are those that were called.
func (t *T) rpcs() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.called)
}

func (t *T) log() string {
	var log strings.Builder
	for _, process := range t.processes {
		log.WriteString(process.stderr.String())
	}
	return log.String()
}
