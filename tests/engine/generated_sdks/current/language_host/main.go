// Command language-host serves what `pulumi package add` asks of a language host and the hosts of older SDKs do not know:
// Pulumi's own generators write the SDK, and it is linked as Pulumi's hosts do. The language is that of the executable's
// name, as in pulumi-language-go. All other calls go to the host of the same name in the folder `behind` beside it.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
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
	self, err := os.Executable()
	if err != nil {
		return err
	}
	served, ok := languages[strings.TrimPrefix(filepath.Base(self), "pulumi-language-")]
	if !ok {
		return fmt.Errorf("%s is the name of no language host", self)
	}
	port, err := startBehind(self)
	if err != nil {
		return err
	}
	behind, err := grpc.NewClient("127.0.0.1:"+port, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(codec{}), grpc.UnknownServiceHandler(forwardTo(behind)))
	server.RegisterService(methods("GeneratePackage", "Link"), host{language: served})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

// startBehind starts the older host, which ends with the engine, and gives its port.
func startBehind(self string) (string, error) {
	arguments := os.Args[1:]
	if filepath.Base(self) == "pulumi-language-python" {
		folder, err := os.Getwd()
		if err != nil {
			return "", err
		}
		// It takes options on its command line, where engines no longer put them. Pulumi's templates have this one.
		arguments = append([]string{"-root", folder, "-virtualenv", "venv"}, arguments...)
	}
	older := exec.Command(filepath.Join(filepath.Dir(self), "behind", filepath.Base(self)), arguments...)
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

// methods describes these methods of the service alone: gRPC takes the others for unknown.
func methods(names ...string) *grpc.ServiceDesc {
	service := pulumirpc.LanguageRuntime_ServiceDesc
	description := grpc.ServiceDesc{ServiceName: service.ServiceName, HandlerType: service.HandlerType}
	for _, method := range service.Methods {
		for _, name := range names {
			if method.MethodName == name {
				description.Methods = append(description.Methods, method)
			}
		}
	}
	return &description
}

// language is what the hosts of Pulumi do differently for each.
type language interface {
	// generate gives the files of an SDK.
	generate(*schema.Package, *pulumirpc.GeneratePackageRequest) (map[string][]byte, error)
	// link makes a program depend on SDKs, and tells how to import them.
	link(context.Context, *pulumirpc.LinkRequest) (string, error)
}

var languages = map[string]language{"go": golang{}, "nodejs": node{}, "python": python{}}

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	language
}

func (host host) GeneratePackage(
	_ context.Context, request *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	pkg, err := packages.Read([]byte(request.Schema))
	if err != nil {
		return nil, err
	}
	files, err := host.generate(pkg, request)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.GeneratePackageResponse{}, packages.Write(files, request.Directory)
}

func (host host) Link(ctx context.Context, request *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	instructions, err := host.link(ctx, request)
	return &pulumirpc.LinkResponse{ImportInstructions: instructions}, err
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
