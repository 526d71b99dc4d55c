package api

import "testing"

// A table program writes a cell as it shows it. What it writes is read exactly, and nothing is guessed.
func TestCellsOfATableProgramAreReadExactly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-11-22": "2026-11-22", "2026/11/22": "2026-11-22", "2026/3/1": "2026-03-01", "2026.03.01": "2026-03-01", "2026年3月1日": "2026-03-01",
		"22/11/2026": "", "2026/13/1": "", "2026/2/30": "", "26/3/1": "", "2026年3月": "", "46348": "", "2026/11/22 00:00": "",
	} {
		got, err := parseTableDate(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("date %q: %s, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"150000": "150000.00", "150000.5": "150000.50", "150,000.00": "150000.00", "1,150,000": "1150000.00",
		"15,0000.00": "", "150,00": "", "150000.001": "", "1.5E+05": "", "15万": "", "¥150,000.00": "", ",150": "",
	} {
		got, err := parseTableAmount(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("amount %q: %s, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"0.65": "0.65", "0.65%": "0.65", "1%": "1.00", "65bp": "", "0.65%%": "", "%": "", "千分之六": ""} {
		got, err := parseTablePercent(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("percentage %q: %s, %v; want %q", text, got, err, want)
		}
	}
}
