package host

import (
	"fmt"
	"path"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

func (h *Host) busyPoll() Finding {
	const name = "busy polling"
	read, _ := h.number("proc/sys/net/core/busy_read")
	poll, _ := h.number("proc/sys/net/core/busy_poll")
	saw := fmt.Sprintf("busy_read %d µs, busy_poll %d µs", read, poll)
	if read > 0 && poll > 0 {
		return pass(name, saw)
	}
	return warn(name, saw+": packets wait for an interrupt", "sysctl -w net.core.busy_read=50 net.core.busy_poll=50")
}

// bufferWanted holds a burst of one second of a busy multicast line.
const bufferWanted = 16 << 20

func (h *Host) socketBuffers() Finding {
	const name = "socket buffers"
	n, ok := h.number("proc/sys/net/core/rmem_max")
	saw := fmt.Sprintf("up to %d KiB to receive", n>>10)
	if ok && n >= bufferWanted {
		return pass(name, saw)
	}
	return warn(name, saw+": bursts are dropped before they are read",
		fmt.Sprintf("sysctl -w net.core.rmem_max=%d", bufferWanted))
}

// nics finds interfaces that hold packets back before they interrupt.
func (h *Host) nics() Finding {
	const name = "network cards"
	var seen, slow []string
	for _, dir := range h.glob("sys/class/net/*") {
		nic := path.Base(dir)
		if len(h.glob(dir+"/device")) == 0 {
			continue // not a card: lo, bridges, tunnels
		}
		micros, ok := h.Coalesced(nic)
		switch {
		case !ok:
			seen = append(seen, nic+" does not tell")
		case micros == 0:
			seen = append(seen, nic+" at once")
		default:
			slow = append(slow, nic)
			seen = append(seen, fmt.Sprintf("%s after %d µs", nic, micros))
		}
	}
	saw := strings.Join(seen, ", ")
	switch {
	case len(seen) == 0:
		return warn(name, "none seen", "a venue is reached through a card with kernel bypass or busy polling")
	case len(slow) == 0:
		return pass(name, "packets are told: "+saw)
	}
	fixes := make([]string, len(slow))
	for i, nic := range slow {
		fixes[i] = "ethtool -C " + nic + " adaptive-rx off rx-usecs 0 rx-frames 1"
	}
	return warn(name, "packets are told: "+saw, strings.Join(fixes, " && "))
}

// Numbers of linux/sockios.h and linux/ethtool.h.
const (
	siocEthtool       = 0x8946
	ethtoolGCoalesce  = 0x0000000e
	coalesceWords     = 23
	wordRxMicros      = 1
	wordAdaptiveRx    = 12
	adaptiveRxAsDelay = 50 // µs that an adaptive card may wait
)

// rxCoalesce asks the driver of nic how long it holds a received packet back.
func rxCoalesce(nic string) (rxMicros uint32, ok bool) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	words := [coalesceWords]uint32{ethtoolGCoalesce}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}{data: unsafe.Pointer(&words)}
	if copy(request.name[:unix.IFNAMSIZ-1], nic) < len(nic) {
		return 0, false
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), siocEthtool, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return 0, false
	}
	if words[wordAdaptiveRx] != 0 {
		return max(words[wordRxMicros], adaptiveRxAsDelay), true
	}
	return words[wordRxMicros], true
}
