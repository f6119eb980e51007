package policy

import (
	"encoding/binary"

	"penstock/market"
)

// Actions is the number of action templates.
const Actions = 12

// Action numbers: 4 bits of a cell, part of the file format.
const (
	ActionBaseline uint8 = iota
	ActionHold
	ActionDarkRest
	ActionDarkSweep
	ActionDarkPost
	ActionPostJoin
	ActionPostImprove
	ActionSDPProbePost
	ActionDarkSDP
	ActionTake25
	ActionTakeAll
	ActionMixUrgent
)

// ActionSchemaHash identifies the templates: FNV-1a of section ACTN.
const ActionSchemaHash uint64 = 0xd7e304013b0a41c2

// Weight is a share in 1/65535.
type Weight uint16

// Whole is the weight of everything.
const Whole Weight = 65535

// Class is a way to trade, which an action weighs.
type Class uint8

// Classes, in the order in which ties are settled.
const (
	Dark Class = iota // midpoint, dark pools
	SDP               // dealers' quotes
	Post              // resting in lit books
	Take              // crossing the spread in lit books
	Classes
)

var classNames = [...]string{"dark", "sdp", "post", "take"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "class?"
}

// ActionFlags say how an action's shares are placed.
type ActionFlags uint16

// Action flags.
const (
	FlagStatic   ActionFlags = 1 << iota // weights come from the static rule, see Baseline
	FlagImprove                          // post inside the spread when it is 2 ticks or more
	FlagSweep                            // take up to the limit on all lit venues at once
	FlagDarkThen                         // dark first; what it leaves goes to the other class
	FlagSDPThen                          // dealer first; what it leaves is posted
)

// Action is a template: how the rest of a slice is shared over the classes.
type Action struct {
	ID      uint8
	Flags   ActionFlags
	Weights [Classes]Weight // Σ ≤ Whole; the rest stays unplaced
	// DepthCap bounds the taken quantity by a share of the displayed size at
	// the composite touch; Whole is no bound.
	DepthCap Weight
	Multiple uint16             // of the slice remainder that may be worked, in 1/1000
	DarkTIF  market.TimeInForce // IOC sweeps, Day rests; 0 when nothing goes dark
	// MaxVenues bounds the dark pools (ActionDarkSweep) or dealers (ActionSDPProbePost) used;
	// 0 is no bound.
	MaxVenues   uint8
	MinQtyLots  uint16 // resting dark: floor of MinQty(110), in round lots
	MinQtyShare Weight // resting dark: MinQty(110) as a share of the child
	Name        string // at most 24 bytes
}

// Template returns the action with number id, which must be below Actions. It must
// not be changed.
func Template(id uint8) *Action { return &templates[id] }

// ActionName returns the name of action id.
func ActionName(id uint8) string {
	if id < Actions {
		return templates[id].Name
	}
	return "action?"
}

const (
	half       = Whole/2 + 1 // with otherHalf makes Whole
	otherHalf  = Whole / 2
	fifth      = Whole / 5
	quarter    = Whole/4 + 1
	tenth      = Whole/10 + 1
	once       = 1000
	onceHalf   = 1500
	meqLots    = 2 // 200 shares where the round lot is 100
	sweepPools = 3
)

