package serve

import (
	"hash/crc32"
	"strconv"

	"penstock/venues/sim"
)

// krakenChecksum is the CRC32 of the ten best asks, then bids: of each level the
// price and the quantity without decimal point and leading zeros, which is the
// integer itself in the precision of the instrument.
func krakenChecksum(sides [2][]sim.Level) uint32 {
	var b []byte
	for _, i := range [2]int{1, 0} {
		for _, l := range sides[i][:min(10, len(sides[i]))] {
			b = strconv.AppendInt(b, int64(l.Price), 10)
			b = strconv.AppendInt(b, int64(l.Qty), 10)
		}
	}
	return crc32.ChecksumIEEE(b)
}
