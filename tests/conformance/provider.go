package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
)

// Provider is what the suite has to know of a provider: the contents of a file in providers/. README.md says how to
// write one. In all its texts `${service}` stands for the URL of the suite's stand-in for the service that the
// function calls.
type Provider struct {
	// Package is the package's name, as in the schema.
	Package string
	// Environment is set for each process, which otherwise gets next to nothing of the suite's own.
	Environment map[string]string
	// SecretEnvironment holds variables with secrets in them, where users have them.
	SecretEnvironment map[string]string
	// Configuration is a good one, typed. It leads to the stand-in.
	Configuration map[string]any
	// SecretConfiguration names the keys of Configuration that users mark as secret.
	SecretConfiguration []string
	// OtherConfiguration holds other good values for some keys of Configuration.
	OtherConfiguration map[string]any
	// WrongConfiguration holds bad values, each of which must be found by CheckConfig.
	WrongConfiguration map[string]any
	// Secrets are texts that never may be seen in messages or logs: keys, tokens, passwords.
	Secrets []string
	// Functions are those that are invoked. The first one takes part in all cases, the others in those on functions.
	Functions []Function

	// Function is the one that a case is about.
	Function `json:"-"`
}

// Function is a function that is invoked.
type Function struct {
	Token string
	// Arguments are good ones.
	Arguments map[string]any
	// Argument is the required string argument on which values of all kinds are tried; empty: there is none.
	Argument string
	// Others are further good values of it, written as a format for a number (fmt).
	Others string
	// Wrong are bad texts for it, each of which the service would refuse.
	Wrong []string
	// Optional names an argument that may be null; empty: there is none.
	Optional string
	// Results must come back for Arguments; `${argument}` stands for the value of Argument.
	Results map[string]any
	// Service is nil for a function that calls nothing over HTTP.
	Service *ServiceAnswers
}

// ServiceAnswers describes the stand-in. In an answer's body `${request.a.0}` stands for what the JSON body of the
// request holds at a, 0.
type ServiceAnswers struct {
	// Header must be in a request for it to be answered so; other requests are answered 404.
	Header map[string]string
	Good   ServiceAnswer
	// Refusal says that the caller may not do that.
	Refusal ServiceAnswer
	// More are further calls that the function makes, always answered well.
	More []struct {
		Header map[string]string
		Good   ServiceAnswer
	}
	// RefusalSays must be in the error that the user sees after a refusal.
	RefusalSays string
	// Nonsense are answers that hold no result, by what they are.
	Nonsense map[string]ServiceAnswer
}

// ServiceAnswer is an HTTP answer. A body that is not a string is sent as JSON.
type ServiceAnswer struct {
	Status  int
	Headers map[string]string
	Body    any
}

func loadProvider(file string) (*Provider, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the provider's file: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	provider := &Provider{}
	if err := decoder.Decode(provider); err != nil {
		return nil, fmt.Errorf("the provider's file %s: %w", file, err)
	}
	for i, function := range provider.Functions {
		_, hasText := function.Arguments[function.Argument].(string)
		if optional := i > 0 && function.Argument == ""; !hasText && !optional {
			return nil, fmt.Errorf("the provider's file %s: the arguments of %s have no text for %q, which its argument "+
				"names", file, function.Token, function.Argument)
		}
	}
	if len(provider.Functions) == 0 {
		return nil, fmt.Errorf("the provider's file %s lists no functions", file)
	}
	return provider.about(provider.Functions[0]), nil
}

// about is the same provider for a case on this function.
func (p *Provider) about(function Function) *Provider {
	provider := *p
	provider.Function = function
	return &provider
}

// goodArgument is the value of the argument on which values are tried.
func (f Function) goodArgument() string {
	argument, _ := f.Arguments[f.Argument].(string)
	return argument
}

// with is the good arguments with another value for the argument on which values are tried.
func (f Function) with(value any) map[string]any {
	arguments := maps.Clone(f.Arguments)
	if f.Argument != "" {
		arguments[f.Argument] = value
	}
	return arguments
}

// without is the good arguments without the argument on which values are tried.
func (f Function) without() map[string]any {
	arguments := maps.Clone(f.Arguments)
	delete(arguments, f.Argument)
	return arguments
}

// resultsFor are the results that must come back for a value of the argument.
func (f Function) resultsFor(argument string) map[string]any {
	return expand(f.Results, "${argument}", argument).(map[string]any)
}

// expand replaces a variable in all texts of a value.
func expand(value any, variable, text string) any {
	switch value := value.(type) {
	case string:
		return strings.ReplaceAll(value, variable, text)
	case []any:
		expanded := make([]any, len(value))
		for i, element := range value {
			expanded[i] = expand(element, variable, text)
		}
		return expanded
	case map[string]any:
		expanded := make(map[string]any, len(value))
		for key, element := range value {
			expanded[key] = expand(element, variable, text)
		}
		return expanded
	default:
		return value
	}
}
