//go:build tools

// Package hosts pins the language hosts for Go, Node.js and Python, which the tests build from the Go module proxy.
// Newer hosts are modules of their own that the proxy does not serve.
package hosts

import (
	_ "github.com/pulumi/pulumi/sdk/v3/go/pulumi-language-go"
	_ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
	_ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
)
