package consent

import "context"

// Origin is where a call comes from. It goes into the timeline lines that the
// call causes.
type Origin struct {
	RequestID string // of the caller's own log
	Staff     string // id of the member of staff who acts; empty for everybody else
	Reason    string // that staff gave
}

type originKey struct{}

// WithOrigin makes everything that is done under the context say where it
// comes from.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf is what [WithOrigin] put into the context; zero for what comes by
// itself.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
