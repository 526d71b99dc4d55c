package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5/static"

	"fumin/domain"
)

//go:embed openapi.yaml
var contract []byte

// docsPage and docsScript are ours, without a script or a style in the page itself, so that the page can forbid
// every other origin and every inline script.
const (
	docsPage = `<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>富民 Fumin · 接口文档</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="contract"></div>
<noscript>本页需要 JavaScript；接口契约原文见 <a href="/openapi.yaml">/openapi.yaml</a>。</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`
	// validatorUrl is null: by default the page shows the contract to a validator on the internet.
	docsScript = `SwaggerUIBundle({
  url: "/openapi.yaml",
  dom_id: "#contract",
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
`
	// The page may load from, and talk to, this service only. Swagger UI sets style attributes and draws data: images.
	docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

func (s *server) docsRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/", access: accessPublic, handler: redirect("/docs")},
		{method: http.MethodGet, path: "/docs", access: accessPublic, handler: s.showAsset("docs")},
		{method: http.MethodGet, path: "/docs/:file", access: accessPublic, handler: s.docsFile},
		{method: http.MethodGet, path: "/openapi.yaml", access: accessPublic, handler: s.showAsset("openapi.yaml")},
	}
}

// asset is one file inside the binary.
type asset struct {
	contentType string
	tag         string // entity tag, in quotes
	plain       []byte
	gzipped     []byte // nil where it is not worth it
}

// docsAssets reads the files out of the binary, once. They are compiled in: one that is missing is a mistake in the program.
var docsAssets = sync.OnceValue(func() map[string]asset {
	assets := map[string]asset{
		"docs":         newAsset("text/html; charset=utf-8", []byte(docsPage), nil),
		"openapi.yaml": newAsset("application/yaml", contract, nil),
		"start.js":     newAsset("text/javascript; charset=utf-8", []byte(docsScript), nil),
	}
	for name, contentType := range map[string]string{
		"swagger-ui-bundle.js": "text/javascript; charset=utf-8",
		"swagger-ui.css":       "text/css; charset=utf-8",
	} {
		gzipped := mustRead(static.FS.Open(name + ".gz"))
		assets[name] = newAsset(contentType, mustRead(gzip.NewReader(bytes.NewReader(gzipped))), gzipped)
	}
	assets["favicon-32x32.png"] = newAsset("image/png", mustRead(static.FS.Open("favicon-32x32.png")), nil)
	return assets
})

func newAsset(contentType string, plain, gzipped []byte) asset {
	sum := sha256.Sum256(plain)
	return asset{contentType: contentType, tag: `"` + hex.EncodeToString(sum[:8]) + `"`, plain: plain, gzipped: gzipped}
}

func mustRead[R io.Reader](r R, err error) []byte {
	if err != nil {
		panic("api: embedded file: " + err.Error())
	}
	data, err := io.ReadAll(r)
	if err != nil {
		panic("api: embedded file: " + err.Error())
	}
	return data
}

func (s *server) docsFile(c *gin.Context) error {
	return s.showAsset(c.Param("file"))(c)
}

func (s *server) showAsset(name string) func(*gin.Context) error {
	return func(c *gin.Context) error {
		a, ok := s.assets[name]
		if !ok {
			return domain.Errorf(domain.KindNotFound, "not-found", "没有这个文件")
		}
		h := c.Writer.Header()
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Cache-Control", "no-cache") // may be kept, must be asked about: a new version shows at once
		h.Set("ETag", a.tag)
		h.Set("Vary", "Accept-Encoding")
		if c.GetHeader("If-None-Match") == a.tag {
			c.Status(http.StatusNotModified)
			return nil
		}
		if a.gzipped != nil && strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			c.Data(http.StatusOK, a.contentType, a.gzipped)
			return nil
		}
		c.Data(http.StatusOK, a.contentType, a.plain)
		return nil
	}
}
