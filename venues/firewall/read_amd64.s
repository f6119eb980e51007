#include "go_asm.h"
#include "textflag.h"

// ALL4 is a vector of four times the same word.
#define ALL4(name, word) \
	DATA name<>+0(SB)/8, $word \
	DATA name<>+8(SB)/8, $word \
	DATA name<>+16(SB)/8, $word \
	DATA name<>+24(SB)/8, $word \
	GLOBL name<>(SB), RODATA|NOPTR, $32

ALL4(soh, 0x0101010101010101)
ALL4(highs, 0x8080808080808080)

// Weights of digits, of pairs of them, and of fours.
ALL4(tens, 0x010a010a010a010a)
ALL4(pairs, 0x0001006400010064)
ALL4(fours, 0x0001271000012710)

// In each byte of a word: '0'; what a digit carries into the high bit if it is none; the high bit; '.' less '0'.
DATA words<>+0(SB)/8, $0x3030303030303030
DATA words<>+8(SB)/8, $0x7676767676767676
DATA words<>+16(SB)/8, $0x8080808080808080
DATA words<>+24(SB)/8, $0x1e1e1e1e1e1e1e1e
// What of a message's last eight bytes must be as in the next word: see ends.
DATA words<>+32(SB)/8, $0xff000000ffffffff
DATA words<>+40(SB)/8, $0x010000003d303101
DATA words<>+48(SB)/8, $10000000000000000
DATA words<>+56(SB)/8, $0x0001000000000000 // market.MaxQty and market.MaxPrice
GLOBL words<>(SB), RODATA|NOPTR, $64

// FIELD takes the n characters before end: their digits come into digits, the last one in the highest byte, and
// what of pow10 makes units of them into n. It goes on at next. first is the first character. It clobbers AX, BX, CX.
#define FIELD(first, end, n, decimals, digits, next) \
	MOVQ    -8(SI)(end*1), digits \
	XORQ    words<>+0(SB), digits \
	NEGQ    n                     \
	SHLQ    $3, n                 \
	SHRXQ   n, digits, digits     \
	SHLXQ   n, digits, digits     \
	TESTQ   digits, digits        \
	JZ      no                    \
	MOVBLZX decimals(DI), n       \
	MOVQ    words<>+8(SB), AX     \
	ADDQ    digits, AX            \
	ORQ     digits, AX            \
	ANDQ    words<>+16(SB), AX    \ // the high bit of what is no digit:
	JZ      next                  \
	CMPB    first, $'.'           \
	JEQ     no                    \
	MOVQ    AX, BX                \
	SHRQ    $7, BX                \
	LEAQ    (AX)(AX*1), CX        \
	SUBQ    BX, CX                \ // all its bits
	MOVQ    words<>+24(SB), BX    \
	XORQ    digits, BX            \
	ANDQ    CX, BX                \
	JNZ     no                    \ // no dot
	BLSRQ   AX, BX                \
	JNZ     no                    \ // more than one
	NOTQ    CX                    \
	PEXTQ   CX, digits, digits    \
	SHLQ    $8, digits            \
	JZ      no                    \ // all zeros
	TZCNTQ  AX, AX                \
	SHRQ    $3, AX                \
	ADDQ    AX, n                 \
	SUBQ    $7, n                 \ // as many decimals less as are behind the dot
	JLT     no

// func readQuick(msg *byte, size int, m *mould, r *reading) bool
//
// See readWords. Nothing outside the message is read.
TEXT ·readQuick(SB), NOSPLIT, $0-33
	MOVQ msg+0(FP), SI
	MOVQ size+8(FP), CX
	MOVQ m+16(FP), DI
	MOVQ mould_end(DI), R8
	CMPQ CX, R8
	JLE  short

	// The bytes up to end, each less its low, have the high bit with pad added if they are above.
	MOVQ  mould_last(DI), R9
	XORL  AX, AX
	VPXOR X1, X1, X1

	CMPQ  AX, R9
	JGE   last

chunks:
	VMOVDQU  (SI)(AX*1), Y0
	VMOVDQU  32(SI)(AX*1), Y2
	VPSUBB   (mould_chunks+chunk_low)(DI)(AX*2), Y0, Y0
	VPSUBB   (mould_chunks+chunk_low+32)(DI)(AX*2), Y2, Y2
	VPADDUSB (mould_chunks+chunk_pad)(DI)(AX*2), Y0, Y0
	VPADDUSB (mould_chunks+chunk_pad+32)(DI)(AX*2), Y2, Y2
	VPOR     Y0, Y1, Y1
	VPOR     Y2, Y1, Y1
	ADDQ     $const_chunkBytes, AX
	CMPQ     AX, R9
	JLT      chunks

