package main

import (
	"sync"
	"time"

	"penstock/internal/tsc"
)

// clock tells ns since epoch: from the processor's counter where it is invariant,
// bent to meet the system clock once a second, otherwise from the system clock.
func clock() int64 { return processClock()() }

var processClock = sync.OnceValue(func() func() int64 {
	c, err := tsc.New()
	if err != nil {
		return func() int64 { return time.Now().UnixNano() }
	}
	go func() {
		for range time.Tick(time.Second) {
			c.Adjust()
		}
	}()
	return c.Now
})
