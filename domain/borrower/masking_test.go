package borrower

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"testing"
)

// person holds every self-masking value, exported and not, directly and behind pointers, slices and maps.
type person struct {
	IDNumber    IDNumber
	CreditCode  CreditCode
	Phone       Phone
	Name        Name
	BankAccount BankAccount
	Address     Address

	hidden struct {
		idNumber    IDNumber
		creditCode  CreditCode
		phone       Phone
		name        Name
		bankAccount BankAccount
		address     Address
	}
	Pointer *Phone
	List    []BankAccount
	Map     map[string]IDNumber
}

func samplePerson() person {
	p := person{
		IDNumber:    MustParseIDNumber("37159919680503009X"),
		CreditCode:  MustParseCreditCode("91350100M000100Y43"),
		Phone:       MustParsePhone("13912345678"),
		Name:        MustParseName("王吉华"),
		BankAccount: MustParseBankAccount("6228480000000000018"),
		Address:     MustParseAddress("山东省聊城市茌平区冯官屯镇刘马村12号"),
	}
	p.hidden.idNumber, p.hidden.creditCode, p.hidden.phone = p.IDNumber, p.CreditCode, p.Phone
	p.hidden.name, p.hidden.bankAccount, p.hidden.address = p.Name, p.BankAccount, p.Address
	p.Pointer, p.List, p.Map = &p.Phone, []BankAccount{p.BankAccount}, map[string]IDNumber{"id": p.IDNumber}
	return p
}

// leaks are pieces of the sample that no output may contain, as text, in hexadecimal and in Go escapes.
func leaks() []string {
	pieces := []string{
		"37159919680503009", "19680503", "91350100M000100", "13912345", "吉华", "622848000000000", "聊城市", "刘马村", "12号",
	}
	for _, piece := range pieces {
		pieces = append(pieces, fmt.Sprintf("%x", piece), fmt.Sprintf("%X", piece), fmt.Sprintf("% x", piece),
			strings.Trim(fmt.Sprintf("%+q", piece), `"`))
	}
	return pieces
}

func checkNoLeak(t *testing.T, what, output string) {
	t.Helper()
	for _, piece := range leaks() {
		if strings.Contains(output, piece) {
			t.Errorf("%s = %q: shows %q, want it masked", what, output, piece)
		}
	}
}

func TestNoVerbOfFmtShowsAPersonalValue(t *testing.T) {
	t.Parallel()
	p := samplePerson()
	values := []any{
		p.IDNumber, p.CreditCode, p.Phone, p.Name, p.BankAccount, p.Address,
		&p.IDNumber, &p.CreditCode, &p.Phone, &p.Name, &p.BankAccount, &p.Address,
		p, &p, p.hidden,
		[]any{p.Name, p.hidden},
		map[Phone]Name{p.Phone: p.Name},
	}
	for _, flags := range []string{"", "+", "#", "+#", "-40", "040", ".3", " ", "[1]"} {
		for verb := rune('a'); verb <= 'z'; verb++ {
			for _, v := range []rune{verb, verb - 'a' + 'A'} {
				format := "%" + flags + string(v)
				for _, value := range values {
					checkNoLeak(t, fmt.Sprintf("Sprintf(%q, %T)", format, value), fmt.Sprintf(format, value))
				}
			}
		}
	}
}

func TestAWrongVerbOfErrorfShowsNoPersonalValue(t *testing.T) {
	t.Parallel()
	p := samplePerson()
	format := "%w" // in a variable: vet would refuse the constant, which is the point
	for _, value := range []any{p.IDNumber, p.Name, p, p.hidden} {
		checkNoLeak(t, fmt.Sprintf("Errorf(%q, %T)", format, value), fmt.Errorf(format, value).Error())
	}
}

