package main

import (
	"slices"
	"time"
)

// Level says how much depends on a rule.
type Level string

const (
	// Must: without it an engine or an SDK fails, a process dies, or a secret gets out.
	Must Level = "must"
	// Should: without it users lose something, though everything runs.
	Should Level = "should"
)

// Each says for which functions a case is run.
type Each string

const (
	// FirstFunction: the first one alone, since the rule is about the provider.
	FirstFunction Each = ""
	// EachFunction: all of them.
	EachFunction Each = "function"
	// EachArgument: all that have an argument on which values are tried.
	EachArgument Each = "argument"
)

// Case is one rule of the protocol and the calls that show whether a provider holds it.
type Case struct {
	ID    string
	Level Level
	Rule  string
	// Source is where the rule comes from: a file of pulumi/pulumi v3.274.1 (with the function or message in it)
	// unless another project is named.
	Source string
	// Each says for which functions of the provider's file the case is run; the first one is always among them.
	Each Each
	// Limit is how long the case may take; 0: a minute.
	Limit time.Duration
	Run   func(*T)
}

// cases lists everything that the suite knows.
func cases() []Case {
	return slices.Concat(
		processCases, attachCases, handshakeCases, schemaCases, configurationCases, invokeCases,
		valueCases, cancelCases, otherRPCCases, errorCases, concurrencyCases, wireCases, secrecyCases,
	)
}

// Verdict is what became of a case.
type Verdict string

const (
	Held          Verdict = "held"
	Broken        Verdict = "broken"
	NotApplicable Verdict = "not applicable"
)

// Result is a case that was run.
type Result struct {
	Case
	Verdict Verdict
	// Reason says what was seen; for a held case it may be empty.
	Reason string
	// Log is what the provider's processes wrote to stderr.
	Log string
	// Called are the RPCs that were called, as often as they were.
	Called []string
}
