package api_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
)

// theResult is a file of three chunks.
var theResult = bytes.Repeat([]byte("借款人,额度\r\n"), 40_000)

// finishedJob starts a job for somebody and does it.
func (r *register) finishedJob(by domain.Actor, file []byte) origination.Job {
	r.t.Helper()
	job, _, err := origination.NewJobs(r.store, r.now, newID, func() {}).Start(r.t.Context(), by, origination.Idempotency{Key: newID().String(), Fingerprint: "0"},
		origination.NewJob{Kind: "test-export", Title: "测试导出"})
	if err != nil {
		r.t.Fatal(err)
	}
	run := func(ctx context.Context, c *origination.JobContext) error {
		if file == nil {
			return nil
		}
		out, err := c.File(ctx, "整村授信.csv", "text/csv; charset=utf-8")
		if err != nil {
			return err
		}
		_, err = io.Copy(out, bytes.NewReader(file))
		return err
	}
	r.work(map[origination.JobKind]origination.JobRunner{"test-export": run})
	return job
}

// work does what is due.
func (r *register) work(runners map[origination.JobKind]origination.JobRunner) {
	r.t.Helper()
	worker := origination.NewJobWorker(r.store, r.now, newID(), slog.New(slog.DiscardHandler), origination.DefaultJobLimits(), runners)
	for range 10 {
		worked, err := worker.Work(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if !worked {
			return
		}
	}
	r.t.Fatal("there is always more to do")
}

func TestAJobIsSeenCancelledAndFetchedByWhoAskedForIt(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	manager := r.as(domain.RoleRiskManager, branchA)
	by := r.actor(domain.RoleRiskManager, branchA)
	job := r.finishedJob(by, theResult)
	path := "/v1/jobs/" + job.ID.String()

	var view struct {
		Status string
		Result *struct {
			Bytes  int64  `json:"bytes"`
			SHA256 string `json:"sha256"`
			Href   string `json:"href"`
		}
	}
	manager.get(path).want(http.StatusOK).into(&view)
	if view.Status != "succeeded" || view.Result == nil || view.Result.Bytes != int64(len(theResult)) || view.Result.Href != path+"/result" {
		t.Fatalf("the job: %+v", view)
	}
	var list struct{ Items []struct{ ID domain.ID } }
	manager.get("/v1/jobs").want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].ID != job.ID {
		t.Errorf("the list: %+v", list)
	}
	manager.post(path+"/cancel", "").wantProblem(http.StatusConflict, "job-ended")
	other := r.as(domain.RoleAdmin, branchA)
	for _, address := range []string{path, path + "/result"} {
		other.get(address).wantProblem(http.StatusNotFound, "job-not-found")
	}
	other.post(path+"/cancel", "").wantProblem(http.StatusNotFound, "job-not-found")
	other.get("/v1/jobs").want(http.StatusOK).into(&list)
	if len(list.Items) != 0 {
		t.Errorf("another person's list: %+v", list)
	}

	whole := manager.get(view.Result.Href).want(http.StatusOK)
	if !bytes.Equal(whole.body, theResult) || whole.header.Get("ETag") != `"`+view.Result.SHA256+`"` ||
		whole.header.Get("Content-Disposition") != "attachment; filename*=utf-8''%E6%95%B4%E6%9D%91%E6%8E%88%E4%BF%A1.csv" {
		t.Errorf("the file: %d bytes, %v", len(whole.body), whole.header)
	}
	manager.with("If-None-Match", whole.header.Get("ETag")).get(view.Result.Href).want(http.StatusNotModified)
}

func TestAPartOfAResultIsSentWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	manager := r.as(domain.RoleRiskManager, branchA)
	href := "/v1/jobs/" + r.finishedJob(r.actor(domain.RoleRiskManager, branchA), theResult).ID.String() + "/result"
	size := len(theResult)
	tag := manager.get(href).want(http.StatusOK).header.Get("ETag")
	for _, c := range []struct {
		name, ask, ifRange string
		from, to           int // of what is sent
		whole              bool
	}{
		{"the first byte", "bytes=0-0", "", 0, 1, false},
		{"the rest after a break", "bytes=262144-", tag, 262144, size, false},
		{"across two chunks", "bytes=262140-262150", "", 262140, 262151, false},
		{"across all chunks", "bytes=1-600000", "", 1, 600001, false},
		{"the last byte", "bytes=-1", "", size - 1, size, false},
		{"more than there is at the end", "bytes=-99999999", "", 0, size, false},
		{"up to beyond the end", "bytes=700000-99999999", "", 700000, size, false},
		{"of a file that has changed", "bytes=0-0", `"00"`, 0, size, true},
		{"several parts", "bytes=0-1,5-6", "", 0, size, true},
		{"another unit", "lines=0-1", "", 0, size, true},
		{"backwards", "bytes=5-4", "", 0, size, true},
		{"nonsense", "bytes=a-b", "", 0, size, true},
		{"nothing at all", "bytes=-", "", 0, size, true},
		{"a number too large for a file", "bytes=99999999999999999999-", "", 0, size, true},
	} {
		a := manager.with("Range", c.ask).with("If-Range", c.ifRange).get(href)
		status := http.StatusPartialContent
		if c.whole {
			status = http.StatusOK
		}
		a.want(status)
		if !bytes.Equal(a.body, theResult[c.from:c.to]) {
			t.Errorf("%s: %d bytes, want those from %d to %d", c.name, len(a.body), c.from, c.to)
		}
		want := "bytes " + strconv.Itoa(c.from) + "-" + strconv.Itoa(c.to-1) + "/" + strconv.Itoa(size)
		if got := a.header.Get("Content-Range"); !c.whole && got != want {
			t.Errorf("%s: Content-Range = %q, want %q", c.name, got, want)
		}
	}
	for _, beyond := range []string{"bytes=" + strconv.Itoa(size) + "-", "bytes=-0"} {
		a := manager.with("Range", beyond).get(href)
		a.wantProblem(http.StatusRequestedRangeNotSatisfiable, "range-not-satisfiable")
		if got := a.header.Get("Content-Range"); got != "bytes */"+strconv.Itoa(size) {
			t.Errorf("%s: Content-Range = %q", beyond, got)
		}
	}
}

func TestAResultThatIsEmptyAbsentOrGone(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	manager := r.as(domain.RoleRiskManager, branchA)
	by := r.actor(domain.RoleRiskManager, branchA)
	empty := manager.get("/v1/jobs/" + r.finishedJob(by, []byte{}).ID.String() + "/result").want(http.StatusOK)
	if len(empty.body) != 0 {
		t.Errorf("an empty file has %d bytes", len(empty.body))
	}
	manager.get("/v1/jobs/"+r.finishedJob(by, nil).ID.String()+"/result").wantProblem(http.StatusNotFound, "job-without-file")
	gone := r.finishedJob(by, theResult)
	r.exec("DELETE FROM job_chunks") // between the look and the read, as the tidying does
	manager.get("/v1/jobs/"+gone.ID.String()+"/result").wantProblem(http.StatusGone, "job-result-expired")
	r.exec("UPDATE jobs SET status = 'expired' WHERE id = ?", gone.ID)
	manager.get("/v1/jobs/"+gone.ID.String()+"/result").wantProblem(http.StatusGone, "job-result-expired")
	r.exec("UPDATE jobs SET status = 'failed' WHERE id = ?", gone.ID)
	manager.get("/v1/jobs/"+gone.ID.String()+"/result").wantProblem(http.StatusConflict, "job-not-finished")
}
