package policy

import "fmt"

// LoadError says why a file was refused: which check, where, and what to do. It
// unwraps to one of the sentinels below.
type LoadError struct {
	Kind    error  // one of the sentinels
	Section string // "header", "directory" or the tag of a section
	Offset  int64  // of the offending bytes in the file
	Detail  string
}

func (e *LoadError) Error() string {
	advice := ""
	if k, ok := e.Kind.(*refusal); ok {
		advice = "; " + k.advice
	}
	return fmt.Sprintf("policy table: %s at byte %d: %v: %s%s",
		e.Section, e.Offset, e.Kind, e.Detail, advice)
}

// Unwrap returns the sentinel.
func (e *LoadError) Unwrap() error { return e.Kind }

// refusal is a sentinel together with what the operator should do about it.
type refusal struct{ what, advice string }

func (r *refusal) Error() string { return r.what }

// Reasons to refuse a file, in the order of the checks.
var (
	ErrSize      error = &refusal{"wrong size", "copy the file again, it is cut or padded"}
	ErrMagic     error = &refusal{"not a policy table", "give a *.penstock file"}
	ErrEndian    error = &refusal{"wrong byte order", "export the table little-endian"}
	ErrVersion   error = &refusal{"unknown format version", "use a matching penstock"}
	ErrHeader    error = &refusal{"damaged header", "copy the file again or rebuild it"}
	ErrDirectory error = &refusal{"bad directory", "copy the file again or rebuild it"}
	ErrChecksum  error = &refusal{"checksum mismatch", "copy the file again or rebuild it"}
	ErrUnsigned  error = &refusal{"not signed by a trusted key", "sign it or allow unsigned tables"}
	ErrSignature error = &refusal{"bad signature", "do not use this file; export it again"}
	ErrSchema    error = &refusal{"schema mismatch", "rebuild the table with this penstock"}
	ErrNotYet    error = &refusal{"not valid yet", "wait, or build one for this date"}
	ErrExpired   error = &refusal{"expired", "build or train a new table"}
	ErrCell      error = &refusal{"impossible cell", "rebuild the table"}
	ErrMeta      error = &refusal{"bad metadata", "rebuild the table"}
	ErrGate      error = &refusal{"export gate not passed", "train again; do not deploy"}
	ErrSelfTest  error = &refusal{"self-test differs", "report it; use the baseline"}
	errEncode          = &refusal{"cannot be encoded", "fix the table before export"}
)

func refuse(kind error, section string, offset int, format string, args ...any) error {
	return &LoadError{Kind: kind, Section: section, Offset: int64(offset),
		Detail: fmt.Sprintf(format, args...)}
}
