#include "textflag.h"

DATA iota<>+0(SB)/8, $0x0706050403020100
DATA iota<>+8(SB)/8, $0x0f0e0d0c0b0a0908
DATA iota<>+16(SB)/8, $0x1716151413121110
DATA iota<>+24(SB)/8, $0x1f1e1d1c1b1a1918
DATA iota<>+32(SB)/8, $0x2726252423222120
DATA iota<>+40(SB)/8, $0x2f2e2d2c2b2a2928
DATA iota<>+48(SB)/8, $0x3736353433323130
DATA iota<>+56(SB)/8, $0x3f3e3d3c3b3a3938
GLOBL iota<>(SB), RODATA|NOPTR, $64

// func splitAVX512(b *byte, n int, tags *byte, spans *span) (sum uint64, fields, width int)
//
// Of 64 bytes, the bits of AX are the equals signs, of BX the SOHs, of DX the first bytes of fields.
// DX added to what is no equals sign carries from the first byte of each tag to the equals sign
// behind it: the bits that change are the tags, each with its equals sign. A field without one
// carries on over its SOH, which then stands among the tags.
TEXT ·splitAVX512(SB), NOSPLIT, $0-56
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ tags+16(FP), DI
	MOVQ spans+24(FP), R8
	LEAQ 512(DI), R9 // const layoutText
	LEAQ 512(R8), R10 // const layoutFields, 8 bytes each
	MOVL $'=', AX
	VPBROADCASTB AX, Z16
	MOVL $1, AX
	VPBROADCASTB AX, Z17
	VMOVDQU64 iota<>(SB), Z18
	VPADDB Z17, Z18, Z19
	MOVL $64, AX
	VPBROADCASTD AX, Z20
	VPXORD Z21, Z21, Z21 // where the block begins
	VPXORD Z22, Z22, Z22 // sums
	MOVL $1, R11 // a field begins with the block
	XORL R12, R12 // all ones: a tag goes on in the block
	XORL R13, R13 // an equals sign ended the block before

block:
	MOVQ    CX, AX
	CMPQ    CX, $64
	JLE     last
	MOVL    $64, AX
last:
	MOVQ    $-1, R14
	BZHIQ   AX, R14, R14
	KMOVQ   R14, K1
	VMOVDQU8.Z (SI), K1, Z0
	VPCMPEQB Z16, Z0, K2
	VPCMPEQB Z17, Z0, K3
	VPDPBUSD Z17, Z0, Z22
	KMOVQ   K2, AX
	KMOVQ   K3, BX
	LEAQ    (R11)(BX*2), DX
	MOVQ    BX, R11
	SHRQ    $63, R11
	MOVQ    AX, R15
	NOTQ    R15
	ADDQ    R12, R12
	ADCQ    R15, DX
	SBBQ    R12, R12
	XORQ    R15, DX
	ANDQ    R14, DX // the tags
	ANDQ    DX, AX // the equals signs that end them
	LEAQ    (R13)(AX*2), R15
	MOVQ    AX, R13
	SHRQ    $63, R13
	TESTQ   R15, BX // a value is empty
	JNE     no
	KMOVQ   DX, K4
	VPCOMPRESSB.Z Z0, K4, Z1
	VMOVDQU64 Z1, (DI)
	POPCNTQ DX, DX
	ADDQ    DX, DI
	KMOVQ   AX, K2
	ORQ     AX, BX
	KMOVQ   BX, K3
	VMOVDQA64 Z18, Z2
	VMOVDQU8 Z19, K2, Z2
	VPCOMPRESSB.Z Z2, K3, Z2
	VPMOVZXBD X2, Z3
	VPADDD  Z21, Z3, Z3
	VMOVDQU64 Z3, (R8)
	POPCNTQ BX, BX
	CMPQ    BX, $16
	JGT     many
stored:
	LEAQ    (R8)(BX*4), R8
	CMPQ    R8, R10
	JHI     no
	CMPQ    DI, R9
	JHI     no
	VPADDD  Z20, Z21, Z21
	ADDQ    $64, SI
	SUBQ    $64, CX
	JGT     block

	VEXTRACTI64X4 $1, Z22, Y0
	VPADDD  Y22, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD  X1, X0, X0
	VPSHUFD $0x4e, X0, X1
	VPADDD  X1, X0, X0
	VPSHUFD $0xb1, X0, X1
	VPADDD  X1, X0, X0
	VMOVD   X0, AX
	MOVQ    AX, sum+32(FP)
	SUBQ    spans+24(FP), R8
	SHRQ    $3, R8
	MOVQ    R8, fields+40(FP)
	SUBQ    tags+16(FP), DI
	MOVQ    DI, width+48(FP)
	VZEROUPPER
	RET

many:
	CMPQ    BX, $32
	JGT     no
	VEXTRACTI128 $1, Y2, X2
	VPMOVZXBD X2, Z3
	VPADDD  Z21, Z3, Z3
	VMOVDQU64 Z3, 64(R8)
	JMP     stored

no:
	MOVQ $0, sum+32(FP)
	MOVQ $0, fields+40(FP)
	MOVQ $0, width+48(FP)
	VZEROUPPER
	RET
