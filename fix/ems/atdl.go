package ems

import _ "embed"

// ATDL is the FIXatdl 1.1 description of all strategies, from which a client's order
// management system draws its tickets.
//
//go:embed penstock.atdl.xml
var ATDL []byte
