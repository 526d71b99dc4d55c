package report_test

import (
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"fumin/domain/money"
	"fumin/domain/report"
)

// noise is text that hardly compresses.
var noise = sync.OnceValue(func() string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = byte('!' + random.IntN(90))
	}
	return strings.NewReplacer("<", "a", ">", "b", "&", "c", `"`, "d", "'", "e").Replace(string(b))
})

const noisyRunes = 3_000

// noisy is a row that is large and hardly compresses, so that what a writer kept of it would soon be seen.
func noisy(i int) report.Row {
	from := i * 5_003 % (len(noise()) - noisyRunes)
	return paid("371503", noise()[from:from+noisyRunes], money.Fen(int64(i)).String())
}

// heap follows what is alive while a file is written.
type heap struct{ base, most uint64 }

func alive() uint64 {
	runtime.GC()
	runtime.GC() // what is pooled outlives one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func (h *heap) look() {
	if now := alive(); now > h.base {
		h.most = max(h.most, now-h.base)
	}
}

// lookingWriter looks at the heap when so many bytes more have gone by: what is held while a file is finished is seen as well.
type lookingWriter struct {
	heap *heap
	left int
}

const lookEvery = 8 << 20

func (w *lookingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left <= 0 {
		w.left = lookEvery
		w.heap.look()
	}
	return len(p), nil
}

// mostAlive is what writing so many rows holds in memory at most, in bytes.
func mostAlive(t *testing.T, format report.Format, rows int) uint64 {
	t.Helper()
	h := heap{base: alive()}
	o, err := report.NewOutput(&lookingWriter{heap: &h, left: lookEvery}, format, ledgerHead(t, report.CharsetUTF8))
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if i%2_500 == 2_499 {
			h.look()
		}
		if err := o.Row(noisy(i)); err != nil {
			t.Fatal(err)
		}
	}
	h.look()
	if _, err := o.Close(); err != nil {
		t.Fatal(err)
	}
	return h.most
}

// It is not parallel: others' memory would be counted with its own.
func TestMemoryDoesNotGrowWithTheRows(t *testing.T) { //nolint:paralleltest // see above
	const room = 15 << 20                           // between two measurements of the same: what is pooled comes and goes
	for format, few := range map[report.Format]int{ // past what each format holds before it lets go
		report.FormatCSV:     1_000,
		report.FormatXLSX:    6_000,
		report.FormatParquet: 3_500,
	} {
		many := few + 10_000 // 30 MB more
		once, later := mostAlive(t, format, few), mostAlive(t, format, many)
		if later > once+room {
			t.Errorf("%s: %d rows hold %d KiB, %d rows %d KiB: want the same", format, few, once>>10, many, later>>10)
		}
	}
}

// It is not parallel: it says where temporary files go.
func TestAWorkbookThatIsGivenUpLeavesNoTemporaryFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	left := func() int {
		t.Helper()
		entries, err := os.ReadDir(os.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	o, err := report.NewOutput(io.Discard, report.FormatXLSX, ledgerHead(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; left() == 0; i++ {
		if err := o.Row(noisy(i)); err != nil || i > 100_000 {
			t.Fatalf("row %d: %v, and no temporary file: the test shows nothing", i, err)
		}
	}
	if err := o.Discard(); err != nil || left() != 0 {
		t.Errorf("%d files are left (%v), want none", left(), err)
	}
}
