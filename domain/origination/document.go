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

// documentStatuses are where a case may still get papers: missing ones may follow after the approval (容缺受理), and for a draw after
// the case was closed (openForMoney).
var documentStatuses = []loan.Status{
	loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusApproved, loan.StatusSigned, loan.StatusDisbursed,
	loan.StatusClosed,
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
		open, err := openForMoney(ctx, tx, rec, domain.DateOf(now))
		if err != nil {
			return err
		}
		if !open || !slices.Contains(documentStatuses, rec.Status) {
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
		if isThere(d, person, household, documents, today) {
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

// isThere reports whether a paper was recorded for the case and still counts, or is to be seen in the other registers.
func isThere(d product.Document, person borrower.Borrower, household *borrower.Household, documents []Document, today domain.Date) bool {
	recorded := slices.ContainsFunc(documents, func(got Document) bool { return got.Type == d.Type && got.liveOn(today) })
	return recorded || inRegisters(d.Type, person, household, today)
}

// checkPapers refuses a payment while a paper is missing that may follow later, but not later than this (容缺资料未补齐不得放款或再次支用).
// The proof of use follows each payment by itself: of it a payment is refused while the proof of an earlier one is overdue.
func checkPapers(ctx context.Context, r Reader, p payment) error {
	version, err := r.ProductVersion(ctx, p.Application.ProductVersionID)
	if err != nil || !slices.ContainsFunc(version.Documents, func(d product.Document) bool { return d.Blocks != "" }) {
		return err
	}
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, p.Application.BorrowerID)
	if err != nil {
		return err
	}
	earlier, err := paidBefore(ctx, r, p)
	if err != nil {
		return err
	}
	var blocking []product.Document
	for _, d := range version.DocumentsFor(productKind(person.Kind)) {
		switch {
		case d.Blocks == product.BlocksNextDraw && !earlier, d.Blocks == "":
		case d.Type == product.DocumentPurposeEvidence:
			if err := checkEvidenceInTime(ctx, r, p); err != nil {
				return err
			}
		default:
			blocking = append(blocking, d)
		}
	}
	if len(blocking) == 0 {
		return nil
	}
	household, err := householdOf(ctx, r, p.Application)
	if err != nil {
		return err
	}
	documents, err := r.Documents(ctx, domain.Scope{Everything: true}, p.Application.ID)
	if err != nil {
		return err
	}
	for _, d := range blocking {
		if !isThere(d, person, household, documents, domain.DateOf(p.At)) {
			return domain.Errorf(domain.KindRule, "papers-missing", "还缺“%s”，补齐并登记后才能%s", product.Label(d.Type), product.Label(d.Blocks))
		}
	}
	return nil
}

// paidBefore reports whether the case has another payment that is under way or was made.
func paidBefore(ctx context.Context, r Reader, p payment) (bool, error) {
	payments, err := r.DisbursementsOfCase(ctx, p.Application.ID)
	return slices.ContainsFunc(payments, func(d loan.DisbursementRecord) bool {
		return d.ID != p.Disbursement.ID && d.Live().Sign() > 0
	}), err
}

func checkEvidenceInTime(ctx context.Context, r Reader, p payment) error {
	overdue, found, err := r.OverdueObligation(ctx, p.Application.ID, domain.DateOf(p.At))
	if err != nil || !found {
		return err
	}
	return domain.Errorf(domain.KindRule, "papers-missing", "前次放款的用途凭证应于 %s 前补交，已经逾期，补交并登记后才能%s",
		overdue.DueOn, product.Label(product.BlocksNextDraw))
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
