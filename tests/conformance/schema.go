package main

import (
	"encoding/json"

	"github.com/blang/semver"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

var schemaCases = []Case{
	{
		ID: "info.version", Level: Must,
		Rule:   "GetPluginInfo's version is empty or a semantic version.",
		Source: "pkg/resource/plugin/provider_plugin.go: GetPluginInfo",
		Run: func(t *T) {
			version := t.start(Setup{}).pluginVersion()
			if _, err := semver.ParseTolerant(version); version != "" && err != nil {
				t.brokenf("%q: %v", version, err)
			}
		},
	},
	{
		ID: "info.exact-version", Level: Should,
		Rule:   "GetPluginInfo's version is there and follows semver.org to the letter.",
		Source: "proto/pulumi/plugin.proto: PluginInfo; engines compare it with the version that a program asks for",
		Run: func(t *T) {
			version := t.start(Setup{}).pluginVersion()
			if _, err := semver.Parse(version); err != nil {
				t.brokenf("%q: %v", version, err)
			}
		},
	},
	{
		ID: "schema.package", Level: Must,
		Rule:   "GetSchema returns JSON with the package's name and the function.",
		Source: "pkg/codegen/schema/loader.go: pluginLoader, from which YAML, code generation and conversion live",
		Run: func(t *T) {
			schema := t.start(Setup{}).schema()
			if schema.Name != t.Provider.Package {
				t.brokenf("its name is %q", schema.Name)
			}
			if _, has := schema.Functions[t.Provider.Function.Token]; !has {
				t.brokenf("it does not list %s", t.Provider.Function.Token)
			}
		},
	},
	{
		ID: "schema.function", Level: Must, Each: EachFunction,
		Rule:   "The schema lists the function's arguments and results; YAML programs and generated SDKs know no others.",
		Source: "pkg/codegen/schema: FunctionSpec; pulumi-yaml: type checking of fn::invoke",
		Run: func(t *T) {
			function := t.start(Setup{}).schema().Functions[t.Provider.Function.Token]
			for name := range t.Provider.Function.Arguments {
				if _, has := function.Inputs.Properties[name]; !has {
					t.brokenf("it does not list the argument %s", name)
				}
			}
			for name := range t.configured(Setup{}).invoke(t.Provider.Function.Arguments).Results {
				if _, has := function.Outputs.Properties[string(name)]; !has {
					t.brokenf("it does not list the result %s", name)
				}
			}
		},
	},
	{
		ID: "schema.version", Level: Should,
		Rule:   "The schema's version is GetPluginInfo's.",
		Source: "pkg/codegen/schema: PackageSpec.version, which generated SDKs ask the engine for",
		Run: func(t *T) {
			session := t.start(Setup{})
			if schema, plugin := session.schema().Version, session.pluginVersion(); schema != plugin {
				t.brokenf("the schema says %q, GetPluginInfo %q", schema, plugin)
			}
		},
	},
	{
		ID: "schema.sub-package", Level: Should,
		Rule:   "A sub-package that was never parameterized has no schema.",
		Source: "proto/pulumi/provider.proto: GetSchemaRequest.subpackage_name, Parameterize",
		Run: func(t *T) {
			request := &pulumirpc.GetSchemaRequest{SubpackageName: "conformance", SubpackageVersion: "1.2.3"}
			session := t.start(Setup{})
			if _, err := session.GetSchema(t.ctx, request); err == nil {
				t.brokenf("GetSchema of a sub-package named conformance answered OK")
			}
			session.alive("after that")
		},
	},
}

type packageSchema struct {
	Name      string
	Version   string
	Functions map[string]struct{ Inputs, Outputs objectSchema }
}

type objectSchema struct {
	Properties map[string]json.RawMessage
}

func (s *Session) schema() packageSchema {
	response, err := s.GetSchema(s.t.ctx, &pulumirpc.GetSchemaRequest{})
	s.t.check("GetSchema", err)
	var schema packageSchema
	s.t.check("the schema is not of JSON", json.Unmarshal([]byte(response.GetSchema()), &schema))
	return schema
}

func (s *Session) pluginVersion() string {
	response, err := s.GetPluginInfo(s.t.ctx, &emptypb.Empty{})
	s.t.check("GetPluginInfo", err)
	return response.GetVersion()
}
