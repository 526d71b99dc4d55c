// Package delivery sends finished reports to where the operator wants them (报表投递): a folder, a bucket of an S3-compatible
// store, or a webhook.
//
// Destinations are configuration and never input: a user names one and learns its name and kind, so that nobody makes the
// service write or call somewhere of their own choosing. Whether and when something is sent is for domain/origination.
package delivery

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
)

// Limits of the configuration.
const (
	destinationsMax = 50
	fileBytesMax    = 256 << 10
)

// Destinations are the configured destinations. It is safe for concurrent use.
type Destinations struct{ byName map[string]configured }

type configured struct {
	kind origination.ReportDestinationKind
	to   destination
}

// destination is one place.
type destination interface {
	deliver(ctx context.Context, p origination.ReportParcel) (location string, err error)
}

// settings is one destination in the file: name and kind, and what its kind needs.
type settings struct {
	Name string                            `json:"name"`
	Kind origination.ReportDestinationKind `json:"kind"`

	Path string `json:"path"` // folder: an absolute path

	Endpoint  string `json:"endpoint"` // s3: https://host[:port], or http:// for a loopback address
	Region    string `json:"region"`   // s3: us-east-1 when absent
	Bucket    string `json:"bucket"`
	Prefix    string `json:"prefix"` // s3: what object names begin with, as in fumin/
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
	PathStyle bool   `json:"path_style"` // s3: https://host/bucket/… instead of https://bucket.host/…

	URL    string `json:"url"`    // webhook: as endpoint, with a path
	Secret string `json:"secret"` // webhook: whsec_ and 24 to 64 bytes in base64
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// nameMax bounds a name of a destination: it is a column of ours.
const nameMax = 40

// Parse reads the file of destinations and checks everything it says, each problem by the destination's name; no problem
// quotes a secret. Without content there are no destinations. now signs what goes to webhooks.
func Parse(content []byte, now domain.Clock) (*Destinations, error) {
	d := &Destinations{byName: map[string]configured{}}
	if len(bytes.TrimSpace(content)) == 0 {
		return d, nil
	}
	if len(content) > fileBytesMax {
		return nil, fmt.Errorf("%d bytes, at most %d", len(content), fileBytesMax)
	}
	var file struct {
		Destinations []settings `json:"destinations"`
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("not the JSON of docs/operations.md: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON")
	}
	if len(file.Destinations) > destinationsMax {
		return nil, fmt.Errorf("%d destinations, at most %d", len(file.Destinations), destinationsMax)
	}
	var problems []error
	for i, s := range file.Destinations {
		if !namePattern.MatchString(s.Name) || len(s.Name) > nameMax {
			problems = append(problems, fmt.Errorf("destination %d: the name is of lower-case letters, digits and hyphens, at most %d", i+1, nameMax))
			continue
		}
		if _, twice := d.byName[s.Name]; twice {
			problems = append(problems, fmt.Errorf("destination %s: named twice", s.Name))
			continue
		}
		to, err := s.connect(now)
		if err != nil {
			problems = append(problems, fmt.Errorf("destination %s: %w", s.Name, err))
		}
		d.byName[s.Name] = configured{kind: s.Kind, to: to}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return d, nil
}

func (s settings) connect(now domain.Clock) (destination, error) {
	others := s
	others.Name, others.Kind = "", ""
	var to destination
	var err error
	switch s.Kind {
	case origination.DestinationFolder:
		others.Path = ""
		to, err = newFolder(s.Path)
	case origination.DestinationS3:
		others.Endpoint, others.Region, others.Bucket, others.Prefix, others.AccessKey, others.SecretKey, others.PathStyle = "", "", "", "", "", "", false
		to, err = newBucket(s)
	case origination.DestinationWebhook:
		others.URL, others.Secret = "", ""
		to, err = newWebhook(s.URL, s.Secret, now)
	default:
		return nil, fmt.Errorf("the kind is folder, s3 or webhook, not %q", s.Kind)
	}
	if others != (settings{}) {
		err = errors.Join(err, fmt.Errorf("it has settings that a %s has not", s.Kind))
	}
	return to, err
}

// Destinations implements origination.ReportDestinations.
func (d *Destinations) Destinations() []origination.ReportDestination {
	list := make([]origination.ReportDestination, 0, len(d.byName))
	for name, c := range d.byName {
		list = append(list, origination.ReportDestination{Name: name, Kind: c.kind})
	}
	slices.SortFunc(list, func(a, b origination.ReportDestination) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Deliver implements origination.ReportDestinations.
func (d *Destinations) Deliver(ctx context.Context, name string, p origination.ReportParcel) (location string, err error) {
	c, known := d.byName[name]
	if !known {
		return "", refused("配置中已没有投递目的地“%s”，请系统管理员恢复配置后重新投递", name)
	}
	return c.to.deliver(ctx, p)
}

// refused says that another attempt would end the same way.
func refused(format string, args ...any) *domain.Error {
	return domain.Errorf(domain.KindRule, "report-delivery-refused", format, args...)
}

// failed says that another attempt may succeed; the cause is for the log.
func failed(cause error, format string, args ...any) *domain.Error {
	return domain.Errorf(domain.KindUnavailable, "report-delivery-failed", format, args...).Because(cause)
}

// parseAddress reads an address that reports may be sent to: HTTPS, because they hold business secrets; plain HTTP on this
// machine only.
func parseAddress(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not an address") // the parser's error quotes it, and it may hold a secret
	}
	if address.Host == "" || address.User != nil || address.Fragment != "" {
		return nil, errors.New("an address is scheme, host and path, without a user name")
	}
	ip := net.ParseIP(address.Hostname())
	loopback := address.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if address.Scheme != "https" && (address.Scheme != "http" || !loopback) {
		return nil, errors.New("an address is https://, or http:// with a loopback address")
	}
	return address, nil
}

// Time limits of a connection. The whole of a delivery has the limit of its context.
const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 30 * time.Second
)

// newTransport has no proxy: where reports go is not left to an environment variable.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   4,
		DisableCompression:    true,
		ForceAttemptHTTP2:     true,
	}
}
