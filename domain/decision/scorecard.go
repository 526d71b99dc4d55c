package decision

import "slices"

// band returns which band of a characteristic holds: the first whose condition is true. It is -1 when a fact is missing that
// decides it, and then the bands from least on are possible.
func (s *compiledScorecard) band(characteristic int, fr *frame) (index, least int) {
	for i, when := range s.bands[characteristic] {
		if when == nil {
			return i, i
		}
		switch when.truth(fr) {
		case isTrue:
			return i, i
		case isUnknown:
			return -1, i
		case isFalse, isAbsent:
		}
	}
	return -1, 0
}

// total adds up the points: of what is known, and the least and the most they can become when the rest is known.
func (s *compiledScorecard) total(fr *frame) (points, least, most int, complete bool) {
	points, complete = s.Base, true
	least, most = points, points
	for i := range s.bands {
		bands := s.Characteristics[i].Bands
		index, from := s.band(i, fr)
		if index >= 0 {
			points += bands[index].Points
			least += bands[index].Points
			most += bands[index].Points
			continue
		}
		complete = false
		low, high := bands[from].Points, bands[from].Points
		for _, b := range bands[from:] {
			low, high = min(low, b.Points), max(high, b.Points)
		}
		least, most = least+low, most+high
	}
	return points, least, most, complete
}

// effect of the score: what it is sure to be, whatever the missing facts are; otherwise a referral.
func (s *compiledScorecard) effect(fr *frame) Result {
	_, least, most, _ := s.total(fr)
	effect := Refer
	switch {
	case least >= s.ApproveFrom:
		effect = Approve
	case most < s.ReferFrom:
		effect = Decline
	}
	if s.truth(fr) != isTrue && effect == Decline {
		return Refer // it is not even known whether the scorecard applies
	}
	return effect
}

// score returns the points by characteristic; nil when there is no scorecard or it does not apply.
func (e *Engine) score(fr *frame) *Score {
	s := e.scorecard
	if s == nil || s.truth(fr) == isFalse {
		return nil
	}
	points, _, _, complete := s.total(fr)
	score := &Score{
		Points: points, Complete: complete, ApproveFrom: s.ApproveFrom, ReferFrom: s.ReferFrom,
		Characteristics: make([]CharacteristicScore, len(s.bands)),
	}
	for i, characteristic := range s.Characteristics {
		line := CharacteristicScore{Code: characteristic.Code, Label: characteristic.Label}
		if index, from := s.band(i, fr); index >= 0 {
			line.Points, line.Reason = characteristic.Bands[index].Points, characteristic.Bands[index].Reason
		} else {
			line.Unknown = true
			line.Reason = missingReason("", missingIn(s.bands[i][from], fr)).Text
		}
		score.Characteristics[i] = line
	}
	return score
}

// rescore puts the score into the frame, for the limits and routes; it is unknown while it is not complete.
func (s *compiledScorecard) rescore(fr *frame) {
	points, _, _, complete := s.total(fr)
	if complete {
		fr.slots[slotScore] = value{state: stateKnown, number: numberOfInt(points)}
		return
	}
	fr.slots[slotScore] = value{blame: FactScore}
	if names := s.missing(fr); len(names) > 0 {
		fr.slots[slotScore].blame = names[0]
	}
}

// missing lists the facts for want of which the score is not complete.
func (s *compiledScorecard) missing(fr *frame) []FactName {
	var names []FactName
	if s.when != nil {
		names = missingIn(s.when, fr)
	}
	for i := range s.bands {
		if index, from := s.band(i, fr); index < 0 {
			names = append(names, missingIn(s.bands[i][from], fr)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
