package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/env"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// engineClient is the engine's own client of a provider, and what is around it.
type engineClient struct {
	plugin.Provider
	harness  *T
	urn      resource.URN
	service  *Service
	messages *bytes.Buffer // what the engine would show to the user
}

// newEngineClient loads the provider as an engine does for a project that names the plugin's directory.
func newEngineClient(t *testing.T, mode Mode) *engineClient {
	t.Helper()
	path := providerUnderTest(t)
	suite, err := newSuite(path, providerFile)
	if err != nil {
		t.Fatal(err)
	}
	harness := &T{Provider: suite.provider, path: suite.path, ctx: t.Context()}
	t.Cleanup(harness.cleanUp)
	isolate(t, suite.provider)

	name := suite.provider.Package
	root := t.TempDir()
	if err := os.Symlink(path, filepath.Join(root, "pulumi-resource-"+name)); err != nil {
		t.Fatal(err)
	}
	engine := harness.startEngine()
	host := &plugin.MockHost{ServerAddrF: func() string { return engine.Address }} // an address is all it has to give
	messages := &bytes.Buffer{}
	sink := diag.DefaultSink(messages, messages, diag.FormatOptions{Color: colors.Never})
	plugins := &workspace.Plugins{Providers: []workspace.PluginOptions{{Name: name, Path: root}}}
	// Not t.Context(), which is over before cleanups run.
	pctx, err := plugin.NewContextWithRoot(
		context.Background(), sink, sink, host, root, root, nil, false, nil, plugins, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	descriptor := workspace.PluginDescriptor{Name: name, Kind: apitype.ResourcePlugin}
	provider, err := plugin.NewProvider(host, pctx, descriptor, nil, false, "{}", "conformance", env.Global())
	if err != nil {
		t.Fatal(err)
	}
	client := &engineClient{
		Provider: provider, harness: harness, service: harness.startService(mode), messages: messages,
		urn: resource.NewURN("dev", "conformance", "", tokens.Type("pulumi:providers:"+name), "default"),
	}
	t.Cleanup(func() { client.close(t) })
	return client
}

// isolate gives the processes that the engine's client starts, which get this one's environment, a place of their own
// and no way to the outside.
func isolate(t *testing.T, provider *Provider) {
	t.Helper()
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "PULUMI_HOME": home, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost",
	} {
		t.Setenv(name, value)
	}
	for name, value := range provider.Environment {
		t.Setenv(name, value)
	}
}

// close ends the provider as an engine does, which tells the user of one that ended by itself.
func (c *engineClient) close(t *testing.T) {
	if err := c.SignalCancellation(context.Background()); err != nil {
		t.Errorf("Cancel: %v", err)
	}
	if err := c.Provider.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if strings.Contains(c.messages.String(), "exited prematurely") {
		t.Error(c.messages)
	}
}

// inputs is the provider's configuration, as the engine holds it, secrets included.
func (c *engineClient) inputs() resource.PropertyMap {
	session := &Session{Service: c.service, t: c.harness}
	inputs := resource.NewPropertyMapFromMap(session.configuration())
	for _, key := range c.harness.Provider.SecretConfiguration {
		inputs[resource.PropertyKey(key)] = resource.MakeSecret(inputs[resource.PropertyKey(key)])
	}
	inputs["version"] = resource.NewProperty("1.2.3")
	return inputs
}

func (c *engineClient) configure(t *testing.T, inputs resource.PropertyMap) {
	t.Helper()
	name, kind, id := c.urn.Name(), c.urn.Type(), resource.ID("b0a1f1a4-4f1c-4c5e-9d0e-2f5c1d9a7b10")
	request := plugin.ConfigureRequest{URN: &c.urn, Name: &name, Type: &kind, ID: &id, Inputs: resource.FromResourcePropertyMap(inputs)}
	if _, err := c.Configure(t.Context(), request); err != nil {
		t.Fatalf("Configure: %v", err)
	}
}

// invoke invokes the function with a value for the argument on which values are tried.
func (c *engineClient) invoke(t *testing.T, argument resource.PropertyValue) plugin.InvokeResponse {
	t.Helper()
	response, err := c.Invoke(t.Context(), c.request(argument))
	if err != nil {
		t.Fatalf("Invoke: %v", err)
	}
	return response
}

func (c *engineClient) request(argument resource.PropertyValue) plugin.InvokeRequest {
	function := c.harness.Provider.Function
	arguments := resource.NewPropertyMapFromMap(function.Arguments)
	arguments[resource.PropertyKey(function.Argument)] = argument
	return plugin.InvokeRequest{Tok: tokens.ModuleMember(function.Token), Args: resource.FromResourcePropertyMap(arguments)}
}

func (c *engineClient) good() resource.PropertyValue {
	return resource.NewProperty(c.harness.Provider.Function.goodArgument())
}

// wantResults wants all results, and all of them secret or none.
func (c *engineClient) wantResults(t *testing.T, response plugin.InvokeResponse, secret bool) {
	t.Helper()
	if len(response.Failures) > 0 {
		t.Fatalf("failures: %v", response.Failures)
	}
	results := resource.ToResourcePropertyMap(response.Properties)
	for name, want := range c.harness.Provider.Function.resultsFor(c.harness.Provider.Function.goodArgument()) {
		got := results[resource.PropertyKey(name)]
		if got.IsSecret() != secret {
			t.Errorf("is the result %s secret? %v", name, got.IsSecret())
		}
		if got.IsSecret() {
			got = got.SecretValue().Element
		}
		if !got.IsString() || got.StringValue() != want {
			t.Errorf("the result %s is %v, not %q", name, got, want)
		}
	}
}

