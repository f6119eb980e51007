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

// func prefetchBook(b, place unsafe.Pointer)
TEXT ·prefetchBook(SB), NOSPLIT, $0-16
	MOVQ b+0(FP), DI
	MOVQ place+8(FP), SI
	PREFETCHT0 (DI)
	PREFETCHT0 (SI)
	PREFETCHT0 64(DI)
	PREFETCHT0 128(DI)
	PREFETCHT0 192(DI)
	PREFETCHT0 256(DI)
	PREFETCHT0 320(DI)
	PREFETCHT0 384(DI)
	PREFETCHT0 448(DI)
	PREFETCHT0 512(DI)
	RET
