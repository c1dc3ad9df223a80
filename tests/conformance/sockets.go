package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// listening is the state of a socket in /proc/net/tcp (TCP_LISTEN of the kernel's tcp_states.h).
const listening = "0A"

// listeningAddresses lists where a process listens, from Linux's /proc.
func listeningAddresses(pid int) ([]netip.AddrPort, error) {
	own, err := socketsOf(pid)
	if err != nil {
		return nil, err
	}
	var addresses []netip.AddrPort
	for _, table := range []string{"tcp", "tcp6"} {
		found, err := listeningIn(fmt.Sprintf("/proc/%d/net/%s", pid, table), own)
		if err != nil && !os.IsNotExist(err) { // a kernel without IPv6 has no tcp6
			return nil, err
		}
		addresses = append(addresses, found...)
	}
	return addresses, nil
}

// socketsOf is the set of the inodes of a process's sockets.
func socketsOf(pid int) (map[string]bool, error) {
	directory := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	sockets := map[string]bool{}
	for _, file := range files {
		target, err := os.Readlink(filepath.Join(directory, file.Name()))
		if inode, isSocket := strings.CutPrefix(target, "socket:["); err == nil && isSocket {
			sockets[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return sockets, nil
}

func listeningIn(table string, own map[string]bool) ([]netip.AddrPort, error) {
	file, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var addresses []netip.AddrPort
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listening || !own[fields[9]] {
			continue
		}
		address, err := kernelAddress(fields[1])
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}

// kernelAddress reads ADDRESS:PORT, where the address is hexadecimal words of 32 bits in the machine's byte order.
func kernelAddress(text string) (netip.AddrPort, error) {
	words, port, _ := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(words)
	if err != nil {
		return netip.AddrPort{}, err
	}
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i+4 <= len(bytes); i += 4 {
		binary.BigEndian.PutUint32(bytes[i:], binary.NativeEndian.Uint32(bytes[i:]))
	}
	address, ok := netip.AddrFromSlice(bytes)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	return netip.AddrPortFrom(address, uint16(number)), nil
}
