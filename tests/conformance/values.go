package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	rpcSource  = "sdk/go/common/resource/plugin/rpc.go: UnmarshalPropertyValue"
	fuzzSource = "pkg/resource/plugin/plugin.go: Close (exited prematurely: *always* a bug in the provider)"
)

var valueCases = []Case{
	{
		ID: "values.secret", Level: Must, Each: EachArgument,
		Rule:   "A provider that accepts secrets takes a secret argument for what it wraps.",
		Source: rpcSource + "; provider_plugin.go: Invoke (KeepSecrets)",
		Run:    func(t *T) { takesSecret(t, secret(t.Provider.Function.goodArgument())) },
	},
	{
		ID: "values.secret-results", Level: Must, Each: EachArgument,
		Rule:   "A provider that accepts secrets and is given one returns all that depends on it as secret, or it ends up readable in the state.",
		Source: "pkg/resource/plugin/provider_plugin.go: Invoke, which marks the results only for providers that do not accept secrets",
		Run: func(t *T) {
			answer := takesSecret(t, secret(t.Provider.Function.goodArgument()))
			for _, name := range slices.Sorted(maps.Keys(answer.Results)) {
				if !answer.Results[name].ContainsSecrets() {
					t.brokenf("the result %s is not secret", name)
				}
			}
		},
	},
	{
		ID: "values.secret-in-secret", Level: Should,
		Rule:   "A secret of a secret is a secret.",
		Source: rpcSource,
		Run:    func(t *T) { takesSecret(t, secret(secret(t.Provider.Function.goodArgument()))) },
	},
	{
		ID: "values.secret-echo", Level: Must,
		Rule:   "A secret argument that is refused is not repeated in the message.",
		Source: "proto/pulumi/provider.proto: CheckFailure; messages are printed and logged as they are",
		Run: func(t *T) {
			session := t.needSecrets()
			if session.Service == nil {
				t.notApplicable("there is no service that refuses it")
			}
			const value = "conformance-secret-argument"
			session.Service.behave(refusing)
			answer := session.invoke(t.Provider.Function.with(secret(value)))
			session.refuses("such an argument", answer)
			if strings.Contains(answer.message(), value) {
				t.brokenf("the message repeats it")
			}
		},
	},
	{
		ID: "values.secret-to-old-engine", Level: Should,
		Rule:   "An engine whose Configure does not accept secrets gets none.",
		Source: "proto/pulumi/provider.proto: ConfigureRequest.acceptSecrets",
		Run: func(t *T) {
			session := t.start(Setup{})
			request := session.configureRequest(session.configuration())
			request.AcceptSecrets = false
			_, err := session.Configure(t.ctx, request)
			t.check("Configure", err)
			answer := session.invoke(t.Provider.Function.with(secret(t.Provider.Function.goodArgument())))
			session.alive("a secret from such an engine")
			if answer.Results.ContainsSecrets() {
				t.brokenf("there are secrets among the results")
			}
		},
	},
	{
		ID: "values.output", Level: Should,
		Rule:   "An output value whose value is known is taken for that.",
		Source: rpcSource,
		Run: func(t *T) {
			argument := t.Provider.Function.goodArgument()
			session := t.configured(Setup{})
			session.good(session.invoke(t.Provider.Function.with(special(sig.OutputValue, map[string]any{
				"value": argument, "dependencies": []any{urn},
			}))), argument)
		},
	},
	{
		ID: "values.secret-output", Level: Should,
		Rule:   "A secret output value makes the results secret.",
		Source: rpcSource,
		Run: func(t *T) {
			answer := takesSecret(t, special(sig.OutputValue, map[string]any{
				"value": t.Provider.Function.goodArgument(), "secret": true,
			}))
			for name, result := range answer.Results {
				if !result.ContainsSecrets() {
					t.brokenf("the result %s is not secret", name)
				}
			}
		},
	},
	{
		ID: "values.unknown", Level: Should, Each: EachArgument,
		Rule:   "An argument that is not known yet brings no made-up results and no call.",
		Source: rpcSource + "; engines drop unknowns, other callers might not",
		Run:    unknownArgument,
	},
	{
		ID: "values.wrong-kind", Level: Must, Each: EachArgument,
		Rule:   "A list or an object where a text is expected is refused; a number or a boolean is refused, or taken for the right text.",
		Source: "pkg/codegen/schema: the function's inputs; dynamic languages send such",
		Run:    wrongKinds,
	},
	{
		ID: "values.text", Level: Must,
		Rule:   "Odd texts (empty, very long, of other scripts, with control characters) do not end the process.",
		Source: fuzzSource,
		Run: func(t *T) {
			survivesEach(t, "", " ", "\x00", "😀ﷺ\u202e", "%s%n{}${}", "../../etc/passwd", strings.Repeat("9", 1<<20))
		},
	},
	{
		ID: "values.special", Level: Must,
		Rule:   "Assets, archives and resource references where a text is expected are refused.",
		Source: rpcSource,
		Run: func(t *T) {
			refusesEach(t, map[string]any{
				"an asset":               special(sig.AssetSig, map[string]any{"text": t.Provider.Function.goodArgument()}),
				"an archive":             special(sig.ArchiveSig, map[string]any{"path": "a.zip"}),
				"a resource reference":   special(sig.ResourceReference, map[string]any{"urn": urn}),
				"a list of one secret":   []any{secret(t.Provider.Function.goodArgument())},
				"a secret list":          secret([]any{t.Provider.Function.goodArgument()}),
				"a secret null":          secret(nil),
				"an output of a boolean": special(sig.OutputValue, map[string]any{"value": true}),
			})
		},
	},
	{
		ID: "values.malformed", Level: Must,
		Rule:   "Special values that are malformed are refused and do not end the process.",
		Source: rpcSource,
		Run: func(t *T) {
			refusesEach(t, map[string]any{
				"an unknown signature":      special("00000000000000000000000000000000", nil),
				"a secret of nothing":       special(sig.Secret, nil),
				"an output, secret: text":   special(sig.OutputValue, map[string]any{"value": "x", "secret": "yes"}),
				"an output of no URNs":      special(sig.OutputValue, map[string]any{"value": 1, "dependencies": 7}),
				"an asset of nothing":       special(sig.AssetSig, nil),
				"an archive of nothing":     special(sig.ArchiveSig, nil),
				"an archive of texts":       special(sig.ArchiveSig, map[string]any{"assets": map[string]any{"a": "b"}}),
				"a reference without a URN": special(sig.ResourceReference, nil),
				"a reference, urn: list":    special(sig.ResourceReference, map[string]any{"urn": []any{}}),
			})
		},
	},
	{
		ID: "values.malformed-signature", Level: Should,
		Rule:   "A signature that is no text does not pass for an ordinary object.",
		Source: rpcSource,
		Run: func(t *T) {
			refusesEach(t, map[string]any{
				"a signature that is a number":  map[string]any{sig.Key: 1, "value": "x"},
				"a signature that is an object": map[string]any{sig.Key: map[string]any{}, "value": "x"},
			})
		},
	},
	{
		ID: "values.no-kind", Level: Must,
		Rule:   "A google.protobuf.Value of no kind does not end the process.",
		Source: "google/protobuf/struct.proto: Value, which protobuf itself lets pass; " + fuzzSource,
		Run:    func(t *T) { survivesEach(t, &structpb.Value{}) },
	},
	{
		ID: "values.byte-string", Level: Must,
		Rule:   "A byte string where a text is expected is taken for that text or refused.",
		Source: "proto/pulumi/provider.proto: accepts_byte_string; " + rpcSource,
		Run: func(t *T) {
			argument := t.Provider.Function.goodArgument()
			session := t.configured(Setup{})
			answer := session.invoke(t.Provider.Function.with(special(sig.ByteString, map[string]any{
				"value": base64.StdEncoding.EncodeToString([]byte(argument)),
			})))
			session.alive("a byte string")
			if !answer.refused() {
				session.good(answer, argument)
			}
		},
	},
	{
		ID: "values.numbers", Level: Must,
		Rule:   "NaN, infinities and the largest numbers do not end the process.",
		Source: fuzzSource,
		Run: func(t *T) {
			survivesEach(t, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -0.0, 1e-320)
		},
	},
	{
		ID: "values.depth", Level: Must,
		Rule:   "Values nested 30, 3,000 and 30,000 deep do not end the process.",
		Source: fuzzSource,
		Run:    func(t *T) { survivesEach(t, nested(30), nested(3_000), nested(30_000)) },
	},
}

