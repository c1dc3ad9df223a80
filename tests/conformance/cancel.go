package main

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const cancelSource = "pkg/resource/plugin/provider_plugin.go: SignalCancellation"

var cancelCases = []Case{
	{
		ID: "cancel.answer", Level: Must,
		Rule:   "Cancel answers OK or UNIMPLEMENTED, or the operation ends with an error.",
		Source: cancelSource,
		Run:    func(t *T) { t.configured(Setup{}).cancel() },
	},
	{
		ID: "cancel.implemented", Level: Should,
		Rule:   "Cancel is implemented.",
		Source: "proto/pulumi/provider.proto: Cancel",
		Run: func(t *T) {
			_, err := t.configured(Setup{}).Cancel(t.ctx, &emptypb.Empty{})
			t.check("Cancel", err)
		},
	},
	{
		ID: "cancel.quick", Level: Should,
		Rule:   "Cancel is answered within the 5 seconds that the engine waits, with a call in flight too.",
		Source: "pkg/resource/plugin/provider_plugin.go: Close",
		Run: func(t *T) {
			session, _ := t.hanging()
			ctx, cancel := context.WithTimeout(t.ctx, killLimit)
			defer cancel()
			if _, err := session.Cancel(ctx, &emptypb.Empty{}); status.Code(err) == codes.DeadlineExceeded {
				t.brokenf("no answer within %s", killLimit)
			}
		},
	},
	{
		ID: "cancel.keeps-serving", Level: Must,
		Rule:   "Cancel does not end the process; more of them may come, and other calls.",
		Source: attachSource + ", where it comes at the end of each operation",
		Run: func(t *T) {
			session := t.configured(Setup{})
			for range 3 {
				session.cancel()
				session.alive("after Cancel")
			}
		},
	},
	{
		ID: "cancel.before-anything", Level: Must,
		Rule:   "Cancel is answered before any other call.",
		Source: "sdk/go/common/resource/plugin/provider_plugin.go: cancelOnCloseProvider",
		Run: func(t *T) {
			session := t.start(Setup{})
			session.cancel()
			session.alive("after Cancel")
		},
	},
	{
		ID: "cancel.aborts", Level: Should,
		Rule:   "Cancel aborts calls in flight, which return an error.",
		Source: "proto/pulumi/provider.proto: Cancel",
		Run: func(t *T) {
			session, call := t.hanging()
			session.cancel()
			if answer := session.answerOf(call); !answer.refused() {
				t.brokenf("no error but %s", describe(answer))
			}
		},
	},
	{
		ID: "cancel.next-operation", Level: Must,
		Rule:   "After a Cancel with a call in flight the next operation is served.",
		Source: attachSource,
		Run: func(t *T) {
			session, _ := t.hanging()
			session.cancel()
			session.Service.behave(answering)
			session.handshake()
			session.configure(session.configuration())
			session.works()
		},
	},
}

// hanging is a session with an Invoke in flight, which the service does not answer.
func (t *T) hanging() (*Session, <-chan Answer) {
	session := t.configured(Setup{Service: t.needService(silent)})
	return session, session.invokeInBackground(t.ctx)
}

// invokeInBackground begins an Invoke and returns once the service has its call.
func (s *Session) invokeInBackground(ctx context.Context) <-chan Answer {
	before := s.Service.Calls.Load()
	answers := s.begin(ctx, s.t.Provider.Function.Arguments)
	if !s.t.eventually(answerLimit, func() bool { return s.Service.Calls.Load() > before }) {
		s.t.brokenf("the Invoke does not come to the service")
	}
	return answers
}

// answerOf waits for an Invoke in the background.
func (s *Session) answerOf(answers <-chan Answer) Answer {
	ctx, cancel := context.WithTimeout(s.t.ctx, answerLimit)
	defer cancel()
	select {
	case answer := <-answers:
		return answer
	case <-ctx.Done():
		s.alive("the Invoke is not answered")
		s.t.brokenf("the Invoke is not answered within %s", answerLimit)
		return Answer{Err: status.Error(codes.DeadlineExceeded, "")}
	}
}
