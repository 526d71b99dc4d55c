package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
)

// jobResultTimeout is how long a download may take: a large file over a village's line.
const jobResultTimeout = 30 * time.Minute

// jobRoutes are the routes of work in the background with progress (后台任务).
func (s *server) jobRoutes() []route {
	const one = "/v1/jobs/:id"
	return []route{
		{method: http.MethodGet, path: "/v1/jobs", handler: s.listJobs, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.jobs.Job, shown(viewJob))},
		{method: http.MethodPost, path: one + "/cancel", handler: byID(s.jobs.Cancel, shown(viewJob))},
		{method: http.MethodGet, path: one + "/result", handler: s.sendJobResult, timeout: jobResultTimeout},
	}
}

func (s *server) listJobs(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	if err := query.done(); err != nil {
		return err
	}
	jobs, err := s.jobs.Jobs(c.Request.Context(), actor(c), p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, jobs, viewJob, func(j origination.Job) domain.ID { return j.ID }))
}

// writeJob answers 202 to a request that has started a job, with where to look after it.
func writeJob(c *gin.Context, job origination.Job, replayed bool) error {
	setReplayed(c, replayed)
	c.Header("Location", "/v1/jobs/"+job.ID.String())
	return writeJSON(c, http.StatusAccepted, viewJob(job))
}

// sendJobResult sends the file of a job, or one part of it (RFC 9110, section 14). A request for several parts gets the whole,
// which the standard allows.
func (s *server) sendJobResult(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	job, err := s.jobs.Result(ctx, actor(c), id)
	if err != nil {
		return err
	}
	tag := `"` + hex.EncodeToString(job.Result.SHA256[:]) + `"`
	c.Header("ETag", tag)
	c.Header("Accept-Ranges", "bytes")
	if names(c.Request.Header.Get("If-None-Match"), tag) {
		c.Status(http.StatusNotModified)
		c.Writer.WriteHeaderNow()
		return nil
	}
	part, partial, err := requestedPart(c.Request.Header, tag, job.Result.Bytes)
	if err != nil {
		c.Header("Content-Range", "bytes */"+strconv.FormatInt(job.Result.Bytes, 10))
		return err
	}
	return s.sendChunks(ctx, c.Writer, job, part, func() {
		c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": job.Result.FileName}))
		c.Header("Content-Type", job.Result.MediaType)
		c.Header("Content-Length", strconv.FormatInt(part.length(), 10))
		if !partial {
			c.Writer.WriteHeader(http.StatusOK)
			return
		}
		c.Header("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.from, part.to-1, job.Result.Bytes))
		c.Writer.WriteHeader(http.StatusPartialContent)
	})
}

// sendChunks writes a part of a result, one chunk in memory at a time. The first one is read before the headers are begun, so
// that a file that has just expired is still a problem document.
func (s *server) sendChunks(ctx context.Context, w http.ResponseWriter, job origination.Job, part byteRange, begin func()) error {
	// The server's write time-out is for answers of a moment; this one may take as long as its route may.
	if deadline, limited := ctx.Deadline(); limited {
		if err := http.NewResponseController(w).SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return fmt.Errorf("job %s: %w", job.ID, err)
		}
	}
	started := false
	for at := part.from; at < part.to; {
		content, err := s.jobs.ResultChunk(ctx, job, int(at/origination.JobChunkBytes))
		if err != nil {
			return err
		}
		offset := at % origination.JobChunkBytes
		content = content[min(offset, int64(len(content))):]
		content = content[:min(int64(len(content)), part.to-at)]
		if len(content) == 0 {
			return fmt.Errorf("job %s: its file ends at %d, not at %d", job.ID, at, part.to)
		}
		if !started {
			begin()
			started = true
		}
		if _, err := w.Write(content); err != nil {
			return nil //nolint:nilerr // the client went away: nobody is left to tell
		}
		at += int64(len(content))
	}
	if !started {
		begin()
	}
	return nil
}

// byteRange is a part of a file: from the byte from up to, and without, the byte to.
type byteRange struct{ from, to int64 }

func (r byteRange) length() int64 { return r.to - r.from }

// requestedPart reads Range and If-Range. What it does not understand it ignores, as the standard says; a part that begins
// after the end is refused.
func requestedPart(h http.Header, tag string, size int64) (part byteRange, partial bool, err error) {
	whole := byteRange{0, size}
	if on := h.Get("If-Range"); on != "" && on != tag {
		return whole, false, nil
	}
	text, found := strings.CutPrefix(strings.TrimSpace(h.Get("Range")), "bytes=")
	first, last, dash := strings.Cut(text, "-")
	if !found || !dash || strings.Contains(text, ",") {
		return whole, false, nil
	}
	from, errFrom := parseByte(first)
	to, errTo := parseByte(last)
	switch {
	case first == "" && errTo == nil: // the last so many bytes
		part = byteRange{max(size-to, 0), size}
	case errFrom == nil && last == "":
		part = byteRange{from, size}
	case errFrom == nil && errTo == nil && from <= to:
		part = byteRange{from, min(to, size-1) + 1}
	default:
		return whole, false, nil
	}
	if part.from >= part.to {
		return byteRange{}, false, domain.Errorf(domain.KindInvalid, "range-not-satisfiable", "文件只有 %d 字节，请求的部分在文件之外", size)
	}
	return part, true, nil
}

// parseByte reads a position in a file: digits only, and no more than any file has.
func parseByte(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 62)
	return int64(n), err
}

// names reports whether an If-None-Match names the tag.
func names(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

type jobView struct {
	ID              domain.ID             `json:"id"`
	Kind            origination.JobKind   `json:"kind"`
	Title           string                `json:"title"`
	Status          origination.JobStatus `json:"status"`
	StatusLabel     string                `json:"status_label"`
	Done            int64                 `json:"done"`
	Estimate        *int64                `json:"estimate"`
	CancelRequested bool                  `json:"cancel_requested"`
	Attempts        int                   `json:"attempts"`
	Error           string                `json:"error"`
	Result          *jobResultView        `json:"result"`
	CreatedAt       time.Time             `json:"created_at"`
	StartedAt       *time.Time            `json:"started_at"`
	FinishedAt      *time.Time            `json:"finished_at"`
	ExpiresAt       *time.Time            `json:"expires_at"`
}

type jobResultView struct {
	FileName  string `json:"file_name"`
	MediaType string `json:"media_type"`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	Href      string `json:"href"`
}

func viewJob(j origination.Job) jobView {
	view := jobView{
		ID: j.ID, Kind: j.Kind, Title: j.Title, Status: j.Status, StatusLabel: j.Status.Label(), Done: j.Done,
		CancelRequested: j.CancelRequested, Attempts: j.Attempts, Error: j.LastError,
		CreatedAt: j.CreatedAt, StartedAt: present(j.StartedAt), FinishedAt: present(j.FinishedAt), ExpiresAt: present(j.ExpiresAt),
	}
	if j.Estimate > 0 {
		view.Estimate = &j.Estimate
	}
	if j.Status == origination.JobSucceeded && !j.Result.IsZero() {
		view.Result = &jobResultView{
			FileName: j.Result.FileName, MediaType: j.Result.MediaType, Bytes: j.Result.Bytes,
			SHA256: hex.EncodeToString(j.Result.SHA256[:]), Href: "/v1/jobs/" + j.ID.String() + "/result",
		}
	}
	return view
}
