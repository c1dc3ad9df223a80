package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	codegen "github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"

	"generated-sdks/packages"
)

type python struct{}

func (python) generate(pkg *schema.Package, request *pulumirpc.GeneratePackageRequest) (map[string][]byte, error) {
	return codegen.GeneratePackage("the tests", pkg, request.ExtraFiles, packages.Loader)
}

func (python) link(ctx context.Context, request *pulumirpc.LinkRequest) (string, error) {
	program := request.Info.ProgramDirectory
	pip, err := toolchain.ResolveToolchain(toolchain.PythonOptions{
		Root: request.Info.RootDirectory, ProgramDir: program, Toolchain: toolchain.Pip})
	if err != nil {
		return "", err
	}
	paths := map[string]string{}
	var imports strings.Builder
	for _, linked := range request.Packages {
		described, err := toolchain.LoadPyproject(filepath.Join(program, linked.Path))
		if err != nil {
			return "", err
		}
		name := described.Project.Name
		paths[name] = linked.Path
		fmt.Fprintf(&imports, "import %s\n", name)
	}
	return imports.String(), pip.LinkPackages(ctx, paths)
}
