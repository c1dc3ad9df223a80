package main

import (
	"fmt"
	"io"
	"strings"
)

// Report prints results as they come and counts them.
type Report struct {
	out    io.Writer
	counts map[Level]map[Verdict]int
}

func newReport(out io.Writer) *Report {
	return &Report{out: out, counts: map[Level]map[Verdict]int{Must: {}, Should: {}}}
}

func (r *Report) add(result Result) {
	r.counts[result.Level][result.Verdict]++
	line := fmt.Sprintf("%-14s  %-6s  %-34s  %s", result.Verdict, result.Level, result.ID, result.Rule)
	if result.Reason != "" {
		line += " | " + strings.Join(strings.Fields(result.Reason), " ")
	}
	if result.Verdict != Broken {
		fmt.Fprintln(r.out, line)
		return
	}
	fmt.Fprintf(r.out, "%s | source: %s\n", line, result.Source)
	for log := range strings.Lines(result.Log) {
		fmt.Fprintf(r.out, "    stderr: %s\n", strings.TrimRight(log, "\n"))
	}
}

// summarise prints the counts and returns how many musts are broken.
func (r *Report) summarise() int {
	for _, level := range []Level{Must, Should} {
		counts := r.counts[level]
		fmt.Fprintf(r.out, "%s: %d held, %d broken, %d not applicable\n",
			level, counts[Held], counts[Broken], counts[NotApplicable])
	}
	total := func(verdict Verdict) int { return r.counts[Must][verdict] + r.counts[Should][verdict] }
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", total(Held), total(Broken), total(NotApplicable))
	return r.counts[Must][Broken]
}
