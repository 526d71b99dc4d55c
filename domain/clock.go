package domain

import "time"

// Clock tells the time: UTC, truncated to microseconds, because that is what the database keeps. It is set in
// main, fixed in tests, and read once per use case.
type Clock func() time.Time

// BusinessZone is the zone in which a lender's days begin and end (北京时间). China has had one zone without
// summer time since 1992, so a fixed offset is exact and needs no time-zone database on the machine.
var BusinessZone = time.FixedZone("Asia/Shanghai", 8*60*60)
