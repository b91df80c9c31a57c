package consent

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// longestCursor is more than any that [Query.cursor] makes.
const longestCursor = 128

// cursor is the place after which the next page begins. Callers are to take it
// as it is.
func (q Query) cursor(p Place) string {
	text := string(q.Order) + " " + strconv.FormatInt(p.Score, 10) + " " + string(p.ID)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// place reads a cursor of the same order, strictly.
func (q Query) place(cursor string) (Place, bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor[:min(len(cursor), longestCursor)])
	if err != nil {
		return Place{}, false
	}
	parts := strings.Split(string(text), " ")
	if len(parts) != 3 || Order(parts[0]) != q.Order {
		return Place{}, false
	}
	score, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return Place{}, false
	}
	id, err := ParseID(parts[2])
	p := Place{Score: score, ID: id}
	return p, err == nil && q.cursor(p) == cursor // not written another way
}
