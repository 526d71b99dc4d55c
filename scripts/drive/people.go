package drive

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"fumin/domain"
)

// Person is somebody who does not exist. The number's county, 371599, was never given out, so it is nobody's; its check
// digit is right.
type Person struct {
	Name       string
	IDNumber   string
	Phone      string
	Card       string
	CreditCode string // of the business he or she keeps, as a sole proprietor
}

// People makes people, no two alike in one run, and hardly ever in two.
type People struct{ made atomic.Uint64 }

// NewPeople begins at a random place, so that a story can be played again on the same database.
func NewPeople() *People {
	var p People
	p.made.Store(rand.Uint64N(1 << 40))
	return &p
}

// ordersPerDay are the order codes that one county gives out for one day of birth.
const ordersPerDay = 1000

// Born makes a person who was born on the day or within days-1 days after it.
func (p *People) Born(name string, from domain.Date, days int) Person {
	n := p.made.Add(1)
	place := n % uint64(days*ordersPerDay)
	day := from.AddDays(int(place / ordersPerDay))
	return Person{
		Name:     name,
		IDNumber: idNumber(day, int(place%ordersPerDay)),
		Phone:    fmt.Sprintf("139%08d", n%100_000_000),
		Card:     withLuhn(fmt.Sprintf("622848%012d", n%1_000_000_000_000)),

		CreditCode: creditCode(soleProprietor, n),
	}
}

// Business is an organisation that does not exist, with an account of its own. Its chair is a person.
type Business struct {
	Name       string
	CreditCode string
	Account    string
}

// Cooperative makes a farmers' co-operative (农民专业合作社).
func (p *People) Cooperative(name string) Business { return p.business(name, cooperative) }

// Seller makes a company to buy from.
func (p *People) Seller(name string) Business { return p.business(name, company) }

func (p *People) business(name, register string) Business {
	n := p.made.Add(1)
	return Business{Name: name, CreditCode: creditCode(register, n), Account: fmt.Sprintf("90401010%012d", n%1_000_000_000_000)}
}

// Adult makes a person between about 35 and 45 years old: the catalogue lends to them for any term.
func (p *People) Adult(name string, today domain.Date) Person {
	return p.Born(name, today.AddMonths(-45*12), 10*365)
}

// Aged makes a person of the given age in years, who has it for at least another month.
func (p *People) Aged(name string, years int, today domain.Date) Person {
	return p.Born(name, today.AddMonths(-(years+1)*12).AddDays(32), 300)
}

// idNumber computes the check digit by GB 11643-1999 (ISO/IEC 7064 MOD 11-2), written down a second time on purpose: a
// mistake in the service's own arithmetic must not make its own test data.
func idNumber(born domain.Date, order int) string {
	digits := fmt.Sprintf("371599%04d%02d%02d%03d", born.Year(), born.Month(), born.Day(), order)
	remainder := 0
	for _, digit := range digits {
		remainder = (remainder + int(digit-'0')) * 2 % 11
	}
	check := (12 - remainder) % 11
	if check == 10 {
		return digits + "X"
	}
	return fmt.Sprintf("%s%d", digits, check)
}

// The registers of credit codes (GB 32100-2015, table 1).
const (
	company        = "91"
	soleProprietor = "92"
	cooperative    = "93"
)

// creditCode makes a unified social credit code of the county that was never given out. Its check character is by GB
// 32100-2015 (ISO/IEC 7064 MOD 31-3), written down a second time on purpose, as above.
func creditCode(register string, n uint64) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	body := fmt.Sprintf("%s371599%09d", register, n%1_000_000_000)
	sum, weight := 0, 1
	for i := range len(body) {
		sum += weight * strings.IndexByte(alphabet, body[i])
		weight = weight * 3 % 31
	}
	return body + string(alphabet[(31-sum%31)%31])
}

// withLuhn appends the check digit of a bank card.
func withLuhn(digits string) string {
	sum := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			digit = 2*digit/10 + 2*digit%10
		}
		sum += digit
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// Today is the date at the lender's.
func Today() domain.Date { return domain.DateOf(time.Now()) }
