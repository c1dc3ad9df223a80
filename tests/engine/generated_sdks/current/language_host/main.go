// Command language-host serves what `pulumi package add` asks of a language host for Node.js and the hosts of older SDKs do
// not know: Pulumi's own generator writes the SDK, and its own package for npm links it. All other calls go to the host of
// the same name in the folder `behind` beside this executable.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/cgstrings"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"generated-sdks/packages"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	port, err := startBehind()
	if err != nil {
		return err
	}
	behind, err := grpc.NewClient("127.0.0.1:"+port, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(codec{}), grpc.UnknownServiceHandler(forwardTo(behind)))
	server.RegisterService(served("GeneratePackage", "Link"), host{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

// startBehind starts the older host, which ends with the engine, and gives its port.
func startBehind() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	older := exec.Command(filepath.Join(filepath.Dir(self), "behind", filepath.Base(self)), os.Args[1:]...)
	older.Stderr = os.Stderr
	output, err := older.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := older.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewReader(output)
	port, err := lines.ReadString('\n')
	if err != nil {
		return "", err
	}
	go io.Copy(os.Stdout, lines)
	return strings.TrimSpace(port), nil
}

// served describes these methods of the service alone: gRPC takes the others for unknown.
func served(methods ...string) *grpc.ServiceDesc {
	service := pulumirpc.LanguageRuntime_ServiceDesc
	description := grpc.ServiceDesc{ServiceName: service.ServiceName, HandlerType: service.HandlerType}
	for _, method := range service.Methods {
		for _, name := range methods {
			if method.MethodName == name {
				description.Methods = append(description.Methods, method)
			}
		}
	}
	return &description
}

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
}

func (host) GeneratePackage(
	_ context.Context, request *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	pkg, err := packages.Read([]byte(request.Schema))
	if err != nil {
		return nil, err
	}
	files, err := nodejs.GeneratePackage(
		"the tests", pkg, request.ExtraFiles, request.LocalDependencies, request.Local, packages.Loader)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GeneratePackageResponse{}, packages.Write(files, request.Directory)
}

func (host) Link(ctx context.Context, request *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	program := request.Info.ProgramDirectory
	manager, err := npm.ResolvePackageManager(npm.AutoPackageManager, program)
	if err != nil {
		return nil, err
	}
	var imports strings.Builder
	for _, linked := range request.Packages {
		name, err := nameOf(filepath.Join(program, linked.Path))
		if err != nil {
			return nil, err
		}
		if err := manager.Link(ctx, program, name, linked.Path); err != nil {
			return nil, err
		}
		fmt.Fprintf(&imports, "import * as %s from %q;\n", cgstrings.Camel(linked.Package.Name), name)
	}
	return &pulumirpc.LinkResponse{ImportInstructions: imports.String()}, nil
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

// forwardTo hands calls of one request and any number of answers on.
func forwardTo(behind *grpc.ClientConn) grpc.StreamHandler {
	return func(_ any, caller grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(caller)
		shape := grpc.StreamDesc{ServerStreams: true}
		call, err := behind.NewStream(caller.Context(), &shape, method, grpc.ForceCodec(codec{}))
		if err != nil {
			return err
		}
		var request encoded
		if err := caller.RecvMsg(&request); err != nil {
			return err
		}
		if err := errors.Join(call.SendMsg(&request), call.CloseSend()); err != nil {
			return err
		}
		for {
			var answer encoded
			if err := call.RecvMsg(&answer); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := caller.SendMsg(&answer); err != nil {
				return err
			}
		}
	}
}

// encoded is a message as it travels.
type encoded []byte

// codec leaves messages that are handed on as they travel.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message any) ([]byte, error) {
	if bytes, ok := message.(*encoded); ok {
		return *bytes, nil
	}
	return proto.Marshal(message.(proto.Message))
}

func (codec) Unmarshal(bytes []byte, message any) error {
	if target, ok := message.(*encoded); ok {
		*target = append((*target)[:0], bytes...)
		return nil
	}
	return proto.Unmarshal(bytes, message.(proto.Message))
}
