// Package packages reads the schemas of Pulumi packages and writes what generators make of them.
package packages

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// Loader loads nothing: the schemas refer to no other package.
var Loader = schema.NewPluginLoader(nil)

// Read refuses a schema with anything that `pulumi schema check` would warn about.
func Read(text []byte) (*schema.Package, error) {
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, err
	}
	pkg, diagnostics, err := schema.BindSpec(spec, Loader, schema.ValidationOptions{})
	if err != nil {
		return nil, err
	}
	if len(diagnostics) > 0 {
		return nil, diagnostics
	}
	return pkg, nil
}

// Write writes the files below the folder.
func Write(files map[string][]byte, folder string) error {
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