func TestEngineClientLoads(t *testing.T) {
	client := newEngineClient(t, answering)
	info, err := client.GetPluginInfo(t.Context())
	if err != nil || info.Version == nil {
		t.Fatalf("GetPluginInfo: version %v, %v", info.Version, err)
	}
	response, err := client.GetSchema(t.Context(), plugin.GetSchemaRequest{})
	if err != nil {
		t.Fatalf("GetSchema: %v", err)
	}
	var schema packageSchema
	if err := json.Unmarshal(response.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Name != client.harness.Provider.Package || schema.Version != info.Version.String() {
		t.Errorf("the schema is one of %s %s, the plugin has %s", schema.Name, schema.Version, info.Version)
	}
	if mappings, err := client.GetMappings(t.Context(), plugin.GetMappingsRequest{Key: "terraform"}); err != nil {
		t.Errorf("GetMappings: %v, %v", mappings, err)
	}
}

// TestEngineClientShakesHands does so once more: when it loads a provider, the client takes a refusal for an answer.
func TestEngineClientShakesHands(t *testing.T) {
	client := newEngineClient(t, answering)
	request := plugin.ProviderHandshakeRequest{EngineAddress: client.harness.startEngine().Address, InvokeWithPreview: true}
	response, err := client.Handshake(t.Context(), request)
	if err != nil {
		t.Fatalf("Handshake: %v", err)
	}
	if !response.AcceptSecrets || !response.AcceptResources || response.AcceptOutputs {
		t.Errorf("the provider negotiates %+v", response)
	}
}

func TestEngineClientChecksConfiguration(t *testing.T) {
	client := newEngineClient(t, answering)
	news := client.inputs()
	checked, err := client.CheckConfig(t.Context(), plugin.CheckConfigRequest{
		URN: client.urn, Name: client.urn.Name(), Type: client.urn.Type(), News: resource.FromResourcePropertyMap(news), AllowUnknowns: true,
	})
	if err != nil || len(checked.Failures) > 0 {
		t.Fatalf("CheckConfig: %v, %v", checked.Failures, err)
	}
	if !resource.ToResourcePropertyMap(checked.Properties).DeepEquals(news) {
		t.Error("CheckConfig changed the inputs")
	}
	olds := news.Copy()
	olds["version"] = resource.NewProperty("1.2.2")
	old := resource.FromResourcePropertyMap(olds)
	diff, err := client.DiffConfig(t.Context(), plugin.DiffConfigRequest{
		URN: client.urn, Name: client.urn.Name(), Type: client.urn.Type(),
		OldInputs: old, OldOutputs: old, NewInputs: resource.FromResourcePropertyMap(news), AllowUnknowns: true,
	})
	if err != nil || diff.Replace() {
		t.Errorf("DiffConfig: replacement %v, %v", diff.ReplaceKeys, err)
	}
}

func TestEngineClientInvokes(t *testing.T) {
	client := newEngineClient(t, answering)
	client.configure(t, client.inputs())
	good := client.good()
	for _, argument := range []struct {
		name   string
		value  resource.PropertyValue
		secret bool
	}{
		{"plain", good, false},
		{"secret", resource.MakeSecret(good), true},
		{"output", resource.NewProperty(resource.Output{Element: good, Known: true}), false},
		{"secret output", resource.NewProperty(resource.Output{Element: good, Known: true, Secret: true}), true},
	} {
		t.Run(argument.name, func(t *testing.T) {
			client.wantResults(t, client.invoke(t, argument.value), argument.secret)
		})
	}
}

func TestEngineClientRefusesUnknowns(t *testing.T) {
	client := newEngineClient(t, answering)
	client.configure(t, client.inputs())
	for name, value := range map[string]resource.PropertyValue{
		"computed":       resource.MakeComputed(resource.NewProperty("")),
		"unknown output": resource.NewProperty(resource.Output{}),
		"null":           resource.NewNullProperty(),
	} {
		t.Run(name, func(t *testing.T) {
			response := client.invoke(t, value)
			if len(response.Failures) == 0 || response.Properties.Len() > 0 {
				t.Errorf("%d results and %d failures", response.Properties.Len(), len(response.Failures))
			}
		})
	}
	if calls := client.service.Calls.Load(); calls > 0 {
		t.Errorf("%d calls to the service", calls)
	}
}

func TestEngineClientKnowsOfUnknownConfiguration(t *testing.T) {
	client := newEngineClient(t, answering)
	inputs := client.inputs()
	for key := range client.harness.Provider.OtherConfiguration {
		inputs[resource.PropertyKey(key)] = resource.MakeComputed(resource.NewProperty(""))
	}
	client.configure(t, inputs)
	response := client.invoke(t, client.good())
	if response.Properties.Len() > 0 || client.service.Connections.Load() > 0 {
		t.Errorf("%d results, %d connections", response.Properties.Len(), client.service.Connections.Load())
	}
}

func TestEngineClientCancels(t *testing.T) {
	client := newEngineClient(t, silent)
	client.configure(t, client.inputs())
	failed := make(chan error, 1)
	go func() {
		_, err := client.Invoke(t.Context(), client.request(client.good()))
		failed <- err
	}()
	if !client.harness.eventually(answerLimit, func() bool { return client.service.Calls.Load() > 0 }) {
		t.Fatal("the Invoke does not come to the service")
	}
	if err := client.SignalCancellation(t.Context()); err != nil {
		t.Fatalf("Cancel: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), answerLimit)
	defer cancel()
	select {
	case err := <-failed:
		if err == nil {
			t.Error("the call in flight was not aborted")
		}
	case <-ctx.Done():
		t.Error("the call in flight goes on")
	}
	client.service.behave(answering)
	client.wantResults(t, client.invoke(t, client.good()), false)
}
