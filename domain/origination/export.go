package origination

import (
	"context"
	"encoding/json"
	"fmt"

	"fumin/domain"
	"fumin/domain/report"
)

// JobExport is the kind of job that writes a report's file (导出).
const JobExport JobKind = "export"

// exportPayload is what an export is asked for: terms of a search, and no personal data.
type exportPayload struct {
	Report       report.Code    `json:"report"`
	Format       report.Format  `json:"format"`
	Charset      report.Charset `json:"charset"`
	From         string         `json:"from,omitempty"`
	To           string         `json:"to,omitempty"`
	AsOf         domain.Date    `json:"as_of"`
	BranchID     domain.ID      `json:"branch_id,omitempty"`
	ProductCode  string         `json:"product_code,omitempty"`
	Columns      []string       `json:"columns,omitempty"`
	Reveal       bool           `json:"reveal,omitempty"`
	RevealReason string         `json:"reveal_reason,omitempty"`
}

// StartExport asks for a report as a file.
type StartExport struct {
	Query   report.Query
	Format  report.Format
	Charset report.Charset
}

func (e StartExport) payload() exportPayload {
	q := e.Query
	p := exportPayload{
		Report: q.Report, Format: e.Format, Charset: e.Charset, AsOf: q.AsOf, BranchID: q.BranchID, ProductCode: q.ProductCode,
		Columns: q.Columns, Reveal: q.Reveal, RevealReason: q.RevealReason,
	}
	if !q.From.IsZero() {
		p.From = q.From.String()
	}
	if !q.To.IsZero() {
		p.To = q.To.String()
	}
	return p
}

func (p exportPayload) export() (StartExport, error) {
	q := report.Query{
		Report: p.Report, AsOf: p.AsOf, BranchID: p.BranchID, ProductCode: p.ProductCode, Columns: p.Columns,
		Reveal: p.Reveal, RevealReason: p.RevealReason,
	}
	for text, day := range map[*string]*domain.Date{&p.From: &q.From, &p.To: &q.To} {
		if *text == "" {
			continue
		}
		parsed, err := domain.ParseDate(*text)
		if err != nil {
			return StartExport{}, fmt.Errorf("export: %q: %w", *text, err)
		}
		*day = parsed
	}
	return StartExport{Query: q, Format: p.Format, Charset: p.Charset}, nil
}

// Exports are the reports that are written in the background.
type Exports struct {
	reports *Reports
	jobs    *Jobs
}

// NewExports builds the use cases.
func NewExports(reports *Reports, jobs *Jobs) *Exports { return &Exports{reports: reports, jobs: jobs} }

// Start checks what is asked for, now, and leaves the writing to a job. The look at personal data is kept when the job
// begins to read it.
func (s *Exports) Start(ctx context.Context, by domain.Actor, key Idempotency, e StartExport) (Job, bool, error) {
	if err := s.reports.Check(ctx, by, e.Query); err != nil {
		return Job{}, false, err
	}
	return s.jobs.Start(ctx, by, key, e.job())
}

// job is the work of writing the file.
func (e StartExport) job() NewJob {
	definition, _ := report.ByCode(e.Query.Report)
	return NewJob{Kind: JobExport, Title: fmt.Sprintf("导出%s（截至 %s）", definition.Title, e.Query.AsOf), Payload: e.payload()}
}

// exportEstimateMax bounds the count of an estimate, which is to be quick; a larger report shows its progress without one.
const exportEstimateMax = 2_000_000

// Run is the JobRunner of JobExport: it writes the file in the requester's scope.
func (s *Exports) Run(ctx context.Context, job *JobContext) error {
	var payload exportPayload
	if err := job.Payload(&payload); err != nil {
		return err
	}
	e, err := payload.export()
	if err != nil {
		return err
	}
	prepared, err := s.reports.Prepare(ctx, job.Job.Requester, e.Query, e.Charset)
	if err != nil {
		return err
	}
	estimate, err := s.reports.Count(ctx, prepared, exportEstimateMax)
	if err != nil {
		return err
	}
	job.Progress(0, int64(estimate))
	name := FileNameOf(prepared.Head, e.Format)
	file, err := job.File(ctx, name, e.Format.MediaType(e.Charset))
	if err != nil {
		return err
	}
	_, err = s.reports.Write(ctx, prepared, e.Format, file, func(rows int64) error {
		job.Progress(rows, max(rows, int64(estimate)))
		return ctx.Err()
	})
	return err
}

// readExport refuses a file with personal data to who may no longer see it, and keeps each look that is allowed (查看留痕): the right
// may have gone since the file was written.
func (s *Jobs) readExport(ctx context.Context, by domain.Actor, job Job) error {
	var payload exportPayload
	if err := json.Unmarshal(job.Payload, &payload); err != nil {
		return fmt.Errorf("export %s: %w", job.ID, err)
	}
	if !payload.Reveal {
		return nil
	}
	if err := by.Require(reportRevealers...); err != nil {
		return err
	}
	e, err := payload.export()
	if err != nil {
		return err
	}
	reading := newReportReading(s.newID(), by, e.Query, s.now())
	return s.store.Update(ctx, func(tx Tx) error { return tx.InsertReportReading(ctx, reading) })
}

// FileNameOf is what the file of a report is called: 放款台账-2026-08-23.xlsx.
func FileNameOf(head report.Head, format report.Format) string {
	return fmt.Sprintf("%s-%s.%s", head.Definition.Title, head.Query.AsOf, format)
}
