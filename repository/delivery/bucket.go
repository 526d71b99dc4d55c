package delivery

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"fumin/domain/origination"
)

// bucket is a bucket of an S3-compatible store (对象存储).
type bucket struct {
	client       *minio.Client
	name, prefix string
}

// metadataSHA256 is the object's own note of what it holds, which every S3-compatible store keeps.
const metadataSHA256 = "Sha256"

const prefixMax = 200

// newBucket checks the settings. It opens no connection: a store that is away when the service starts keeps nobody from work.
func newBucket(s settings) (destination, error) {
	var problems []error
	address, err := parseAddress(s.Endpoint)
	if err != nil || address.Path != "" && address.Path != "/" || address.RawQuery != "" {
		problems = append(problems, errors.New("endpoint: https://host[:port], or http:// with a loopback address, without a path"))
	}
	if err := s3utils.CheckValidBucketName(s.Bucket); err != nil {
		problems = append(problems, fmt.Errorf("bucket: %w", err))
	}
	if strings.HasPrefix(s.Prefix, "/") || strings.Contains(s.Prefix, "..") || len(s.Prefix) > prefixMax {
		problems = append(problems, fmt.Errorf("prefix: without a leading / and without .., at most %d bytes", prefixMax))
	}
	if s.AccessKey == "" || s.SecretKey == "" {
		problems = append(problems, errors.New("access_key and secret_key are required"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	lookup := minio.BucketLookupDNS
	if s.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(address.Host, &minio.Options{
		Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Secure: address.Scheme == "https", Transport: newTransport(),
		Region: cmp.Or(s.Region, "us-east-1"), BucketLookup: lookup, // so that nothing has to be asked beforehand
		TrailingHeaders: true, // the client's condition for sending a checksum of ours
		MaxRetries:      1,    // the deliveries have their own
	})
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	return bucket{client: client, name: s.Bucket, prefix: s.Prefix}, nil
}

// deliver streams the file in one request with its SHA-256, which a store that knows the header checks. An object that is
// there is never replaced: with the same SHA-256 it was delivered before.
func (b bucket) deliver(ctx context.Context, p origination.ReportParcel) (string, error) {
	key := b.prefix + p.FileName()
	location := "s3://" + b.name + "/" + key
	there, err := b.holds(ctx, key, p.Result)
	if there || err != nil {
		return location, err
	}
	options := minio.PutObjectOptions{
		ContentType: p.Result.MediaType, DisableMultipart: true, AutoChecksum: minio.ChecksumSHA256,
		UserMetadata: map[string]string{
			metadataSHA256:          hex.EncodeToString(p.Result.SHA256[:]),
			"Delivery-Id":           p.ID.String(),
			"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(p.Result.SHA256[:]),
		},
	}
	options.SetMatchETagExcept("*")
	_, err = b.client.PutObject(ctx, b.name, key, p.Content(ctx), p.Result.Bytes, options)
	if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed { // somebody wrote it meanwhile
		there, err := b.holds(ctx, key, p.Result)
		if err == nil && !there {
			err = failed(nil, "对象存储中的同名文件刚被删除，稍后自动重试")
		}
		return location, err
	}
	if err != nil {
		return "", s3Failure(err)
	}
	return location, nil
}

// holds reports whether the object is there with these very bytes; with others it refuses.
func (b bucket) holds(ctx context.Context, key string, want origination.JobResult) (bool, error) {
	info, err := b.client.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	if err != nil {
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
			return false, nil
		}
		return false, s3Failure(err)
	}
	if info.Size == want.Bytes && info.UserMetadata[metadataSHA256] == hex.EncodeToString(want.SHA256[:]) {
		return true, nil
	}
	return false, refused("对象存储中已有同名但内容不同的文件 %s，不会覆盖；请核对并移走后重新投递", key)
}

// s3Failure names what the store answered; its own words are for the log.
func s3Failure(err error) error {
	answer := minio.ToErrorResponse(err)
	switch answer.StatusCode {
	case 0:
		return failed(err, "连接不上对象存储，稍后自动重试；持续失败时请系统管理员检查网络和地址")
	case http.StatusForbidden, http.StatusUnauthorized:
		return failed(err, "对象存储拒绝写入（%d），请系统管理员检查密钥和存储桶权限", answer.StatusCode)
	}
	return failed(err, "对象存储返回 %d，稍后自动重试", answer.StatusCode)
}
