package report_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fumin/domain/money"
	"fumin/domain/report"
)

// javaAbsent is what LibreOffice says of a machine without Java, which has nothing to do with the file.
var javaAbsent = regexp.MustCompile(`(?m)^Warning: failed to launch javaldx.*$`)

// TestLibreOfficeOpensAWorkbookAndSumsToTheSameFen converts a workbook to CSV with LibreOffice, which reads it as a table program
// does, and adds up what it read.
func TestLibreOfficeOpensAWorkbookAndSumsToTheSameFen(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed: apt-get install libreoffice-calc-nogui runs this test")
	}
	var rows []report.Row
	want := money.Amount{}
	for i := range 500 {
		amount := money.Fen(int64(i)*1_000_003 + 1)
		want = want.Add(amount)
		rows = append(rows, paid("371503", awkwardNames[i%len(awkwardNames)], amount.String()))
	}
	content, summary := write(t, report.FormatXLSX, ledgerHead(t, ""), rows...)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ledger.xlsx"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	// 44: comma; 34: quote; 76: UTF-8.
	command := exec.CommandContext(t.Context(), program, "-env:UserInstallation=file://"+dir+"/profile", "--headless",
		"--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false", "--outdir", dir, filepath.Join(dir, "ledger.xlsx"))
	output, err := command.CombinedOutput()
	said := strings.ToLower(javaAbsent.ReplaceAllString(string(output), ""))
	if err != nil || strings.Contains(said, "warning") || strings.Contains(said, "error") {
		t.Fatalf("LibreOffice says (%v): %s", err, output)
	}
	converted, err := os.ReadFile(filepath.Join(dir, "ledger.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records := readCSV(t, append([]byte("\ufeff"), converted...))
	got := money.Amount{}
	for i, record := range records[1:] {
		amount, err := money.ParseAmount(strings.ReplaceAll(record[12], ",", "")) // as the sheet shows it
		if err != nil {
			t.Fatalf("row %d: %q: %v", i, record[12], err)
		}
		got = got.Add(amount)
		if name := awkwardNames[i%len(awkwardNames)]; record[8] != name {
			t.Errorf("row %d: %q came back as %q", i, name, record[8])
		}
	}
	if !got.Equal(want) || summary.Totals[0].Text != want.String() {
		t.Errorf("LibreOffice adds up %s, the file says %s, the rows %s", got, summary.Totals[0].Text, want)
	}
}
