package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

var wireCases = []Case{
	{
		ID: "wire.5-MiB", Level: Must,
		Rule:   "A request of 5 MiB, more than gRPC's default limit, is read.",
		Source: "sdk/go/common/util/rpcutil/serve.go: maxRPCMessageSize (400 MiB); issue pulumi/pulumi#2319",
		Run:    func(t *T) { readsRequestOf(t, 5<<20) },
	},
	{
		ID: "wire.64-MiB", Level: Should,
		Rule:   "A request of 64 MiB is read.",
		Source: "sdk/go/common/util/rpcutil/serve.go: maxRPCMessageSize (400 MiB)",
		Run:    func(t *T) { readsRequestOf(t, 64<<20) },
	},
	{
		ID: "wire.malformed-messages", Level: Must,
		Rule:   "Bytes that are no message get an error and do not end the process.",
		Source: "grpc: status codes; " + fuzzSource,
		Run:    malformedMessages,
	},
	{
		ID: "wire.malformed-bytes", Level: Must,
		Rule:   "Bytes that are no HTTP/2, and connections that say nothing, do not end the process.",
		Source: fuzzSource + "; any process of the machine can reach the port",
		Run:    malformedBytes,
	},
	{
		ID: "wire.metadata", Level: Must,
		Rule:   "Metadata is passed over, traces and unknown keys alike.",
		Source: "sdk/go/common/util/rpcutil/interceptor.go (OpenTracing, OpenTelemetry)",
		Run: func(t *T) {
			session := t.configured(Setup{})
			ctx := metadata.AppendToOutgoingContext(t.ctx,
				"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate", "a=b",
				"uber-trace-id", "no trace at all", "conformance-bin", "\x00\xff", "conformance", strings.Repeat("x", 4096))
			session.good(session.invokeRequest(ctx, session.invokeRequestFor(t.Provider.Function.Arguments)),
				t.Provider.Function.goodArgument())
		},
	},
}

func readsRequestOf(t *T, size int) {
	session := t.configured(Setup{})
	arguments := t.Provider.Function.with(t.Provider.Function.goodArgument())
	arguments["conformanceArgument"] = strings.Repeat("x", size)
	answer := session.invoke(arguments)
	switch status.Code(answer.Err) {
	case codes.ResourceExhausted, codes.OutOfRange, codes.Unavailable, codes.Internal, codes.DeadlineExceeded:
		t.brokenf("%s", describe(answer))
	}
	session.works()
}

// rawCodec sends and receives bytes as they are.
type rawCodec struct{}

func (rawCodec) Marshal(value any) ([]byte, error) { return value.([]byte), nil }

func (rawCodec) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = data
	return nil
}

func (rawCodec) Name() string { return "proto" }

func malformedMessages(t *T) {
	session := t.configured(Setup{})
	for what, message := range map[string][]byte{
		"random bytes":                []byte("\xde\xad\xbe\xef conformance \xff\xff\xff"),
		"a length beyond the end":     {0x0a, 0xff, 0xff, 0xff, 0xff, 0x07},
		"a text that is not UTF-8":    {0x0a, 0x02, 0xc3, 0x28},
		"a group that never ends":     {0x0b, 0x0b, 0x0b, 0x0b},
		"a varint that never ends":    {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"field number 0":              {0x00, 0x01},
		"a Struct cut in the middle":  {0x12, 0x06, 0x0a, 0x10, 0x0a, 0x01},
		"a Struct with a wrong field": {0x12, 0x02, 0x08, 0x01},
	} {
		for _, method := range []string{
			pulumirpc.ResourceProvider_Handshake_FullMethodName, pulumirpc.ResourceProvider_CheckConfig_FullMethodName,
			pulumirpc.ResourceProvider_Configure_FullMethodName, pulumirpc.ResourceProvider_Invoke_FullMethodName,
		} {
			var answer []byte
			_ = session.Connection.Invoke(t.ctx, method, message, &answer, grpc.ForceCodec(rawCodec{}))
			session.alive(fmt.Sprintf("%s to %s", what, method))
		}
	}
	session.handshake()
	session.configure(session.configuration())
	session.works()
}

func malformedBytes(t *T) {
	session := t.configured(Setup{})
	for _, text := range []string{
		"", "GET / HTTP/1.1\r\nHost: conformance\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\xff\xff\x01\x05\x00\x00\x00\x00", strings.Repeat("\xff", 1<<16),
	} {
		connection, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", session.Port), answerLimit)
		t.check("connecting", err)
		_ = connection.SetDeadline(time.Now().Add(answerLimit))
		_, _ = io.WriteString(connection, text) // the provider may hang up before all is sent
		session.alive(fmt.Sprintf("while a connection is open that sent %.20q", text))
		_ = connection.Close()
	}
	session.works()
}
