package repository_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/origination"
)

func (l *ledger) newJob() origination.Job {
	return origination.Job{
		ID: l.newID(), Kind: "test", Title: "测试", Status: origination.JobQueued, Slot: 1, Payload: []byte(`{"a":1}`),
		Requester: domain.Actor{ID: l.newID(), Name: "经办", Role: domain.RoleRiskManager, BranchID: ledgerCounty},
		DueAt:     ledgerStart, CreatedAt: ledgerStart,
	}
}

func (l *ledger) addJob(job origination.Job) {
	l.t.Helper()
	l.update(func(tx origination.Tx) error {
		taken, err := tx.InsertJob(l.t.Context(), job)
		if taken {
			l.t.Errorf("slot %d was taken", job.Slot)
		}
		return err
	})
}

func TestAJobComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	want := l.newJob()
	l.addJob(want)
	read := func() origination.Job {
		got, err := l.store.Job(t.Context(), ledgerEverything, want.ID)
		l.must(err)
		return got
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("a new job (-stored +read):\n%s", diff)
	}
	want.Status, want.Slot, want.DueAt, want.FinishedAt = origination.JobSucceeded, 0, time.Time{}, ledgerStart.Add(time.Hour)
	want.ExpiresAt, want.Done, want.Estimate, want.CancelRequested = ledgerStart.Add(2*time.Hour), 1<<40, 1<<41, true
	want.LastError = strings.Repeat("𠮷", 300)
	want.Result = origination.JobResult{FileName: strings.Repeat("文", 100) + ".csv", MediaType: "text/csv", Bytes: 1 << 30, SHA256: origination.FileHash{1, 2, 31: 9}}
	l.update(func(tx origination.Tx) error { return tx.SaveJob(t.Context(), want) })
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("a finished job (-stored +read):\n%s", diff)
	}
	for _, scope := range []domain.Scope{{BranchID: ledgerSibling}, {BorrowerID: ledgerBorrower(ledgerCounty)}, {}} {
		_, err := l.store.Job(t.Context(), scope, want.ID)
		wantCode(t, "a job out of scope", err, domain.KindNotFound, "job-not-found")
	}
}

func TestAChunkIsSealedAndBoundToItsPlace(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	job := l.newJob()
	l.addJob(job)
	content := []byte("王吉华,371503196805030098")
	l.update(func(tx origination.Tx) error {
		if err := tx.InsertJobChunk(t.Context(), job.ID, 1, 0, content); err != nil {
			return err
		}
		return tx.InsertJobChunk(t.Context(), job.ID, 1, 1, content)
	})
	got, err := l.store.JobChunk(t.Context(), job.ID, 1, 0)
	if err != nil || string(got) != string(content) {
		t.Errorf("read: %q, %v", got, err)
	}
	var plain int
	l.must(l.rows.QueryRow("SELECT COUNT(*) FROM job_chunks WHERE content LIKE '%371503%'").Scan(&plain))
	if plain != 0 {
		t.Error("a chunk is stored in clear")
	}
	l.exec("UPDATE job_chunks SET attempt = 2 WHERE number = 1")
	if _, err := l.store.JobChunk(t.Context(), job.ID, 2, 1); err == nil {
		t.Error("a chunk that was moved to another attempt was opened")
	}
}

func TestTheDatabaseRefusesAJobThatCannotBe(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	job, other := l.newJob(), l.newJob()
	l.addJob(job)
	other.Requester.ID, other.Slot = job.Requester.ID, 2
	l.addJob(other)
	for _, c := range []refusal{
		{"ck_jobs_status", "UPDATE jobs SET status = 'lost'"},
		{"uk_jobs_live_slot", "UPDATE jobs SET live_slot = 1"},
		{"ck_jobs_live", "UPDATE jobs SET live_slot = NULL"},
		{"ck_jobs_due", "UPDATE jobs SET due_at = NULL"},
		{"ck_jobs_lease", "UPDATE jobs SET lease_owner = id"},
		{"ck_jobs_finished", "UPDATE jobs SET finished_at = NOW(6)"},
		{"fk_jobs_branch", "UPDATE jobs SET branch_id = '01900000-0000-7000-8000-000000000999'"},
		{"fk_job_chunks_job", "INSERT INTO job_chunks VALUES ('01900000-0000-7000-8000-000000000999', 1, 0, '')"},
	} {
		if _, err := l.rows.ExecContext(t.Context(), c.statement); err == nil || !strings.Contains(err.Error(), c.constraint) {
			t.Errorf("%s: %v, want a refusal by %s", c.statement, err, c.constraint)
		}
	}
}

func TestJobsAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	busy := l.newJob()
	l.addJob(busy)
	l.fillDigits()
	l.exec(`INSERT INTO jobs (id, kind, title, status, branch_id, requested_by, requested_by_name, requested_by_role, live_slot, payload, done, estimate, cancel_requested,
		due_at, lease_owner, attempts, last_error, result_media_type, result_file_name, result_bytes, created_at, finished_at, expires_at)
		SELECT CONCAT('0189a000-0000-7000-8000-', LPAD(LOWER(HEX(n)), 12, '0')), kind, title, 'succeeded', branch_id,
		IF(n % 2 = 0, requested_by, branch_id), '', requested_by_role, NULL, payload, 0, 0, 0, NULL, NULL, 1, '', '', '', 0, created_at, created_at, DATE_ADD(created_at, INTERVAL n MINUTE)
		FROM ` + numbers + ` s JOIN (SELECT * FROM jobs LIMIT 1) j`)
	l.exec("ANALYZE TABLE jobs")
	for name, c := range map[string]struct {
		readsMax int
		run      func() error
	}{
		"Jobs": {200, func() error {
			_, err := l.store.Jobs(t.Context(), busy.Requester.ID, domain.Page{Limit: 20, After: "0189a000-0000-7000-8000-000000000d00"})
			return err
		}},
		"DueJobs": {50, func() error {
			_, err := l.store.DueJobs(t.Context(), []origination.JobKind{"test", "other"}, ledgerStart.Add(time.Hour), 20)
			return err
		}},
		"ExpiredJobs": {200, func() error {
			_, err := l.store.ExpiredJobs(t.Context(), ledgerStart.AddDate(1, 0, 0), 100)
			return err
		}},
		"UsedJobSlots": {20, func() error { _, err := l.store.UsedJobSlots(t.Context(), busy.Requester.ID); return err }},
	} {
		l.wantFewReads(name, c.readsMax, c.run)
	}
}
