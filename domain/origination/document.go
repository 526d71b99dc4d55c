package origination

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/product"
)

// DocumentReader reads the papers of a case (申请资料).
type DocumentReader interface {
	// Documents lists the papers of a case that scope may see, the oldest first, at most DocumentsMax.
	Documents(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]Document, error)
}

// DocumentWriter writes them.
type DocumentWriter interface {
	// InsertDocument stores a paper; it is never changed, a newer one is another row.
	InsertDocument(ctx context.Context, d Document, event loan.Event) error
}

// Bounds of the papers of a case.
const (
	DocumentsMax         = 200 // rows of one case
	DocumentReferenceMax = 100 // characters
)

// Document is a paper that came in for a case (申请资料): what the other registers cannot see. The paper itself lies in the
// lender's file store; Reference says where, SHA256 which file it was.
type Document struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Type          string // one of product.DocumentTypes
	ReceivedOn    domain.Date
	Reference     string      // 档案号; no personal data
	SHA256        string      // lower-case hexadecimal, or empty for paper
	ExpiresOn     domain.Date // the last day on which it counts; zero: no end
	RecordedBy    domain.ID
	RecordedAt    time.Time
}

// Validate names everything that is wrong with the paper.
func (d Document) Validate() error {
	var p domain.Problems
	if !slices.Contains(product.DocumentTypes(), d.Type) {
		p.Add("/type", "invalid-enum", "不认识的资料类型")
	}
	switch today := domain.DateOf(d.RecordedAt); {
	case d.ReceivedOn.IsZero():
		p.Add("/received_on", "required", "请写明收到日期")
	case d.ReceivedOn.After(today):
		p.Add("/received_on", "date-order", "收到日期不能晚于今天")
	case !d.ExpiresOn.IsZero() && d.ExpiresOn.Before(d.ReceivedOn):
		p.Add("/expires_on", "date-order", "收到时已过有效期，请收取新的资料")
	}
	if n := utf8.RuneCountInString(d.Reference); n == 0 || n > DocumentReferenceMax {
		p.Add("/reference", "required", "请填写档案号，1 至 %d 个字", DocumentReferenceMax)
	}
	if d.SHA256 != "" && (len(d.SHA256) != 64 || strings.Trim(d.SHA256, "0123456789abcdef") != "") {
		p.Add("/sha256", "invalid", "应为 64 位小写十六进制")
	}
	return p.Err()
}

// liveOn reports whether the paper counts on the day.
func (d Document) liveOn(day domain.Date) bool {
	return !d.ReceivedOn.After(day) && (d.ExpiresOn.IsZero() || !day.After(d.ExpiresOn))
}

// RecordDocument asks to note a paper.
type RecordDocument struct {
	ApplicationID domain.ID
	Type          string
	ReceivedOn    domain.Date
	Reference     string
	SHA256        string
	ExpiresOn     domain.Date
}

// documentStatuses are where a case may still get papers: missing ones may follow after the approval (容缺受理).
var documentStatuses = []loan.Status{
	loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusApproved, loan.StatusSigned, loan.StatusDisbursed,
}

// RecordDocument notes that a paper came in. replayed says that this key had noted it before.
func (s *Applications) RecordDocument(ctx context.Context, by domain.Actor, key Idempotency, cmd RecordDocument) (recorded Document, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return Document{}, false, err
	}
	now := s.now()
	d := Document{
		ID: s.newID(), ApplicationID: cmd.ApplicationID, Type: cmd.Type, ReceivedOn: cmd.ReceivedOn, Reference: cmd.Reference,
		SHA256: cmd.SHA256, ExpiresOn: cmd.ExpiresOn, RecordedBy: by.ID, RecordedAt: now,
	}
	if err := d.Validate(); err != nil {
		return Document{}, false, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, d.ID, now)
		if err != nil {
			return err
		}
		documents, err := tx.Documents(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			i := slices.IndexFunc(documents, func(d Document) bool { return d.ID == prior })
			if i < 0 {
				return domain.Errorf(domain.KindNotFound, "application-not-found", "没有这份资料，或不在您的机构范围内")
			}
			recorded, replayed = documents[i], true
			return nil
		}
		rec := app.Record()
		if !slices.Contains(documentStatuses, rec.Status) {
			return domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，不能再登记资料", rec.Status.Label())
		}
		if len(documents) >= DocumentsMax {
			return domain.Errorf(domain.KindRule, "file-full", "一笔申请最多登记 %d 份资料，请联系管理员", DocumentsMax)
		}
		d.BranchID, d.BorrowerID = rec.BranchID, rec.BorrowerID
		if err := tx.InsertDocument(ctx, d, documentEvent(by, d)); err != nil {
			return err
		}
		recorded, replayed = d, false
		return nil
	})
	return recorded, replayed, err
}

