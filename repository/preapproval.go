package repository

import (
	"context"
	"maps"
	"slices"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/domain/product"
)

// idsBatch is how many ids or indexes one statement looks for: below the thousand from which MariaDB makes a table of the
// list before it looks at an index.
const idsBatch = 500

// OnFile implements origination.PreApprovalReader.
func (r reader) OnFile(ctx context.Context, scope domain.Scope, numbers []origination.RecommendedNumber) (f origination.OnFile, err error) {
	err = r.atOneMoment(ctx, func(r reader) error {
		f, err = r.onFile(ctx, scope, numbers)
		return err
	})
	return f, err
}

func (r reader) onFile(ctx context.Context, scope domain.Scope, numbers []origination.RecommendedNumber) (origination.OnFile, error) {
	f := origination.OnFile{
		Borrowers: map[origination.RecommendedNumber]borrower.Borrower{}, Households: map[domain.ID]borrower.Household{},
		HouseholdOf: map[origination.RecommendedNumber]domain.ID{}, Elsewhere: map[domain.ID]bool{},
	}
	if err := r.peopleOnFile(ctx, &f, numbers); err != nil {
		return origination.OnFile{}, err
	}
	ids := slices.Collect(maps.Values(f.HouseholdOf))
	for _, b := range f.Borrowers {
		if !b.HouseholdID.IsZero() {
			ids = append(ids, b.HouseholdID)
		}
	}
	slices.Sort(ids)
	if err := r.householdsOnFile(ctx, &f, slices.Compact(ids)); err != nil {
		return origination.OnFile{}, err
	}
	return f, r.elsewhere(ctx, &f, scope)
}

// peopleOnFile finds whose the numbers are, and on which household cards the people are now.
func (r reader) peopleOnFile(ctx context.Context, f *origination.OnFile, numbers []origination.RecommendedNumber) error {
	people, organisations := [][]byte{}, [][]byte{}
	owners := map[string]origination.RecommendedNumber{}
	for _, number := range numbers {
		what, text := recommendedIndexOf(number)
		under, err := r.cipher.blinds(what, text)
		if err != nil {
			return err
		}
		for _, index := range under { // one for each key
			owners[string(index)] = number
		}
		if what == indexCreditCode {
			organisations = append(organisations, under...)
		} else {
			people = append(people, under...)
		}
	}
	for batch := range slices.Chunk(people, idsBatch) {
		if err := r.borrowersOnFile(ctx, f, "borrowers.id_number_index IN ?", batch); err != nil {
			return err
		}
		var members []householdMemberRow
		err := r.db.WithContext(ctx).Select("household_id", "present_id_number_index").Where("present_id_number_index IN ?", batch).Find(&members).Error
		if err != nil {
			return translateRead(ctx, err)
		}
		for _, m := range members {
			f.HouseholdOf[owners[string(m.PresentIDNumberIndex)]] = m.HouseholdID
		}
	}
	for batch := range slices.Chunk(organisations, idsBatch) {
		if err := r.borrowersOnFile(ctx, f, "borrowers.credit_code_index IN ?", batch); err != nil {
			return err
		}
	}
	return nil
}

// borrowersOnFile adds the borrowers that a condition finds, by the number a list would name them by.
func (r reader) borrowersOnFile(ctx context.Context, f *origination.OnFile, condition string, values any) error {
	var roots []borrowerRow
	if err := r.db.WithContext(ctx).Where(condition, values).Order("borrowers.id").Find(&roots).Error; err != nil {
		return translateRead(ctx, err)
	}
	found, err := r.withParts(ctx, roots)
	if err != nil {
		return err
	}
	for _, b := range found {
		number := origination.RecommendedNumber{IDNumber: b.IDNumber}
		if b.Kind.IsOrganisation() {
			number = origination.RecommendedNumber{CreditCode: b.CreditCode}
		}
		if !number.IsZero() { // anonymised
			f.Borrowers[number] = b
		}
	}
	return nil
}

// householdsOnFile adds the households and the numbers of all borrowers whose files name them.
func (r reader) householdsOnFile(ctx context.Context, f *origination.OnFile, ids []domain.ID) error {
	for batch := range slices.Chunk(ids, idsBatch) {
		var rows []householdRow
		if err := r.db.WithContext(ctx).Where("id IN ?", batch).Find(&rows).Error; err != nil {
			return translateRead(ctx, err)
		}
		households, err := r.withMembers(ctx, rows)
		if err != nil {
			return err
		}
		for _, h := range households {
			f.Households[h.ID] = h
		}
		var theirs []borrowerRow
		err = r.db.WithContext(ctx).Select("id", "kind", "id_number_cipher", "credit_code_cipher").Where("household_id IN ?", batch).
			Order("household_id, id").Find(&theirs).Error
		if err != nil {
			return translateRead(ctx, err)
		}
		for _, row := range theirs {
			number, err := r.listedNumber(row)
			if err != nil {
				return err
			}
			f.Numbers = append(f.Numbers, number)
		}
	}
	return nil
}

