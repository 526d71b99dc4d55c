package origination

import (
	"context"
	"maps"
	"slices"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/product"
)

// listedHousehold is the people of a list that are judged as one (名单户).
type listedHousehold struct {
	refused   bool                // a row that the import did not take: nothing is kept of it but where it stands
	card      *borrower.Household // its household card (户档案); nil: there is none
	elsewhere bool                // what is on file about it is kept outside the requester's scope
	people    []listedPerson      // by their first rows
}

// listedPerson is a person or an organisation on a list.
type listedPerson struct {
	entry RecommendedEntry   // the first row about it
	rows  []int              // all rows about it
	file  *borrower.Borrower // nil: not a borrower yet
}

// isHead reports whether a person is the head of the household (户主).
func (h listedHousehold) isHead(p listedPerson) bool {
	if h.card == nil || p.entry.Number.IDNumber.IsZero() {
		return false
	}
	head, found := h.card.Head()
	return found && head.IDNumber.Equal(p.entry.Number.IDNumber)
}

// applicant is the person as the rules see him: his file, or what the list and the household card say.
func (h listedHousehold) applicant(p listedPerson) borrower.Borrower {
	if p.file != nil {
		return *p.file
	}
	return borrower.Borrower{
		Kind: p.entry.Kind, Name: p.entry.Name, IDNumber: p.entry.Number.IDNumber, CreditCode: p.entry.Number.CreditCode,
		HouseholdID: h.cardID(), RegionCode: p.entry.VillageCode,
	}
}

func (h listedHousehold) cardID() domain.ID {
	if h.card == nil {
		return ""
	}
	return h.card.ID
}

// record is the application that the person would open: for the household and in the place that his file names, or that he
// would be put on file for.
func (h listedHousehold) record(p listedPerson, ask PreApproval) loan.Record {
	who := h.applicant(p)
	rec := loan.Record{
		BorrowerID: who.ID, HouseholdID: who.HouseholdID, RegionCode: who.RegionCode.String(), ProductCode: ask.ProductCode,
		Request: loan.Request{TermMonths: ask.TermMonths, Purpose: ask.Purpose},
	}
	if !rec.HouseholdID.IsZero() && h.card != nil {
		rec.RegionCode = h.card.VillageCode.String()
	}
	return rec
}

// preApprovalPage is what a page of a list leads to: the households whose first row is on it.
type preApprovalPage struct {
	rows       int
	households []listedHousehold
	register   *pageRegister
	err        error
}

// pages reads ahead by one page. A page that could not be read is the last.
func (r *preApprovalRun) pages(ctx context.Context) <-chan preApprovalPage {
	read := make(chan preApprovalPage, 1)
	go func() {
		defer close(read)
		for after := 0; ; {
			entries, err := r.store.RecommendedEntries(ctx, r.ask.ListID, after, recommendedEntriesPage)
			page := preApprovalPage{rows: len(entries), err: err}
			if err == nil {
				page.households, page.register, page.err = r.load(ctx, entries)
			}
			select {
			case read <- page:
			case <-ctx.Done():
				return
			}
			if page.err != nil || len(entries) < recommendedEntriesPage {
				return
			}
			after = entries[len(entries)-1].Row
		}
	}()
	return read
}

// load reads what is on file about the rows of a page and puts them together to households. A household stands where its
// first row does, whichever pages its other rows are on, so that nothing need be remembered from page to page.
func (r *preApprovalRun) load(ctx context.Context, entries []RecommendedEntry) ([]listedHousehold, *pageRegister, error) {
	numbers := numbersOf(entries)
	files, err := r.store.OnFile(ctx, r.scope, numbers)
	if err != nil {
		return nil, nil, err
	}
	rows, err := r.store.RecommendedEntriesOf(ctx, r.ask.ListID, files.numbersWith(numbers))
	if err != nil {
		return nil, nil, err
	}
	onPage := make(map[RecommendedNumber]bool, len(numbers))
	for _, n := range numbers {
		onPage[n] = true
	}
	more := slices.DeleteFunc(numbersOf(rows), func(n RecommendedNumber) bool { return onPage[n] })
	if len(more) > 0 { // members whose rows are on other pages
		theirs, err := r.store.OnFile(ctx, r.scope, more)
		if err != nil {
			return nil, nil, err
		}
		files.add(theirs)
	}
	households := files.households(entries, rows)
	register, err := r.register(ctx, households, files)
	return households, register, err
}

// numbersOf are the numbers of rows, each once, in their order. A refused row has none.
func numbersOf(entries []RecommendedEntry) []RecommendedNumber {
	var numbers []RecommendedNumber
	seen := make(map[RecommendedNumber]bool, len(entries))
	for _, e := range entries {
		if !e.Number.IsZero() && !seen[e.Number] {
			seen[e.Number] = true
			numbers = append(numbers, e.Number)
		}
	}
	return numbers
}