func documentEvent(by domain.Actor, d Document) loan.Event {
	return loan.Event{
		Subject: loan.SubjectDocument, SubjectID: d.ID, Version: 1, CaseID: d.ApplicationID, BranchID: d.BranchID,
		Action: loan.ActionRecord, ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: d.RecordedAt,
		Detail: []loan.Note{{Name: "type", Value: d.Type}, {Name: "reference", Value: d.Reference}},
	}
}

// Documents lists the papers of a case.
func (s *Applications) Documents(ctx context.Context, by domain.Actor, id domain.ID) ([]Document, error) {
	if _, err := s.store.Application(ctx, by.Scope(), id); err != nil {
		return nil, err
	}
	return s.store.Documents(ctx, by.Scope(), id)
}

// documentFacts say which of the papers the product asks of this kind of borrower are missing: neither recorded for the
// case, nor to be seen in the other registers.
func documentFacts(f *decision.Facts, v product.Version, person borrower.Borrower, household *borrower.Household, documents []Document, today domain.Date) {
	key, other := []string{}, []string{}
	for _, d := range v.DocumentsFor(productKind(person.Kind)) { // at most product.ListLengthMax
		recorded := slices.ContainsFunc(documents, func(got Document) bool { return got.Type == d.Type && got.liveOn(today) })
		if recorded || inRegisters(d.Type, person, household, today) {
			continue
		}
		if d.Key {
			key = append(key, d.Type)
		} else {
			other = append(other, d.Type)
		}
	}
	f.DocumentsMissingKey, f.DocumentsMissingOther = decision.Known(key), decision.Known(other)
	f.LicencesExpired = decision.Known(expiredLicences(person, today))
}

// inRegisters reports whether the borrower's file holds what a paper says: whoever put a number or a licence on file has seen
// the paper it stands on.
func inRegisters(documentType string, person borrower.Borrower, household *borrower.Household, today domain.Date) bool {
	switch documentType {
	case product.DocumentIDCard:
		return !person.IDNumber.IsZero() || !person.Organisation.Representative.IDNumber.IsZero()
	case product.DocumentChairIDCard:
		return !person.Organisation.Representative.IDNumber.IsZero()
	case product.DocumentCreditEnquiryConsent:
		_, live := person.ConsentOn(borrower.ConsentCreditEnquiry, today)
		return live
	case product.DocumentBusinessLicence:
		_, live := person.LicenceOn(borrower.LicenceBusiness, today)
		return live
	case product.DocumentTradePermit:
		return slices.ContainsFunc(person.Licences, func(l borrower.Licence) bool {
			return l.Kind != borrower.LicenceBusiness && l.InForceOn(today)
		})
	case product.DocumentShareRegister:
		return len(person.Organisation.Shareholders) > 0
	case product.DocumentLandContract:
		return household != nil && slices.ContainsFunc(household.Lands, func(l borrower.Land) bool {
			return l.CertificateNo != "" && l.HeldOn(today)
		})
	}
	return false
}

// expiredLicences are the kinds of licence that have run out and were not renewed.
func expiredLicences(person borrower.Borrower, today domain.Date) []string {
	kinds := []string{}
	for _, l := range person.Licences { // at most borrower.ListMax
		_, renewed := person.LicenceOn(l.Kind, today)
		if l.ExpiredOn(today) && !renewed && !slices.Contains(kinds, string(l.Kind)) {
			kinds = append(kinds, string(l.Kind))
		}
	}
	slices.Sort(kinds)
	return kinds
}
