package simtest

// marker is the number of a failure mode of the catalogue.
type marker uint8

const markerCount = 111

// The failure modes that this world meets.
const (
	fm01 marker = 1
	fm02 marker = 2
	fm03 marker = 3
	fm04 marker = 4
	fm05 marker = 5
	fm06 marker = 6
	fm07 marker = 7
	fm08 marker = 8
	fm09 marker = 9
	fm10 marker = 10
	fm11 marker = 11
	fm12 marker = 12
	fm13 marker = 13
	fm14 marker = 14
	fm15 marker = 15
	fm16 marker = 16
	fm17 marker = 17
	fm18 marker = 18
	fm19 marker = 19
	fm20 marker = 20
	fm21 marker = 21
	fm22 marker = 22
	fm23 marker = 23
	fm24 marker = 24
	fm25 marker = 25
	fm26 marker = 26
	fm28 marker = 28
	fm30 marker = 30
	fm31 marker = 31
	fm32 marker = 32
	fm33 marker = 33
	fm34 marker = 34
	fm35 marker = 35
	fm36 marker = 36
	fm37 marker = 37
	fm38 marker = 38
	fm39 marker = 39
	fm40 marker = 40
	fm41 marker = 41
	fm42 marker = 42
	fm44 marker = 44
	fm46 marker = 46
	fm47 marker = 47
	fm48 marker = 48
	fm49 marker = 49
	fm51 marker = 51
	fm52 marker = 52
	fm53 marker = 53
	fm54 marker = 54
	fm55 marker = 55
	fm56 marker = 56
	fm57 marker = 57
	fm58 marker = 58
	fm66 marker = 66
	fm67 marker = 67
	fm73 marker = 73

	// Of tactics that the catalogue does not name.
	fm81 marker = 81
	fm82 marker = 82
	fm83 marker = 83
	fm84 marker = 84
	fm85 marker = 85
	fm86 marker = 86
	fm87 marker = 87
	fm88 marker = 88
	fm89 marker = 89
	fm90 marker = 90
	fm91 marker = 91
	fm92 marker = 92
	fm93 marker = 93
	fm94 marker = 94
	fm95 marker = 95
	fm96 marker = 96
	fm97 marker = 97
	fm98 marker = 98
	fm99 marker = 99

	fm100 marker = 100
	fm101 marker = 101
	fm105 marker = 105
	fm106 marker = 106
	fm107 marker = 107
	fm108 marker = 108
	fm109 marker = 109
	fm110 marker = 110
)
