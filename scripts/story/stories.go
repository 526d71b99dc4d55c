package main

import (
	_ "embed" // stories.json
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fumin/scripts/drive"
)

//go:embed stories.json
var storiesFile []byte

// book is stories.json.
type book struct {
	Note    string  `json:"note"`
	Cast    []role  `json:"cast"`
	Stories []facts `json:"stories"`
	Later   []struct {
		ID    string `json:"id"`
		Needs string `json:"needs"`
	} `json:"later"`
}

// role is a member of staff and the part he or she plays.
type role struct {
	As       string `json:"as"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Post     string `json:"post"`
}

// facts are what a story is about; what happens is in its code.
type facts struct {
	ID              string `json:"id"`
	Title           string `json:"title"`
	Borrower        string `json:"borrower"`
	Kind            string `json:"kind"`
	Region          string `json:"region"`
	Address         string `json:"address"`
	Product         string `json:"product"`
	Amount          string `json:"amount"`
	TermMonths      int    `json:"term_months"`
	RepaymentMethod string `json:"repayment_method"`
	Purpose         string `json:"purpose"`
	PurposeNote     string `json:"purpose_note"`

	WithinHours     int    `json:"within_hours"`      // duck-shed: from the draft to the closed case
	AgeYears        int    `json:"age_years"`         // too-old
	OtherRegion     string `json:"other_region"`      // too-old: a village where the limit is a year less
	OtherRegionName string `json:"other_region_name"` // too-old
	Times           int    `json:"times"`             // double-click: how often at once
	BookLoans       int    `json:"book_loans"`        // book: how many loans make the total
	Total           string `json:"total"`             // book: yuan
	Loans           int    `json:"loans"`             // book: how many of them are played
	BusinessName    string `json:"business_name"`     // minutes
	BusinessMonths  int    `json:"business_months"`   // minutes: since the licence was issued
	WithinMinutes   int    `json:"within_minutes"`    // minutes: from the application to the money

	nurseryFacts
}

// nurseryFacts are what only the nursery has.
type nurseryFacts struct {
	Chair       string `json:"chair"`
	Guarantor   string `json:"guarantor"`    // a member who answers for the debt
	Findings    string `json:"findings"`     // of the site visit
	LetterNo    string `json:"letter_no"`    // the guarantee company's
	FeePct      string `json:"fee_pct"`      // the guarantee company's, percent a year
	Conditions  string `json:"conditions"`   // the guarantee company's
	CounterNote string `json:"counter_note"` // what the guarantee company is given in its turn (反担保)
	Fulfilled   string `json:"fulfilled"`    // by what the conditions are
	Opinion     string `json:"opinion"`      // the reviewer's
	TooLittle   string `json:"too_little"`   // the first approver's authority, yuan
	Rest        string `json:"rest"`         // what is paid to the co-operative itself, yuan
	Harvests    []struct {
		AfterMonths int    `json:"after_months"`
		SharePct    string `json:"share_pct"`
		Principal   string `json:"principal"` // what the share comes to, yuan
	} `json:"harvests"`
	Sellers []struct {
		Name    string `json:"name"`
		Bank    string `json:"bank"`
		Amount  string `json:"amount"`
		For     string `json:"for"`
		Invoice string `json:"invoice"`
	} `json:"sellers"`
}

// harvests are the story's harvests, counted from today.
func (f nurseryFacts) harvests() (harvests []drive.Harvest) {
	for _, h := range f.Harvests {
		harvests = append(harvests, drive.Harvest{DueOn: drive.Today().AddMonths(h.AfterMonths), SharePct: h.SharePct})
	}
	return harvests
}

func (f facts) request() drive.Request {
	return drive.Request{
		ProductCode: f.Product, Amount: f.Amount, TermMonths: f.TermMonths, RepaymentMethod: f.RepaymentMethod,
		Purpose: f.Purpose, PurposeNote: f.PurposeNote,
	}
}

func readBook() (book, error) {
	var b book
	decoder := json.NewDecoder(strings.NewReader(string(storiesFile)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		return book{}, fmt.Errorf("stories.json: %w", err)
	}
	return b, nil
}

// find returns the story, or an error that lists the stories there are.
func (b book) find(id string) (facts, error) {
	i := slices.IndexFunc(b.Stories, func(f facts) bool { return f.ID == id })
	if i >= 0 {
		return b.Stories[i], nil
	}
	for _, l := range b.Later {
		if l.ID == id {
			return facts{}, fmt.Errorf("the story %q cannot be played yet: the service lacks %s", id, l.Needs)
		}
	}
	return facts{}, fmt.Errorf("no story %q; there are: %s", id, strings.Join(b.ids(), ", "))
}

func (b book) ids() []string {
	var ids []string
	for _, f := range b.Stories {
		ids = append(ids, f.ID)
	}
	return ids
}

// cast returns who plays a part.
func (b book) cast(as string) role {
	i := slices.IndexFunc(b.Cast, func(r role) bool { return r.As == as })
	if i < 0 {
		panic("stories.json: nobody plays the " + as)
	}
	return b.Cast[i]
}
