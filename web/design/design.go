// Package design is how consentd's pages look: the one stylesheet and the
// icon, for customers' pages and the staff console alike. It knows no page
// and serves nothing.
package design

import (
	"crypto/sha256"
	_ "embed" // for the files
	"encoding/hex"
)

//go:embed style.css
var style []byte

//go:embed icon.svg
var icon []byte

// File is a static file. Its address carries its version, so that browsers
// may keep it.
type File struct {
	Content []byte
	Type    string // Content-Type
	Version string
}

// Files are the files by their name.
func Files() map[string]File {
	return map[string]File{
		"style.css": newFile(style, "text/css; charset=utf-8"),
		"icon.svg":  newFile(icon, "image/svg+xml"),
	}
}

func newFile(content []byte, kind string) File {
	return File{Content: content, Type: kind, Version: Version(content)}
}

// Version names a content: twelve hex digits, other ones for another content.
func Version(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

// Address is where a page finds a file that is served below /static/.
func Address(files map[string]File, name string) string {
	return "/static/" + name + "?v=" + files[name].Version
}
