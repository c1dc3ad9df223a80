//go:build unix

package main

import (
	"os"
	"syscall"
)

// ownGroup starts a process in a group of its own, as engines do.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// sendSignal ends a process as engines and service managers do.
func sendSignal(process *os.Process, signal os.Signal) error { return process.Signal(signal) }
