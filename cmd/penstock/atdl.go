package main

import (
	"io"

	"penstock/fix/ems"
)

const atdlUsage = `usage: penstock atdl

Prints the FIXatdl 1.1 file of all strategies: a client's order management system draws
its tickets from it.
`

func printATDL(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		if args[0] == "-h" || args[0] == "--help" {
			_, err := io.WriteString(stderr, atdlUsage)
			return err
		}
		return usageError("atdl: takes no arguments", atdlUsage)
	}
	_, err := stdout.Write(ems.ATDL)
	return err
}
