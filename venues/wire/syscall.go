package wire

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receive is recvfrom(2) without an address. With MSG_TRUNC in flags a datagram
// gives its whole length even when buf is shorter; on TCP that flag would throw
// bytes away. A raw system call: it cannot block, so the Go scheduler need not
// hear of it. errno is 0 or what the kernel said; it becomes an error where it is
// one, because that is a call, and a hot loop makes none between its system calls
// (see router/loop, safepoint.go). It is that of package syscall: the same one of
// package unix takes another two calls.
func receive(fd int, buf []byte, flags uintptr) (n int, errno unix.Errno) {
	for {
		r, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)),
			unix.MSG_DONTWAIT|flags, 0, 0)
		if errno == 0 {
			return int(r), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

// send is sendto(2) without an address and without SIGPIPE.
func send(fd int, p []byte) (n int, errno unix.Errno) {
	for {
		r, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		if errno == 0 {
			return int(r), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
