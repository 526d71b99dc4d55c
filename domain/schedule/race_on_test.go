//go:build race

package schedule_test

// slowdown is what the race detector costs.
const slowdown = 10
