package main

import (
	"context"
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

const concurrencySource = "pkg/resource/deploy/source_eval.go: the engine sends a program's invokes as they come"

var concurrencyCases = []Case{
	{
		ID: "concurrency.different", Level: Must,
		Rule:   "Many different Invokes at once get each its own results.",
		Source: concurrencySource,
		Run: func(t *T) {
			format := t.Provider.Function.Others
			if format == "" {
				t.notApplicable("the provider's file has no others")
			}
			invokeAtOnce(t, func(i int) string { return fmt.Sprintf(format, i+1) })
		},
	},
	{
		ID: "concurrency.equal", Level: Must,
		Rule:   "Many equal Invokes at once get each the results.",
		Source: concurrencySource,
		Run: func(t *T) {
			invokeAtOnce(t, func(int) string { return t.Provider.Function.goodArgument() })
		},
	},
	{
		ID: "concurrency.not-blocked", Level: Must,
		Rule:   "While an Invoke hangs, other RPCs are answered.",
		Source: "pkg/resource/plugin/provider_plugin.go: Configure runs beside other calls, Cancel beside all",
		Run: func(t *T) {
			session, _ := t.hanging()
			ctx, cancel := context.WithTimeout(t.ctx, answerLimit)
			defer cancel()
			_, err := session.GetSchema(ctx, &pulumirpc.GetSchemaRequest{})
			t.check("GetSchema", err)
			_, err = session.GetPluginInfo(ctx, &emptypb.Empty{})
			t.check("GetPluginInfo", err)
		},
	},
	{
		ID: "concurrency.invokes", Level: Must,
		Rule:   "While Invokes hang, on this connection and others, another one gets its results.",
		Source: concurrencySource + ", and some providers ask servers that are slow",
		Run:    invokesBesideOthers,
	},
	{
		ID: "concurrency.one-leaves", Level: Must,
		Rule:   "Of several equal Invokes in flight one may be given up by its caller; the others get their results.",
		Source: "grpc: cancellation, which is a call's own",
		Run:    oneLeaves,
	},
	{
		ID: "concurrency.connections", Level: Must,
		Rule:   "Several connections are served, and one that ends disturbs no other.",
		Source: "pkg/codegen/schema/loader.go and the engine itself, when both attach to one process",
		Run: func(t *T) {
			session := t.configured(Setup{})
			for range 8 {
				connection := t.dial(session.Port)
				_, err := pulumirpc.NewResourceProviderClient(connection).GetPluginInfo(t.ctx, &emptypb.Empty{})
				t.check("GetPluginInfo on another connection", err)
				t.check("closing it", connection.Close())
			}
			session.works()
		},
	},
}

// many is how many Invokes are sent at once.
const many = 64

func invokeAtOnce(t *T, argument func(int) string) {
	session := t.configured(Setup{})
	answers := make([]<-chan Answer, many)
	for i := range answers {
		answers[i] = session.begin(t.ctx, t.Provider.Function.with(argument(i)))
	}
	for i, answer := range answers {
		session.good(<-answer, argument(i))
	}
}

// hung is how many Invokes hang while another is made: more than processors that small machines have.
const hung = 8

func invokesBesideOthers(t *T) {
	format := t.Provider.Function.Others
	if format == "" {
		t.notApplicable("the provider's file has no others")
	}
	session := t.configured(Setup{Service: t.needService(silent)})
	elsewhere := *session
	elsewhere.ResourceProviderClient = pulumirpc.NewResourceProviderClient(t.dial(session.Port))
	for i := range hung {
		caller := []*Session{session, &elsewhere}[i%2]
		caller.begin(t.ctx, t.Provider.Function.with(fmt.Sprintf(format, i+1)))
	}
	if !t.eventually(answerLimit, func() bool { return session.Service.Calls.Load() == hung }) {
		t.brokenf("of %d Invokes at once only %d come to the service", hung, session.Service.Calls.Load())
	}
	session.Service.behave(answering)
	for i, caller := range []*Session{session, &elsewhere} {
		ctx, cancel := context.WithTimeout(t.ctx, answerLimit)
		defer cancel()
		argument := fmt.Sprintf(format, hung+1+i)
		caller.good(caller.invokeRequest(ctx, caller.invokeRequestFor(t.Provider.Function.with(argument))), argument)
	}
}

func oneLeaves(t *T) {
	release := make(chan struct{})
	session := t.configured(Setup{Service: t.needService(holding(release))})
	ctx, leave := context.WithCancel(t.ctx)
	leaver := session.invokeInBackground(ctx)
	stayer := session.begin(t.ctx, t.Provider.Function.Arguments) // perhaps without a call of its own
	leave()
	session.answerOf(leaver)
	close(release)
	session.good(session.answerOf(stayer), t.Provider.Function.goodArgument())
}
