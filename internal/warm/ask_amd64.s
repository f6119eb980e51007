#include "textflag.h"

// func ask(p unsafe.Pointer, n uintptr)
TEXT ·ask(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ n+8(FP), CX
next:
	BYTE $0x0f; BYTE $0x0d; BYTE $0x08 // PREFETCHW (AX); without it a processor of 64 bits does nothing
	ADDQ $64, AX
	DECQ CX
	JNZ  next
	RET