// numbersWith are the numbers, and all by which a list may name somebody of the same households.
func (f OnFile) numbersWith(numbers []RecommendedNumber) []RecommendedNumber {
	seen := make(map[RecommendedNumber]bool, 4*len(numbers))
	var all []RecommendedNumber
	add := func(n RecommendedNumber) {
		if !n.IsZero() && !seen[n] {
			seen[n] = true
			all = append(all, n)
		}
	}
	for _, n := range numbers {
		add(n)
	}
	for _, id := range slices.Sorted(maps.Keys(f.Households)) {
		for _, m := range f.Households[id].Members { // at most borrower.ListMax
			if m.Present() {
				add(RecommendedNumber{IDNumber: m.IDNumber})
			}
		}
	}
	for _, n := range f.Numbers {
		add(n)
	}
	return all
}

func (f *OnFile) add(o OnFile) {
	maps.Copy(f.Borrowers, o.Borrowers)
	maps.Copy(f.Households, o.Households)
	maps.Copy(f.HouseholdOf, o.HouseholdOf)
	maps.Copy(f.Elsewhere, o.Elsewhere)
	f.Numbers = append(f.Numbers, o.Numbers...)
}

// householdKey is what rows have in common that are judged as one: a household on file, or a number alone.
type householdKey struct {
	id     domain.ID
	number RecommendedNumber
}

// keyOf is whose household a number belongs to: the one that the borrower's file names, as in an application; or else the one
// on whose card the person is now.
func (f OnFile) keyOf(n RecommendedNumber) householdKey {
	if id := f.Borrowers[n].HouseholdID; !id.IsZero() {
		return householdKey{id: id}
	}
	if id := f.HouseholdOf[n]; !id.IsZero() {
		return householdKey{id: id}
	}
	return householdKey{number: n}
}

// households puts rows together: those whose first row is among the page's entries, in the order of these.
func (f OnFile) households(entries, rows []RecommendedEntry) []listedHousehold {
	groups := map[householdKey]*listedHousehold{}
	for _, e := range rows {
		key := f.keyOf(e.Number)
		if groups[key] == nil {
			groups[key] = &listedHousehold{}
		}
		groups[key].addRow(e)
	}
	households := make([]listedHousehold, 0, len(entries))
	for _, e := range entries {
		if e.Number.IsZero() {
			households = append(households, listedHousehold{refused: true, people: []listedPerson{{entry: e, rows: []int{e.Row}}}})
			continue
		}
		key := f.keyOf(e.Number)
		group := groups[key]
		if group == nil || group.people[0].entry.Row != e.Row {
			continue // an earlier row stands for the household
		}
		households = append(households, f.withFiles(key, *group))
	}
	return households
}

func (h *listedHousehold) addRow(e RecommendedEntry) {
	for i := range h.people {
		if h.people[i].entry.Number == e.Number {
			h.people[i].rows = append(h.people[i].rows, e.Row)
			return
		}
	}
	h.people = append(h.people, listedPerson{entry: e, rows: []int{e.Row}})
}

// withFiles adds what is on file about a household.
func (f OnFile) withFiles(key householdKey, h listedHousehold) listedHousehold {
	if card, found := f.Households[key.id]; found {
		h.card, h.elsewhere = &card, f.Elsewhere[key.id]
	}
	for i := range h.people {
		if file, found := f.Borrowers[h.people[i].entry.Number]; found {
			h.people[i].file = &file
			h.elsewhere = h.elsewhere || (h.card == nil && f.Elsewhere[file.ID])
		}
	}
	return h
}

// regionTerms is what the catalogue and the rules say of a product in one place.
type regionTerms struct {
	versions []product.Version
	sets     []decision.RuleSetHead
}

// regionsKept bounds how many places a run remembers. A list has one village or a few.
const regionsKept = 1000

func (r *preApprovalRun) region(ctx context.Context, code string) (terms regionTerms, err error) {
	if terms, known := r.regions[code]; known {
		return terms, nil
	}
	if terms.versions, err = r.store.ProductVersions(ctx, r.ask.ProductCode, code); err != nil {
		return regionTerms{}, err
	}
	if terms.sets, err = r.store.RuleSetsFor(ctx, r.ask.ProductCode, code); err != nil {
		return regionTerms{}, err
	}
	if len(r.regions) == regionsKept {
		clear(r.regions)
	}
	r.regions[code] = terms
	return terms, nil
}

