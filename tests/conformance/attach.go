package main

import (
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const attachSource = "pkg/resource/plugin/provider_plugin.go: NewProvider (PULUMI_DEBUG_PROVIDERS)"

var attachCases = []Case{
	{
		ID: "attach.no-address", Level: Must,
		Rule:   "Without an engine's address the process serves all the same.",
		Source: attachSource,
		Run:    func(t *T) { t.configured(Setup{Address: "none"}).works() },
	},
	{
		ID: "attach.attach", Level: Must,
		Rule:   "Attach answers OK.",
		Source: attachSource,
		Run: func(t *T) {
			session := t.start(Setup{Address: "none"})
			session.attach(t.startEngine())
			session.alive("after Attach")
		},
	},
	{
		ID: "attach.operations", Level: Must,
		Rule:   "One process serves one operation after the other, each from Handshake to Cancel and with its own engine.",
		Source: attachSource + "; Cancel comes at the end of each",
		Run: func(t *T) {
			session := t.start(Setup{Address: "none"})
			for range 3 {
				engine := t.startEngine()
				session.attach(engine)
				session.configure(session.configuration())
				session.works()
				session.cancel()
				engine.stop()
			}
			session.alive("after three operations")
		},
	},
	{
		ID: "attach.reconfigure", Level: Must,
		Rule:   "The next operation's Configure replaces the last one's.",
		Source: attachSource,
		Run:    reconfigure,
	},
}

// attach begins an operation on a running process.
func (s *Session) attach(engine *Engine) {
	request := s.handshakeRequest()
	request.EngineAddress, request.RootDirectory, request.ProgramDirectory = engine.Address, nil, nil
	if _, err := s.Handshake(s.t.ctx, request); status.Code(err) != codes.Unimplemented {
		s.t.check("Handshake", err)
	}
	_, err := s.Attach(s.t.ctx, &pulumirpc.PluginAttach{Address: engine.Address})
	s.t.check("Attach", err)
}

// cancel cancels as engines do, which take UNIMPLEMENTED for an answer.
func (s *Session) cancel() {
	if _, err := s.Cancel(s.t.ctx, &emptypb.Empty{}); status.Code(err) != codes.Unimplemented {
		s.t.check("Cancel", err)
	}
}

func reconfigure(t *T) {
	first, second := t.needService(answering), t.needService(answering)
	session := t.start(Setup{Address: "none", Service: first})
	for _, service := range []*Service{first, second} {
		session.attach(t.startEngine())
		session.Service = service
		session.configure(session.configuration())
		session.works()
		session.cancel()
	}
	if second.Calls.Load() == 0 {
		t.brokenf("the second operation did not call the service of its own configuration")
	}
}
