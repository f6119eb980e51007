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

// Weights of digits, of pairs of them, of fours and of eights.
ALL4(tens, 0x010a010a010a010a)
ALL4(pairs, 0x0001006400010064)
ALL4(fours, 0x0001271000012710)
ALL4(eights, 100000000)

// In each byte of a word: '0'; what a digit carries into the high bit if it is none; the high bit.
DATA words<>+0(SB)/8, $0x3030303030303030
DATA words<>+8(SB)/8, $0x7676767676767676
DATA words<>+16(SB)/8, $0x8080808080808080
// What of a message's last eight bytes must be as in the next word: see ends.
DATA words<>+24(SB)/8, $0xff000000ffffffff
DATA words<>+32(SB)/8, $0x010000003d303101
DATA words<>+40(SB)/8, $10000000000000000
DATA words<>+48(SB)/8, $0x0001000000000000 // market.MaxQty and market.MaxPrice
GLOBL words<>(SB), RODATA|NOPTR, $56

// FIELD takes digits, a number of n characters less '0' of which the last is in the highest byte, and gap, which
// is -8 n. It takes a dot out, and what of pow10 makes units of the number comes into scale. It goes on at next,
// and clobbers AX and BX.
#define FIELD(digits, gap, decimals, scale, next) \
	TESTQ   digits, digits         \
	JZ      no                     \ // all zeros
	MOVBLZX decimals(DI), scale    \
	MOVQ    words<>+8(SB), AX      \
	ADDQ    digits, AX             \
	ORQ     digits, AX             \
	ANDQ    words<>+16(SB), AX     \ // the high bit of what is no digit:
	JZ      next                   \
	TZCNTQ  AX, BX                 \
	BLSRQ   AX, AX                 \
	JNZ     no                     \ // more than one
	ANDL    $0x38, BX              \ // the bits before it
	SHRXQ   BX, digits, AX         \
	CMPB    AX, $0x1e              \ // '.' less '0'
	JNE     no                     \
	LEAQ    -64(BX), AX            \
	CMPQ    AX, gap                \
	JEQ     no                     \ // it is the first
	MOVL    $0xff, AX              \
	SHLXQ   BX, AX, AX             \
	NOTQ    AX                     \
	PEXTQ   AX, digits, digits     \
	SHLQ    $8, digits             \
	JZ      no                     \ // all zeros
	SHRL    $3, BX                 \
	LEAQ    -7(scale)(BX*1), scale \ // as many decimals less as are behind the dot
	TESTQ   scale, scale           \
	JLT     no