func TestEncodersShowOnlyTheMask(t *testing.T) {
	t.Parallel()
	p := samplePerson()

	encoded, err := json.Marshal(p)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	checkNoLeak(t, "json.Marshal", string(encoded))
	keys, err := json.Marshal(map[IDNumber]Phone{p.IDNumber: p.Phone})
	if err != nil {
		t.Fatalf("json.Marshal of a map: %v", err)
	}
	if got, want := string(keys), `{"****009X":"****5678"}`; got != want {
		t.Errorf("json.Marshal of a map = %s, want %s", got, want)
	}
	type document struct { // encoding/xml has no maps
		Number  IDNumber
		Name    Name `xml:"name,attr"`
		Pointer *Phone
		List    []BankAccount
	}
	markup, err := xml.Marshal(document{p.IDNumber, p.Name, p.Pointer, p.List})
	if err != nil {
		t.Fatalf("xml.Marshal: %v", err)
	}
	checkNoLeak(t, "xml.Marshal", string(markup))
	var page bytes.Buffer
	if err := template.Must(template.New("").Parse("{{.Name}} {{.IDNumber}} {{.}}")).Execute(&page, p); err != nil {
		t.Fatalf("template: %v", err)
	}
	checkNoLeak(t, "html/template", page.String())
}

func TestLogsShowOnlyTheMask(t *testing.T) {
	t.Parallel()
	p := samplePerson()
	var text, lines bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&lines, nil)} {
		slog.New(handler).With("phone", p.Phone).Info("seen", "id", p.IDNumber, "code", p.CreditCode, "name", p.Name,
			"account", p.BankAccount, "address", p.Address, "person", p, "pointer", &p, "hidden", p.hidden, slog.Group("g", "name", p.Name))
	}
	checkNoLeak(t, "slog text", text.String())
	checkNoLeak(t, "slog JSON", lines.String())
	if !strings.Contains(lines.String(), `"id":"****009X"`) || !strings.Contains(lines.String(), `"name":"王**"`) {
		t.Errorf("slog JSON = %s, want the masks of number and name", lines.String())
	}
}

func TestMasksShowWhatListsMayShow(t *testing.T) {
	t.Parallel()
	p := samplePerson()
	for _, c := range []struct {
		value fmt.Stringer
		want  string
	}{
		{p.IDNumber, "****009X"},
		{p.CreditCode, "****0Y43"},
		{p.Phone, "****5678"},
		{MustParsePhone("0635-8412345"), "****2345"},
		{p.BankAccount, "****0018"},
		{p.Name, "王**"},
		{MustParseName("𠮷野"), "𠮷**"},
		{p.Address, "山东省****"},
		{IDNumber{}, ""},
		{Name{}, ""},
		{Address{}, ""},
	} {
		if got := c.value.String(); got != c.want {
			t.Errorf("mask = %q, want %q", got, c.want)
		}
	}
}

func TestTheZeroValueIsAbsentEverywhere(t *testing.T) {
	t.Parallel()
	var p person
	if !p.IDNumber.IsZero() || !p.CreditCode.IsZero() || !p.Phone.IsZero() || !p.Name.IsZero() || !p.BankAccount.IsZero() || !p.Address.IsZero() {
		t.Errorf("IsZero of zero values: got false, want true")
	}
	for _, got := range []string{
		p.IDNumber.Reveal(), p.IDNumber.Last4(), string(p.IDNumber.Sex()), p.IDNumber.RegionCode().String(), p.CreditCode.Last4(),
		p.CreditCode.RegionCode().String(), p.Phone.Last4(), p.BankAccount.Last4(), p.Name.Reveal(), p.Address.Reveal(),
	} {
		if got != "" {
			t.Errorf("text of a zero value = %q, want empty", got)
		}
	}
	if !p.IDNumber.BirthDate().IsZero() || p.Phone.IsMobile() || p.BankAccount.IsCard() {
		t.Errorf("zero values: birth date %v, mobile %v, card %v, want none", p.IDNumber.BirthDate(), p.Phone.IsMobile(), p.BankAccount.IsCard())
	}
}
