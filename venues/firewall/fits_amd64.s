#include "textflag.h"

// func fitsAll(msg *byte, chunks *chunk, n, last int) bool
//
// See fitsBytes. A byte less its low is at most its span: what is left of the difference is zero.
TEXT ·fitsAll(SB), NOSPLIT, $0-33
	MOVQ  msg+0(FP), SI
	MOVQ  chunks+8(FP), DI
	MOVQ  n+16(FP), CX
	MOVQ  last+24(FP), DX
	ADDQ  SI, DX
	VPXOR Y1, Y1, Y1
	DECQ  CX
	JZ    end

next:
	VMOVDQU  (SI), Y0
	VPSUBB   (DI), Y0, Y0
	VPSUBUSB 32(DI), Y0, Y0
	VPOR     Y0, Y1, Y1
	ADDQ     $32, SI
	ADDQ     $64, DI
	DECQ     CX
	JNZ      next

end:
	VMOVDQU  (DX), Y0
	VPSUBB   (DI), Y0, Y0
	VPSUBUSB 32(DI), Y0, Y0
	VPOR     Y0, Y1, Y1
	VPTEST   Y1, Y1
	SETEQ    ret+32(FP)
	VZEROUPPER
	RET
