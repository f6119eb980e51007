// Package journal is the durable memory of the router: every event that entered
// the core, and beside it what the core decided, in one total order. Re-running
// the core on the events must give the recorded commands again.
//
// # The way of a record
//
//	core thread            journal goroutine                  other goroutines
//	Append ─copy─► byte ring ─number, chain─► pwrite ─► fdatasync ─► Durable, OnDurable
//
// Append takes no lock, makes no system call and allocates nothing. The journal
// goroutine writes whatever is there and syncs it at once, back to back: the
// longer a sync takes, the larger the next group. A record that is still in the
// ring is lost when the process dies; Durable says what no longer can be. Files
// are written with pwrite and never mapped, so that a full or failing disk is an
// error and not a signal. After the first such error nothing is written any more
// and no sync is tried again, because the kernel may have dropped the pages
// (Rebello et al., ATC 2020): the error stays, and the process has to stop.
//
// # Files
//
// A journal is a directory that belongs to one run. Create refuses a directory
// that already holds a journal; a new run takes a new directory.
//
//	00000001.seg 00000002.seg …   segments, zero-filled to full size before use
//	00000003.spare 00000004.spare those to come, their space taken from the disk; readers ignore them
//
// A segment is a 4 KiB header and records, each a multiple of 8 bytes. All integers
// are little-endian, except inside the payloads of events, commands and decisions,
// which are in the byte order of the header.
//
//	header                                      record
//	  0 magic "PENSTOCK"                          0 len       u32  bytes of payload, ≥ 1
//	  8 version u16 │ byte order u8 │ 0           4 crc       u32  CRC-32C, chained
//	 12 crc32c of the header, this field 0        8 seq       u64  number of the record
//	 16 segment u32 │ chain u32                  16 time      i64  core's clock, ns
//	 24 seq of the first record u64              24 wall      i64  when written, ns
//	 32 session epoch u64                        32 type u8 │ flags u8 │ 0 u16
//	 40 build, config, policy SHA-256            36 back      u32  seq − durable seq
//	136 created, ns since epoch i64              40 payload, then zeros to 8 bytes
//
// The CRC of a record covers len and then everything from seq to the end of the
// payload, and starts from the CRC of the record before it: a record cannot be
// removed, repeated or moved without breaking the chain. The chain of the first
// segment starts from the epoch and the hashes, that of later ones is in their
// headers. The last record of a finished segment is an end record; it names the
// next segment, or 0 when the journal was closed.
//
// A disk that gets full is told in steps (Space, Alarm); what was kept back is used up
// first. A mirror (Options.Mirror) is the same files once more on another disk, written by
// a Follower that checks each record as it reads it back.
//
// back tells damage from an ordinary crash. It says which records were known to be
// on disk when this one was written. A bad record that a later good one calls
// durable is corruption, and the reader refuses the journal. A bad record that
// nothing vouches for belongs to the group that a crash cut off: reading ends
// there, and Tail says how much was dropped.
package journal
