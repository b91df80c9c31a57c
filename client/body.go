package client

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

const (
	longestCode = 64       // of a bank's error code
	mostPeeked  = 64 << 10 // of an answer that is looked into, or thrown away
)

// closeBody does what a RoundTripper owes a request that it does not send.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// bodyAgain is the body of a request that was sent already.
func bodyAgain(r *http.Request) (io.ReadCloser, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Body, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	body, err := r.GetBody()
	return body, err == nil
}

// peek reads the start of an answer and puts it back.
func peek(res *http.Response) []byte {
	start, _ := io.ReadAll(io.LimitReader(res.Body, mostPeeked)) // what breaks off here does so for the next reader too
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), res.Body), res.Body}
	return start
}

// discard ends an answer so that its connection can serve again, where that is
// cheaper than a new one.
func discard(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, 2*mostPeeked)
	_ = res.Body.Close()
}

// codeIn finds an error code in the forms that banks use.
func codeIn(body []byte) string {
	var answer struct {
		Code     any `json:"code"`
		Error    any `json:"error"`
		Messages []struct {
			Code string `json:"code"`
		} `json:"tppMessages"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	if code, ok := answer.Code.(string); ok {
		return code
	}
	if len(answer.Messages) > 0 {
		return answer.Messages[0].Code
	}
	code, _ := answer.Error.(string)
	return code
}
