// Command generated-sdks writes the SDKs for Node.js, Python and Go that Pulumi's generators make of a package schema.
//
// usage: generated-sdks SCHEMA FOLDER
package main

import (
	"fmt"
	"os"
	"path/filepath"

	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"

	"generated-sdks/packages"
)

const tool = "the tests"

var generators = map[string]func(*schema.Package) (map[string][]byte, error){
	"go": func(pkg *schema.Package) (map[string][]byte, error) {
		return golang.GeneratePackage(tool, pkg, nil)
	},
	"nodejs": func(pkg *schema.Package) (map[string][]byte, error) {
		return nodejs.GeneratePackage(tool, pkg, nil, nil, false, packages.Loader)
	},
	"python": func(pkg *schema.Package) (map[string][]byte, error) {
		return python.GeneratePackage(tool, pkg, nil, packages.Loader)
	},
}

func main() {
	for language := range generators {
		if err := generate(language, os.Args[1], filepath.Join(os.Args[2], language)); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", language, err)
			os.Exit(1)
		}
	}
}

func generate(language, path, folder string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// Generators change the package, so each reads its own.
	pkg, err := packages.Read(text)
	if err != nil {
		return err
	}
	files, err := generators[language](pkg)
	if err != nil {
		return err
	}
	return packages.Write(files, folder)
}
