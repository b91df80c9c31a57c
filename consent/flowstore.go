package consent

import (
	"context"
	"time"
)

// FlowStore keeps what a browser needs on its way: links and authorizations.
// Keys are hashes of secrets, boxes are sealed, and both are gone after
// until at the latest.
type FlowStore interface {
	PutLink(ctx context.Context, key string, box []byte, until time.Time) error

	// Link reads a link without using it, or returns [ErrLinkGone].
	Link(ctx context.Context, key string) ([]byte, error)

	// UseLink binds a link to the first browser that uses it. Another
	// browser gets [ErrLinkUsed].
	UseLink(ctx context.Context, key, browser string) ([]byte, error)

	PutFlow(ctx context.Context, key string, box []byte, until time.Time) error

	// Flow reads an authorization, or returns [ErrFlowGone].
	Flow(ctx context.Context, key string) (FlowRecord, error)

	// TakeFlow takes an authorization for one taker, who may repeat the
	// call, or returns [ErrFlowTaken].
	TakeFlow(ctx context.Context, key, taker string) error

	// PutResult keeps what came of a taken authorization until until.
	PutResult(ctx context.Context, key string, box []byte, until time.Time) error
}

// FlowRecord is an authorization at rest.
type FlowRecord struct {
	Box    []byte
	Taken  bool
	Result []byte // sealed; nil before there is one
}
