package origination

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/loan"
)

// GuaranteeAnswerRowsMax bounds a file of answers, and an export of open requests.
const GuaranteeAnswerRowsMax = 2000

// guaranteeRequestsLookedAtMax bounds how many open requests of a company are looked through for those in somebody's reach.
const guaranteeRequestsLookedAtMax = 20_000

// guaranteeRowDetailMax bounds what is kept of why a row was refused, in characters.
const guaranteeRowDetailMax = 500

// GuaranteeRowOutcome is what became of one row of a file of answers.
type GuaranteeRowOutcome string

// The outcomes.
const (
	GuaranteeRowRecorded GuaranteeRowOutcome = "recorded"      // 已登记
	GuaranteeRowKnown    GuaranteeRowOutcome = "already_known" // 已有同样的答复
	GuaranteeRowSkipped  GuaranteeRowOutcome = "skipped"       // 未填答复
	GuaranteeRowRefused  GuaranteeRowOutcome = "refused"       // 未登记
)

// GuaranteeRowResult is what became of one row (逐行结果).
type GuaranteeRowResult struct {
	Row         int // as a table program counts, from 1
	GuaranteeID domain.ID
	Outcome     GuaranteeRowOutcome
	Code        string // of a refusal
	Detail      string // in Chinese
}

// GuaranteeAnswerFile is a file of answers as it was imported, with what became of each row (导入的答复).
type GuaranteeAnswerFile struct {
	ID             domain.ID
	CompanyID      domain.ID
	File           FileHash
	Rows           []GuaranteeRowResult
	ImportedBy     domain.ID
	ImportedByName string
	ImportedAt     time.Time
}

// Count is how many rows came to an outcome.
func (f GuaranteeAnswerFile) Count(outcome GuaranteeRowOutcome) (n int) {
	for _, r := range f.Rows {
		if r.Outcome == outcome {
			n++
		}
	}
	return n
}

// GuaranteeAnswerRow is one row of a file of answers, as far as it could be read.
type GuaranteeAnswerRow struct {
	Row         int
	GuaranteeID domain.ID
	Skipped     bool // nothing was answered in it
	Answer      loan.GuaranteeAnswer
	Wrong       error // why it cannot be an answer; nil when it can
}

// ImportGuaranteeAnswers asks for a company's answers to be recorded. CompanyID is zero for the company's own officer.
type ImportGuaranteeAnswers struct {
	CompanyID domain.ID
	File      FileHash
	Rows      []GuaranteeAnswerRow
}

// OpenRequests lists what waits for a company's answer, newest first, at most GuaranteeAnswerRowsMax: for the company's own
// officer, or for the lender's risk manager, who names the company and sends the file.
func (s *Guarantees) OpenRequests(ctx context.Context, by domain.Actor, companyID domain.ID) (domain.ID, []GuaranteeCase, error) {
	companyID, err := s.companyFor(ctx, by, companyID)
	if err != nil {
		return "", nil, err
	}
	var open []GuaranteeCase
	page := domain.Page{Limit: domain.PageLimitMax}
	for looked := 0; len(open) < GuaranteeAnswerRowsMax && looked < guaranteeRequestsLookedAtMax; looked += page.Limit {
		found, err := s.store.GuaranteeCases(ctx, companyID, loan.GuaranteeRequested, page)
		if err != nil {
			return "", nil, err
		}
		for _, c := range found {
			if by.Role == domain.RoleGuaranteeOfficer {
				open = append(open, c)
				continue
			}
			_, err := s.store.Guarantee(ctx, by.Scope(), c.Guarantee.ID) // a risk manager sends what is in reach
			switch {
			case err == nil:
				open = append(open, c)
			case domain.CodeOf(err) != "guarantee-not-found":
				return "", nil, err
			}
		}
		if len(found) < page.Limit {
			break
		}
		page.After = found[len(found)-1].Guarantee.ID
	}
	return companyID, open[:min(len(open), GuaranteeAnswerRowsMax)], nil
}

