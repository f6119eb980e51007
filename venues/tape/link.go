package tape

import "encoding/binary"

// Link types of captures (LINKTYPE_ of the tcpdump registry).
const (
	linkNull     = 0 // 4-byte family in the order of the capturing machine
	linkEthernet = 1
	linkRawBSD   = 12  // raw IP, as some systems number it
	linkRaw      = 101 // raw IP
	linkCooked   = 113 // Linux cooked
	linkCooked2  = 276 // Linux cooked, version 2
	linkIPv4     = 228
	linkIPv6     = 229
)

const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherVLAN   = 0x8100
	etherQinQ   = 0x88a8
	protocolTCP = 6
	protocolUDP = 17
)

// packetKind says what a packet is to us.
type packetKind uint8

const (
	packetOther packetKind = iota
	packetUDP
	packetTCP
	packetFragment
	packetShort // ends before its headers say
)

// datagram is a UDP payload and the port that it goes to.
type datagram struct {
	port    uint16
	payload []byte // of a packetShort what is there of it
}

// datagramOf takes a packet apart down to UDP.
func datagramOf(link uint32, b []byte) (datagram, packetKind) {
	ether := uint16(0)
	switch link {
	case linkEthernet:
		if len(b) < 14 {
			return datagram{}, packetShort
		}
		ether, b = binary.BigEndian.Uint16(b[12:]), b[14:]
		for ether == etherVLAN || ether == etherQinQ {
			if len(b) < 4 {
				return datagram{}, packetShort
			}
			ether, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		}
	case linkCooked:
		if len(b) < 16 {
			return datagram{}, packetShort
		}
		ether, b = binary.BigEndian.Uint16(b[14:]), b[16:]
	case linkCooked2:
		if len(b) < 20 {
			return datagram{}, packetShort
		}
		ether, b = binary.BigEndian.Uint16(b), b[20:]
	case linkNull, linkRaw, linkRawBSD, linkIPv4, linkIPv6:
		if link == linkNull {
			b = b[min(4, len(b)):]
		}
		if len(b) == 0 {
			return datagram{}, packetShort
		}
		switch b[0] >> 4 {
		case 4:
			ether = etherIPv4
		case 6:
			ether = etherIPv6
		}
	}
	switch ether {
	case etherIPv4:
		return overIPv4(b)
	case etherIPv6:
		return overIPv6(b)
	}
	return datagram{}, packetOther
}

func overIPv4(b []byte) (datagram, packetKind) {
	if len(b) < 20 {
		return datagram{}, packetShort
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if b[0]>>4 != 4 || header < 20 || total < header {
		return datagram{}, packetOther
	}
	if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 { // more to come, or not the first
		return datagram{}, packetFragment
	}
	return overIP(b, header, total, b[9])
}

func overIPv6(b []byte) (datagram, packetKind) {
	if len(b) < 40 {
		return datagram{}, packetShort
	}
	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	protocol, at := b[6], 40
	for {
		switch protocol {
		case 44:
			return datagram{}, packetFragment
		case 0, 43, 60: // hop-by-hop, routing, destination options
			if len(b) < at+2 {
				return datagram{}, packetShort
			}
			protocol, at = b[at], at+8*(1+int(b[at+1]))
			continue
		}
		return overIP(b, at, total, protocol)
	}
}

// overIP reads the transport header at byte header of a packet of total bytes.
// What follows the packet is padding of the link.
func overIP(b []byte, header, total int, protocol byte) (datagram, packetKind) {
	kind := packetUDP
	switch protocol {
	case protocolTCP:
		return datagram{}, packetTCP
	case protocolUDP:
	default:
		return datagram{}, packetOther
	}
	if len(b) < total {
		kind, total = packetShort, len(b)
	}
	if total < header+8 {
		return datagram{}, packetShort
	}
	udp := b[header:total]
	size := int(binary.BigEndian.Uint16(udp[4:]))
	d := datagram{port: binary.BigEndian.Uint16(udp[2:])}
	switch {
	case size < 8:
		return datagram{}, packetOther
	case size > len(udp):
		kind, size = packetShort, len(udp)
	}
	d.payload = udp[8:size]
	return d, kind
}
