package policy

// Bins by name, for the rules.
const (
	fillsPoor, fillsNormal, fillsGood = 0, 1, 2
	spreadOne, spreadWide             = 0, 2
	sweepCheap                        = 0
	signalNeutral, signalAdverse      = 2, 3
	gapAhead, gapOn                   = 0, 1
	volatilityNormal                  = 1
	lastDecision                      = 5
)

// pressurePoints are the points of rule 3 by feature and bin. Time grows faster
// towards the end of the slice: what is left then must cross.
var pressurePoints = [Features][6]int{
	FeatureTime:       {-1, 0, 2, 4, 6, 9},
	FeatureInventory:  {-1, 0, 1, 2, 3},
	FeatureGap:        {-3, 0, 4},
	FeatureSignal:     {-4, -2, 0, 2, 4},
	FeatureVolatility: {0, 0, 1},
	FeatureSweepCost:  {1, 0, -1},
}

// alternatives are what to do when an action is blocked: where possible
// something that does not need the same class.
var alternatives = [Actions]uint8{
	ActionBaseline:     ActionHold,
	ActionHold:         ActionHold,
	ActionDarkRest:     ActionPostJoin,
	ActionDarkSweep:    ActionPostJoin,
	ActionDarkPost:     ActionPostJoin,
	ActionPostJoin:     ActionDarkRest,
	ActionPostImprove:  ActionDarkRest,
	ActionSDPProbePost: ActionPostImprove,
	ActionDarkSDP:      ActionTake25,
	ActionTake25:       ActionDarkSDP,
	ActionTakeAll:      ActionDarkSDP,
	ActionMixUrgent:    ActionTakeAll,
}

// rule returns the action of a cell under rulesInWords.
func rule(bins [Features]uint32) uint8 {
	signal, fills := bins[FeatureSignal], bins[FeatureDark]
	spread, sweep := bins[FeatureSpread], bins[FeatureSweepCost]
	if bins[FeatureGap] == gapOn && signal == signalNeutral && fills == fillsNormal &&
		bins[FeatureVolatility] == volatilityNormal {
		return ActionBaseline
	}
	if bins[FeatureTime] == lastDecision && bins[FeatureGap] != gapAhead {
		return ActionTakeAll
	}
	switch p := pressure(bins); {
	case p < 0:
		if fills == fillsPoor {
			return ActionHold
		}
		return ActionDarkRest
	case p < 4:
		return probe(spread, fills)
	case p < 8:
		return work(spread, fills)
	case p < 11:
		return press(spread, sweep, fills)
	case p < 15:
		if spread == spreadOne && sweep == sweepCheap && signal >= signalAdverse {
			return ActionTakeAll
		}
		return ActionMixUrgent
	}
	return ActionTakeAll
}

func pressure(bins [Features]uint32) int {
	p := 0
	for f, bin := range bins {
		p += pressurePoints[f][bin]
	}
	return p
}

func probe(spread, fills uint32) uint8 {
	switch {
	case fills == fillsGood:
		return ActionDarkSweep
	case fills == fillsPoor:
		return ActionPostJoin
	case spread == spreadOne:
		return ActionDarkRest
	}
	return ActionDarkPost
}

func work(spread, fills uint32) uint8 {
	switch {
	case spread == spreadOne:
		return ActionPostJoin
	case spread == spreadWide && fills == fillsGood:
		return ActionDarkPost
	}
	return ActionPostImprove
}

func press(spread, sweep, fills uint32) uint8 {
	switch {
	case spread == spreadOne && sweep == sweepCheap:
		return ActionTake25
	case spread != spreadOne && fills != fillsPoor:
		return ActionDarkSDP
	}
	return ActionSDPProbePost
}
