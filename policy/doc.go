// Package policy answers one question: in this state, which kind of liquidity
// should the rest of a slice go to?
//
//	Inputs ─Codes─► 8 × uint8 ─LUT─► cell index ─POLI─► Cell ─Resolve─► action ─Split─► lots by class
//	                                                      │
//	                                        thin support, masked ─► BASELINE (static rule)
//
// A state is eight features, each cut into a few bins: 36,450 cells. A Table
// holds one decision of 16 bits per cell and regime page; it is built by
// BuildBaseline from hand-written rules or by a trainer, stored as a *.penstock
// file (Encode, Decode) and read by Lookup, which is nine loads and no branch on
// the data. StaticTable is the table compiled in: every cell is BASELINE.
//
// Layout of a file, little-endian:
//
//	┌────────────┬─────────────┬──────┬──────┬──────┬──────────────┬──────┬─────┬──────┐
//	│ header 256 │ dir 40 each │ FEAT │ LUT8 │ ACTN │ POLI at 4096 │ META │ ... │ SIG0 │
//	└────────────┴─────────────┴──────┴──────┴──────┴──────────────┴──────┴─────┴──────┘
//	 every byte is covered: CRC32C of header and sections, exact directory, zero padding
//
// The package is pure: bytes in, bytes out; no clock, goroutine, map iteration,
// float or I/O. Reading files, locking memory and swapping tables is the caller's
// work, and so is sharing a class's quantity over its venues.
package policy
