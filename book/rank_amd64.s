#include "textflag.h"

// Masks of the last keys, which are less than a vector: none, one, two, three.
DATA rankTails<>+32(SB)/8, $-1
DATA rankTails<>+64(SB)/8, $-1
DATA rankTails<>+72(SB)/8, $-1
DATA rankTails<>+96(SB)/8, $-1
DATA rankTails<>+104(SB)/8, $-1
DATA rankTails<>+112(SB)/8, $-1
GLOBL rankTails<>(SB), RODATA|NOPTR, $128

// func rankAVX2(keys []int64, key int64) int
TEXT ·rankAVX2(SB), NOSPLIT, $0-40
	MOVQ keys_base+0(FP), SI
	MOVQ keys_len+8(FP), CX
	VPBROADCASTQ key+24(FP), Y0
	VPXOR Y1, Y1, Y1
	MOVQ CX, DX
	ANDQ $3, DX
	SHRQ $2, CX
	JZ   tail
four:
	VPCMPGTQ (SI), Y0, Y2
	VPSUBQ Y2, Y1, Y1
	ADDQ $32, SI
	DECQ CX
	JNZ  four
tail:
	TESTQ DX, DX
	JZ   sum
	SHLQ $5, DX
	LEAQ rankTails<>(SB), AX
	VPCMPGTQ (SI), Y0, Y2
	VPAND (AX)(DX*1), Y2, Y2
	VPSUBQ Y2, Y1, Y1
sum:
	VEXTRACTI128 $1, Y1, X2
	VPADDQ X2, X1, X1
	VPSHUFD $0x4E, X1, X2
	VPADDQ X2, X1, X1
	VMOVQ X1, AX
	VZEROUPPER
	MOVQ AX, ret+32(FP)
	RET
