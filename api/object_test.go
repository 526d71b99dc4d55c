package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
)

func TestABodyThatIsNotOneCleanObjectIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		code       string
		where      string // in the detail, or the first field's pointer
	}{
		{"empty", ``, "body-required", ""},
		{"white space", " \r\n\t", "body-required", ""},
		{"not JSON", `amount=1`, "unreadable-json", "第 1 行第 1 列"},
		{"broken off", `{"a":`, "unreadable-json", "第 1 行第 6 列"},
		{"broken on the second line after Chinese", "{\"名\":\n\"张三\" x}", "unreadable-json", "第 2 行第 6 列"},
		{"single quotes", `{'a':1}`, "unreadable-json", "第 1 行第 2 列"},
		{"comma at the end", `{"a":1,}`, "unreadable-json", "第 1 行第 8 列"},
		{"comma in a list", `{"a":[1,]}`, "unreadable-json", "第 1 行第 9 列"},
		{"no colon", `{"a" 1}`, "unreadable-json", ""},
		{"comment", "{}//", "trailing-text", "第 1 行第 3 列"},
		{"leading zero", `{"a":01}`, "unreadable-json", ""},
		{"plus sign", `{"a":+1}`, "unreadable-json", ""},
		{"NaN", `{"a":NaN}`, "unreadable-json", ""},
		{"raw newline in a text", "{\"a\":\"x\ny\"}", "unreadable-json", ""},
		{"byte order mark", "\ufeff{}", "unreadable-json", "第 1 行第 1 列"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "unreadable-json", "UTF-8"},
		{"GBK", "{\"a\":\"\xd5\xc5\xc8\xfd\"}", "unreadable-json", "UTF-8"},
		{"half a surrogate pair", `{"a":"\ud800"}`, "unreadable-json", "损坏"},
		{"half a surrogate pair in a name", `{"\ud800":1}`, "unreadable-json", "损坏"},
		{"replacement character", "{\"a\":\"张\ufffd\"}", "unreadable-json", "损坏"},
		{"list", `[]`, "object-required", ""},
		{"text", `"x"`, "object-required", ""},
		{"null", `null`, "object-required", ""},
		{"number", `1`, "object-required", ""},
		{"two objects", "{}\n{}", "trailing-text", "第 2 行第 1 列"},
		{"brace too many", `{"a":1}}`, "trailing-text", "第 1 行第 8 列"},
		{"zero byte after the object", "{}\x00", "trailing-text", ""},
		{"the same key twice", `{"a":1,"a":2}`, "duplicate-key", "/a"},
		{"the same key twice, once escaped", `{"a":1,"\u0061":2}`, "duplicate-key", "/a"},
		{"the same key twice below", `{"x":[{},{"a/b~":1,"a/b~":1}]}`, "duplicate-key", "/x/1/a~1b~0"},
		{"too deep in objects", strings.Repeat(`{"a":`, depthMax+1) + "1" + strings.Repeat(`}`, depthMax+1), "too-deep", "16"},
		{"too deep in lists", `{"a":` + strings.Repeat(`[`, depthMax) + strings.Repeat(`]`, depthMax) + `}`, "too-deep", "16"},
		{"very deep", strings.Repeat(`[`, 200_000), "unreadable-json", ""},
		{"too many members", manyMembers(membersMax + 1), "too-many-members", "2000"},
		{"too many elements", `{"a":[` + strings.Repeat("1,", membersMax) + `1]}`, "too-many-members", "2000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseObject([]byte(tt.body))
			e, ok := errors.AsType[*domain.Error](err)
			if !ok || e.Kind != domain.KindInvalid || e.Code != tt.code {
				t.Fatalf("parseObject(%.60q) = %v, want %s", tt.body, err, tt.code)
			}
			if status(e) != 400 {
				t.Errorf("status of %s = %d, want 400", e.Code, status(e))
			}
			where := e.Detail
			if len(e.Fields) > 0 {
				where = e.Fields[0].Pointer
			}
			if !strings.Contains(where, tt.where) {
				t.Errorf("parseObject(%.60q) says %q, want %q in it", tt.body, where, tt.where)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}

func TestABodyAtItsLimitsIsAccepted(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"depth":              strings.Repeat(`{"a":`, depthMax) + "1" + strings.Repeat(`}`, depthMax),
		"members":            manyMembers(membersMax),
		"white space around": " \n{\t\"a\" : 1 }\r\n ",
		"a surrogate pair":   `{"a":"\ud842\udfb7"}`,
	} {
		if _, err := parseObject([]byte(body)); err != nil {
			t.Errorf("%s: parseObject(%.60q) = %v, want no error", name, body, err)
		}
	}
}

// read parses a body that must parse.
func read(t interface {
	Helper()
	Fatalf(string, ...any)
}, body string,
) *object {
	t.Helper()
	o, err := parseObject([]byte(body))
	if err != nil {
		t.Fatalf("parseObject(%s) = %v", body, err)
	}
	return o
}

// complaints lists what err says, as "pointer code".
func complaints(err error) []string {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return nil
	}
	lines := []string{e.Code}
	for _, f := range e.Fields {
		lines = append(lines, f.Pointer+" "+f.Code)
	}
	return lines
}

func TestAnAmountIsReadExactlyOrRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, json, want string }{
		{"text with two decimals", `"99500.00"`, ""},
		{"text without decimals", `"99500"`, ""},
		{"number", `99500.00`, "wrong-type"},
		{"whole number", `99500`, "wrong-type"},
		{"true", `true`, "wrong-type"},
		{"object", `{}`, "wrong-type"},
		{"list", `["1.00"]`, "wrong-type"},
		{"null", `null`, "required"},
		{"empty", `""`, "invalid-decimal"},
		{"three decimals", `"1.005"`, "too-many-decimals"},
		{"negative", `"-1.00"`, "not-positive"},
		{"zero", `"0.00"`, "not-positive"},
		{"exponent", `"1e9"`, "invalid-decimal"},
		{"40 digits", `"` + strings.Repeat("9", 40) + `"`, "too-large"},
		{"full-width digits", `"１００"`, "invalid-decimal"},
		{"Arabic digits", `"١٠٠"`, "invalid-decimal"},
		{"separators", `"99,500.00"`, "invalid-decimal"},
		{"space before", `" 1.00"`, "invalid-decimal"},
		{"plus sign", `"+1.00"`, "invalid-decimal"},
		{"hexadecimal", `"0x10"`, "invalid-decimal"},
		{"point only", `"."`, "invalid-decimal"},
		{"NaN", `"NaN"`, "invalid-decimal"},
		{"zero byte", `"1\u0000"`, "invalid-decimal"},
		{"very long", `"` + strings.Repeat("9", textRunesMax+1) + `"`, "too-long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := read(t, `{"amount":`+tt.json+`}`)
			got := required(in, "amount", positiveAmount)
			err := in.done()
			if tt.want == "" {
				if err != nil || !got.Equal(money.MustParseAmount("99500")) {
					t.Errorf("required(%s) = %s, %v, want 99500.00", tt.json, got, err)
				}
				return
			}
			if diff := cmp.Diff([]string{"invalid-fields", "/amount " + tt.want}, complaints(err)); diff != "" {
				t.Errorf("required(%s): complaints differ (-want +got):\n%s", tt.json, diff)
			}
			if !got.IsZero() {
				t.Errorf("required(%s) = %s after a problem, want 0.00", tt.json, got)
			}
		})
	}
}

func TestAWholeNumberIsReadExactlyOrRefused(t *testing.T) {
	t.Parallel()
	for json, want := range map[string]string{
		`1`: "", `60`: "", `0`: "out-of-range", `61`: "out-of-range", `-1`: "out-of-range", `-0`: "out-of-range",
		`1.0`: "wrong-type", `1e1`: "wrong-type", `"12"`: "wrong-type", `true`: "wrong-type", `null`: "required",
		`99999999999999999999999`: "out-of-range", `[]`: "wrong-type",
	} {
		in := read(t, `{"term_months":`+json+`}`)
		in.integer("term_months", 1, 60)
		got := complaints(in.done())
		if want == "" && got != nil || want != "" && !slices.Equal(got, []string{"invalid-fields", "/term_months " + want}) {
			t.Errorf("integer(%s): complaints %v, want %q", json, got, want)
		}
	}
}

