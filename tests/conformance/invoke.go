package main

import (
	"context"
	"fmt"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const invokeSource = "pkg/resource/plugin/provider_plugin.go: Invoke"

var invokeCases = []Case{
	{
		ID: "invoke.good", Level: Must, Each: EachFunction,
		Rule:   "Good arguments bring the results.",
		Source: invokeSource,
		Run:    func(t *T) { t.configured(Setup{}).works() },
	},
	{
		ID: "invoke.preview", Level: Must, Each: EachFunction,
		Rule:   "An Invoke of a preview brings the results too.",
		Source: "proto/pulumi/provider.proto: InvokeRequest.preview",
		Run: func(t *T) {
			session := t.configured(Setup{})
			request := session.invokeRequestFor(t.Provider.Function.Arguments)
			request.Preview = true
			session.good(session.invokeRequest(t.ctx, request), t.Provider.Function.goodArgument())
		},
	},
	{
		ID: "invoke.plain-results", Level: Must, Each: EachFunction,
		Rule:   "Arguments that are not secret bring results that are not, or Go's direct form of the function fails.",
		Source: "sdk/go/pulumi/context.go: InvokePackage (unexpected secret result)",
		Run: func(t *T) {
			answer := t.configured(Setup{}).invoke(t.Provider.Function.Arguments)
			if answer.Results.ContainsSecrets() {
				t.brokenf("there are secrets among the results")
			}
		},
	},
	{
		ID: "invoke.missing", Level: Must, Each: EachArgument,
		Rule:   "Without a required argument there are no results, but a word about it. So it is for what engines do not know yet, too.",
		Source: invokeSource + ", which drops unknown arguments",
		Run:    func(t *T) { t.refusesArguments(t.Provider.Function.without()) },
	},
	{
		ID: "invoke.null", Level: Must, Each: EachArgument,
		Rule:   "A required argument that is null is refused.",
		Source: "sdk/nodejs/runtime/rpc.ts: serializeProperties; SDKs send nulls",
		Run:    func(t *T) { t.refusesArguments(t.Provider.Function.with(nil)) },
	},
	{
		ID: "invoke.no-args", Level: Must, Each: EachArgument,
		Rule:   "A request without `args` is one without arguments.",
		Source: "proto/pulumi/provider.proto: InvokeRequest.args, a message, which may be absent",
		Run: func(t *T) {
			session := t.configured(Setup{})
			request := &pulumirpc.InvokeRequest{Tok: t.Provider.Function.Token}
			session.refuses("no args", session.invokeRequest(t.ctx, request))
		},
	},
	{
		ID: "invoke.failures", Level: Should, Each: EachArgument,
		Rule:   "A missing argument is told in failures, with the property, which SDKs show best.",
		Source: "proto/pulumi/provider.proto: InvokeResponse.failures",
		Run: func(t *T) {
			answer := t.configured(Setup{}).invoke(t.Provider.Function.without())
			if len(answer.Failures) == 0 {
				t.brokenf("no failures but %s", describe(answer))
			}
			if property := answer.Failures[0].GetProperty(); property != t.Provider.Function.Argument {
				t.brokenf("it is about %q", property)
			}
		},
	},
	{
		ID: "invoke.wrong", Level: Must, Each: EachArgument,
		Rule:   "A bad value of an argument, which the service refuses, brings no results but a word about it.",
		Source: invokeSource,
		Run: func(t *T) {
			session := t.needWrong()
			for _, wrong := range t.Provider.Function.Wrong {
				session.refuses(fmt.Sprintf("%q", wrong), session.invoke(t.Provider.Function.with(wrong)))
			}
			session.Service.behave(answering)
			session.works()
		},
	},
	{
		ID: "invoke.wrong-found", Level: Should, Each: EachArgument,
		Rule:   "A bad value is told in failures, with the property, before the service is called.",
		Source: "proto/pulumi/provider.proto: InvokeResponse.failures",
		Run:    findsWrong,
	},
	{
		ID: "invoke.optional-null", Level: Must, Each: EachFunction,
		Rule:   "An optional argument that is null is one that is missing.",
		Source: "sdk/nodejs/runtime/rpc.ts: serializeProperties; SDKs send nulls",
		Run: func(t *T) {
			optional := t.Provider.Function.Optional
			if optional == "" {
				t.notApplicable("the provider's file names no optional argument")
			}
			arguments := t.Provider.Function.with(t.Provider.Function.goodArgument())
			arguments[optional] = nil
			session := t.configured(Setup{})
			session.good(session.invoke(arguments), t.Provider.Function.goodArgument())
		},
	},
	{
		ID: "invoke.surplus", Level: Should, Each: EachFunction,
		Rule:   "An argument that the function does not know is passed over or refused by its name.",
		Source: "SDKs newer than the provider send such",
		Run: func(t *T) {
			session := t.configured(Setup{})
			arguments := t.Provider.Function.with(t.Provider.Function.goodArgument())
			arguments["conformanceArgument"] = "surplus"
			if answer := session.invoke(arguments); answer.refused() {
				mentions(t, "the refusal", answer.message(), "conformanceArgument")
				t.note("refused")
			} else {
				session.good(answer, t.Provider.Function.goodArgument())
			}
		},
	},
	{
		ID: "invoke.unknown-function", Level: Must,
		Rule:   "A function that the provider does not have is an error that names it.",
		Source: invokeSource + "; users see the message alone",
		Run: func(t *T) {
			_, answer := invokeUnknown(t)
			mentions(t, "the error", answer.message(), "noSuchFunction")
		},
	},
	{
		ID: "invoke.unknown-function-code", Level: Should,
		Rule:   "Its status is NOT_FOUND.",
		Source: "grpc: status codes; the engine itself does not look at it",
		Run: func(t *T) {
			if _, answer := invokeUnknown(t); status.Code(answer.Err) != codes.NotFound {
				t.brokenf("it is %s", status.Code(answer.Err))
			}
		},
	},
	{
		ID: "invoke.before-configure", Level: Must,
		Rule:   "An Invoke before any Configure is answered, one way or the other, and the process lives on.",
		Source: "proto/pulumi/provider.proto: Configure; tools that load plugins need not configure them",
		Run: func(t *T) {
			session := t.start(Setup{})
			session.handshake()
			ctx, cancel := context.WithTimeout(t.ctx, answerLimit)
			defer cancel()
			answer := session.invokeRequest(ctx, session.invokeRequestFor(t.Provider.Function.Arguments))
			session.alive("after an Invoke before Configure")
			t.note(describe(answer))
		},
	},
}

// refusesArguments ends the case unless arguments are refused with a word about the argument on which values are tried,
// and good ones are served afterwards.
func (t *T) refusesArguments(arguments map[string]any) {
	session := t.configured(Setup{})
	answer := session.invoke(arguments)
	session.refuses("such arguments", answer)
	mentions(t, "the refusal", answer.message(), t.Provider.Function.Argument)
	session.works()
}

// needWrong is a session whose service refuses, for cases on bad values.
func (t *T) needWrong() *Session {
	if len(t.Provider.Function.Wrong) == 0 {
		t.notApplicable("the provider's file has no wrong values")
	}
	session := t.configured(Setup{})
	session.Service.behave(refusing)
	return session
}

func findsWrong(t *T) {
	session := t.needWrong()
	for _, wrong := range t.Provider.Function.Wrong {
		answer := session.invoke(t.Provider.Function.with(wrong))
		if len(answer.Failures) == 0 {
			t.brokenf("%q: no failures but %s", wrong, describe(answer))
		}
		if property := answer.Failures[0].GetProperty(); property != t.Provider.Function.Argument {
			t.brokenf("%q: it is about %q", wrong, property)
		}
	}
	if session.Service != nil && session.Service.Calls.Load() > 0 {
		t.brokenf("the service was called")
	}
}

func invokeUnknown(t *T) (*Session, Answer) {
	session := t.configured(Setup{})
	token := t.Provider.Package + ":conformance/noSuchFunction:noSuchFunction"
	answer := session.invokeRequest(t.ctx, &pulumirpc.InvokeRequest{Tok: token, Args: structOf(nil)})
	session.alive("after an unknown function")
	if answer.Err == nil {
		t.brokenf("no error but %s", describe(answer))
	}
	return session, answer
}

// mentions ends the case unless a text holds a word.
func mentions(t *T, what, text, word string) {
	if !strings.Contains(text, word) {
		t.brokenf("%s does not mention %s: %q", what, word, text)
	}
}
