//go:build tools

// Package engine pins the Pulumi engine and its YAML language host, which the tests build from the Go module proxy.
package engine

import (
	_ "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
	_ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
)
