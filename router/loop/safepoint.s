#include "funcdata.h"
#include "textflag.h"

// func safepoint()
// The frame is larger than what a function may use without a stack check.
TEXT ·safepoint(SB), 0, $256-0
	NO_LOCAL_POINTERS
	RET
