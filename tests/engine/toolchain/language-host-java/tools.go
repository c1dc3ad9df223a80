//go:build tools

// Package hosts pins the language host for Java, which generates SDKs.
package hosts

import _ "github.com/pulumi/pulumi-java/pkg/cmd/pulumi-language-java"
