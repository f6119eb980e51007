package learn

import (
	"math"

	"penstock/policy"
)

// raise makes values rise, or stay, along each of three axes: the nearest such table in
// weighted squares, by Dykstra's projections onto one axis after the other, each of which is
// pooling of adjacent violators. What rounding left is raised at last.
func raise(values, weights []float64) {
	const size, rounds = policy.SignalBins, 200
	strides := [...]int{1, size, size * size}
	var owed [len(strides)][]float64
	for a := range owed {
		owed[a] = make([]float64, len(values))
	}
	before := make([]float64, len(values))
	for range rounds {
		worst := 0.0
		for a, stride := range strides {
			for i := range values {
				values[i] += owed[a][i]
				before[i] = values[i]
			}
			eachLine(len(values), stride, func(start int) { pool(values, weights, start, stride) })
			for i := range values {
				owed[a][i] = before[i] - values[i]
			}
		}
		for cell := range values {
			for _, stride := range strides {
				if cell/stride%size > 0 {
					worst = math.Max(worst, values[cell-stride]-values[cell])
				}
			}
		}
		if worst < 1e-9 {
			break
		}
	}
	for cell := range values {
		for _, stride := range strides {
			if cell/stride%size > 0 {
				values[cell] = math.Max(values[cell], values[cell-stride])
			}
		}
	}
}

// eachLine calls f with the first cell of every line along an axis.
func eachLine(cells, stride int, f func(start int)) {
	for cell := range cells {
		if cell/stride%policy.SignalBins == 0 {
			f(cell)
		}
	}
}

// pool is isotonic regression of one line.
func pool(values, weights []float64, start, stride int) {
	type block struct {
		sum, weight float64
		n           int
	}
	var blocks [policy.SignalBins]block
	top := 0
	for k := range policy.SignalBins {
		i := start + k*stride
		b := block{values[i] * weights[i], weights[i], 1}
		for top > 0 && blocks[top-1].sum*b.weight > b.sum*blocks[top-1].weight {
			top--
			b.sum, b.weight, b.n = b.sum+blocks[top].sum, b.weight+blocks[top].weight, b.n+blocks[top].n
		}
		blocks[top] = b
		top++
	}
	i := start
	for _, b := range blocks[:top] {
		for range b.n {
			values[i] = b.sum / b.weight
			i += stride
		}
	}
}
