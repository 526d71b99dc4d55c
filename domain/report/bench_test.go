package report_test

import (
	"io"
	"testing"

	"fumin/domain/report"
)

func BenchmarkRow(b *testing.B) {
	for _, format := range report.Formats() {
		b.Run(string(format), func(b *testing.B) {
			o, err := report.NewOutput(io.Discard, format, ledgerHead(b, report.CharsetUTF8))
			if err != nil {
				b.Fatal(err)
			}
			row := paid("371503", "王吉华", "99500.00")
			for b.Loop() {
				if err := o.Row(row); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := o.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
