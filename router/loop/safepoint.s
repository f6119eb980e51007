// Its presence lets safepoint.go declare functions of the runtime without a body.