func TestATextIsTrimmedMeasuredInCharactersAndFreeOfControls(t *testing.T) {
	t.Parallel()
	tests := []struct{ json, want, problem string }{
		{`"养殖肉鸭"`, "养殖肉鸭", ""},
		{`"\u3000 养殖 \n"`, "养殖", ""},
		{`"𠮷𠮷"`, "𠮷𠮷", ""},
		{`"一二三四五"`, "一二三四五", ""},
		{`"一二三四五六"`, "", "too-long"},
		{`"一"`, "", "too-short"},
		{`"  "`, "", "required"},
		{`""`, "", "required"},
		{`"a\u0000b"`, "", "control-characters"},
		{`"a\u001bb"`, "", "control-characters"},
		{`"a\u202eb"`, "", "control-characters"},
		{`"a\nb"`, "a\nb", ""},
		{`12`, "", "wrong-type"},
		{`null`, "", "required"},
	}
	for _, tt := range tests {
		in := read(t, `{"purpose":`+tt.json+`}`)
		got := in.text("purpose", 2, 5)
		var want []string
		if tt.problem != "" {
			want = []string{"invalid-fields", "/purpose " + tt.problem}
		}
		if diff := cmp.Diff(want, complaints(in.done())); got != tt.want || diff != "" {
			t.Errorf("text(%s) = %q, want %q; complaints differ (-want +got):\n%s", tt.json, got, tt.want, diff)
		}
	}
}

