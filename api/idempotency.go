package api

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
)

// headerIdempotencyKey names a request that creates or pays, so that asking twice does it once.
const headerIdempotencyKey = "Idempotency-Key"

const idempotencyKeyBytesMax = 64

// readIdempotency reads the key of a request that must have one, and fingerprints the request: its method, its path, the
// borrower it acts for and the bytes of its body. The same key with another fingerprint is another request, and the use
// case refuses it.
func readIdempotency(c *gin.Context) (origination.Idempotency, error) {
	values := c.Request.Header.Values(headerIdempotencyKey)
	if len(values) == 0 || values[0] == "" {
		return origination.Idempotency{}, domain.Errorf(domain.KindInvalid, "idempotency-key-required",
			"这项操作须带 Idempotency-Key 请求头；重试时用同一个值，就不会重复办理")
	}
	if len(values) > 1 || !validIdempotencyKey(values[0]) {
		return origination.Idempotency{}, domain.Errorf(domain.KindInvalid, "invalid-idempotency-key",
			"Idempotency-Key 应为 1 至 %d 个可见 ASCII 字符，不含空格，只能有一个", idempotencyKeyBytesMax)
	}
	body, err := readBody(c)
	if err != nil {
		return origination.Idempotency{}, err
	}
	borrowerID := actor(c).BorrowerID.String()

	return origination.Idempotency{
		Key: values[0], Fingerprint: fingerprint(c.Request.Method, c.Request.URL.Path, borrowerID, string(body)),
	}, nil
}

// fingerprint is the SHA-256 of a list of texts. The length of each goes first, so that no two lists run together to the
// same bytes.
func fingerprint(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		hash.Write([]byte(part))
	}
	return hex.EncodeToString(hash.Sum(nil))
}

func validIdempotencyKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return len(key) > 0 && len(key) <= idempotencyKeyBytesMax
}
