package report_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fumin/domain/money"
	"fumin/domain/report"
)

// javaAbsent is what LibreOffice says of a machine without Java, which has nothing to do with the file.
var javaAbsent = regexp.MustCompile(`(?m)^Warning: failed to launch javaldx.*$`)

// viaLibreOffice writes a file, has LibreOffice open it as a table program does, and returns what it read. It skips the test where
// LibreOffice is not installed.
func viaLibreOffice(t *testing.T, name string, content []byte, options ...string) [][]string {
	t.Helper()
	program, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed: apt-get install libreoffice-calc-nogui runs this test")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	// 44: comma; 34: quote; 76: UTF-8.
	command := exec.CommandContext(t.Context(), program, slices.Concat([]string{"-env:UserInstallation=file://" + dir + "/profile", "--headless"}, options,
		[]string{"--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false", "--outdir", filepath.Join(dir, "read"), filepath.Join(dir, name)})...)
	output, err := command.CombinedOutput()
	said := strings.ToLower(javaAbsent.ReplaceAllString(string(output), ""))
	if err != nil || strings.Contains(said, "warning") || strings.Contains(said, "error") {
		t.Fatalf("LibreOffice says (%v): %s", err, output)
	}
	converted, err := os.ReadFile(filepath.Join(dir, "read", strings.TrimSuffix(name, filepath.Ext(name))+".csv"))
	if err != nil {
		t.Fatal(err)
	}
	return readCSV(t, append([]byte("\ufeff"), converted...))
}

func TestLibreOfficeOpensAWorkbookAndSumsToTheSameFen(t *testing.T) {
	t.Parallel()
	var rows []report.Row
	want := money.Amount{}
	for i := range 500 {
		amount := money.Fen(int64(i)*1_000_003 + 1)
		want = want.Add(amount)
		rows = append(rows, paid("371503", awkwardNames[i%len(awkwardNames)], amount.String()))
	}
	content, summary := write(t, report.FormatXLSX, ledgerHead(t, ""), rows...)
	got := money.Amount{}
	for i, record := range viaLibreOffice(t, "ledger.xlsx", content)[1:] {
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

func TestLibreOfficeReadsTheNamesOfACSVFileAndRunsNoneOfThem(t *testing.T) {
	t.Parallel()
	names, want := slices.Clone(awkwardNames), slices.Clone(awkwardNames)
	for _, formula := range []string{"=1+1", "+1+1", "-1+1", "@SUM(1;1)"} {
		names, want = append(names, formula), append(want, "'"+formula)
	}
	var rows []report.Row
	for _, name := range names {
		rows = append(rows, paid("371503", name, "1.00"))
	}
	content, _ := write(t, report.FormatCSV, ledgerHead(t, report.CharsetUTF8), rows...)
	for i, record := range viaLibreOffice(t, "ledger.csv", content, "--infilter=CSV:44,34,76,1")[1 : 1+len(rows)] {
		if record[8] != want[i] {
			t.Errorf("%q came back as %q, want %q", names[i], record[8], want[i])
		}
	}
}