// companyFor is the company whose file somebody handles: its officer's own, or the one the risk manager names.
func (s *Guarantees) companyFor(ctx context.Context, by domain.Actor, named domain.ID) (domain.ID, error) {
	if by.Role == domain.RoleGuaranteeOfficer {
		own, err := companyOf(by)
		if err == nil && !named.IsZero() && named != own {
			err = domain.Errorf(domain.KindNotFound, "guarantee-company-not-found", "没有这家农担公司")
		}
		return own, err
	}
	if err := by.Require(domain.RoleRiskManager, domain.RoleGuaranteeOfficer); err != nil {
		return "", err
	}
	if named.IsZero() {
		var p domain.Problems
		p.Add("/company_id", "required", "请指明是哪家农担公司")
		return "", p.Err()
	}
	_, err := s.store.GuaranteeCompany(ctx, named)
	return named, err
}

// ImportAnswers records a file of answers row by row (导入担保答复): each row by itself, as if it had been answered alone, and a
// bad one stops no other. The same file of a company again changes nothing: known says so. A file that was interrupted is sent
// again: what had been recorded is known then.
func (s *Guarantees) ImportAnswers(ctx context.Context, by domain.Actor, cmd ImportGuaranteeAnswers) (file GuaranteeAnswerFile, known bool, err error) {
	companyID, err := s.companyFor(ctx, by, cmd.CompanyID)
	if err != nil {
		return GuaranteeAnswerFile{}, false, err
	}
	if len(cmd.Rows) == 0 || len(cmd.Rows) > GuaranteeAnswerRowsMax {
		return GuaranteeAnswerFile{}, false, domain.Errorf(domain.KindInvalid, "guarantee-file-unreadable", "文件应有 1 至 %d 行答复", GuaranteeAnswerRowsMax)
	}
	prior, found, err := s.store.GuaranteeAnswerFile(ctx, companyID, cmd.File)
	if err != nil || found {
		return prior, found, err
	}
	file = GuaranteeAnswerFile{
		ID: s.newID(), CompanyID: companyID, File: cmd.File, ImportedBy: by.ID, ImportedByName: by.Name, ImportedAt: s.now(),
		Rows: make([]GuaranteeRowResult, len(cmd.Rows)),
	}
	for i, row := range cmd.Rows {
		if file.Rows[i], err = s.importRow(ctx, by, companyID, row); err != nil {
			return GuaranteeAnswerFile{}, false, err
		}
	}
	err = s.store.Update(ctx, func(tx Tx) error { return tx.InsertGuaranteeAnswerFile(ctx, file) })
	return file, false, err
}

// importRow records one row. Its error is that of a failure, not of the row.
func (s *Guarantees) importRow(ctx context.Context, by domain.Actor, companyID domain.ID, row GuaranteeAnswerRow) (GuaranteeRowResult, error) {
	result := GuaranteeRowResult{Row: row.Row, GuaranteeID: row.GuaranteeID}
	if row.Skipped {
		result.Outcome = GuaranteeRowSkipped
		return result, nil
	}
	known, err := false, row.Wrong
	if err == nil {
		known, err = s.answerOf(ctx, by, companyID, row)
	}
	refused, isRefusal := errors.AsType[*domain.Error](err)
	switch {
	case err == nil && known:
		result.Outcome = GuaranteeRowKnown
	case err == nil:
		result.Outcome = GuaranteeRowRecorded
	case isRefusal && refused.Kind != domain.KindUnavailable:
		result.Outcome, result.Code, result.Detail = GuaranteeRowRefused, refused.Code, rowDetail(refused)
	default:
		return result, err
	}
	return result, nil
}

func (s *Guarantees) answerOf(ctx context.Context, by domain.Actor, companyID domain.ID, row GuaranteeAnswerRow) (known bool, err error) {
	asked, err := s.store.Guarantee(ctx, by.Scope(), row.GuaranteeID)
	if err != nil {
		return false, err
	}
	if asked.CompanyID != companyID {
		return false, domain.Errorf(domain.KindNotFound, "guarantee-not-found", "没有这笔担保申请，或不在您的范围内")
	}
	_, known, err = s.Answer(ctx, by, row.GuaranteeID, row.Answer)
	return known, err
}

// rowDetail says all that is wrong with a row in one line.
func rowDetail(refused *domain.Error) string {
	said := []string{refused.Detail}
	if len(refused.Fields) > 0 {
		said = said[:0]
	}
	for _, f := range refused.Fields {
		said = append(said, f.Detail)
	}
	detail := strings.Join(said, "；")
	if utf8.RuneCountInString(detail) > guaranteeRowDetailMax {
		detail = string([]rune(detail)[:guaranteeRowDetailMax-1]) + "…"
	}
	return detail
}
