package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/cgstrings"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"generated-sdks/packages"
)

type node struct{}

func (node) generate(pkg *schema.Package, request *pulumirpc.GeneratePackageRequest) (map[string][]byte, error) {
	return nodejs.GeneratePackage(
		"the tests", pkg, request.ExtraFiles, request.LocalDependencies, request.Local, packages.Loader)
}

func (node) link(ctx context.Context, request *pulumirpc.LinkRequest) (string, error) {
	program := request.Info.ProgramDirectory
	manager, err := npm.ResolvePackageManager(npm.AutoPackageManager, program)
	if err != nil {
		return "", err
	}
	var imports strings.Builder
	for _, linked := range request.Packages {
		name, err := nameOf(filepath.Join(program, linked.Path))
		if err != nil {
			return "", err
		}
		if err := manager.Link(ctx, program, name, linked.Path); err != nil {
			return "", err
		}
		fmt.Fprintf(&imports, "import * as %s from %q;\n", cgstrings.Camel(linked.Package.Name), name)
	}
	return imports.String(), nil
}

// nameOf gives the name under which npm knows the package in the folder.
func nameOf(folder string) (string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return "", err
	}
	var description struct {
		Name string `json:"name"`
	}
	return description.Name, json.Unmarshal(text, &description)
}