// func readQuick(msg *byte, size int, m *mould, r *reading) bool
//
// Nothing outside the message is read.
TEXT ·readQuick(SB), NOSPLIT, $0-33
	MOVQ msg+0(FP), SI
	MOVQ size+8(FP), CX
	MOVQ m+16(FP), DI
	MOVQ mould_end(DI), R8
	MOVQ CX, DX
	SUBQ R8, DX             // as many bytes are behind end
	MOVQ DX, AX
	SUBQ mould_tail(DI), AX
	CMPQ AX, mould_more(DI)
	JHI  short

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
	VMOVDQU  -64(SI)(R8*1), Y0
	VMOVDQU  -32(SI)(R8*1), Y2
	VPSUBB   (mould_chunks+chunk_low)(DI)(AX*2), Y0, Y0
	VPSUBB   (mould_chunks+chunk_low+32)(DI)(AX*2), Y2, Y2
	VPADDUSB (mould_chunks+chunk_pad)(DI)(AX*2), Y0, Y0
	VPADDUSB (mould_chunks+chunk_pad+32)(DI)(AX*2), Y2, Y2
	VPOR     Y0, Y1, Y1
	VPOR     Y2, Y1, Y1
	VPTEST   highs<>(SB), Y1
	JNZ      no

	// BodyLength says this size, which ends with the last SOH of the body and the trailer.
	MOVQ    mould_body(DI), R10
	MOVL    -4(SI)(R10*1), AX
	ANDL    $0x0f0f0f, AX
	IMUL3L  $0x0a01, AX, BX
	SHRL    $8, BX
	MOVBLZX BX, BX
	SHRL    $16, AX
	LEAQ    (BX)(BX*4), BX
	LEAQ    (AX)(BX*2), AX
	LEAQ    const_trailer(AX)(R10*1), AX
	CMPQ    AX, CX
	JNE     no
	MOVQ    -8(SI)(CX*1), AX
	ANDQ    words<>+24(SB), AX
	CMPQ    AX, words<>+32(SB)
	JNE     no
	CMPB    mould_whole(DI), $0
	JNE     whole

	// From end on the SOH behind the quantity comes first, at R13, then those before and behind the trailer.
	VMOVDQU   -32(SI)(CX*1), Y2
	VPCMPEQB  soh<>(SB), Y2, Y2
	VPMOVMSKB Y2, R12
	MOVQ      DX, AX
	NEGQ      AX
	SHRXL     AX, R12, R12
	TZCNTL    R12, R13
	BLSRL     R12, R12
	LEAQ      -8(DX), AX
	MOVL      $0x81, BX
	SHLXL     AX, BX, BX
	CMPL      R12, BX
	JNE       no
	LEAQ      (R8)(R13*1), BX
	CMPL      (SI)(BX*1), $0x3d343401 // SOH 44=
	JNE       no

	// The digits of the quantity and of the price, which are as long as there is room.
	SUBQ  R13, DX
	SUBQ  $12, DX
	LEAQ  -1(DX), AX
	CMPQ  AX, $8
	JCC   no
	LEAQ  -1(R13), AX
	CMPQ  AX, $8
	JCC   no
	MOVQ  (SI)(R8*1), R10
	XORQ  words<>+0(SB), R10
	MOVQ  R13, R11
	NEGQ  R11
	SHLQ  $3, R11
	SHLXQ R11, R10, R10
	MOVQ  -16(SI)(CX*1), R9
	XORQ  words<>+0(SB), R9
	NEGQ  DX
	SHLQ  $3, DX
	SHRXQ DX, R9, R9
	SHLXQ DX, R9, R9
	FIELD(R10, R11, mould_qtyDecimals, R13, price)

price:
	FIELD(R9, DX, mould_priceDecimals, R12, numbers)

numbers:
	// Eight digits to a number, eight numbers at once: id and parent without their first digits, quantity, price,
	// the sequence number and nothing.
	VMOVQ        R10, X2
	VPINSRQ      $1, R9, X2, X2
	MOVQ         mould_seq(DI), AX
	VMOVQ        -8(SI)(AX*1), X3
	VPAND        mould_seqKeep(DI), X3, X3
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
	VPMULUDQ     eights<>(SB), Y0, Y1
	VPSRLQ       $32, Y0, Y2
	VPADDQ       Y2, Y1, Y1
	VPEXTRQ      $1, X0, R10
	VMOVQ        X1, R8
	VEXTRACTI128 $1, Y1, X1
	VMOVQ        X1, AX
	VEXTRACTI128 $1, Y0, X0
	MOVQ         r+24(FP), R11
	VMOVHPS      X0, reading_seq(R11)

	LEAQ  ·pow10(SB), R9
	MOVL  R10, DX
	IMULQ (R9)(R13*8), DX
	CMPQ  DX, words<>+48(SB)
	JHI   no
	MOVQ  DX, reading_qty(R11)
	SHRQ  $32, R10
	IMULQ (R9)(R12*8), R10
	CMPQ  R10, words<>+48(SB)
	JHI   no
	MOVQ  R10, reading_price(R11)

	MOVWLZX -18(SI)(BX*1), BX
	ANDL    mould_idFirst(DI), BX
	IMUL3L  $0x0a01, BX, BX
	SHRL    $8, BX
	MOVBLZX BX, BX
	IMULQ   words<>+40(SB), BX
	ADDQ    BX, R8
	MOVQ    R8, reading_id(R11)

	MOVWLZX -18(SI)(CX*1), CX
	ANDL    mould_parentFirst(DI), CX
	IMUL3L  $0x0a01, CX, CX
	SHRL    $8, CX
	MOVBLZX CX, CX
	IMULQ   words<>+40(SB), CX
	ADDQ    CX, AX
	MOVQ    AX, reading_parent(R11)

	VZEROUPPER
	MOVB $1, ret+32(FP)
	RET

whole:
	XORL R9, R9
	XORL R10, R10
	XORL R12, R12
	XORL R13, R13
	JMP  numbers

no:
	VZEROUPPER

short:
	MOVB $0, ret+32(FP)
	RET
