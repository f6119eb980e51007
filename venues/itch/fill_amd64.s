#include "go_asm.h"
#include "textflag.h"

// Of 16 bytes from the tracking number on: timestamp and reference, the last byte first.
DATA stamp<>+0(SB)/8, $0x8080020304050607
DATA stamp<>+8(SB)/8, $0x08090a0b0c0d0e0f
GLOBL stamp<>(SB), RODATA|NOPTR, $16

// func fillAVX(d *Decoder, tables *fillTable, now int64, blocks *byte, n int) (events, size int)
//
//	DI d      SI block   R8 end of blocks    R12 tables
//	R9 now    R10 event  R11 end of batch    R13 lanes       DX venue
//	AX type   CX cut     R14 next block      R15 lane        BX anything
//
// It asks for the line a datagram ahead: a stream that lies in memory, as a replay has it,
// comes from there slower than it is decoded. What is not mapped does no harm.
TEXT ·fillAVX(SB), NOSPLIT, $0-56
	MOVQ d+0(FP), DI
	MOVQ now+16(FP), R9
	MOVQ blocks+24(FP), SI
	MOVQ n+32(FP), R8
	ADDQ SI, R8
	LEAQ Decoder_batch(DI), R10
	LEAQ (const_BatchSize*const_eventSize)(R10), R11
	MOVQ tables+8(FP), R12
	LEAQ Decoder_lanes(DI), R13
	MOVBLZX Decoder_venue(DI), DX
	SHLQ $8, DX
	VMOVDQU stamp<>(SB), X12
	VMOVQ Decoder_midnight(DI), X13
	VPXOR X14, X14, X14

next:
	CMPQ R10, R11
	JEQ  done
	LEAQ const_minBlock(SI), AX
	CMPQ AX, R8
	JHI  done
	MOVBLZX 2(SI), AX
	MOVL AX, CX
	SHLL $6, CX
	ADDQ R12, CX
	MOVWLZX (SI), BX
	CMPL BX, cut_length(CX)
	JNE  done
	MOVBLZX cut_size(CX), R14
	PREFETCHT0 const_MaxPacket(SI)
	ADDQ SI, R14
	CMPQ R14, R8
	JHI  done
	MOVWLZX 3(SI), BX
	ROLW $8, BX
	MOVL (R13)(BX*4), R15
	TESTL R15, R15
	JPL  closed

	// Source time and reference.
	VMOVDQU 5(SI), X0
	VPSHUFB X12, X0, X0
	VPADDQ X13, X0, X0
	VMOVDQU X0, const_srcTime(R10)

	// Price and quantity: X2 as they came, X4 in increments, X5 and X6 all zero when right.
	MOVBLZX cut_tail(CX), BX
	VMOVDQU (SI)(BX*1), X1
	VPSHUFB cut_pick(CX), X1, X2
	VPSHUFB cut_newRef(CX), X1, X3
	VMOVQ X3, const_orderRef(R10)
	MOVL R15, BX
	SHRL $(const_laneScale-6), BX
	ANDL $((const_maxScales-1)<<6), BX
	VPMULUDQ (Decoder_scales+scale_inverse)(DI)(BX*1), X2, X4
	VPSRLQ $31, X4, X4
	VPMULUDQ (Decoder_scales+scale_div)(DI)(BX*1), X4, X5
	VPXOR X2, X5, X5
	VPCMPEQQ X2, X14, X6
	VPAND cut_must(CX), X6, X6
	VPOR X5, X6, X6
	VPTEST X6, X6
	JNZ  done
	VPMULUDQ (Decoder_scales+scale_mul)(DI)(BX*1), X4, X4
	VMOVDQU X4, const_priceQty(R10)

	// Kind, venue, instrument and side.
	MOVBLZX cut_side(CX), BX
	MOVBLZX (SI)(BX*1), BX
	ADDL cut_sides(CX), BX
	MOVQ (256*cut__size)(R12)(BX*8), BX
	TESTQ BX, BX
	JMI  done
	MOVL cut_kind(CX), CX
	MOVWLZX R15, R15
	SHLQ $16, R15
	ORQ  DX, BX
	ORQ  CX, R15
	ORQ  R15, BX
	MOVQ BX, const_tag(R10)

	MOVQ R9, const_recvTime(R10)
	INCQ (Decoder_stats+Stats_Types)(DI)(AX*8)
	ADDQ $const_eventSize, R10
	MOVQ R14, SI
	JMP  next

closed:
	SHRL $const_laneUse, R15
	CMPL R15, $const_laneShut
	JEQ  done
	INCQ (Decoder_stats+Stats_Types)(DI)(AX*8)
	INCQ (Decoder_stats+Stats_Ignored)(DI)
	INCQ Decoder_skipped(DI)
	MOVQ R14, SI
	JMP  next

done:
	SUBQ blocks+24(FP), SI
	MOVQ SI, size+48(FP)
	LEAQ Decoder_batch(DI), AX
	SUBQ AX, R10
	MOVQ R10, AX
	XORL DX, DX
	MOVL $const_eventSize, CX
	DIVL CX
	MOVQ AX, events+40(FP)
	RET
