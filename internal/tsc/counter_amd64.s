#include "textflag.h"

// func counter() uint64
TEXT ·counter(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func powerManagement() uint32
TEXT ·powerManagement(SB), NOSPLIT, $0-4
	MOVL $0x80000000, AX
	XORL CX, CX
	CPUID
	CMPL AX, $0x80000007
	JLT  none
	MOVL $0x80000007, AX
	XORL CX, CX
	CPUID
	MOVL DX, ret+0(FP)
	RET
none:
	MOVL $0, ret+0(FP)
	RET
