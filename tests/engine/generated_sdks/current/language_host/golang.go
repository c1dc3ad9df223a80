package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/blang/semver"
	codegen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"golang.org/x/mod/modfile"
)

type golang struct{}

func (golang) generate(pkg *schema.Package, request *pulumirpc.GeneratePackageRequest) (map[string][]byte, error) {
	return codegen.GeneratePackage("the tests", pkg, request.LocalDependencies)
}

// link replaces the modules that the schemas name, which the SDKs' own files do not have to agree with.
func (golang) link(ctx context.Context, request *pulumirpc.LinkRequest) (string, error) {
	loader, err := schema.NewLoaderClient(request.LoaderTarget)
	if err != nil {
		return "", err
	}
	defer loader.Close()
	file := filepath.Join(request.Info.ProgramDirectory, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	modules, err := modfile.Parse(file, text, nil)
	if err != nil {
		return "", err
	}
	var imports strings.Builder
	for _, linked := range request.Packages {
		module, root, err := pathsOf(ctx, loader, linked.Package)
		if err != nil {
			return "", err
		}
		if err := modules.AddReplace(module, "", "./"+linked.Path, ""); err != nil {
			return "", err
		}
		fmt.Fprintf(&imports, "import %q\n", root)
	}
	text, err = modules.Format()
	if err != nil {
		return "", err
	}
	return imports.String(), os.WriteFile(file, text, 0o600)
}

// pathsOf gives the paths of an SDK's module and of its root package.
func pathsOf(
	ctx context.Context, loader schema.ReferenceLoader, dependency *pulumirpc.PackageDependency,
) (module, root string, err error) {
	version, err := semver.Parse(dependency.Version)
	if err != nil {
		return "", "", err
	}
	reference, err := loader.LoadPackageReferenceV2(
		ctx, &schema.PackageDescriptor{Name: dependency.Name, Version: &version, DownloadURL: dependency.Server})
	if err != nil {
		return "", "", err
	}
	pkg, err := reference.Definition()
	if err != nil {
		return "", "", err
	}
	if err := pkg.ImportLanguages(map[string]schema.Language{"go": codegen.Importer}); err != nil {
		return "", "", err
	}
	return codegen.ModuleAndImportPath(pkg)
}