// The multiple of HOLD is one, although it places nothing.
var templates = [Actions]Action{
	{ID: ActionBaseline, Name: "BASELINE", Flags: FlagStatic, DepthCap: Whole, Multiple: once},
	{ID: ActionHold, Name: "HOLD", DepthCap: Whole, Multiple: once},
	{ID: ActionDarkRest, Name: "DARK_REST", Weights: [Classes]Weight{Dark: Whole}, DepthCap: Whole,
		Multiple: once, DarkTIF: market.TIFDay, MinQtyLots: meqLots, MinQtyShare: tenth},
	{ID: ActionDarkSweep, Name: "DARK_SWEEP", Weights: [Classes]Weight{Dark: Whole},
		DepthCap: Whole, Multiple: once, DarkTIF: market.TIFIOC, MaxVenues: sweepPools},
	{ID: ActionDarkPost, Name: "DARK+POST", Weights: [Classes]Weight{Dark: half, Post: otherHalf},
		DepthCap: Whole, Multiple: once, DarkTIF: market.TIFDay,
		MinQtyLots: meqLots, MinQtyShare: tenth},
	{ID: ActionPostJoin, Name: "POST_JOIN", Weights: [Classes]Weight{Post: Whole}, DepthCap: Whole,
		Multiple: once},
	{ID: ActionPostImprove, Name: "POST_IMPROVE", Flags: FlagImprove,
		Weights: [Classes]Weight{Post: Whole}, DepthCap: Whole, Multiple: once},
	{ID: ActionSDPProbePost, Name: "SDP_PROBE→POST", Flags: FlagSDPThen, MaxVenues: 1,
		Weights: [Classes]Weight{SDP: half, Post: otherHalf}, DepthCap: Whole, Multiple: once},
	{ID: ActionDarkSDP, Name: "DARK→SDP", Flags: FlagDarkThen, DarkTIF: market.TIFIOC,
		Weights: [Classes]Weight{Dark: half, SDP: otherHalf}, DepthCap: Whole, Multiple: once},
	{ID: ActionTake25, Name: "TAKE_25", Weights: [Classes]Weight{Post: half, Take: otherHalf},
		DepthCap: quarter, Multiple: once},
	{ID: ActionTakeAll, Name: "TAKE_ALL", Flags: FlagSweep, Weights: [Classes]Weight{Take: Whole},
		DepthCap: Whole, Multiple: onceHalf},
	{ID: ActionMixUrgent, Name: "MIX_URGENT", DarkTIF: market.TIFIOC, DepthCap: Whole,
		Weights:  [Classes]Weight{Dark: fifth, SDP: fifth, Post: fifth, Take: 2 * fifth},
		Multiple: onceHalf},
}

// DarkIOC reports whether the dark share sweeps instead of resting.
func (a *Action) DarkIOC() bool { return a.DarkTIF == market.TIFIOC }

// MinQty returns MinQty(110) of a resting dark child, 0 for none. It is a
// multiple of lot and at most the child.
func (a *Action) MinQty(child, lot market.Qty) market.Qty {
	whole, rest := child/market.Qty(Whole), child%market.Qty(Whole)
	share := whole*market.Qty(a.MinQtyShare) + rest*market.Qty(a.MinQtyShare)/market.Qty(Whole)
	return min(max(market.Qty(a.MinQtyLots)*lot, share.FloorTo(lot)), child)
}

// Aggressiveness orders actions by how much of the quantity they expect to trade
// at once, 0 to 100. It weighs taking 100 (80 under a depth cap), dealers 75,
// posting 30 (45 inside the spread), dark 10 (20 when it sweeps). It serves the
// audit of tables, not trading. BASELINE needs its weights first: see Baseline.
func (a *Action) Aggressiveness() int {
	points := [Classes]int{Dark: 10, SDP: 75, Post: 30, Take: 100}
	if a.DarkIOC() {
		points[Dark] = 20
	}
	if a.Flags&FlagImprove != 0 {
		points[Post] = 45
	}
	if a.DepthCap != Whole {
		points[Take] = 80
	}
	sum := 0
	for class, weight := range a.Weights {
		sum += points[class] * int(weight)
	}
	return (sum + int(Whole)/2) / int(Whole)
}

// Record of an action in section ACTN: id u8, tif u8, peg u8, max venues u8,
// flags u16, weights 4 × u16, depth cap u16, multiple u16, min lots u16, min
// share u16, reserved[12], name[24], reserved[8].
const (
	actionBytes = 64
	actnBytes   = Actions * actionBytes
)

func appendActions(dst []byte) []byte {
	for i := range templates {
		a := &templates[i]
		var r [actionBytes]byte
		r[0], r[1], r[3] = a.ID, byte(a.DarkTIF), a.MaxVenues
		if a.DarkTIF != 0 {
			r[2] = byte(market.ExecInstMidPeg)
		}
		binary.LittleEndian.PutUint16(r[4:], uint16(a.Flags))
		for class, weight := range a.Weights {
			binary.LittleEndian.PutUint16(r[6+2*class:], uint16(weight))
		}
		binary.LittleEndian.PutUint16(r[14:], uint16(a.DepthCap))
		binary.LittleEndian.PutUint16(r[16:], a.Multiple)
		binary.LittleEndian.PutUint16(r[18:], a.MinQtyLots)
		binary.LittleEndian.PutUint16(r[20:], uint16(a.MinQtyShare))
		copy(r[34:34+nameBytes], a.Name)
		dst = append(dst, r[:]...)
	}
	return dst
}
