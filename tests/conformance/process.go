package main

import (
	"os"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var processCases = []Case{
	{
		ID: "process.port-line", Level: Must,
		Rule:   "The first bytes on stdout are the decimal port and a newline.",
		Source: "pkg/resource/plugin/plugin.go: newPlugin; engines of old do not trim white space",
		Run:    func(t *T) { t.start(Setup{}) },
	},
	{
		ID: "process.stdout", Level: Should,
		Rule:   "Nothing follows the port on stdout, whatever the provider does.",
		Source: "pkg/resource/plugin/plugin.go: newPlugin, which hands it to the user's log or hides it",
		Run:    nothingElseOnStdout,
	},
	{
		ID: "process.loopback", Level: Must,
		Rule:   "The port, which asks for no password, is bound to loopback addresses only.",
		Source: "sdk/go/common/util/rpcutil/serve.go: serveWithOptions",
		Run:    onlyLoopback,
	},
	{
		ID: "process.flags", Level: Must,
		Rule:   "The flags that engines put before the address are taken.",
		Source: "pkg/resource/plugin/plugin.go: buildPluginArguments",
		Run: func(t *T) {
			t.start(Setup{Before: []string{"--logtostderr", "-v=9", "--tracing", "tcp://127.0.0.1:9"}}).handshake()
		},
	},
	{
		ID: "process.flag-spellings", Level: Should,
		Rule:   "The flags are taken in each spelling that Go programs take: -v 9, --v=9, -logtostderr=true, --tracing=URL.",
		Source: "sdk/go/pulumi/provider/main.go: MainContext, which reads them with Go's package flag",
		Run: func(t *T) {
			flags := []string{"-logtostderr=true", "--v=9", "-v", "9", "--tracing=tcp://127.0.0.1:9"}
			t.start(Setup{Before: flags}).handshake()
		},
	},
	{
		ID: "process.flags-behind", Level: Should,
		Rule:   "Flags behind the address are taken too.",
		Source: "sdk/python/lib/pulumi/provider/server.py: main, which takes flags anywhere",
		Run: func(t *T) {
			t.start(Setup{After: []string{"--logtostderr"}}).handshake()
		},
	},
	{
		ID: "process.environment", Level: Must,
		Rule:   "What engines put into the environment does no harm, an OTLP endpoint included at which nobody listens.",
		Source: "pkg/resource/plugin/plugin.go: ExecPlugin; provider_plugin.go: NewProvider",
		Run:    engineEnvironment,
	},
	{
		ID: "process.proxy", Level: Must,
		Rule:   "A proxy in the environment does not stand between the provider and its engine.",
		Source: "issue pulumi/pulumi#3274",
		Run:    proxyInEnvironment,
	},
	{
		ID: "process.empty-method", Level: Must,
		Rule:   "An RPC with an empty method name is answered, with any status but UNAVAILABLE.",
		Source: "pkg/resource/plugin/plugin.go: testConnection, with which engines before 3.143 dial",
		Run:    emptyMethod,
	},
	{
		ID: "process.interrupt", Level: Should,
		Rule:   "SIGINT ends an idle process before the engine kills it, 5 seconds later.",
		Source: "pkg/resource/plugin/plugin.go: ExecPlugin (kill)",
		Run:    func(t *T) { endsAfter(t, t.configured(Setup{}), syscall.SIGINT) },
	},
	{
		ID: "process.interrupt-in-call", Level: Should,
		Rule:   "SIGINT ends a process with a call in flight before the engine kills it, 5 seconds later.",
		Source: "pkg/resource/plugin/plugin.go: ExecPlugin (kill)",
		Run: func(t *T) {
			session, _ := t.hanging()
			endsAfter(t, session, syscall.SIGINT)
		},
	},
	{
		ID: "process.terminate", Level: Should,
		Rule:   "SIGTERM ends an idle process within 5 seconds.",
		Source: "POSIX, and whoever runs a provider to attach to: service managers and containers end processes so",
		Run:    func(t *T) { endsAfter(t, t.configured(Setup{}), syscall.SIGTERM) },
	},
	{
		ID: "process.stays", Level: Must,
		Rule:   "Nothing but a signal or the end of its engine ends a process: no Cancel, nor some time behind it, no call, no caller that leaves.",
		Source: "pkg/resource/plugin/plugin.go: Close (exited prematurely: *always* a bug in the provider)",
		Run:    stays,
	},
	{
		ID: "process.engine-ends", Level: Should,
		Rule:   "When its engine is gone, the process ends within half a minute.",
		Source: "sdk/go/common/util/rpcutil/health.go: Healthcheck (there every 5 minutes)",
		Run: func(t *T) {
			session := t.configured(Setup{})
			session.Engine.stop()
			orphanEnds(t, session.Process)
		},
	},
	{
		ID: "process.engine-never-there", Level: Should,
		Rule:   "A process whose engine refuses connections from the start ends within half a minute.",
		Source: "sdk/go/common/util/rpcutil/health.go: Healthcheck (there every 5 minutes)",
		Run: func(t *T) {
			address := t.unusedAddress()
			orphanEnds(t, t.spawn(Setup{}, address))
		},
	},
	{
		ID: "process.engine-without-health", Level: Must,
		Rule:   "An engine that answers health checks with UNIMPLEMENTED is alive.",
		Source: "sdk/go/common/util/rpcutil/health.go: Healthcheck",
		Run:    engineWithoutHealth,
	},
}

func nothingElseOnStdout(t *T) {
	session := t.configured(Setup{Before: []string{"--logtostderr", "-v=9"}})
	session.works()
	session.invoke(t.Provider.Function.without())
	session.signal(t, syscall.SIGINT)
	if !session.exitsWithin(t, killLimit) {
		t.note("the process did not end on SIGINT; what it wrote until then was looked at")
	}
	_, behind, _ := strings.Cut(session.stdout.String(), "\n")
	if behind != "" {
		t.brokenf("behind the port came %q", behind)
	}
}

func onlyLoopback(t *T) {
	session := t.start(Setup{})
	session.handshake()
	listening, err := listeningAddresses(session.command.Process.Pid)
	if os.IsNotExist(err) {
		t.notApplicable("this system tells nothing in /proc")
	}
	t.check("/proc", err)
	if len(listening) == 0 {
		t.brokenf("/proc lists no listening socket of the process")
	}
	for _, address := range listening {
		if !address.Addr().Unmap().IsLoopback() {
			t.brokenf("it listens at %s", address)
		}
	}
}

func engineEnvironment(t *T) {
	session := t.configured(Setup{Environment: map[string]string{
		"PULUMI_CONFIG":                      jsonText(map[string]any{t.Provider.Package + ":conformance": "x"}),
		"PULUMI_PROJECT":                     "conformance",
		"PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT": t.unusedAddress(),
		"PULUMI_LOG_OTLP_ENDPOINT":           t.unusedAddress(),
	}})
	session.works()
}

func proxyInEnvironment(t *T) {
	proxy := "http://" + t.unusedAddress()
	session := t.start(Setup{Environment: map[string]string{
		"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": "",
		"http_proxy": proxy, "https_proxy": proxy, "all_proxy": proxy, "no_proxy": "",
	}})
	session.handshake()
	if !t.eventually(answerLimit, func() bool { return session.Engine.Connections.Load() > 0 }) {
		t.notApplicable("the provider made no connection to its engine that could go astray")
	}
}

func emptyMethod(t *T) {
	session := t.start(Setup{})
	err := session.Connection.Invoke(t.ctx, "", nil, nil)
	if err == nil || status.Code(err) == codes.Unavailable {
		t.brokenf("answered with %s", status.Code(err))
	}
	t.note(status.Code(err).String())
	session.alive("after an empty method name")
}

func endsAfter(t *T, session *Session, signal os.Signal) {
	session.signal(t, signal)
	if !session.exitsWithin(t, killLimit) {
		t.brokenf("the process still runs %s after %v", killLimit, signal)
	}
}

// stays waits once, beside all the occasions.
func stays(t *T) {
	cancelled, inCall, left := t.configured(Setup{}), t.configured(Setup{}), t.configured(Setup{})
	cancelled.cancel()
	inCall.Service.behave(silent)
	inCall.begin(t.ctx, t.Provider.Function.Arguments)
	t.eventually(answerLimit, func() bool { return inCall.Service == nil || inCall.Service.Calls.Load() > 0 })
	inCall.cancel()
	t.check("closing the connection", left.Connection.Close())
	refused := t.configured(Setup{})
	refused.invoke(t.Provider.Function.without())
	attached := t.start(Setup{Address: "none"})
	engine := t.startEngine()
	attached.attach(engine)
	attached.configure(attached.configuration())
	attached.works()
	attached.cancel()
	engine.stop()
	occasions := map[string]*Session{
		"Cancel": cancelled, "Cancel with a call in flight": inCall, "the end of its connection": left,
		"an Invoke that it refused": refused, "an operation, attached": attached,
	}
	t.eventually(stayLimit, func() bool {
		for occasion, session := range occasions {
			if session.hasExited() {
				t.brokenf("the process ended (%s) after %s", session.command.ProcessState, occasion)
			}
		}
		return false
	})
}

func orphanEnds(t *T, process *Process) {
	if !process.exitsWithin(t, aliveLimit) {
		t.brokenf("the process still runs %s after its engine was gone", aliveLimit)
	}
}

func engineWithoutHealth(t *T) {
	engine := t.startEngineWithoutHealth()
	session := t.start(Setup{Engine: engine})
	session.handshake()
	// Once it asks again, it has borne the first answer.
	asked := t.eventually(aliveLimit, func() bool { return engine.HealthChecks.Load() >= 2 || session.hasExited() })
	if session.hasExited() {
		t.brokenf("the process ended after %d health checks", engine.HealthChecks.Load())
	}
	session.alive("with such an engine")
	if !asked {
		t.note("asked " + aliveLimit.Truncate(time.Second).String() + " long, less than twice")
	}
}