func TestAbsentAndNullAreTheSame(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"a":null,"b":null,"c":null,"d":null,"e":null,"f":null,"g":null}`} {
		in := read(t, body)
		if got := optional(in, "a", money.ParseAmount); got != nil {
			t.Errorf("%s: optional = %v, want nil", body, got)
		}
		if got := in.optionalInteger("b", 1, 2); got != nil {
			t.Errorf("%s: optionalInteger = %d, want nil", body, *got)
		}
		if got := in.optionalBoolean("c"); got != nil {
			t.Errorf("%s: optionalBoolean = %t, want nil", body, *got)
		}
		if got := in.optionalObject("d"); got != nil {
			t.Errorf("%s: optionalObject is there", body)
		}
		if got := in.objects("e", 0, 2); len(got) != 0 {
			t.Errorf("%s: objects has %d", body, len(got))
		}
		if got := list(in, "f", 0, 2, domain.ParseID); len(got) != 0 {
			t.Errorf("%s: list has %d", body, len(got))
		}
		if got := in.text("g", 0, 2); got != "" {
			t.Errorf("%s: text = %q", body, got)
		}
		if err := in.done(); err != nil {
			t.Errorf("%s: done = %v, want nil", body, err)
		}
	}
}

func TestOneAnswerNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	in := read(t, `{
		"amount": 1, "signed_on": "2026-02-31", "id": "X", "urgent": "yes", "term_months": 0,
		"address": {"village": ""}, "plot": 7, "guarantors": [{"id": 1}, 5, {}], "photos": ["x", 2], "notes": [], "many": [1,2,3]
	}`)
	required(in, "amount", positiveAmount)
	required(in, "signed_on", domain.ParseDate)
	required(in, "id", domain.ParseID)
	in.boolean("urgent")
	in.boolean("agreed")
	in.integer("term_months", 1, 60)
	in.object("address").text("village", 1, 10)
	in.object("plot").text("crop", 1, 10) // the plot is wrong; that its crop is missing is not worth saying
	in.object("house").object("roof").integer("age", 0, 99)
	for _, g := range in.objects("guarantors", 0, 9) {
		required(g, "id", domain.ParseID)
	}
	list(in, "photos", 0, 9, domain.ParseID)
	list(in, "notes", 1, 9, domain.ParseID)
	in.objects("many", 0, 2)
	in.objects("visits", 1, 2)
	in.check("total", domain.BadValue("invalid", "合计不符"))
	want := []string{
		"invalid-fields",
		"/amount wrong-type", "/signed_on invalid-date", "/id invalid-id", "/urgent wrong-type", "/agreed required",
		"/term_months out-of-range", "/address/village required", "/plot wrong-type", "/house required",
		"/guarantors/1 wrong-type", "/guarantors/0/id wrong-type", "/guarantors/2/id required",
		"/photos/0 invalid-id", "/photos/1 wrong-type", "/notes too-few", "/many too-many", "/visits required", "/total invalid",
	}
	err := in.done()
	if diff := cmp.Diff(want, complaints(err)); diff != "" {
		t.Errorf("complaints differ (-want +got):\n%s", diff)
	}
	if e, _ := errors.AsType[*domain.Error](err); status(e) != 422 {
		t.Errorf("status = %d, want 422", status(e))
	}
}

func TestMembersNobodyKnowsAreNamedAndRefusedFirst(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("长", 1000)
	in := read(t, `{"amount":1,"Amount":"1.00","address":{"village":"东庄","street":"x"},"guarantors":[{},{"x/y":1}],"`+long+`":1}`)
	required(in, "amount", positiveAmount)
	in.object("address").text("village", 1, 10)
	in.objects("guarantors", 0, 9)
	err := in.done()
	want := []string{
		"unknown-field", "/Amount unknown", "/address/street unknown", "/guarantors/1/x~1y unknown",
		"/" + strings.Repeat("长", nameRunesMax) + "… unknown",
	}
	if diff := cmp.Diff(want, complaints(err)); diff != "" {
		t.Errorf("complaints differ (-want +got):\n%s", diff)
	}
	if e, _ := errors.AsType[*domain.Error](err); status(e) != 400 {
		t.Errorf("status = %d, want 400", status(e))
	}

	in = read(t, manyMembers(100))
	if got := complaints(in.done()); len(got) != 1+unknownMax {
		t.Errorf("100 unknown members: %d named, want %d", len(got)-1, unknownMax)
	}
}

// FuzzParseObject holds the strict reader against encoding/json: what it takes means the same there, and what it refuses
// it refuses as a client's mistake, without repeating what the client sent.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":{"b":[1,"x",null,true,{"c":"\ud842\udfb7"}]}}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `[]`, `{}{}`,
		"\ufeff{}", `{"a":1e400}`, `{"\u0000":0}`, `{"a":-0}`, " {\"张\":\"三\"}\n", `{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}`, "{\"a\":\"\xc3\x28\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := parseObject(body)
		var oracle map[string]any
		decoder := json.NewDecoder(strings.NewReader(string(body)))
		decoder.UseNumber()
		oracleErr := decoder.Decode(&oracle)
		if err == nil {
			if oracleErr != nil || !json.Valid(body) {
				t.Fatalf("parseObject(%q) took what encoding/json refuses: %v", body, oracleErr)
			}
			if diff := cmp.Diff(oracle, o.members); diff != "" {
				t.Fatalf("parseObject(%q) differs from encoding/json (-want +got):\n%s", body, diff)
			}
			if !utf8.Valid(body) {
				t.Fatalf("parseObject(%q) took what is not UTF-8", body)
			}
			return
		}
		e, ok := errors.AsType[*domain.Error](err)
		if !ok || e.Kind != domain.KindInvalid || status(e) != 400 {
			t.Fatalf("parseObject(%q) = %v, want a KindInvalid error with status 400", body, err)
		}
		if !json.Valid(body) && !slices.Contains([]string{
			"body-required", "unreadable-json", "trailing-text",
		}, e.Code) {
			t.Fatalf("parseObject(%q) = %s, want a complaint about syntax", body, e.Code)
		}
	})
}

// TestASoundObjectIsReadBackWhole draws objects at random and reads every member of them.
func TestASoundObjectIsReadBackWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOfN(
			rapid.StringMatching(`[a-z_/~张"\\]{1,8}`),
			rapid.StringMatching(`[ -~张三𠮷\n\t]{0,20}`), 0, 20,
		).Draw(t, "members")
		body, err := json.Marshal(members)
		if err != nil {
			t.Fatalf("marshal: %v", err)
		}
		in := read(t, string(body))
		got := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			got[name] = required(in, name, func(s string) (string, error) { return s, nil })
		}
		if err := in.done(); err != nil {
			t.Fatalf("done after reading all of %s = %v", body, err)
		}
		if diff := cmp.Diff(members, got); diff != "" {
			t.Fatalf("%s reads differently (-want +got):\n%s", body, diff)
		}
	})
}
