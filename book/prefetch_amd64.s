#include "go_asm.h"
#include "textflag.h"

// func prefetch(lines *uintptr, n int)
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVQ lines+0(FP), SI
	MOVQ n+8(FP), CX
	TESTQ CX, CX
	JLE  done
next:
	MOVQ (SI), AX
	PREFETCHT0 (AX)
	ADDQ $8, SI
	DECQ CX
	JNZ  next
done:
	RET

// func prefetchOrders(places unsafe.Pointer, mask uint64, ref *uint64, apart uintptr, n int)
TEXT ·prefetchOrders(SB), NOSPLIT, $0-40
	MOVQ places+0(FP), DI
	MOVQ mask+8(FP), DX
	MOVQ ref+16(FP), SI
	MOVQ apart+24(FP), BX
	MOVQ n+32(FP), CX
order:
	MOVQ (SI), AX
	ANDQ DX, AX
	SHLQ $4, AX
	PREFETCHT0 (DI)(AX*1)
	ADDQ BX, SI
	DECQ CX
	JNZ  order
	RET

// func prefetchBook(b *Book, place *slot, guess *uint32, l, contra *Ladder)
TEXT ·prefetchBook(SB), NOSPLIT, $0-40
	MOVQ b+0(FP), DI
	MOVQ place+8(FP), SI
	MOVQ guess+16(FP), DX
	MOVQ l+24(FP), BX
	MOVQ contra+32(FP), CX
	PREFETCHT0 (DI)
	PREFETCHT0 (SI)
	PREFETCHT0 (DX)
	PREFETCHT0 (BX)
	PREFETCHT0 (CX)
	PREFETCHT0 192(BX)
	PREFETCHT0 192(CX)
	PREFETCHT0 64(BX)
	PREFETCHT0 64(CX)
	PREFETCHT0 128(BX)
	PREFETCHT0 128(CX)
	RET

// func prefetchFar(l, contra *Ladder)
TEXT ·prefetchFar(SB), NOSPLIT, $0-16
	MOVQ l+0(FP), DI
	MOVQ contra+8(FP), SI
	MOVQ Ladder_floors(DI), AX
	MOVQ Ladder_floors(SI), BX
	MOVQ Ladder_far(DI), DI
	MOVQ Ladder_far(SI), SI
	PREFETCHT0 (AX)
	PREFETCHT0 (BX)
	PREFETCHT0 (DI)
	PREFETCHT0 (SI)
	RET

// func prefetchLeaf(v *leaf)
TEXT ·prefetchLeaf(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), DI
	PREFETCHT0 (DI)
	PREFETCHT0 256(DI)
	PREFETCHT0 64(DI)
	PREFETCHT0 128(DI)
	PREFETCHT0 192(DI)
	PREFETCHT0 320(DI)
	RET

// func prefetchPlace(place *slot, stray *uint32)
TEXT ·prefetchPlace(SB), NOSPLIT, $0-16
	MOVQ place+0(FP), AX
	MOVQ stray+8(FP), BX
	PREFETCHT0 (AX)
	PREFETCHT0 (BX)
	RET
