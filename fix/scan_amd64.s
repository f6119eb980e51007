#include "textflag.h"

// 64 bytes of nothing, then 64 that keep: at offset r begins a mask of 64 bytes that keeps the last r.
DATA keep<>+64(SB)/8, $0xffffffffffffffff
DATA keep<>+72(SB)/8, $0xffffffffffffffff
DATA keep<>+80(SB)/8, $0xffffffffffffffff
DATA keep<>+88(SB)/8, $0xffffffffffffffff
DATA keep<>+96(SB)/8, $0xffffffffffffffff
DATA keep<>+104(SB)/8, $0xffffffffffffffff
DATA keep<>+112(SB)/8, $0xffffffffffffffff
DATA keep<>+120(SB)/8, $0xffffffffffffffff
GLOBL keep<>(SB), RODATA|NOPTR, $128

// func scanAVX2(b *byte, n int, marks *uint64) (sum uint64)
//
// n is at least 64. The last n mod 64 bytes are loaded with those before them, which
// keep hides, so that nothing behind b[n] is read.
TEXT ·scanAVX2(SB), NOSPLIT, $0-32
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ marks+16(FP), DI
	MOVL $0x01010101, AX
	MOVQ AX, X15
	VPBROADCASTD X15, Y15
	VPXOR Y14, Y14, Y14
	VPXOR Y13, Y13, Y13
	VPXOR Y12, Y12, Y12

block:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPCMPEQB Y0, Y15, Y2
	VPCMPEQB Y1, Y15, Y3
	VPMOVMSKB Y2, AX
	VPMOVMSKB Y3, DX
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, (DI)
	VPSADBW Y0, Y14, Y0
	VPSADBW Y1, Y14, Y1
	VPADDQ Y0, Y13, Y13
	VPADDQ Y1, Y12, Y12
	ADDQ $64, SI
	ADDQ $8, DI
	SUBQ $64, CX
	CMPQ CX, $64
	JGE  block

	TESTQ CX, CX
	JZ    done
	LEAQ keep<>(SB), R8
	VMOVDQU -64(SI)(CX*1), Y0
	VMOVDQU -32(SI)(CX*1), Y1
	VPAND (R8)(CX*1), Y0, Y0
	VPAND 32(R8)(CX*1), Y1, Y1
	VPCMPEQB Y0, Y15, Y2
	VPCMPEQB Y1, Y15, Y3
	VPMOVMSKB Y2, AX
	VPMOVMSKB Y3, DX
	SHLQ $32, DX
	ORQ  DX, AX
	NEGQ CX
	SHRQ CX, AX
	MOVQ AX, (DI)
	VPSADBW Y0, Y14, Y0
	VPSADBW Y1, Y14, Y1
	VPADDQ Y0, Y13, Y13
	VPADDQ Y1, Y12, Y12

done:
	VPADDQ Y12, Y13, Y13
	VEXTRACTI128 $1, Y13, X0
	VPADDQ X0, X13, X0
	VPSRLDQ $8, X0, X1
	VPADDQ X0, X1, X0
	VMOVQ X0, AX
	VZEROUPPER
	MOVQ AX, sum+24(FP)
	RET
