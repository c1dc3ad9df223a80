package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
)

const (
	// startLimit is how long a provider may take to say its port.
	startLimit = 20 * time.Second
	// killLimit is how long an engine waits between SIGINT and SIGKILL (plugin.go: ExecPlugin).
	killLimit = 5 * time.Second
	// answerLimit bounds what has no reason to take long.
	answerLimit = 10 * time.Second
	// stayLimit is how long a process is watched that is to stay: as long as an engine waits for one that is to end.
	stayLimit = killLimit
	// aliveLimit bounds how long a provider may take to notice that its engine is gone.
	aliveLimit = 30 * time.Second
)

// Setup says how a process is started; its zero value is the usual way.
type Setup struct {
	// Before and After stand around the engine's address.
	Before, After []string
	// Engine is the engine whose address is passed; nil: a new one.
	Engine *Engine
	// Address is passed in place of an engine's; "none": no address (attach mode).
	Address string
	// Environment is added to what the provider's file says.
	Environment map[string]string
	// Service is the stand-in that the configuration leads to; nil: a new one that answers well.
	Service *Service
}

// Process is a running provider.
type Process struct {
	command        *exec.Cmd
	stdout, stderr lockedBuffer
	exited         chan struct{}
}

// Session is a process with what surrounds it, and a connection to it.
type Session struct {
	*Process
	pulumirpc.ResourceProviderClient
	Connection *grpc.ClientConn
	Port       int
	Engine     *Engine
	Service    *Service
	t          *T
}

// spawn starts a process without waiting for anything.
func (t *T) spawn(setup Setup, address string) *Process {
	arguments := append([]string{}, setup.Before...)
	if address != "none" {
		arguments = append(arguments, address)
	}
	command := exec.Command(t.path, append(arguments, setup.After...)...)
	command.Dir = t.temporaryDirectory()
	command.Env = t.environment(setup)
	command.SysProcAttr = ownGroup()
	process := &Process{command: command, exited: make(chan struct{})}
	command.Stdout, command.Stderr = &process.stdout, &process.stderr
	if _, err := command.StdinPipe(); err != nil {
		t.brokenf("the suite has no pipe: %v", err)
	}
	if err := command.Start(); err != nil {
		t.brokenf("the binary does not start: %v", err)
	}
	go func() {
		_ = command.Wait()
		close(process.exited)
	}()
	t.processes = append(t.processes, process)
	t.atEnd(func() {
		_ = command.Process.Kill()
		<-process.exited
	})
	return process
}

// environment is what a process gets: a place of its own and no way to the outside.
func (t *T) environment(setup Setup) []string {
	home := t.temporaryDirectory()
	environment := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "USERPROFILE=" + home, "TMPDIR=" + home, "TEMP=" + home,
		"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost",
	}
	url := ""
	if setup.Service != nil {
		url = setup.Service.URL
	}
	for _, variables := range []map[string]string{t.Provider.Environment, setup.Environment} {
		for name, value := range variables {
			environment = append(environment, name+"="+expand(value, "${service}", url).(string))
		}
	}
	return environment
}

// start starts a process, reads its port and dials it; no RPC is sent.
func (t *T) start(setup Setup) *Session {
	if setup.Service == nil {
		setup.Service = t.startService(answering)
	}
	if setup.Engine == nil && setup.Address == "" {
		setup.Engine = t.startEngine()
	}
	address := setup.Address
	if address == "" {
		address = setup.Engine.Address
	}
	process := t.spawn(setup, address)
	session := &Session{Process: process, Engine: setup.Engine, Service: setup.Service, t: t}
	session.Port = t.readPort(process)
	session.Connection = t.dial(session.Port)
	session.ResourceProviderClient = pulumirpc.NewResourceProviderClient(session.Connection)
	return session
}

var portLine = regexp.MustCompile(`^[1-9][0-9]{0,4}\n`)

// readPort waits for the first line of stdout, which must be the port.
func (t *T) readPort(process *Process) int {
	t.eventually(startLimit, func() bool {
		return strings.Contains(process.stdout.String(), "\n") || process.hasExited()
	})
	line := portLine.FindString(process.stdout.String())
	if line == "" && process.hasExited() {
		t.brokenf("the process ended (%s) before it wrote its port", process.command.ProcessState)
	}
	port, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || port > 65535 {
		t.brokenf("stdout is to begin with a port and a newline, but is %q", process.stdout.String())
	}
	return port
}

// dial opens a connection as engines do (plugin.go: dialPlugin).
func (t *T) dial(port int) *grpc.ClientConn {
	connection, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(port),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(), rpcutil.GrpcChannelOptions(),
		grpc.WithStatsHandler(calledRPCs{t}))
	t.check("dial", err)
	t.atEnd(func() { _ = connection.Close() })
	return connection
}

// calledRPCs notes what is called.
type calledRPCs struct{ t *T }

func (c calledRPCs) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	c.t.mutex.Lock()
	defer c.t.mutex.Unlock()
	c.t.called = append(c.t.called, info.FullMethodName)
	return ctx
}

func (calledRPCs) HandleRPC(context.Context, stats.RPCStats) {}

func (calledRPCs) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (calledRPCs) HandleConn(context.Context, stats.ConnStats) {}

func (p *Process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// exitsWithin waits for the process to end.
func (p *Process) exitsWithin(t *T, limit time.Duration) bool {
	return t.eventually(limit, p.hasExited)
}

func (p *Process) signal(t *T, signal os.Signal) {
	switch err := sendSignal(p.command.Process, signal); {
	case err == nil, errors.Is(err, os.ErrProcessDone):
	case errors.Is(err, errors.ErrUnsupported):
		t.notApplicable(fmt.Sprintf("this system cannot send %v", signal))
	default:
		t.brokenf("the suite cannot send %v: %v", signal, err)
	}
}

// lockedBuffer takes a process's output while the suite reads it.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
