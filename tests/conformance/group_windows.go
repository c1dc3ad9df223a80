package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// ownGroup starts a process in a group of its own, as engines do.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// sendSignal sends CTRL_BREAK for SIGINT, as engines do. Windows has no other.
func sendSignal(process *os.Process, signal os.Signal) error {
	if signal != os.Interrupt {
		return errors.ErrUnsupported
	}
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(process.Pid)); err != nil {
		return fmt.Errorf("CTRL_BREAK: %w", err)
	}
	return nil
}