const urn = "urn:pulumi:dev::conformance::random:index/randomId:RandomId::r"

// special is an object with a signature.
func special(signature string, fields map[string]any) map[string]any {
	object := map[string]any{sig.Key: signature}
	maps.Copy(object, fields)
	return object
}

// secret wraps a value.
func secret(value any) map[string]any {
	return special(sig.Secret, map[string]any{"value": value})
}

// nested is a value in so many lists.
func nested(depth int) *structpb.Value {
	value := structpb.NewStringValue("deep")
	for range depth {
		value = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{value}})
	}
	return value
}

// needSecrets is a session with a provider that accepts secrets; engines unwrap them for others.
func (t *T) needSecrets() *Session {
	session := t.start(Setup{})
	handshake := session.handshake()
	configure := session.configure(session.configuration())
	if handshake != nil && !handshake.GetAcceptSecrets() || handshake == nil && !configure.GetAcceptSecrets() {
		t.notApplicable("the provider does not accept secrets")
	}
	return session
}

// takesSecret is the answer to a wrapped good argument.
func takesSecret(t *T, value any) Answer {
	session := t.needSecrets()
	answer := session.invoke(t.Provider.Function.with(value))
	session.good(answer, t.Provider.Function.goodArgument())
	return answer
}

// survivesEach ends the case if a value in place of the good argument ends the process or what comes after.
func survivesEach(t *T, values ...any) {
	session := t.configured(Setup{})
	for i, value := range values {
		session.invoke(t.Provider.Function.with(value))
		session.alive(fmt.Sprintf("value %d of %d, a %T", i+1, len(values), value))
	}
	session.works()
}