// register reads what assemble will ask about the people of a page.
func (r *preApprovalRun) register(ctx context.Context, households []listedHousehold, files OnFile) (*pageRegister, error) {
	p := &pageRegister{
		Reader: r.store, run: r, households: files.Households, listed: map[RecommendedNumber]bool{},
		regions: map[string]regionTerms{}, sums: map[ExposureUnit][]ExposureSum{},
	}
	var borrowers []domain.ID
	units := map[product.ExposureUnit][]domain.ID{} //nolint:exhaustive // filled below
	for _, h := range households {
		for _, person := range h.people {
			if h.refused {
				continue
			}
			rec := h.record(person, r.ask)
			p.listed[person.entry.Number] = true
			terms, err := r.region(ctx, rec.RegionCode)
			if err != nil {
				return nil, err
			}
			p.regions[rec.RegionCode] = terms
			if unit := unitOf(rec, r.offered); !unit.ID.IsZero() {
				units[unit.Kind] = append(units[unit.Kind], unit.ID)
			}
			if !rec.BorrowerID.IsZero() {
				borrowers = append(borrowers, rec.BorrowerID)
			}
		}
	}
	for _, kind := range []product.ExposureUnit{product.ExposureHousehold, product.ExposureBorrower} {
		sums, err := r.store.ExposureSumsOf(ctx, kind, unique(units[kind]))
		if err != nil {
			return nil, err
		}
		for id, of := range sums {
			p.sums[ExposureUnit{kind, id}] = of
		}
	}
	var err error
	if p.notes, err = r.store.NotesOfBorrowers(ctx, unique(borrowers)); err != nil {
		return nil, err
	}
	p.screenings, err = r.store.ScreeningsOf(ctx, unique(borrowers), r.today)
	return p, err
}

func unique(ids []domain.ID) []domain.ID {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// pageRegister answers what assemble asks about the people of one page from what was read for all of them at once, and says
// of the application, which nobody has opened, that it has brought nothing. So the facts are put together by the same code as
// those of a real case. What it does not know of is read from the store. It never changes once it is made.
type pageRegister struct {
	Reader

	run        *preApprovalRun
	regions    map[string]regionTerms
	households map[domain.ID]borrower.Household
	listed     map[RecommendedNumber]bool // the list holds on the run's day
	notes      map[domain.ID][]loan.NoteRecord
	sums       map[ExposureUnit][]ExposureSum
	screenings map[domain.ID]EnquiryAnswer
}

// Product implements Reader.
func (p *pageRegister) Product(context.Context, string) (product.Product, error) {
	return p.run.offered, nil
}

// ProductVersions implements Reader.
func (p *pageRegister) ProductVersions(_ context.Context, _, region string) ([]product.Version, error) {
	return p.regions[region].versions, nil
}

// RuleSetsFor implements Reader.
func (p *pageRegister) RuleSetsFor(_ context.Context, _, region string) ([]decision.RuleSetHead, error) {
	return p.regions[region].sets, nil
}

// ReferenceRates implements Reader.
func (p *pageRegister) ReferenceRates(context.Context) (product.ReferenceRates, error) {
	return p.run.rates, nil
}

// LenderLimits implements Reader.
func (p *pageRegister) LenderLimits(context.Context) ([]LenderLimit, error) { return p.run.limits, nil }

// Household implements Reader.
func (p *pageRegister) Household(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Household, error) {
	if h, found := p.households[id]; found {
		return h, nil
	}
	return p.Reader.Household(ctx, scope, id)
}

// NotesOfBorrower implements Reader.
func (p *pageRegister) NotesOfBorrower(_ context.Context, id domain.ID) ([]loan.NoteRecord, error) {
	return p.notes[id], nil
}

// ExposureSums implements Reader.
func (p *pageRegister) ExposureSums(_ context.Context, unit ExposureUnit, _ ...domain.ID) ([]ExposureSum, error) {
	return p.sums[unit], nil
}

// OnRecommendedList implements Reader: whoever is judged is on the list.
func (p *pageRegister) OnRecommendedList(_ context.Context, numbers []RecommendedNumber, _ domain.Date) (bool, error) {
	return slices.ContainsFunc(numbers, func(n RecommendedNumber) bool { return p.listed[n] }), nil
}

// SiteVisits implements Reader: of an application that was not opened there are none.
func (*pageRegister) SiteVisits(context.Context, domain.ID) ([]loan.SiteVisit, error) {
	return nil, nil
}

// Documents implements Reader, likewise.
func (*pageRegister) Documents(context.Context, domain.Scope, domain.ID) ([]Document, error) {
	return nil, nil
}

// LiveGuarantee implements Reader, likewise.
func (*pageRegister) LiveGuarantee(context.Context, domain.ID) (loan.GuaranteeRecord, bool, error) {
	return loan.GuaranteeRecord{}, false, nil
}

// Enquiries implements Reader, likewise.
func (*pageRegister) Enquiries(context.Context, domain.Scope, domain.ID) ([]Enquiry, error) {
	return nil, nil
}
