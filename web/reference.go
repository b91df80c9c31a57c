package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/swaggest/swgui/v5/static"
	"go.yaml.in/yaml/v4"

	"github.com/consentd/consentd/consent"
)

// reference is the contract as it is served: for programs, and as a page.
// Swagger UI comes from the binary, so that nothing is fetched from elsewhere.
type reference struct {
	json   []byte
	origin string
	files  map[string]referenceFile
}

// referenceFile is a file of the page. Swagger UI's are kept compressed.
type referenceFile struct {
	kind, encoding string
	content        []byte
}

const swaggerUI = "swagger-ui-bundle.js"

func newReference(origin string) (*reference, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(openAPI, &document); err != nil {
		return nil, fmt.Errorf("web: contract: %w", err)
	}
	text, err := appendJSON(nil, &document)
	if err != nil {
		return nil, fmt.Errorf("web: contract: %w", err)
	}
	r := &reference{json: text, origin: origin, files: map[string]referenceFile{
		"reference.js": {kind: "text/javascript; charset=utf-8", content: fmt.Appendf(nil, referenceScript, text)},
	}}
	for name, kind := range map[string]string{swaggerUI: "text/javascript; charset=utf-8", "swagger-ui.css": "text/css; charset=utf-8"} {
		content, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			return nil, fmt.Errorf("web: reference: %w", err)
		}
		r.files[name] = referenceFile{kind: kind, encoding: "gzip", content: content}
	}
	return r, nil
}

// appendJSON writes YAML as JSON with its members in their order, which is
// that of the page.
func appendJSON(b []byte, n *yaml.Node) ([]byte, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return appendJSON(b, n.Content[0])
	case yaml.MappingNode, yaml.SequenceNode:
		return appendContent(b, n)
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, err
	}
	text, err := json.Marshal(value)
	return append(b, text...), err
}

func appendContent(b []byte, n *yaml.Node) ([]byte, error) {
	ends, isMap := "[]", n.Kind == yaml.MappingNode
	if isMap {
		ends = "{}"
	}
	b = append(b, ends[0])
	for i, child := range n.Content {
		var err error
		switch {
		case i == 0:
		case isMap && i%2 == 1:
			b = append(b, ':')
		default:
			b = append(b, ',')
		}
		if isMap && i%2 == 0 {
			b = appendText(b, child.Value)
		} else if b, err = appendJSON(b, child); err != nil {
			return nil, err
		}
	}
	return append(b, ends[1]), nil
}

// referenceScript has the contract in it: the page fetches nothing.
const referenceScript = `SwaggerUIBundle({dom_id: "#reference", deepLinking: true, supportedSubmitMethods: [], spec: %s});
`

const referencePage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>consentd: API reference</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main>
<noscript><p>This page needs JavaScript. The same is in <a href="/openapi.yaml">openapi.yaml</a>.</p></noscript>
<div id="reference"></div>
</main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/reference.js"></script>
</body>
</html>
`

func (s *server) routeReference(e *echo.Echo) {
	if s.reference == nil {
		return
	}
	r := s.reference
	for path, h := range map[string]handler{
		"/docs": r.page, "/docs/:name": r.file, "/openapi.yaml": contractIn("application/yaml", openAPI), "/openapi.json": contractIn("application/json", r.json),
	} {
		e.GET(path, on(h))
		e.HEAD(path, on(h))
	}
}

func contractIn(kind string, text []byte) handler {
	return func(c *call) error {
		c.Response().Header().Set("Cache-Control", "no-cache")
		return c.Blob(http.StatusOK, kind, text)
	}
}

// page shuts Swagger UI off: its scripts share our address with the customers'
// pages, but not their origin, and may speak to nobody. It writes styles into
// its elements.
func (r *reference) page(c *call) error {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src "+r.origin+"; style-src "+r.origin+" 'unsafe-inline'; img-src data:; "+
		"form-action 'none'; sandbox allow-scripts"+policyEnd)
	h.Del("Cross-Origin-Opener-Policy") // which browsers refuse together with a sandbox
	h.Set("Cache-Control", "no-cache")
	return c.HTML(http.StatusOK, referencePage)
}

func (r *reference) file(c *call) error {
	f, ok := r.files[c.Param("name")]
	if !ok {
		return consent.ErrNotFound
	}
	h := c.Response().Header()
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the page has an origin of its own
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	if f.encoding == "" {
		return c.Blob(http.StatusOK, f.kind, f.content)
	}
	if strings.Contains(c.Request().Header.Get("Accept-Encoding"), f.encoding) {
		h.Set("Content-Encoding", f.encoding)
		return c.Blob(http.StatusOK, f.kind, f.content)
	}
	plain, err := gzip.NewReader(bytes.NewReader(f.content))
	if err != nil {
		return fmt.Errorf("web: reference: %w", err)
	}
	content, err := io.ReadAll(plain)
	if err != nil {
		return fmt.Errorf("web: reference: %w", err)
	}
	return c.Blob(http.StatusOK, f.kind, content)
}