// refusesEach ends the case unless each value is refused in place of the good argument.
func refusesEach(t *T, values map[string]any) {
	session := t.configured(Setup{})
	for _, what := range slices.Sorted(maps.Keys(values)) {
		session.refuses(what, session.invoke(t.Provider.Function.with(values[what])))
	}
	session.works()
}

func unknownArgument(t *T) {
	session := t.configured(Setup{})
	for what, value := range map[string]any{
		"an unknown text":           plugin.UnknownStringValue,
		"an unknown number":         plugin.UnknownNumberValue,
		"an unknown object":         plugin.UnknownObjectValue,
		"an unknown output":         special(sig.OutputValue, nil),
		"an unknown secret output":  special(sig.OutputValue, map[string]any{"secret": true}),
		"a secret of an unknown":    secret(plugin.UnknownStringValue),
		"a list with an unknown":    []any{plugin.UnknownStringValue},
		"an object with an unknown": map[string]any{"a": plugin.UnknownStringValue},
	} {
		if answer := session.invoke(t.Provider.Function.with(value)); !answer.refused() && len(answer.Results) > 0 {
			t.brokenf("%s: %s", what, describe(answer))
		}
	}
	if session.Service != nil && session.Service.Calls.Load() > 0 {
		t.brokenf("the service was called")
	}
	session.works()
}

func wrongKinds(t *T) {
	argument := t.Provider.Function.goodArgument()
	refusesEach(t, map[string]any{
		"a list":          []any{argument},
		"an empty list":   []any{},
		"an object":       map[string]any{"value": argument},
		"an empty object": map[string]any{},
	})
	takesEachForText(t, map[string]any{"a boolean": true, "a fraction": 0.5, "a negative number": -1.0})
	var number float64
	if _, err := fmt.Sscan(argument, &number); err == nil {
		takesEachForText(t, map[string]any{"a number": number})
	}
}

// takesEachForText wants each value refused, or taken for the text that a program would write in its place.
func takesEachForText(t *T, values map[string]any) {
	session := t.configured(Setup{})
	for _, what := range slices.Sorted(maps.Keys(values)) {
		answer := session.invoke(t.Provider.Function.with(values[what]))
		if !answer.refused() {
			text, _ := json.Marshal(values[what])
			session.good(answer, string(text))
			t.note(what + " is taken for the text")
		}
		session.alive(what)
	}
}
