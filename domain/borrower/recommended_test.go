package borrower

import (
	"slices"
	"strings"
	"testing"

	"fumin/domain"
)

var sampleTitles = []string{"\ufeff序号", "姓名*", " 身份证号 ", "联系电话", "村代码", "住址", "类型", "推荐理由"}

func sampleColumns(t *testing.T) RecommendedColumns {
	t.Helper()
	columns, err := ParseRecommendedHeader(sampleTitles)
	if err != nil {
		t.Fatalf("ParseRecommendedHeader(%q) = %v, want nil", sampleTitles, err)
	}
	return columns
}

func TestAHeaderIsReadByItsTitlesOrRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		cells []string
		code  string
	}{
		{"the usual", sampleTitles, ""},
		{"our own names", []string{"name", "credit_code", "village_code"}, ""},
		{"full-width and spaced", []string{"姓　名", "ｉｄ＿ｎｕｍｂｅｒ", "村代码"}, ""},
		{"no village", []string{"姓名", "身份证号"}, "recommended-columns-missing"},
		{"no number", []string{"姓名", "村代码"}, "recommended-columns-missing"},
		{"nothing", nil, "recommended-columns-missing"},
		{"a column twice", []string{"姓名", "名称", "身份证号", "村代码"}, "recommended-column-twice"},
		{"too wide", make([]string, RecommendedCellsMax+1), "recommended-too-wide"},
	} {
		if _, err := ParseRecommendedHeader(c.cells); domain.CodeOf(err) != c.code {
			t.Errorf("%s: ParseRecommendedHeader = %v, want %q", c.name, err, c.code)
		}
	}
}

func TestARowIsReadWholeOrRefusedWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	columns := sampleColumns(t)
	for _, c := range []struct {
		name  string
		cells []string
		want  []string
		key   string
	}{
		{"a farmer", []string{"1", "王　吉华", "'37159919680503009x", "139-0000-0001", "371503901201", "刘马村12号院", "", "养殖户"}, nil, "37159919680503009X"},
		{"a farmer by title, short row", []string{"1", "王吉华", "37159919680503009X", "", "371503901201"}, nil, "37159919680503009X"},
		{"a note of several lines", []string{"1", "王吉华", "37159919680503009X", "", "371503901201", "", "", "种粮\n大户\r\n二十亩"}, nil, "37159919680503009X"},
		{"a co-operative in one column of numbers", []string{"2", "一诺苗木合作社（清平）", "93371599MA0000003E", "", "371526901201", "", "合作社", ""}, nil, "93371599MA0000003E"},
		{"everything wrong", []string{"3", "王2", "371599680503009", "12", "371503", "村", "地主", strings.Repeat("长", 201)}, []string{
			"/kind unknown-value", "/name name-characters", "/id_number id-number-15-digits", "/phone phone-invalid",
			"/village_code village-code-invalid", "/address address-length", "/note text-invalid",
		}, ""},
		{"an empty row", nil, []string{"/name required", "/id_number required", "/village_code required"}, ""},
		{"a table program's number", []string{"4", "王吉华", "3.71599E+17", "", "371503901201"}, []string{"/id_number number-scientific"}, ""},
		{"born later", []string{"5", "王吉华", numberBornOn("20990101"), "", "371503901201"}, []string{"/id_number id-number-born-later"}, ""},
		{"a co-operative with a person's number", []string{"6", "一诺合作社", "37159919680503009X", "", "371526901201", "", "农民专业合作社"}, []string{"/credit_code credit-code-check-character"}, ""},
	} {
		r, err := columns.Parse(c.cells, sampleDay)
		if got := pointersOf(t, err); !slices.Equal(got, c.want) {
			t.Errorf("%s: problems = %q, want %q", c.name, got, c.want)
			continue
		}
		if key := r.IDNumber.Reveal() + r.CreditCode.Reveal(); key != c.key {
			t.Errorf("%s: number = %q, want %q", c.name, key, c.key)
		}
		if err != nil && (!r.Name.IsZero() || r.Kind != "") {
			t.Errorf("%s: a refused row = %+v, want nothing of it", c.name, r)
		}
	}
}

func numberBornOn(day string) string {
	body := "371599" + day + "001"
	return body + string(idNumberCheck(body))
}

func TestARefusalSaysWhatToCorrectAndNothingPersonal(t *testing.T) {
	t.Parallel()
	_, err := sampleColumns(t).Parse([]string{"1", "王2", "37159919680503009X1", "", "371503901201"}, sampleDay)
	got := RefusalText(err)
	if !strings.Contains(got, "姓名：") || !strings.Contains(got, "；身份证号码：") || strings.Contains(got, "3715") || strings.Contains(got, "王") {
		t.Errorf("RefusalText = %q, want both columns named and no value repeated", got)
	}
	if got := RefusalText(errSplitLand); got != errSplitLand.Detail {
		t.Errorf("RefusalText of an error without fields = %q, want its detail", got)
	}
}

func TestBlankRowsAreRecognised(t *testing.T) {
	t.Parallel()
	if !IsBlankRow([]string{"", " ", "\u3000", "\ufeff"}) || !IsBlankRow(nil) || IsBlankRow([]string{"", "0"}) {
		t.Errorf("IsBlankRow: want true for white space only, false for a 0")
	}
}

func FuzzRecommendedRow(f *testing.F) {
	f.Add("王吉华,37159919680503009X,,371503901201,,农户")
	f.Add("合作社,93371599MA0000003E,0635-8412345,371526901201,清平镇刘庄村,合作社")
	columns, err := ParseRecommendedHeader([]string{"姓名", "身份证号", "电话", "村代码", "地址", "类型"})
	if err != nil {
		f.Fatalf("ParseRecommendedHeader = %v, want nil", err)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := columns.Parse(strings.Split(line, ","), sampleDay)
		if err != nil {
			if RefusalText(err) == "" {
				t.Errorf("Parse(%q) is refused without a text", line)
			}
			return
		}
		if r.Name.IsZero() || !r.Kind.Valid() || r.VillageCode.IsZero() || r.IDNumber.IsZero() != r.Kind.IsOrganisation() {
			t.Errorf("Parse(%q) = %+v, want name, kind, village and number", line, r)
		}
	})
}
