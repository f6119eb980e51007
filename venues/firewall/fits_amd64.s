#include "textflag.h"

DATA nines<>+0(SB)/8, $0x0909090909090909
DATA nines<>+8(SB)/8, $0x0909090909090909
GLOBL nines<>(SB), RODATA|NOPTR, $16

DATA zeros<>+0(SB)/8, $0x3030303030303030
DATA zeros<>+8(SB)/8, $0x3030303030303030
GLOBL zeros<>(SB), RODATA|NOPTR, $16

// func fitsAll(body *byte, chunks *chunk, n, last int) bool
//
// See fitsWords. SSE2, which every amd64 has.
TEXT ·fitsAll(SB), NOSPLIT, $0-33
	MOVQ  body+0(FP), SI
	MOVQ  chunks+8(FP), DI
	MOVQ  n+16(FP), CX
	MOVQ  last+24(FP), DX
	ADDQ  SI, DX
	MOVOU nines<>(SB), X7
	MOVOU zeros<>(SB), X6
	PCMPEQL X5, X5 // all that was asked of the bytes so far

next:
	CMPQ    SI, DX
	CMOVQHI DX, SI
	MOVOU   (SI), X0
	MOVOU   (DI), X1   // same
	MOVOU   16(DI), X2 // fixed
	MOVO    X0, X3
	PAND    X2, X0
	PCMPEQB X1, X0     // a byte that is fixed is the same; the others are zero here
	PSUBB   X6, X3
	MOVO    X3, X4
	PMINUB  X7, X4
	PCMPEQB X4, X3     // a digit
	POR     X2, X3
	PAND    X0, X5
	PAND    X3, X5
	ADDQ    $16, SI
	ADDQ    $32, DI
	DECQ    CX
	JNZ     next

	PMOVMSKB X5, AX
	CMPL     AX, $0xffff
	SETEQ    ret+32(FP)
	RET
