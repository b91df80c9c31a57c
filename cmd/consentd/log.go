package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
)

// newLog makes a log. It redacts nothing itself: secrets are types that do
// not print.
func newLog(w io.Writer, form config.LogFormat, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: min(level, slog.LevelInfo)}
	if form == config.LogText {
		return slog.New(anchored{slog.NewTextHandler(w, options), level})
	}
	return slog.New(anchored{slog.NewJSONHandler(w, options), level})
}

// anchored leaves out what is below a level, but never the line that anchors
// the audit chain outside of Redis.
type anchored struct {
	slog.Handler
	level slog.Level
}

// Handle implements [slog.Handler].
func (a anchored) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < a.level && r.Message != consent.LineOnRecord {
		return nil
	}
	return a.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (a anchored) WithAttrs(attrs []slog.Attr) slog.Handler {
	return anchored{a.Handler.WithAttrs(attrs), a.level}
}

// WithGroup implements [slog.Handler].
func (a anchored) WithGroup(name string) slog.Handler {
	return anchored{a.Handler.WithGroup(name), a.level}
}

// bridgeRedis sends what the Redis library has to say, which it says to a
// logger of the whole process, to our log.
func bridgeRedis(log *slog.Logger) { redis.SetLogger(redisLog{log}) }

type redisLog struct{ log *slog.Logger }

// Printf has the signature that the library wants. Its lines have no level;
// all of them tell of something that went wrong.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.WarnContext(ctx, "redis library", slog.String("line", fmt.Sprintf(format, args...)))
}
