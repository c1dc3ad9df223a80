package main

import (
	"syscall"
)

var secrecyCases = []Case{
	{
		ID: "secrecy.logs", Level: Must,
		Rule:   "Neither stdout, stderr nor the engine's log hold a secret, whatever is called.",
		Source: "pkg/resource/plugin/plugin.go: newPlugin, Close, which show them to users",
		Run:    func(t *T) { saysNoSecrets(t, nil) },
	},
	{
		ID: "secrecy.verbose-logs", Level: Must,
		Rule:   "Nor do they at -v=9.",
		Source: "pkg/resource/plugin/plugin.go: buildPluginArguments",
		Run:    func(t *T) { saysNoSecrets(t, []string{"--logtostderr", "-v=9"}) },
	},
	{
		ID: "secrecy.log-variables", Level: Must,
		Rule:   "Nor do they when the environment asks for the most that loggers of all languages have to say.",
		Source: "RUST_LOG, GRPC_GO_LOG_*, NODE_DEBUG, PULUMI_DEBUG_*: what users set when something fails",
		Run: func(t *T) {
			saysNoSecretsIn(t, Setup{Environment: map[string]string{
				"RUST_LOG": "trace", "RUST_BACKTRACE": "full", "GRPC_GO_LOG_SEVERITY_LEVEL": "info",
				"GRPC_GO_LOG_VERBOSITY_LEVEL": "99", "GODEBUG": "http2debug=1", "NODE_DEBUG": "*", "GRPC_TRACE": "all",
			}})
		},
	},
}

func saysNoSecrets(t *T, flags []string) { saysNoSecretsIn(t, Setup{Before: flags}) }

// saysNoSecretsIn calls all that handles secrets, well and badly, and looks through all that the provider said.
func saysNoSecretsIn(t *T, setup Setup) {
	session := t.start(setup)
	session.handshake()
	session.checkConfig(structOf(session.configurationWithSecrets()))
	for _, configuration := range []map[string]any{
		withKeys(session.configuration(), t.Provider.OtherConfiguration),
		withKeys(session.configurationWithSecrets(), t.Provider.WrongConfiguration),
		session.configuration(),
	} {
		_, _ = session.Configure(t.ctx, session.configureRequest(configuration)) // the wrong one may be refused
	}
	session.works()
	session.Service.behave(refusing)
	session.invoke(t.Provider.Function.with("conformance"))
	session.invoke(t.Provider.Function.without())
	if t.Provider.Service != nil {
		for _, nonsense := range t.Provider.Service.Nonsense {
			session.Service.behave(answeringWith(nonsense))
			session.invoke(t.Provider.Function.Arguments)
		}
	}
	session.cancel()
	session.signal(t, syscall.SIGINT)
	session.exitsWithin(t, killLimit)
	t.noSecrets("stdout", session.stdout.String())
	t.noSecrets("stderr", session.stderr.String())
	t.noSecrets("the engine's log", session.Engine.log())
}
