package delivery_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/delivery"
)

const (
	secretKey  = "s3-secret-that-nobody-may-see"
	testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" // the standard's own example
)

var testNow = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)

func now() time.Time { return testNow }

func parcel(content []byte) origination.ReportParcel {
	return origination.ReportParcel{
		ID: "0191a2b3-0000-7000-8000-000000000001", ScheduleID: "0191a2b3-0000-7000-8000-00000000abcd", JobID: "0191a2b3-0000-7000-8000-000000000003",
		Report: "disbursement-ledger", Title: "放款台账", Format: "csv", AsOf: domain.MustParseDate("2026-11-22"), Rows: 2,
		Result: origination.JobResult{
			FileName: "放款台账-2026-11-22.csv", MediaType: "text/csv; charset=utf-8", Bytes: int64(len(content)), SHA256: sha256.Sum256(content),
		},
		Content: func(context.Context) io.Reader { return bytes.NewReader(content) },
	}
}

const fileName = "disbursement-ledger_2026-11-22_00000000abcd.csv"

// configured parses one destination called "there".
func configured(t *testing.T, settings map[string]any) *delivery.Destinations {
	t.Helper()
	settings["name"] = "there"
	content, err := json.Marshal(map[string]any{"destinations": []any{settings}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := delivery.Parse(content, now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// kindOf tells a refusal for good from a failure that is tried again.
func kindOf(err error) domain.Kind {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return domain.KindInternal
	}
	return e.Kind
}

func TestAFolderGetsTheFileWholeAndOnce(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := configured(t, map[string]any{"kind": "folder", "path": path})
	content := bytes.Repeat([]byte("机构号,金额\n"), 100_000)
	p := parcel(content)
	left := filepath.Join(path, ".fumin-"+p.ID.String()+"-123"+".part") // of a node that was killed
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		location, err := d.Deliver(t.Context(), "there", p)
		if err != nil || location != filepath.Join(path, fileName) {
			t.Fatalf("Deliver = %q, %v", location, err)
		}
	}
	got, err := os.ReadFile(filepath.Join(path, fileName))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes (%v), want %d", len(got), err, len(content))
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the file alone", entries, err)
	}
}

func TestAFolderNeverReplacesAnotherContent(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := configured(t, map[string]any{"kind": "folder", "path": path})
	if err := os.WriteFile(filepath.Join(path, fileName), []byte("别人的"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := d.Deliver(t.Context(), "there", parcel([]byte("我们的")))
	if kindOf(err) != domain.KindRule || !strings.Contains(err.Error(), fileName) {
		t.Errorf("Deliver = %v, want a refusal that names the file", err)
	}
	if got, _ := os.ReadFile(filepath.Join(path, fileName)); string(got) != "别人的" {
		t.Errorf("the file is now %q", got)
	}
}

func TestAFolderKeepsNothingOfAFileThatBreaksOff(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := configured(t, map[string]any{"kind": "folder", "path": path})
	p := parcel([]byte("whole"))
	p.Content = func(context.Context) io.Reader {
		return io.MultiReader(strings.NewReader("who"), &failing{errors.New("the database went away")})
	}
	if _, err := d.Deliver(t.Context(), "there", p); kindOf(err) != domain.KindUnavailable {
		t.Errorf("Deliver = %v, want a failure that is tried again", err)
	}
	if entries, err := os.ReadDir(path); err != nil || len(entries) != 0 {
		t.Errorf("the folder holds %v (%v), want nothing", entries, err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestTwentyAtOnceIntoAFolderLeaveOneFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := configured(t, map[string]any{"kind": "folder", "path": path})
	var delivered atomic.Int64
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			p := parcel(fmt.Appendf(nil, "content %d", i))
			p.ID = domain.ID(fmt.Sprintf("0191a2b3-0000-7000-8000-%012d", i))
			_, err := d.Deliver(context.Background(), "there", p)
			switch kindOf(err) {
			case domain.KindRule:
			default:
				if err != nil {
					t.Errorf("Deliver = %v", err)
				}
				delivered.Add(1)
			}
		})
	}
	group.Wait()
	if entries, err := os.ReadDir(path); delivered.Load() != 1 || err != nil || len(entries) != 1 {
		t.Errorf("%d delivered, the folder holds %v (%v), want one", delivered.Load(), entries, err)
	}
}

// store is a small S3-compatible server: it keeps what is put and looks at how it was signed.
type store struct {
	mu      sync.Mutex
	objects map[string][]byte
	headers map[string]http.Header
	puts    int
	fail    int // how many puts are answered with 503
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ",") != authorizationOf(r) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodHead:
		content, there := s.objects[r.URL.Path]
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		w.Header().Set("Last-Modified", testNow.Format(http.TimeFormat))
		w.Header().Set("X-Amz-Meta-Sha256", s.headers[r.URL.Path].Get("X-Amz-Meta-Sha256"))
	case http.MethodPut:
		if s.fail > 0 {
			s.fail--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		content, err := s.body(r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if _, there := s.objects[r.URL.Path]; there && r.Header.Get("If-None-Match") == "*" {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		s.puts++
		s.objects[r.URL.Path], s.headers[r.URL.Path] = content, r.Header.Clone()
		w.Header().Set("ETag", `"x"`)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// authorizationOf is what the header of a request must be, by Signature Version 4: the method, the path, the headers that it says are
// signed and the hash of the content, under the secret key; the parts with a comma between them and no space.
func authorizationOf(r *http.Request) string {
	_, names, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	canonical := r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n"
	for name := range strings.SplitSeq(names, ";") {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		canonical += name + ":" + strings.TrimSpace(value) + "\n"
	}
	canonical += "\n" + names + "\n" + r.Header.Get("X-Amz-Content-Sha256")

	at := r.Header.Get("X-Amz-Date")
	day := at[:min(len(at), len("20261123"))]
	hash := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + secretKey)
	for _, part := range []string{day, "eu-test", "s3", "aws4_request", "AWS4-HMAC-SHA256\n" + at + "\n" + day + "/eu-test/s3/aws4_request\n" + hex.EncodeToString(hash[:])} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return "AWS4-HMAC-SHA256 Credential=AK/" + day + "/eu-test/s3/aws4_request,SignedHeaders=" + names + ",Signature=" + hex.EncodeToString(key)
}

// body reads a body, whole or in the chunks of a streaming signature, and holds it against its checksum.
func (s *store) body(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	content := raw
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		content = nil
		for len(raw) > 0 {
			head, rest, found := bytes.Cut(raw, []byte("\r\n"))
			size := 0
			if _, err := fmt.Sscanf(string(head), "%x;chunk-signature=", &size); err != nil || !found || size+2 > len(rest) {
				return nil, fmt.Errorf("chunk %q", head)
			}
			content, raw = append(content, rest[:size]...), rest[size+2:]
			if size == 0 {
				break
			}
		}
	}
	sum := sha256.Sum256(content)
	if r.Header.Get("X-Amz-Checksum-Sha256") != base64.StdEncoding.EncodeToString(sum[:]) {
		return nil, errors.New("checksum")
	}
	return content, nil
}

func newStore(t *testing.T) (*store, *delivery.Destinations) {
	t.Helper()
	return newStoreFor(t, secretKey)
}

// newStoreFor is newStore with a destination that has been given a secret, right or wrong.
func newStoreFor(t *testing.T, secret string) (*store, *delivery.Destinations) {
	t.Helper()
	s := &store{objects: map[string][]byte{}, headers: map[string]http.Header{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, configured(t, map[string]any{
		"kind": "s3", "endpoint": server.URL, "region": "eu-test", "bucket": "reports", "prefix": "fumin/", "access_key": "AK", "secret_key": secret, "path_style": true,
	})
}

func TestABucketRefusesWhatIsSignedWithAnotherSecret(t *testing.T) {
	t.Parallel()
	s, d := newStoreFor(t, "not the secret")
	_, err := d.Deliver(t.Context(), "there", parcel([]byte("x")))
	if kindOf(err) != domain.KindUnavailable || !strings.Contains(err.Error(), "403") || s.puts != 0 {
		t.Errorf("Deliver = %v after %d puts, want a failure that names 403", err, s.puts)
	}
}

func TestABucketGetsTheFileSignedWithItsSHA256AndOnce(t *testing.T) {
	t.Parallel()
	s, d := newStore(t)
	content := bytes.Repeat([]byte("机构号,金额\n"), 50_000)
	for range 2 {
		location, err := d.Deliver(t.Context(), "there", parcel(content))
		if err != nil || location != "s3://reports/fumin/"+fileName {
			t.Fatalf("Deliver = %q, %v", location, err)
		}
	}
	path := "/reports/fumin/" + fileName
	if !bytes.Equal(s.objects[path], content) || s.puts != 1 {
		t.Errorf("%d bytes after %d puts, want %d after one", len(s.objects[path]), s.puts, len(content))
	}
	sum := sha256.Sum256(content)
	h := s.headers[path]
	if h.Get("X-Amz-Meta-Sha256") != hex.EncodeToString(sum[:]) || h.Get("Content-Type") != "text/csv; charset=utf-8" ||
		h.Get("X-Amz-Meta-Delivery-Id") != parcel(nil).ID.String() || h.Get("If-None-Match") != "*" {
		t.Errorf("headers of the put: %v", h)
	}
}

func TestABucketNeverReplacesAnotherContent(t *testing.T) {
	t.Parallel()
	s, d := newStore(t)
	if _, err := d.Deliver(t.Context(), "there", parcel([]byte("先来的"))); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Deliver(t.Context(), "there", parcel([]byte("后来的"))); kindOf(err) != domain.KindRule {
		t.Errorf("Deliver = %v, want a refusal", err)
	}
	if got := s.objects["/reports/fumin/"+fileName]; string(got) != "先来的" {
		t.Errorf("the object is now %q", got)
	}
}

func TestABucketThatIsAwayIsTriedAgainAndTheReasonHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s, d := newStore(t)
	s.fail = 1
	_, err := d.Deliver(t.Context(), "there", parcel([]byte("x")))
	if kindOf(err) != domain.KindUnavailable || strings.Contains(err.Error(), secretKey) {
		t.Errorf("Deliver = %v, want a failure that is tried again", err)
	}
	if _, err := d.Deliver(t.Context(), "there", parcel([]byte("x"))); err != nil {
		t.Errorf("the second attempt: %v", err)
	}
}

func TestAWebhookIsSignedByTheStandardAndKeepsItsId(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(testSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	var body []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "."))
		mac.Write(body)
		if r.Header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || r.Header.Get("Webhook-Timestamp") != "1795397400" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if ids = append(ids, r.Header.Get("Webhook-Id")); len(ids) < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	d := configured(t, map[string]any{"kind": "webhook", "url": receiver.URL + "/reports", "secret": testSecret})
	p := parcel([]byte("two rows"))
	for i, want := range []domain.Kind{domain.KindUnavailable, domain.KindUnavailable} {
		if _, err := d.Deliver(t.Context(), "there", p); kindOf(err) != want || !strings.Contains(err.Error(), "500") {
			t.Errorf("attempt %d: %v, want a failure that names 500", i+1, err)
		}
	}
	if location, err := d.Deliver(t.Context(), "there", p); err != nil || location != "HTTP 200" {
		t.Errorf("the third attempt: %q, %v", location, err)
	}
	for _, id := range ids {
		if id != p.ID.String() {
			t.Errorf("webhook-id %q, want the delivery's on every attempt", id)
		}
	}
	var got struct {
		Type string `json:"type"`
		Data struct {
			AsOf     string `json:"as_of"`
			Rows     int    `json:"rows"`
			Bytes    int    `json:"bytes"`
			SHA256   string `json:"sha256"`
			Download string `json:"download_path"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "report.delivered" || got.Data.AsOf != "2026-11-22" || got.Data.Rows != 2 || got.Data.Bytes != 8 ||
		got.Data.SHA256 != hex.EncodeToString(p.Result.SHA256[:]) || got.Data.Download != "/v1/jobs/"+p.JobID.String()+"/result" {
		t.Errorf("message: %s", body)
	}
}

func TestAWebhookFollowsNoRedirectAndReadsABoundedAnswer(t *testing.T) {
	t.Parallel()
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/endless" {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
			return
		}
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(receiver.Close)
	d := configured(t, map[string]any{"kind": "webhook", "url": receiver.URL, "secret": testSecret})
	if _, err := d.Deliver(t.Context(), "there", parcel(nil)); kindOf(err) != domain.KindUnavailable || followed.Load() != 0 {
		t.Errorf("Deliver = %v, followed %d times; want a failure and none", err, followed.Load())
	}
	d = configured(t, map[string]any{"kind": "webhook", "url": receiver.URL + "/endless", "secret": testSecret})
	if _, err := d.Deliver(t.Context(), "there", parcel(nil)); err != nil {
		t.Errorf("an endless answer of 200: %v", err)
	}
}

func TestADestinationThatIsNotConfiguredIsRefused(t *testing.T) {
	t.Parallel()
	d, err := delivery.Parse(nil, now)
	if err != nil || len(d.Destinations()) != 0 {
		t.Fatalf("without a file: %v, %v", d.Destinations(), err)
	}
	if _, err := d.Deliver(t.Context(), "gone", parcel(nil)); kindOf(err) != domain.KindRule {
		t.Errorf("Deliver = %v, want a refusal", err)
	}
}

func TestAWrongConfigurationIsNamedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, tt := range []struct{ file, want string }{
		{`{`, "not the JSON"},
		{`{"destinations":[]} x`, "follows"},
		{`{"places":[]}`, "places"},
		{`{"destinations":[{"name":"A b","kind":"folder","path":"/tmp"}]}`, "destination 1"},
		{`{"destinations":[{"name":"a","kind":"ftp"}]}`, "ftp"},
		{`{"destinations":[{"name":"a","kind":"folder","path":"reports"}]}`, "absolute"},
		{`{"destinations":[{"name":"a","kind":"folder","path":"` + folder + `/none"}]}`, "none"},
		{`{"destinations":[{"name":"a","kind":"folder","path":"` + folder + `","url":"https://x"}]}`, "settings that a folder has not"},
		{`{"destinations":[{"name":"a","kind":"folder","path":"` + folder + `"},{"name":"a","kind":"folder","path":"` + folder + `"}]}`, "twice"},
		{`{"destinations":[{"name":"a","kind":"webhook","url":"http://example.com/hook","secret":"` + testSecret + `"}]}`, "https"},
		{`{"destinations":[{"name":"a","kind":"webhook","url":"https://u:hunter2@example.com/","secret":"` + testSecret + `"}]}`, "user name"},
		{`{"destinations":[{"name":"a","kind":"webhook","url":"https://example.com/","secret":"whsec_hunter2"}]}`, "secret"},
		{`{"destinations":[{"name":"a","kind":"s3","endpoint":"https://s3.example.com","bucket":"B_","access_key":"k","secret_key":"hunter2"}]}`, "bucket"},
		{`{"destinations":[{"name":"a","kind":"s3","endpoint":"https://s3.example.com","bucket":"reports","prefix":"/x","access_key":"k","secret_key":"hunter2"}]}`, "prefix"},
		{`{"destinations":[{"name":"a","kind":"s3","endpoint":"ftp://s3","bucket":"reports","secret_key":"hunter2"}]}`, "access_key"},
	} {
		_, err := delivery.Parse([]byte(tt.file), now)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), testSecret) {
			t.Errorf("Parse(%s) = %v, want %q and no secret", tt.file, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"destinations":[{"name":"a","kind":"webhook","url":"https://example.com/","secret":"` + testSecret + `"}]}`))
	f.Add([]byte(`{"destinations":[{"name":"a","kind":"s3","endpoint":"https://s3.example.com","bucket":"reports","access_key":"k","secret_key":"s"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, content []byte) {
		if strings.Contains(string(content), "folder") {
			return // it would be looked for on this machine
		}
		d, err := delivery.Parse(content, now)
		if (d == nil) == (err == nil) {
			t.Errorf("Parse(%q) = %v, %v", content, d, err)
		}
	})
}
