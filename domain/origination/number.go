package origination

import (
	"context"
	"fmt"
	"sync"

	"fumin/domain"
)

// numberBlock is how many business numbers a node takes at once. A stopped node leaves the rest of its block unused.
const numberBlock = 100

// NumberReserver gives out blocks of business numbers, each in a transaction of its own.
type NumberReserver interface {
	// ReserveNumbers takes count consecutive numbers of a series and returns the first, counting from 1.
	ReserveNumbers(ctx context.Context, series string, count int) (first int64, err error)
}

// Numbers makes business numbers such as LA-2026-000123 (申请编号). A shared counter row locked by every application would
// make all branches queue; a block a node does not. Gaps are fine, duplicates are not.
type Numbers struct {
	reserver NumberReserver
	mu       sync.Mutex
	blocks   map[string]*block // by series; a series is a prefix and a year, so there are few
}

type block struct{ next, end int64 }

// NewNumbers builds a source of numbers that takes its blocks from reserver.
func NewNumbers(reserver NumberReserver) *Numbers {
	return &Numbers{reserver: reserver, blocks: map[string]*block{}}
}

// Next returns the next number of the prefix in the year of the day.
func (n *Numbers) Next(ctx context.Context, prefix string, on domain.Date) (string, error) {
	series := fmt.Sprintf("%s-%d", prefix, on.Year())
	n.mu.Lock()
	defer n.mu.Unlock()
	b := n.blocks[series]
	if b == nil || b.next == b.end {
		first, err := n.reserver.ReserveNumbers(ctx, series, numberBlock)
		if err != nil {
			return "", err
		}
		b = &block{next: first, end: first + numberBlock}
		n.blocks[series] = b
	}
	number := fmt.Sprintf("%s-%06d", series, b.next)
	b.next++
	return number, nil
}
