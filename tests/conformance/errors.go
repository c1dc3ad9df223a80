package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errorCases = []Case{
	{
		ID: "errors.refusal", Level: Must, Each: EachFunction,
		Rule:   "When the service refuses, the Invoke fails, and the next one is served.",
		Source: invokeSource,
		Run: func(t *T) {
			session := t.configured(Setup{Service: t.needService(refusing)})
			session.fails("a refusal", session.invoke(t.Provider.Function.Arguments))
			session.Service.behave(answering)
			session.works()
		},
	},
	{
		ID: "errors.refusal-said", Level: Should, Each: EachFunction,
		Rule:   "The message says what the service said.",
		Source: "pkg/resource/deploy/source_eval.go: Invoke (invocation of … returned an error: …), all that a user sees",
		Run: func(t *T) {
			session := t.configured(Setup{Service: t.needService(refusing)})
			answer := session.invoke(t.Provider.Function.Arguments)
			mentions(t, "the error", answer.message(), t.Provider.Service.RefusalSays)
		},
	},
	{
		ID: "errors.unreachable", Level: Must, Limit: 3 * time.Minute,
		Rule:   "When nobody listens at the service's address, the Invoke fails in bounded time, and the process lives on.",
		Source: invokeSource + "; issue pulumi/pulumi-eks#1003",
		Run: func(t *T) {
			session := t.configured(Setup{Service: t.needService(answering)})
			session.Service.stop()
			ctx, cancel := context.WithTimeout(t.ctx, 2*time.Minute)
			defer cancel()
			answer := session.invokeRequest(ctx, session.invokeRequestFor(t.Provider.Function.Arguments))
			if status.Code(answer.Err) == codes.DeadlineExceeded && ctx.Err() != nil {
				t.brokenf("no answer within two minutes")
			}
			session.fails("a service that is not there", answer)
		},
	},
	{
		ID: "errors.unreachable-said", Level: Should, Limit: 3 * time.Minute,
		Rule:   "The message then says which address was tried.",
		Source: "pkg/resource/deploy/source_eval.go: Invoke (invocation of … returned an error: …), all that a user sees",
		Run: func(t *T) {
			session := t.configured(Setup{Service: t.needService(answering)})
			session.Service.stop()
			answer := session.invoke(t.Provider.Function.Arguments)
			mentions(t, "the error", answer.message(), strings.TrimPrefix(session.Service.URL, "http://"))
		},
	},
	{
		ID: "errors.nonsense", Level: Must, Each: EachFunction, Limit: 3 * time.Minute,
		Rule:   "When the service answers nonsense, the Invoke fails, and the next one is served.",
		Source: invokeSource + "; " + fuzzSource,
		Run: func(t *T) {
			session := t.configured(Setup{Service: t.needService(answering)})
			for _, what := range slices.Sorted(maps.Keys(t.Provider.Service.Nonsense)) {
				session.Service.behave(answeringWith(t.Provider.Service.Nonsense[what]))
				session.fails(what, session.invoke(t.Provider.Function.Arguments))
			}
			session.Service.behave(answering)
			session.works()
		},
	},
	{
		ID: "errors.caller-leaves", Level: Must,
		Rule:   "A caller that gives up while the service hangs harms nobody else.",
		Source: "grpc: cancellation; engines drop calls when a program ends",
		Run: func(t *T) {
			session := t.configured(Setup{Service: t.needService(silent)})
			ctx, leave := context.WithCancel(t.ctx)
			call := session.invokeInBackground(ctx)
			leave()
			session.answerOf(call)
			session.Service.behave(answering)
			session.works()
		},
	},
}

// fails ends the case unless an Invoke failed with a message that users can be shown.
func (s *Session) fails(what string, answer Answer) {
	s.alive(what)
	if !answer.refused() {
		s.t.brokenf("%s: no error but %s", what, describe(answer))
	}
	if answer.message() == "" {
		s.t.brokenf("%s: the error has no message", what)
	}
	s.t.noSecrets("the message about "+what, answer.message())
}
