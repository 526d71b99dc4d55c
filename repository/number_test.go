package repository_test

import (
	"errors"
	"sync"
	"testing"

	"fumin/domain/origination"
	"fumin/repository"
	"fumin/repository/storetest"
)

func TestBlocksOfNumbersFollowOneAnotherInEachSeries(t *testing.T) {
	t.Parallel()
	store := storetest.New(t)
	for _, c := range []struct {
		series string
		count  int
		want   int64
	}{{"LA-2026", 100, 1}, {"LA-2026", 1, 101}, {"LA-2026", 100, 102}, {"LA-2027", 5, 1}, {"la-2026", 1, 1}, {"LA-2026", 1, 202}, {"LA-2027", 1, 6}} {
		if first, err := store.ReserveNumbers(t.Context(), c.series, c.count); err != nil || first != c.want {
			t.Errorf("ReserveNumbers(%s, %d) = %d, %v; want %d", c.series, c.count, first, err, c.want)
		}
	}
}

func TestTwoNodesTakeNoNumberTwice(t *testing.T) {
	t.Parallel()
	first, dsn := storetest.NewWithDSN(t)
	nodes := []*repository.Store{first, storetest.Open(t, dsn)}
	const callers, blocks, size = 20, 5, 10
	var mu sync.Mutex
	taken := map[int64]int{}
	var group sync.WaitGroup
	start := make(chan struct{})
	for caller := range callers {
		group.Go(func() {
			<-start
			for range blocks {
				from, err := nodes[caller%2].ReserveNumbers(t.Context(), "LA-2026", size)
				if err != nil {
					t.Errorf("caller %d: %v", caller, err)
					return
				}
				mu.Lock()
				for n := from; n < from+size; n++ {
					taken[n]++
				}
				mu.Unlock()
			}
		})
	}
	close(start)
	group.Wait()
	for n := int64(1); n <= callers*blocks*size; n++ {
		if taken[n] != 1 {
			t.Errorf("number %d was given out %d times, want once", n, taken[n])
		}
	}
	if len(taken) != callers*blocks*size {
		t.Errorf("%d numbers were given out, want %d", len(taken), callers*blocks*size)
	}
}

func TestABlockStaysTakenWhenTheTransactionBesideItFails(t *testing.T) {
	t.Parallel()
	store := storetest.New(t)
	failure := errors.New("no")
	err := store.Update(t.Context(), func(origination.Tx) error {
		if _, err := store.ReserveNumbers(t.Context(), "LA-2026", 10); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatalf("Update = %v, want the closure's own error", err)
	}
	if first, err := store.ReserveNumbers(t.Context(), "LA-2026", 1); err != nil || first != 11 {
		t.Errorf("after the failure the next number is %d, %v; want 11: a number may be lost, never given twice", first, err)
	}
}
