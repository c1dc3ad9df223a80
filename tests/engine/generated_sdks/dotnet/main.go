// Command generated-sdk-dotnet writes the SDK for .NET that Pulumi's generator makes of a package schema. Newer
// versions of the generator live in a module that the Go module proxy does not serve.
//
// usage: generated-sdk-dotnet SCHEMA FOLDER
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/dotnet"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(path, folder string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	logo := httptest.NewServer(http.NotFoundHandler())
	defer logo.Close()
	// Without a URL the generator downloads a logo from a public host.
	spec.LogoURL = logo.URL
	pkg, err := schema.ImportSpec(spec, nil)
	if err != nil {
		return err
	}
	files, err := dotnet.GeneratePackage("the tests", pkg, nil)
	if err != nil {
		return err
	}
	for name, contents := range files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, contents, 0o600); err != nil {
			return err
		}
	}
	return nil
}
