// Command conformance holds a Pulumi provider that serves functions against the provider protocol.
//
//	go run . -provider PATH [-file providers/aws.json] [-case PREFIX]
//
// It exits with 1 when a must is broken, with 2 when it could not run.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	path := flag.String("provider", "", "the provider's `binary`")
	file := flag.String("file", "providers/aws.json", "what the suite has to know of the provider")
	prefix := flag.String("case", "", "run only the cases whose id has this `prefix`")
	parallel := flag.Int("parallel", 4, "how many cases run at the same time; most of them wait most of the time")
	flag.Parse()

	suite, err := newSuite(*path, *file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	report := newReport(os.Stdout)
	suite.run(casesWithPrefix(*prefix), *parallel, report.add)
	if brokenMusts := report.summarise(); brokenMusts > 0 {
		os.Exit(1)
	}
}

func newSuite(path, file string) (*Suite, error) {
	if path == "" {
		return nil, fmt.Errorf("which provider? Say -provider PATH")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return nil, fmt.Errorf("%s is no provider's binary", path)
	}
	provider, err := loadProvider(file)
	if err != nil {
		return nil, err
	}
	return &Suite{path: path, provider: provider}, nil
}

func casesWithPrefix(prefix string) []Case {
	var chosen []Case
	for _, c := range cases() {
		if strings.HasPrefix(c.ID, prefix) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}