last:
	VMOVDQU   -64(SI)(R8*1), Y0
	VMOVDQU   -32(SI)(R8*1), Y2
	VPSUBB    (mould_chunks+chunk_low)(DI)(AX*2), Y0, Y0
	VPSUBB    (mould_chunks+chunk_low+32)(DI)(AX*2), Y2, Y2
	VPADDUSB  (mould_chunks+chunk_pad)(DI)(AX*2), Y0, Y0
	VPADDUSB  (mould_chunks+chunk_pad+32)(DI)(AX*2), Y2, Y2
	VPOR      Y0, Y1, Y1
	VPOR      Y2, Y1, Y1
	VPTEST    highs<>(SB), Y1
	JNZ       no

	// The length, and the last SOH of the body with the trailer.
	MOVQ    mould_body(DI), R10
	MOVL    -4(SI)(R10*1), AX
	ANDL    $0x0f0f0f, AX
	IMUL3L  $0x0a01, AX, BX
	SHRL    $8, BX
	MOVBLZX BX, BX
	SHRL    $16, AX
	LEAQ    (BX)(BX*4), BX
	LEAQ    (AX)(BX*2), AX
	LEAQ    const_trailer(AX)(R10*1), R9
	CMPQ    R9, CX
	JGT     no
	MOVQ    mould_least(DI), AX
	CMPQ    R9, AX
	JLT     no
	MOVQ    -8(SI)(R9*1), BX
	ANDQ    words<>+32(SB), BX
	CMPQ    BX, words<>+40(SB)
	JNE     no
	CMPB    mould_whole(DI), $0
	JNE     whole

	// Where SOHs are in the 32 bytes from end on, or what the message has of them.
	LEAQ      -32(R9), R11
	CMPQ      R11, R8
	CMOVQGT   R8, R11
	VMOVDQU   (SI)(R11*1), Y2
	VPCMPEQB  soh<>(SB), Y2, Y2
	VPMOVMSKB Y2, R12
	MOVQ      R8, AX
	SUBQ      R11, AX
	SHRXL     AX, R12, R12
	TZCNTL    R12, R13
	BLSRL     R12, R12
	LEAQ      (R8)(R13*1), R11
	LEAQ      -1(R13), AX
	CMPQ      AX, $8
	JCC       no
	FIELD((SI)(R8*1), R11, R13, mould_qtyDecimals, R10, price)

price:
	CMPL   (SI)(R11*1), $0x3d343401 // SOH 44=
	JNE    unpriced
	TZCNTL R12, R12
	ADDQ   R8, R12
	MOVQ   R12, DX
	SUBQ   R11, DX
	SUBQ   $4, DX
	LEAQ   -1(DX), AX
	CMPQ   AX, $8
	JCC    no
	FIELD(4(SI)(R11*1), R12, DX, mould_priceDecimals, R8, numbers)

numbers:
	// Eight digits to a number, eight numbers at once: id and parent without their first digits, quantity, price,
	// the sequence number and nothing.
	VMOVQ        R10, X2
	VPINSRQ      $1, R8, X2, X2
	MOVQ         mould_seq(DI), AX
	MOVQ         -8(SI)(AX*1), AX
	ANDQ         mould_seqKeep(DI), AX
	VMOVQ        AX, X3
	VINSERTI128  $1, X3, Y2, Y2
	MOVQ         mould_id(DI), BX
	MOVQ         mould_parent(DI), CX
	VMOVDQU      -16(SI)(BX*1), X0
	VINSERTI128  $1, -16(SI)(CX*1), Y0, Y0
	VPAND        mould_keep(DI), Y0, Y0
	VPMADDUBSW   tens<>(SB), Y0, Y0
	VPMADDUBSW   tens<>(SB), Y2, Y2
	VPMADDWD     pairs<>(SB), Y0, Y0
	VPMADDWD     pairs<>(SB), Y2, Y2
	VPACKUSDW    Y2, Y0, Y0
	VPMADDWD     fours<>(SB), Y0, Y0
	VMOVQ        X0, R8
	VPEXTRQ      $1, X0, R10
	VEXTRACTI128 $1, Y0, X0
	VMOVQ        X0, AX
	MOVQ         r+24(FP), R11

	MOVQ    R9, reading_n(R11)
	INCQ    R12
	MOVQ    R12, reading_rest(R11)
	VPEXTRD $2, X0, R9
	MOVQ    R9, reading_seq(R11)

	LEAQ  ·pow10(SB), R9
	MOVL  R10, R12
	IMULQ (R9)(R13*8), R12
	CMPQ  R12, words<>+56(SB)
	JHI   no
	MOVQ  R12, reading_qty(R11)
	SHRQ  $32, R10
	IMULQ (R9)(DX*8), R10
	CMPQ  R10, words<>+56(SB)
	JHI   no
	MOVQ  R10, reading_price(R11)

	MOVWLZX -18(SI)(BX*1), BX
	ANDL    mould_idFirst(DI), BX
	IMUL3L  $0x0a01, BX, BX
	SHRL    $8, BX
	MOVBLZX BX, BX
	IMULQ   words<>+48(SB), BX
	MOVL    R8, R10
	SHRQ    $32, R8
	IMUL3Q  $100000000, R10, R10
	ADDQ    R10, R8
	ADDQ    BX, R8
	MOVQ    R8, reading_id(R11)

	MOVWLZX -18(SI)(CX*1), CX
	ANDL    mould_parentFirst(DI), CX
	IMUL3L  $0x0a01, CX, CX
	SHRL    $8, CX
	MOVBLZX CX, CX
	IMULQ   words<>+48(SB), CX
	MOVL    AX, R10
	SHRQ    $32, AX
	IMUL3Q  $100000000, R10, R10
	ADDQ    R10, AX
	ADDQ    CX, AX
	MOVQ    AX, reading_parent(R11)

	VZEROUPPER
	MOVB $1, ret+32(FP)
	RET

unpriced:
	MOVQ R11, R12
	XORL R8, R8
	XORL DX, DX
	JMP  numbers

whole:
	CMPQ R9, AX
	JNE  no
	LEAQ -1(R8), R12
	XORL R8, R8
	XORL R10, R10
	XORL R13, R13
	XORL DX, DX
	JMP  numbers

no:
	VZEROUPPER

short:
	MOVB $0, ret+32(FP)
	RET