// listedNumber is the number a list would name a borrower by; zero when it was erased.
func (r reader) listedNumber(row borrowerRow) (n origination.RecommendedNumber, err error) {
	if borrower.Kind(row.Kind).IsOrganisation() {
		n.CreditCode, err = openAs(r.cipher, "borrowers.credit_code", row.ID, row.CreditCodeCipher, borrower.ParseCreditCode)
	} else {
		n.IDNumber, err = openAs(r.cipher, "borrowers.id_number", row.ID, row.IDNumberCipher, borrower.ParseIDNumber)
	}
	return n, err
}

// elsewhere marks what the scope may not see.
func (r reader) elsewhere(ctx context.Context, f *origination.OnFile, scope domain.Scope) error {
	var borrowers []domain.ID
	for _, b := range f.Borrowers {
		borrowers = append(borrowers, b.ID)
	}
	for _, of := range []struct {
		table   string
		ids     []domain.ID
		inScope func(*gorm.DB, domain.Scope) *gorm.DB
	}{
		{"households", slices.Collect(maps.Keys(f.Households)), householdsInScope}, {"borrowers", borrowers, borrowersInScope},
	} {
		slices.Sort(of.ids)
		for batch := range slices.Chunk(of.ids, idsBatch) {
			var visible []domain.ID
			query := of.inScope(r.db.WithContext(ctx).Table(of.table), scope).Where(of.table+".id IN ?", batch)
			if err := query.Pluck(of.table+".id", &visible).Error; err != nil {
				return translateRead(ctx, err)
			}
			for _, id := range batch {
				f.Elsewhere[id] = true
			}
			for _, id := range visible {
				delete(f.Elsewhere, id)
			}
		}
	}
	return nil
}

// RecommendedEntriesOf implements origination.PreApprovalReader.
func (r reader) RecommendedEntriesOf(ctx context.Context, listID domain.ID, numbers []origination.RecommendedNumber) ([]origination.RecommendedEntry, error) {
	indexes, _, err := r.recommendedIndexes(numbers)
	if err != nil {
		return nil, err
	}
	var rows []recommendedEntryRow
	for batch := range slices.Chunk(indexes, idsBatch) {
		var found []recommendedEntryRow
		err := r.db.WithContext(ctx).Where("number_index IN ? AND list_id = ?", batch, listID).Find(&found).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
		rows = append(rows, found...)
	}
	slices.SortFunc(rows, func(a, b recommendedEntryRow) int { return a.RowNo - b.RowNo })
	return mapRows(rows, r.cipher.recommendedEntryFromRow)
}

// ExposureSumsOf implements origination.PreApprovalReader.
func (r reader) ExposureSumsOf(ctx context.Context, kind product.ExposureUnit, ids []domain.ID) (map[domain.ID][]origination.ExposureSum, error) {
	sums := map[domain.ID][]origination.ExposureSum{}
	for batch := range slices.Chunk(ids, idsBatch) {
		var rows []exposureSumRow
		err := ofUnits(exposuresCounted(r.db.WithContext(ctx)), kind, batch...).
			Select("counted.unit_id, exposures.product_code, SUM(exposures.amount) AS amount").
			Group("counted.unit_id").Group("exposures.product_code").Order("counted.unit_id").Order("exposures.product_code").Find(&rows).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
		for _, row := range rows {
			sum, err := exposureSumFromRow(row)
			if err != nil {
				return nil, err
			}
			sums[row.UnitID] = append(sums[row.UnitID], sum)
		}
	}
	return sums, nil
}

// NotesOfBorrowers implements origination.PreApprovalReader.
func (r reader) NotesOfBorrowers(ctx context.Context, ids []domain.ID) (map[domain.ID][]loan.NoteRecord, error) {
	notes := map[domain.ID][]loan.NoteRecord{}
	for batch := range slices.Chunk(ids, idsBatch) {
		found, err := loanNotesOf(ctx, r.db.WithContext(ctx).Where("borrower_id IN ?", batch).Order("borrower_id DESC, id DESC"))
		if err != nil {
			return nil, err
		}
		for _, n := range found {
			if len(notes[n.BorrowerID]) < loan.NotesOfCaseMax { // as NotesOfBorrower
				notes[n.BorrowerID] = append(notes[n.BorrowerID], n)
			}
		}
	}
	return notes, nil
}

// ScreeningsOf implements origination.PreApprovalReader.
func (r reader) ScreeningsOf(ctx context.Context, borrowerIDs []domain.ID, day domain.Date) (map[domain.ID]origination.EnquiryAnswer, error) {
	answers := map[domain.ID]origination.EnquiryAnswer{}
	for batch := range slices.Chunk(borrowerIDs, idsBatch) {
		var rows []enquiryRow
		err := r.db.WithContext(ctx).Where("borrower_id IN ? AND source = ?", batch, string(origination.SourceScreening)).
			Where("status = ? AND valid_until >= ?", string(origination.EnquiryAnswered), dateColumn{day}).
			Order("borrower_id DESC, id DESC").Find(&rows).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
		for _, row := range rows {
			if _, later := answers[row.BorrowerID]; later {
				continue
			}
			e, err := r.enquiryFromRow(row)
			if err != nil {
				return nil, err
			}
			answers[row.BorrowerID] = e.Answer
		}
	}
	return answers, nil
}
