package repository_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

// preApprovedHouseholds is how many households BenchmarkPreApproval judges.
const preApprovedHouseholds = 50_000

// BenchmarkPreApproval brings a list of 50,000 heads of households, all of them on file with some 175,000 borrowers and loans of
// a third of these, and reports how long the import and the pre-approval take, beside reading the rows alone. Run by
// `scripts/bench.sh pre-approval`.
func BenchmarkPreApproval(b *testing.B) {
	v := newVillageLender(b)
	v.load(preApprovedHouseholds, v.addBranches(10, 30))
	v.addHistory()
	titles := origination.ListRow{Row: 1, Cells: []string{"姓名", "身份证号码", "村代码"}}
	rows := []origination.ListRow{titles}
	for n := range preApprovedHouseholds {
		rows = append(rows, origination.ListRow{Row: n + 2, Cells: []string{"王吉华", numberOf(4 * n).Reveal(), registerVillage.String()}})
	}
	officer := domain.Actor{ID: v.newID(), Name: "客户经理", Role: domain.RoleLoanOfficer, BranchID: registerHead}
	lists := origination.NewBorrowers(v.store, func() time.Time { return ledgerStart }, v.newID)
	for b.Loop() {
		began := time.Now()
		list, known, _, err := lists.ImportRecommendedList(b.Context(), officer, origination.Idempotency{Key: v.newID().String(), Fingerprint: "0"},
			origination.ImportRecommendedList{
				ListNo: "整县", Issuer: "乡村振兴局", ListedOn: domain.MustParseDate("2026-01-01"), Format: origination.ListCSV,
				Encoding: origination.EncodingUTF8, File: origination.FileHash([]byte(fmt.Sprintf("%032s", v.newID()))[:32]), Rows: rows,
			})
		v.must(err)
		imported := time.Since(began)
		if known || list.Rows() != preApprovedHouseholds || list.Refused > 0 {
			b.Fatalf("imported: %+v", list)
		}
		read := v.readRows(list)
		heap := heapPeak()
		took := v.preApprove(list)
		b.ReportMetric(heap(), "MiB-heap")
		b.ReportMetric(imported.Seconds(), "s-import")
		b.ReportMetric(read.Seconds(), "s-rows")
		b.ReportMetric(took.Seconds(), "s-pre-approval")
		b.ReportMetric(took.Seconds()/read.Seconds(), "pre-approval/rows")
	}
}

// heapPeak watches the heap until it is asked for the most it was above what it was at the beginning, in MiB.
func heapPeak() (peak func() float64) {
	var at runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&at)
	before, most := at.HeapInuse, at.HeapInuse
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				runtime.ReadMemStats(&at)
				most = max(most, at.HeapInuse)
			}
		}
	}()
	return func() float64 {
		close(stop)
		<-stopped
		return float64(most-before) / (1 << 20)
	}
}

// readRows reads the rows of a list as the pre-approval does, and nothing else.
func (v *villageLender) readRows(list origination.RecommendedList) time.Duration {
	v.t.Helper()
	began := time.Now()
	for after, read := 0, 0; read < list.Rows(); {
		entries, err := v.store.RecommendedEntries(v.t.Context(), list.ID, after, 1000)
		v.must(err)
		if len(entries) == 0 || entries[0].Kind != borrower.KindFarmer {
			v.t.Fatalf("after row %d: %d entries", after, len(entries))
		}
		after, read = entries[len(entries)-1].Row, read+len(entries)
	}
	return time.Since(began)
}
