package main

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Engine is the side of an engine that a provider calls: the user's log and the health service.
type Engine struct {
	pulumirpc.UnimplementedEngineServer
	healthpb.UnimplementedHealthServer

	// Address is host:port.
	Address string
	// HealthChecks and Connections count what arrived.
	HealthChecks, Connections atomic.Int64

	server *grpc.Server
	mutex  sync.Mutex
	logged strings.Builder
}

// startEngine starts an engine as engines are today.
func (t *T) startEngine() *Engine {
	engine := &Engine{}
	engine.serve(t, grpc.NewServer(), true)
	return engine
}

// startEngineWithoutHealth starts an engine that answers health checks with UNIMPLEMENTED.
func (t *T) startEngineWithoutHealth() *Engine {
	engine := &Engine{}
	unknown := func(_ any, stream grpc.ServerStream) error {
		if method, _ := grpc.MethodFromServerStream(stream); method == healthpb.Health_Check_FullMethodName {
			engine.HealthChecks.Add(1)
		}
		return status.Error(codes.Unimplemented, "unknown service")
	}
	engine.serve(t, grpc.NewServer(grpc.UnknownServiceHandler(unknown)), false)
	return engine
}

func (e *Engine) serve(t *T, server *grpc.Server, health bool) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.brokenf("the suite's engine cannot listen: %v", err)
	}
	e.Address, e.server = listener.Addr().String(), server
	pulumirpc.RegisterEngineServer(server, e)
	if health {
		healthpb.RegisterHealthServer(server, e)
	}
	go func() { _ = server.Serve(countingListener{listener, &e.Connections}) }()
	t.atEnd(e.stop)
}

// stop closes the connections and the port, as when the engine's process ends.
func (e *Engine) stop() { e.server.Stop() }

func (e *Engine) Log(_ context.Context, request *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.logged.WriteString(request.GetMessage() + "\n")
	return &emptypb.Empty{}, nil
}

// log is what the provider told the user so far.
func (e *Engine) log() string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.logged.String()
}

func (e *Engine) Check(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	e.HealthChecks.Add(1)
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

type countingListener struct {
	net.Listener
	count *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err == nil {
		l.count.Add(1)
	}
	return connection, err
}

// unusedAddress is an address of this machine where nobody listens.
func (t *T) unusedAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.brokenf("the suite cannot listen: %v", err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
